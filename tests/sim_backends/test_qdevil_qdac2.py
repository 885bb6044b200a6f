"""The simulated QDAC-II: lists in every form, ranges, ramps in time, currents, refusals."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.qdevil_qdac2 import Qdac2, Resistors
from sim_backends.qdevil_qdac2.loads import limited
from sim_backends.virtual_time import VirtualTimeLoop

NONE = '0, "No error"'


class Recorder(Resistors):
    """Resistors that remember what they were told, with the time."""

    def __init__(self, now, ohms: float = 1000.0) -> None:
        super().__init__(ohms)
        self.now = now
        self.told: list[tuple[float, int, float]] = []

    def drive(self, channels, volts) -> None:
        at = self.now()
        self.told += [(at, int(c), float(v)) for c, v in zip(channels, volts, strict=True)]


class Client:
    """One client, on virtual time."""

    def __init__(self, ohms: float = 1000.0) -> None:
        now = BenchClock().now
        self.loads = Recorder(now, ohms)
        self.device = Qdac2(now, loads=self.loads, seed=3)
        self.sent: list[bytes] = []
        self.session = self.device.converse(self.sent.append)

    def ask(self, text: str) -> str:
        self.sent.clear()
        self.session.receive(text.encode() + b"\n")
        return b"".join(self.sent).decode().removesuffix("\n")

    def volts(self, *channels: int) -> list[float]:
        """What the generators of these channels are told to give."""
        told = self.ask(f"SOUR:VOLT? (@{','.join(map(str, channels))})")
        return [float(one) for one in told.split(",")]

    def errors(self) -> list[int]:
        """Codes in the queue, which is emptied."""
        return [int(self.ask("SYST:ERR?").split(",")[0]) for _ in range(self.queued())]

    def queued(self) -> int:
        return int(self.ask("SYST:ERR:COUN?"))


def virtual(scenario, **options):
    async def go():
        return await scenario(Client(**options))

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        return runner.run(go())


def test_channels_by_suffix_and_by_list_in_every_form() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        assert ask("*idn?") == "QDevil, QDAC-II, 242, 13-1.57"
        for text, channels, volts in [
            ("sour3:volt 1.5", (3,), 1.5), ("SOURCE3:VOLTAGE 250 mV", (3,), 0.25),
            ("SOUR:VOLT 2,(@1,2,3)", (1, 2, 3), 2.0), ("sour:volt 0.5, (@4:6)", (4, 5, 6), 0.5),
            ("SOUR:DC:VOLT:LEV:IMM:AMPL -1 ,(@ 7 , 9:8)", (7, 8, 9), -1.0),
            ("volt 1", (), 0.0), ("SOUR:VOLT MAX,(@10)", (10,), 10.0),
            ("SOURce:VOLTage 0.,(@1:24)", tuple(range(1, 25)), 0.0),
        ]:  # fmt: skip
            assert ask(text) == ""
            for channel in channels:
                assert float(ask(f"SOUR{channel}:VOLT?")) == pytest.approx(volts, abs=1e-6), text
        assert client.errors() == [-113]
        ask("SOUR2:VOLT 1.2345678901;:SOUR:RANG LOW,(@5);:sens7:rang low")
        assert ask("SOUR:VOLT? (@1:3)") == "0,1.2345678,0"  # as the converter gives it
        assert ask("SOUR2:VOLT:LAST?") == "1.2345679"
        assert ask("SOUR:RANG? (@4:6)") == "HIGH,LOW,HIGH"
        assert ask("SOUR5:VOLT? MAX;:SOUR4:VOLT? MIN") == "2;-10"
        assert ask("SOURce:RANGe:LOW:MAXimum? (@1,2)") == "2,2"
        assert ask("SENS:CURR:RANG? (@6,7)") == "HIGH,LOW"
        assert ask("SOUR:FILT MED,(@1);:SOUR1:VOLT:FILT:LOWP?") == "MED"
        assert ask("SOUR:DC:MODE? (@1)") == "FIX"
        assert ask("SENS:APER 0.3,(@1:2);NPLC? (@1:3)") == "15,15,1"
        assert ask("SYST:LFR 60;:SENS1:NPLC 6;APER?;:SYST:LFR?") == "0.1;60"
        assert client.errors() == []

    virtual(scenario)


def test_what_is_refused_changes_nothing() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        ask("SOUR:VOLT 1,(@1:24)")
        ask("SOUR:RANG LOW,(@24)")
        for text, code in [
            ("SOUR1:VOLT 10.1", -222), ("SOUR:VOLT 5,(@23,24)", -222), ("SOUR:VOLT 1,(@25)", -222),
            ("SOUR25:VOLT 1", -114), ("SOUR:VOLT", -109), ("SOUR:VOLT (@1)", -109),
            ("SOUR:VOLT 1,2,(@1)", -108), ("SOUR:VOLT x,(@1)", -104), ("SOUR:VOLT 1,(@1-3)", -171),
            ("SOUR1:VOLT 1A", -131), ("SOUR1:RANG MEDIUM", -224), ("SOUR1:VOLT:SLEW 1", -222),
            ("SENS1:APER 2", -222), ("SOUR1:VOLT? 1", -224), ("SOUR1:LIST:VOLT 1,11", -222),
            ("SOUR1:SAW:INIT", -113), ("SYST:LFR 55", -224), ("SENS2:DATA:LAST?", -230),
        ]:  # fmt: skip
            assert ask(text) == "", text
            assert client.errors() == [code], text
        ask("SOUR23:VOLT 5")
        ask("SOUR23:RANG LOW")
        assert client.errors() == [-221]
        assert client.volts(22, 23, 24) == pytest.approx([1.0, 5.0, 1.0], abs=1e-6)
        assert ask("SOUR23:RANG?") == "HIGH"
        ask("BAD;BAD2")
        assert int(ask("*STB?")) & 4
        assert ask("SYST:ERR:ALL?") == '-113, "Undefined header",-113, "Undefined header"'
        assert ask("SYST:ERR:ALL?") == NONE
        assert int(ask("*STB?")) & 4 == 0

    virtual(scenario)


def test_a_ramp_takes_its_time_and_the_loads_follow_it() -> None:
    async def scenario(client: Client) -> None:
        ask, now = client.ask, client.device.now
        ask("SOUR:VOLT:SLEW 100,(@1:2)")
        ask("SOUR1:VOLT 5")
        await asyncio.sleep(0.02)
        assert float(ask("SOUR1:VOLT?")) == pytest.approx(2.0, abs=1e-6)
        assert ask("SOUR1:VOLT:LAST?") == "5"
        ask("SOUR1:VOLT -1")  # turns back from where it is
        await asyncio.sleep(0.01)
        assert float(ask("SOUR1:VOLT?")) == pytest.approx(1.0, abs=1e-6)
        ask("SOUR1:VOLT:SLEW 200")  # goes on faster from there
        await asyncio.sleep(0.005)
        assert float(ask("SOUR1:VOLT?")) == pytest.approx(0.0, abs=1e-6)
        await asyncio.sleep(1.0)
        assert now() > 1.0
        times = [at for at, channel, _ in client.loads.told if channel == 0]
        assert times[-1] == pytest.approx(0.04, abs=1e-4)  # told until it was there, no longer
        volts = [v for _, channel, v in client.loads.told if channel == 0]
        assert volts[-1] == pytest.approx(-1.0, abs=1e-6)
        steps = np.abs(np.diff(volts))
        assert steps.max() < 0.5
        assert all(early <= late for early, late in itertools.pairwise(times))
        ask("SOUR:VOLT:SLEW inf,(@1);:SOUR1:VOLT 3")
        assert client.loads.told[-1][1:] == (0, pytest.approx(3.0, abs=1e-6))
        ask("*RST")
        assert client.loads.told[-1][2] == 0.0
        assert ask("SOUR:VOLT:SLEW? (@1:2)") == "inf,inf"

    virtual(scenario)


def test_a_list_is_played_and_triggered() -> None:
    """As the maker's driver sets one up, and starts it."""

    async def scenario(client: Client) -> None:
        ask = client.ask
        for text in (
            "sour3:dc:trig:sour hold", "sour3:volt:mode list", "sour3:list:volt 1,2,3",
            "sour3:list:volt:app 4", "sour3:list:tmod auto", "sour3:list:dwel 0.01",
            "sour3:list:dir up", "sour3:list:coun 2", "sour3:dc:trig:sour bus",
            "sour3:dc:init:cont on", "sour3:dc:init",
        ):  # fmt: skip
            assert ask(text) == ""
        assert ask("sour3:list:volt?;poin?;ncl?") == "1,2,3,4;4;0"
        await asyncio.sleep(0.1)
        assert client.loads.told == []
        began = client.device.now()
        ask("*trg")
        assert ask("sour3:list:ncl?") == "2"
        await asyncio.sleep(0.045)
        assert ask("sour3:list:ncl?") == "1"
        await asyncio.sleep(0.1)
        played = [(at - began, volts) for at, _, volts in client.loads.told]
        assert [volts for _, volts in played] == pytest.approx([1, 2, 3, 4] * 2, abs=1e-6)
        assert [at for at, _ in played] == pytest.approx(np.arange(8) * 0.01, abs=1e-4)
        ask("sour3:list:tmod step;dir down;coun -1;:sour3:dc:trig:sour int4;:sour3:dc:init")
        told = []
        for _ in range(6):
            ask("tint 4;tint 5")
            told += client.volts(3)
        assert told == pytest.approx([4, 3, 2, 1, 4, 3], abs=1e-6)
        assert ask("sour3:list:ncl?") == "-1"
        ask("sour3:dc:abor")
        assert client.volts(3) == pytest.approx([3.0], abs=1e-6)  # it stays where it is
        ask("tint 4")
        assert client.volts(3) == pytest.approx([3.0], abs=1e-6)
        ask("sour3:volt 1")
        assert client.errors() == [-221]  # only a constant voltage is set so
        ask("sour3:volt:mode fix;:sour3:volt 1")
        assert client.volts(3) == pytest.approx([1.0], abs=1e-6)
        assert client.errors() == []

    virtual(scenario)


