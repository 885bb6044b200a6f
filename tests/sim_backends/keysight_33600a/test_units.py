"""Phases in degrees, radians and seconds, the clock that is followed, and periods and shares."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.sim_backends.keysight_33600a.client import OK, Client


def test_a_phase_is_given_and_told_in_the_unit_that_is_chosen() -> None:
    client = Client()
    client.do("FUNC SIN", "FREQ 1000", "VOLT 2", "OUTP ON", "SOUR1:PHAS 90", "BURS:PHAS -45")
    assert client.ask("UNIT:ANGLe?") == "DEG"
    client.do("UNIT:ANGL RAD")
    assert float(client.ask("PHAS?")) == pytest.approx(math.pi / 2)
    assert float(client.ask("SOUR1:BURS:PHAS?")) == pytest.approx(-math.pi / 4)
    assert float(client.ask("PHAS? MAX")) == pytest.approx(2.0 * math.pi)
    client.do("UNIT:ANGLE SECOND")
    assert float(client.ask("PHAS?")) == pytest.approx(0.25e-3)
    client.do("PHAS 0.5 MS", "UNIT:ANGL DEG")
    assert float(client.ask("PHAS?")) == pytest.approx(180.0)
    client.do("UNIT:ANGL RAD", f"PHAS {math.pi / 6!r}")
    times = np.array([0.0, 0.25e-3])
    begun = math.sin(math.pi / 6)
    assert client.device.outputs[0].at(times) == pytest.approx(
        [begun, math.cos(math.pi / 6)], abs=2e-3
    )
    client.do("PHAS 6.28318530717959", "*RST")
    assert client.ask("UNIT:ANGL?;:PHAS?") == "DEG;+0.000000000000000E+00"


def test_a_phase_beyond_a_turn_is_clipped_in_any_unit() -> None:
    client = Client()
    for unit, beyond, most in (("DEG", 400.0, 360.0), ("RAD", -7.0, -2.0 * math.pi)):
        client.do(f"UNIT:ANGL {unit}")
        assert client.ask(f"SOUR2:PHAS {beyond}") == ""
        assert client.ask("SYST:ERR?").startswith("-222")
        assert float(client.ask("SOUR2:PHAS?")) == pytest.approx(most)
    assert client.ask("UNIT:ANGL GRAD") == ""
    assert client.ask("SYST:ERR?").startswith("-224")


def test_the_clock_is_its_own() -> None:
    client = Client()
    for head in ("", "SOURce1:"):
        assert client.ask(f"{head}ROSC:SOUR?;SOUR:AUTO?;CURR?") == "INT;1;INT"
        client.do(f"{head}ROSC:SOUR INT")
        assert client.ask("ROSC:SOUR:AUTO?") == "0"
        client.do(f"{head}ROSC:SOUR:AUTO ON")
        assert client.ask("ROSC:SOUR EXT") == ""
        assert client.ask("SYST:ERR?") == '+580,"Reference phase-locked loop is unlocked"'
        assert client.ask(f"{head}ROSC:SOUR?;SOUR:CURR?") == "EXT;INT"
        client.do("*RST")


def test_a_period_of_squares_and_a_share_of_pulses() -> None:
    client = Client()
    client.do("FUNC SQU", "FUNC:SQU:PER 2E-3")
    assert client.ask("FREQ?") == "+5.000000000000000E+02"
    assert float(client.ask("FUNC:SQU:PER?")) == pytest.approx(2e-3)
    client.do("FUNC PULS", "SOUR1:PWM:DEV:DCYC 2.5")
    assert float(client.ask("PWM:DEV?")) == pytest.approx(50e-6)
    assert float(client.ask("PWM:DEV:DCYC?")) == pytest.approx(2.5)
    assert client.ask("SYST:ERR?") == OK


def test_the_beeper_is_switched() -> None:
    client = Client()
    client.do("SYST:BEEP:STAT OFF", "SYST:BEEP")
    assert client.ask("SYST:BEEP:STAT?") == "0"
