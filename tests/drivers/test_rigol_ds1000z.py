"""The DS1000Z driver against scripted oscilloscopes: exact bytes, formulas, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError, TriggerTimeout
from drivers.link_model import LinkModel
from drivers.rigol_ds1000z import Preamble, RigolDs1000z
from drivers.rigol_ds1000z.waveform import DEPTHS, DIVISIONS, FASTEST, rates_near, timings
from drivers.roles import Readout
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import Script, run

LAN = LinkModel(latency=1e-3, bytes_per_second=1e7)
RESOURCE = "TCPIP::scope::5555::SOCKET"
OK = b'0,"No error"\n'
ASK = b"SYST:ERR?\n"
FOUR = b"RIGOL TECHNOLOGIES,DS1104Z,DS1ZA171812345,00.04.04.SP3\n"
TWO = b"RIGOL TECHNOLOGIES,DS1202Z-E,DS1ZE000000001,00.06.02\n"
SOURCE = b"RIGOL TECHNOLOGIES,MSO1104Z-S,DS1ZD000000001,00.04.05.SP2\n"


def told(*messages: bytes) -> list:
    """Messages without an answer, each followed by the question for the error queue."""
    return [(message + b"\n" + ASK, OK) for message in messages]


def asked(message: bytes, reply: bytes) -> tuple:
    return (message + b"\n" + ASK, reply + b"\n" + OK)


def prepared(channels: int = 2) -> list:
    """What sets up one input at 1 MSa/s on EXT: 12000 points, 1 ms/div."""
    return [
        *told(b"CHAN1:DISP ON", *(b"CHAN%d:DISP OFF" % n for n in range(2, channels + 1))),
        *told(
            b"CHAN1:PROB 10", b"CHAN1:SCAL 0.5", b"CHAN1:OFFS -1", b"CHAN1:INV OFF",
            b"CHAN1:COUP DC", b"TIM:MODE MAIN", b"TIM:MAIN:SCAL 0.001", b"TIM:MAIN:OFFS 0.005",
            b"ACQ:TYPE NORM", b"TRIG:MODE EDGE", b"TRIG:EDGE:SOUR EXT", b"TRIG:EDGE:SLOP POS",
            b"TRIG:EDGE:LEV 1", b"TRIG:COUP DC", b"TRIG:SWE NORM", b"RUN", b"ACQ:MDEP 12000",
            b"WAV:MODE RAW", b"WAV:FORM BYTE",
        ),
        asked(b"CHAN1:SCAL?", b"5.000000e-01"),
        asked(b"CHAN1:OFFS?", b"-1.000000e+00"),
        asked(b"TIM:MAIN:SCAL?", b"1.000000e-03"),
        asked(b"ACQ:SRAT?", b"1.000000e+06"),
        asked(b"TRIG:EDGE:LEV?", b"1.000000e+00"),
        asked(b"ACQ:MDEP?", b"12000"),
    ]  # fmt: skip


ARMED = [
    *told(b"SING"), asked(b"TRIG:STAT?", b"STOP"), asked(b"TRIG:STAT?", b"RUN"),
    asked(b"TRIG:STAT?", b"WAIT"),
]  # fmt: skip
DONE = [asked(b"TRIG:STAT?", b"WAIT"), asked(b"TRIG:STAT?", b"TD"), asked(b"TRIG:STAT?", b"STOP")]
PREAMBLE = b"0,2,12000,1,1.000000e-06,-1.000000e-03,0,2.000000e-02,-50,127"


def read(first: int, last: int, codes: bytes, preamble: bytes = PREAMBLE) -> list:
    return [
        *told(b"WAV:SOUR CHAN1"),
        asked(b"WAV:PRE?", preamble),
        *told(b"WAV:STAR %d" % first, b"WAV:STOP %d" % last),
        asked(b"WAV:DATA?", b"#9%09d" % len(codes) + codes),
    ]


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, idn: bytes = TWO, **options):
        server = script([(b"*IDN?\n", idn), (ASK, OK), *entries], closing=idn)
        network = MemoryNetwork()
        network.listen(RESOURCE, server.serve)
        given_options = {
            "inputs": (1,), "scale": 0.5, "offset": -1.0, "probe": 10.0, "trigger_source": "EXT",
            **options,
        }  # fmt: skip

        async def whole():
            async with RigolDs1000z(
                "scope", RESOURCE, network, link=LAN, **given_options
            ) as instrument:
                result = await scenario(instrument)
            await network.close()
            return result

        result = virtual(whole())
        server.finish()
        return result

    return _play


def test_a_frame_byte_for_byte(play) -> None:
    codes = bytes([127, 77, 0, 10, 255, 0x0A, 0x23])  # line ends and # are data

    async def scenario(scope):
        assert isinstance(scope, Readout)
        await scope.arm(1000)
        return await scope.fetch(5, 7)

    volts = play([*prepared(), *ARMED, *DONE, *read(1006, 1012, codes)], scenario)
    # (code - yorigin - yreference) * yincrement, the trigger at point 1000 (from 0)
    assert volts[:, 0] == pytest.approx([1.0, 0.0, -1.54, -1.34, 3.56, -1.34, -0.84])


def test_what_is_set_up_is_not_set_again(play) -> None:
    async def scenario(scope):
        for _ in range(2):
            await scope.arm(1000)
            await scope.fetch(0, 1)

    frame = [*ARMED, *DONE, *read(1001, 1001, b"\x7f")]
    play([*prepared(), *frame, *frame], scenario)


def test_long_windows_are_read_in_pieces(play) -> None:
    data = np.arange(250_007, dtype=np.uint8).tobytes()
    preamble = b"0,2,1200000,1,1.000000e-06,-1.000000e-01,0,2.000000e-02,-50,127"
    setup = [
        (a.replace(b"MDEP 12000", b"MDEP 1200000").replace(b"SCAL 0.001", b"SCAL 0.1")
          .replace(b"MAIN:OFFS 0.005", b"MAIN:OFFS 0.5"),
         b.replace(b"12000\n", b"1200000\n").replace(b"1.000000e-03", b"1.000000e-01"))
        for a, b in prepared()
    ]  # fmt: skip
    pieces = [
        *told(b"WAV:STAR 100001", b"WAV:STOP 350000"),
        asked(b"WAV:DATA?", b"#9000250000" + data[:250_000]),
        *told(b"WAV:STAR 350001", b"WAV:STOP 350007"),
        asked(b"WAV:DATA?", b"#9000000007" + data[250_000:]),
    ]

    async def scenario(scope):
        await scope.arm(500_000)
        return await scope.fetch(0, 250_007)

    head = [*told(b"WAV:SOUR CHAN1"), asked(b"WAV:PRE?", preamble)]
    volts = play([*setup, *ARMED, *DONE, *head, *pieces], scenario)
    codes = np.frombuffer(data, dtype=np.uint8).astype(float)
    assert volts[:, 0] == pytest.approx((codes + 50 - 127) * 0.02)


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        ([*told(b"WAV:SOUR CHAN1"), asked(b"WAV:PRE?", b"0,2,12000,1,1e-06,-1e-03,0,2e-02,-50")],
         "10 fields"),
        ([*told(b"WAV:SOUR CHAN1"), asked(b"WAV:PRE?", PREAMBLE.replace(b"0,2,", b"1,2,"))],
         "bytes of the memory"),
        ([*told(b"WAV:SOUR CHAN1"), asked(b"WAV:PRE?", PREAMBLE.replace(b"e-06", b"e-05"))],
         "points should be 1e-06 s apart"),
        ([*told(b"WAV:SOUR CHAN1"), asked(b"WAV:PRE?", PREAMBLE.replace(b"12000", b"1004"))],
         "time base"),
        (read(1006, 1012, b"123456"), "6 bytes for 7 points"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_are_typed_errors(play, entries, match: str) -> None:
    async def scenario(scope):
        await scope.arm(1000)
        with pytest.raises(InstrumentError, match=match):
            await scope.fetch(5, 7)
        assert scope._link.doubtful
        with pytest.raises(InstrumentError, match="not armed"):
            await scope.fetch(5, 7)

    play([*prepared(), *ARMED, *DONE, *entries], scenario)


def test_what_it_has_adjusted_is_told(play) -> None:
    entries = [
        (a, b.replace(b"-1.000000e+00", b"-8.000000e-01")) for a, b in prepared()
    ][: -4]  # fmt: skip

    async def scenario(scope):
        with pytest.raises(InstrumentError, match=r"CHAN1:OFFS\?.*-0.8.*-1 was set"):
            await scope.arm(1000)

    play(entries, scenario)


def test_a_trigger_that_is_never_awaited(play) -> None:
    async def scenario(scope):
        with pytest.raises(InstrumentError, match="hold the trigger back"):
            await scope.arm(1000)

    stopped = [asked(b"TRIG:STAT?", b"STOP")]
    play([*prepared(), *told(b"SING"), *stopped * 11], scenario, trigger_timeout=0.01)


def test_a_single_acquisition_that_was_over_too_soon_is_started_again(play) -> None:
    async def scenario(scope):
        await scope.arm(1000)

    stopped = [asked(b"TRIG:STAT?", b"STOP")] * 200
    again = [*told(b"SING"), asked(b"TRIG:STAT?", b"TD")]
    play([*prepared(), *told(b"SING"), *stopped, *again], scenario)


def test_no_trigger(play) -> None:
    async def scenario(scope):
        await scope.arm(1000)
        with pytest.raises(TriggerTimeout, match="reaches EXT"):
            await scope.fetch(0, 10)

    waits = [asked(b"TRIG:STAT?", b"WAIT")]
    play([*prepared(), *ARMED, *waits * 21], scenario, trigger_timeout=0.02)


def test_off_stops_and_only_a_generator_is_switched_off(play) -> None:
    async def scenario(scope):
        await scope.off()

    play(told(b"STOP"), scenario)
    play(
        told(b"STOP", b"SOUR1:OUTP1 OFF", b"SOUR2:OUTP2 OFF"), scenario, idn=SOURCE,
        trigger_source="CHAN4",
    )  # fmt: skip


def test_models(play) -> None:
    async def external(scope):
        with pytest.raises(InstrumentError, match="let a channel trigger"):
            await scope.arm(10)

    play([], external, idn=FOUR)

    async def third(scope):
        assert scope.channels == (1, 2)
        with pytest.raises(InstrumentError, match="no such input"):
            await scope.arm(10)

    play([], third, inputs=(3,), sample_rate=1e6)
    with pytest.raises(IdentityError, match="DHO804"):
        play([], third, idn=b"RIGOL TECHNOLOGIES,DHO804,DHO8A254100001,00.01.02\n")


def test_limits_before_a_byte_leaves() -> None:
    def made(**options):
        return RigolDs1000z("scope", RESOURCE, MemoryNetwork(), link=LAN, **options)

    for options, match in (
        ({"scale": 1e5}, "scale"), ({"offset": float("nan")}, "offset"),
        ({"sample_rate": 3e6}, "2.5e.06 or 5e.06"), ({"trigger_level": float("inf")}, "level"),
        ({"sample_rate": 1e9, "inputs": (1,)}, "with 2 channels in use"),
    ):  # fmt: skip
        with pytest.raises(LimitError, match=match):
            made(**{"trigger_source": "CHAN4", "sample_rate": 1.25e6, **options})
    for options in (
        {"inputs": ()}, {"inputs": (1, 1)}, {"inputs": (5,)}, {"coupling": "DCR"},
        {"trigger_slope": "UP"}, {"trigger_source": "LINE"}, {"scale": (0.1,)},
        {"trigger_timeout": 0.0}, {"sample_rate": -1.0},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="scope"):
            made(**{"sample_rate": 1.25e6, **options})
    scope = made(inputs=(1, 2), scale=(0.1, 0.2), offset=(0.0, -0.3), trigger_source="EXT")
    assert scope.full_scale == pytest.approx([0.4, 0.5])
    assert scope.resolution == pytest.approx(1.6 / 256)
    assert scope.mode == "homodyne"
    assert scope.max_points == 12_000_000 * 11 // 12 - 1
    assert scope.planned_fetch(1000) > 2 * scope.link.cost(0, 1000)


@pytest.mark.parametrize(
    ("text", "code", "volts", "trigger"),
    [
        # Rigol's guide; the ds1054z driver's notes; pymeasure's test of the DHO line.
        ("0,2,6000000,1,1.000000e-09,-3.000000e-03,0,4.132813e-01,0,122", 122, 0.0, 3_000_000),
        ("0,0,1200,1,2.000000e-05,-1.456000e-02,0,4.000000e-02,-75,127", 52, 0.0, 728),
        ("0,1,1000,1,4.0E-7,-2.0E-4,0,1.6E-3,-87,128", 41, 0.0, 500),
    ],
)
def test_preambles_of_the_guides(text: str, code: int, volts: float, trigger: int) -> None:
    preamble = Preamble.parse(text)
    assert preamble.volts(np.array([code], dtype=np.uint8)) == pytest.approx([volts])
    one_up = preamble.volts(np.array([code + 1], dtype=np.uint8))
    assert one_up == pytest.approx([volts + preamble.yincrement])
    assert preamble.trigger == trigger


@given(st.one_of(st.text(max_size=80), st.text("0123456789.,e+-na", max_size=80)))
def test_any_text_is_a_preamble_or_a_value_error(text: str) -> None:
    try:
        preamble = Preamble.parse(text)
    except ValueError:
        return
    assert preamble.xincrement > 0.0
    assert preamble.points >= 0


@given(
    st.tuples(*(st.integers(0, 3),) * 4),
    st.tuples(*(st.floats(-1e3, 1e3),) * 3),
    st.tuples(*(st.floats(1e-12, 1e3),) * 2),
)  # fmt: skip
def test_preambles_are_read_as_they_are_written(whole, reals, steps) -> None:
    xorigin, yorigin, yreference = reals
    fields = (*whole, steps[0], xorigin, 0.0, steps[1], yorigin, yreference)
    preamble = Preamble.parse(",".join(map(repr, fields)))
    assert preamble == Preamble(*fields)


@given(st.integers(1, 4), st.floats(1.0, 1e9))
def test_rates_that_are_named_can_be_had(channels: int, rate: float) -> None:
    near = rates_near(rate, channels)
    for one in near:
        for timing in timings(one, channels):
            assert timing.depth in DEPTHS[channels]
            assert timing.depth / (DIVISIONS * timing.scale) == pytest.approx(one)
        assert timings(one, channels)
        assert one <= FASTEST[channels] * (1 + 1e-9)


@given(st.binary(max_size=60))
def test_any_answer_for_the_data_is_volts_or_a_typed_error(reply: bytes) -> None:
    async def whole() -> None:
        network = MemoryNetwork()
        entries = [*prepared(), *ARMED, *DONE, *read(1001, 1004, b"1234")[:-1]]
        server = Script(
            [(b"*IDN?\n", TWO), (ASK, OK), *entries, (b"WAV:DATA?\n" + ASK, reply)], closing=TWO
        )
        network.listen(RESOURCE, server.serve)
        scope = RigolDs1000z(
            "scope", RESOURCE, network, link=LAN, inputs=(1,), scale=0.5, offset=-1.0, probe=10.0,
            trigger_source="EXT", timeout=0.1,
        )  # fmt: skip
        async with scope:
            await scope.arm(1000)
            try:
                volts = await scope.fetch(0, 4)
            except (InstrumentError, LinkError):
                return
            assert volts.shape == (4, 1)
        await network.close()

    run(whole())
