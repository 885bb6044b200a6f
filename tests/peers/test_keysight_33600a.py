"""Other people's clients of the 33500B/33600A against the simulated ones, on real links."""

from __future__ import annotations

import numpy as np
import pytest

pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

MODEL = "keysight_33600a"
OK = '+0,"No error"'


@pytest.fixture
def visa():
    """A resource manager of pyvisa-py."""
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


@pytest.mark.parametrize("port", [5025, 4880])
def test_pyvisa_writes_blocks(instrument_in_thread, visa, port: int) -> None:
    served = instrument_in_thread(MODEL)
    resource = served.host.address(MODEL, port).resource
    awg = visa.open_resource(resource, read_termination="\n", write_termination="\n")
    awg.timeout = 5000
    try:
        assert awg.query("*IDN?").startswith("Keysight Technologies,33622A,")
        words = np.random.default_rng(1).integers(-32767, 32768, 20_000)
        for order, big in (("SWAP", False), ("NORM", True)):
            awg.write(f"FORM:BORD {order}")
            awg.write("SOUR1:DATA:VOL:CLE")
            awg.write_binary_values("SOUR1:DATA:ARB:DAC seg,", words, "h", is_big_endian=big)
            assert awg.query("*OPC?") == "1"
            assert awg.query("SYST:ERR?") == OK
            assert awg.query("DATA:VOL:CAT?") == '"INT:\\BUILTIN\\EXP_RISE.ARB","seg"'
            ends = float(awg.query("DATA:ATTR:PTP? seg"))
            assert ends == pytest.approx(np.ptp(words) / 32767)
        awg.write("FUNC:ARB seg")
        awg.write("FUNC ARB;:FUNC:ARB:SRAT 1e6;:OUTP1 ON")
        assert awg.query_ascii_values("FUNC:ARB:SRAT?") == [1e6]
        awg.write_binary_values("SOUR1:DATA:ARB:DAC seg,", words, "h")
        assert awg.query("SYST:ERR?") == '+786,"Specified arb waveform already exists"'
    finally:
        awg.close()


@pytest.fixture
def generator(instrument_in_thread):
    """The class of pymeasure, connected."""
    agilent = pytest.importorskip(
        "pymeasure.instruments.agilent", reason="the package pymeasure is not installed"
    )
    served = instrument_in_thread(MODEL)
    made = agilent.Agilent33500(
        served.address(MODEL),
        visa_library="@py", read_termination="\n", write_termination="\n", timeout=5000,
    )  # fmt: skip
    yield made
    made.adapter.close()


def test_pymeasure_sets_and_reads_everything(generator) -> None:
    values = {
        "shape": "SQU", "frequency": 2500.0, "amplitude_unit": "VRMS", "amplitude": 0.5,
        "offset": 0.25, "phase": 30.0, "square_dutycycle": 25.0, "ramp_symmetry": 40.0,
        "pulse_width": 2e-5, "pulse_transition": 2e-8, "pulse_hold": "WIDT", "pulse_period": 1e-3,
        "burst_period": 0.2, "burst_ncycles": 7, "burst_mode": "TRIG", "arb_advance": "SRAT",
        "arb_filter": "STEP", "arb_srate": 5e5, "output": True, "burst_state": True,
    }  # fmt: skip
    for target in (generator, generator.ch_1, generator.ch_2):
        target.output_load = 50
        for name, value in values.items():
            setattr(target, name, value)
            assert generator.ask("SYST:ERR?").strip() == OK, name
            assert getattr(target, name) == value, name
        target.amplitude_unit = "VPP"
        target.voltage_low = -1.0
        target.voltage_high = 2.0
        assert (target.amplitude, target.offset) == (3.0, 0.5)
        target.output_load = "INF"
        assert target.output_load > 9e37
        assert target.amplitude == 6.0
    generator.trigger_source = "BUS"
    generator.trigger()
    generator.wait_for_trigger(timeout=2)
    generator.beep()
    generator.display = "hello"
    generator.clear_display()
    generator.ext_trig_out = True
    assert generator.ext_trig_out is True
    assert generator.ask("SYST:ERR?").strip() == OK


def test_pymeasure_uploads_and_plays(generator) -> None:
    generator.clear()
    generator.ch_1.data_volatile_clear()
    generator.ch_1.data_arb("test", np.linspace(-1, 1, 100), data_format="float")
    generator.ch_2.data_arb("words", list(range(-50, 50)), data_format="DAC")
    generator.ch_1.arb_file = "test"
    generator.ch_2.arb_file = "words"
    for channel in (generator.ch_1, generator.ch_2):
        channel.shape = "ARB"
        channel.arb_srate = 1e6
        channel.output = True
    assert generator.ch_1.arb_file == '"test"'
    assert generator.ch_2.frequency == pytest.approx(1e4)
    generator.phase_sync()
    assert generator.ask("SYST:ERR?").strip() == OK
