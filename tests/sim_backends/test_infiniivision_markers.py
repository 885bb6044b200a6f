"""The simulated InfiniiVision beside its measurements: markers, and the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim_backends.keysight_infiniivision import KeysightInfiniivision
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


def test_markers_lie_where_they_are_put_or_on_the_waveform(within) -> None:
    async def scenario(client: Client) -> None:
        assert client.write(":MARK:MODE?;:MARK:X1P?") == "OFF;+0.00000E+00"
        client.all(":marker:x1position 1e-3", ":marker:x2position 3ms", ":MARK:Y1P 0.5")
        assert (
            client.write(":MARK:MODE?;:MARK:XDEL?;:MARK:YDEL?") == "MAN;+2.00000E-03;-5.00000E-01"
        )
        client.all(*SETUP, ":CHAN1:SCAL 0.5", ":STOP", ":MARK:MODE WAV")
        client.scope.acquisition.discard()
        assert client.write(":MARK:Y1P?") == "+9.90000E+37"  # nothing was acquired
        times = np.array([0.1, 0.2])
        client.inputs.volts = lambda channel, at: 100.0 * (at - times[0])
        client.inputs.edges = tuple(times)
        client.all(":SING")
        await asyncio.sleep(0.2)
        for ms in (1.0, -2.5):
            client.all(f":MARK:X1P {ms}e-3")
            assert float(client.write(":MARK:Y1P?")) == pytest.approx(0.1 * ms, abs=0.02)
        assert float(client.write(":MARK:YDEL?")) == pytest.approx(0.55, abs=0.04)
        client.all(":MARK:X1P 6e-3")  # beyond the record
        assert client.write(":MARK:Y1P?") == "+9.90000E+37"
        client.all(":MARK:X1Y1 CHAN2", ":MARK:X1P 1e-3")  # not shown
        assert client.write(":MARK:X1Y1?;:MARK:Y1P?") == "CHAN2;+9.90000E+37"
        assert client.refused(":MARK:Y2P 0.1") == -221
        client.all("*RST")
        assert client.write(":MARK:MODE?;:MARK:X2P?") == "OFF;+0.00000E+00"

    within(scenario)


def test_the_clock(within) -> None:
    async def scenario(client: Client) -> None:
        client.all(":SYSTem:DATE 2026,MARch,4", ":SYST:TIME 20,15,30")
        await asyncio.sleep(1.0)
        assert client.write(":SYST:DATE?;TIME?") == "2026,3,4;20,15,31"
        client.all(":SYST:DATE 2026,dec,31")
        assert client.write(":SYST:DATE?") == "2026,12,31"
        assert client.refused(":SYST:DATE 2026,SMARCH,1") == -224
        assert client.refused(":SYST:DATE 2026,2,30") == -222

    within(scenario)
