"""QCoDeS' drivers, and the maker's of the QDAC-II, against the simulated instruments, on TCP.

QCoDeS brings more than a hundred packages, so it is no dependency of the tests:
`docs/instruments/hosts.md` says how to run them.
"""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("qcodes", reason="the package qcodes is not installed")
pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def connect(instrument_in_thread) -> Iterator[Callable[..., Any]]:
    """Serves a model and connects a class of QCoDeS: `(model, class, **options)`."""
    made: list[Any] = []

    def to(model: str, driver: Any, **options: Any) -> Any:
        address = instrument_in_thread(model, **options).address(model)
        made.append(driver(f"peer{len(made)}", address=address, visalib="@py"))
        return made[-1]

    yield to
    for one in made:
        one.close()
    gc.collect()


def every(instrument: Any) -> Iterator[Any]:
    """All its parameters, those of its channels included."""
    yield from instrument.parameters.values()
    for part in instrument.submodules.values():
        if hasattr(part, "parameters"):
            yield from every(part)


def until(done: Callable[[], bool]) -> None:
    """Ask again and again, for 5 s at most."""
    last = time.monotonic() + 5.0
    while not done():
        assert time.monotonic() < last


def test_a_33622a_tells_and_takes_all_its_parameters(connect) -> None:
    from qcodes.instrument_drivers.Keysight import Keysight33622A

    awg = connect("keysight_33600a", Keysight33622A)
    names = set()
    for parameter in every(awg):
        if parameter.gettable and parameter.name not in ("IDN", "timeout"):
            value = parameter.get()
            if parameter.settable:
                parameter.set(value)
            assert awg.ask("SYST:ERR?").startswith("+0"), parameter.name
            names.add(parameter.name)
    assert names >= {"frequency", "frequency_mode", "amplitude", "burst_ncycles"}
    awg.ch1.frequency_mode("FIXED")
    assert awg.ch1.frequency_mode() == "FIX"
    awg.ch1.frequency_mode("SWEEP")
    assert awg.ask("SYST:ERR?").startswith("+0")
    assert awg.ask("SOUR1:SWE:STAT?") == "1"


def test_a_2450_measures_and_sweeps(connect) -> None:
    from qcodes.instrument_drivers.Keithley import Keithley2450

    smu = connect("keithley_2450", Keithley2450, load="heater", ohms=800.0)
    smu.reset()
    smu.source.function("voltage")
    smu.sense.function("current")
    smu.source.limit(0.02)
    smu.source.voltage(1.0)
    with smu.output_enabled.set_to(True):
        assert smu.sense.current() == pytest.approx(1.2465e-3, rel=1e-3)
        smu.source.sweep_setup(0, 1, 5)
        amperes = smu.sense.sweep()
        assert smu.source.sweep_axis() == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])
    assert amperes == pytest.approx(np.linspace(0, 1, 5) / 802, rel=3e-3, abs=1e-9)
    assert smu.ask("SYST:ERR?").startswith("0,")


@pytest.fixture
def qdac(connect) -> Any:
    """The maker's class."""
    package = pytest.importorskip(
        "qcodes_contrib_drivers.drivers.QDevil.QDAC2",
        reason="the package qcodes-contrib-drivers is not installed",
    )
    return connect("qdevil_qdac2", package.QDac2)


def test_the_makers_class_of_the_qdac_knows_all_that_it_finds(qdac) -> None:
    channel = qdac.channel(2)
    channel.dc_constant_V(0.5)
    channel.measurement_nplc(1)
    assert np.isclose(float(qdac.ask("read2?")), 5e-4, atol=1e-5)
    for parameter in channel.parameters.values():
        if parameter.gettable:
            parameter.get()
    for trigger in qdac.external_triggers:
        for parameter in trigger.parameters.values():
            if parameter.gettable:
                parameter.get()
    assert qdac.errors() == '0, "No error"'
    assert channel.dc_constant_V() == pytest.approx(0.5, abs=1e-6)


def test_the_makers_class_of_the_qdac_plays_a_list_with_triggers_and_markers(qdac) -> None:
    with qdac.allocate_trigger() as begins:
        played = qdac.channel(1).dc_list(voltages=[0.1, 0.2, 0.3], dwell_s=1e-3, repetitions=1)
        played.start_on(begins)
        marks = played.end_marker()
        meter = qdac.channel(4).measurement()
        meter.start_on(marks)
        qdac.connect_external_trigger(port=1, trigger=marks)
        qdac.trigger(begins)
        assert qdac.ask("*opc?") == "1"
        until(lambda: played.cycles_remaining() == 0)
        assert qdac.channel(1).dc_constant_V() == pytest.approx(0.3, abs=1e-6)
        until(lambda: meter.n_available() == 1)
        assert len(meter.available_A()) == 1
        meter.abort()
        played.start_once_on(begins)
        for starts in (True, False):
            qdac.trigger(begins)
            assert (played.cycles_remaining() == 1) is starts
            played.abort() if not starts else qdac.ask("*opc?")
    assert qdac.errors() == '0, "No error"'


def test_the_makers_class_of_the_qdac_sweeps_and_reads_currents(qdac) -> None:
    sweep = qdac.channel(5).dc_sweep(start_V=0.0, stop_V=1.0, points=11, dwell_s=1e-4)
    assert sweep.points() == 11
    assert sweep.time_s() == pytest.approx(1.1e-3)
    sweep.start()
    assert float(qdac.ask("*opc?")) == 1
    until(lambda: qdac.channel(5).dc_constant_V() > 0.999999)
    arrangement = qdac.arrange(contacts={"a": 1, "b": 5})
    arrangement.set_virtual_voltage("a", 0.2)
    currents = arrangement.currents_A(nplc=1, current_range="high")
    assert np.isclose(currents, [2e-4, 0.0], atol=1e-5).all()
    arrangement.close()
    assert qdac.errors() == '0, "No error"'
