"""Waveforms of a QDAC-II in exact bytes, and the limits that they share with constant voltages."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.qdevil_qdac2 import Waveform
from tests.drivers.test_qdevil_qdac2 import ALL, asked, every, play, told

SINE = Waveform("sine", frequency=20.0, span=1.0, offset=0.25)
SET_UP = (
    "SOUR3:SINE:TRIG:SOUR HOLD", "SOUR3:SINE:FREQ 20", "SOUR3:SINE:POL NORM", "SOUR3:SINE:SPAN 1",
    "SOUR3:SINE:OFFS 0.25", "SOUR3:SINE:SLEW INF", "SOUR3:SINE:DEL 0", "SOUR3:SINE:COUN -1",
    "SOUR3:SINE:INIT:CONT OFF", "SOUR3:SINE:TRIG:SOUR IMM",
)  # fmt: skip


def test_a_sine_shares_the_limits_of_its_output() -> None:
    async def scenario(dac) -> None:
        dac.set_limits(np.full(24, 5.0), np.full(24, 0.01))
        await dac.play_waveform(3, SINE)
        for volts, limit in ((4.3, "0.25 to 4.25 V"), (0.2, "0.25 to 4.25 V")):
            with pytest.raises(LimitError, match=limit):
                await dac.write_volts(np.array([2]), np.array([volts]))
        with pytest.raises(ValueError, match="output 3 plays one already"):
            await dac.play_waveform(3, SINE)
        await dac.stop_waveform(3)
        with pytest.raises(ValueError, match="output 3 plays no waveform"):
            await dac.stop_waveform(3)
        with pytest.raises(LimitError, match="0 to 5 V"):
            await dac.write_volts(np.array([2]), np.array([5.1]))

    play(
        [
            asked(f"SOUR:VOLT? {ALL}", every("0", _3="2")), *told(*SET_UP),
            *told("SOUR3:SINE:INIT"), *told("SOUR3:SINE:ABOR"),
        ],
        scenario,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("waveform", "lines"),
    [
        (
            Waveform("square", 1000.0, 0.5, 2.0, duty=25.0),
            ("SOUR1:SQU:FREQ 1000", "SOUR1:SQU:DCYC 25", "SOUR1:SQU:TYP SYMM"),
        ),
        (Waveform("triangle", 0.5, 4.0, 2.0), ("SOUR1:TRI:FREQ 0.5", "SOUR1:TRI:DCYC 50")),
    ],
)
def test_squares_and_triangles_have_a_duty_cycle(waveform, lines) -> None:
    said = waveform.lines(1, 3)
    assert tuple(said[1 : 1 + len(lines)]) == lines
    assert said[-3] == f"{lines[0].rpartition(':')[0]}:COUN 3"


def test_a_refused_setting_starts_nothing() -> None:
    async def scenario(dac) -> None:
        with pytest.raises(InstrumentError, match="-222"):
            await dac.play_waveform(3, SINE)
        await dac.write_volts(np.array([2]), np.array([10.0]))

    refused = told(*SET_UP, error=b'-222, "Data out of range"\n')
    write = ("SOUR:VOLT:MODE FIX,(@3)", "SOUR:VOLT:SLEW 1000,(@3)", "SOUR3:VOLT 10")
    play([asked(f"SOUR:VOLT? {ALL}", every("0", _3="2")), *refused, *told(*write)], scenario)


@pytest.mark.parametrize(
    ("volts", "bipolar", "waveform", "said"),
    [
        ("0", False, SINE, "-0.25 V is not allowed|limits are 0 to 10 V|0 to 10 V"),
        ("9.5", False, SINE, "0 to 10 V, with its 9.5 V"),
        ("-9.5", True, Waveform("sine", 5.0, 2.0), "-10 to 10 V, with its -9.5 V"),
    ],
)
def test_together_they_stay_within_the_limits(volts, bipolar, waveform, said) -> None:
    async def scenario(dac) -> None:
        with pytest.raises(LimitError, match=said):
            await dac.play_waveform(3, waveform)

    play([asked(f"SOUR:VOLT? {ALL}", every("0", _3=volts))], scenario, bipolar=bipolar)


@pytest.mark.parametrize(
    "waveform",
    [
        Waveform("sine", 0.0, 1.0), Waveform("sine", float("nan"), 1.0),
        Waveform("sine", 1.0, 20.1), Waveform("sine", 1.0, 1.0, float("inf")),
        Waveform("square", 1.0, 1.0, duty=100.0), Waveform("saw", 1.0, 1.0),
    ],
)  # fmt: skip
def test_no_byte_leaves_for_what_cannot_be(waveform) -> None:
    async def scenario(dac) -> None:
        for number, wave, periods in ((3, waveform, 1), (25, SINE, 1), (3, SINE, 0)):
            with pytest.raises(ValueError):  # noqa: PT011  LimitError is one
                await dac.play_waveform(number, wave, periods)

    play([], scenario)
