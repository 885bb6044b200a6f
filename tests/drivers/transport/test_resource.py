"""Resource strings: read, written back, refused with the forms that can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.transport.resource import (
    GpibResource,
    LanResource,
    ResourceError,
    SerialResource,
    SocketResource,
    UsbResource,
    network_host,
    parse,
    serial_device,
    tcp_address,
)


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("ASRL/dev/ttyUSB0::INSTR", SerialResource("/dev/ttyUSB0")),
        ("ASRL/dev/qontrol-0::INSTR", SerialResource("/dev/qontrol-0")),
        ("asrlCOM3::instr", SerialResource("COM3")),
        ("TCPIP::rp-0::5000::SOCKET", SocketResource("rp-0", 5000)),
        ("TCPIP0::192.168.1.7::5025::SOCKET", SocketResource("192.168.1.7", 5025)),
        ("TCPIP::[fe80::1]::5000::SOCKET", SocketResource("fe80::1", 5000)),
        ("TCPIP::pulsestreamer::INSTR", LanResource("pulsestreamer")),
        ("TCPIP::osa::inst0::INSTR", LanResource("osa", "inst0")),
        ("TCPIP0::host::hislip0,4881::INSTR", LanResource("host", "hislip0,4881")),
        ("USB0::0x1313::0x8078::P0012345::INSTR", UsbResource(0x1313, 0x8078, "P0012345")),
        ("USB::4883::32888::P1::1::INSTR", UsbResource(4883, 32888, "P1", 1)),
        ("GPIB0::24::INSTR", GpibResource(0, 24)),
        ("GPIB1::24::3::INSTR", GpibResource(1, 24, 3)),
    ],
)
def test_forms(text: str, resource: object) -> None:
    assert parse(text) == resource
    assert parse(str(resource)) == resource


@pytest.mark.parametrize(
    "text",
    ["", "rp-0", "TCPIP::rp-0", "TCPIP::rp-0::0::SOCKET", "TCPIP::rp-0::70000::SOCKET",
     "TCPIP::rp 0::5000::SOCKET", "ASRL::INSTR", "USB::0x12345::1::x::INSTR", "GPIB0::31::INSTR",
     "GPIB0::INSTR", "http://rp-0:5000"],
)  # fmt: skip
def test_refusals_name_the_string(text: str) -> None:
    with pytest.raises(ResourceError) as refused:
        parse(text)
    assert repr(text) in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        resource = parse(text)
    except ResourceError:
        return
    assert parse(str(resource)) == resource


def test_what_drivers_ask_for() -> None:
    assert serial_device("ASRL/dev/ttyUSB0::INSTR") == "/dev/ttyUSB0"
    assert tcp_address("TCPIP::rp-0::5001::SOCKET", 5000) == ("rp-0", 5001)
    assert tcp_address("TCPIP::rp-0::INSTR", 5000) == ("rp-0", 5000)
    assert network_host("TCPIP::pulsestreamer::INSTR") == "pulsestreamer"
    assert LanResource("h", "HiSLIP0").hislip
    for ask in (tcp_address, network_host):
        with pytest.raises(ResourceError, match="ASRL"):
            ask("ASRL/dev/ttyUSB0::INSTR")
    with pytest.raises(ResourceError, match="no serial port"):
        serial_device("TCPIP::rp-0::5000::SOCKET")
    with pytest.raises(ResourceError, match="no TCP port"):
        tcp_address("TCPIP::rp-0::INSTR")
