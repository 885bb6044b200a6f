"""The simulated N7744A: replies of the sheet, ranges, noise, logging and its triggers."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.instrument import OptionError, Placement
from sim_backends.keysight_n7744a import KeysightN7744A

OK = '+0,"No error"'


class Light:
    """Power that grows by a microwatt a second times the port, and a list of edges."""

    def __init__(self) -> None:
        self.edges: list[float] = []
        self.base = 1e-6
        self.slope = 1e-6

    def watts(self, port: int, start: float, step: float, count: int) -> np.ndarray:
        middle = start + step * (np.arange(count) + 0.5)
        return port * (self.base + self.slope * middle)

    def next_edge(self, after: float, rising: bool) -> float | None:
        return min((edge for edge in self.edges if rising and edge > after), default=None)


class Client:
    """A client of a meter without noise, whose window opens 1 us after the edge."""

    def __init__(self, model: str = "N7745A", **options) -> None:
        self.time = 0.0
        self.light = Light()
        options = {"noise": 0.0, "offset": 0.0} | options
        self.device = KeysightN7744A(lambda: self.time, self.light, model=model, **options)
        self.sent: list[bytes] = []
        self.session = self.device.converse(self.sent.append)

    def raw(self, text: str) -> bytes:
        self.sent.clear()
        self.session.receive(text.encode() + b"\n")
        return b"".join(self.sent)

    def ask(self, text: str) -> str:
        return self.raw(text).decode("latin-1").removesuffix("\n")

    def do(self, *texts: str) -> None:
        for text in texts:
            assert self.ask(text) == "", text
            assert self.ask("SYST:ERR?") == OK, text

    def floats(self, text: str) -> np.ndarray:
        """A block of 4-byte floats, least significant byte first."""
        data = self.raw(text)
        assert data[:1] == b"#", data
        digits = int(data[1:2])
        length = int(data[2 : 2 + digits])
        assert data[2 + digits + length :] == b"\n"
        return np.frombuffer(data[2 + digits : -1], dtype="<f4")


def codes(client: Client) -> list[int]:
    found = []
    while (entry := client.ask("SYST:ERR?")) != OK:
        found.append(int(entry.split(",")[0]))
    return found


def logging(client: Client, points: int, averaging: str, mode: str, ports=(1,)) -> None:
    for port in ports:
        client.do(
            f"TRIG{port}:INP {mode}", f"SENS{port}:POW:UNIT 1", f"SENS{port}:POW:RANG -20DBM",
            f"SENS{port}:FUNC:PAR:LOGG {points},{averaging}", f"SENS{port}:FUNC:STAT LOGG,STAR",
        )  # fmt: skip


def test_the_sheets_replies() -> None:
    client = Client()
    for question, answer in [
        ("*IDN?", "Agilent Technologies,N7745A,MY49700101,V1.204"),
        ("SYST:ERR?", OK),
        ("SENS1:POW:WAV?", "+1.55000000E-006"),
        ("SENS1:POW:WAV 1310NM;WAV?", "+1.31000000E-006"),
        ("SENS1:CHAN1:POW:WAV 1.552 um;WAV?", "+1.55200000E-006"),
        ("SENS1:POW:UNIT?", "+0"),
        ("SENS1:POW:UNIT W;UNIT?;UNIT DBM;UNIT?;UNIT 1;UNIT?", "+1;+0;+1"),
        ("SENS:POW:UNIT:ALL:CSV?", "1,0,0,0,0,0,0,0"),
        ("SENS1:POW:RANG:AUTO?", "+1"),
        ("SENS1:POW:RANG -20DBM;RANG?;RANG:AUTO?", "-2.00000000E+001;+0"),
        ("SENS1:POW:RANG -16 DBM;RANG?", "-2.00000000E+001"),
        ("SENS1:POW:RANG:UPP 10;UPP?", "+1.00000000E+001"),
        ("SENS1:POW:ATIM 100US;ATIM?", "+1.00000000E-004"),
        ("SENS1:POW:GAIN:AUTO?;AUTO 0;AUTO?", "+1;+0"),
        ("SENS1:CORR 3DB;:SENS1:CORR?;:SENS1:CORR 0", "+3.00000000E+000"),
        ("SENS1:FUNC:STAT?", "NONE,PROGRESS"),
        ("SENS1:FUNC:PAR:LOGG 64,1ms;LOGG?", "+64,+1.00000000E-003"),
        ("SENS2:FUNC:PAR:LOGG?", "+64,+1.00000000E-003"),  # all ports alike
        ("SENS1:FUNC:PAR:STAB?", "+1.00000E+000,+1.00000000E-001,+1.00000000E-001"),
        ("SENS1:FUNC:PAR:MINM WIND,10;MINM?", "WIND,+10"),
        ("TRIG1:INP?;INP SME;INP?;INP cmeasure;INP?", "IGN;SME;CME"),
        ("TRIG:CONF?;CONF 3;CONF?;CONF PASSTHROUGH;CONF?", "DEF;LOOP;PASS"),
        ("TRIG1:OUTP?;OUTP MEAS;OUTP?", "DIS;MEAS"),
        ("INIT1:CONT?;CONT 0;CONT?", "+1;+0"),
        ("SLOT8:EMPT?", "+0"),
        ("SENS1:POW:WAV? MIN;WAV? MAX", "+1.25000000E-006;+1.65000000E-006"),
    ]:  # fmt: skip
        assert client.ask(question) == answer, question
    assert codes(client) == []
    assert (
        client.raw("READ1:POW:ALL:CONF?")
        == b"#232"
        + bytes.fromhex("0100010002000100030001000400010005000100060001000700010008000100")
        + b"\n"
    )


def test_models_and_refusals() -> None:
    four = Client("N7744C", maker="Keysight Technologies", firmware="V2.022")
    assert four.ask("*IDN?") == "Keysight Technologies,N7744C,MY49700101,V2.022"
    for text, code in [
        ("SENS5:POW:WAV?", -114), ("SENS1:CHAN2:POW:WAV?", -114), ("SENS1:POW:WAV 900NM", -222),
        ("SENS1:POW:UNIT 2", -224), ("SENS1:POW:RANG 40DBM", -222), ("SENS1:POW:ATIM 11", -222),
        ("SENS1:FUNC:PAR:LOGG 0,1ms", -222), ("SENS1:FUNC:PAR:LOGG 10", -109),
        ("SENS1:FUNC:PAR:LOGG 10,100ns", -222), ("SENS1:FUNC:STAT LOGG,GO", -224),
        ("TRIG1:INP NOW", -224), ("SENS1:FUNC:RES?", -231), ("TRIG 3", -224),
        ("SENS1:FUNC:PAR:STAB 1,0.1,0.2", -221), ("SENS1:POW:WAV 1550", -222),
    ]:  # fmt: skip
        assert four.ask(text) == "", text
        assert codes(four) == [code], text


def test_readings_units_ranges_and_saturation() -> None:
    client = Client()
    client.light.slope = 0.0
    client.do("SENS2:POW:UNIT W")
    assert client.ask("READ2:POW?") == "+2.00000000E-006"
    assert client.ask("SENS2:POW:RANG?;:FETC2:CHAN1:SCAL:POW:DC?") == (
        "-2.00000000E+001;+2.00000000E-006"
    )  # 2 uW is above 1.9999 uW
    client.do("SENS2:POW:UNIT DBM")
    assert float(client.ask("READ2:POW?")) == pytest.approx(-26.9897, abs=1e-4)
    client.do("SENS2:POW:RANG -30DBM")
    assert client.ask("READ2:POW?") == "+9.90000000E+037"
    client.light.base = 0.99994e-6
    assert client.ask("SENS2:POW:UNIT W;:READ2:POW?") == "+1.99988000E-006"
    client.do("SENS2:CORR 3.0103")
    assert float(client.ask("READ2:POW?")) == pytest.approx(4e-6, rel=1e-3)
    client.do("SENS2:CORR 0;:SENS2:POW:UNIT DBM;:SENS2:POW:REF TOREF,-30DBM;REF:STAT 1")
    assert float(client.ask("READ2:POW?")) == pytest.approx(3.01, abs=0.01)
    values = client.floats("READ:POW:ALL?")
    assert values.size == 8
    assert values[0] == pytest.approx(-30.0, abs=1e-3)
    client.light.base = -1e-12
    assert client.ask("READ1:POW?") == "-2.00000000E+002"


def test_noise_falls_with_averaging_and_grows_with_the_range() -> None:
    def spread(averaging: str, dbm: int) -> float:
        client = Client(noise=1.0, seed=3)
        client.light.slope, client.light.base = 0.0, 1e-9
        client.do(f"SENS1:POW:UNIT 1;RANG {dbm}DBM", f"SENS1:FUNC:PAR:LOGG 2000,{averaging}")
        client.do("SENS1:FUNC:STAT LOGG,STAR")
        client.time = 100.0
        return float(client.floats("SENS1:FUNC:RES?").std())

    assert spread("1us", -30) == pytest.approx(2e-10, rel=0.1)
    assert spread("100us", -30) == pytest.approx(2e-11, rel=0.1)
    assert spread("1us", -10) == pytest.approx(2e-8, rel=0.1)
    assert spread("10ms", -30) == pytest.approx(np.hypot(2e-12, 1e-12), rel=0.1)


def test_logging_that_runs_by_itself() -> None:
    client = Client()
    logging(client, 10, "100ms", "IGN")
    for time, state in ((0.05, "PROGRESS"), (0.999, "PROGRESS"), (1.0, "COMPLETE")):
        client.time = time
        assert client.ask("SENS1:FUNC:STAT?") == f"LOGGING_STABILITY,{state}"
    expected = 1e-6 + 1e-6 * (np.arange(10) + 0.5) * 0.1
    assert client.floats("SENS1:FUNC:RES?") == pytest.approx(expected, rel=1e-6)
    assert client.floats("SENS1:FUNC:RES:BLOC? 3,2") == pytest.approx(expected[3:5], rel=1e-6)
    assert client.ask("SENS1:FUNC:RES:BLOC? 3,9") == ""
    assert codes(client) == [-222]
    client.do("SENS1:FUNC:STAT LOGG, STOP")
    assert client.ask("SENS1:FUNC:STAT?") == "NONE,PROGRESS"
    assert client.floats("SENS1:FUNC:RES?").size == 10


def test_one_sample_a_trigger() -> None:
    client = Client()
    logging(client, 3, "1ms", "SME", (1, 2))
    client.light.edges = [1.0, 1.0005, 2.0, 3.0, 4.0]  # the second comes during a sample
    client.time = 3.0005
    assert client.ask("SENS1:FUNC:STAT?;:SENS1:FUNC:RES:IND?") == "LOGGING_STABILITY,PROGRESS;+0"
    assert client.floats("SENS1:FUNC:RES:BLOC? 0,2") == pytest.approx([2e-6, 3e-6], rel=1e-3)
    client.time = 5.0
    assert client.ask("SENS1:FUNC:STAT?;:SENS1:FUNC:RES:IND?") == "LOGGING_STABILITY,COMPLETE;+1"
    starts = np.array([1.0, 2.0, 3.0]) + 1e-6
    for port in (1, 2):
        found = client.floats(f"SENS{port}:FUNC:RES?")
        assert found == pytest.approx(port * (1e-6 + 1e-6 * (starts + 5e-4)), rel=1e-7)


def test_the_whole_function_at_the_first_trigger() -> None:
    client = Client()
    logging(client, 100, "10us", "CME")
    client.light.edges = [2.0, 2.0005]
    client.time = 1.9
    assert client.ask("SENS1:FUNC:STAT?") == "LOGGING_STABILITY,PROGRESS"
    client.time = 2.5
    assert client.ask("SENS1:FUNC:STAT?") == "LOGGING_STABILITY,COMPLETE"
    times = 2.0 + 1e-6 + 10e-6 * (np.arange(100) + 0.5)
    assert client.floats("SENS1:FUNC:RES?") == pytest.approx(1e-6 + 1e-6 * times, rel=1e-7)


def test_edges_before_arming_or_with_triggers_disabled_do_nothing() -> None:
    client = Client()
    client.light.edges = [0.5, 1.5]
    client.time = 1.0
    client.ask("*IDN?")
    logging(client, 1, "1ms", "SME")
    client.time = 1.2
    assert client.ask("SENS1:FUNC:STAT?") == "LOGGING_STABILITY,PROGRESS"
    client.do("TRIG:CONF DIS")
    client.time = 2.0
    assert client.ask("SENS1:FUNC:STAT?") == "LOGGING_STABILITY,PROGRESS"
    client.do("TRIG 1")
    client.time = 2.1
    assert client.ask("SENS1:FUNC:STAT?") == "LOGGING_STABILITY,COMPLETE"


def test_settings_are_refused_while_logging() -> None:
    client = Client()
    logging(client, 10, "1s", "SME")
    for text in (
        "SENS1:POW:RANG 0DBM", "SENS1:POW:UNIT 0", "SENS1:POW:ATIM 1", "SENS1:POW:WAV 1.5um",
        "TRIG1:INP IGN", "SENS1:FUNC:PAR:LOGG 5,1ms", "INIT1:CONT 0", "SENS1:POW:RANG:AUTO 1",
        "SENS1:CORR:COLL:ZERO", "SENS1:FUNC:PAR:STAB 1,1,1",
    ):  # fmt: skip
        client.ask(text)
        assert codes(client) == [-221], text
    client.ask("READ1:POW?")
    assert codes(client) == [-213]
    assert client.ask("SENS1:POW:RANG?;ATIM?") == "-2.00000000E+001;+2.00000000E-001"
    client.do("SENS2:POW:RANG 0DBM")  # another port can be set up meanwhile
    client.do("SENS1:FUNC:STAT LOGG,STOP", "SENS1:POW:RANG 0DBM")


def test_saturated_samples_and_the_unit_of_results() -> None:
    client = Client()
    client.light.slope, client.light.base = 1e-5, 1.5e-5
    logging(client, 10, "100ms", "IGN")
    client.time = 1.0
    found = client.floats("SENS1:FUNC:RES?")
    over = 1.5e-5 + 1e-5 * (np.arange(10) + 0.5) * 0.1 > 1.9999e-5
    assert (found > 1e37).tolist() == over.tolist()
    assert found[0] == pytest.approx(1.55e-5)
    client.do("SENS1:POW:UNIT DBM")
    found = client.floats("SENS1:FUNC:RES?")
    assert found[0] == pytest.approx(10 * np.log10(1.55e-2), rel=1e-5)
    assert found[-1] > 1e37


def test_stability_and_extremes() -> None:
    client = Client()
    client.do("SENS1:POW:UNIT 1;RANG 0DBM", "SENS1:FUNC:PAR:STAB 1,0.25,0.1")
    client.do("SENS1:FUNC:STAT STAB,STAR")
    client.time = 2.0
    assert client.ask("SENS1:FUNC:STAT?") == "LOGGING_STABILITY,COMPLETE"
    middle = np.arange(4) * 0.25 + 0.05
    assert client.floats("SENS1:FUNC:RES?") == pytest.approx(1e-6 + 1e-6 * middle, rel=1e-6)
    client.do("SENS1:FUNC:STAT STAB,STOP", "SENS1:FUNC:STAT MINM,STAR")
    client.time = 3.0
    assert client.ask("SENS1:FUNC:STAT?") == "MINMAX,PROGRESS"
    low, high = client.floats("SENS1:FUNC:RES?")
    assert (low, high) == (pytest.approx(3.1e-6), pytest.approx(3.9e-6))


def test_results_wait_for_the_last_sample(run) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        client = Client()
        client.device.now = loop.time
        logging(client, 10, "100ms", "IGN")
        began = loop.time()
        assert client.raw("SENS1:FUNC:RES?") == b""
        await asyncio.sleep(0.95)
        assert client.sent == []
        await asyncio.sleep(0.1)
        assert client.sent[0][:5] == b"#240" + client.sent[0][4:5]
        assert loop.time() - began == pytest.approx(1.05)
        client.do("SENS1:FUNC:STAT LOGG,STOP", "TRIG1:INP SME")
        client.do("SENS1:FUNC:STAT LOGG,STAR")
        assert client.raw("SENS1:FUNC:RES?") == b""
        client.session.clear()  # nobody triggers: device clear gives it up
        client.do("SENS1:FUNC:STAT LOGG,STOP")
        await asyncio.sleep(1.0)
        assert client.ask("*OPC?") == "1"

    run(scenario())


def test_single_readings_take_their_time(run) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        client = Client()
        client.device.now = loop.time
        client.do("INIT1:CONT 0", "SENS1:POW:UNIT 1;ATIM 0.5")
        assert client.ask("READ1:POW?") == ""
        await asyncio.sleep(0.6)
        assert float(b"".join(client.sent)) == pytest.approx(1.25e-6)
        assert float(client.ask("FETC1:POW?")) == pytest.approx(1.25e-6)
        assert client.ask("INIT1:IMM;*OPC?") == ""
        await asyncio.sleep(0.6)
        assert client.sent == [b"1\n"]

    run(scenario())


def test_zeroing(run) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        client = Client(offset=5e-9)
        client.device.now = loop.time
        client.light.base = client.light.slope = 0.0
        client.do("SENS1:POW:UNIT 1")
        assert float(client.ask("READ1:POW?")) == pytest.approx(5e-9)
        assert client.ask("SENS1:CORR:COLL:ZERO;*OPC?") == ""
        await asyncio.sleep(2.1)
        assert client.sent == [b"1\n"]
        assert float(client.ask("READ1:POW?")) == pytest.approx(0.0, abs=1e-15)
        assert client.ask("SENS1:CORR:COLL:ZERO?") == "+0"
        client.light.base = 1e-6
        client.ask("SENS1:CORR:COLL:ZERO:ALL")
        await asyncio.sleep(2.1)
        assert client.ask("SENS1:CORR:COLL:ZERO?") == "+1"

    run(scenario())


def test_a_dead_port() -> None:
    client = Client()
    client.do("SENS1:POW:UNIT 1", "SENS2:POW:UNIT 1")
    for value in ("0", "9", "x"):
        with pytest.raises(ValueError, match=value):
            client.device.own_faults["dead"](value)
    client.device.own_faults["dead"]("2")()
    assert float(client.ask("READ1:POW?")) > 0.0
    assert float(client.ask("READ2:POW?")) == 0.0


def test_reset_and_alone() -> None:
    client = Client()
    logging(client, 10, "1s", "SME")
    client.do("*RST")
    assert (
        client.ask("SENS1:FUNC:STAT?;:TRIG1:INP?;:SENS1:POW:RANG:AUTO?") == "NONE,PROGRESS;IGN;+1"
    )

    class Clock:
        def now(self) -> float:
            return 1.0

    options = {"power_dbm": -20, "noise": 0}
    made = build(
        "keysight_n7744a", Placement(Clock(), identity={"model": "N7744A"}, options=options)
    )
    sent: list[bytes] = []
    made.doors[0].converse(sent.append).receive(b"READ4:POW?\nSENS5:POW:UNIT?\n")  # type: ignore[attr-defined]
    assert float(sent[0]) == pytest.approx(-20.0, abs=1e-3)
    assert len(sent) == 1
    for wrong in ({"colour": 1}, {"period": 0}, {"noise": -1}):
        with pytest.raises(OptionError):
            build("keysight_n7744a", Placement(Clock(), options=wrong))
    with pytest.raises(OptionError, match="N7745C"):
        build("keysight_n7744a", Placement(Clock(), identity={"model": "8163B"}))


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=80))
def test_any_bytes_leave_it_alive(data) -> None:
    client = Client()
    client.session.receive(data)
    client.session.clear()
    client.ask("*CLS")
    assert client.ask("*IDN?").startswith("Agilent Technologies,N7745A,")


def test_a_reference_may_be_told_in_watts() -> None:
    client = Client()
    for written, told in (("1UW", -30.0), ("20 mW", 13.0103), ("-3DBM", -3.0)):
        client.do(f"SENS1:POW:REF TOREF,{written}")
        assert float(client.ask("SENS1:POW:REF? TOREF")) == pytest.approx(told, abs=1e-4)
    client.ask("SENS1:POW:REF TOREF,-1W")
    assert client.ask("SYST:ERR?").startswith("-222")