def test_a_sweep_goes_over_several_channels_at_once() -> None:
    """As the MATLAB class ramps: started at once, on a list of channels."""

    async def scenario(client: Client) -> None:
        ask = client.ask
        ask("SOUR:SWE:STAR 0,(@1);STOP 2,(@1)")
        ask("SOUR:SWE:STAR 1,(@2);STOP -1,(@2)")
        ask("SOUR:SWE:POIN 5,(@1,2);DWEL 0.002,(@1,2);COUN 1,(@1,2);GEN STEP,(@1,2)")
        ask("SOUR:DC:MODE SWE,(@1,2);TRIG:SOUR IMM ,(@1,2)")
        assert ask("SOUR:SWE:TIME? (@1,2)") == "0.01,0.01"
        ask("SOUR:DC:INIT (@1,2)")
        await asyncio.sleep(0.0051)
        assert client.volts(1, 2) == pytest.approx([1.0, 0.0], abs=1e-6)
        await asyncio.sleep(0.1)
        assert client.volts(1, 2) == pytest.approx([2.0, -1.0], abs=1e-6)
        first = [volts for _, channel, volts in client.loads.told if channel == 0]
        assert first == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=1e-6)
        ask("SOUR1:SWE:COUN 0;:SOUR1:SWE:DWEL 1e-7;:SOUR1:DC:TRIG:SOUR INT15;:TINT 15")
        assert client.errors() == [-222, -222, -224, -222]
        ask("ABOR")
        assert client.volts(1, 2) == pytest.approx([2.0, -1.0], abs=1e-6)

    virtual(scenario)


