"""The client pyvisa of a multiport power meter against the simulated one, on real links."""

from __future__ import annotations

import numpy as np
import pytest

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

MODEL = "keysight_n7744a"


@pytest.mark.parametrize("port", [5025, 4880])
def test_pyvisa_reads_blocks(instrument_in_thread, port: int) -> None:
    served = instrument_in_thread(MODEL, power_dbm=-20.0, noise=0.0, period=0.05)
    manager = pyvisa.ResourceManager("@py")
    resource = served.host.address(MODEL, port).resource
    meter = manager.open_resource(resource, read_termination="\n", write_termination="\n")
    meter.timeout = 5000
    try:
        # As laboratories' scripts for the N7744A and N7745C do it.
        assert meter.query("*IDN?").startswith("Agilent Technologies,N7745A,")
        for slot in (1, 2):
            for command in (
                "FUNC:STAT LOGG, STOP", "POW:WAV 1552.000 NM", "POW:ATIME 10 US", "CORR 0",
                "POW:REF:STATE OFF", "POW:RANGE:AUTO  0", "POW:RANGE  -10 DBM", "POW:UNIT  1",
            ):  # fmt: skip
                meter.write(f":SENSE{slot}:{command}")
            meter.write(f":TRIG{slot}:OUTP DIS")
            meter.write(f":TRIG{slot}:INP  CME")
            meter.write(f":SENSE{slot}:FUNC:PAR:LOGG 5000, 10 US")
            meter.write(f":SENSE{slot}:FUNC:STAT LOGG, START")
            assert meter.query(f":SENSE{slot}:FUNC:STAT?").startswith("LOGGING_STABILITY,")
        for slot in (1, 2):
            values = meter.query_binary_values(
                f"SENS{slot}:CHAN1:FUNC:RES?", "f", is_big_endian=False, container=np.array
            )
            assert values.shape == (5000,)
            assert values == pytest.approx(np.full(5000, 1e-5), rel=1e-3)
            assert meter.query(f":SENSE{slot}:FUNC:STAT?") == "LOGGING_STABILITY,COMPLETE"
        everything = meter.query_binary_values("FETC:POW:ALL?", "f", is_big_endian=False)
        assert everything == pytest.approx([1e-5, 1e-5, *[-20.0] * 6], rel=1e-3)
        assert meter.query("SYST:ERR?") == '+0,"No error"'
    finally:
        meter.close()
        manager.close()
