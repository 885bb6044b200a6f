"""Other people's clients against the simulated DG645: pyvisa, as QCoDeS' driver uses it, and
InstrumentKit's class where that is installed (its wheel asks for packages that Python 3.11 has
outgrown, so it is no dependency of the tests).
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
