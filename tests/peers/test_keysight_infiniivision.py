"""Other people's clients of InfiniiVision oscilloscopes against the simulated ones."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import Served
from sim_backends.instrument import Placement
from tests.peers.conftest import ServedBench

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:UserWarning:pyvisa_py"),
    pytest.mark.filterwarnings("ignore:It is not known whether:FutureWarning"),
]
MODEL = "keysight_infiniivision"
OK = '+0,"No error"'
SINE = {"amplitude": 1.0, "frequency": 1000.0, "decay": 1.0, "period": 0.02}


@pytest.fixture
def visa():
    """A resource manager of pyvisa-py."""
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


@pytest.mark.parametrize("port", [5025, 4880])
def test_pyvisa_reads_waveforms(instrument_in_thread, visa, port: int) -> None:
    served = instrument_in_thread(MODEL, **SINE)
    resource = served.host.address(MODEL, port).resource
    scope = visa.open_resource(resource, read_termination="\n", write_termination="\n")
    scope.timeout = 5000
    try:
        assert scope.query("*IDN?").startswith("KEYSIGHT TECHNOLOGIES,DSOX1102G,")
        scope.write(":CHAN1:SCAL 0.5;:TIM:RANG 2e-3;:TRIG:SOUR EXT;LEV 1")
        scope.write(":WAV:SOUR CHAN1;:WAV:POIN:MODE RAW;:WAV:POIN 1000")
        scope.write(":DIGitize CHANnel1")
        assert scope.query("*OPC?") == "1"
        volts = {}
        for form, kind, order in (("BYTE", "B", "MSBF"), ("WORD", "H", "MSBF"),
                                  ("WORD", "H", "LSBF")):  # fmt: skip
            scope.write(f":WAV:FORM {form};BYT {order}")
            pre = [float(one) for one in scope.query(":WAV:PRE?").split(",")]
            codes = scope.query_binary_values(
                ":WAV:DATA?", datatype=kind, is_big_endian=order == "MSBF", container=np.array
            )
            assert codes.size == 1000
            volts[form, order] = (codes - pre[9]) * pre[7] + pre[8]
        times = np.arange(1000) * pre[4] + pre[5]
        later = times > 0
        wanted = np.sin(2 * np.pi * 1000 * times) * np.exp(-np.abs(times))
        for one in volts.values():
            assert np.abs(one - wanted)[later].max() < 0.06
        scope.write(":WAV:FORM ASC")
        text = scope.query(":WAV:DATA?")
        ascii_volts = np.array(text[10:].split(","), dtype=float)
        assert ascii_volts == pytest.approx(volts["WORD", "LSBF"], abs=1e-4)
        assert scope.query("SYST:ERR?") == OK
    finally:
        scope.close()


@pytest.fixture
def scope(instrument_in_thread):
    """The class of pymeasure, connected."""
    keysight = pytest.importorskip(
        "pymeasure.instruments.keysight", reason="the package pymeasure is not installed"
    )
    served = instrument_in_thread(MODEL, **SINE)
    made = keysight.KeysightDSOX1102G(
        served.address(MODEL),
        visa_library="@py", read_termination="\n", write_termination="\n",
    )  # fmt: skip
    yield made
    made.adapter.close()


def test_pymeasure_sets_and_reads_everything(scope) -> None:
    scope.factory_reset()
    for channel in (scope.ch1, scope.ch2):
        for name, value in {
            "bwlimit": True, "coupling": "ac", "display": True, "invert": True, "label": "BANK",
            "probe_attenuation": 10.0, "offset": 0.25, "range": 16.0, "scale": 0.5,
        }.items():  # fmt: skip
            setattr(channel, name, value)
            assert scope.ask("SYST:ERR?").strip() == OK, name
            read = getattr(channel, name)
            assert (read.strip('"') if name == "label" else read) == value, name
        assert channel.range == pytest.approx(4.0)
        told = channel.current_configuration
        assert told["CHAN"] == channel.number
        assert (told["COUP"], told["DISP"], told["PROB"], told["RANG"]) == ("AC", True, 10.0, 4.0)
        channel.setup(coupling="dc", invert=False, bwlimit=False, probe_attenuation=1.0, scale=0.2)
    for name, value in {
        "timebase_mode": "main", "timebase_offset": 1e-3, "timebase_range": 2e-3,
        "timebase_scale": 1e-4, "acquisition_type": "hresolution", "acquisition_mode": "realtime",
        "waveform_points_mode": "raw", "waveform_source": "channel2", "waveform_format": "word",
    }.items():  # fmt: skip
        setattr(scope, name, value)
        assert scope.ask("SYST:ERR?").strip() == OK, name
        assert getattr(scope, name) == value, name
    assert scope.timebase["MAIN:RANG"] == pytest.approx(1e-3)
    scope.timebase_setup(mode="main", offset=0.0, horizontal_range=2e-3)
    scope.run()
    scope.single()
    scope.stop()
    scope.autoscale()
    scope.default_setup()
    scope.clear_status()
    assert scope.ask("SYST:ERR?").strip() == OK


def test_pymeasure_downloads(scope) -> None:
    scope.ch1.scale = 0.5
    scope.timebase_setup(offset=0.0, horizontal_range=2e-3)
    scope.write(":TRIG:SOUR EXT;LEV 1")
    scope.digitize("channel1")
    scope.waveform_format = "ascii"
    volts, preamble = scope.download_data("channel1", points=1000)
    assert preamble["points"] == 1000
    assert preamble["type"] == "NORMAL"
    times = np.arange(1000) * preamble["xincrement"] + preamble["xorigin"]
    wanted = np.sin(2 * np.pi * 1000 * times) * np.exp(-np.abs(times))
    assert np.abs(volts - wanted)[times > 0].max() < 0.06
    assert bytes(scope.download_image("png", "color")).startswith(b"\x89PNG")
    assert scope.ask("SYST:ERR?").strip() == OK


@pytest.fixture
def four_inputs():
    """A model with four inputs."""

    def make():
        place = Placement(BenchClock(), identity={"model": "DSO-X 2024A"}, options=SINE)
        return [Served(MODEL, build(MODEL, place).doors)]

    served = ServedBench(make)
    yield served
    served.close()


def test_keyoscacquire_gets_traces(four_inputs, monkeypatch) -> None:
    """Andreas Svela's package; it plots, and pyplot need not be there for that."""
    if "matplotlib" not in sys.modules:
        plots, pyplot = ModuleType("matplotlib"), ModuleType("matplotlib.pyplot")
        plots.pyplot = pyplot  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "matplotlib", plots)
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", pyplot)
    acquire = pytest.importorskip(
        "keyoscacquire.oscilloscope", reason="the package keyoscacquire is not installed"
    )
    manager = pyvisa.ResourceManager("@py")
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda: manager)
    try:
        scope = acquire.Oscilloscope(four_inputs.address(MODEL), timeout=5000, verbose=False)
        assert scope.active_channels == [1]
        scope.write(":TRIG:SOUR EXT;LEV 1;:TIM:RANG 2e-3;:CHAN1:SCAL 0.5;:CHAN2:SCAL 0.5")
        scope.active_channels = [1, 2]
        for form in ("WORD", "BYTE", "ASCii"):
            scope.set_acquiring_options(wav_format=form, acq_type="NORM", num_points=1000)
            times, volts, channels = scope.get_trace(channels=[1, 2])
            assert list(channels) == [1, 2]
            late = np.ravel(times) > 0
            sine = np.sin(2 * np.pi * 1000 * np.ravel(times))[late]
            assert np.abs(volts[late, 0] - sine).max() < 0.06
            assert np.abs(volts[late, 1] - sine / 2).max() < 0.06
        assert scope.is_running()
        assert not scope.get_full_error_queue(verbose=False)
        scope.close()
    finally:
        manager.close()
