"""pyvisa-py's HiSLIP client against the simulated one, over the loopback."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim_backends.host.hislip import client_connected
from tests.peers.message_host import ServedMeter, served_meter

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")


@pytest.fixture
def served() -> Iterator[ServedMeter]:
    """A meter on a HiSLIP port."""
    with served_meter(client_connected) as served:
        yield served


@pytest.fixture
def visa():
    """A resource manager of pyvisa-py."""
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


@pytest.fixture
def connect(visa, served):
    """Opens sessions, and closes them."""
    sessions = []

    def opened():
        session = visa.open_resource(f"TCPIP::127.0.0.1::hislip0,{served.port}::INSTR")
        session.timeout = 5000
        sessions.append(session)
        return session

    yield opened
    for session in sessions:
        session.close()


def test_query_write_and_read(connect, served) -> None:
    meter = connect()
    assert meter.query("*IDN?") == "MAKER,METER,7,1.0\n"
    meter.write("*ESE 4;:SHOT?")
    assert meter.read() == "0\n"
    assert [meter.query("*ESE?") for _ in range(20)] == ["4\n"] * 20
    assert meter.query("SYST:ERR?") == '0,"No error"\n'


def test_blocks_of_a_megabyte_both_ways(connect, served) -> None:
    meter = connect()
    values = np.arange(1 << 18, dtype="<u4")
    meter.write_binary_values("DATA ", values, datatype="I")
    assert meter.query("*OPC?") == "1\n"
    assert served.meter.data == values.tobytes()
    read = meter.query_binary_values("DATA?", datatype="I", container=np.array)
    assert np.array_equal(read, values)
    meter.set_visa_attribute(pyvisa.constants.ResourceAttribute.tcpip_hislip_max_message_kb, 64)
    read = meter.query_binary_values("DATA?", datatype="I", container=np.array)
    assert np.array_equal(read, values)
    assert meter.query("SYST:ERR?") == '0,"No error"\n'


def test_the_status_byte(connect, served) -> None:
    meter = connect()
    assert meter.read_stb() == 0
    meter.write("*IDN?")
    while not meter.read_stb() & 16:  # written on another connection: it may be a little later
        pass
    assert meter.read() == "MAKER,METER,7,1.0\n"
    assert meter.read_stb() == 0
    meter.write("NONSENSE")
    while not meter.read_stb() & 4:
        pass
    assert meter.query("SYST:ERR?") == '-113,"Undefined header"\n'


def test_a_stale_answer_is_not_taken(connect, served) -> None:
    meter = connect()
    meter.timeout = 50
    with pytest.raises(pyvisa.VisaIOError):
        meter.query("AFT? 0.2")
    meter.timeout = 5000
    # The answer comes while this waits behind it, and is interrupted by it.
    assert meter.query("SHOT?") == "0\n"
    assert meter.query("SYST:ERR?") == '-410,"Query INTERRUPTED"\n'
    served.faults.late(0.2)
    meter.timeout = 50
    with pytest.raises(pyvisa.VisaIOError):
        meter.query("*IDN?")
    meter.timeout = 5000
    assert meter.query("SHOT?") == "0\n"


def test_clear_after_an_answer_that_never_came(connect, served) -> None:
    meter = connect()
    assert meter.query("*IDN?") == "MAKER,METER,7,1.0\n"
    meter.timeout = 50
    served.faults.silence()
    for question in ("*IDN?", "AFT? 0.2"):
        with pytest.raises(pyvisa.VisaIOError):
            meter.query(question)
        meter.timeout = 5000
        meter.clear()
        assert meter.query("SHOT?") == "0\n"
        assert meter.query("SYST:ERR?") == '0,"No error"\n'
        meter.timeout = 50


def test_a_query_that_fails_and_what_comes_after(connect, served) -> None:
    meter = connect()
    meter.timeout = 50
    with pytest.raises(pyvisa.VisaIOError) as failure:
        meter.query("NO:SUCH?")
    assert failure.value.error_code == pyvisa.constants.StatusCode.error_timeout
    meter.timeout = 5000
    assert meter.query("SYST:ERR?") == '-113,"Undefined header"\n'


def test_triggers(visa, connect, served) -> None:
    meter = connect()
    # viAssertTrigger is missing from pyvisa-py's HiSLIP sessions; its protocol class has it.
    interface = visa.visalib.sessions[meter.session].interface
    interface.trigger()
    interface.trigger()
    assert meter.query("SHOT?") == "2\n"


def test_two_sessions_at_once(visa, connect, served) -> None:
    first, second = connect(), connect()
    first.write("*IDN?")
    assert second.query("SHOT?") == "0\n"
    assert first.read() == "MAKER,METER,7,1.0\n"
    # The lock is asked for below pyvisa, which knows none for HiSLIP.
    interfaces = [visa.visalib.sessions[one.session].interface for one in (first, second)]
    assert interfaces[0].async_lock_request(0.0) == "success"
    assert interfaces[1].async_lock_request(0.01) == "failure"
    assert interfaces[1].async_lock_info() == 1
    second.write("SHOT?")
    assert first.query("SHOT?") == "0\n"
    assert interfaces[0].async_lock_release() == "success"
    assert second.read() == "0\n"
    interfaces[0].async_remote_local_control("enableAndGotoRemote")