def test_currents_are_measured_over_the_aperture() -> None:
    async def scenario(client: Client) -> None:
        ask, device = client.ask, client.device
        ask("SOUR1:VOLT 4;:SOUR2:VOLT -1")
        began = device.now()
        assert ask("READ? (@1:3)") == ""  # it comes later
        await asyncio.sleep(0.0201)
        values = [float(one) for one in b"".join(client.sent).decode().split(",")]
        assert values == pytest.approx([4e-3, -1e-3, 0.0], abs=5e-6)
        assert values[2] != 0.0  # a meter has an offset
        assert device.now() - began < 0.021
        assert float(ask("SENS1:DATA:LAST?")) == values[0]
        assert ask("FETC? (@1,2)").split(",")[1] == f"{values[1]:.6e}"
        ask("SENS1:RANG LOW;COUN 3;DEL 0.1")
        ask("READ1?")
        await asyncio.sleep(0.361)
        values = [float(one) for one in b"".join(client.sent).decode().split(",")]
        assert values == [2.1e-07] * 3  # beyond 200 nA
        ask("READ1?")
        await asyncio.sleep(0.05)
        other = Client.__new__(Client)
        other.device, other.sent = device, []
        other.session = device.converse(other.sent.append)
        other.ask("ABOR")
        assert other.errors() == [-230]
        assert client.ask("*ESE?") == "0"  # and the first client goes on

    virtual(scenario)


