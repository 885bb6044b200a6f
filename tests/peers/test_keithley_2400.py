"""pymeasure's Keithley2400 against the simulated one, over a pseudo-terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest

pymeasure = pytest.importorskip("pymeasure", reason="the package pymeasure is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

from pymeasure.adapters import VISAAdapter  # noqa: E402
from pymeasure.instruments.keithley import Keithley2400  # noqa: E402


@pytest.fixture
def smu(instrument_in_thread) -> Iterator[Keithley2400]:
    """Its client, joined to a heater of 800 ohm."""
    served = instrument_in_thread("keithley_2400", load="heater", ohms=800.0)
    adapter = VISAAdapter(
        served.address("keithley_2400"), visa_library="@py", read_termination="\n",
        write_termination="\n", timeout=3000,
    )  # fmt: skip
    client = Keithley2400(adapter)
    client.reset()
    yield client
    adapter.close()


def quick(smu: Keithley2400) -> None:
    smu.current_nplc = 0.01
    smu.auto_zero_enabled = False
    smu.source_delay = 0


def test_source_and_measure(smu) -> None:
    assert smu.id.startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400,")
    quick(smu)
    smu.source_mode = "voltage"
    smu.compliance_current = 20e-3
    smu.source_voltage = 1.5
    smu.enable_source()
    found = smu.measure_all()
    assert found["voltage"] == pytest.approx(1.5, abs=3e-3)
    assert found["current"] == pytest.approx(1.5 / 804.6, rel=2e-3)
    assert found["resistance"] == pytest.approx(found["voltage"] / found["current"], rel=1e-5)
    assert found["status"] & 0x4008 == 0x4000
    assert smu.current == pytest.approx(found["current"], rel=1e-3)
    assert smu.voltage == pytest.approx(1.5, abs=3e-3)
    smu.compliance_current = 1e-3
    assert smu.current == pytest.approx(1e-3, rel=3e-3)
    assert smu.check_errors() == []
    smu.disable_source()
    assert not smu.source_enabled


def test_all_of_its_settings_are_known(smu) -> None:
    """Every property that it has is read, and every control is set to what was read."""
    quick(smu)
    smu.enable_source()
    unread = {
        name for name in vars(Keithley2400) if name.startswith(("mean_", "max_", "min_", "std_"))
    } | {"means", "maximums", "minimums", "standard_devs"}  # of a buffer, which is empty
    deprecated = {
        "auto_output_off", "auto_zero", "error", "filter_state", "filter_type",
        "line_frequency_auto", "source_delay_auto", "next_error",
    }  # fmt: skip
    known = 0
    for name, kind in vars(Keithley2400).items():
        if not isinstance(kind, property) or name in unread | deprecated:
            continue
        value = getattr(smu, name)
        if kind.fset is not None:
            with contextlib.suppress(LookupError):  # pymeasure's, for what can only be read
                setattr(smu, name, value)
                assert getattr(smu, name) == value, name
        known += 1
    assert smu.check_errors() == []
    assert known > 40


def test_the_buffer(smu) -> None:
    quick(smu)
    smu.source_voltage = 1.0
    smu.compliance_current = 20e-3
    smu.enable_source()
    smu.config_buffer(10)
    smu.start_buffer()
    smu.wait_for_buffer(timeout=10, interval=0.02)
    data = smu.buffer_data.reshape(10, 5)
    assert data[:, 0] == pytest.approx(1.0, abs=3e-3)
    assert np.all(np.diff(data[:, 3]) > 0)
    assert smu.mean_current == pytest.approx(data[:, 1].mean(), rel=1e-5)
    assert smu.max_voltage == data[:, 0].max()
    smu.disable_buffer()
    assert smu.check_errors() == []


def test_ramp_and_shutdown(smu) -> None:
    quick(smu)
    smu.source_mode = "current"
    smu.compliance_voltage = 5.0
    smu.enable_source()
    smu.ramp_to_current(1e-3, steps=3, pause=0)
    assert smu.voltage == pytest.approx(0.8, rel=5e-3)
    smu.trigger_on_bus()
    smu.start_buffer()
    smu.trigger()
    assert smu.complete == "1"
    smu.beep(440, 0.1)
    smu.ramp_to_current(0.0, steps=3, pause=0)
    smu.stop_buffer()
    smu.disable_source()
    assert not smu.source_enabled
    assert smu.check_errors() == []
