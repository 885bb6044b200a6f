"""The simulated InfiniiVision: triggers over time, formats, points, segments, spellings."""

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
from sim_backends.keysight_infiniivision import KeysightInfiniivision
from sim_backends.keysight_infiniivision.measure import period
from sim_backends.keysight_infiniivision.models import rate_step
from sim_backends.oscilloscope.inputs import DecayingSine
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends import scope_client
from tests.sim_backends.scope_client import within_time_of


class Client(scope_client.Client):
    """A session with one of these."""

    kind = KeysightInfiniivision
    model = "DSOX1102G"
    no_error = '+0,"No error"'
    digits = 8


@pytest.fixture
def within(run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a scenario with an oscilloscope in virtual time."""
    return within_time_of(Client, run)


SETUP = (":TRIG:EDGE:SOUR EXT", ":TRIG:SWE NORM", ":TIM:RANG 1e-2", ":TIM:REF CENT")


def test_a_single_acquisition_tells_when_it_is_armed_and_done(within) -> None:
    async def scenario(client: Client) -> None:
        assert client.write(":OPER:COND?") == "+8"
        client.all(*SETUP, ":STOP")
        client.write(":AER?;:TER?;:OPER?")
        assert client.write(":OPER:COND?;:AER?;:TER?") == "+0;+0;+0"
        client.all(":SING")
        assert client.write(":OPER:COND?;:OPER?;:OPER?") == "+8;+8;+0"
        client.inputs.edges = (0.003, 0.1)  # the first comes before half a screen is filled
        await asyncio.sleep(0.006)
        assert client.write(":OPER:COND?") == "+40"
        assert client.write(":AER?;:AER?;:TER?") == "+1;+0;+0"
        await asyncio.sleep(0.0965)
        assert client.write(":OPER:COND?;:TER?;:TER?") == "+8;+1;+0"
        await asyncio.sleep(0.004)
        assert client.write(":OPER:COND?") == "+0"
        assert client.scope.acquisition.records[-1].triggers == (0.1,)

    within(scenario)


def test_digitize_holds_all_that_follows(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(*SETUP)
        client.inputs.edges = (0.5,)
        assert client.raw(":DIG CHAN1,CHAN2;*OPC?") == b""
        client.session.receive(b":CHAN2:DISP?\n")
        await asyncio.sleep(0.503)
        assert client.sent == []
        await asyncio.sleep(0.005)
        assert client.sent == [b"1\n", b"1\n"]
        # A device clear gives it up.
        assert client.raw(":DIG;*OPC?") == b""
        client.session.clear()
        assert client.write(":STOP;:OPER:COND?") == "+0"
        # An edge that nobody knew of before ends it too.
        client.raw(":DIG;*OPC?")
        await asyncio.sleep(1.0)
        client.inputs.edges = (asyncio.get_running_loop().time() + 0.1,)
        await asyncio.sleep(0.2)
        assert client.sent == [b"1\n"]

    within(scenario)


def test_formats(within) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.edges = (0.1,)
        client.inputs.level = 0.7
        client.all(*SETUP, ":CHAN1:SCAL 0.5;OFFS 0.2", ":WAV:POIN:MODE RAW", ":WAV:POIN 500")
        client.raw(":DIG")
        await asyncio.sleep(1.0)
        code = 128 + 0.5 / (4.0 / 256)
        assert client.write(":WAV:PRE?") == (
            "+0,+0,+500,+1,+2.00000000E-005,-5.00000000E-003,+0,"
            "+1.56250000E-002,+2.00000000E-001,+128"
        )
        byte = np.frombuffer(client.block(":WAV:DATA?"), dtype=np.uint8)
        assert byte.size == 500
        assert byte.mean() == pytest.approx(code, abs=0.1)
        client.all(":WAV:FORM WORD")
        word = np.frombuffer(client.block(":WAV:DATA?"), dtype=">u2")
        assert np.array_equal(word >> 8, byte)
        assert not (word & 255).any()
        client.all(":WAV:BYT LSBF")
        assert np.array_equal(np.frombuffer(client.block(":WAV:DATA?"), dtype="<u2"), word)
        assert client.write(":WAV:PRE?").endswith(",+6.10351562E-005,+2.00000000E-001,+32768")
        client.all(":WAV:UNS OFF")
        signed = np.frombuffer(client.block(":WAV:DATA?"), dtype="<i2")
        assert np.array_equal(signed, word.astype(int) - 32768)
        assert client.write(":WAV:YREF?") == "+0"
        client.all(":WAV:UNS ON", ":WAV:FORM ASC")
        volts = np.array(client.block(":WAV:DATA?").split(b","), dtype=float)
        assert volts == pytest.approx((byte.astype(float) - 128) * 4 / 256 + 0.2, abs=1e-4)
        assert client.write(":WAV:PRE?").startswith("+4,+0,+500,")

    within(scenario)


@pytest.mark.parametrize(("volts", "byte", "word"), [(9.0, 255, 0xFFFF), (-9.0, 1, 0x0001)])
def test_what_is_clipped_has_codes_of_its_own(within, volts: float, byte: int, word: int) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.edges = (0.1,)
        client.inputs.level = volts
        client.all(*SETUP, ":CHAN1:SCAL 0.5", ":WAV:POIN:MODE RAW;:WAV:POIN 100")
        client.raw(":DIG")
        await asyncio.sleep(1.0)
        assert set(client.block(":WAV:DATA?")) == {byte}
        client.all(":WAV:FORM WORD")
        assert set(np.frombuffer(client.block(":WAV:DATA?"), dtype=">u2").tolist()) == {word}

    within(scenario)


def test_points(within) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.edges = (0.1, 5.0)
        client.all(*SETUP, ":WAV:POIN MAX")
        assert client.write(":WAV:POIN:MODE?") == "MAX"
        client.raw(":DIG")
        await asyncio.sleep(1.0)
        for mode, asked, given_points in (
            ("RAW", "MAX", 1_000_000), ("NORM", "MAX", 62_500), ("RAW", "1000", 1000),
            ("RAW", "1234", 1000), ("NORM", "100000", 62_500), ("RAW", "5000000", 1_000_000),
        ):  # fmt: skip
            client.all(f":WAV:POIN {asked}", f":WAV:POIN:MODE {mode}")
            assert client.write(":WAV:POIN?") == f"+{given_points}", (mode, asked)
            assert client.write(":WAV:PRE?").split(",")[2] == f"+{given_points}"
        assert client.write(":ACQ:SRAT?;POIN?") == "+1.00000E+08;+1000000"
        for bad in ("99", "0", "-5"):
            assert client.refused(f":WAV:POIN {bad}") == -222
        client.all(":RUN")
        assert client.write(":WAV:POIN:MODE RAW;:WAV:POIN MAX;:WAV:POIN?") == "+62500"

    within(scenario)


def test_segments(within) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.edges = (0.1, 0.104, 0.2, 0.33, 0.5)
        client.all(*SETUP, ":ACQ:MODE SEGM;:ACQ:SEGM:COUN 4", ":SING")
        await asyncio.sleep(0.25)
        # The second edge came while the first record was being filled.
        assert client.write(":WAV:SEGM:COUN?;:OPER:COND?") == "+2;+40"
        await asyncio.sleep(0.5)
        assert client.write(":WAV:SEGM:COUN?;:OPER:COND?") == "+4;+0"
        tags = [client.write(f":ACQ:SEGM:IND {n};:WAV:SEGM:TTAG?") for n in (1, 2, 3, 4)]
        assert [float(tag) for tag in tags] == pytest.approx([0.0, 0.1, 0.23, 0.4])
        assert client.refused(":ACQ:SEGM:IND 5") == -222
        assert client.refused(":ACQ:TYPE AVER") == -221
        assert client.write(":ACQ:POIN?") == "+200000"

    within(scenario)
    within(edu, model="EDUX1002A")


async def edu(client: Client) -> None:
    """A model without segmented memory."""
    assert client.refused(":ACQ:MODE SEGM") == -224
    assert client.refused(":WGEN:OUTP ON") == -113


def test_averages(within) -> None:
    async def scenario(client: Client) -> None:
        client.inputs.edges = tuple(np.arange(1, 100) * 0.05)
        client.all(*SETUP, ":ACQ:TYPE AVER;COUN 16", ":WAV:FORM WORD;:WAV:POIN:MODE RAW")
        client.raw(":DIG")
        await asyncio.sleep(2.0)
        assert len(client.scope.acquisition.records[-1].triggers) == 16
        words = np.frombuffer(client.block(":WAV:DATA?"), dtype=">u2")
        assert not (words & 15).any()  # 12 bits
        assert 0 < words.std() < 150
        assert client.write(":WAV:PRE?").split(",")[1:4] == ["+2", "+1000", "+16"]

    within(scenario)


def test_many_spellings(within) -> None:
    async def scenario(client: Client) -> None:
        for text in (
            ":channel1:scale 0.2", "CHAN1:SCAL 200mV", ":Chan:Range 1.6", ":CHANnel1:RANGe 1600 mV",
        ):  # fmt: skip
            client.all(":CHAN1:SCAL 1", text)
            assert float(client.write(":CHAN1:SCAL?")) == pytest.approx(0.2)
            assert float(client.write(":channel1:range?")) == pytest.approx(1.6)
        client.all(":timebase:scale 1ms", ":TRIG:LEV 0.5", ":TRIGger:EDGE:LEVel 400mV,CHANnel2")
        assert float(client.write(":TIM:RANG?")) == pytest.approx(1e-2)
        assert client.write(":TRIG:LEV?;:TRIG:EDGE:LEV? CHAN2") == "+5.00000E-01;+4.00000E-01"
        client.all(":CHAN1:PROB 10")
        assert client.write(":CHAN1:SCAL?;:TRIG:LEV? CHAN1") == "+2.00000E+00;+5.00000E+00"
        assert client.refused(":CHAN3:DISP 1") == -114
        assert client.refused(":CHAN1:SCAL 500") == -222
        assert client.refused(":FOO") == -113
        assert client.refused(":TIM:SCAL 100") == -222
        client.all('*RST;:CHAN1:LABel "bank 1"')
        assert client.write(":CHAN1?") == (
            ":CHAN1:RANG +4.00000E+01;OFFS +0.00000E+00;COUP DC;IMP ONEM;DISP 1;BWL 0;INV 0;"
            'LAB "bank 1";UNIT VOLT;PROB +1.000E+00;PROB:SKEW +0.00E+00;STYP SING'
        )
        assert client.write(":TIM?") == (
            ":TIM:MODE MAIN;REF CENT;MAIN:RANG +1.00000E-03;POS +0.00000E+00"
        )
        for _ in range(35):
            client.write(":FOO")
        entries = [client.write("SYST:ERR?") for _ in range(31)]
        assert entries[28].startswith("-113,")
        assert entries[29:] == ['-350,"Queue overflow"', Client.no_error]  # 29 and the overflow

    within(scenario)


def test_set_ups_come_back(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(":CHAN2:SCAL 0.3;DISP 1", ":TIM:RANG 5e-3", ":CHAN1:PROB 10;OFFS 1")
        setup = client.raw(":SYST:SET?").removesuffix(b"\n")
        client.all("*RST")
        client.session.receive(b":SYST:SET " + setup + b"\n")
        assert client.write("SYST:ERR?") == Client.no_error
        told = client.write(":CHAN2:SCAL?;DISP?;:TIM:RANG?;:CHAN1:PROB?;OFFS?")
        assert told == "+3.00000E-01;1;+5.00000E-03;+1.000E+01;+1.00000E+00"
        assert client.refused(":SYST:SET #13abc") == -161
        assert client.block(":DISP:DATA? PNG, COL").startswith(b"\x89PNG")
        assert client.block(":DISP:DATA? bmp, grayscale").startswith(b"BM")

    within(scenario)


@given(
    st.lists(
        st.sampled_from([
            ":SING", ":RUN", ":STOP", ":TRIG:FORC", ":TIM:RANG 1e-3", ":ACQ:MODE SEGM", ":WAV:PRE?",
            ":WAV:POIN:MODE RAW", ":WAV:POIN MAX", ":WAV:DATA?", ":OPER:COND?", "*RST", ":DIG",
            ":WAV:FORM ASC", ":WAV:POIN 100", ":ACQ:TYPE AVER", ":CHAN1:DISP 0", ":TRIG:SWE NORM",
            ":ACQ:MODE RTIM", "wait",
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
        client.session.clear()
        client.raw("*CLS")
        assert client.write("*IDN?").startswith("KEYSIGHT TECHNOLOGIES,DSOX1102G,")
        assert int(client.write(":OPER:COND?")) in (0, 8, 40)
        assert client.write("SYST:ERR?") == Client.no_error

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(main())


@given(st.floats(1e-3, 1e10))
def test_rates_go_in_steps(most: float) -> None:
    rate = rate_step(most)
    assert 0.3 * most < rate <= most * (1 + 1e-8)
    assert f"{rate:e}"[0] in "125"


def test_the_catalogue() -> None:
    async def main() -> None:
        place = {"clock": BenchClock(), "identity": {"model": "DSO-X 2024A"}}
        device = build("keysight_infiniivision", Placement(**place, options={"period": "0.2"}))
        assert [door.port for door in device.doors] == [5025, 4880]
        with pytest.raises(OptionError, match="has no option"):
            build("keysight_infiniivision", Placement(**place, options={"colour": 1}))
        with pytest.raises(OptionError, match="DSOS"):
            build("keysight_infiniivision", Placement(BenchClock(), identity={"model": "DSOS"}))

    asyncio.run(main())


def test_numbers_of_what_is_on_the_screen(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(DecayingSine(asyncio.get_running_loop().time, decay=1.0))
        client.all(
            ":CHAN1:SCAL 0.5", ":CHAN2:SCAL 0.25", ":VIEW CHAN2", ":TRIG:EDGE:SOUR EXT",
            ":TRIG:SWE NORM", ":TRIG:EDGE:LEV 1", ":TIM:RANG 5e-3", ":TIM:REF LEFT",
        )  # fmt: skip
        client.raw("*TRG;*OPC?")  # as DIGitize: all that follows waits for it
        await asyncio.sleep(0.1)
        client.write(":WAV:FORM ASC;:WAV:POIN:MODE RAW;:WAV:POIN 10000;:WAV:SOUR CHAN2")
        volts = np.array(client.write(":WAV:DATA?")[10:].split(","), dtype=float)
        for question, value in {
            ":MEAS:VPP? CHAN2": np.ptp(volts), ":meas:sour channel2;:meas:vmax?": volts.max(),
            ":MEASure:VMIN?": volts.min(), ":MEAS:VAVerage? DISPlay,CHANnel2": volts.mean(),
            ":MEAS:VRMS? DISP,AC,CHAN2": volts.std(), ":MEAS:PER?": 0.5e-3,
            ":MEAS:FREQ? CHAN1": 2e3,
        }.items():  # fmt: skip
            assert float(client.write(question)) == pytest.approx(value, rel=0.02, abs=2e-3)
        assert client.write(":MEAS:VPP") == ""
        assert client.write(":STAT? CHAN2;:BLAN CHAN2;:STAT? CHAN2") == "1;0"
        assert client.write(":MEAS:VPP? CHAN2") == "+9.90000E+37"  # it is not shown
        client.all(":CHAN1:SCAL 0.01")
        assert client.write(":MEAS:VPP? CHAN1") == "+9.90000E+37"  # clipped
        assert client.write(":SYST:ERR?") == client.no_error
        client.write(":MEAS:VPP? CHAN9")
        assert client.write(":SYST:ERR?").startswith("-224")

    within(scenario)


class Square:
    """1 V for 200 us, -1 V for 600 us, from an edge at EXT on, again and again."""

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        return np.where(np.mod(times + 2e-9, 8e-4) < 2e-4, 1.0, -1.0)

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        return (np.floor(after / 8e-4) + 1) * 8e-4


def test_numbers_of_pulses(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(Square())
        client.all(":CHAN1:SCAL 0.5", ":TRIG:EDGE:SOUR EXT", ":TRIG:SWE NORM", ":TIM:RANG 5e-3")
        client.raw("*TRG;*OPC?")
        await asyncio.sleep(0.1)
        for name, value in {
            "VTOP": 1.0, "VBASe": -1.0, "VAMPlitude": 2.0, "PWIDth": 2e-4, "NWID": 6e-4,
            "DUTYcycle": 25.0,
        }.items():  # fmt: skip
            found = float(client.write(f":MEASure:{name}? CHANnel1"))
            assert found == pytest.approx(value, rel=0.03), name
        assert 0.0 <= float(client.write(":MEAS:OVER?")) < 5.0
        assert 0.0 < float(client.write(":MEAS:RIS?;FALL?").split(";")[1]) < 2e-6
        assert client.write(":MEAS:PWID CHAN1;:SYST:ERR?") == client.no_error

    within(scenario)


def test_blank_without_a_source_blanks_all(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(":VIEW CHAN1", ":VIEW CHANnel2")
        assert client.write(":STAT? CHAN1;STAT? CHAN2") == "1;1"
        client.all(":BLANk")
        assert client.write(":STAT? CHAN1;STAT? CHAN2") == "0;0"
        assert client.refused(":VIEW") == -109

    within(scenario)


def test_a_waveform_without_a_period() -> None:
    assert np.isnan(period(np.zeros(100), 1.0))
    assert np.isnan(period(np.linspace(0.0, 1.0, 100), 1.0))
    wave = np.sin(2.0 * np.pi * np.arange(1000) / 250.0 + 0.3)
    assert period(wave, 1e-3) == pytest.approx(0.25, rel=1e-3)


def test_what_is_learnt_brings_the_set_up_back(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(":CHAN1:SCAL 0.2")
        learnt = client.raw("*LRN?")
        assert learnt.startswith(b":SYST:SET #")
        client.all("*RST")
        client.session.receive(learnt)
        assert float(client.write(":CHAN1:SCAL?")) == 0.2
        assert client.write("*OPT?;:SER?") == "0;CN00000001"

    within(scenario)


class Shifted(Square):
    """Input 2 is 100 us behind input 1."""

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        return super().volts(1, times - 1e-4 * (channel - 1))


def test_times_and_what_lies_between_two_waveforms(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(Shifted())
        client.all(
            ":CHAN1:SCAL 0.5", ":CHAN2:SCAL 0.5", ":VIEW CHAN2", ":TRIG:EDGE:SOUR EXT",
            ":TRIG:SWE NORM", ":TIM:RANG 5e-3", ":TIM:REF LEFT",
        )  # fmt: skip
        client.raw("*TRG;*OPC?")
        await asyncio.sleep(0.1)
        assert client.write(":MEAS:SOUR?") == "CHAN1,NONE"
        assert client.write(":MEAS:DEF? DEL") == "+1,+1"
        for question, value in {
            ":MEAS:DEL? CHAN1,CHAN2": 1e-4, ":measure:delay? channel2,channel1": -1e-4,
            ":MEAS:DEF DEL,+1,-1;DEL? CHAN1,CHAN2": 3e-4, ":MEAS:DEF DELAY,-1,2;DEL?": 7e-4,
            ":MEAS:PHAS? CHAN1,CHAN2": 45.0, ":MEAS:PHASe? CHAN2,CHAN1": 315.0,
            ":MEAS:TEDG? +1": 1e-4, ":MEAS:TEDG? -1,CHAN1": 2e-4, ":MEAS:TEDG? 3": 1.6e-3,
            ":MEAS:TVAL? 0.5,-2": 1e-3, ":MEAS:VTIM? 1e-4": 1.0, ":MEAS:VTIM? 5E-4,CHAN2": -1.0,
            ":MEAS:NDUT? CHAN1": 75.0, ":MEAS:PEDG?": 6, ":MEAS:NEDG?": 6,
            ":MEAS:SDEV?": 2.0 * (0.25 * 0.75) ** 0.5,
        }.items():  # fmt: skip
            found = float(client.write(question))
            assert found == pytest.approx(value, rel=0.04, abs=4e-6), question
        for extreme in ("MAX", "MIN"):
            at = client.write(f":MEAS:X{extreme}?")
            assert client.write(f":MEAS:VTIM? {at}") == client.write(f":MEAS:V{extreme}?")
        assert client.write(":MEAS:SOUR?") == "CHAN1,CHAN1"
        assert client.write(":MEAS:SOUR CHAN2,CHAN1;SOUR?") == "CHAN2,CHAN1"
        assert client.write(":MEAS:VPP? CHAN1;:MEAS:SOUR?").endswith(";CHAN1,CHAN1")
        for unknown in (":MEAS:TEDG? +9", ":MEAS:TVAL? 5,+1", ":MEAS:VTIM? 1"):
            assert client.write(unknown) == "+9.90000E+37"
        client.all(":MEAS:DEL", ":MEAS:PHAS CHAN1,CHAN2", ":DISP:LAB ON")
        assert client.write("*RST;:MEAS:SOUR?;DEF? DEL;:DISP:LAB?") == "CHAN1,NONE;+1,+1;0"
        for bad in (":MEAS:SOUR CHAN9", ":MEAS:TEDG? 0", ":MEAS:DEF DEL,1", ":MEAS:DEL? CHAN1,X"):
            client.refused(bad)

    within(scenario)


def test_sums_differences_and_products_of_two_inputs(within) -> None:
    async def scenario(_: Client) -> None:
        client = Client(Shifted())
        client.all(
            ":CHAN1:SCAL 0.5", ":CHAN2:SCAL 0.5", ":TRIG:EDGE:SOUR EXT", ":TRIG:SWE NORM",
            ":TIM:RANG 5e-3", ":FUNC:DISP ON", ":WAV:FORM WORD", ":WAV:SOUR MATH",
        )  # fmt: skip
        client.raw("*TRG;*OPC?")
        await asyncio.sleep(0.1)
        told = client.write(":WAV:SOUR?;:FUNC:OPER?;SOUR1?;SOUR2?")
        assert told == "FUNC;ADD;CHAN1;CHAN2"
        client.all(":FUNC:RANG 16")
        assert client.write(":FUNC:SCAL?;OFFS?") == "+2.00000E+00;+0.00000E+00"
        for operation, top, base in (
            ("ADD", 2.0, -2.0),
            ("SUBTract", 2.0, -2.0),
            ("MULT", 1.0, -1.0),
        ):
            client.all(f":FUNCtion:OPERation {operation}")
            step, origin, reference = map(float, client.write(":WAV:PRE?").split(",")[7:])
            words = np.frombuffer(client.block(":WAV:DATA?"), ">u2").astype(float)
            volts = (words - reference) * step + origin
            assert (volts.max(), volts.min()) == pytest.approx((top, base), abs=0.05)
            assert float(client.write(":MEAS:VMAX? FUNC")) == pytest.approx(top, abs=0.05)
        # 1 where both are high or both low: 100 of 800 us, and 500 of them
        assert float(client.write(":MEAS:VAV? DISP,MATH")) == pytest.approx(0.5, abs=0.05)
        assert client.write(":MEAS:SOUR?") == "FUNC,NONE"
        client.all(":FUNC:SCAL 0.1")
        assert client.write(":MEAS:VPP?") == "+9.90000E+37"  # clipped
        client.all(":FUNC:SCAL 2", ":FUNC:SOUR2 CHAN1", ":FUNC:OPER SUBT", ":FUNC:OFFS 0.5")
        assert float(client.write(":MEAS:VPP? FUNC")) == 0.0
        client.all(":FUNC:DISP OFF")
        assert client.write(":MEAS:VPP?") == "+9.90000E+37"
        assert client.refused(":WAV:DATA?") == -221
        for bad in (":FUNC:OPER FFT", ":FUNC:SOUR1 EXT", ":FUNC:RANG 0"):
            client.refused(bad)

    within(scenario)
