"""Other people's clients of DS1000Z oscilloscopes against the simulated ones, on real links."""

from __future__ import annotations

import asyncio
import functools
import importlib

import numpy as np
import pytest

from sim_backends.catalogue import build
from sim_backends.faults import LinkFaults
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import Served
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp
from sim_backends.host.vxi11 import client_connected
from sim_backends.instrument import Placement
from tests.peers.conftest import ServedBench

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pyvisa_py")
MODEL = "rigol_ds1000z"
OK = '0,"No error"'
SINE = {"amplitude": 1.0, "frequency": 1000.0, "decay": 1.0, "period": 0.02}


def sine(times: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * 1000 * times)


@pytest.mark.parametrize("port", [5555, 4880])
def test_pyvisa_reads_waveforms(instrument_in_thread, port: int) -> None:
    """By Rigol's own procedure, with pyvisa's reading of blocks."""
    served = instrument_in_thread(MODEL, **SINE)
    manager = pyvisa.ResourceManager("@py")
    scope = manager.open_resource(
        served.host.address(MODEL, port).resource, read_termination="\n", write_termination="\n"
    )
    scope.timeout = 5000
    try:
        assert scope.query("*IDN?").startswith("RIGOL TECHNOLOGIES,DS1104Z-S Plus,")
        for command in (
            ":CHAN1:SCAL 0.5", ":TIM:MAIN:SCAL 5e-4", ":TRIG:EDG:SOUR CHAN4", ":TRIG:EDG:LEV 1",
            ":ACQ:MDEP 60000", ":SING",
        ):  # fmt: skip
            scope.write(command)
        for _ in range(2000):
            if scope.query(":TRIG:STAT?") == "STOP":
                break
        else:
            raise AssertionError("it never stops")
        scope.write(":WAV:SOUR CHAN1")
        scope.write(":WAV:MODE RAW")
        for form, kind in (("BYTE", "B"), ("WORD", "H")):
            scope.write(f":WAV:FORM {form}")
            pre = [float(one) for one in scope.query(":WAV:PRE?").split(",")]
            assert pre[2] == 60_000
            scope.write(":WAV:STAR 30001")
            scope.write(":WAV:STOP 60000")
            codes = scope.query_binary_values(":WAV:DATA?", datatype=kind, container=np.array)
            assert codes.size == 30_000
            volts = (codes.astype(float) - pre[8] - pre[9]) * pre[7]
            times = pre[5] + np.arange(30_000, 60_000) * pre[4]
            assert np.abs(volts - sine(times)).max() < 0.06
        scope.write(":WAV:FORM ASC")
        scope.write(":WAV:STOP 31000")
        text = scope.query(":WAV:DATA?")
        assert np.array(text[11:].split(","), dtype=float) == pytest.approx(volts[:1000])
        assert scope.query("SYST:ERR?") == OK
    finally:
        scope.close()
        manager.close()


class OverVxi11(ServedBench):
    """An oscilloscope on a VXI-11 port."""

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        place = Placement(BenchClock(), identity={"model": "DS1054Z"}, options=SINE)
        door = next(door for door in build(MODEL, place).doors if door.kind == "message")
        server = await serve_tcp(
            "127.0.0.1", 0, client_connected(door.converse, LinkTiming(), LinkFaults())
        )
        self.vxi11_port = port_of(server)
        self._ready.set()
        await self._stop.wait()
        server.close()


@pytest.fixture
def ds1054z(monkeypatch):
    """The class of the package ds1054z, connected over VXI-11, without a portmapper."""
    package = pytest.importorskip("ds1054z", reason="the package ds1054z is not installed")
    vxi11 = importlib.import_module("vxi11.vxi11")
    served = OverVxi11(list[Served])
    client = functools.partial(vxi11.CoreClient, port=served.vxi11_port)
    monkeypatch.setattr(vxi11, "CoreClient", client)
    scope = package.DS1054Z("127.0.0.1")
    yield scope
    scope.close()
    served.close()


