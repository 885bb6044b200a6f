"""The N7744A driver against scripted meters: exact bytes, ranges, over-range, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError, TriggerTimeout
from drivers.keysight_n7744a import QUANTITIES, KeysightN7744A
from drivers.link_model import LinkModel
from drivers.roles import Readout
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork

LAN = LinkModel(latency=1e-3, bytes_per_second=1e7)
RESOURCE = "TCPIP::meter::5025::SOCKET"
OK = b'+0,"No error"\n'
ASK = b"SYST:ERR?\n"
FOUR = b"Agilent Technologies,N7744A,MY49700101,V1.204\n"
EIGHT = b"Keysight Technologies,N7745C,MY59700220,V2.022\n"
DONE = b"LOGGING_STABILITY,COMPLETE"
BUSY = b"LOGGING_STABILITY,PROGRESS"


def told(*messages: bytes) -> list:
    return [(message + b"\n" + ASK, OK) for message in messages]


def asked(message: bytes, reply: bytes) -> tuple:
    return (message + b"\n" + ASK, reply + b"\n" + OK)


def each(template: bytes, *ports: int) -> bytes:
    return b";:".join(template % port for port in ports)


def prepared(*ports: int, dbm: int = 0, averaging: bytes = b"1e-05", mode: bytes = b"CME") -> list:
    entries = told(each(b"SENS%d:FUNC:STAT LOGG,STOP", *ports), b"TRIG:CONF DEF")
    for n in ports:
        entries += told(
            b"SENS%d:POW:RANG:AUTO 0" % n, b"SENS%d:POW:RANG %d" % (n, dbm),
            b"SENS%d:POW:UNIT 1" % n, b"SENS%d:POW:WAV 1.55e-06" % n,
            b"SENS%d:POW:ATIM %b" % (n, averaging), b"SENS%d:POW:GAIN:AUTO 0" % n,
            b"TRIG%d:OUTP DIS" % n, b"TRIG%d:INP %b" % (n, mode),
        )  # fmt: skip
    return [*entries, ahead(*(one for n in ports for one in read_back(n, dbm, averaging)))]


def read_back(n: int, dbm: int = 0, averaging: bytes = b"1e-05") -> list:
    return [
        asked(b"SENS%d:POW:UNIT?" % n, b"+1"),
        asked(b"SENS%d:POW:RANG?" % n, b"%+.8E" % dbm),
        asked(b"SENS%d:POW:RANG:AUTO?" % n, b"+0"),
        asked(b"SENS%d:POW:ATIM?" % n, b"+%.8E" % float(averaging)),
    ]


def armed(points: int, *ports: int, averaging: bytes = b"1e-05", fresh: bool = True) -> list:
    units = [each(b"SENS%d:FUNC:STAT LOGG,STOP", *ports)]
    if fresh:
        units += [
            b"SENS%d:FUNC:PAR:LOGG %d,%b" % (port, points, averaging) for port in ports
        ]  # fmt: skip
    units += [each(b"SENS%d:FUNC:STAT LOGG,STAR", *ports)]
    return told(b";:".join(units))


def polled(states: list[bytes], *ports: int) -> tuple:
    return asked(each(b"SENS%d:FUNC:STAT?", *ports), b";".join(states))


def block(values) -> bytes:
    data = np.asarray(values, dtype="<f4").tobytes()
    length = str(len(data)).encode()
    return b"#%d%b%b" % (len(length), length, data)


def ahead(*entries: tuple) -> tuple:
    """What leaves in one write, before any of it is answered."""
    return b"".join(sent for sent, _ in entries), b"".join(reply for _, reply in entries)


def result(port: int, values) -> tuple:
    return asked(b"SENS%d:FUNC:RES?" % port, block(values))


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, idn: bytes = FOUR, **options):
        server = script([(b"*IDN?\n", idn), (ASK, OK), *entries], closing=idn)
        network = MemoryNetwork()
        network.listen_tcp("meter", 5025, server.serve)

        async def opened():
            meter = KeysightN7744A("meter", RESOURCE, network, link=LAN, **options)
            await meter.open()
            try:
                return await scenario(meter)
            finally:
                await meter.close()

        outcome = virtual(opened())
        server.finish()
        return outcome

    return _play


def test_opening_identifies_and_sets_nothing(play) -> None:
    async def scenario(meter) -> tuple:
        assert isinstance(meter, Readout)
        assert (meter.mode, meter.resolution) == ("intensity", 0.0)
        return meter.ports, meter.full_scale.size

    assert play([], scenario) == ((1, 2, 3, 4), 4)
    assert play([], scenario, EIGHT) == (tuple(range(1, 9)), 8)
    assert play([], scenario, EIGHT, ports=(8, 2)) == ((8, 2), 2)
    with pytest.raises(IdentityError, match="8163B"):
        play([], scenario, b"Agilent Technologies,8163B,DE1,V5.25\n")
    with pytest.raises(InstrumentError, match="not some of 1 to 4"):
        play([], scenario, FOUR, ports=(1, 8))


def test_a_frame(play) -> None:
    first, second = np.arange(6) * 1e-5, np.arange(6) * 1e-6
    second[1] = 0x0A0A * 2.0**-40  # line feeds inside the block
    entries = [
        *prepared(2, 1), *armed(6, 2, 1), polled([BUSY, DONE], 2, 1), polled([DONE, DONE], 2, 1),
        ahead(result(2, first), result(1, second)), *armed(6, 2, 1, fresh=False),
        polled([DONE, DONE], 2, 1), ahead(result(2, first), result(1, second)),
    ]  # fmt: skip

    async def scenario(meter) -> None:
        await meter.arm(6)
        found = await meter.fetch(1, 4)
        expected = np.stack([first, second], axis=1).astype(np.float32)
        assert np.array_equal(found, expected[1:5])
        assert not meter.over_range.any()
        await meter.arm(6)
        assert np.array_equal(await meter.fetch(0, 6), expected)

    play(entries, scenario, ports=(2, 1))


def test_above_the_range_is_full_scale_and_marked(play) -> None:
    entries = [
        *prepared(1, dbm=-20, mode=b"SME", averaging=b"0.001"),
        *armed(3, 1, averaging=b"0.001"), polled([DONE], 1), result(1, [1e-5, 9.9e37, -1e-9]),
    ]  # fmt: skip

    async def scenario(meter) -> None:
        await meter.arm(3)
        found = await meter.fetch(0, 3)
        assert meter.full_scale == pytest.approx([1.9999e-5])
        assert found[:, 0] == pytest.approx([1e-5, 1.9999e-5, -1e-9])
        assert meter.over_range.tolist() == [[False], [True], [False]]

    play(entries, scenario, ports=(1,), range_dbm=-20, trigger="SME", averaging=1e-3)


def test_nobody_triggers(play) -> None:
    entries = [*prepared(1), *armed(3, 1), *[polled([BUSY], 1)] * 2]

    async def scenario(meter) -> None:
        await meter.arm(3)
        with pytest.raises(TriggerTimeout, match=r"port 1: LOGGING_STABILITY,PROGRESS.*trigger"):
            await meter.fetch(0, 3)
        with pytest.raises(InstrumentError, match="not armed"):
            await meter.fetch(0, 3)

    play(entries, scenario, ports=(1,), trigger_timeout=1e-6)  # less than the pause of a poll


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (polled([b"NONE,PROGRESS,1"], 1), "state is due"), (polled([b"1"], 1), "state is due"),
        (asked(b"SENS1:FUNC:STAT?", b"#12ab"), "state is due"),
        (polled([DONE, DONE], 1), "2 answers of 1"),
    ],
)  # fmt: skip
def test_states_that_are_none(play, entry, words) -> None:
    async def scenario(meter) -> None:
        await meter.arm(3)
        with pytest.raises(InstrumentError, match=words):
            await meter.fetch(0, 3)

    play([*prepared(1), *armed(3, 1), entry], scenario, ports=(1,))


@pytest.mark.parametrize("data", [block([1.0, 2.0]), block([]), b"#14ab\n ", b"+1.0E-006"])
def test_results_of_the_wrong_size(play, data) -> None:
    entries = [*prepared(1), *armed(3, 1), polled([DONE], 1), asked(b"SENS1:FUNC:RES?", data)]

    async def scenario(meter) -> None:
        await meter.arm(3)
        with pytest.raises(InstrumentError, match="bytes for 3 points"):
            await meter.fetch(0, 3)

    play(entries, scenario, ports=(1,))


def test_a_refused_result_says_why(play) -> None:
    entries = [
        *prepared(1), *armed(3, 1), polled([DONE], 1),
        (b"SENS1:FUNC:RES?\n" + ASK, b'-231,"Data questionable"\n'), (ASK, OK),
    ]  # fmt: skip

    async def scenario(meter) -> None:
        await meter.arm(3)
        with pytest.raises(InstrumentError, match="Data questionable"):
            await meter.fetch(0, 3)

    play(entries, scenario, ports=(1,))


def test_a_result_refused_among_others_is_named(play) -> None:
    refused = (b"SENS2:FUNC:RES?\n" + ASK, b'-231,"Data questionable"\n')
    entries = [
        *prepared(1, 2, 3), *armed(3, 1, 2, 3), polled([DONE] * 3, 1, 2, 3),
        ahead(result(1, [1.0] * 3), refused, result(3, [1.0] * 3)),
    ]  # fmt: skip

    async def scenario(meter) -> None:
        await meter.arm(3)
        with pytest.raises(InstrumentError, match=r"'SENS2:FUNC:RES\?' was .*Data questionable"):
            await meter.fetch(0, 3)

    play(entries, scenario, ports=(1, 2, 3))


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        (b"SENS1:POW:RANG?", b"+1.00000000E+001"), (b"SENS1:POW:UNIT?", b"+0"),
        (b"SENS1:POW:RANG:AUTO?", b"+1"), (b"SENS1:POW:ATIM?", b"+2.00000000E-001"),
        (b"SENS1:POW:ATIM?", b"soon"), (b"SENS1:POW:UNIT?", b"+7"),
    ],
)  # fmt: skip
def test_what_is_read_back_must_be_what_was_set(play, at, reply) -> None:
    told = [
        asked(at, reply) if message.startswith(at + b"\n") else (message, answer)
        for message, answer in read_back(1)
    ]
    entries = [*prepared(1)[:-1], ahead(*told)]

    async def scenario(meter) -> None:
        with pytest.raises(InstrumentError):
            await meter.arm(3)

    play(entries, scenario, ports=(1,))


def test_automatic_ranges_are_for_looking_only(play) -> None:
    entries = [
        *prepared(1), *told(b"SENS1:POW:RANG:AUTO 1"), asked(b"SENS1:POW:UNIT?", b"+1"),
        asked(b"READ1:POW?", b"+1.33555600E-006"), asked(b"SENS1:POW:UNIT?", b"+0"),
        asked(b"READ1:POW?", b"-2.00000000E+001"), asked(b"SENS1:POW:UNIT?", b"+1"),
        asked(b"READ1:POW?", b"+9.90000000E+037"),
        *told(b"SENS1:POW:RANG:AUTO 0", b"SENS1:POW:RANG -30"), *armed(2, 1),
    ]  # fmt: skip

    async def scenario(meter) -> None:
        await meter.prepare(1e-5)
        await meter.prepare(1e-5)
        await meter.set_range(1, None)
        with pytest.raises(InstrumentError, match=r"port 1 ranges automatically.*set_range"):
            await meter.arm(2)
        assert await meter.read_watts(1) == 1.335556e-6
        assert await meter.read_watts(1) == pytest.approx(1e-5)
        assert await meter.read_watts(1) == math.inf
        await meter.set_range(1, -30.0)
        assert meter.full_scale == pytest.approx([1.9999e-6])
        await meter.arm(2)
        with pytest.raises(InstrumentError, match="armed"):
            await meter.set_range(1, None)
        for port, dbm, error in ((1, -25.0, LimitError), (1, math.nan, LimitError),
                                 (2, 0.0, ValueError)):  # fmt: skip
            with pytest.raises(error):
                await meter.set_range(port, dbm)

    play(entries, scenario, ports=(1,))


def test_zeroing(play) -> None:
    stop = each(b"SENS%d:FUNC:STAT LOGG,STOP", 1, 2, 3, 4)
    start = [*told(stop), asked(b"SENS1:CORR:COLL:ZERO:ALL;*OPC?", b"1")]
    good = [asked(b"SENS%d:CORR:COLL:ZERO?" % n, b"+0") for n in (1, 2, 3)]

    async def scenario(meter) -> None:
        await meter.zero()

    play([*start, *good, asked(b"SENS4:CORR:COLL:ZERO?", b"0")], scenario)
    with pytest.raises(InstrumentError, match=r"SENS4:CORR:COLL:ZERO\? \+1.*light"):
        play([*start, *good, asked(b"SENS4:CORR:COLL:ZERO?", b"+1")], scenario)


def test_off_and_the_plan(play) -> None:
    entries = told(each(b"SENS%d:FUNC:STAT LOGG,STOP", 1, 2, 3, 4))

    async def scenario(meter) -> None:
        assert meter.planned_fetch(1000) == pytest.approx(2e-3 + (108 + 54 + 2 * 4032) / 1e7)
        assert meter.planned_arm(1000) == pytest.approx(1e-3 + 196 / 1e7)
        await meter.off()

    play(entries, scenario, ports=(1, 2))


def test_after_a_lost_connection_everything_is_set_again(play) -> None:
    hello = [(b"*IDN?\n", FOUR), (ASK, OK)]
    entries = [
        *prepared(1), *armed(2, 1),
        (b"SENS1:FUNC:STAT?\n" + ASK, lambda writer: writer.close()), *hello, *prepared(1),
        *armed(2, 1),
    ]  # fmt: skip

    async def scenario(meter) -> None:
        await meter.arm(2)
        with pytest.raises(LinkError):
            await meter.fetch(0, 2)
        with pytest.raises(InstrumentError, match="not armed"):
            await meter.fetch(0, 2)
        await meter.arm(2)

    play(entries, scenario, ports=(1,))


def test_settings_are_declared_and_read(play) -> None:
    replies = {
        "UNIT": b"+0", "AUTO": b"+1", "CONT": b"+1", "INP": b"IGN", "OUTP": b"DIS", "CONF": b"DEF",
        "WAV": b"+1.55000000E-006", "RANG": b"-2.00000000E+001", "ATIM": b"+2.00000000E-001",
        "CORR": b"+0.00000000E+000",
    }  # fmt: skip
    entries = []
    kept = [quantity for quantity in QUANTITIES if not quantity.measured]
    for quantity in kept:
        for port in (1, 2, 3, 4) if quantity.has_channels else ("",):
            header = quantity.header(port)
            entries.append(asked(header.encode() + b"?", replies[header.rpartition(":")[2]]))

    async def scenario(meter) -> dict:
        return await meter.read_settings()

    found = play(entries, scenario)
    assert found["wavelength"]["4"] == 1550e-9
    assert found["unit"]["1"] == "DBM"
    assert found["auto_range"]["2"] is True
    assert found["range_dbm"]["3"] == -20.0
    assert found["trigger_routing"] == "DEF"


def test_limits(play) -> None:
    async def scenario(meter) -> None:
        for points in (0, -1, 1001):
            with pytest.raises(LimitError):
                await meter.arm(points)
        with pytest.raises(InstrumentError, match="not armed"):
            await meter.fetch(0, 1)
        for averaging in (1e-7, 11.0, math.nan, math.inf):
            with pytest.raises(LimitError):
                await meter.prepare(averaging)

    play([], scenario, max_points=1000)


@pytest.mark.parametrize(
    "options",
    [
        {"ports": ()}, {"ports": (1, 1)}, {"ports": (9,)}, {"range_dbm": -15}, {"range_dbm": 20},
        {"range_dbm": (0, 0)}, {"wavelength": 1550}, {"averaging": 0.0}, {"averaging": math.nan},
        {"trigger": "MME"}, {"trigger_timeout": 0.0}, {"max_points": 0},
    ],
)  # fmt: skip
def test_options_that_no_model_can_do(options) -> None:
    with pytest.raises(ValueError, match="meter"):
        KeysightN7744A("meter", RESOURCE, MemoryNetwork(), link=LAN, **options)


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=40))
def test_any_answer_is_a_value_or_a_typed_error(data) -> None:
    from tests.drivers.conftest import Script, run

    reply = data.replace(b"\n", b"") + b"\n"
    server = Script(
        [(b"*IDN?\n", FOUR), (ASK, OK), (b"SENS1:POW:UNIT?\n" + ASK, b"+1\n" + OK)], closing=FOUR
    )
    server.extend((b"READ1:POW?\n" + ASK, reply + OK))
    server.extend((b"*IDN?\n", FOUR), (ASK, OK))
    network = MemoryNetwork()
    network.listen_tcp("meter", 5025, server.serve)

    async def scenario() -> None:
        meter = KeysightN7744A("meter", RESOURCE, network, link=LAN, timeout=0.1)
        await meter.open()
        try:
            value = await meter.read_watts(1)
        except (InstrumentError, LinkError):
            return
        finally:
            await meter.close()
        assert value == pytest.approx(min(float(reply), value))

    run(scenario())


STABILITY = (
    each(b"SENS%d:FUNC:STAT LOGG,STOP", 1, 3) + b";:" + each(b"TRIG%d:INP IGN", 1, 3) + b";:"
    + each(b"SENS%d:FUNC:PAR:STAB 2,0.5,0.1", 1, 3) + b";:"
    + each(b"SENS%d:FUNC:STAT STAB,STAR", 1, 3)
)  # fmt: skip


def test_stability_in_exact_bytes_and_the_next_frame_sets_all_anew(play) -> None:
    async def scenario(meter: KeysightN7744A) -> None:
        watts = await meter.stability(2.0, 0.5, 0.1)
        assert watts.shape == (4, 2)
        assert watts[:, 0] == pytest.approx([1e-3, 1.1e-3, 1e-3, math.inf])
        assert watts[:, 1] == pytest.approx([2e-6] * 4)
        await meter.arm(10)

    entries = [
        *prepared(1, 3),
        *told(STABILITY),
        polled([DONE, BUSY], 1, 3),
        polled([DONE, DONE], 1, 3),
        ahead(
            asked(b"SENS1:FUNC:RES?", block([1e-3, 1.1e-3, 1e-3, 9.9e37])),
            asked(b"SENS3:FUNC:RES?", block([2e-6] * 4)),
        ),
        *prepared(1, 3),
        *armed(10, 1, 3),
    ]
    play(entries, scenario, ports=(1, 3))


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((2.0, 0.05, 0.1), "0.1 s to 2 s"),
        ((2.0, 3.0, 0.1), "0.1 s to 2 s"),
        ((2.0, math.nan, 0.1), "0.1 s to 2 s"),
        ((1e7, 1.0, 0.1), "1000000 points"),
        ((2.0, 1.0, 11.0), "1e-06 to 10 s"),
    ],
)
def test_no_byte_leaves_for_a_stability_that_cannot_be(play, times, said) -> None:
    async def scenario(meter: KeysightN7744A) -> None:
        with pytest.raises(LimitError, match=said):
            await meter.stability(*times)

    play([], scenario)


def test_a_point_an_edge_serves_no_port_of_a_bench() -> None:
    meter = KeysightN7744A("meter", RESOURCE, MemoryNetwork(), link=LAN, trigger="SME")
    with pytest.raises(ValueError, match="trigger 'SME' takes one point an edge"):
        meter.time_points(1e-5, average=True)


def test_correction_and_temperature_in_exact_bytes(play) -> None:
    async def scenario(meter: KeysightN7744A) -> None:
        by_name = {quantity.name: quantity for quantity in QUANTITIES}
        await meter.set(by_name["correction"], -0.5, 3)
        assert await meter.get(by_name["correction"], 3) == -0.5
        assert await meter.get(by_name["temperature_celsius"]) == 24.5

    entries = [
        *told(b"SENS3:CORR -0.5"),
        asked(b"SENS3:CORR?", b"-5.00000000E-001"),
        asked(b"SYST:TEMP?", b"+2.45000000E+001"),
    ]
    play(entries, scenario)
