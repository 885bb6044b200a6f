"""The DG645 driver against scripted instruments: bytes of the sheet, limits, errors, lateness."""

from __future__ import annotations

import asyncio
import contextlib
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.instrument import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.srs_dg645 import CHANNELS, OUTPUTS, QUANTITIES, SrsDg645
from drivers.srs_dg645 import settings as dg
from drivers.srs_dg645.delays import times
from drivers.srs_dg645.settings import parse, parse_number, setting
from drivers.transport.link import LinkError, LinkTimeout
from drivers.transport.memory import MemoryNetwork

LAN = LinkModel(latency=0.0007, bytes_per_second=1e6)
IDENTITY = b"Stanford Research Systems,DG645,s/n008011,ver1.19.118\r\n"
GREETING = [(b"*IDN?\n", IDENTITY), (b"LERR?\n", b"0\r\n")]


def told(command: str, code: int = 0) -> list[tuple[bytes, bytes]]:
    """A setting, and what the question for errors behind it is answered."""
    said = [(f"{command}\nLERR?\n".encode(), f"{code}\r\n".encode())]
    return said + ([(b"LERR?\n", b"0\r\n")] if code else [])


def asked(command: str, answer: str) -> tuple[bytes, bytes]:
    return f"{command}\nLERR?\n".encode(), f"{answer}\r\n0\r\n".encode()


def delays_asked(**changed: str) -> list[tuple[bytes, bytes]]:
    """The eight delays, T0 and 0 s but for those given."""
    return [
        asked(f"DLAY?{CHANNELS.index(name)}", changed.get(name, "0,+0.000000000000"))
        for name in CHANNELS[2:]
    ]


def driver(network: MemoryNetwork, **options) -> SrsDg645:
    return SrsDg645("delay", "TCPIP::dg645::5025::SOCKET", network, link=LAN, **options)


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, **options):
        server = script([*GREETING, *entries], closing=IDENTITY)
        network = MemoryNetwork()
        network.listen_tcp("dg645", 5025, server.serve)

        async def opened():
            generator = driver(network, **options)
            await generator.open()
            result = await scenario(generator)
            await generator.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_opening_identifies_and_reads_old_errors(virtual, script, caplog) -> None:
    server = script(
        [GREETING[0], (b"LERR?\n", b"111\r\n"), (b"LERR?\n", b"10\r\n"), (b"LERR?\n", b"0\r\n")],
        closing=IDENTITY,
    )
    network = MemoryNetwork()
    network.listen_tcp("dg645", 5025, server.serve)
    generator = driver(network, expect={"model": "DG645", "serial": "008011"})
    virtual(generator.open())
    server.finish()
    assert generator.identity is not None
    assert generator.identity.firmware == "1.19.118"
    assert "[111, 10]" in caplog.text


def test_the_first_question_after_power_up_may_be_lost(virtual, script) -> None:
    server = script([(b"*IDN?\n", None), *GREETING], closing=IDENTITY)
    network = MemoryNetwork()
    network.listen_tcp("dg645", 5025, server.serve)
    virtual(driver(network).open())
    server.finish()


def test_another_instrument_is_refused(virtual, script) -> None:
    server = script([(b"*IDN?\n", b"Stanford Research Systems,DG535,s/n1,ver1\r\n")])
    network = MemoryNetwork()
    network.listen_tcp("dg645", 5025, server.serve)
    with pytest.raises(IdentityError, match="DG535"):
        virtual(driver(network).open())


