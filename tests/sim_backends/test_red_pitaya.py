"""The Red Pitaya's SCPI server: exact replies, errors, settings."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.red_pitaya import RedPitaya
from sim_backends.red_pitaya.acquisition import Capture


class Lab:
    """One box alone: a clock set by hand, edges on order, a ramp of 1 mV a point at the inputs."""

    def __init__(self) -> None:
        self.time = 0.0
        self.edges: list[float] = []
        self.falls: list[float] = []
        self.box = RedPitaya(self)
        self.sent: list[bytes] = []
        self.client = self.box.converse(self.sent.append)

    def now(self) -> float:
        return self.time

    def next_edge(self, after: float, rising: bool) -> float | None:
        edges = self.edges if rising else self.falls
        return next((edge for edge in edges if edge > after), None)

    def quiet(self) -> bool:
        return False

    def before_change(self) -> None:
        pass

    def observe(self, capture: Capture, first: int, count: int) -> None:
        ramp = np.arange(first, first + count) * 1e-3
        capture.points, capture.first = np.stack([ramp, -2 * ramp], axis=1), first

    def ask(self, text: str) -> bytes:
        self.sent.clear()
        self.client.receive(text.encode("latin-1") + b"\r\n")
        return b"".join(self.sent)

    def error(self) -> str:
        return self.ask("SYST:ERR?").decode().strip()


def test_identity_and_framing() -> None:
    lab = Lab()
    assert lab.ask("*IDN?").startswith(b"REDPITAYA,INSTR,")
    assert lab.ask("*IDN?").count(b",") == 3
    lab.sent.clear()
    lab.client.receive(b"*OPC?\n")
    assert lab.sent == []
    lab.client.receive(b"*OPC?\r\n")
    # A bare line feed does not end a message: both lines came as one, with white space between.
    assert lab.sent == []


@pytest.mark.parametrize(
    ("command", "query", "reply"),
    [
        ("SOUR1:FUNC ARBITRARY", "SOUR1:FUNC?", "ARBITRARY"),
        ("SOUR2:FREQ:FIX 119.209289", "SOUR2:FREQ:FIX?", "119.209289"),
        ("SOUR1:VOLT 0.5", "SOUR1:VOLT?", "0.5"),
        ("SOUR1:VOLT 0.5;VOLT:OFFS -0.25", "SOUR1:VOLT:OFFS?", "-0.25"),
        ("SOUR1:BURS:STAT BURST", "SOUR1:BURS:STAT?", "BURST"),
        ("SOUR1:BURS:NCYC 3", "SOUR1:BURS:NCYC?", "3"),
        ("SOUR1:BURS:NOR 2", "SOUR1:BURS:NOR?", "2"),
        ("SOUR1:BURS:INT:PER 100", "SOUR1:BURS:INT:PER?", "100"),
        ("SOUR1:BURS:LASTV 0.25", "SOUR1:BURS:LASTValue?", "0.25"),
        ("SOUR1:BURS:INITV -0.5", "SOUR1:BURS:INITV?", "-0.5"),
        ("SOUR1:TRig:SOUR EXT_PE", "SOUR1:TR:SOUR?", "EXT_PE"),
        ("OUTPUT1:STATE ON", "OUTPUT1:STATE?", "ON"),
        ("OUTPUT:STATE ON", "OUTPUT2:STATE?", "ON"),
        ("SOUR:TRig:EXT:DEBouncer:US 1", "SOUR:TRig:EXT:DEB?", "1"),
        ("ACQ:TRig:EXT:DEB 2.5", "ACQ:TRig:EXT:DEBouncer:US?", "2.5"),
        ("ACQ:DEC 4", "ACQ:DEC?", "4"),
        ("ACQ:AXI:DEC 16", "ACQ:DEC?", "16"),
        ("ACQ:AXI:DATA:Units RAW", "ACQ:AXI:DATA:UNITS?", "RAW"),
        ("ACQ:AXI:SOUR2:Trig:Dly 500", "ACQ:AXI:SOUR2:TRIG:DLY?", "500"),
        ("ACQ:START", "ACQ:AXI:START?", "16777216"),
        ("ACQ:START", "ACQ:AXI:SIZE?", "2097152"),
        ("ACQ:SOUR2:OFFS 0.25", "ACQ:SOUR2:OFFS?", "0.25"),
        ("SOUR1:SWeep:FREQ:START 20000", "SOUR1:SW:FREQ:START?", "20000"),
        ("SOUR1:SWeep:FREQ:STOP 1500.7", "SOUR1:SWeep:FREQ:STOP?", "1500"),
        ("SOUR2:SWeep:TIME 250", "SOUR2:SWeep:TIME?", "250"),
        ("SOUR2:SWeep:MODE LOG", "SOUR2:SWeep:MODE?", "LOG"),
        ("SOUR2:SWeep:DIR UP_DOWN", "SOUR2:SWeep:DIR?", "UP_DOWN"),
        ("SOUR2:SWeep:REP:INF OFF", "SOUR2:SWeep:REP:INF?", "OFF"),
        ("SOUR2:SWeep:REP:COUNT 7", "SOUR2:SWeep:REP:COUNT?", "7"),
        ("SOUR1:SWeep:STATE ON", "SOUR1:SWeep:STATE?", "ON"),
        ("DAISY:TRig:Out:ENable ON", "DAISY:TRig:Out:EN?", "ON"),
        ("DAISY:TRIG:OUT:SOUR DAC", "DAISY:TRig:Out:SOUR?", "DAC"),
        ("DAISY:SYNC:CLK 1", "DAISY:SYNC:CLK?", "ON"),
        ("ACQ:DEC:Factor 17", "ACQ:DEC:F?", "17"),
        ("ACQ:AVG OFF", "ACQ:AVG?", "OFF"),
        ("ACQ:AVG 1", "ACQ:AVG?", "ON"),
        ("ACQ:TRig:DLY -8000", "ACQ:TRig:DLY?", "-8000"),
        ("ACQ:TRig:LEV 0.2", "ACQ:TRig:LEV?", "0.2"),
        ("ACQ:DATA:FORMAT BIN", "ACQ:DATA:FORMAT?", "BIN"),
        ("ACQ:DATA:BYTE:ORDER LEND", "ACQ:DATA:BYTE:ORDER?", "LEND"),
        ("ACQ:DATA:Units RAW", "ACQ:DATA:U?", "RAW"),
        ("ACQ:SOUR2:GAIN HV", "ACQ:SOUR2:GAIN?", "HV"),
        ("ACQ:RST", "ACQ:BUF:SIZE?", "16384"),
        ("DIG:PIN:DIR OUT,DIO1_N", "DIG:PIN:DIR? DIO1_N", "OUT"),
        ("DIG:PIN:DIR OUT,DIO1_N;:DIG:PIN DIO1_N,1", "DIG:PIN? DIO1_N", "1"),
        ("ANALOG:PIN AOUT0, 1.2", "ANALOG:PIN? AOUT0", "1.2"),
    ],
)
def test_settings_are_answered(command, query, reply) -> None:
    lab = Lab()
    assert lab.ask(command) == b""
    assert lab.ask(query) == reply.encode() + b"\r\n"
    assert lab.error() == '0,"No error"'


@pytest.mark.parametrize(
    ("message", "first"),
    [
        ("SOUR3:FUNC SINE", '9506,"Invalid channel number"'),
        ("ACQ:SOUR0:DATA?", '9506,"Invalid channel number"'),
        ("SOUR1:FUNC WAVY", '-109,"Missing first parameter."'),
        ("SOUR1:VOLT", '-109,"Missing first parameter."'),
        ("SOUR1:VOLT 1.5", '9506,"Failed to set amplitude: Value out of range."'),
        ("SOUR1:VOLT 0.8;VOLT:OFFS 0.5", '9506,"Failed to set offset: Value out of range."'),
        ("SOUR1:FREQ:FIX 1e9", '9506,"Failed to set frequency: Value out of range."'),
        ("SOUR1:TRAC:DATA:DATA 0,x", '-109,"Missing first parameter."'),
        ("SOUR1:TRAC:DATA:DATA 0,nan", '-109,"Missing first parameter."'),
        ("ACQ:DEC 3", '-109,"Missing first parameter."'),
        ("ACQ:START 1", '-108,"Parameter not allowed"'),
        ("ACQ:STRAT", '-113,"Undefined header"'),
        ("ACQ:SOUR1:DATA:Start:N? 0", '-109,"Missing first parameter."'),
        ("ACQ:SOUR1:DATA:Start:N? 0,20000", '9506,"Failed to set number of points: '),
        ("DIG:PIN DIO1_N,1", '-221,"Settings conflict"'),
        ("ACQ:SOUR1:COUP AC", '9524,"Failed to set AC/DC mode: Command not supported."'),
        ("ACQ:SOUR1:COUP?", '9524,"Failed to set AC/DC mode: Command not supported."'),
        ("SOUR1:LOAD L50", '9524,"Failed to set generate load: Command not supported."'),
        ("ACQ:AXI:SOUR1:SET:Buffer 16777216,100", '9506,"Failed to set write addresses: '),
        ("ACQ:AXI:SOUR1:SET:Buffer 16777216,2097168", '9506,"Failed to set write addresses: '),
        ("ACQ:AXI:SOUR1:SET:Buffer 16777200,1600", '9506,"Failed to set write addresses: '),
        ("ACQ:AXI:SOUR1:DATA:Start:N? 0,8", '9506,"Failed to set number of points: '),
        ("ACQ:AXI:DEC 3", '9506,"Failed to set decimation: Value out of range."'),
        ("SOUR1:SWeep:FREQ:START 0", '9506,"Failed to set sweep frequency: '),
        ("SOUR1:SWeep:TIME 0", '9506,"Failed to set time: Value out of range."'),
        ("SOURCE1:FUNC?", '-113,"Undefined header"'),
    ],
)
def test_what_fails_is_silent_and_queued(message, first) -> None:
    lab = Lab()
    assert lab.ask(message) == b""
    assert lab.error().startswith(first)
    lab.ask("*CLS")
    assert lab.error() == '0,"No error"'


def test_a_failed_query_answers_an_empty_line_when_told_to() -> None:
    lab = Lab()
    wrong = "ACQ:SOUR9:GAIN?"
    assert lab.ask(wrong) == b""
    lab.ask("RP:RET_ON_ERROR ON")
    assert lab.ask(wrong) == b"\r\n"
    assert lab.ask("SOUR9:VOLT 0.5") == b""
    lab.ask("RP:RET_ON_ERROR OFF")
    assert lab.ask(wrong) == b""


def test_joined_units_keep_the_path_and_survive_errors() -> None:
    lab = Lab()
    assert lab.ask("ACQ:DEC 8;AVG OFF;DEC?;AVG?") == b"8;OFF\r\n"
    assert lab.ask("ACQ:DEC?;STUB;:SYST:ERR?") == b'8;-113,"Undefined header"\r\n'
    assert lab.ask("ACQ:DEC 2;SYST:ERR?") == b""
    assert lab.ask(":SYST:ERR:COUN?") == b"1\r\n"


def test_errors_and_formats_are_each_clients_own() -> None:
    lab = Lab()
    other: list[bytes] = []
    client = lab.box.converse(other.append)
    lab.ask("ACQ:DATA:FORMAT BIN;:NOPE;:ACQ:DEC 64")
    client.receive(b"SYST:ERR?;:ACQ:DATA:FORMAT?;:ACQ:DEC?\r\n")
    assert other == [b'0,"No error";ASCII;64\r\n']


def test_the_arbitrary_table_is_read_back() -> None:
    lab = Lab()
    lab.ask("SOUR1:TRAC:DATA:DATA 0,0.5,-2")
    assert lab.ask("SOUR1:TRAC:DATA:DATA?") == b"{0.000000,0.500000,-1.000000}\r\n"


def triggered(lab: Lab, delay: int = 100 - 8192) -> None:
    """Acquisition of `delay` + 8192 points, triggered at t = 1 ms."""
    lab.ask(f"ACQ:RST;:ACQ:DEC 4;:ACQ:TRig:DLY {delay};:ACQ:START;:ACQ:TRig EXT_PE")
    assert lab.ask("ACQ:TRig:STAT?;:ACQ:TRig:FILL?") == b"WAIT;0\r\n"
    lab.edges.append(1e-3)
    lab.time = 1e-3 + 1e-6
    assert lab.ask("ACQ:TRig:STAT?;:ACQ:TRig:FILL?") == b"TD;0\r\n"
    lab.time = 2e-3
    assert lab.ask("ACQ:TRig:STAT?;:ACQ:TRig:FILL?") == b"TD;1\r\n"


def position(lab: Lab) -> int:
    return int(lab.ask("ACQ:TPOS?"))


def test_ascii_and_binary_data_from_the_trigger_on() -> None:
    lab = Lab()
    triggered(lab)
    at = position(lab)
    # Volts lie on the converter's steps of 1/8192.
    assert lab.ask(f"ACQ:SOUR1:DATA:Start:N? {at},3") == b"{0.000000,0.000977,0.001953}\r\n"
    lab.ask("ACQ:DATA:FORMAT BIN")
    reply = lab.ask(f"ACQ:SOUR1:DATA:STArt:N? {at},3;:ACQ:SOUR2:DATA:STA:N? {at},2")
    assert reply[:4] == b"#212"
    assert np.frombuffer(reply[4:16], ">f4").tolist() == [0.0, 8 / 8192, 16 / 8192]
    assert reply[16:20] == b";#18"
    assert np.frombuffer(reply[20:28], ">f4").tolist() == [0.0, -16 / 8192]
    assert reply[28:] == b"\r\n"
    lab.ask("ACQ:DATA:BYTE:ORDER LEND;:ACQ:DATA:Units RAW")
    reply = lab.ask(f"ACQ:SOUR1:DATA:Start:N? {at},3")
    assert np.frombuffer(reply[3:9], "<i2").tolist() == [0, 8, 16]
    lab.ask("ACQ:RST")
    assert lab.ask("ACQ:DATA:FORMAT?;:ACQ:DATA:Units?") == b"ASCII;VOLTS\r\n"


def test_ring_positions() -> None:
    lab = Lab()
    triggered(lab)
    lab.ask("ACQ:DATA:Units RAW")
    at = position(lab)
    assert int(lab.ask("ACQ:WPOS?")) == (at + 100) % 16384
    latest = lab.ask("ACQ:SOUR1:DATA:LATest:N? 2")
    assert latest == b"{803,811}\r\n"
    around = lab.ask("ACQ:SOUR1:DATA:TRig? 2,PRE_POST_TRIG")
    assert around == b"{-16,-8,0,8,16}\r\n"
    assert lab.ask("ACQ:SOUR1:DATA:TRig? 1,POST_TRIG") == b"{0,8}\r\n"
    assert lab.ask(f"ACQ:SOUR1:DATA:Start:End? {at},{(at + 1) % 16384}") == b"{0,8}\r\n"
    everything = lab.ask("ACQ:SOUR1:DATA?")
    values = np.array(everything.decode().strip("{}\r\n").split(","), int)
    assert values.size == 16384
    assert values[-100:].tolist() == np.rint(np.arange(100) * 8.192).astype(int).tolist()
    assert lab.ask("ACQ:SOUR1:DATA:Old:N? 2").startswith(b"{-8192,")


def test_points_before_the_start_are_nought() -> None:
    lab = Lab()
    lab.ask("ACQ:DEC 4;:ACQ:DATA:Units RAW;:ACQ:TRig:DLY -8092;:ACQ:START;:ACQ:TRig EXT_PE")
    lab.edges.append(1e-6)
    lab.time = 1e-3
    # The trigger comes a microsecond after the start: about 34 points.
    reply = lab.ask("ACQ:SOUR1:DATA:TRig? 40,PRE_TRIG").decode().strip("{}\r\n")
    values = np.array(reply.split(","), int)
    assert values[:6].tolist() == [0] * 6
    assert values[7] != 0


def test_inputs_clip_at_full_scale_unless_the_jumper_says_otherwise() -> None:
    lab = Lab()
    triggered(lab, delay=3000 - 8192)
    at = position(lab)
    assert lab.ask(f"ACQ:SOUR1:DATA:Start:N? {at + 2000},1") == b"{0.999878}\r\n"
    assert lab.ask(f"ACQ:SOUR2:DATA:Start:N? {at + 2000},1") == b"{-1.000000}\r\n"
    lab.ask("ACQ:SOUR1:GAIN HV")
    volts = float(lab.ask(f"ACQ:SOUR1:DATA:Start:N? {at + 2000},1").strip(b"{}\r\n"))
    assert volts == pytest.approx(2.0, abs=20 / 8192)


def test_a_trigger_source_is_spent_with_its_trigger() -> None:
    lab = Lab()
    triggered(lab)
    lab.ask("ACQ:START")
    lab.edges.append(5e-3)
    lab.time = 6e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"WAIT\r\n"
    lab.ask("ACQ:TRig NOW")
    lab.time = 7e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"TD\r\n"


def test_the_trigger_input_is_deaf_for_half_a_millisecond() -> None:
    lab = Lab()
    triggered(lab)
    lab.ask("ACQ:START;:ACQ:TRig EXT_PE")
    lab.edges += [2.1e-3]
    lab.time = 2.2e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"TD\r\n"
    lab.ask("ACQ:START;:ACQ:TRig EXT_PE")
    lab.edges += [2.5e-3, 2.7e-3]
    lab.time = 2.6e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"WAIT\r\n"
    lab.time = 2.8e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"TD\r\n"


def test_a_shorter_debouncer_hears_more() -> None:
    lab = Lab()
    lab.ask("ACQ:TRig:EXT:DEB 1")
    triggered(lab)
    lab.ask("ACQ:START;:ACQ:TRig EXT_PE")
    lab.edges += [2.05e-3]
    lab.time = 2.1e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"TD\r\n"
    lab.ask("ACQ:START;:ACQ:TRig EXT_PE")
    lab.edges += [2.12e-3]
    lab.time = 2.2e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"TD\r\n"


@pytest.mark.parametrize(
    ("source", "hears_rise", "hears_fall"),
    [("EXT_PE", True, False), ("EXT_NE", False, True), ("EXT_AE", True, True)],
)
def test_edges_of_the_external_trigger(source: str, hears_rise: bool, hears_fall: bool) -> None:
    for edge, hears in (("edges", hears_rise), ("falls", hears_fall)):
        lab = Lab()
        lab.ask(f"ACQ:DEC 4;:ACQ:START;:ACQ:TRig {source}")
        getattr(lab, edge).append(1e-3)
        lab.time = 1.1e-3
        assert lab.ask("ACQ:TRig:STAT?") == (b"TD\r\n" if hears else b"WAIT\r\n"), edge


def test_a_falling_edge_before_arming_is_over() -> None:
    lab = Lab()
    lab.falls.append(1e-3)
    lab.time = 2e-3
    lab.ask("ACQ:START;:ACQ:TRig EXT_AE")
    lab.time = 3e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"WAIT\r\n"


def test_each_output_starts_on_the_edge_that_it_waits_for() -> None:
    lab = Lab()
    for output, source in ((1, "EXT_PE"), (2, "EXT_NE")):
        lab.ask(f"SOUR{output}:BURS:STAT BURST;:SOUR{output}:TRig:SOUR {source}")
        lab.ask(f"OUTPUT{output}:STATE ON")
    lab.edges.append(1e-3)
    lab.falls.append(1.2e-3)
    lab.time = 5e-3
    lab.ask("ACQ:DEC?")
    starts = [output.last_run.start for output in lab.box.outputs if output.last_run is not None]
    assert starts == pytest.approx([1e-3 + 100e-9, 1.2e-3 + 100e-9], abs=8e-9)


@pytest.mark.parametrize(("source", "later"), [("AWG_PE", 0), ("AWG_AE", 0), ("AWG_NE", 1)])
def test_the_digitiser_starts_with_a_burst_of_the_first_output(source: str, later: int) -> None:
    lab = Lab()
    lab.ask("SOUR1:BURS:STAT BURST;:OUTPUT1:STATE ON;:SOUR2:BURS:STAT BURST;:OUTPUT2:STATE ON")
    lab.ask(f"ACQ:DEC 1;:ACQ:START;:ACQ:TRig {source}")
    lab.time = 1e-3
    lab.ask("SOUR2:TRig:INT")
    lab.time = 2e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"WAIT\r\n"
    lab.ask("SOUR1:TRig:INT")
    lab.time = 3e-3
    assert lab.ask("ACQ:TRig:STAT?") == b"TD\r\n"
    run, capture = lab.box.outputs[0].last_run, lab.box.acquisition.capture
    assert run is not None
    assert capture is not None
    assert capture.start == pytest.approx(run.start + later * 8e-9, abs=1e-12)


def test_words_at_the_hv_jumper_are_twentieths_of_those_at_lv() -> None:
    lab = Lab()
    triggered(lab, delay=3000 - 8192)
    at = position(lab)
    lab.ask("ACQ:DATA:Units RAW;:ACQ:SOUR2:GAIN HV")
    assert lab.ask(f"ACQ:SOUR2:DATA:Start:N? {at + 2000},1") == b"{-1638}\r\n"  # -4 V of 20
    assert lab.ask(f"ACQ:SOUR1:DATA:Start:N? {at + 500},1") == b"{4096}\r\n"  # 0.5 V of 1


@pytest.mark.parametrize(
    ("message", "first"),
    [
        ("ANALOG:PIN AOUT0,1.9", '-222,"Data out of range"'),
        ("ANALOG:PIN AIN0,1", "-109"),
        ("DIG:PIN:DIR IN,LED0", "-109"),
        ("DIG:PIN:DIR OUT,DIO8_P", "-109"),
        ("ACQ:TRig CH3_PE", "-109"),
    ],
)
def test_pins_and_sources_that_are_not_there_are_refused(message: str, first: str) -> None:
    lab = Lab()
    assert lab.ask(message) == b""
    assert lab.error().startswith(first)


def test_pins_go_back_to_inputs_and_slow_outputs_to_nought() -> None:
    lab = Lab()
    lab.ask("DIG:PIN:DIR OUT,DIO2_P;:DIG:PIN DIO2_P,1;:DIG:PIN LED5,1;:ANALOG:PIN AOUT1,0.5")
    assert lab.ask("DIG:PIN? DIO2_P;:DIG:PIN? LED5;:ANALOG:PIN? AOUT1") == b"1;1;0.5\r\n"
    lab.ask("DIG:RST;:ANALOG:RST")
    answer = lab.ask("DIG:PIN? DIO2_P;:DIG:PIN? LED5;:DIG:PIN:DIR? DIO2_P;:ANALOG:PIN? AOUT1")
    assert answer == b"0;0;IN;0\r\n"


def test_every_slow_output_goes_to_nought_at_its_reset() -> None:
    lab = Lab()
    lab.ask(";:".join(f"ANALOG:PIN AOUT{k},1" for k in range(4)))
    lab.ask("ANALOG:RST")
    assert lab.ask(";:".join(f"ANALOG:PIN? AOUT{k}" for k in range(4))) == b"0;0;0;0\r\n"


def test_points_told_in_volts_have_the_offset_of_their_input_and_words_have_not() -> None:
    lab = Lab()
    lab.ask("ACQ:SOUR1:OFFS 0.5;:ACQ:START;:ACQ:TRig NOW")
    lab.time = 1.0
    window = f"ACQ:SOUR1:DATA:Start:N? {int(lab.ask('ACQ:TPOS?'))},2"
    assert lab.ask(window) == b"{0.500000,0.500977}\r\n"
    lab.ask("ACQ:DATA:Units RAW")
    assert lab.ask(window) == b"{0,8}\r\n"


def deep_lab(points: int, delay: int) -> Lab:
    """Both inputs record `points` points each, `delay` of them after a trigger at 100 us."""
    lab = Lab()
    lab.edges = [100e-6]
    size = 2 * points
    lab.ask(
        f"ACQ:DATA:FORMAT ASCII;:ACQ:AXI:DATA:Units RAW;:ACQ:AXI:SOUR1:SET:Buffer 16777216,{size};"
        f":ACQ:AXI:SOUR2:SET:Buffer {16777216 + size},{size};:ACQ:AXI:SOUR1:Trig:Dly {delay};"
        f":ACQ:AXI:SOUR2:Trig:Dly {delay};:ACQ:AXI:SOUR1:ENable ON;:ACQ:AXI:SOUR2:ENable ON;"
        ":ACQ:START;:ACQ:TRig EXT_PE"
    )
    return lab


def test_the_deep_memory_goes_on_where_the_ring_has_ended() -> None:
    lab = deep_lab(points=40_000, delay=30_000)
    lab.time = 200e-6
    assert lab.ask("ACQ:TRig:STAT?;:ACQ:TRig:FILL?;:ACQ:AXI:SOUR1:TRIG:FILL?") == b"TD;1;0\r\n"
    lab.time = 100e-6 + 30_000 * 8e-9 + 1e-6
    assert lab.ask("ACQ:AXI:SOUR1:Trig:Fill?;:ACQ:AXI:SOUR2:Trig:Fill?") == b"1;1\r\n"
    place = int(lab.ask("ACQ:AXI:SOUR1:Trig:Pos?"))
    assert place == int(lab.ask("ACQ:AXI:SOUR2:Trig:Pos?")) == (12_500 + 13) % 40_000
    assert int(lab.ask("ACQ:AXI:SOUR1:Write:Pos?")) == (place + 30_000) % 40_000
    # a ramp of 1 mV a point, -2 mV at the other input, and words of 1/8192 V: both ends clip
    assert lab.ask(f"ACQ:AXI:SOUR1:DATA:Start:N? {place},3") == b"{0,8,16}\r\n"
    assert lab.ask(f"ACQ:AXI:SOUR2:DATA:Start:N? {place},3") == b"{0,-16,-33}\r\n"
    # and after the last point the oldest one, of 10,000 before the trigger
    assert lab.ask(f"ACQ:AXI:SOUR1:DATA:STArt:N? {place + 29_998},3") == b"{8191,8191,-8192}\r\n"
    lab.ask("ACQ:RST")
    assert lab.ask("ACQ:AXI:SOUR1:Trig:Dly?") == b"0\r\n"


def test_only_enabled_inputs_go_into_the_deep_memory() -> None:
    lab = deep_lab(points=400, delay=100)
    lab.ask("ACQ:AXI:SOUR2:ENable OFF")
    lab.time = 1.0
    assert lab.ask("ACQ:AXI:SOUR1:Trig:Fill?;:ACQ:AXI:SOUR2:Trig:Fill?") == b"1;0\r\n"
    place = int(lab.ask("ACQ:AXI:SOUR1:Trig:Pos?"))
    assert lab.ask(f"ACQ:AXI:SOUR1:DATA:Start:N? {place + 1},2") == b"{8,16}\r\n"
    assert lab.ask(f"ACQ:AXI:SOUR2:DATA:Start:N? {place + 1},2") == b"{0,0}\r\n"


def sweep_of(lab: Lab, **settings: object) -> None:
    """Set up a sweep of the first output: 10 to 40 kHz in 10 ms."""
    words = {"FREQ:START": 10000, "FREQ:STOP": 40000, "TIME": 10000}
    words |= {name.replace("_", ":"): value for name, value in settings.items()}
    for word, value in words.items():
        lab.ask(f"SOUR1:SWeep:{word} {value}")


def crossings(lab: Lab, begin: float, end: float) -> np.ndarray:
    """Times at which the first output rises through 0 V."""
    wave = lab.box.outputs[0].waveform(begin, begin, end)
    rises = np.flatnonzero((wave.values[:-1] < 0.0) & (wave.values[1:] >= 0.0))
    return begin + wave.start + wave.dwell * (rises + 1)


@pytest.mark.parametrize("mode", ["LINEAR", "LOG"])
def test_a_sweep_takes_the_frequency_from_one_end_to_the_other(mode: str) -> None:
    lab = Lab()
    sweep_of(lab, MODE=mode)
    lab.time = 2.0
    lab.ask("OUTPUT1:STATE ON;:SOUR1:SWeep:STATE ON")
    # turns to 1 ms and 9 ms of 10 ms, each by the integral of the frequency
    for begin, hertz in (
        (2.0005, 11_500.0 if mode == "LINEAR" else 10e3 * 4**0.05),
        (2.0095, 38_500.0 if mode == "LINEAR" else 10e3 * 4**0.95),
    ):
        periods = np.diff(crossings(lab, begin - 2e-4, begin + 2e-4))
        assert periods.size >= 3
        assert 1.0 / periods.mean() == pytest.approx(hertz, rel=0.03)
    # forth again at once: the sweep begins anew
    start = np.diff(crossings(lab, 2.0101, 2.0105))
    assert 1.0 / start.mean() == pytest.approx(10_900.0 if mode == "LINEAR" else 10_420.0, rel=0.03)


def test_a_sweep_up_and_down_ends_after_its_count_and_leaves_its_frequency() -> None:
    lab = Lab()
    sweep_of(lab, REP_COUNT=1, REP_INF="OFF")
    lab.ask("SOUR1:SWeep:DIR UP_DOWN")
    lab.ask("OUTPUT1:STATE ON;:SOUR1:SWeep:STATE ON")
    sweep = lab.box.outputs[0].sweep
    assert sweep.frequency(5e-3) == pytest.approx(25e3)
    assert sweep.frequency(11e-3) == pytest.approx(37e3)
    assert sweep.frequency(20e-3) == sweep.frequency(1.0) == 10e3
    assert np.diff(crossings(lab, 0.0211, 0.0221)) == pytest.approx(1e-4, rel=1e-2)
    lab.time = 15e-3
    lab.ask("SOUR1:SWeep:STATE OFF")
    assert float(lab.ask("SOUR1:FREQ:FIX?")) == pytest.approx(25e3)


def test_a_sweep_outlives_the_generators_reset_and_a_pause_holds_it() -> None:
    lab = Lab()
    sweep_of(lab)
    lab.ask("OUTPUT1:STATE ON;:SOUR1:SWeep:STATE ON;:GEN:RST")
    assert lab.ask("SOUR1:SWeep:STATE?") == b"ON\r\n"
    lab.time = 5e-3
    lab.ask("SOUR:SWeep:PAUSE ON")
    lab.time = 7e-3
    assert float(lab.ask("SOUR1:FREQ:FIX?")) == pytest.approx(25e3)
    lab.ask("SOUR:SWeep:PAUSE OFF")
    assert lab.box.outputs[0].sweep.frequency(8e-3) == pytest.approx(28e3)
    lab.ask("SOUR:SWeep:DEFault")
    assert lab.ask("SOUR1:SWeep:FREQ:STOP?;:SOUR1:SWeep:TIME?") == b"1000;1000\r\n"
    assert not lab.box.outputs[0].sweeping


def test_date_and_time_of_the_board() -> None:
    """Command and reply as the vendor's list of commands has them from 2.05-37 on."""
    lab = Lab()
    assert lab.ask('SYSTem:TIME "16:12:45"') == b""
    lab.time += 60.5
    assert lab.ask("SYSTem:TIME?") == b"16:13:45\r\n"
    lab.ask('SYST:DATE "2002-12-29"')
    assert lab.ask("SYST:DATE?;TIME?") == b"2002-12-29;16:13:45\r\n"
    lab.ask('SYST:DATE "2023-02-31"')
    assert lab.ask("SYST:DATE?") == b"2023-03-03\r\n"
    assert lab.error() == '0,"No error"'


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('SYST:TIME "24:00:00"', "HOURS. Parameter must be between 0 and 23."),
        ("SYST:TIME 13,07,20", "MINUTES. Parameter must be between 0 and 59."),
        ('SYST:TIME "13:07"', "SECONDS. Parameter must be between 0 and 59."),
        ('SYST:DATE "1899-01-01"', "YEAR. The value must be between 1900 - 3000."),
        ('SYST:DATE "2023-13-01"', "MONTH. Parameter must be between 1 and 12."),
        ('SYST:DATE "2023-12-00"', "DAY. Parameter must be between 1 and 31."),
        ('SYST:DATE "x"', "YEAR. The value must be between 1900 - 3000."),
    ],
)
def test_a_wrong_date_or_time_is_refused(text: str, wrong: str) -> None:
    lab = Lab()
    before = lab.ask("SYST:DATE?;TIME?")
    lab.ask(text)
    assert lab.error() == f'-200,"Invalid value for the {wrong}"'
    assert lab.ask("SYST:DATE?;TIME?") == before
