"""The InfiniiVision driver against scripted oscilloscopes: exact bytes, formulas, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError, TriggerTimeout
from drivers.keysight_infiniivision import KeysightInfiniivision, Preamble
from drivers.keysight_infiniivision.waveform import after, record_points
from drivers.link_model import LinkModel
from drivers.roles import Readout
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import Script, run

LAN = LinkModel(latency=1e-3, bytes_per_second=1e7)
RESOURCE = "TCPIP::scope::5025::SOCKET"
OK = b'+0,"No error"\n'
ASK = b"SYST:ERR?\n"
TWO = b"KEYSIGHT TECHNOLOGIES,DSOX1102A,CN57096441,01.20.2019061038\n"
WAVEGEN = b"KEYSIGHT TECHNOLOGIES,DSOX1102G,CN57096442,01.20.2019061038\n"
FOUR = b"AGILENT TECHNOLOGIES,DSO-X 2024A,MY58104655,02.65.2021030741\n"


def told(*messages: bytes) -> list:
    """Messages without an answer, each followed by the question for the error queue."""
    return [(message + b"\n" + ASK, OK) for message in messages]


def asked(message: bytes, reply: bytes) -> tuple:
    return (message + b"\n" + ASK, reply + b"\n" + OK)


def prepared(
    mode: bytes = b"ACQ:MODE RTIM;:ACQ:TYPE NORM", form: bytes = b"BYTE", record: bytes = b"1000",
    span: bytes = b"0.001", shown: bytes = b"+1.00000E-03", other: bytes = b"CHAN2:DISP OFF",
) -> list:  # fmt: skip
    """What sets up one input at 1 MSa/s on EXT: 1000 points in 1 ms."""
    return [
        *told(
            b"STOP",
            b"CHAN1:DISP ON;:" + other,
            b"CHAN1:PROB 10;:CHAN1:COUP DC;:CHAN1:INV OFF;:CHAN1:SCAL 0.5;:CHAN1:OFFS -1",
            b"TIM:MODE MAIN;:TIM:REF LEFT;:TIM:POS 0;:TIM:RANG " + span,
            mode,
            b"TRIG:MODE EDGE;:TRIG:EDGE:SOUR EXT;:TRIG:EDGE:SLOP NEG;:TRIG:EDGE:LEV 1.5"
            b";:TRIG:EDGE:COUP DC;:TRIG:SWE NORM",
            b"WAV:FORM %b;:WAV:UNS ON;:WAV:BYT LSBF;:WAV:POIN:MODE RAW;:WAV:POIN %b"
            % (form, record),
        ),
        asked(b"CHAN1:SCAL?", b"+500E-03"),
        asked(b"CHAN1:OFFS?", b"-1.00000E+00"),
        asked(b"TIM:RANG?", shown),
        asked(b"TRIG:EDGE:LEV?", b"+1.50E+00"),
    ]


ARMED = [asked(b"AER?", b"+1"), *told(b"SING"), asked(b"AER?", b"+0"), asked(b"AER?", b"+1")]
DONE = [asked(b"OPER:COND?", b"+40"), asked(b"OPER:COND?", b"+8"), asked(b"OPER:COND?", b"+0")]
PREAMBLE = b"+0,+0,+1000,+1,+1.00000000E-006,-1.00000000E-004,+0,+1.5625E-002,-1.0000E+000,+128"


def read(data: bytes, preamble: bytes = PREAMBLE) -> tuple:
    return asked(b"WAV:SOUR CHAN1;:WAV:PRE?;:WAV:DATA?", preamble + b";#8%08d" % len(data) + data)


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, idn: bytes = TWO, **options):
        server = script([(b"*IDN?\n", idn), (ASK, OK), *entries], closing=idn)
        network = MemoryNetwork()
        network.listen(RESOURCE, server.serve)
        given_options = {
            "inputs": (1,), "scale": 0.5, "offset": -1.0, "probe": 10.0, "trigger_slope": "NEG",
            "trigger_level": 1.5, **options,
        }  # fmt: skip

        async def whole():
            scope = KeysightInfiniivision("scope", RESOURCE, network, link=LAN, **given_options)
            async with scope:
                result = await scenario(scope)
            await network.close()
            return result

        result = virtual(whole())
        server.finish()
        return result

    return _play


def test_a_frame_byte_for_byte(play) -> None:
    data = bytearray(b"\x80" * 1000)
    data[100:106] = bytes([128, 192, 1, 255, 0x0A, 0x3B])  # line ends and ; are data

    async def scenario(scope):
        assert isinstance(scope, Readout)
        await scope.arm(800)
        return await scope.fetch(0, 7)

    volts = play([*prepared(), *ARMED, *DONE, read(bytes(data))], scenario)
    # (code - yreference) * yincrement + yorigin, the trigger at point 100 (from 0)
    step = 1.5625e-2
    wanted = [-1.0, 0.0, -127 * step - 1, 127 * step - 1, -118 * step - 1, -69 * step - 1, -1.0]
    assert volts[:, 0] == pytest.approx(wanted)


def test_words_of_high_resolution(play) -> None:
    codes = np.full(500, 0x8000, dtype="<u2")
    codes[50:53] = (0x8010, 0x0001, 0xFFFF)
    preamble = b"+1,+3,+500,+1,+1.0E-006,-5.0E-005,+0,+6.103515625E-005,-1.0E+000,+32768"

    async def scenario(scope):
        await scope.arm(400)
        return await scope.fetch(0, 3)

    setup = prepared(b"ACQ:MODE RTIM;:ACQ:TYPE HRES", b"WORD", b"500", b"0.0005", b"+500.000E-06")
    volts = play([*setup, *ARMED, *DONE, read(codes.tobytes(), preamble)], scenario, acquire="HRES")
    assert volts[:, 0] == pytest.approx([16 / 16384 - 1, -32767 / 16384 - 1, 32767 / 16384 - 1])


def test_segments_byte_for_byte(play) -> None:
    tags = (b"+0.0E+000", b"+1.00000000E-003", b"+4.20000000E-003")

    async def scenario(scope):
        await scope.arm_segments(80, 3)
        return await scope.fetch_segments(0, 2)

    mode = b"ACQ:MODE RTIM;:ACQ:TYPE NORM;:ACQ:MODE SEGM;:ACQ:SEGM:COUN 3"
    setup = prepared(mode, record=b"100", span=b"0.0001", shown=b"+1.00E-04")
    entries = [*setup, *ARMED, *DONE]
    preamble = PREAMBLE.replace(b"+1000", b"+100").replace(b"-1.00000000E-004", b"-1.0E-005")
    for at, tag in enumerate(tags):
        entries.append(asked(b"ACQ:SEGM:IND %d;:WAV:SEGM:TTAG?" % (at + 1), tag))
        entries.append(read(bytes([128 + 64 * (at == 2)]) * 100, preamble))
    times, volts = play(entries, scenario)
    assert times == pytest.approx([0.0, 1e-3, 4.2e-3])
    assert volts[:, :, 0] == pytest.approx(np.array([[-1.0, -1.0], [-1.0, -1.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (read(b"\x80" * 1000, PREAMBLE[:-5]), "10 fields"),
        (read(b"\x80" * 999), "999 bytes came for 1000 points of 1"),
        (read(b"\x80" * 2000, PREAMBLE.replace(b"+0,+0,", b"+1,+0,")), "settings have changed"),
        (read(b"\x80" * 1000, PREAMBLE.replace(b"E-006", b"E-005")), "1e-06 s apart"),
        (read(b"\x80" * 1000, PREAMBLE.replace(b"-1.00000000E-004", b"+1.0E-03")), "time base"),
        (read(b"\x80" * 999 + b"\x00"), "holes"),
        (read(b"\x80" * 500, PREAMBLE.replace(b"+1000", b"+500")), "time base"),
        (read(b"\x80" * 1000, PREAMBLE.replace(b"+0,+0,", b"+4,+0,")), "neither bytes nor words"),
        (asked(b"WAV:SOUR CHAN1;:WAV:PRE?;:WAV:DATA?", PREAMBLE), "1 answers of 2"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_are_typed_errors(play, entry, match: str) -> None:
    async def scenario(scope):
        await scope.arm(800)
        with pytest.raises(InstrumentError, match=match):
            await scope.fetch(500, 7)
        assert scope._link.doubtful
        with pytest.raises(InstrumentError, match="not armed"):
            await scope.fetch(5, 7)

    play([*prepared(), *ARMED, *DONE, entry], scenario)


def test_what_it_has_adjusted_is_told(play) -> None:
    entries = [(a, b.replace(b"-1.00000E+00", b"-8.00E-01")) for a, b in prepared()][:-2]

    async def scenario(scope):
        with pytest.raises(InstrumentError, match=r"CHAN1:OFFS\?.*-0.8.*-1 was set"):
            await scope.arm(800)

    play(entries, scenario)


def test_never_armed_and_never_triggered(play) -> None:
    async def never_armed(scope):
        with pytest.raises(InstrumentError, match="does not come to wait"):
            await scope.arm(800)

    zero = [asked(b"AER?", b"+0")]
    play([*prepared(), *zero, *told(b"SING"), *zero * 11], never_armed, trigger_timeout=0.01)

    async def never_triggered(scope):
        await scope.arm(800)
        with pytest.raises(TriggerTimeout, match=r"reaches EXT with edges through 1.5 V"):
            await scope.fetch(0, 10)

    waits = [asked(b"OPER:COND?", b"+40")]
    play([*prepared(), *ARMED, *waits * 11], never_triggered, trigger_timeout=0.01)

    async def nonsense(scope):
        with pytest.raises(InstrumentError, match="0 or 1 is due"):
            await scope.arm(800)

    play([*prepared(), asked(b"AER?", b"+7")], nonsense)


def test_off_stops_and_only_a_generator_is_switched_off(play) -> None:
    async def scenario(scope):
        await scope.off()

    play(told(b"STOP"), scenario)
    play(told(b"STOP", b"WGEN:OUTP OFF"), scenario, idn=WAVEGEN)
    play(told(b"STOP", b"WGEN:OUTP OFF"), scenario, idn=FOUR, generator=True)


def test_models(play) -> None:
    async def scenario(scope):
        return scope.channels

    assert play([], scenario) == (1, 2)
    assert play([], scenario, idn=FOUR) == (1, 2, 3, 4)
    for model in (b"MSO-X 3034T", b"EDUX1002A", b"DSOX1204G", b"MSO-X 4154A"):
        play([], scenario, idn=b"KEYSIGHT TECHNOLOGIES,%b,MY1,1.0\n" % model)
    for model in (b"MSOS254A", b"DSO9104A", b"33622A"):
        with pytest.raises(IdentityError):
            play([], scenario, idn=b"KEYSIGHT TECHNOLOGIES,%b,MY1,1.0\n" % model)

    async def third(scope):
        with pytest.raises(InstrumentError, match="no such input"):
            await scope.arm(10)

    play([], third, inputs=(3,))


def test_limits_before_a_byte_leaves() -> None:
    def made(**options):
        return KeysightInfiniivision("scope", RESOURCE, MemoryNetwork(), link=LAN, **options)

    for options, match in (
        ({"scale": 1e6}, "scale"), ({"offset": float("nan")}, "offset"),
        ({"trigger_level": float("inf")}, "level"), ({"probe": 0.01}, "probe"),
    ):  # fmt: skip
        with pytest.raises(LimitError, match=match):
            made(**options)
    for options in (
        {"inputs": ()}, {"inputs": (1, 1)}, {"coupling": "GND"}, {"acquire": "AVER"},
        {"memory": 10}, {"scale": (0.1,)}, {"sample_rate": 0.0},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="scope"):
            made(**options)
    scope = made(scale=(0.1, 0.2), offset=(0.0, -0.3))
    assert scope.full_scale == pytest.approx([0.4, 0.5])
    assert scope.resolution == pytest.approx(1.6 / 256)
    assert scope.max_points == 449_999
    assert scope.planned_fetch(1000) > 2 * scope.link.cost(0, 2000)


def test_preambles_of_the_guides() -> None:
    """Y reference is in the middle of 256 or 65536 steps, X reference 0 at the first point."""
    byte = Preamble.parse(PREAMBLE.decode())
    assert byte.volts(np.array([128, 129])) == pytest.approx([-1.0, -0.984375])
    assert byte.trigger == 100
    word = Preamble.parse("1,0,1000,1,1e-6,-5e-4,0,6.103515625e-05,0.5,32768")
    assert word.volts(np.array([32768, 0, 65535])) == pytest.approx([0.5, -1.5, 2.49993896])
    assert word.trigger == 500
    assert word.codes(np.arange(1, 1001, dtype="<u2").tobytes())[:3].tolist() == [1, 2, 3]


@given(st.one_of(st.text(max_size=80), st.text("0123456789.,e+-na", max_size=80)))
def test_any_text_is_a_preamble_or_a_value_error(text: str) -> None:
    try:
        preamble = Preamble.parse(text)
    except ValueError:
        return
    assert preamble.xincrement > 0.0
    assert preamble.points >= 0


@given(st.binary(max_size=40), st.integers(0, 4), st.integers(0, 40))
def test_any_block_is_codes_or_a_value_error(block: bytes, form: int, points: int) -> None:
    preamble = Preamble(form, 0, points, 1, 1e-6, 0.0, 0.0, 0.01, 0.0, 128.0)
    try:
        codes = preamble.codes(block)
    except ValueError:
        return
    assert codes.shape == (points,)
    assert points == 0 or 1 <= codes.min() <= codes.max() <= (255 if form == 0 else 65535)


@given(st.integers(1, 7_199_999))
def test_records_are_the_smallest_that_hold_the_points(points: int) -> None:
    record = record_points(points)
    assert after(record) >= points
    smaller = [one for one in (100, 250, 500, 1000, 2000, 5000, 10_000) if one < record]
    assert all(after(one) < points for one in smaller)


def test_a_record_that_is_not_to_be_had() -> None:
    with pytest.raises(ValueError, match="more than 7199999"):
        record_points(7_200_000)


@given(st.binary(max_size=60))
def test_any_answer_for_the_data_is_volts_or_a_typed_error(reply: bytes) -> None:
    async def whole() -> None:
        network = MemoryNetwork()
        question = read(b"")[0]
        server = Script([
            (b"*IDN?\n", TWO), (ASK, OK), *prepared(), *ARMED, *DONE, (question, reply),
        ], closing=TWO)  # fmt: skip
        network.listen(RESOURCE, server.serve)
        scope = KeysightInfiniivision(
            "scope", RESOURCE, network, link=LAN, inputs=(1,), scale=0.5, offset=-1.0, probe=10.0,
            trigger_slope="NEG", trigger_level=1.5, timeout=0.1,
        )  # fmt: skip
        async with scope:
            await scope.arm(800)
            with pytest.raises((InstrumentError, LinkError)):
                await scope.fetch(0, 4)
        await network.close()

    run(whole())
