"""pyvisa-py's VXI-11 client against the simulated one, over the loopback, without a portmapper."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim_backends.host.vxi11 import client_connected
from tests.peers.message_host import ServedMeter, served_meter

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")


@pytest.fixture
def served() -> Iterator[ServedMeter]:
    """A meter on a VXI-11 port."""
    with served_meter(client_connected) as served:
        yield served


@pytest.fixture
def connect(served):
    """Opens sessions, and closes them."""
    manager = pyvisa.ResourceManager("@py")
    sessions = []

    def opened():
        session = manager.open_resource(f"TCPIP::127.0.0.1,{served.port}::inst0::INSTR")
        session.timeout = 5000
        sessions.append(session)
        return session

    yield opened
    for session in sessions:
        session.close()
    manager.close()


def test_query_write_and_read(connect, served) -> None:
    meter = connect()
    assert meter.query("*IDN?") == "MAKER,METER,7,1.0\n"
    meter.write("*ESE 4;:SHOT?")
    assert meter.read() == "0\n"
    meter.read_termination = "\n"
    assert [meter.query("*ESE?") for _ in range(20)] == ["4"] * 20
    assert meter.query("AFT? 0.1") == "late"
    assert meter.query("SYST:ERR?") == '0,"No error"'


def test_blocks_of_a_megabyte_both_ways(connect, served) -> None:
    meter = connect()
    values = np.arange(1 << 18, dtype="<u4")
    meter.write_binary_values("DATA ", values, datatype="I")
    assert served.meter.data == values.tobytes()
    read = meter.query_binary_values("DATA?", datatype="I", container=np.array)
    assert np.array_equal(read, values)
    assert meter.query("SYST:ERR?") == '0,"No error"\n'


def test_status_byte_trigger_and_clear(connect, served) -> None:
    meter = connect()
    assert meter.read_stb() == 0
    meter.write("*IDN?")
    assert meter.read_stb() == 16
    assert meter.read() == "MAKER,METER,7,1.0\n"
    assert meter.read_stb() == 0
    meter.assert_trigger()
    meter.assert_trigger()
    assert meter.query("SHOT?") == "2\n"
    meter.write("*IDN?")
    meter.clear()
    assert meter.read_stb() == 0
    served.faults.silence()
    for question in ("*IDN?", "AFT? 0.2"):
        meter.timeout = 50
        with pytest.raises(pyvisa.VisaIOError) as failure:
            meter.query(question)
        assert failure.value.error_code == pyvisa.constants.StatusCode.error_timeout
        meter.timeout = 5000
        meter.clear()
        assert meter.query("SHOT?") == "2\n"
        assert meter.query("SYST:ERR?") == '0,"No error"\n'


def test_a_stale_answer_is_not_taken(connect, served) -> None:
    meter = connect()
    meter.timeout = 50
    with pytest.raises(pyvisa.VisaIOError):
        meter.query("AFT? 0.2")
    meter.timeout = 5000
    assert meter.query("SHOT?") == "0\n"
    assert meter.query("SYST:ERR?") == '-410,"Query INTERRUPTED"\n'


def test_a_query_that_fails_and_what_comes_after(connect, served) -> None:
    meter = connect()
    meter.timeout = 50
    with pytest.raises(pyvisa.VisaIOError):
        meter.query("NO:SUCH?")
    meter.timeout = 5000
    # The query was none, so the read that followed it had nothing to wait for.
    assert meter.query("SYST:ERR?") == '-113,"Undefined header"\n'
    assert meter.query("SYST:ERR?") == '-420,"Query UNTERMINATED"\n'


def test_two_sessions_and_a_lock(connect, served) -> None:
    first, second = connect(), connect()
    first.write("*IDN?")
    assert second.query("SHOT?") == "0\n"
    assert first.read() == "MAKER,METER,7,1.0\n"
    first.lock_excl()
    with pytest.raises(pyvisa.VisaIOError):
        second.query("SHOT?")
    first.unlock()
    assert second.query("SHOT?") == "0\n"
