"""The ThorlabsPM100 package and pymeasure's class against the simulated meter, over HiSLIP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import pyvisa

pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages


@pytest.fixture
def meter(instrument_in_thread) -> Iterator[Any]:
    """A VISA session with a meter in steady light."""
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    served = instrument_in_thread("thorlabs_pm100", power=1e-3)
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(
        served.address("thorlabs_pm100"), read_termination="\n", write_termination="\n"
    )
    yield session
    session.close()


def test_the_thorlabs_package(meter: Any) -> None:
    package = pytest.importorskip("ThorlabsPM100", reason="the package ThorlabsPM100 is missing")
    power_meter = package.ThorlabsPM100(inst=meter)
    assert power_meter.read == pytest.approx(1e-3, rel=1e-2)
    assert power_meter.fetch == pytest.approx(1e-3, rel=1e-2)
    assert power_meter.getconfigure == "POW"
    sense = power_meter.sense
    sense.average.count = 10
    assert sense.average.count == 10
    sense.correction.wavelength = 1310
    assert sense.correction.wavelength == 1310
    assert (sense.correction.minimum_wavelength, sense.correction.maximum_wavelength) == (800, 1700)
    assert sense.power.dc.range.auto == 1
    sense.power.dc.range.upper = 0.01
    assert sense.power.dc.range.auto == 0
    assert sense.power.dc.range.upper >= 0.01
    sense.power.dc.range.auto = "ON"
    sense.correction.loss.input.magnitude = 3
    assert sense.correction.loss.input.magnitude == 3
    assert sense.correction.loss.input.maximum_magnitude == 60
    sense.power.dc.unit = "DBM"
    assert sense.power.dc.unit == "DBM"
    assert 2.0 < power_meter.read < 4.5  # 0 dBm, 3 dB, and another response at 1310 nm
    sense.power.dc.unit = "W"
    power_meter.configure.scalar.current.dc()
    assert power_meter.getconfigure == "CURR"
    assert power_meter.read == pytest.approx(2.5e-4, rel=1e-2)
    power_meter.measure.scalar.power()
    power_meter.initiate.immediate()
    power_meter.abort()
    sense.correction.collect.zero.initiate()
    assert sense.correction.collect.zero.state == 1
    sense.correction.collect.zero.abort()
    assert sense.correction.collect.zero.state == 0
    assert sense.correction.power.pdiode.response < 0.25
    power_meter.input.pdiode.filter.lpass.state = 1
    assert power_meter.input.pdiode.filter.lpass.state == 1
    power_meter.display.brightness = 0.5
    power_meter.system.beeper.immediate()
    assert power_meter.system.version == 1999.0
    assert power_meter.status.operation.condition == 0
    assert power_meter.status.auxillary.condition == 0
    assert power_meter.status.measurement.event == 0
    # INITiate came while the measurement before it was under way.
    assert power_meter.system.error.next.startswith("-213")
    assert power_meter.system.error.next.startswith("+0")


def test_pymeasure(instrument_in_thread) -> None:
    thorlabs = pytest.importorskip("pymeasure.instruments.thorlabs", reason="pymeasure is missing")
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    served = instrument_in_thread("thorlabs_pm100", power=2e-4, sensor="S154C")
    meter = thorlabs.ThorlabsPM100USB(
        served.address("thorlabs_pm100"), visa_library="@py", read_termination="\n",
        write_termination="\n",
    )  # fmt: skip
    try:
        assert (meter.sensor_name, meter.is_power_sensor, meter.is_energy_sensor) == (
            "S154C", True, False,
        )  # fmt: skip
        assert not meter.has_temperature_sensor
        assert (meter.wavelength_min, meter.wavelength_max) == (800.0, 1700.0)
        meter.wavelength = 1550
        assert meter.wavelength == 1550.0
        began = time.monotonic()
        assert meter.power == pytest.approx(2e-4, rel=1e-2)
        assert time.monotonic() - began < 2.0
        meter.wavelength = 5000  # truncated
        assert meter.wavelength == 1700.0
    finally:
        meter.adapter.close()