def test_an_output_gives_ten_milliamperes_at_most() -> None:
    async def scenario(client: Client) -> None:
        client.ask("SOUR:VOLT 8,(@1:2)")
        assert client.volts(1) == pytest.approx([8.0], abs=1e-6)  # the generator does not know
        assert client.device.volts()[:2] == pytest.approx([5.0, 5.0], abs=1e-6)
        assert client.loads.told[-1][2] == pytest.approx(5.0, abs=1e-6)

    virtual(scenario, ohms=500.0)
    short = limited(Resistors(1e-6), np.array([5.0] * 24), 0.01)
    assert np.abs(short).max() < 1e-7


def test_broken_channels_and_options() -> None:
    async def scenario(client: Client) -> None:
        faults = client.device.own_faults
        client.ask("SOUR:VOLT 2,(@3,4)")
        faults["stuck"]("3")()
        faults["dead"]("4")()
        client.ask("SOUR:VOLT 1,(@3,4)")
        assert client.volts(3, 4) == pytest.approx([1.0, 1.0], abs=1e-6)
        assert client.device.volts()[2:4] == pytest.approx([2.0, 0.0], abs=1e-6)
        for wrong in ("0", "25", "x"):
            with pytest.raises(ValueError, match="no channel"):
                faults["dead"](wrong)

    virtual(scenario)
    with pytest.raises(OptionError, match="ohms"):
        build("qdevil_qdac2", Placement(BenchClock(), options={"ohms": 0}))
    assert isinstance(
        build("qdevil_qdac2", Placement(BenchClock(), options={"ohms": "inf"})), Qdac2
    )


def test_a_trigger_brings_a_voltage_and_markers_start_the_next() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        ask("SOUR1:VOLT:TRIG 1.5;:SOUR1:DC:TRIG:SOUR BUS;:SOUR1:DC:INIT")
        ask("SOUR2:LIST:VOLT 1,2,3;DWEL 0.01;:SOUR2:VOLT:MODE LIST;:SOUR2:DC:TRIG:SOUR BUS")
        ask("SOUR2:DC:MARK:STAR 1;SST 2;SEND 3;END 4;:SOUR2:DC:INIT")
        for channel, source in ((3, 1), (4, 2), (5, 3), (6, 4)):
            ask(f"SOUR{channel}:VOLT:TRIG {channel};:SOUR{channel}:DC:TRIG:SOUR INT{source}")
            ask(f"SOUR{channel}:DC:INIT")
        assert client.errors() == []
        assert ask("SOUR1:VOLT:TRIG?;:SOUR2:DC:MARK:END?;:SOUR5:DC:TRIG:SOUR?") == "1.5;4;INT3"
        assert client.volts(1, 2, 3, 4, 5, 6) == [0.0] * 6
        ask("*TRG")
        assert client.volts(1, 2, 3, 4) == pytest.approx([1.5, 1.0, 3.0, 4.0], abs=1e-6)
        assert client.volts(5, 6) == [0.0, 0.0]
        await asyncio.sleep(0.011)
        assert client.volts(2, 5, 6) == pytest.approx([2.0, 5.0, 0.0], abs=1e-6)
        await asyncio.sleep(0.02)
        assert client.volts(2, 6) == pytest.approx([3.0, 6.0], abs=1e-6)
        assert client.errors() == []

    virtual(scenario)


