"""*SAV and *RCL: all that was set comes back, and nothing else does."""

from __future__ import annotations

import pytest

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.saved import SavedStates
from sim_backends.keithley_2400.instrument import Keithley2400
from sim_backends.keithley_2450.instrument import Keithley2450
from sim_backends.keysight_infiniivision.scope import KeysightInfiniivision
from tests.sim_backends.keysight_33600a.client import OK, Client
from tests.sim_backends.source_meter_client import Client as MeterClient
from tests.sim_backends.source_meter_client import WatchedResistor


class Box(ScpiDevice):
    """A voltage of two outputs, a name, and a list that is no declared setting."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0, "MAKER,BOX,1,1")
        self.list = [1.0]
        self.told: list[str] = []
        self.settings.number("volts", "VOLT#", 0, 10, 1, unit="V", ranges=((1, 2),))
        self.settings.text("name", "NAME")
        self.saved = SavedStates(
            self.commands, self.settings, [(self, ("list",))], 2,
            before=lambda: self.told.append("before"), after=lambda: self.told.append("after"),
            empty=lambda: ScpiError(-314),
        )  # fmt: skip


def ask(device: ScpiDevice, text: str) -> str:
    sent: list[bytes] = []
    device.converse(sent.append).receive(text.encode() + b"\n")
    return b"".join(sent).decode().strip()


def test_places_are_apart_and_copies() -> None:
    box = Box()
    ask(box, "VOLT2 5;NAME 'a';*SAV 1")
    box.list.append(2.0)
    ask(box, "VOLT2 6;VOLT1 3;*SAV 2;*RST")
    box.list.append(3.0)
    ask(box, "*RCL 1")
    assert ask(box, "VOLT1?;VOLT2?;NAME?") == '+1.000000E+00;+5.000000E+00;"a"'
    assert box.list == [1.0]
    box.list.append(9.0)  # what is done to what was recalled is not saved
    ask(box, "*RCL 2;*RCL 1")
    assert box.list == [1.0]
    ask(box, "*RCL 2")
    assert ask(box, "VOLT1?;VOLT2?") == "+3.000000E+00;+6.000000E+00"
    assert box.told == ["before", "after"] * 4
    assert not box.errors


def test_wrong_and_empty_places() -> None:
    box = Box()
    ask(box, "VOLT1 4;*RCL 0;*RCL 3;*SAV -1;*RCL;*SAV 1,2")
    assert ask(box, "VOLT1?") == "+4.000000E+00"
    codes = [box.errors.pop()[0] for _ in range(5)]
    assert codes == [-314, -222, -222, -109, -108]
    assert not box.errors


def test_a_generator_comes_back_as_it_was() -> None:
    client = Client()
    client.do(
        "SOUR1:APPL:SQU 2e6,0.5,0.1", "OUTP1:LOAD INF", "SOUR2:FUNC ARB", "SOUR2:VOLT:UNIT VRMS",
        "SOUR1:BURS:NCYC 7", "TRIG1:SOUR EXT", "OUTP2 ON", "*SAV 3",
    )  # fmt: skip
    questions = [
        "SOUR1:APPL?", "SOUR2:APPL?", "OUTP1:LOAD?", "SOUR2:VOLT:UNIT?", "SOUR1:BURS:NCYC?",
        "TRIG1:SOUR?", "OUTP1?", "OUTP2?", "SOUR2:FUNC?",
    ]  # fmt: skip
    before = [client.ask(question) for question in questions]
    changes = client.bench.changes
    client.do("*RST")
    assert [client.ask(question) for question in questions] != before
    client.do("*RCL 3")
    assert [client.ask(question) for question in questions] == before
    assert client.bench.changes > changes  # the bench was told before the outputs changed
    assert client.device.outputs[0].enabled


def test_the_places_of_a_generator() -> None:
    client = Client()
    assert client.ask("MEM:NST?") == "+5"
    assert client.ask("MEM:STAT:VAL? 2") == "0"
    assert client.ask("*RCL 2") == ""
    assert client.ask("SYST:ERR?") == '+810,"State has not been stored"'
    client.do("*SAV 2", "MEM:STAT:NAME 2,'bias_on'")
    assert client.ask("MEM:STAT:VAL? 2;:MEM:STAT:NAME? 2") == '1;"bias_on"'
    assert client.ask("MEM:STAT:CAT?") == '"AUTO_RECALL","STATE_1","bias_on","STATE_3","STATE_4"'
    client.do("MEM:STAT:DEL 2")
    assert client.ask("MEM:STAT:VAL? 2;:MEM:STAT:NAME? 2") == '0;"STATE_2"'
    client.ask("*SAV 5")
    assert client.ask("SYST:ERR?").startswith("-222")
    assert client.ask("SYST:ERR?") == OK


def test_a_waveform_that_is_gone() -> None:
    client = Client()
    values = ",".join(["0.5", "-0.5"] * 16)
    client.do(f"DATA:ARB one,{values}", "FUNC:ARB one", "FUNC ARB", "*SAV 1")
    client.do("*RST", "*RCL 1")
    assert client.ask("FUNC?") == "ARB"
    assert "one" not in client.ask("FUNC:ARB?").lower()


def test_a_source_meter_comes_back_with_its_output_off(run) -> None:
    async def scenario() -> None:
        unit = Keithley2400(lambda: 0.0, WatchedResistor(), seed=1, lead_ohms=0.0)
        client = MeterClient(unit, 1)
        for text in (
            "SOUR:FUNC CURR;:SOUR:CURR:RANG 1E-2;:SOUR:CURR 2E-3;:SENS:VOLT:PROT 5",
            "SENS:FUNC 'VOLT';:SENS:VOLT:RANG 20;:FORM:ELEM VOLT,CURR;:SOUR:LIST:CURR 1E-3,2E-3",
            "OUTP ON;*SAV 4",
        ):
            client.write(text)
        questions = (
            "SOUR:FUNC?;:SOUR:CURR:RANG?;:SOUR:CURR?;:SENS:VOLT:PROT?;:SENS:FUNC?;:SENS:VOLT:RANG?;"
            ":SENS:VOLT:RANG:AUTO?;:FORM:ELEM?;:SOUR:LIST:CURR?"
        )
        before = client.ask(questions)
        client.write("*RCL 1")  # nothing was saved there: what *RST sets
        assert client.ask(questions) != before
        assert client.ask("SOUR:FUNC?;:OUTP?") in ("VOLT;0", "VOLT; 0")
        client.write("*RCL 4")
        assert client.ask(questions) == before
        assert client.ask("OUTP?") == "0"
        assert not unit.errors
        client.write("*RCL 5")
        assert client.ask("SYST:ERR?").startswith("-222")

    run(scenario())


def test_a_touch_source_meter_too(run) -> None:
    async def scenario() -> None:
        unit = Keithley2450(lambda: 0.0, WatchedResistor(), seed=1, lead_ohms=0.0)
        client = MeterClient(unit, 0)
        for text in (
            "SOUR:FUNC CURR;:SOUR:CURR:RANG 1E-2;:SOUR:CURR 2E-3;:SOUR:CURR:VLIM 5",
            "SENS:FUNC 'VOLT';:SENS:VOLT:RANG 20;:SOUR:LIST:CURR 1E-3,2E-3;:OUTP ON;*SAV 0",
        ):
            client.write(text)
        questions = (
            "SOUR:FUNC?;:SOUR:CURR:RANG?;:SOUR:CURR?;:SOUR:CURR:VLIM?;:SENS:FUNC?;"
            ":SENS:VOLT:RANG?;:SENS:VOLT:RANG:AUTO?;:SOUR:LIST:CURR?"
        )
        before = client.ask(questions)
        client.write("*RCL 1")
        assert client.ask("SOUR:FUNC?;:OUTP?") == "VOLT;0"
        client.write("*RCL 0")
        assert client.ask(questions) == before
        assert client.ask("OUTP?") == "0"
        assert not unit.errors

    run(scenario())


@pytest.mark.parametrize("place", [0, 9])
def test_an_oscilloscope_comes_back(place: int) -> None:
    scope = KeysightInfiniivision(lambda: 0.0)
    ask(scope, f":CHAN1:SCAL 0.2;OFFS 0.1;:TIM:SCAL 1E-6;:CHAN1:PROB 10;*SAV {place};*RST")
    assert ask(scope, ":CHAN1:SCAL?;PROB?") != "+2.0E-01;+1.0E+01"
    ask(scope, f"*RCL {place}")
    told = [float(one) for one in ask(scope, ":CHAN1:OFFS?;PROB?;:TIM:SCAL?").split(";")]
    assert told[1:] == [10.0, 1e-6]
    ask(scope, "*SAV 10")
    assert ask(scope, "SYST:ERR?").startswith("-222")