def test_ds1054z_sets_and_reads(ds1054z) -> None:
    scope = ds1054z
    assert (scope.vendor, scope.product) == ("RIGOL TECHNOLOGIES", "DS1054Z")
    assert scope.running
    assert scope.displayed_channels == ["CHAN1"]
    scope.display_channel(2)
    scope.set_probe_ratio(1, 10)
    assert scope.get_probe_ratio(1) == 10.0
    scope.set_probe_ratio(1, 1)
    scope.set_channel_scale(1, 0.45, use_closest_match=True)
    assert scope.get_channel_scale(1) == 0.5
    scope.set_channel_offset(1, -0.5)
    assert scope.get_channel_offset(1) == -0.5
    scope.timebase_scale = 4.7e-4
    assert scope.timebase_scale == 5e-4
    scope.timebase_offset = 1e-3
    assert scope.timebase_offset == 1e-3
    scope.memory_depth = 30_000
    assert scope.memory_depth == "AUTO"  # two inputs: 6000, 60000, …
    scope.memory_depth = 60_000
    assert scope.memory_depth == 60_000
    scope.display_only_channel(1)
    assert scope.query(":TRIG:EDG:LEV?") == "0.000000e+00"
    assert scope.display_data.startswith(b"BM")


def test_ds1054z_gets_samples(ds1054z) -> None:
    scope = ds1054z
    scope.write(":TRIG:EDG:SOUR CHAN4")
    scope.write(":TRIG:EDG:LEV 1")
    scope.set_channel_scale(1, 0.5)
    scope.timebase_scale = 5e-4
    scope.memory_depth = 600_000
    scope.single()
    while scope.running:
        pass
    for mode, points in (("RAW", 600_000), ("NORM", 1200)):
        volts = np.array(scope.get_waveform_samples(1, mode=mode))
        assert volts.size == points
        times = np.array(scope.waveform_time_values)
        assert times.size == points
        late = times > 0
        assert np.abs(volts - sine(times))[late].max() < 0.06
    assert scope.memory_depth_internal_total == 600_000
    vpp = scope.get_channel_measurement(1, "vpp")
    assert vpp == pytest.approx(2.0, abs=0.1)


def test_labmcp_reads_screen_and_memory(instrument_in_thread) -> None:
    """The driver of the package labmcp-rigol-scope, over raw TCP."""
    driver = pytest.importorskip(
        "labmcp_rigol_scope.driver", reason="the package labmcp-rigol-scope is not installed"
    )
    labmcp = importlib.import_module("labmcp")
    served = instrument_in_thread(MODEL, **SINE)
    transport = labmcp.open_transport(f"tcp://127.0.0.1:{served.port(MODEL, 5555)}")
    try:
        scope = driver.RigolScope(transport)
        assert scope.identify()["model"] == "DS1104Z-S Plus"
        told = scope.set_channel(
            1, enabled=True, scale_v_per_div=0.5, offset_v=-0.5, coupling="DC", probe_ratio=1.0,
            bandwidth_limit_20mhz=True,
        )  # fmt: skip
        assert told["scale_v_per_div"] == 0.5
        assert told["offset_v"] == -0.5
        assert told["bandwidth_limit"] == "20M"
        assert scope.set_timebase(5e-4, 1e-3) == {"scale_s_per_div": 5e-4, "offset_s": 1e-3}
        trigger = scope.set_edge_trigger(4, 1.0, "rising", "normal")
        assert (trigger["source"], trigger["level_v"], trigger["sweep"]) == ("CHAN4", 1.0, "NORM")
        scope.send(":ACQuire:MDEPth 60000")
        assert scope.acquisition() == {"sample_rate_sa_s": 1e7, "memory_depth": 60_000}
        assert scope.single(wait_s=2.0) == "STOP"
        for mode, points in (("memory", 60_000), ("screen", 1200)):
            wave = scope.read_capture(1, scope.prepare_capture(1, mode), mode)
            volts = np.asarray(wave.volts)
            assert volts.size == points
            times = wave.preamble.xorigin + np.arange(points) * wave.preamble.xincrement
            late = times > 0
            assert np.abs(volts - sine(times))[late].max() < 0.06
        assert scope.measure(1, ["vpp"])["vpp"] == pytest.approx(2.0, abs=0.1)
        scope.force_trigger()
        scope.run()
        scope.stop()
    finally:
        transport.close()
