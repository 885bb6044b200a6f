"""Other people's drivers against the simulated fibre switches, or pyserial as they use it."""

from __future__ import annotations

import time

import pytest
import serial

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")


@pytest.fixture
def visa():
    """A resource manager of pyvisa-py."""
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


def test_osw12_as_qudi_uses_it(instrument_in_thread, visa) -> None:
    session = visa.open_resource(
        instrument_in_thread("thorlabs_osw12").address("thorlabs_osw12"),
        baud_rate=115200,
        write_termination="\n",
        read_termination="\r\n",
        timeout=2000,
    )
    assert session.query("S?") == "1"
    session.write("S 2")
    assert session.query("S?") == "1"  # the old state, which that driver discards
    assert session.query("S?") == "2"
    session.close()


def test_selfalign_as_its_only_public_driver_uses_it(instrument_in_thread, visa) -> None:
    session = visa.open_resource(
        instrument_in_thread("agiltron_selfalign").address("agiltron_selfalign"),
        baud_rate=9600,
        write_termination="\r\n",
        read_termination="\r\n",
        timeout=2000,
    )
    for way in (3, 16, 1):
        session.write_raw(b"\x01\x35\x00" + bytes([way - 1]))
        assert session.read_bytes(4) == b"\x01\x35\xff\xff"
    session.write_raw(b"\x01\x30\x00\x00\r\n")
    session.write_raw(b"\x01\x35\x00\x04")
    assert session.read_bytes(4) == b"\x01\x35\xff\xff"
    session.close()


def test_selfalign_by_its_package(instrument_in_thread) -> None:
    module = pytest.importorskip(
        "agiltron_selfalign", reason="the package agiltron-selfalign is not installed"
    )
    served = instrument_in_thread("agiltron_selfalign")
    path = served.address("agiltron_selfalign").removeprefix("ASRL").removesuffix("::INSTR")
    with module.AgiltronSelfAlign(path, number_of_ports=16) as switch:
        for way in (3, 16, 1):
            switch.set_fiber_port(way)
        switch.home()
        switch.set_fiber_port(5)
        with pytest.raises(ValueError, match="out of range"):
            switch.set_fiber_port(17)


@pytest.mark.parametrize("ways", [4, 8])
def test_ff_as_a_public_driver_of_it_and_scripts_use_it(instrument_in_thread, ways: int) -> None:
    served = instrument_in_thread("agiltron_ff", ways=ways)
    path = served.address("agiltron_ff").removeprefix("ASRL").removesuffix("::INSTR")
    with serial.Serial(path, 9600, timeout=2.0) as port:
        for way in (3, ways, 1):
            frame = bytes([0x01, 0x12, 0x00, way])
            port.write(frame)
            assert port.read(4) == frame
            port.write(b"\x01\x11\x00\x00")
            assert port.read(4)[-1] == way
        port.write(b"\x01\x12\x00\x02\x01\x12\x00\x04")  # as by scripts that do not read
        assert port.read(8) == b"\x01\x12\x00\x02\x01\x12\x00\x04"


def test_osw12_by_pyserial(instrument_in_thread) -> None:
    resource = instrument_in_thread("thorlabs_osw12").address("thorlabs_osw12")
    path = resource.removeprefix("ASRL").removesuffix("::INSTR")
    with serial.Serial(path, 115200, timeout=2.0) as port:
        port.write(b"S 2\n")
        states = []
        deadline = time.monotonic() + 5.0
        while states[-1:] != [b"2\r\n"] and time.monotonic() < deadline:
            port.write(b"S?\n")
            states.append(port.read_until(b"\r\n"))
        assert states == [b"1\r\n", b"2\r\n"]
