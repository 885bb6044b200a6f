"""pymeasure's N7776C class against the simulated laser, over TCP."""

from __future__ import annotations

import time

import numpy as np
import pytest

keysight = pytest.importorskip("pymeasure.instruments.keysight", reason="pymeasure is missing")
pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages
ENDS = {"read_termination": "\n", "write_termination": "\n", "visa_library": "@py"}


def test_pymeasure(instrument_in_thread) -> None:
    served = instrument_in_thread("keysight_816x")
    laser = keysight.KeysightN7776C(served.address("keysight_816x"), **ENDS)
    try:
        assert laser.locked
        laser.output_enabled = True
        assert not laser.output_enabled  # the lock keeps it dark, without a word
        laser.locked = False
        laser.output_enabled = True
        assert laser.output_enabled
        laser.output_power_mW = 2.5
        assert laser.output_power_mW == pytest.approx(2.5)
        assert laser.output_power_dBm == pytest.approx(3.979, abs=1e-3)
        laser.wavelength = 1550
        assert laser.wavelength == pytest.approx(1550)

        laser.trigger_out, laser.trigger_in = "STF", "IGN"
        assert (laser.trigger_out, laser.trigger_in) == ("STF", "IGN")
        laser.sweep_wl_start, laser.sweep_wl_stop = 1550, 1560
        laser.sweep_step, laser.sweep_speed = 0.01, 50
        laser.sweep_mode, laser.sweep_twoway, laser.wl_logging = "CONT", False, True
        assert laser.sweep_step == pytest.approx(0.01)
        assert laser.sweep_speed == pytest.approx(50)
        assert (laser.sweep_mode, laser.sweep_twoway, laser.wl_logging) == ("CONT", False, True)
        assert laser.valid_sweep_params()
        laser.sweep_wl_stop = 1550
        assert not laser.valid_sweep_params()
        laser.sweep_wl_stop = 1560
        laser.sweep_state = 1
        until = time.monotonic() + 10.0
        while laser.sweep_state == 1:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert laser.sweep_points == 1001
        data = laser.get_wl_data()
        assert data == pytest.approx(np.linspace(1550e-9, 1560e-9, 1001), abs=1e-11)
        laser.output_enabled = False
    finally:
        laser.close()