def test_a_marker_that_starts_its_own_channel_ends() -> None:
    async def scenario(client: Client) -> None:
        client.ask("SOUR1:LIST:VOLT 1,2;:SOUR1:VOLT:MODE LIST;:SOUR1:DC:MARK:STAR 5")
        client.ask("SOUR1:DC:TRIG:SOUR INT5;:SOUR1:DC:INIT:CONT ON;:SOUR1:DC:INIT;:TINT 5")
        assert client.volts(1) == pytest.approx([1.0], abs=1e-6)
        assert client.errors() == []

    virtual(scenario)


def test_meters_measure_on_a_trigger_and_tell_what_is_left() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        ask("SOUR2:VOLT 1;:SENS2:COUN 3;APER 0.1;TRIG:SOUR INT7;:SENS2:INIT")
        assert ask("SENS2:NCL?;DATA:POIN?") == "0;0"
        ask("TINT 7")
        await asyncio.sleep(0.15)
        assert ask("SENS2:NCL?;DATA:POIN?") == "2;1"
        await asyncio.sleep(0.2)
        told = ask("SENS2:DATA:REM?").split(",")
        assert [float(one) for one in told] == pytest.approx([1e-3] * 3, abs=5e-6)
        assert ask("SENS2:NCL?;DATA:POIN?") == "0;0"
        ask("TINT 7")  # armed once
        await asyncio.sleep(0.2)
        assert ask("SENS2:DATA:POIN?") == "0"
        ask("SENS2:TRIG:SOUR IMM;:SENS2:INIT;:ABOR")
        assert ask("SENS2:NCL?") == "0"
        assert client.errors() == []

    virtual(scenario)


def test_trigger_outputs_and_clock_are_set_and_told() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        ask("OUTP:TRIG2:SOUR INT3;WIDT 2e-3;DEL 1 ms;POL INV;SIGN;:SYST:CLOC:SEND ON;SOUR EXT;SYNC")
        told = "OUTP:TRIG2:SOUR?;WIDT?;DEL?;POL?;:SYST:CLOC:SOUR?;:OUTP:SYNC:SIGN"
        assert ask(told) == "INT3;0.002;0.001;INV;EXT"
        assert client.errors() == []
        ask("OUTP:TRIG6:SOUR BUS;:OUTP:TRIG1:SOUR INT15;:OUTP:TRIG1:WIDT 0")
        assert client.errors() == [-114, -224, -222]

    virtual(scenario)


def test_a_list_comes_as_a_block_too() -> None:
    async def scenario(client: Client) -> None:
        def send(values, command: str = "sour1:list:volt ", after: bytes = b"") -> None:
            payload = np.array(values, "<f4").tobytes()
            block = b"#%d%d%b" % (len(str(len(payload))), len(payload), payload)
            client.session.receive(command.encode() + block + after + b"\n")

        send([0.5, -1.25, 2.0])
        assert client.ask("SOUR1:LIST:VOLT?;POIN?") == "0.5,-1.25,2;3"
        send([1.0], "sour1:list:volt:app ")
        assert client.ask("SOUR1:LIST:POIN?") == "4"
        send([3.0], "sour:list:volt ", b",(@2,3)")
        assert client.ask("SOUR:LIST:VOLT? (@2,3)") == "3,3"
        for wrong in ([11.0], [float("nan")], [float("inf")], []):
            send(wrong)
        assert client.errors() == [-222, -222, -222, -161]
        assert client.ask("SOUR1:LIST:POIN?") == "4"

    virtual(scenario)
