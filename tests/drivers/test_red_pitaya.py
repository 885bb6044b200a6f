"""The Red Pitaya driver against scripted boxes: exact bytes of a frame, four exchanges, safety."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drivers.instrument import IdentityError, InstrumentError, LimitError, TriggerTimeout
from drivers.link_model import LinkModel
from drivers.red_pitaya import RedPitaya, settings
from drivers.red_pitaya.words import word_texts
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork

LAN = LinkModel(latency=0.0007, bytes_per_second=5e5)
OK = b'0,"No error"\r\n'
HELLO = [
    (b"*IDN?\r\n", b"REDPITAYA,INSTR,2026-07-01,2.07-abc\r\n"),
    (b"SYST:ERR?\r\n", OK),
]
PREPARE = [
    "GEN:RST", "ACQ:RST", "ACQ:DATA:FORMAT BIN", "ACQ:DATA:Units RAW", "ACQ:DEC 4", "ACQ:AVG ON",
    "ACQ:SOUR1:GAIN LV", "ACQ:SOUR2:GAIN LV", "ACQ:TRig:EXT:DEBouncer:US 1",
    "SOUR:TRig:EXT:DEBouncer:US 1", "SOUR1:FUNC ARBITRARY", "SOUR2:FUNC ARBITRARY",
    "SOUR1:FREQ:FIX 119.20928955078125", "SOUR2:FREQ:FIX 119.20928955078125", "SOUR1:VOLT 1",
    "SOUR2:VOLT 1", "SOUR1:VOLT:OFFS 0", "SOUR2:VOLT:OFFS 0", "SOUR1:BURS:STAT BURST",
    "SOUR2:BURS:STAT BURST", "SOUR1:BURS:NCYC 1", "SOUR2:BURS:NCYC 1", "SOUR1:BURS:NOR 1",
    "SOUR2:BURS:NOR 1", "SOUR1:BURS:INITV 0", "SOUR2:BURS:INITV 0", "SOUR1:BURS:LASTV 0",
    "SOUR2:BURS:LASTV 0", "SOUR1:TRig:SOUR EXT_PE", "SOUR2:TRig:SOUR EXT_PE",
]  # fmt: skip
NO_SWEEP = (b"SOUR1:SWeep:STATE OFF;:SOUR2:SWeep:STATE OFF;:SYST:ERR?\r\n", OK)
PREPARED = [NO_SWEEP, *((f"{unit};:SYST:ERR?\r\n".encode(), OK) for unit in PREPARE)]
LOAD = (
    b"SOUR1:TRAC:DATA:DATA 0,0.5,-1,0.99988;:SOUR2:TRAC:DATA:DATA 0,-0.25,0.00012,0;"
    b":OUTPUT1:STATE ON;:OUTPUT2:STATE ON;:SYST:ERR?\r\n"
)
VOLTS = np.array([[0.0, 0.0], [0.5, -0.25], [-1.0, 1 / 8192], [1.0, 0.4 / 8192]])
ARM = b"ACQ:TRig:DLY -8124;:ACQ:START;:ACQ:TRig EXT_PE;:SYST:ERR?\r\n"
ARM_AGAIN = b"ACQ:START;:ACQ:TRig EXT_PE;:SYST:ERR?\r\n"
POLL = b"ACQ:TRig:STAT?;:ACQ:TRig:FILL?;:ACQ:TPOS?;:SYST:ERR?\r\n"
OFF = b"OUTPUT1:STATE OFF;:OUTPUT2:STATE OFF;:ACQ:STOP;:SYST:ERR?\r\n"


def fetch(start: int, count: int) -> bytes:
    return (
        f"ACQ:SOUR1:DATA:Start:N? {start},{count};:ACQ:SOUR2:DATA:Start:N? {start},{count};"
        f":SYST:ERR?\r\n"
    ).encode()


def block(values: list[int] | np.ndarray) -> bytes:
    data = np.asarray(values, dtype=">i2").tobytes()
    size = str(len(data))
    return f"#{len(size)}{size}".encode() + data


def driver(network: MemoryNetwork, **options) -> RedPitaya:
    return RedPitaya("box-0", "TCPIP::rp-0::5000::SOCKET", network, link=LAN, **options)


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened box against a greeting and these entries."""

    def _play(entries, scenario, **options):
        server = script([*HELLO, *entries], closing=HELLO[0][1])
        network = MemoryNetwork()
        network.listen_tcp("rp-0", 5000, server.serve)

        async def opened():
            box = driver(network, **options)
            await box.open()
            result = await scenario(box)
            await box.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_a_frame_is_four_exchanges_of_these_bytes(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        before = box.exchanges
        await box.load(VOLTS)
        await box.arm(64)
        got = await box.fetch(16, 3)
        assert box.exchanges - before == 4
        assert got.shape == (3, 2)
        assert got[:, 0].tolist() == [0.0, 1 / 8192, -1.0]
        assert got[:, 1].tolist() == [8191 / 8192, 0x0D0A / 8192, 0.0]
        # the second frame: nothing is said twice
        await box.prepare(512e-9, 4, True)
        await box.load(VOLTS)
        await box.arm(64)
        assert (await box.fetch(0, 1)).tolist() == [[2 / 8192, 3 / 8192]]
        assert set(box.busy) == {"configure", "upload", "arm", "poll", "fetch"}
        await box.off()

    answer = block([0, 1, -8192]) + b";" + block([8191, 0x0D0A, 0]) + b";" + OK
    play(
        [
            *PREPARED,
            (LOAD, OK),
            (ARM, OK),
            (POLL, b"TD;1;16380;" + OK),  # the window wraps round the end of the buffer
            (fetch(12, 3), answer),
            (ARM_AGAIN, OK),
            (POLL, b"TD;1;8192;" + OK),
            (fetch(8192, 1), block([2]) + b";" + block([3]) + b";" + OK),
            (OFF, OK),
            NO_SWEEP,
        ],
        scenario,
    )


def test_float32_transfer(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        assert (await box.fetch(0, 2)).tolist() == [[0.5, -0.25], [0.125, 1.0]]

    def floats(*values: float) -> bytes:
        return b"#18" + np.array(values, dtype=">f4").tobytes()

    units = [(data.replace(b"RAW", b"VOLTS"), reply) for data, reply in PREPARED]
    answer = floats(0.5, 0.125) + b";" + floats(-0.25, 1.0) + b";" + OK
    play(
        [*units, (ARM, OK), (POLL, b"TD;1;0;" + OK), (fetch(0, 2), answer)],
        scenario,
        transfer="float32",
    )


def test_jumpers_at_hv_are_told_to_the_box_and_words_are_twentieths(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        got = await box.fetch(0, 2)
        assert got.tolist() == [[20 / 8192, -20.0], [10.0, 20 * 8191 / 8192]]
        assert box.full_scale.tolist() == [1.0, 1.0]  # the outputs have no jumper
        assert box.read_full_scale.tolist() == [20.0, 20.0]
        assert box.resolution == 40.0 / 2**14

    units = [(data.replace(b"GAIN LV", b"GAIN HV"), reply) for data, reply in PREPARED]
    answer = block([1, 4096]) + b";" + block([-8192, 8191]) + b";" + OK
    play([*units, (ARM, OK), (POLL, b"TD;1;0;" + OK), (fetch(0, 2), answer)], scenario, gain="HV")


def test_a_frame_is_set_up_anew_after_one_of_its_settings_was_changed(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        await box.set(settings.PIN, True, "LED3")  # no part of a frame
        await box.set(settings.GAIN, "HV", 2)
        with pytest.raises(InstrumentError, match="not armed"):
            await box.fetch(0, 1)  # it would be a twentieth of what is there
        await box.load(VOLTS)
        await box.arm(64)

    changed = [
        (f"{unit};:SYST:ERR?\r\n".encode(), OK) for unit in ("DIG:PIN LED3,1", "ACQ:SOUR2:GAIN HV")
    ]
    play([*PREPARED, (ARM, OK), *changed, *PREPARED, (LOAD, OK), (ARM, OK)], scenario)


@pytest.mark.parametrize(
    ("quantity", "value", "channel", "sent"),
    [
        (settings.PIN_DIRECTION, "OUT", "DIO7_N", "DIG:PIN:DIR OUT,DIO7_N"),
        (settings.PIN, False, "DIO7_N", "DIG:PIN DIO7_N,0"),
        (settings.SLOW_OUTPUT, 1.2, "AOUT3", "ANALOG:PIN AOUT3,1.2"),
        (settings.PHASE, 90.0, 1, "SOUR1:PHAS 90"),
        (settings.DUTY_CYCLE, 0.25, 2, "SOUR2:DCYC 0.25"),
        (settings.BURST_PERIOD, 2e-4, 1, "SOUR1:BURS:INT:PER 200"),
        (settings.TRIGGER_LEVEL, 0.5, "", "ACQ:TRig:LEV 0.5"),
        (settings.INPUT_OFFSET, -0.1, 1, "ACQ:SOUR1:OFFS -0.1"),
        (settings.SWEEP_START, 1000.0, 1, "SOUR1:SWeep:FREQ:START 1000"),
        (settings.SWEEP_STOP, 2e6, 2, "SOUR2:SWeep:FREQ:STOP 2000000"),
        (settings.SWEEP_TIME, 0.5, 1, "SOUR1:SWeep:TIME 500000"),
        (settings.SWEEP_MODE, "LOG", 1, "SOUR1:SWeep:MODE LOG"),
        (settings.SWEEP_DIRECTION, "UP_DOWN", 1, "SOUR1:SWeep:DIR UP_DOWN"),
        (settings.SWEEP_ENDLESS, False, 1, "SOUR1:SWeep:REP:INF OFF"),
        (settings.SWEEP_COUNT, 3, 2, "SOUR2:SWeep:REP:COUNT 3"),
        (settings.SWEEP, True, 1, "SOUR1:SWeep:STATE ON"),
        (settings.TRIGGER_SENT, True, "", "DAISY:TRig:Out:ENable ON"),
        (settings.TRIGGER_SENT_SOURCE, "DAC", "", "DAISY:TRig:Out:SOUR DAC"),
    ],
)
def test_pins_and_settings_in_exact_bytes(play, quantity, value, channel, sent) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.set(quantity, value, channel)

    play([(f"{sent};:SYST:ERR?\r\n".encode(), OK)], scenario)


@pytest.mark.parametrize(
    ("quantity", "channel", "asked", "answer", "value"),
    [
        (settings.PIN, "DIO0_P", "DIG:PIN? DIO0_P", "1", True),
        (settings.PIN_DIRECTION, "DIO0_P", "DIG:PIN:DIR? DIO0_P", "IN", "IN"),
        (settings.SLOW_INPUT, "AIN2", "ANALOG:PIN? AIN2", "3.275", 3.275),
        (settings.SLOW_OUTPUT, "AOUT0", "ANALOG:PIN? AOUT0", "1.2", 1.2),
    ],
)
def test_pins_are_read(play, quantity, channel, asked, answer, value) -> None:
    async def scenario(box: RedPitaya) -> None:
        assert await box.get(quantity, channel) == value

    play([(f"{asked};:SYST:ERR?\r\n".encode(), answer.encode() + b";" + OK)], scenario)


@pytest.mark.parametrize(
    ("quantity", "value", "channel"),
    [
        (settings.SLOW_OUTPUT, 1.81, "AOUT0"),
        (settings.SLOW_OUTPUT, math.nan, "AOUT0"),
        (settings.SLOW_OUTPUT, -0.01, "AOUT0"),
        (settings.SLOW_OUTPUT, 1.0, "AIN0"),
        (settings.PIN, True, "DIO8_P"),
        (settings.PIN_DIRECTION, "OUT", "LED0"),
    ],
)
def test_no_byte_leaves_for_a_pin_that_is_not_or_a_value_that_harms(
    play, quantity, value, channel
) -> None:
    async def scenario(box: RedPitaya) -> None:
        with pytest.raises((LimitError, ValueError)):
            await box.set(quantity, value, channel)

    play([], scenario)


def test_opening_only_identifies(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        assert box.identity is not None
        assert box.identity.model == "REDPITAYA"
        assert box.identity.firmware == "2026-07-01,2.07-abc"
        with pytest.raises(InstrumentError, match="call prepare"):
            await box.load(VOLTS)
        with pytest.raises(InstrumentError, match="not armed"):
            await box.fetch(0, 1)

    play([], scenario, expect={"model": "REDPITAYA"})


def test_a_wrong_instrument(virtual, script) -> None:
    server = script([(b"*IDN?\r\n", b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,1,C30\r\n")])
    network = MemoryNetwork()
    network.listen_tcp("rp-0", 5000, server.serve)

    async def scenario() -> None:
        with pytest.raises(IdentityError, match="REDPITAYA"):
            await driver(network, expect={"model": "REDPITAYA"}).open()

    virtual(scenario())


def test_waits_for_the_trigger(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        await box.fetch(0, 1)

    one = block([2]) + b";" + block([3]) + b";" + OK
    waiting = [(POLL, b"WAIT;0;0;" + OK), (POLL, b"TD;0;5;" + OK), (POLL, b"TD;1;5;" + OK)]
    play([*PREPARED, (ARM, OK), *waiting, (fetch(5, 1), one)], scenario)


def test_no_trigger_names_the_box_and_the_likely_cause(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        with pytest.raises(TriggerTimeout, match=r"box-0: .*WAIT.*0\.0025 s.*DIO0_P"):
            await box.fetch(0, 1)

    play([*PREPARED, (ARM, OK), *[(POLL, b"WAIT;0;0;" + OK)] * 4], scenario, trigger_timeout=2.5e-3)


def test_queued_errors_name_command_and_reply(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        with pytest.raises(InstrumentError) as refused:
            await box.prepare(512e-9, 4, True)
        assert str(refused.value).startswith("box-0: 'ACQ:RST' was answered by '-113")
        assert "9001" in str(refused.value)
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        with pytest.raises(InstrumentError, match="-222"):  # a query that fails answers nothing
            await box.fetch(0, 1)

    play(
        [
            *PREPARED[:2],
            (PREPARED[2][0], b'-113,"Undefined header"\r\n'),
            (b"SYST:ERR?\r\n", b'9001,"Failed"\r\n'),
            (b"SYST:ERR?\r\n", OK),
            *PREPARED,
            (ARM, OK),
            (POLL, b"TD;1;0;" + OK),
            (fetch(0, 1), b'-222,"Data out of range"\r\n'),
            (b"SYST:ERR?\r\n", OK),
        ],
        scenario,
    )


def test_a_late_block_is_never_taken_for_the_next(play) -> None:
    one = block([2]) + b";" + block([3]) + b";" + OK

    async def late(writer) -> None:
        await asyncio.sleep(2.5)
        writer.write(one)

    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.load(VOLTS)
        await box.arm(64)
        with pytest.raises(LinkTimeout, match="rp-0"):
            await box.fetch(0, 1)
        with pytest.raises(InstrumentError, match="run the frame again"):
            await box.fetch(0, 1)
        # on the new connection the format would be ASCII: everything is set up again
        await box.load(VOLTS)
        await box.arm(64)
        assert (await box.fetch(0, 1)).tolist() == [[4 / 8192, 5 / 8192]]

    again = block([4]) + b";" + block([5]) + b";" + OK
    play(
        [
            *PREPARED, (LOAD, OK), (ARM, OK), (POLL, b"TD;1;0;" + OK), (fetch(0, 1), late),
            *HELLO,
            *PREPARED, (LOAD, OK), (ARM, OK), (POLL, b"TD;1;0;" + OK), (fetch(0, 1), again),
        ],
        scenario,
    )  # fmt: skip


def test_a_lost_connection_before_arming_brings_the_waveform_back(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.load(VOLTS)
        await asyncio.sleep(0.1)  # the server hangs up meanwhile
        await box.arm(64)

    def hang_up(writer) -> None:
        writer.write(OK + HELLO[0][1])
        asyncio.get_running_loop().call_later(0.05, writer.close)

    again = [*PREPARED, (LOAD, OK), (ARM, OK)]
    play([*PREPARED, (LOAD, hang_up), *HELLO, *again], scenario)


def test_a_block_of_the_wrong_size(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        with pytest.raises(InstrumentError, match=r"2 bytes for 2 points.*another client"):
            await box.fetch(0, 2)

    answer = block([2]) + b";" + block([3]) + b";" + OK
    play([*PREPARED, (ARM, OK), (POLL, b"TD;1;0;" + OK), (fetch(0, 2), answer)], scenario)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1.0000001, -1.0000001])
def test_no_byte_leaves_for_a_bad_value(play, bad: float) -> None:
    async def scenario(box: RedPitaya) -> None:
        volts = VOLTS.copy()
        volts[2, 1] = bad
        with pytest.raises(LimitError) as refused:
            await box.load(volts)
        assert (refused.value.instrument, refused.value.channel) == ("box-0", 2)
        assert "-1 to 1 V" in str(refused.value)
        with pytest.raises(LimitError):
            box.quantise(volts)

    play([], scenario)


def test_no_byte_leaves_for_a_bad_setting(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        for dwell in (0.0, -1.0, 7e-9, 1e-4, math.nan, math.inf):
            with pytest.raises(LimitError, match="dwell"):
                await box.prepare(dwell, 4, True)
        with pytest.raises(ValueError, match=r"multiple of 8 ns; 5\.12e-07 s is"):
            await box.prepare(511e-9, 4, True)
        for decimation in (0, 3, 131072):
            with pytest.raises(ValueError, match="power of 2"):
                await box.prepare(512e-9, decimation, True)
        for points in (0, 16385):
            with pytest.raises(LimitError, match="points"):
                await box.arm(points)
        with pytest.raises(LimitError, match="samples"):
            await box.load(np.zeros((16385, 2)))
        with pytest.raises(ValueError, match="shape"):
            await box.load(np.zeros((4, 3)))

    play([], scenario)


def test_a_window_must_have_been_armed(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(64)
        for first, count in ((-1, 2), (0, 65), (60, 5), (0, 0)):
            with pytest.raises(LimitError, match="64 points"):
                await box.fetch(first, count)

    play([*PREPARED, (ARM, OK)], scenario)


def test_the_whole_buffer_can_be_armed(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)
        await box.arm(16384)

    play([*PREPARED, (ARM.replace(b"-8124", b"8192"), OK)], scenario)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-1, 1)))
def test_what_is_sent_is_what_quantise_says(volts: np.ndarray) -> None:
    box = driver(MemoryNetwork())
    texts = word_texts()
    sent = np.vectorize(lambda word: float(texts[word]))(box._words(volts))
    played = np.clip(np.rint(sent * 8192), -8192, 8191) / 8192
    assert (played == box.quantise(volts)).all()
    assert np.abs(box.quantise(volts) - volts).max() <= 1 / 8192


def test_options_are_checked() -> None:
    network = MemoryNetwork()
    for options in (
        {"transfer": "int8"},
        {"trigger_timeout": 0.0},
        {"timeout": -1.0},
        {"gain": "MV"},
    ):
        with pytest.raises(ValueError, match="box-0"):
            driver(network, **options)
    with pytest.raises(ValueError, match="serial link, and RedPitaya has tcp"):
        RedPitaya("box-0", "ASRL1::INSTR", network, link=LAN)


DEEP_SETUP = [
    (b"ACQ:AXI:START?;:ACQ:AXI:SIZE?;:SYST:ERR?\r\n", b"16777216;2097152;" + OK),
    (
        b"ACQ:AXI:DATA:Units RAW;:ACQ:AXI:SOUR1:SET:Buffer 16777216,200016;"
        b":ACQ:AXI:SOUR1:ENable ON;:ACQ:AXI:SOUR2:SET:Buffer 16977232,200016;"
        b":ACQ:AXI:SOUR2:ENable ON;:SYST:ERR?\r\n",
        OK,
    ),
]
DEEP_ARM = (
    b"ACQ:AXI:SOUR1:Trig:Dly 70004;:ACQ:AXI:SOUR2:Trig:Dly 70004;:ACQ:START;:ACQ:TRig EXT_PE;"
    b":SYST:ERR?\r\n"
)
DEEP_POLL = (
    b"ACQ:TRig:STAT?;:ACQ:AXI:SOUR1:Trig:Fill?;:ACQ:AXI:SOUR2:Trig:Fill?;"
    b":ACQ:AXI:SOUR1:Trig:Pos?;:ACQ:AXI:SOUR2:Trig:Pos?;:SYST:ERR?\r\n"
)


def deep_fetch(first: int, second: int, count: int) -> bytes:
    return (
        f"ACQ:AXI:SOUR1:DATA:Start:N? {first},{count};"
        f":ACQ:AXI:SOUR2:DATA:Start:N? {second},{count};:SYST:ERR?\r\n"
    ).encode()


def test_frames_of_the_deep_memory_in_exact_bytes(play) -> None:
    """A frame of 70,000 points: fetched in parts of 65,536, round the end of its buffers."""

    async def scenario(box: RedPitaya) -> None:
        assert (box.read_points, box.max_points) == (100_000, 16384)
        await box.prepare(512e-9, 4, True)
        await box.arm(70_000)
        got = await box.fetch(0, 70_000)
        assert got.shape == (70_000, 2)
        assert got[[0, 65_535, 65_536, 69_999], 0].tolist() == [0.0, 0.5, -0.5, 0.25]
        assert got[[0, 65_536], 1].tolist() == [0.125, -0.125]
        with pytest.raises(LimitError, match="1 to 100000 points"):
            await box.arm(100_001)

    first, rest = np.zeros(65_536), np.zeros(4464)
    one, two = first.copy(), rest.copy()
    one[-1], two[0], two[-1] = 4096, -4096, 2048
    other, more = first.copy(), rest.copy()
    other[0], more[0] = 1024, -1024
    play(
        [
            *PREPARED,
            *DEEP_SETUP,
            (DEEP_ARM, OK),
            (DEEP_POLL, b"TD;1;0;99000;500;" + OK),
            (DEEP_POLL, b"TD;1;1;99000;500;" + OK),
            (deep_fetch(99_000, 500, 65_536), block(one) + b";" + block(other) + b";" + OK),
            # 99,000 + 65,536 is 64,528 beyond the 100,008 points of the buffer
            (deep_fetch(64_528, 66_036, 4464), block(two) + b";" + block(more) + b";" + OK),
        ],
        scenario,
        deep_points=100_000,
    )


def test_deep_memory_that_the_box_has_not_is_told_at_once(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        with pytest.raises(
            InstrumentError, match=r"200016 bytes.*deep_points = 100000 needs 400032"
        ):
            await box.prepare(512e-9, 4, True)

    little = (DEEP_SETUP[0][0], b"16777216;200016;" + OK)
    play([*PREPARED, little], scenario, deep_points=100_000)


def test_a_box_without_sweeps_is_none_the_worse(play) -> None:
    async def scenario(box: RedPitaya) -> None:
        await box.prepare(512e-9, 4, True)

    unknown = b'-113,"Undefined header"\r\n'
    lacks = [(NO_SWEEP[0], unknown), (b"SYST:ERR?\r\n", unknown), (b"SYST:ERR?\r\n", OK)]
    play([*lacks, *PREPARED[1:]], scenario)


def test_what_a_bench_may_ask_of_it_follows_its_options() -> None:
    facts = RedPitaya.reads_with({"gain": "HV", "deep_points": 500_000})
    assert (facts.full_scale, facts.points) == (20.0, 500_000)
    assert RedPitaya.reads_with({}) == RedPitaya.reads
