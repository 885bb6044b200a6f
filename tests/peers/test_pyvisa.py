"""pyvisa with its Python backend against the simulated instruments, on real links."""

from __future__ import annotations

import numpy as np
import pytest

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")


@pytest.fixture
def visa():
    """A resource manager of pyvisa-py."""
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


def test_a_box_over_tcp(bench_in_thread, visa) -> None:
    box = visa.open_resource(
        bench_in_thread.address("box-0"), read_termination="\r\n", write_termination="\r\n"
    )
    box.timeout = 2000
    try:
        assert box.query("*IDN?").startswith("REDPITAYA,")
        box.write("ACQ:RST;:ACQ:DEC 64;:ACQ:DATA:FORMAT BIN;:ACQ:TRig:DLY -8000")
        box.write("ACQ:START;:ACQ:TRig NOW")
        while box.query("ACQ:TRig:FILL?") != "1":
            pass
        values = box.query_binary_values(
            "ACQ:SOUR1:DATA:LATest:N? 100", datatype="f", is_big_endian=True, container=np.array
        )
        assert values.shape == (100,)
        assert np.abs(values).max() < 0.5
        assert box.query("SYST:ERR?") == '0,"No error"'
        box.timeout = 200
        with pytest.raises(pyvisa.VisaIOError):
            box.query("NO:SUCH?")
        box.timeout = 2000
        assert box.query("SYST:ERR?") == '-113,"Undefined header"'
    finally:
        box.close()


def test_heaters_over_a_serial_port(bench_in_thread, visa) -> None:
    chain = visa.open_resource(
        bench_in_thread.address("heaters-1"),
        baud_rate=115200,
        read_termination="\n",
        write_termination="\n",
    )
    chain.timeout = 2000
    try:
        assert chain.query("id?") == "Q8iv-0002"
        assert chain.query("V0=1.5") == "OK"
        assert float(chain.query("V0?").split()[0]) == pytest.approx(1.5, abs=0.06)
        assert chain.query("V0=99") == "E11:03"
        assert chain.query("V0=0") == "OK"
    finally:
        chain.close()
