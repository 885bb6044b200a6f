"""Debian's `lxi` tool against simulated instruments: its raw mode, one process a message."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest

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


@pytest.fixture
def scpi() -> Scpi:
    """`scpi(port, message)`: what lxi prints, without its line end."""

    def run(port: int, message: str, *, timeout: int = 5) -> str:
        assert LXI is not None
        command = [LXI, "scpi", "--address", "127.0.0.1", "--port", str(port), "--raw"]
        done = subprocess.run(
            [*command, "--timeout", str(timeout), message],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\r\n")

    return run


@pytest.mark.parametrize("model", TALKS)
def test_raw(model: str, instrument_in_thread, scpi: Scpi) -> None:
    served = instrument_in_thread(model)
    door = next(one for one in served.host.addresses if one.door.kind == "tcp")
    for message, answer in TALKS[model]:
        assert scpi(door.port, message) == answer, message
