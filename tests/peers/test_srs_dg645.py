"""Other people's clients against the simulated DG645: the maker's own srsinst.dg645, pyvisa, as
QCoDeS' driver uses it, and InstrumentKit's class where that is installed (its wheel asks for
packages that Python 3.11 has outgrown, so it is no dependency of the tests).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def resource(instrument_in_thread) -> str:
    """Where the simulated generator is found."""
    return instrument_in_thread("srs_dg645").address("srs_dg645")


@pytest.fixture
def visa(resource: str) -> Iterator[Any]:
    """A pyvisa session."""
    pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(resource, write_termination="\n", read_termination="\r\n")
    session.timeout = 2000
    yield session
    session.close()
    manager.close()


def test_pyvisa(visa) -> None:
    assert visa.query("*IDN?") == "Stanford Research Systems,DG645,s/n008011,ver1.19.118"
    visa.write("DLAY 3,2,10e-9")
    assert visa.query("DLAY?3") == "2,+0.000000010000"
    visa.write("LAMP 1,4.0")
    assert visa.query("LAMP? 1") == "+4.00"
    visa.write("TSRC 9")
    assert visa.query("LERR?") == "10"
    assert visa.query("LERR?") == "0"


def test_commands_as_the_epics_driver_spells_them(visa) -> None:
    for command in ("*CLS", "TLVL2.50", "TRAT10.000000", "TSRC1", "BURD1.000000e-03", "SPDL 2,1"):
        visa.write(command)
        assert visa.query("LERR?") == "0"
    assert float(visa.query("TLVL?")) == 2.5
    assert visa.query("IFCF?3") == "15"


def test_instrumentkit(resource: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kit = pytest.importorskip(
            "instruments", reason="the package instrumentkit is not installed"
        )
        import quantities
    _, host, port, _ = resource.split("::")
    generator = kit.srs.SRSDG645.open_tcpip(host, int(port))
    generator.trigger_rate = 250 * quantities.Hz
    assert float(generator.trigger_rate) == 250.0
    generator.trigger_source = generator.TriggerSource.single_shot
    assert generator.trigger_source is generator.TriggerSource.single_shot
    generator.channel["B"].delay = generator.channel["A"], quantities.Quantity(10, "ns")
    reference, delay = generator.channel["B"].delay
    assert reference is generator.Channels.A
    assert float(delay) == pytest.approx(1e-8)
    output = generator.output["AB"]
    output.level_amplitude = quantities.Quantity(4.0, "V")
    output.polarity = generator.LevelPolarity.negative
    assert float(output.level_amplitude) == 4.0
    assert output.polarity is generator.LevelPolarity.negative
    assert generator.query("LERR?") == "0"
    generator._file._conn.close()


@pytest.fixture
def makers(resource: str) -> Iterator[Any]:
    """The maker's class, connected."""
    package = pytest.importorskip(
        "srsinst.dg645", reason="the package srsinst.dg645 is not installed"
    )
    _, host, port, _ = resource.split("::")
    generator = package.DG645("tcpip", host, int(port))
    yield generator
    generator.disconnect()


def test_the_makers_class_knows_all_that_it_finds(makers) -> None:
    assert makers.check_id() == ("DG645", "s/n008011", "ver1.19.118")
    read: dict[str, Any] = {}
    for name in (
        "interface", "system", "status", "display", "trigger", "burst", "delays", "outputs",
        "network",
    ):  # fmt: skip
        component = getattr(makers, name)
        for command in component.dir["commands"]:
            value = getattr(component, command)
            read[command] = value if isinstance(value, bool | int | float | str) else None
    assert makers.status.drain_errors() == []
    assert (read["holdoff_step_size"], read["burst_count_step_size"]) == (1e-9, 1)
    assert read["power_on_status_clear"] is True
    assert makers.network.get_eth_phy(0) == 0
    assert makers.network.request_lock() == makers.network.release_lock() == 1


def test_the_makers_class_sets_and_steps(makers) -> None:
    trigger, burst = makers.trigger, makers.burst
    trigger.trigger_source = "internal"
    trigger.trigger_rate = 250.0
    trigger.holdoff = 1e-6
    trigger.holdoff_step_size = 1e-7
    trigger.step_holdoff(1)
    assert trigger.holdoff == pytest.approx(1.1e-6)
    trigger.trigger_level_step_size = 0.25
    trigger.step_trigger_level(0)
    assert trigger.trigger_level == 0.75
    burst.burst_count, burst.burst_count_step_size = 7, 2
    burst.step_burst_count(1)
    assert burst.burst_count == 9
    trigger.prescale_factor[1] = 4
    trigger.prescale_factor_step[1] = 3
    trigger.step_prescale_factor(1, 0)  # which makes it 1, the least
    assert trigger.prescale_factor[1] == 1
    makers.delays.delay["B"]["A"] = 1e-8
    assert str(makers.delays.delay["B"]) == "2,+0.000000010000"
    makers.outputs.amplitude["AB"] = 4.0
    assert makers.outputs.amplitude["AB"] == 4.0
    makers.display.display_on = False
    assert makers.display.display_on is False
    makers.status.instrument_status_enable = 1
    makers.status.serial_poll_enable = 1
    assert makers.status.serial_poll == 0x41  # a trigger has come
    assert makers.status.drain_errors() == []
    trigger.step_prescale_factor(1, 0)
    assert makers.status.drain_errors() == [10]
