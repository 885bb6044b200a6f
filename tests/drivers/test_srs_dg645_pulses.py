"""The DG645 as a delay generator of a bench, against scripted instruments: bytes and refusals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drivers.instrument import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.roles import DelayGenerator, Pulse
from drivers.srs_dg645 import SrsDg645
from drivers.srs_dg645 import settings as dg
from drivers.transport.memory import MemoryNetwork

LAN = LinkModel(latency=0.0007, bytes_per_second=1e6)
GREETING = [
    (b"*IDN?\n", b"Stanford Research Systems,DG645,s/n008011,ver1.19.118\r\n"),
    (b"LERR?\n", b"0\r\n"),
]


def told(*commands: str) -> list[tuple[bytes, bytes]]:
    return [(f"{command}\nLERR?\n".encode(), b"0\r\n") for command in commands]


def asked(command: str, answer: str) -> tuple[bytes, bytes]:
    return f"{command}\nLERR?\n".encode(), f"{answer}\r\n0\r\n".encode()


def delays(**changed: str) -> list[tuple[bytes, bytes]]:
    """The delays of A to H, T0 and 0 s but for those given."""
    return [
        asked(f"DLAY?{number}", changed.get(name, "0,+0.000000000000"))
        for number, name in enumerate("ABCDEFGH", 2)
    ]


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, **options):
        server = script([*GREETING, *entries], closing=GREETING[0][1])
        network = MemoryNetwork()
        network.listen_tcp("dg645", 5025, server.serve)

        async def opened():
            generator = SrsDg645(
                "delay", "TCPIP::dg645::5025::SOCKET", network, link=LAN, **options
            )
            await generator.open()
            await scenario(generator)
            await generator.close()

        virtual(opened())
        server.finish()

    return _play


def test_it_fills_its_role() -> None:
    generator = SrsDg645("delay", "TCPIP::x::5025::SOCKET", MemoryNetwork(), link=LAN)
    assert isinstance(generator, DelayGenerator)
    assert generator.delays == SrsDg645.delays_with({}) == SrsDg645.delay_facts
    assert SrsDg645.delays_with({"insertion_delay": 90e-9}).insertion == 90e-9
    for bad in (-1e-9, math.nan, math.inf):
        with pytest.raises(ValueError, match="insertion_delay"):
            SrsDg645(
                "delay", "TCPIP::x::5025::SOCKET", MemoryNetwork(), link=LAN, insertion_delay=bad
            )


def test_it_is_prepared_from_whatever_it_was_left_at(play) -> None:
    """Triggers first; then levels; then channels, those first that no other is timed from."""
    rest = [f"{word} {n},{v}" for n in range(5) for word, v in (("LPOL", 1), ("LOFF", 0))]
    play(
        [
            *told("TSRC 5", "BURM 0", *rest, "ADVT 0", *(f"LAMP {n},0.5" for n in range(5))),
            *delays(A="0,+1.000000000000", B="2,+0.500000000000", D="3,-0.100000000000"),
            *told("DLAY 5,0,0.0", "DLAY 3,0,0.0", "DLAY 2,0,0.0"),
        ],
        lambda generator: generator.prepare(),
    )


def test_delays_in_a_circle_are_told(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(InstrumentError, match=r"A from B, B from A.*\*RST"):
            await generator.prepare()

    rest = [f"{word} {n},{v}" for n in range(5) for word, v in (("LPOL", 1), ("LOFF", 0))]
    first = told("TSRC 5", "BURM 0", *rest, "ADVT 0", *(f"LAMP {n},0.5" for n in range(5)))
    play([*first, *delays(A="3,+0.000000000000", B="2,+0.000000000000")], scenario)


def test_a_pulse_is_shaped_and_told(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        await generator.shape("CD", Pulse(1e-6, 2e-7, 2.5, -1.0, "negative"))
        await generator.shape("T0", Pulse(0.0, 0.0, 1.0))
        found = await generator.read_pulses()
        assert found["CD"].delay == pytest.approx(1e-6, abs=1e-15)
        assert found["CD"].width == pytest.approx(2e-7, abs=1e-15)
        assert replace(found["CD"], delay=0.0, width=0.0) == Pulse(0.0, 0.0, 2.5, -1.0, "negative")
        assert found["T0"] == Pulse(0.0, 0.0, 1.0, 0.0, "positive")

    levels = [
        asked(f"{word}?{n}", answer)
        for n, one in enumerate([("1", "+1.00", "+0.00"), *3 * [("1", "+0.50", "+0.00")]])
        for word, answer in zip(("LPOL", "LAMP", "LOFF"), one, strict=True)
    ]
    levels[6:9] = [asked("LPOL?2", "0"), asked("LAMP?2", "+2.50"), asked("LOFF?2", "-1.00")]
    levels += [asked("LPOL?4", "1"), asked("LAMP?4", "+0.50"), asked("LOFF?4", "+0.00")]
    play(
        [
            *delays(),
            *told("DLAY 4,0,1e-06", "DLAY 5,4,2e-07"),
            asked("LOFF?2", "+0.00"),
            asked("LAMP?2", "+0.50"),
            *told("LOFF 2,-1"),
            asked("LOFF?2", "-1.00"),
            *told("LAMP 2,2.5", "LPOL 2,0"),
            asked("LOFF?0", "+0.00"),
            asked("LOFF?0", "+0.00"),
            *told("LAMP 0,1"),
            asked("LAMP?0", "+1.00"),
            *told("LOFF 0,0", "LPOL 0,1"),
            *delays(C="0,+0.000001000000", D="4,+0.000000200000"),
            *levels,
        ],
        scenario,
    )


def test_edges_and_events(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        await generator.trigger_by("falling", 1.2)
        assert await generator.read_trigger() == ("external falling", 1.2)
        events = await generator.read_events()
        assert (events.triggered, events.too_soon) == (True, False)
        assert (await generator.read_events()).too_soon
        with pytest.raises(InstrumentError, match=r"INSR\?"):
            await generator.read_events()

    play(
        [
            *told("TLVL 1.2", "TSRC 2"),
            asked("TSRC?", "2"),
            asked("TLVL?", "+1.20"),
            asked("INSR?", "5"),
            asked("INSR?", "3"),
            asked("INSR?", "+1.20"),
        ],
        scenario,
    )


def test_no_byte_leaves_for_what_an_output_may_not_have(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        generator.limit_output("AB", 0.0, 2.5)
        for pulse in (
            Pulse(0.0, 1e-6, 2.6), Pulse(0.0, 1e-6, 2.5, 0.1), Pulse(0.0, 1e-6, 2.0, -0.1),
            Pulse(0.0, 1e-6, math.nan), Pulse(0.0, 1e-6, 2.0, math.inf), Pulse(-1.0, 1e-6, 2.0),
            Pulse(0.0, 2000.1, 2.0), Pulse(math.nan, 1e-6, 2.0),
        ):  # fmt: skip
            with pytest.raises(LimitError, match="delay"):
                await generator.shape("AB", pulse)
        with pytest.raises(LimitError, match=r"output AB: 2\.6 V.*0 to 2\.5 V"):
            await generator.set_level("AB", 2.6)
        with pytest.raises(LimitError, match="T0"):
            await generator.shape("T0", Pulse(1e-6, 0.0, 2.0))
        for bad in (3.6, math.nan):
            with pytest.raises(LimitError, match="trigger_level"):
                await generator.trigger_by("rising", bad)
        with pytest.raises(ValueError, match="none of"):
            generator.limit_output("A", 0.0, 1.0)
        with pytest.raises(ValueError, match="no level"):
            generator.limit_output("AB", 1.0, 0.0)

    play([], scenario)


def test_limits_are_checked_with_what_the_instrument_has(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        generator.limit_output("AB", 0.0, 3.0)
        with pytest.raises(LimitError, match=r"output AB: 3\.1 V"):
            await generator.set(dg.AMPLITUDE, 2.1, "AB")
        with pytest.raises(LimitError, match=r"output AB: -0\.5 V"):
            await generator.set(dg.OFFSET, -0.5, "AB")

    play([asked("LOFF?1", "+1.00"), asked("LAMP?1", "+2.00")], scenario)
