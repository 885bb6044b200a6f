"""mecompyapi, a port of the vendor's client, against the simulated TEC-1091 on a serial port."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("PyCRC", reason="the package pythoncrc is not installed")


@pytest.fixture(scope="module")
def mecom() -> Iterator[Any]:
    """The client. It imports a driver of USB chips, whose library is not on every machine and which
    a serial port does not need.
    """
    with pytest.MonkeyPatch.context() as patch:
        stand_in = types.ModuleType("ftd2xx")
        stand_in.FTD2XX = stand_in.defines = None  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "ftd2xx", stand_in)
        yield pytest.importorskip(
            "mecompyapi.tec", reason="the package mecompyapi is not installed"
        )
        for name in [name for name in sys.modules if name.startswith("mecompyapi")]:
            patch.delitem(sys.modules, name)


@pytest.fixture
def client(mecom, instrument_in_thread) -> Iterator[Any]:
    """The client, connected."""
    served = instrument_in_thread("meerstetter_tec1091", address=7)
    resource = served.address("meerstetter_tec1091")
    made = mecom.MeerstetterTEC()
    made.connect_serial_port(resource.removeprefix("ASRL").removesuffix("::INSTR"))
    yield made
    made.tear()


def test_identity(client) -> None:
    assert client.address == 7
    assert client.get_device_type() == 1091
    assert client.get_serial_number() == 5021
    assert len(client.get_firmware_identification_string()) == 20


def test_settings_and_readings(client, mecom) -> None:
    client.set_temperature(31.25)
    assert client.get_setpoint_temperature() == 31.25
    client.set_coarse_temperature_ramp(0.25)
    assert client.get_coarse_temperature_ramp() == 0.25
    client.set_current_limitation(1.5)
    assert client.get_current_limitation() == 1.5
    client.set_proportional_gain(60.0)
    assert client.get_proportional_gain() == 60.0
    assert client.get_temperature() == pytest.approx(23.0, abs=0.1)
    assert client.get_sink_temperature() == pytest.approx(23.0, abs=0.1)
    assert client.get_tec_current() == pytest.approx(0.0, abs=0.01)
    assert client.get_device_status() is mecom.DeviceStatus.READY


def test_it_regulates(client, mecom) -> None:
    client.set_temperature(31.25)
    client.set_input_selection(mecom.ControlInputSelection.TEMPERATURE_CONTROLLER)
    client.enable()
    assert client.get_device_status() is mecom.DeviceStatus.RUN
    assert client.is_temperature_stable() is False
    client.disable()
    assert client.get_device_status() is mecom.DeviceStatus.READY


def test_an_unknown_parameter_is_no_value(client) -> None:
    """The client does not look for the code, but finds no number in the refusal."""
    with pytest.raises(Exception, match="Get INT32"):
        client.mecom_basic_cmd.get_int32_value(address=7, parameter_id=1234, instance=1)
