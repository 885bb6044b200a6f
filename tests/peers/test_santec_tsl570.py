"""pymeasure's Santec classes against the simulated laser, in either command set, over TCP."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

santec = pytest.importorskip("pymeasure.instruments.santec", reason="pymeasure is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages
ENDS = {"read_termination": "\r", "write_termination": "\r", "visa_library": "@py"}


def wait_for(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Real time: the laser is in another thread."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("model", "commands", "metre"), [("TSL550", "legacy", 1e9), ("TSL570", "scpi", 1.0)]
)
def test_pymeasure(instrument_in_thread, model: str, commands: str, metre: float) -> None:
    served = instrument_in_thread("santec_tsl570", commands=commands)
    laser = getattr(santec, model)(served.address("santec_tsl570"), **ENDS)
    try:
        assert laser.id.startswith("SANTEC,TSL-570")
        laser.wavelength_setpoint = 1550e-9 * metre
        assert laser.wavelength_setpoint == pytest.approx(1550e-9 * metre)
        assert laser.frequency_setpoint == pytest.approx(
            193.41449e12 * (1 if metre == 1 else 1e-12)
        )
        laser.power_unit = "mW"
        laser.power_setpoint = 2.5
        assert laser.power_setpoint == pytest.approx(2.5)
        laser.power_unit = "dBm"
        assert laser.power_setpoint == pytest.approx(3.98, abs=0.01)
        laser.output_enabled = True
        if model == "TSL550":
            laser.laser_enabled = True
            assert laser.laser_enabled
        assert laser.output_enabled
        wait_for(lambda: laser.power > 3.9)

        laser.wavelength_start, laser.wavelength_stop = 1550e-9 * metre, 1552e-9 * metre
        laser.sweep_pattern = santec.tsl500series.SweepPattern.CONTINUOUS
        laser.sweep_routing = santec.tsl500series.SweepRouting.ONE_WAY
        laser.sweep_speed = 10
        laser.start_sweep()
        assert laser.sweep_status == 4
        wait_for(lambda: laser.sweep_status == 1)
        wait_for(lambda: laser.sweep_status == 0)
        assert laser.sweep_count == 1
        assert laser.wavelength_setpoint == pytest.approx(1552e-9 * metre)
        laser.wavelength_setpoint = 1700e-9 * metre
        assert laser.wavelength_setpoint == pytest.approx(1552e-9 * metre)
        laser.output_enabled = False
    finally:
        laser.adapter.close()


def test_pymeasure_changes_the_command_set(instrument_in_thread) -> None:
    served = instrument_in_thread("santec_tsl570")
    laser = santec.TSL570(served.address("santec_tsl570"), **ENDS)
    try:
        assert laser.command_set == "Legacy"
        assert laser.wavelength_min == pytest.approx(1481.0)  # at 100 nm/s
        laser.command_set = "SCPI"
        assert laser.wavelength_max == pytest.approx(1639e-9)
        assert laser.frequency_min == pytest.approx(299792458 / 1639e-9, rel=1e-6)
    finally:
        laser.adapter.close()
