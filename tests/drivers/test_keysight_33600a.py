"""The 33500B/33600A driver against scripted generators: exact bytes, limits, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.keysight_33600a import QUANTITIES, Keysight33600A, Segment
from drivers.keysight_33600a.scale import Scale
from drivers.keysight_33600a.sequence import sequence_text
from drivers.link_model import LinkModel
from drivers.roles import InputSource
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import Script, run

LAN = LinkModel(latency=1e-3, bytes_per_second=1e7)
RESOURCE = "TCPIP::awg::5025::SOCKET"
OK = b'+0,"No error"\n'
ASK = b"SYST:ERR?\n"
SMALL = b"Agilent Technologies,33522B,MY50005619,2.03-1.19-2.00-52-00\n"
LARGE = b"Keysight Technologies,33622A,MY53800001,A.02.03-3.15-03-64-02\n"
SINGLE = b"Keysight Technologies,33511B,MY53800002,5.03-3.15-2.00-52-00\n"


def told(*messages: bytes) -> list:
    """Messages without an answer, each followed by the question for the error queue."""
    return [(message + b"\n" + ASK, OK) for message in messages]


def asked(message: bytes, reply: bytes) -> tuple:
    return (message + b"\n" + ASK, reply + b"\n" + OK)


def prepared(channels: int = 2, load: bytes = b"50", bus: bool = True) -> list:
    """What brings a generator to a known state, 2 Vpp into 50 ohm."""
    off = b";:".join(b"OUTP%d OFF" % n for n in range(1, channels + 1))
    entries = told(off, b"FORM:BORD SWAP")
    for n in range(1, channels + 1):
        entries += told(
            b"TRIG%d:SOUR BUS" % n, b"SOUR%d:BURS:STAT OFF" % n, b"SOUR%d:VOLT:UNIT VPP" % n,
            b"OUTP%d:LOAD %b" % (n, load), b"SOUR%d:VOLT:OFFS 0" % n, b"SOUR%d:FUNC SIN" % n,
            b"SOUR%d:VOLT 2" % n, b"SOUR%d:VOLT:OFFS 0" % n,
            b"SOUR%d:FUNC:ARB:SRAT 1000000" % n, b"SOUR%d:FUNC:ARB:FILT OFF" % n,
            b"OUTP%d:POL NORM" % n, b"OUTP%d:MODE NORM" % n, b"SOUR%d:FUNC:ARB:ADV SRAT" % n,
            b"SOUR%d:BURS:MODE TRIG" % n, b"SOUR%d:BURS:NCYC 1" % n, b"TRIG%d:SLOP POS" % n,
            b"TRIG%d:DEL 0" % n,
        )  # fmt: skip
        shown = b"+9.900000000000000E+37" if load == b"INF" else b"+5.000000000000000E+01"
        entries += [
            asked(b"SOUR%d:VOLT?" % n, b"+2.000000000000000E+00"),
            asked(b"SOUR%d:VOLT:OFFS?" % n, b"+0.000000000000000E+00"),
            asked(b"OUTP%d:LOAD?" % n, shown),
        ]
    return entries


def chosen(*channels: int, name: bytes = b"FRAME", rate: bytes = b"1000000", burst: bytes = b"ON",
           shown: bytes = b"+1.000000000000000E+06") -> tuple:  # fmt: skip
    units = []
    for n in channels:
        units += [
            b"SOUR%d:FUNC:ARB %b" % (n, name), b"SOUR%d:FUNC ARB" % n,
            b"SOUR%d:FUNC:ARB:SRAT %b" % (n, rate), b"SOUR%d:BURS:STAT %b" % (n, burst),
            b"OUTP%d ON" % n,
        ]  # fmt: skip
    units += [b"SOUR%d:FUNC:ARB:SRAT?" % n for n in channels]
    return asked(b";:".join(units), b";".join([shown] * len(channels)))


def uploaded(channel: int, words, name: bytes = b"FRAME", head: bytes | None = None) -> tuple:
    data = np.asarray(words, dtype="<i2").tobytes()
    length = str(len(data)).encode()
    clear = b"TRIG%d:SOUR BUS;:SOUR%d:DATA:VOL:CLE;:" % (channel, channel)
    head = clear if head is None else head
    block = b"#%d%b%b" % (len(length), length, data)
    return asked(head + b"SOUR%d:DATA:ARB:DAC %b,%b;*OPC?" % (channel, name, block), b"1")


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, idn: bytes = SMALL, **options):
        server = script([(b"*IDN?\n", idn), (ASK, OK), *entries])
        network = MemoryNetwork()
        network.listen_tcp("awg", 5025, server.serve)

        async def opened():
            awg = Keysight33600A("awg", RESOURCE, network, link=LAN, **options)
            await awg.open()
            try:
                return await scenario(awg)
            finally:
                await awg.close()

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_opening_identifies_and_sets_nothing(play) -> None:
    async def scenario(awg) -> None:
        assert awg.identity.model == "33522B"
        assert awg.identity.serial == "MY50005619"
        assert isinstance(awg, InputSource)
        assert (awg.outputs, awg.max_points, awg.min_dwell) == (2, 1_000_000, 16e-9)
        assert awg.full_scale.tolist() == [1.0, 1.0]

    play([], scenario)


def test_one_channel_and_other_models(play) -> None:
    async def scenario(awg) -> int:
        return awg.outputs

    assert play([], scenario, SINGLE) == 1
    assert play([], scenario, LARGE) == 2
    with pytest.raises(IdentityError, match="33250A"):
        play([], scenario, b"Agilent Technologies,33250A,0,2.01\n")
    with pytest.raises(IdentityError, match="33622A"):
        play([], scenario, expect={"model": "33622A"})


def test_a_frame_is_uploaded_armed_and_not_sent_again(play) -> None:
    volts = np.stack([np.linspace(-1, 1, 16), np.full(16, 0.5)], axis=1)
    words = np.rint(volts * 32767).astype(int)
    entries = [
        *prepared(), uploaded(1, words[:, 0]), uploaded(2, words[:, 1]), chosen(1, 2),
        *told(b"TRIG1:SOUR EXT;:TRIG2:SOUR EXT"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        await awg.arm()
        await awg.load(volts, 1e-6)
        await awg.arm(5)
        assert awg.quantise(volts) == pytest.approx(volts, abs=2.0 / 65534)

    play(entries, scenario)


def test_bytes_that_look_like_line_ends_and_fourteen_bits(play) -> None:
    """On a 33600A words are multiples of four: what is sent is what is played."""
    volts = np.zeros((32, 2))
    volts[:3, 0] = 0.0784, 1.0, -1.0  # 0x0A08: a line feed inside the block
    words = np.zeros(32, dtype=int)
    words[:3] = 0x0A08, 32764, -32764
    entries = [*prepared(), uploaded(1, words), uploaded(2, np.zeros(32)), chosen(1, 2)]

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        assert awg.max_points == 4_000_000
        assert awg.quantise(volts)[:3, 0] * 32767 == pytest.approx([0x0A08, 32764, -32764])

    play(entries, scenario, LARGE)


def test_few_samples_are_stored_several_times(play) -> None:
    volts = np.array([[0.5], [-0.5], [0.0]])
    words = np.repeat(np.array([16384, -16384, 0]), 3)
    fast = b"3000000"
    entries = [
        *prepared(1), uploaded(1, words), chosen(1, rate=fast, shown=b"+3.000000000000000E+06"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)

    play(entries, scenario, SINGLE)


def test_a_sequence_rests_at_zero_until_the_edge(play) -> None:
    volts = np.full((16, 1), 0.5)
    text = b'"TRIGGERED","REST",0,onceWaitTrig,lowAtStart,4,"FRAME",0,once,highAtStart,4'
    head = b"TRIG1:SOUR BUS;:SOUR1:FUNC DC;:SOUR1:DATA:VOL:CLE;:"
    entries = [
        *prepared(1), uploaded(1, np.zeros(8), b"REST", head),
        uploaded(1, np.full(16, 16384), head=b""),
        *told(b"SOUR1:DATA:SEQ #2%d%b" % (len(text), text)),
        chosen(1, name=b"TRIGGERED", burst=b"OFF"),
        *told(b"TRIG1:SOUR EXT"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        await awg.arm()
        assert awg.max_points == 1_000_000 - 8

    play(entries, scenario, SINGLE, start="sequence")


def test_off(play) -> None:
    entries = told(
        b"OUTP1 OFF;:OUTP2 OFF", b"SOUR1:BURS:STAT OFF;:SOUR2:BURS:STAT OFF",
        b"SOUR1:FUNC DC;:SOUR2:FUNC DC", b"SOUR1:VOLT:OFFS 0;:SOUR2:VOLT:OFFS 0",
    )  # fmt: skip

    async def scenario(awg) -> None:
        await awg.off()
        with pytest.raises(InstrumentError, match=r"load\(\) first"):
            await awg.arm()

    play(entries, scenario)


def test_off_goes_on_after_a_refusal(play) -> None:
    conflict = b'-221,"Settings conflict; unable"\n'
    entries = [
        (b"OUTP1 OFF\n" + ASK, conflict), (ASK, OK),
        *told(b"SOUR1:BURS:STAT OFF", b"SOUR1:FUNC DC", b"SOUR1:VOLT:OFFS 0"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match=r"OUTP1 OFF.*-221"):
            await awg.off()

    play(entries, scenario, SINGLE)


def test_an_upload_that_is_refused_is_named_and_not_believed(play) -> None:
    taken = b'+786,"Specified arb waveform already exists"\n'
    (first, _) = uploaded(1, np.zeros(8))
    entries = [*prepared(1), (first, b"1\n" + taken), (ASK, OK), (first, b"1\n" + taken), (ASK, OK)]

    async def scenario(awg) -> None:
        for _ in range(2):
            with pytest.raises(InstrumentError, match=r"\+?786"):
                await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE)


@pytest.mark.parametrize(
    ("at", "reply", "words"),
    [
        (b"SOUR1:VOLT?", b"+1.000000000000000E+00", "2 was set"),
        (b"SOUR1:VOLT:OFFS?", b"-1.000000000000000E-01", "0 was set"),
        (b"OUTP1:LOAD?", b"+9.900000000000000E+37", "50 was set"),
        (b"SOUR1:VOLT?", b"loud", "loud"),
    ],
)
def test_what_is_read_back_must_be_what_was_set(play, at, reply, words) -> None:
    entries = []
    for message, answer in prepared(1):
        if message.startswith(at + b"\n"):
            entries.append(asked(at, reply))
            break
        entries.append((message, answer))

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match=words):
            await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE)


def test_a_rate_that_was_not_taken(play) -> None:
    entries = [
        *prepared(1), uploaded(1, np.zeros(8)), chosen(1, shown=b"+9.000000000000000E+05"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match="adjusted"):
            await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE)


def test_after_a_lost_connection_everything_is_set_again(play) -> None:
    volts = np.zeros((8, 1))
    hello = [(b"*IDN?\n", SINGLE), (ASK, OK)]
    frame = [uploaded(1, np.zeros(8)), chosen(1)]
    armed = told(b"TRIG1:SOUR EXT")
    entries = [
        *prepared(1), *frame, *armed, (b"SOUR1:VOLT?\n" + ASK, lambda writer: writer.close()),
        *hello, *prepared(1), *frame, *armed,
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        await awg.arm()
        with pytest.raises(LinkError):
            await awg.get(QUANTITIES[4], 1)
        await awg.arm()

    play(entries, scenario, SINGLE)


def test_nothing_leaves_that_cannot_be_played(play) -> None:
    good = np.zeros((8, 2))

    async def scenario(awg) -> None:
        for volts, dwell in [
            (good + 1.001, 1e-6), (good - 1.001, 1e-6), (good * np.nan, 1e-6),
            (good + np.inf, 1e-6), (good, 15e-9), (good, 0.0), (good, np.nan), (good, 1e7),
            (np.zeros((1_000_001, 2)), 1e-6), (np.zeros((0, 2)), 1e-6), (good[:2], 20e-9),
        ]:  # fmt: skip
            with pytest.raises(LimitError):
                await awg.load(volts, dwell)
        for volts in (good[:, :1], good[:, 0]):
            with pytest.raises(ValueError, match="shape"):
                await awg.load(volts, 1e-6)
        with pytest.raises(ValueError, match="no channel 3"):
            await awg.sync(3)
        with pytest.raises(ValueError, match="name"):
            await awg.load_sequence(1, "no name", [Segment("a", np.zeros(8))], 1e-6)
        with pytest.raises(LimitError):
            await awg.load_sequence(1, "s", [Segment("a", np.full(8, 2.0))], 1e-6)
        with pytest.raises(ValueError, match="samples or more"):
            await awg.load_sequence(1, "s", [Segment("a", np.zeros(7))], 1e-6)

    play([], scenario)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"amplitude": 10.0, "offset": 0.1}, LimitError), ({"amplitude": 10.1}, LimitError),
        ({"amplitude": 0.0}, LimitError), ({"amplitude": math.nan}, LimitError),
        ({"load": 0.5}, LimitError), ({"load": math.nan}, LimitError),
        ({"offset": math.inf}, LimitError), ({"amplitude": (1.0, 11.0)}, LimitError),
        ({"amplitude": (1.0, 1.0, 1.0)}, ValueError), ({"start": "now"}, ValueError),
        ({"memory": 0}, ValueError), ({"start": "sequence", "offset": 2.0}, LimitError),
    ],
)  # fmt: skip
def test_options_that_no_model_can_do(options, error) -> None:
    with pytest.raises(error, match="awg"):
        Keysight33600A("awg", RESOURCE, MemoryNetwork(), link=LAN, **options)


def test_options_that_one_can(play) -> None:
    Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, amplitude=10.0)
    Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, amplitude=(8, 6), offset=(1, -2))
    Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, amplitude=20.0, load=math.inf)
    awg = Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, expect={"model": "33511B"})
    assert awg.outputs == 1
    assert awg.planned_load(1000) == pytest.approx(2e-3 + (2000 + 180 + 48) / 1e7)
    entries = [*prepared(1, b"INF"), uploaded(1, np.zeros(8)), chosen(1)]

    async def scenario(awg) -> None:
        await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE, load=math.inf)


def test_sync_and_sequences_of_ones_own(play) -> None:
    low, high = np.full(8, -1.0), np.linspace(0.0, 1.0, 16)
    segments = [
        Segment("idle", low, "onceWaitTrig", marker="lowAtStart"),
        Segment("up", high, "repeat", 3, "highAtStartGoLow", 5),
        Segment("idle", low, "repeatTilTrig"),
    ]
    text = (
        b'"mine","idle",0,onceWaitTrig,lowAtStart,4,"up",3,repeat,highAtStartGoLow,5,'
        b'"idle",0,repeatTilTrig,maintain,4'
    )
    entries = [
        *told(b"OUTP:SYNC:SOUR CH2", b"OUTP:SYNC ON"), *prepared(),
        *told(b"OUTP2 OFF", b"SOUR2:BURS:STAT OFF"),
        uploaded(2, np.full(8, -32767), b"idle"),
        uploaded(2, np.rint(high * 32767), b"up", b""),
        *told(b"SOUR2:DATA:SEQ #3%d%b" % (len(text), text)),
        chosen(2, name=b"mine", burst=b"OFF"), *told(b"TRIG2:SOUR EXT"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.sync(2)
        await awg.load_sequence(2, "mine", segments, 1e-6)

    play(entries, scenario)


def test_settings_are_declared_and_read(play) -> None:
    replies = {
        "BURS:MODE": b"TRIG", "FUNC": b"SIN", "UNIT": b"VPP", "POL": b"NORM", "MODE": b"NORM",
        "FILT": b"NORM", "ADV": b"SRAT", "TRIG1:SOUR": b"IMM", "SLOP": b"POS", "BORD": b"NORM",
        "SYNC:SOUR": b"CH1", "STAT": b"0", "OUTP1": b"0", "SYNC": b"1",
    }  # fmt: skip
    entries = []
    for quantity in QUANTITIES:
        header = quantity.header(1)
        reply = next(
            (text for end, text in replies.items() if header.endswith(end)),
            b"+1.000000000000000E+00",
        )
        entries.append(asked(header.encode() + b"?", reply))

    async def scenario(awg) -> dict:
        return await awg.read_settings()

    found = play(entries, scenario, SINGLE)
    assert found["function"] == {"1": "SIN"}
    assert found["offset"] == {"1": 1.0}
    assert found["sync_source"] == "CH1"
    assert list(found) == [quantity.name for quantity in QUANTITIES]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "1st"}, {"name": "with space"}, {"name": "a_name_too_long"}, {"play": "twice"},
        {"marker": "blink"}, {"play": "repeat"}, {"repeats": -1}, {"point": 3}, {"point": 8},
        {"name": 'quo"te'},
    ],
)  # fmt: skip
def test_segments_that_cannot_be(wrong) -> None:
    with pytest.raises(ValueError, match=r"segment|name"):
        Segment(**({"name": "a", "volts": np.zeros(8)} | wrong))
    with pytest.raises(ValueError, match="at least one"):
        sequence_text("s", [])


@settings(deadline=None)
@given(
    st.floats(0.01, 10.0), st.floats(-1.0, 1.0), st.sampled_from([14, 16]),
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20),
)  # fmt: skip
def test_words_are_the_nearest_there_are(amplitude, share, bits, parts) -> None:
    scale = Scale(amplitude, share * (5.0 - amplitude / 2), 50.0)
    scale.check("awg", 1)
    volts = scale.offset + 0.5 * amplitude * np.array(parts)
    scale.check_volts(volts, "awg", 1)
    words = scale.words(volts, bits)
    grid = 1 << (16 - bits)
    assert not (words % grid).any()
    assert np.abs(words).max() <= 32767
    played = scale.volts(words)
    step = 0.5 * amplitude / 32767 * grid
    assert np.abs(played - volts).max() <= step * (1 + 1e-9)
    assert np.array_equal(scale.words(played, bits), words)


ANSWERS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"1", b"+1", b"0", b"1;1", b"nan", b"inf", b"+9.9E+37", b"1,2", b"#12ab"]),
    st.floats(allow_nan=True).map(lambda number: repr(number).encode()),
)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([b"SOUR1:VOLT?", b"SOUR1:VOLT:OFFS?", b"OUTP1:LOAD?", b"*OPC?", b"SRAT?"]),
    ANSWERS,
)  # fmt: skip
def test_any_answer_is_the_right_one_or_a_typed_error(at, data) -> None:
    """Every answer that a load reads, spoilt: it ends in time, and is not believed."""
    reply = data.replace(b"\n", b"")
    entries, right = [], b""
    for message, answer in [*prepared(1), uploaded(1, np.zeros(8)), chosen(1)]:
        if message.endswith(at + b"\n" + ASK):
            right = answer.partition(b"\n")[0]
            entries.append((message, reply + b"\n" + OK))
        else:
            entries.append((message, answer))
    server = Script([(b"*IDN?\n", SINGLE), (ASK, OK), *entries])
    network = MemoryNetwork()
    network.listen_tcp("awg", 5025, lambda reader, writer: serve_once(server, reader, writer))

    async def scenario() -> bool:
        awg = Keysight33600A("awg", RESOURCE, network, link=LAN, timeout=0.1)
        await awg.open()
        try:
            await awg.load(np.zeros((8, 1)), 1e-6)
        except (InstrumentError, LinkError):
            return False
        finally:
            await awg.close()
        return True

    if run(scenario()):
        assert float(reply) == pytest.approx(float(right), rel=1e-4, abs=2e-4)


async def serve_once(server: Script, reader, writer) -> None:
    """What comes beside the script, after a spoilt answer, is not answered."""
    try:
        await server.serve(reader, writer)
    except AssertionError:
        writer.close()
