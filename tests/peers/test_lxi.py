"""Debian's `lxi` tool against simulated instruments: raw, and over VXI-11; a process a message.

It finds VXI-11 by the portmapper alone, so that half is skipped where port 111 may not be opened.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable

import pytest

from sim_backends.catalogue import build
from sim_backends.host import vxi11
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Placement
from tests.peers.message_host import served_meter
from tests.peers.portmapper import portmapper

LXI = shutil.which("lxi")
pytestmark = pytest.mark.skipif(LXI is None, reason="the tool lxi (Debian's lxi-tools) is missing")

Scpi = Callable[..., str]
TALKS: dict[str, list[tuple[str, str]]] = {
    "qdevil_qdac2": [
        ("*IDN?", "QDevil, QDAC-II, 242, 13-1.57"),
        ("sour3:volt 0.5", ""),
        ("SOURce:VOLTage:LAST? (@2:4)", "0,0.5,0"),
        ("SOUR1:VOLT 11", ""),
        ("SYST:ERR:ALL?", '-222, "Data out of range"'),
    ],
    "polatis": [
        ("*idn?", "Polatis,I-OST-16x16-LU1-DMHNS,002414,6.5.2.18"),
        (":oxc:swit:conn:only (@1,2),(@17,18)", ""),
        (":oxc:swit:conn:stat?", "(@1,2),(@17,18)"),
        (":oxc:swit:conn:port? 2", '"18"'),
    ],
    "srs_dg645": [
        ("*IDN?", "Stanford Research Systems,DG645,s/n008011,ver1.19.118"),
        ("DLAY 3,2,10e-9", ""),
        ("DLAY?3", "2,+0.000000010000"),
        ("LERR?", "0"),
    ],
    "keithley_2450": [
        ("*IDN?", "KEITHLEY INSTRUMENTS,MODEL 2450,04488850,1.7.3c"),
        (":SOUR:VOLT 0.25", ""),
        (":SOUR:VOLT?", "2.500000E-01"),
        (":SYST:ERR?", '0,"No error;0;0 0"'),
    ],
    "keysight_33600a": [
        (":SYST:VERS?", "1999.0"),
        ("SOUR1:FREQ 2.5 kHz", ""),
        ("SOUR1:FREQ?", "+2.500000000000000E+03"),
    ],
}
"""By model: what is said, and what is answered."""


MESSAGES: dict[str, list[tuple[str, str]]] = {
    "thorlabs_pm100": [
        ("*IDN?", "Thorlabs,PM100D,P0012345,2.7.0"),
        ("SENS:CORR:WAV 1310", ""),
        ("SENS:CORR:WAV?", "1.310000E+03"),
        ("SYST:ERR?", '+0,"No error"'),
    ],
    "keithley_2450": TALKS["keithley_2450"],
    "keithley_2400": [
        (":SOUR:VOLT 0.25", ""),
        (":SOUR:VOLT?", "2.500000E-01"),
        (":SYST:ERR?", '0,"No error"'),
    ],
}
"""The same of message-based doors."""


@pytest.fixture
def scpi() -> Scpi:
    """`scpi(message, *options)`: what lxi prints, without its line end."""

    def run(message: str, *options: str) -> str:
        assert LXI is not None
        command = [LXI, "scpi", "--address", "127.0.0.1", "--timeout", "5", *options, message]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\r\n")

    return run


@pytest.mark.parametrize("model", TALKS)
def test_raw(model: str, instrument_in_thread, scpi: Scpi) -> None:
    served = instrument_in_thread(model)
    door = next(one for one in served.host.addresses if one.door.kind == "tcp")
    for message, answer in TALKS[model]:
        assert scpi(message, "--raw", "--port", str(door.port)) == answer, message


@pytest.mark.parametrize("model", MESSAGES)
def test_vxi11(model: str, scpi: Scpi) -> None:
    def connected(_, timing, faults):
        """Made in the loop of the thread that serves it."""
        doors = build(model, Placement(BenchClock())).doors
        door = next(one for one in doors if one.kind == "message")
        return vxi11.client_connected(door.converse, timing, faults)  # type: ignore[arg-type]

    with served_meter(connected) as served, contextlib.ExitStack() as stack:
        try:
            stack.enter_context(portmapper(served.port))
        except OSError as error:
            pytest.skip(f"port 111, the portmapper's, cannot be opened: {error.strerror}")
        for message, answer in MESSAGES[model]:
            assert scpi(message) == answer, message
