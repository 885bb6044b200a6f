"""The power budget against figures worked out by hand, its bounds, and when it warns."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hil.bench.file import BenchFile, load, parse
from hil.bench.optics import dbm
from hil.bench.power_budget import LEAST_SNR_DB, PowerBudget, power_budget
from hil.bench.writing import Start, starting_text

TEXT = starting_text(Start(2, 1, "tiny"))
#: Nothing is lost but for the two ways in which the light is split.
LOSSLESS: dict[str, Any] = {
    "fanout_loss_db": 0.0,
    "modulator_loss_db": 0.0,
    "facet_loss_db": 0.0,
    "cells_per_path": 0,
    "switch_loss_db": 0.0,
    "other_loss_db": 0.0,
    "lo_loss_db": 0.0,
}
#: The worked example: 1 GHz, 10 pA/sqrt(Hz), -150 dB/Hz, no dark current.
EXAMPLE: dict[str, Any] = {
    **LOSSLESS,
    "responsivity": 0.9,
    "bandwidth": 1.0e9,
    "dark_current": 0.0,
    "noise_current_density": 10e-12,
    "rin_db_per_hz": -150.0,
}


TINY = parse(TEXT, source="tiny")


def tiny(**optics: Any) -> BenchFile:
    """A bench of two ports whose [optics] has these numbers, the rest at defaults."""
    read = TINY.optics.model_validate({**TINY.optics.model_dump(), **optics})
    return TINY.model_copy(update={"optics": read})


def budget(**optics: Any) -> PowerBudget:
    """Its power budget."""
    return power_budget(tiny(**optics))


def test_the_worked_example_at_100_uw() -> None:
    # 400 uW, half of it to the signal, half of that to each of two ports.
    light = budget(**EXAMPLE, laser_power_dbm=dbm(400e-6))
    assert light.signal_power == pytest.approx(100e-6)
    read = light.intensity
    assert read.full_scale == read.peak == pytest.approx(90e-6)
    assert read.noise.shot * 1e9 == pytest.approx(170, abs=0.5)
    assert read.noise.thermal * 1e9 == pytest.approx(316, abs=0.5)
    assert read.noise.rin * 1e9 == pytest.approx(90, abs=0.05)
    assert read.noise.total * 1e9 == pytest.approx(370, abs=0.5)
    assert read.noise.largest == "thermal"
    assert read.snr_db == pytest.approx(47.7, abs=0.05)
    assert read.bits == pytest.approx(7.6, abs=0.05)


def test_the_worked_example_at_10_uw() -> None:
    # By hand: 53.7, 316.2 and 9.0 nA make 320.9 nA, of 9 uA 3.57 %.
    read = budget(**EXAMPLE, laser_power_dbm=dbm(40e-6)).intensity
    assert read.noise.total / read.full_scale == pytest.approx(0.0357, abs=5e-5)


def test_homodyne_by_hand() -> None:
    # 100 uW of each: beat 180 uA, steady current 180 uA, of which a tenth is left at 20 dB.
    light = budget(**EXAMPLE, laser_power_dbm=dbm(400e-6), common_mode_rejection_db=20.0)
    read = light.homodyne
    assert light.lo_power == pytest.approx(100e-6)
    assert read.full_scale == pytest.approx(180e-6)
    assert read.peak == pytest.approx(198e-6)
    assert read.noise.shot == pytest.approx(math.sqrt(2 * 1.602177e-19 * 180e-6 * 1e9), rel=1e-5)
    assert read.noise.rin == pytest.approx(198e-9)
    # The signal's own 90 uA, a tenth of it, on 180 uA.
    assert light.self_share == pytest.approx(0.05)


def test_one_photodiode_sees_the_whole_interference() -> None:
    light = budget(**EXAMPLE, laser_power_dbm=dbm(400e-6), common_mode_rejection_db=0.0)
    # R |sqrt(P) + sqrt(P_LO)|^2 of 100 uW each.
    assert light.homodyne.peak == pytest.approx(0.9 * 400e-6)


def test_the_dark_current_makes_shot_noise_of_its_own() -> None:
    # 2 * 1.602e-19 C * 10 nA * 50 MHz
    assert budget(laser_power_dbm=-100.0).homodyne.noise.shot == pytest.approx(0.40027e-9, rel=1e-4)


def test_the_way_of_the_light_by_hand() -> None:
    light = power_budget(load("relax-mzi-8"))
    # 13 dBm, half, an eighth and 1 dB, 4 dB, facet, 7 cells of 0.15 dB, facet, 3 dB, 1 dB
    ways = [13.0, 9.9897, -0.0412, -4.0412, -6.0412, -7.0912, -9.0912, -12.0912, -13.0912]
    assert [dbm(one.power) for one in light.signal] == pytest.approx(ways, abs=1e-4)
    assert [dbm(one.power) for one in light.lo[1:]] == pytest.approx(
        [9.9897, -0.0412, -6.0412], abs=1e-4
    )
    assert sum(one.loss_db for one in light.signal) == pytest.approx(26.0912, abs=1e-4)
    assert light.null_field == pytest.approx(0.05623, rel=1e-3)


def test_a_measured_local_oscillator_replaces_its_losses() -> None:
    light = budget(lo_power_dbm=-20.0, lo_loss_db=77.0)
    assert light.lo_power == pytest.approx(10e-6)
    assert sum(one.loss_db for one in light.lo) == pytest.approx(33.0)
    assert light.warnings == ()


def test_cells_of_a_path_follow_the_ports_unless_stated() -> None:
    assert [one.name for one in power_budget(load("relax-mzi-16")).signal][5] == "mesh, 15 cells"
    stated = load("relax-mzi-16", {"optics": {"cells_per_path": 9, "cell_loss_db": 0.5}})
    assert power_budget(stated).signal[5].loss_db == pytest.approx(4.5)


def test_a_sample_is_averaged_over_its_settled_points() -> None:
    # 12 points of 32 ns: 1 / (2 * 384 ns) = 1.302 MHz of 50 MHz are 15.84 dB.
    read = power_budget(load("relax-mzi-8")).homodyne
    assert read.sample_snr_db - read.snr_db == pytest.approx(15.84, abs=5e-3)
    # Values of 12 moments: 50 MHz / 12, 10.79 dB.
    moments = power_budget(load("relax-mzi-8", {"timing": {"average": False}})).homodyne
    assert moments.sample_snr_db - moments.snr_db == pytest.approx(10.79, abs=5e-3)
    # A detector slower than the mean gains nothing by it.
    slow = power_budget(load("relax-mzi-8", {"optics": {"bandwidth": 1e6}})).homodyne
    assert slow.sample_snr_db == pytest.approx(slow.snr_db)


def test_a_bench_without_the_table_has_a_budget_of_defaults() -> None:
    head, _, rest = TEXT.partition("[optics]\n")
    text = head + rest[rest.index("# ---- The simulated bench") :]
    assert "laser_power_dbm" not in text
    assert power_budget(parse(text, source="bare")) == power_budget(TINY)


# ---- bounds


@st.composite
def lossy(draw: st.DrawFn) -> dict[str, Any]:
    """Some plausible [optics], good and bad."""
    return {
        "laser_power_dbm": draw(st.floats(-30, 30)),
        "signal_share": draw(st.floats(0.01, 0.99)),
        "modulator_loss_db": draw(st.floats(0, 20)),
        "cell_loss_db": draw(st.floats(0, 3)),
        "cells_per_path": draw(st.none() | st.integers(0, 64)),
        "lo_loss_db": draw(st.floats(0, 30)),
        "lo_power_dbm": draw(st.none() | st.floats(-40, 10)),
        "responsivity": draw(st.floats(0.05, 1.5)),
        "common_mode_rejection_db": draw(st.floats(0, 60)),
        "full_scale_current": draw(st.floats(1e-6, 1e-2)),
        "bandwidth": draw(st.floats(1e4, 1e11)),
        "noise_current_density": draw(st.floats(0, 1e-9)),
        "rin_db_per_hz": draw(st.floats(-170, -110)),
    }


SIGNAL_LOSSES = ("modulator_loss_db", "facet_loss_db", "switch_loss_db", "other_loss_db")


@settings(max_examples=150, deadline=None)
@given(numbers=lossy(), key=st.sampled_from(SIGNAL_LOSSES), more=st.floats(0.01, 20))
def test_more_loss_never_raises_the_snr(numbers: dict[str, Any], key: str, more: float) -> None:
    less = budget(**numbers)
    lost = budget(**numbers | {key: getattr(tiny(**numbers).optics, key) + more})
    assert lost.signal_power < less.signal_power
    assert lost.intensity.snr_db <= less.intensity.snr_db
    # A signal above its local oscillator is another matter: its own noise may be the most of it.
    assume(less.lo_power >= less.signal_power)
    assert lost.homodyne.snr_db <= less.homodyne.snr_db


@settings(max_examples=100, deadline=None)
@given(numbers=lossy(), more=st.floats(0.01, 20))
def test_less_laser_never_raises_the_snr(numbers: dict[str, Any], more: float) -> None:
    numbers["lo_power_dbm"] = None
    bright = budget(**numbers)
    dim = budget(**numbers | {"laser_power_dbm": numbers["laser_power_dbm"] - more})
    assert dim.homodyne.snr_db < bright.homodyne.snr_db
    assert dim.intensity.snr_db < bright.intensity.snr_db
    assert dim.linear_range >= bright.linear_range


@settings(max_examples=100, deadline=None)
@given(numbers=lossy())
def test_the_linear_range_ends_where_the_detector_does(numbers: dict[str, Any]) -> None:
    light, optics = budget(**numbers), tiny(**numbers).optics
    assume(light.linear_range > 0)
    signal = light.linear_range**2 * light.signal_power
    seen = 2 * math.sqrt(signal * light.lo_power) + optics.rejection * (signal + light.lo_power)
    assert optics.responsivity * seen == pytest.approx(optics.full_scale_current)
    assert (light.linear_range < 1) == (light.homodyne.peak > optics.full_scale_current)


# ---- warnings


def warned(light: PowerBudget) -> set[str]:
    """Where in the file the warnings point."""
    return {line.partition(":")[0] for line in light.warnings}


@settings(max_examples=150, deadline=None)
@given(numbers=lossy())
def test_warnings_are_there_if_and_only_if_their_bounds_are_passed(
    numbers: dict[str, Any],
) -> None:
    light, optics = budget(**numbers), tiny(**numbers).optics
    peak = max(light.homodyne.peak, light.intensity.peak)
    expected = {
        "optics.full_scale_current": peak > optics.full_scale_current,
        "optics": light.homodyne.snr_db < LEAST_SNR_DB,
        "optics.lo_power_dbm": light.lo_power > light.lo[-2].power,
        "optics.responsivity": optics.responsivity > 1.2501595,  # q lambda / (h c) at 1550 nm
    }
    assert warned(light) == {where for where, holds in expected.items() if holds}


def test_saturation_begins_just_above_the_full_scale_current() -> None:
    peak = budget().homodyne.peak
    assert budget(full_scale_current=peak).warnings == ()
    below = budget(full_scale_current=math.nextafter(peak, 0.0))
    assert warned(below) == {"optics.full_scale_current"}


def test_a_signal_far_above_its_local_oscillator_saturates_the_intensity_reading() -> None:
    # 241.6 uW of signal on 0.9 A/W are 217 uA; with 1 uW of local oscillator the beat is 28 uA.
    (line,) = budget(lo_power_dbm=-30.0, full_scale_current=200e-6).warnings
    assert "below the 0.0002174 A of one signal unit (intensity)" in line
    assert "take 0.4 dB from optics.laser_power_dbm and optics.lo_power_dbm" in line


@pytest.mark.parametrize("lo_power_dbm", [None, -3.0])
def test_the_mend_of_a_saturated_detector_is_enough_and_not_much_more(
    lo_power_dbm: float | None,
) -> None:
    start = {"lo_power_dbm": lo_power_dbm, "full_scale_current": 150e-6, "laser_power_dbm": 13.0}
    (line,) = budget(**start).warnings
    keys = "optics.laser_power_dbm and optics.lo_power_dbm" if lo_power_dbm else "laser_power_dbm"
    assert line.endswith(f"{keys}"), line
    loss = float(line.split("take ")[1].split(" dB")[0])

    def dimmed(by: float) -> PowerBudget:
        lo = None if lo_power_dbm is None else lo_power_dbm - by
        return budget(**start | {"laser_power_dbm": 13.0 - by, "lo_power_dbm": lo})

    assert dimmed(loss).warnings == ()
    assert warned(dimmed(loss - 0.11)) == {"optics.full_scale_current"}


def test_an_snr_warning_begins_just_below_20_db() -> None:
    light, optics = budget(), TINY.optics
    others = math.hypot(light.homodyne.noise.shot, light.homodyne.noise.rin)
    # Of the amplifier, so that all noise is a tenth of full scale.
    tenth = math.sqrt((light.homodyne.full_scale / 10) ** 2 - others**2)
    density = tenth / math.sqrt(optics.bandwidth)
    assert budget(noise_current_density=density * (1 - 1e-9)).warnings == ()
    (line,) = budget(noise_current_density=density * (1 + 1e-9)).warnings
    assert line.startswith("optics: SNR of a homodyne reading is 20.0 dB, below 20 dB (a sample's")
    assert "the amplifier's noise is the most of it: more light, a quieter amplifier" in line


@pytest.mark.parametrize(
    ("optics", "mend"),
    [
        ({"laser_power_dbm": -60.0}, "the amplifier's noise is the most of it: more light"),
        ({"rin_db_per_hz": -80.0}, "the laser's noise is the most of it: a quieter laser"),
        (
            {"switch_loss_db": 70.0, "noise_current_density": 1e-15, "rin_db_per_hz": -200.0},
            "shot noise is the most of it: more signal light",
        ),
    ],
)
def test_the_mend_of_a_low_snr_is_that_of_the_largest_noise(
    optics: dict[str, Any], mend: str
) -> None:
    (line,) = budget(**optics).warnings
    assert mend in line


def test_a_local_oscillator_that_the_laser_cannot_give() -> None:
    most = dbm(budget().lo[-2].power)
    assert budget(lo_power_dbm=most - 1e-6).warnings == ()
    assert "more than the 5.979 dBm that the laser gives" in budget(lo_power_dbm=7.0).warnings[0]


def test_more_than_an_electron_a_photon() -> None:
    assert budget(responsivity=1.2501).warnings == ()
    (line,) = budget(responsivity=1.25022).warnings
    assert line.startswith("optics.responsivity: 1.2502 A/W is above 1.2502 A/W, an")
    assert warned(budget(wavelength=1.1e-6)) == {"optics.responsivity"}


@pytest.mark.parametrize("ports", range(2, 65))
def test_the_defaults_suit_every_size(ports: int) -> None:
    file = TINY.model_copy(update={"ports": ports})
    light = power_budget(file)
    assert light.warnings == ()
    assert light.intensity.snr_db > LEAST_SNR_DB
