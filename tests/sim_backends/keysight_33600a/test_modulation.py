"""Modulation and sweeps of the simulated 33600A: what comes out in time, what goes with what."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sim_backends.keysight_33600a.client import OK, Client

FACTORY = (
    # as a laboratory's script has read them of its 33622A
    ("SOURce1:AM:DEPTh?", "+1.000000000000000E+02"), ("SOURce1:AM:DSSC?", "0"),
    ("SOURce1:AM:INTernal:FREQuency?", "+1.000000000000000E+02"),
    ("SOURce1:AM:INTernal:FUNCtion?", "SIN"), ("SOURce1:AM:SOURce?", "INT"),
    ("SOURce1:AM:STATe?", "0"), ("SOURce1:BPSK:INTernal:RATE?", "+1.000000000000000E+01"),
    ("SOURce1:BPSK:PHASe?", "+1.800000000000000E+02"), ("SOURce1:BPSK:SOURce?", "INT"),
    ("SOURce1:FM:DEViation?", "+1.000000000000000E+02"),
    ("SOURce1:FM:INTernal:FREQuency?", "+1.000000000000000E+01"),
    ("SOURce1:FREQuency:CENTer?", "+5.500000000000000E+02"), ("SOURce1:FREQuency:MODE?", "CW"),
    ("SOURce1:FREQuency:SPAN?", "+9.000000000000000E+02"),
    ("SOURce1:FREQuency:STARt?", "+1.000000000000000E+02"),
    ("SOURce1:FREQuency:STOP?", "+1.000000000000000E+03"),
    ("SOURce1:FSKey:FREQuency?", "+1.000000000000000E+02"),
    ("SOURce1:FSKey:INTernal:RATE?", "+1.000000000000000E+01"),
    ("SOURce1:PM:DEViation?", "+1.800000000000000E+02"),
    ("SOURce1:PWM:DEViation?", "+1.000000000000000E-05"),
    ("SOURce1:SUM:AMPLitude?", "+1.000000000000000E-01"),
    ("SOURce1:SUM:INTernal:FREQuency?", "+1.000000000000000E+02"),
    ("SOURce1:SWEep:HTIMe?", "+0.000000000000000E+00"), ("SOURce1:SWEep:SPACing?", "LIN"),
    ("SOURce1:SWEep:TIME?", "+1.000000000000000E+00"),
    ("SOURce1:VOLTage:LIMit:HIGH?", "+5.000000000000000E+00"),
    ("SOURce1:VOLTage:LIMit:LOW?", "-5.000000000000000E+00"),
    ("SOURce1:VOLTage:LIMit:STATe?", "0"),
)  # fmt: skip


def test_factory_settings() -> None:
    client = Client()
    for query, told in FACTORY:
        assert client.ask(query) == told, query


def errors(client: Client) -> list[str]:
    """The queue, which is emptied."""
    found: list[str] = []
    while (error := client.ask("SYST:ERR?")) != OK:
        found.append(error)
    return found


def at(client: Client, *times: float) -> np.ndarray:
    return client.device.outputs[0].at(np.array(times))


def test_am_leaves_half_at_no_depth_and_all_at_full() -> None:
    client = Client()
    client.do("FUNC SQU", "FREQ 1000", "VOLT 2", "AM:INT:FREQ 10", "AM:DEPT 0", "AM:STAT ON")
    client.do("OUTP ON")
    assert at(client, 1e-4, 6e-4) == pytest.approx([0.5, -0.5], abs=1e-3)
    client.do("AM:DEPT 100")
    # a quarter and three quarters through the modulating sine
    assert at(client, 0.0251, 0.0751) == pytest.approx([1.0, 0.0], abs=2e-3)
    client.do("AM:DSSC ON")
    assert at(client, 0.0251, 0.0751) == pytest.approx([1.0, -1.0], abs=2e-3)
    client.do("AM:SOUR EXT")  # nothing there
    assert at(client, 0.0251) == pytest.approx([0.0], abs=1e-3)


def rises(client: Client, begin: float, end: float) -> np.ndarray:
    wave = client.device.waveform(1, 0.0, begin, end)
    up = np.flatnonzero((wave.values[:-1] < 0.0) & (wave.values[1:] >= 0.0))
    return wave.start + wave.dwell * (up + 1.0)


def test_fsk_hops_and_fm_deviates() -> None:
    client = Client()
    client.do("FREQ 10000", "FSK:FREQ 20000", "FSK:INT:RATE 100", "FSK:STAT ON", "OUTP ON")
    assert 1 / np.diff(rises(client, 1e-3, 4e-3)) == pytest.approx(10e3, rel=0.02)
    assert 1 / np.diff(rises(client, 6e-3, 9e-3)) == pytest.approx(20e3, rel=0.04)
    client.do("FSK:STAT OFF", "FM:DEV 5000", "FM:INT:FREQ 100", "FM:INT:FUNC SQU", "FM:STAT ON")
    assert 1 / np.diff(rises(client, 1e-3, 4e-3)) == pytest.approx(15e3, rel=0.03)
    assert 1 / np.diff(rises(client, 6e-3, 9e-3)) == pytest.approx(5e3, rel=0.03)


def test_pm_bpsk_pwm_and_sum() -> None:
    client = Client()
    client.do("FUNC SQU", "VOLT 2", "BPSK:INT:RATE 10", "BPSK:STAT ON", "OUTP ON")
    assert at(client, 1e-4, 0.0501) == pytest.approx([1.0, -1.0], abs=1e-3)
    client.do("BPSK:STAT OFF", "PM:DEV 180", "PM:INT:FUNC SQU", "PM:INT:FREQ 10", "PM:STAT ON")
    assert at(client, 1e-4, 0.0501) == pytest.approx([-1.0, -1.0], abs=1e-3)
    client.do("PM:STAT OFF", "FUNC PULS", "FREQ 1000", "FUNC:PULS:WIDT 400 US")
    client.do("PWM:DEV 200 US", "PWM:INT:FUNC SQU", "PWM:STAT ON")
    assert at(client, 5e-4, 0.0505) == pytest.approx([1.0, -1.0], abs=1e-3)
    client.ask("PWM:STAT OFF")
    client.do("FUNC SIN", "VOLT 1", "SUM:AMPL 50", "SUM:INT:FUNC SQU", "SUM:INT:FREQ 10")
    client.do("SUM:STAT ON")
    assert at(client, 0.01, 0.06) == pytest.approx([0.25, -0.25], abs=2e-3)


def test_a_sweep_goes_up_holds_and_returns_and_a_trigger_starts_one() -> None:
    client = Client()
    client.do("FREQ:STAR 10000", "FREQ:STOP 20000", "SWE:TIME 0.01", "SWE:HTIM 0.01")
    client.do("SWE:RTIM 0.01", "SWE:STAT ON", "OUTP ON")
    assert client.ask("FREQ:MODE?") == "SWE"
    for begin, end, hertz in ((4e-3, 6e-3, 15e3), (11e-3, 19e-3, 20e3), (24e-3, 26e-3, 15e3),
                              (34e-3, 36e-3, 15e3)):  # fmt: skip
        assert 1 / np.diff(rises(client, begin, end)).mean() == pytest.approx(hertz, rel=0.02)
    client.do("SWE:SPAC LOG", "SWE:HTIM 0", "SWE:RTIM 0")
    assert 1 / np.diff(rises(client, 4e-3, 6e-3)).mean() == pytest.approx(14.14e3, rel=0.02)
    client.do("TRIG:SOUR BUS")
    assert 1 / np.diff(rises(client, 4e-3, 6e-3)).mean() == pytest.approx(10e3, rel=0.02)
    client.bench.time = 1.0
    client.ask("*TRG")
    assert 1 / np.diff(rises(client, 1.004, 1.006)).mean() == pytest.approx(14.14e3, rel=0.02)
    assert 1 / np.diff(rises(client, 1.014, 1.016)).mean() == pytest.approx(10e3, rel=0.02)
    client.do("FREQ:SPAN 0", "FREQ:CENT 5000")
    assert client.ask("FREQ:STAR?") == client.ask("FREQ:STOP?") == "+5.000000000000000E+03"


@pytest.mark.parametrize(
    ("first", "then", "gone"),
    [
        ("AM:STAT ON", "FM:STAT ON", "AM"), ("FM:STAT ON", "SWE:STAT ON", "FM"),
        ("SWE:STAT ON", "BURS:STAT ON", "SWE"), ("BURS:STAT ON", "PM:STAT ON", "BURS"),
        ("BURS:STAT ON", "FREQ:MODE SWE", "BURS"),
    ],
)  # fmt: skip
def test_one_of_them_is_on_at_a_time(first: str, then: str, gone: str) -> None:
    client = Client()
    client.do(first)
    client.ask(then)
    (error,) = errors(client)
    assert error.startswith('-221,"Settings conflict; ')
    assert error.endswith('turned off by selection of other mode or modulation"')
    assert client.ask(f"{gone}:STAT?") == "0"


@pytest.mark.parametrize(
    ("before", "command", "text"),
    [
        ("FUNC DC", "AM:STAT ON", "not able to modulate this function"),
        ("FUNC NOIS", "FM:STAT ON", "not able to modulate this function"),
        ("FUNC SIN", "PWM:STAT ON", "not able to modulate this function"),
        ("FUNC NOIS", "SWE:STAT ON", "not able to sweep this function"),
        ("FM:STAT ON", "FUNC NOIS", "not able to modulate this function"),
    ],
)
def test_functions_that_cannot_be_modulated(before: str, command: str, text: str) -> None:
    client = Client()
    client.do(before)
    client.ask(command)
    assert errors(client) == [f'-221,"Settings conflict; {text}"']


def test_am_of_an_arbitrary_waveform_reaches_whoever_listens() -> None:
    """A staircase of 100 points at 1 MSa/s, its amplitude swept by a 100 Hz triangle."""
    client = Client()
    points = ",".join(f"{value:.4f}" for value in np.linspace(-1.0, 1.0, 100))
    client.do(f"DATA:ARB STAIR,{points}", "FUNC:ARB STAIR", "FUNC:ARB:SRAT 1E6", "FUNC ARB")
    client.do("VOLT 2", "AM:INT:FUNC TRI", "AM:INT:FREQ 100", "AM:STAT ON", "OUTP ON")
    wave = client.device.waveform(1, 0.0, 2.4e-3, 2.6e-3)  # the top of the triangle
    assert wave.dwell == pytest.approx(1e-6)
    assert wave.values.max() == pytest.approx(1.0, abs=0.03)
    low = client.device.waveform(1, 0.0, 7.4e-3, 7.6e-3)
    assert np.abs(low.values).max() < 0.03
