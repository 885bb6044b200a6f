"""pymeasure's clients against the simulated 2450, over TCP and HiSLIP, in both languages."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

pymeasure = pytest.importorskip("pymeasure", reason="the package pymeasure is not installed")
pyvisa = pytest.importorskip("pyvisa", reason="the package pyvisa is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

from pymeasure.adapters import VISAAdapter  # noqa: E402
from pymeasure.instruments.keithley import Keithley2400, Keithley2450  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pyvisa_py")
PORTS = {"tcp": 5025, "message": 4880}


@pytest.fixture
def adapter(instrument_in_thread):
    """`open(door, **options)`: an adapter to one joined to a heater of 800 ohm."""
    opened = []

    def connect(door: str = "tcp", **options) -> VISAAdapter:
        served = instrument_in_thread("keithley_2450", load="heater", ohms=800.0, **options)
        resource = served.host.address("keithley_2450", PORTS[door]).resource
        opened.append(
            VISAAdapter(
                resource,
                visa_library="@py",
                read_termination="\n",
                write_termination="\n",
                timeout=3000,
            )
        )
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.mark.parametrize("door", PORTS)
def test_source_and_measure(adapter, door: str) -> None:
    smu = Keithley2450(adapter(door))
    assert smu.id == "KEITHLEY INSTRUMENTS,MODEL 2450,04488850,1.7.3c"
    smu.reset()
    smu.apply_voltage(compliance_current=20e-3)
    smu.measure_current(nplc=0.01)
    smu.source_voltage_delay = 0
    smu.enable_source()
    assert smu.source_enabled
    smu.ramp_to_voltage(2.0, steps=3, pause=0)
    assert smu.current == pytest.approx(2.475e-3, rel=3e-3)
    smu.compliance_current = 1e-3
    assert smu.current == pytest.approx(1e-3, rel=3e-3)
    smu.apply_current(compliance_voltage=5.0)
    assert not smu.source_enabled
    smu.measure_voltage(nplc=0.01)
    smu.enable_source()
    smu.source_current = 1e-3
    assert smu.voltage == pytest.approx(0.8, rel=5e-3)
    smu.measure_resistance(nplc=0.01)
    assert smu.resistance == pytest.approx(801.0, rel=5e-3)
    smu.use_rear_terminals()
    smu.disable_source()
    assert smu.check_errors() == []


def test_all_of_its_settings_are_known(adapter) -> None:
    smu = Keithley2450(adapter())
    smu.reset()
    smu.measure_current(nplc=0.01)
    smu.enable_source()
    skipped = {"error", "next_error"}
    skipped |= {
        name for name in vars(Keithley2450) if name.startswith(("mean", "max", "min", "st"))
    }
    known = 0
    for name, kind in vars(Keithley2450).items():
        if not isinstance(kind, property) or name in skipped:
            continue
        value = getattr(smu, name)
        # a filter's state is told as a number, and set by a word
        if kind.fset is not None and name != "current_filter_state":
            with contextlib.suppress(LookupError):  # pymeasure's, for what can only be read
                setattr(smu, name, value)
                assert getattr(smu, name) == value, name
        known += 1
    assert smu.check_errors() == []
    assert known > 25


def test_the_vendors_way_of_a_sweep(adapter) -> None:
    """The messages of the maker's socket examples, with binary data."""
    link = adapter()
    for text in (
        "*RST", ":SOUR:FUNC VOLT", ":SOUR:VOLT:RANG 20", ":SOUR:VOLT:ILIM 0.1",
        ':SENS:FUNC "CURR"', ":SENS:CURR:RANG:AUTO ON", ":SENS:CURR:NPLC 0.01",
        ':SOUR:SWE:VOLT:LIN:STEP -1, 1, 0.5, 0, 1, FIXED, OFF, ON, "defbuffer1"', ":INIT", "*WAI",
    ):  # fmt: skip
        link.write(text)
    link.write(':TRAC:DATA? 1,10,"defbuffer1",SOUR,READ,REL')
    table = np.array(link.read().split(","), dtype=float).reshape(10, 3)
    steps = [-1, -0.5, 0, 0.5, 1]
    assert table[:, 0] == pytest.approx([*steps, *steps[::-1]], abs=5e-3)
    assert table[:, 1] == pytest.approx(table[:, 0] / 800, rel=2e-2, abs=1e-6)
    link.write(":FORM:DATA REAL;:FORM:BORD SWAP")
    link.write(':TRAC:DATA? 1,10,"defbuffer1",SOUR')
    raw = link.read_bytes(2 + 80 + 1)
    assert raw[:2] == b"#0"
    assert np.frombuffer(raw[2:-1], dtype="<f8") == pytest.approx(table[:, 0], abs=1e-5)
    link.write(":OUTP?;:TRIG:STAT?;:SYST:ERR?")
    assert link.read() == '0;IDLE;IDLE;11;0,"No error;0;0 0"'


def test_as_a_2400(adapter) -> None:
    smu = Keithley2400(adapter(language="SCPI2400"))
    assert "MODEL 2450" in smu.id
    assert smu.ask("*LANG?").strip() == "SCPI2400"
    smu.reset()
    smu.current_nplc = 0.01
    smu.compliance_current = 20e-3
    smu.source_voltage = 1.0
    smu.enable_source()
    assert smu.current == pytest.approx(1.0 / 802, rel=5e-3)
    assert smu.check_errors() == []