def test_bytes_of_the_sheet(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        await generator.set_delay("B", "A", 10e-9)
        assert await generator.read_delay("B") == ("A", pytest.approx(10e-9))
        assert await generator.get(dg.AMPLITUDE, "AB") == 3.2
        assert await generator.get(dg.POLARITY, "AB") == "positive"
        assert await generator.get(dg.TRIGGER_RATE) == 1000.0
        assert await generator.get(dg.HOLDOFF) == pytest.approx(1.001e-3)
        assert await generator.get(dg.BURST_COUNT) == 10
        assert await generator.get(dg.BURST_PERIOD) == pytest.approx(100e-9)
        await generator.set(dg.TRIGGER_SOURCE, "external falling")
        await generator.set(dg.TRIGGER_RATE, 10000.0)
        await generator.set(dg.BURST, True)
        await generator.set(dg.POLARITY, "negative", "AB")

    play(
        [
            *delays_asked(),
            *told("DLAY 3,2,1e-08"),
            asked("DLAY?3", "2,+0.000000010000"),
            asked("LAMP?1", "+3.20"),
            asked("LPOL?1", "1"),
            asked("TRAT?", "+1000.000000"),
            asked("HOLD?", "+0.001001000000"),
            asked("BURC?", "10"),
            asked("BURP?", "100E-9"),
            *told("TSRC 2"),
            *told("TRAT 10000"),
            *told("BURM 1"),
            *told("LPOL 1,0"),
        ],
        scenario,
    )


def test_a_delay_is_set_in_parts(play) -> None:
    """Each part with the other as the instrument has it, checked against all channels."""

    async def scenario(generator: SrsDg645) -> None:
        assert await generator.get(dg.DELAY_FROM, "B") == "A"
        assert await generator.get(dg.DELAY, "B") == pytest.approx(1e-8)
        await generator.set(dg.DELAY, 2e-8, "B")
        await generator.set(dg.DELAY_FROM, "T0", "B")
        with pytest.raises(ValueError, match="B would be timed from each other"):
            await generator.set(dg.DELAY_FROM, "B", "B")
        for quantity, value in ((dg.DELAY, 2001.0), (dg.DELAY, math.nan), (dg.DELAY_FROM, "T1")):
            with pytest.raises(ValueError):  # noqa: PT011  a limit, a number, a word
                await generator.set(quantity, value, "B")
        with pytest.raises(ValueError, match="none of A, B"):
            await generator.set(dg.DELAY, 0.0, "AB")

    now = "2,+0.000000010000"
    before = [asked("DLAY?3", now), *delays_asked(B=now)]
    play(
        [
            asked("DLAY?3", now), asked("DLAY?3", now),
            *before, *told("DLAY 3,2,2e-08"), *before, *told("DLAY 3,0,1e-08"), *before,
        ],
        scenario,
    )  # fmt: skip


def test_a_pulse_is_two_delays_checked_before_either_is_sent(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        await generator.pulse("CD", 1e-6, 250e-9)
        with pytest.raises(LimitError, match=r"channel E: 2000\.001 s"):
            await generator.pulse("CD", 1e-3, 1e-9)

    entries = [*delays_asked(), *told("DLAY 4,0,1e-06"), *told("DLAY 5,4,2.5e-07")]
    play([*entries, *delays_asked(E="4,+2000.000000000000")], scenario)


def test_channels_that_refer_to_each_other_are_refused(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(ValueError, match="A, C, B would be timed from each other"):
            await generator.set_delay("A", "C", 1e-9)
        with pytest.raises(LimitError, match="channel C: -1e-09"):
            await generator.set_delay("A", "T0", 0.0)

    chained = {"B": "2,+0.000000001000", "C": "3,-0.000000002000", "A": "0,+0.000000001000"}
    play(delays_asked(**chained) + delays_asked(**chained), scenario)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 2000.1, -2000.1])
def test_no_byte_leaves_for_a_bad_delay(play, bad: float) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(LimitError, match="channel A"):
            await generator.set_delay("A", "T0", bad)
        with pytest.raises(LimitError, match="channel B"):
            await generator.pulse("AB", 0.0, bad)
        with pytest.raises(LimitError, match="channel A"):
            await generator.pulse("AB", -1e-9, 1e-9)

    play([], scenario)


def test_no_byte_leaves_for_other_nonsense(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        for channel, reference in (("T0", "A"), ("T1", "A"), ("I", "A"), ("A", "T1"), ("A", "x")):
            with pytest.raises(ValueError, match="delay"):
                await generator.set_delay(channel, reference, 0.0)
        for quantity, value, output in (
            (dg.TRIGGER_RATE, 0.0, ""), (dg.TRIGGER_LEVEL, 3.6, ""), (dg.BURST_PERIOD, 99e-9, ""),
            (dg.AMPLITUDE, 0.4, "AB"), (dg.AMPLITUDE, 5.1, "AB"), (dg.OFFSET, math.nan, "AB"),
        ):  # fmt: skip
            with pytest.raises(LimitError, match=quantity.name):
                await generator.set(quantity, value, output)
        for quantity, value, output in (
            (dg.TRIGGER_SOURCE, "soon", ""), (dg.AMPLITUDE, 1.0, ""), (dg.AMPLITUDE, 1.0, "A"),
            (dg.TRIGGER_RATE, 1.0, "AB"), (dg.PRESCALE, 2, "T0"), (dg.BURST_COUNT, 1.5, ""),
        ):  # fmt: skip
            with pytest.raises(ValueError, match="delay"):
                await generator.set(quantity, value, output)
        with pytest.raises(LimitError, match="amplitude and offset"):
            await generator.set_level("AB", 4.0, 1.5)

    play([], scenario)


def test_levels_are_checked_together(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(LimitError, match=r"output AB: 5\.5 V"):
            await generator.set(dg.AMPLITUDE, 4.0, "AB")
        await generator.set(dg.OFFSET, -1.0, "EF")
        await generator.set_level("GH", 4.5, 0.5)

    play(
        [
            asked("LOFF?1", "+1.50"),
            asked("LAMP?3", "+2.50"),
            *told("LOFF 3,-1"),
            asked("LOFF?4", "+1.50"),  # down: the offset first, or 6 V would come in between
            asked("LAMP?4", "+2.50"),
            *told("LOFF 4,0.5"),
            asked("LOFF?4", "+0.50"),
            *told("LAMP 4,4.5"),
        ],
        scenario,
    )


def test_errors_name_command_code_and_meaning(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(InstrumentError, match=r"TRAT 10.*13 \(illegal link\)"):
            await generator.set(dg.TRIGGER_RATE, 10.0)
        assert not generator._link.doubtful

    play(told("TRAT 10", 13), scenario)


def test_a_query_that_is_refused(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(InstrumentError, match=r"PRES\?1.*111 \(undefined command\)"):
            await generator.get(dg.PRESCALE, "AB")

    play([(b"PRES?1\nLERR?\n", b"111\r\n")], scenario)


def test_arm_and_fire(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        await generator.arm()
        await generator.fire()
        with pytest.raises(InstrumentError, match="arm"):
            await generator.fire()
        await generator.burst(10, 1e-6)

    play(
        [
            *told("TSRC 5"),
            asked("TSRC?", "5"),
            *told("*TRG"),
            asked("TSRC?", "0"),
            *told("BURC 10"),
            *told("BURP 1e-06"),
            *told("BURD 0"),
            *told("BURM 1"),
        ],
        scenario,
    )


def test_off_stops_triggers_first_and_rests_at_zero(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        await generator.off()

    levels = [entry for n in range(5) for entry in told(f"LPOL {n},1") + told(f"LOFF {n},0")]
    play([*told("TSRC 5"), *told("BURM 0"), *levels], scenario)


def test_off_is_sent_even_where_nothing_answers(play) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(LinkTimeout):
            await generator.off()
        await asyncio.sleep(0)

    play([(b"TSRC 5\nLERR?\n", None), (b"TSRC 5\nBURM 0\n", None)], scenario)


def test_a_late_reply_never_answers_the_next_question(play) -> None:
    async def late(writer) -> None:
        await asyncio.sleep(2.5)
        writer.write(b"+7.000000\r\n0\r\n")

    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(LinkTimeout):
            await generator.get(dg.TRIGGER_RATE)
        assert await generator.get(dg.TRIGGER_RATE) == 10.0

    play(
        [(b"TRAT?\nLERR?\n", late), (b"*IDN?\n", IDENTITY), asked("TRAT?", "+10.000000")], scenario
    )


@pytest.mark.parametrize(
    "answer", [b"\r\n0\r\n", b"0\r\n0\r\n", b"nan\r\n0\r\n", b"1e999\r\n0\r\n", b"+1.0\r\n+1.0\r\n"]
)
def test_what_cannot_be_read_is_an_error(play, answer: bytes) -> None:
    async def scenario(generator: SrsDg645) -> None:
        with pytest.raises(InstrumentError):
            await generator.get(dg.TRIGGER_RATE)
        assert generator._link.doubtful

    play([(b"TRAT?\nLERR?\n", answer)], scenario)


def test_chains() -> None:
    chain = {"A": ("T0", 1.0), "B": ("A", 0.5), "C": ("H", -0.25), "H": ("B", 1.0)}
    assert times(chain) == {"T0": 0.0, "A": 1.0, "B": 1.5, "H": 2.5, "C": 2.25}
    with pytest.raises(ValueError, match="each other"):
        times({"A": ("B", 1.0), "B": ("C", 1.0), "C": ("A", 1.0)})
    with pytest.raises(ValueError, match="each other"):
        times({"A": ("A", 1.0)})


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_what_is_spelled_reads_back(quantity) -> None:
    values = quantity.choices or ((True, False) if quantity.kind is bool else ())
    for value in values or (quantity.low, quantity.high):
        text = setting(quantity, value, "1").replace(",", " ").split()[-1]
        assert parse(quantity, f"{value:+.12f}" if quantity.kind is float else text) == value


@given(st.text(max_size=20))
def test_any_answer_is_read_or_refused(text: str) -> None:
    for quantity in QUANTITIES:
        try:
            value = parse(quantity, text)
        except ValueError:
            continue
        assert not isinstance(value, float) or math.isfinite(value)
    with contextlib.suppress(ValueError):
        assert math.isfinite(parse_number(text))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=40))
def test_any_bytes_end_in_a_value_or_a_typed_error(virtual, answer: bytes) -> None:
    async def instrument(reader: asyncio.StreamReader, writer) -> None:
        answers = dict(GREETING)
        greeted = 0
        while line := await reader.readline():
            if greeted < 2:
                greeted += 1
                writer.write(answers[line])
            elif line == b"*IDN?\n":
                writer.write(IDENTITY)
            else:
                writer.write(answer)

    network = MemoryNetwork()
    network.listen_tcp("dg645", 5025, instrument)

    async def scenario() -> None:
        generator = driver(network)
        await generator.open()
        began = asyncio.get_running_loop().time()
        for quantity, output in ((dg.TRIGGER_RATE, ""), (dg.POLARITY, "AB"), (dg.BURST, "")):
            try:
                value = await generator.get(quantity, output)
            except (InstrumentError, LinkError):
                continue
            assert isinstance(value, float | str | bool)
        assert asyncio.get_running_loop().time() - began < 30.0
        await generator.close()
        await network.close()

    virtual(scenario())


def test_names() -> None:
    assert CHANNELS.index("H") == 9
    assert OUTPUTS.index("GH") == 4
