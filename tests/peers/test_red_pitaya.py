"""pymeasure's Red Pitaya class against the simulated box, over TCP."""

from __future__ import annotations

import time

import numpy as np
import pytest

redpitaya = pytest.importorskip(
    "pymeasure.instruments.redpitaya", reason="pymeasure is not installed"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, and of numpy.fromstring


@pytest.fixture
def box(instrument_in_thread):
    """The client, joined to a box whose outputs are cabled to its inputs."""
    address = instrument_in_thread("red_pitaya").address("red_pitaya")
    client = redpitaya.RedPitayaScpi(address, visa_library="@py")
    yield client
    client.adapter.close()


def test_settings(box) -> None:
    assert box.board_name == "STEMlab 125-14 v1.0"
    # The class reads date and time as releases up to 2.00-36 told them, `h,m,s`: not taken apart.
    assert box.date == "2026-07-01"
    for quantity, values in {
        "decimation": (1, 8),
        "average_skipped_samples": (True, False),
        "acq_units": ("RAW", "VOLTS"),
        "acq_trigger_delay_samples": (500, 0),
        "acq_trigger_level": (0.25, 0.0),
    }.items():
        for value in values:
            setattr(box, quantity, value)
            assert getattr(box, quantity) == value
    box.led[3].enabled = True
    assert box.led[3].enabled
    box.dioN[1].direction_in = False
    box.dioN[1].enabled = True
    assert (box.dioN[1].direction_in, box.dioN[1].enabled) == (False, True)
    assert box.ask("SYST:ERR?").strip() == '0,"No error"'


def test_an_acquisition(box) -> None:
    box.write("SOUR1:FUNC DC")
    box.write("SOUR1:VOLT 0.4")
    box.write("OUTPUT1:STATE ON")
    box.write("SOUR1:TRig:INT")
    box.acquisition_reset()
    box.acq_format = "ASCII"
    box.acquisition_start()
    box.acq_trigger_source = "NOW"
    until = time.monotonic() + 10.0
    while not (box.acq_trigger_status and box.acq_buffer_filled):
        assert time.monotonic() < until
    points = box.ain1.get_data()  # oldest first: the trigger is in the middle
    assert points.shape == (16384,)
    np.testing.assert_allclose(points[-1000:], 0.4, atol=0.01)
