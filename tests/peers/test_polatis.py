"""pyvisa against the simulated Polatis, with the commands that public clients send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def visa(instrument_in_thread) -> Iterator[Any]:
    """A pyvisa session."""
    pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    resource = instrument_in_thread("polatis", switching_time=0.005).address("polatis")
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(resource, write_termination="\r\n", read_termination="\n")
    session.timeout = 2000
    yield session
    session.close()
    manager.close()


def test_as_public_clients_speak(visa) -> None:
    maker, model, serial, firmware = visa.query("*idn?").rstrip().split(",")
    assert (maker, serial, firmware) == ("Polatis", "002414", "6.5.2.18")
    assert "-16x16-" in model
    visa.write(":oxc:swit:conn:only (@1,2),(@17,18);")
    visa.write("oxc:swit:conn:add (@3), (@20)")
    visa.read_termination = "\r\n"
    assert visa.query(":oxc:swit:conn:stat?") == "(@1,2,3),(@17,18,20)"
    assert visa.query(":oxc:swit:conn:port? 2") == '"18"'
    assert visa.query("*CLS;:OXC:SWITch:CONNect:PORT? 2;*OPC?") == '"18";1'
    assert visa.query(":oxc:swit:conn:only (@4,5),(@19,18); stat?") == "(@4,5),(@19,18)"
    visa.write(":oxc:swit:conn:sub (@4),(@19)")
    visa.write(":oxc:swit:port:dis (@2,4,6)")
    assert visa.query(":oxc:swit:port:stat? (@2,3)") == "(D,E)"
    visa.write("*RST;")
    assert visa.query(":oxc:swit:conn:stat?") == "(@),(@)"
    pairs = (one.split("=") for one in visa.query(":syst:comm:netw:addr?").split())
    assert {key: value.strip('"') for key, value in pairs}["IP"] == "192.168.1.1"
    assert visa.query(":syst:err:all?") == '0,"No error"'
