"""The simulated DS1000Z: trigger states over time, memory and its limits, codes, spellings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.oscilloscope.inputs import DecayingSine
from sim_backends.rigol_ds1000z import RigolDs1000z
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends import scope_client
from tests.sim_backends.scope_client import within_time_of


class Client(scope_client.Client):
    """A session with one of these."""

    kind = RigolDs1000z
    model = "DS1202Z-E"
    no_error = '0,"No error"'
    digits = 9


@pytest.fixture
def within(run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a scenario with an oscilloscope in virtual time."""
    return within_time_of(Client, run)


SETUP = (":TRIG:EDGE:SOUR EXT", ":TRIG:SWE NORM", ":TIM:SCAL 1e-3", ":ACQ:MDEP 12000")


def test_a_range_is_eight_divisions(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(":CHAN1:PROB 10", ":CHAN1:RANG 4 V")
        assert client.write(":CHAN1:SCAL?;RANG?") == "5.000000e-01;4.000000e+00"
        client.write(":CHAN1:RANG 801")
        assert client.write(":SYST:ERR?").startswith("-222")
        client.write(":CHAN1:RANG")
        assert client.write(":SYST:ERR?").startswith("-109")

    within(scenario)


def test_the_display_and_the_system(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(
            ":DISP:TYPE DOTS", ":DISP:GRID HALF", ":DISP:WBR 70", ":SYST:BEEP ON",
            ":CHAN2:VERN ON", ":CHAN1:TCAL 0.00000002",
        )  # fmt: skip
        assert client.write(":DISP:TYPE?;GRID?;WBR?;GBR?") == "DOTS;HALF;70;50"
        told = ":SYST:BEEP?;LOCK?;:CHAN1:VERN?;TCAL?;:CHAN2:VERN?"
        assert client.write(told) == "1;0;0;2.000000e-08;1"
        for text, code in ((":DISP:GRID THIRD", -224), (":DISP:WBR 101", -222)):
            assert client.refused(text) == code

    within(scenario)


def test_states_of_a_single_acquisition(within) -> None:
    async def scenario(client: Client) -> None:
        assert client.write(":TRIG:STAT?") == "RUN"
        client.all(*SETUP, ":SING")
        # Six divisions before the trigger are filled first.
        assert client.write(":TRIG:STAT?") == "RUN"
        client.inputs.edges = (0.003, 0.1)  # the first comes before it is ready
        await asyncio.sleep(0.0061)
        assert client.write(":TRIG:STAT?") == "WAIT"
        await asyncio.sleep(0.095)
        assert client.write(":TRIG:STAT?") == "TD"
        await asyncio.sleep(0.006)
        assert client.write(":TRIG:STAT?") == "STOP"
        assert client.scope.acquisition.records[-1].triggers == (0.1,)
        client.all(":RUN")
        assert client.write(":TRIG:STAT?") == "RUN"
        client.all(":STOP")
        assert client.write(":TRIG:STAT?") == "STOP"

    within(scenario)


def test_a_forced_trigger_and_an_automatic_sweep(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(*SETUP, ":SING")
        await asyncio.sleep(0.01)
        client.all(":TFOR")
        await asyncio.sleep(0.01)
        assert client.write(":TRIG:STAT?") == "STOP"
        client.all(":TRIG:SWE AUTO", ":RUN")
        await asyncio.sleep(0.06)
        assert client.write(":TRIG:STAT?") == "AUTO"
        await asyncio.sleep(10.0)
        assert client.scope.acquisition.records

    within(scenario)


def test_sample_rates_and_depths(within) -> None:
    async def scenario(client: Client) -> None:
        for scale, depth, rate in (
            (1e-6, "12000", 1e9), (1e-3, "12000", 1e6), (1e-3, "1200000", 1e8),
            (1e-6, "1200000", 1e9), (1e-3, "AUTO", 1e9),
        ):  # fmt: skip
            client.all(":TRIG:EDGE:SOUR EXT", f":TIM:MAIN:SCAL {scale}", f":ACQ:MDEP {depth}")
            assert float(client.write(":ACQ:SRAT?")) == rate, (scale, depth)
            assert client.write(":ACQ:MDEP?") == depth
        client.all(":ACQ:MDEP 12000", ":CHAN2:DISP ON")
        assert client.write(":ACQ:MDEP?") == "AUTO"  # two inputs share memory
        assert client.refused(":ACQ:MDEP 12000") == -224
        client.all(":ACQ:MDEP 6000", ":TIM:SCAL 1e-6")
        assert float(client.write(":ACQ:SRAT?")) == 5e8
        client.all(":STOP")
        assert client.refused(":ACQ:MDEP 60000") == -221  # only while it runs
        # A channel that triggers takes memory too.
        client.all(":CHAN2:DISP OFF", ":TRIG:EDGE:SOUR CHAN2")
        assert float(client.write(":ACQ:SRAT?")) == 5e8

    within(scenario)


def test_memory_and_its_limits(within) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.edges = (1.0,)
        client.all(
            ":TRIG:EDGE:SOUR EXT", ":TRIG:SWE NORM", ":TIM:SCAL 0.1", ":ACQ:MDEP 1200000",
            ":WAV:MODE RAW", ":WAV:FORM BYTE", ":SING",
        )  # fmt: skip
        assert client.refused(":WAV:DATA?") == -221  # it runs
        await asyncio.sleep(2.0)
        assert client.write(":WAV:PRE?") == (
            "0,2,1200000,1,1.000000e-06,-6.000000e-01,0,4.000000e-02,0,127"
        )
        for form, most, width in (("BYTE", 250_000, 1), ("WORD", 125_000, 2), ("ASC", 15_625, 13)):
            client.all(f":WAV:FORM {form}", ":WAV:STAR 1001", f":WAV:STOP {1000 + most}")
            reply = client.raw(":WAV:DATA?")
            assert reply[:2] == b"#9"
            assert int(reply[2:11]) == len(reply) - 12
            if width < 13:
                assert len(reply) == 12 + width * most
            else:
                assert len(reply[11:].split(b",")) == most
            client.all(f":WAV:STOP {1001 + most}")
            assert client.refused(":WAV:DATA?") == -222
        assert client.refused(":WAV:STOP 1200001") == -222
        client.all(":WAV:MODE NORM")
        assert client.write(":WAV:PRE?").startswith("2,0,1200,1,1.000000e-03,-6.000000e-01,0,")
        assert client.write(":WAV:STOP?") == "1200"

    within(scenario)


@pytest.mark.parametrize(
    ("volts", "setup", "code"),
    [
        (0.0, (), 127),
        (1.0, (), 152),
        (1.0, (":CHAN1:OFFS -1",), 127),
        (1.0, (":CHAN1:OFFS 2",), 202),
        (1.0, (":CHAN1:INV ON",), 102),
        (1.0, (":CHAN1:COUP GND",), 127),
        (1.0, (":CHAN1:COUP AC",), 127),
        (0.1, (":CHAN1:PROB 10", ":CHAN1:SCAL 1"), 152),
        (0.01, (":CHAN1:SCAL 10mV",), 152),
        (9.0, (), 255),
        (-9.0, (), 0),
    ],
)
def test_codes(within, volts: float, setup: tuple[str, ...], code: int) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.level = volts
        client.inputs.edges = (1.0,)
        client.all(*SETUP, *setup, ":SING")
        await asyncio.sleep(2.0)
        client.all(":WAV:MODE RAW", ":WAV:STAR 1", ":WAV:STOP 12000")
        codes = np.frombuffer(client.block(":WAV:DATA?"), dtype=np.uint8)
        assert codes.mean() == pytest.approx(code, abs=0.05)
        again = np.frombuffer(client.block(":WAV:DATA?"), dtype=np.uint8)
        assert np.array_equal(codes, again)  # noise was drawn once
        client.all(":WAV:STAR 5001", ":WAV:STOP 5100")
        part = np.frombuffer(client.block(":WAV:DATA?"), dtype=np.uint8)
        assert np.array_equal(codes[5000:5100], part)

    within(scenario)


def test_averages_and_high_resolution_lessen_the_noise(within) -> None:
    async def scenario(client: Client) -> None:
        spread = {}
        for kind, more in (("NORM", ()), ("AVER", (":ACQ:AVER 64",)), ("HRES", ())):
            client.inputs.edges = tuple(np.arange(1, 400) * 0.5)
            client.all(*SETUP, f":ACQ:TYPE {kind}", *more, ":SING")
            await asyncio.sleep(40.0)
            assert client.write(":TRIG:STAT?") == "STOP"
            client.all(":WAV:MODE RAW", ":WAV:STAR 1", ":WAV:STOP 12000")
            if kind == "AVER":
                assert client.write(":WAV:PRE?").split(",")[3] == "64"
                assert len(client.scope.acquisition.records[-1].triggers) == 64
            codes = np.frombuffer(client.block(":WAV:DATA?"), dtype=np.uint8)
            spread[kind] = np.mean(codes != 127)
            client.all(":RUN")
        assert spread["NORM"] > 0.01
        assert spread["AVER"] == 0.0
        assert spread["HRES"] == 0.0

    within(scenario)


def test_many_spellings(within) -> None:
    async def scenario(client: Client) -> None:
        for text in (
            ":channel1:scale 0.2", "CHAN1:SCAL 200mV", ":Chan:Scale 2e-1", ":CHANnel1:SCALe 0.2",
        ):  # fmt: skip
            client.all(":CHAN1:SCAL 1", text)
            assert client.write(":CHAN1:SCAL?") == "2.000000e-01"
        client.all(":TIMebase:SCALe 1ms", ":TRIGger:EDGe:LEVel 0.5", ":trig:edge:lev 500mV")
        assert client.write(":TIM:MAIN:SCAL?;:TRIG:EDG:LEV?") == "1.000000e-03;5.000000e-01"
        client.all(":TIM:SCAL 1.3e-3")
        assert client.write(":TIM:SCAL?") == "1.000000e-03"  # the next of 1, 2, 5
        assert client.refused(":CHAN3:DISP 1") == -114
        assert client.refused(":CHAN1:SCAL 50") == -222
        assert client.refused(":CHAN1:PROB 3") == -224
        assert client.refused(":ACQ:AVER 3") == -224
        assert client.refused(":FOO") == -113
        client.all(":CHAN1:SCAL 0.5;OFFS 0.25;PROB 10")
        assert client.write(":CHAN1:SCAL?;OFFS?") == "5.000000e+00;2.500000e+00"
        client.all(":CHAN2:DISP 1", "*RST")
        assert client.write(":CHAN1:DISP?;:CHAN2:DISP?;:TRIG:SWE?") == "1;0;AUTO"
        assert client.raw(":DISP:DATA? ON,OFF,PNG")[11:13] == b"BM"

    within(scenario)


def test_measurements(within) -> None:
    async def scenario(client: Client) -> None:
        now = asyncio.get_running_loop().time
        client = Client(DecayingSine(now, amplitude=2.0, frequency=1000.0, decay=10.0))
        client.all(*SETUP, ":TRIG:EDGE:LEV 1", ":MEAS:SOUR CHAN1", ":SING")
        await asyncio.sleep(0.1)
        assert float(client.write(":MEAS:ITEM? VPP,CHAN1")) == pytest.approx(4.0, rel=0.05)
        assert float(client.write(":MEAS:ITEM? VRMS")) == pytest.approx(2**0.5, rel=0.05)
        assert float(client.write(":MEAS:ITEM? VAVG,CHAN2")) > 1e37
        assert client.refused(":MEAS:ITEM? VXYZ") == -224

    within(scenario)


class Square:
    """1.9 V for 300 us, 0.1 V for 700 us, from an edge at EXT on, again and again."""

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        return np.where(np.mod(times + 2e-9, 1e-3) < 300e-6, 1.9, 0.1)

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        return (np.floor(after / 1e-3) + 1) * 1e-3


def test_items_of_pulses(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(Square())
        client.all(*SETUP, ":CHAN1:SCAL 0.5", ":TIM:SCAL 5e-4", ":MEAS:SOUR CHAN1", ":SING")
        await asyncio.sleep(0.1)
        for item, value in {
            "VTOP": 1.9, "VBASe": 0.1, "VBAS": 0.1, "vamp": 1.8, "VMID": 1.0, "VUPper": 1.72,
            "VLOW": 0.28, "VARI": 0.3 * 0.7 * 1.8**2, "MARea,CHAN1": (1.9 * 0.3 + 0.1 * 0.7) * 6e-3,
            "PERiod": 1e-3, "FREQ": 1e3, "PWIDth,CHAN1": 3e-4, "NWID": 7e-4, "PDUTy": 0.3,
            "NDUTy": 0.7, "PEDGes": 5, "NEDG": 6,
        }.items():  # fmt: skip
            found = float(client.write(f":MEAS:ITEM? {item}"))
            assert found == pytest.approx(value, rel=0.04, abs=5e-3), item
        assert 0 <= float(client.write(":MEAS:ITEM? OVER")) < 0.05  # noise of a code
        assert 0 < float(client.write(":MEAS:ITEM? RTIM")) < 10e-6
        assert float(client.write(":MEAS:ITEM? NSLEW")) < -1e5
        client.all(":TIM:SCAL 1e-5", ":SING")
        await asyncio.sleep(0.1)
        assert client.write(":MEAS:ITEM? PER") == "9.900000e+37"  # one edge is no period

    within(scenario)


class Shifted(Square):
    """Input 2 is 100 us behind input 1."""

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        return super().volts(1, times - 1e-4 * (channel - 1))


def test_items_of_two_sources(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(Shifted())
        client.all(
            *SETUP, ":CHAN1:SCAL 0.5", ":CHAN2:SCAL 0.5", ":CHAN2:DISP ON", ":TIM:SCAL 5e-4",
            ":SING",
        )  # fmt: skip
        await asyncio.sleep(0.1)
        for item, value in {
            "RDELay,CHANnel1,CHANnel2": 1e-4, "FDEL,CHAN2,CHAN1": 9e-4, "RPHase": 36.0,
            "FPH,CHAN1,CHAN2": 36.0, "RPH,CHAN2,CHAN1": 324.0, "RDEL,CHAN1": 1e-4,
        }.items():  # fmt: skip
            found = float(client.write(f":MEAS:ITEM? {item}"))
            assert found == pytest.approx(value, rel=0.02, abs=5e-6), item
        client.all(":MEAS:SET:DSA CHAN2", ":MEAS:SET:DSB CHAN1", ":MEAS:ITEM RDEL,CHAN1,CHAN2")
        assert float(client.write(":MEAS:ITEM? RDEL")) == pytest.approx(9e-4, rel=0.02)
        assert client.write(":MEAS:SET:PSA?;PSB?;DSA?") == "CHAN1;CHAN2;CHAN2"
        assert client.write(":MEAS:STAT:ITEM? DEV,RDEL,CHAN1,CHAN2") == "0.000000e+00"
        at = float(client.write(":MEAS:ITEM? TVMAX,CHAN1"))
        assert np.mod(at + 1e-5, 1e-3) < 3.2e-4
        assert -3e-3 <= at <= 3e-3
        client.all(":CHAN2:DISP OFF")
        assert client.write(":MEAS:ITEM? RDEL,CHAN1,CHAN2") == "9.900000e+37"
        assert client.refused(":MEAS:ITEM? VMAX,CHAN1,CHAN2") == -108
        assert client.refused(":MEAS:ITEM? RDEL,CHAN1,EXT") == -224

    within(scenario)


def test_math_of_two_inputs(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(Shifted())
        client.all(
            *SETUP, ":CHAN1:SCAL 0.5", ":CHAN2:SCAL 0.5", ":CHAN2:DISP ON", ":TIM:SCAL 5e-4",
            ":MATH:DISP ON", ":MATH:SOUR2 CHANnel2", ":MATH:RES", ":WAV:SOUR MATH", ":SING",
        )  # fmt: skip
        await asyncio.sleep(0.1)
        assert client.write(":MATH:OPER?;SCAL?;OFFS?;INV?") == "ADD;5.000000e-01;0.000000e+00;0"
        for operator, scale, highest, lowest, by in (
            ("ADD", 1.0, 3.8, 0.2, 0.1), ("SUBT", 1.0, 1.8, -1.8, 0.1),
            ("MULTiply", 2.0, 3.61, 0.01, 0.2),
            ("DIVision", 10.0, 1.9 / 0.1, 0.1 / 1.9, 5.0),  # 0.1 V is five codes, give or take one
        ):  # fmt: skip
            client.all(f":MATH:OPERator {operator}", f":MATH:SCAL {scale}")
            preamble = [float(one) for one in client.write(":WAV:PRE?").split(",")]
            codes = np.frombuffer(client.block(":WAV:DATA?"), np.uint8).astype(float)
            volts = (codes - preamble[8] - preamble[9]) * preamble[7]
            assert codes.size == 1200
            found = (volts.max(), volts.min())
            assert found == pytest.approx((highest, lowest), abs=by), operator
            told = float(client.write(":MEAS:ITEM? VMAX,MATH"))
            assert told == pytest.approx(volts.max())
        client.all(":MATH:OPER SUBT", ":MATH:SCAL 1", ":MATH:INV 1", ":MATH:OFFS 1")
        assert float(client.write(":MEAS:ITEM? VPP,MATH")) == pytest.approx(3.6, abs=0.1)
        client.all(":MATH:SOUR2 CHAN1", ":MEAS:SOUR MATH")
        assert float(client.write(":MEAS:ITEM? VMAX")) == 0.0
        assert client.refused(":MATH:OPER FFT") == -224
        client.all(":WAV:MODE RAW")
        assert client.refused(":WAV:DATA?") == -221  # memory holds inputs alone
        client.all(":WAV:MODE NORM", ":MATH:DISP OFF")
        assert client.refused(":WAV:DATA?") == -221

    within(scenario)


def test_the_delayed_sweep_and_the_persistence(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(":TIM:SCAL 1e-3", ":TIM:DEL:SCAL 1e-4", ":TIM:DEL:OFFS 5e-3", ":TIM:DEL:ENAB 1")
        assert client.write(":TIM:DEL:ENAB?;SCAL?;OFFS?") == "1;1.000000e-04;5.000000e-03"
        assert client.refused(":TIM:DEL:OFFS 6e-3") == -222
        client.all(":DISP:GRAD:TIME 0.5", ":DISP:GRAD:TIME INFinite")
        assert client.write(":DISP:GRAD:TIME?") == "INF"

    within(scenario)


def test_a_channel_triggers(within) -> None:
    async def scenario(client: Client) -> None:
        now = asyncio.get_running_loop().time
        client = Client(DecayingSine(now, period=0.02, frequency=100.0, amplitude=1.0, decay=1.0))
        for slope, level, phase in (("POS", 0.5, 1 / 12), ("NEG", 0.5, 5 / 12)):
            client.all(
                ":RUN", ":TRIG:EDGE:SOUR CHAN1", f":TRIG:EDGE:SLOP {slope}",
                f":TRIG:EDGE:LEV {level}", ":TRIG:SWE NORM", ":SING",
            )  # fmt: skip
            await asyncio.sleep(0.1)
            assert client.write(":TRIG:STAT?") == "STOP"
            trigger = client.scope.acquisition.records[-1].triggers[0]
            assert (trigger % 0.01) / 0.01 == pytest.approx(phase, abs=0.01)
        client.all(":TRIG:EDGE:LEV 1.5", ":SING")
        await asyncio.sleep(1.0)
        assert client.write(":TRIG:STAT?") == "WAIT"

    within(scenario)


@given(
    st.lists(
        st.sampled_from([
            ":SING", ":RUN", ":STOP", ":TFOR", ":TIM:SCAL 1e-4", ":ACQ:MDEP 12000", ":WAV:PRE?",
            ":WAV:MODE RAW", ":WAV:MODE NORM", ":WAV:DATA?", ":TRIG:STAT?", "*RST", ":CHAN1:DISP 0",
            ":WAV:FORM ASC", ":WAV:STAR 1000", ":WAV:STOP 1100", ":ACQ:TYPE AVER", ":TRIG:SWE AUTO",
            "wait",
        ]), max_size=15,
    )
)  # fmt: skip
def test_any_order_of_commands_keeps_it_answering(commands: list[str]) -> None:
    async def main() -> None:
        client = Client(DecayingSine(asyncio.get_running_loop().time))
        for command in commands:
            if command == "wait":
                await asyncio.sleep(0.03)
            else:
                client.raw(command)
        client.raw("*CLS")
        assert client.write("*IDN?").startswith("RIGOL TECHNOLOGIES,DS1202Z-E,")
        assert client.write(":TRIG:STAT?") in ("STOP", "RUN", "WAIT", "TD", "AUTO")
        assert client.write("SYST:ERR?") == Client.no_error

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(main())


def test_the_catalogue() -> None:
    async def main() -> None:
        place = {"clock": BenchClock(), "identity": {"model": "DS1054Z"}}
        device = build("rigol_ds1000z", Placement(**place, options={"amplitude": "0.2"}))
        assert [door.port for door in device.doors] == [5555, 4880]
        for options in ({"amplitude": -1}, {"period": "x"}, {"colour": 1}):
            with pytest.raises(OptionError):
                build("rigol_ds1000z", Placement(**place, options=options))
        with pytest.raises(OptionError, match="DS9"):
            build("rigol_ds1000z", Placement(BenchClock(), identity={"model": "DS9"}))

    asyncio.run(main())
