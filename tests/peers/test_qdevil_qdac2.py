"""pyvisa against the simulated QDAC-II, with the commands that other people's drivers send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(params=[0, 1], ids=["tcp", "serial"])
def visa(request: pytest.FixtureRequest, instrument_in_thread) -> Iterator[Any]:
    """A pyvisa session, set up as the maker's QCoDeS driver and pyHegel do."""
    pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    host = instrument_in_thread("qdevil_qdac2").host
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(
        host.addresses[request.param].resource, write_termination="\n", read_termination="\n"
    )
    session.baud_rate = 921600
    session.timeout = 2000
    yield session
    session.close()
    manager.close()


def test_as_the_makers_driver_speaks(visa) -> None:
    assert visa.query("*IDN?") == "QDevil, QDAC-II, 242, 13-1.57"
    assert visa.query("syst:err?") == '0, "No error"'
    assert visa.query("syst:err:all?") == '0, "No error"'
    assert len(visa.query("syst:comm:lan:mac?")) == 14
    visa.write("sour2:volt:mode fix")
    visa.write("sour2:volt 0.5")
    assert float(visa.query("sour2:volt?")) == pytest.approx(0.5, abs=1e-6)
    assert float(visa.query("sour2:volt:last?")) == 0.5
    for what, value in (("sour2:rang", "low"), ("sour2:filt", "med"), ("sens2:rang", "high")):
        visa.write(f"{what} {value}")
        assert visa.query(f"{what}?").lower() == value
    assert float(visa.query("sour2:rang:high:max?")) == 10.0
    visa.write("sens:nplc 2,(@1,2,3)")
    currents = [float(one) for one in visa.query("read? (@1,2,3)").split(",")]
    assert currents == pytest.approx([0.0, 5e-4, 0.0], abs=1e-5)
    assert float(visa.query("read2?")) == pytest.approx(5e-4, abs=1e-5)
    visa.write("abor")
    visa.write("sour2:all:abor")
    assert visa.query("syst:err:coun?") == "0"


def test_as_pyhegel_and_qkit_speak(visa) -> None:
    visa.write("SOURce:VOLTage 0.25,(@1:24)")
    levels = [float(one) for one in visa.query("SOURce:VOLTage:LAST? (@1:24)").split(",")]
    assert levels == [0.25] * 24
    assert visa.query("SOURce:RANGe:LOW:MINimum? (@1:24)").split(",") == ["-2"] * 24
    visa.write("SOURce3:VOLTage:SLEW inf")
    assert float(visa.query("SOURce3:VOLTage:SLEW?")) == float("inf")
    visa.write("sour:volt:slew 20, (@3,4)")
    assert visa.query("SOURce:VOLTage:SLEW? (@3:5)") == "20,20,inf"
    assert float(visa.query("SYSTem:TEMPerature? 1,3")) > 0.0
    assert visa.query("SOURce:RENHancement? (@1)") == "OFF"
    visa.write("SOURCE:VOLT:MODE fix,(@1:24)")
    assert int(visa.query("*STB?")) & 4 == 0
    visa.write("SOUR1:VOLT 11")
    assert int(visa.query("*STB?")) & 4 == 4
    assert visa.query("SYST:ERR:ALL?") == '-222, "Data out of range"'
    assert int(visa.query("*STB?")) & 4 == 0
