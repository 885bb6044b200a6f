"""Microring weight banks of the plant: ring by ring against the formula, and what a bench reads."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from hil.bench.writing import Start, starting_text
from sim_backends.as_built import QUALITIES, as_built_document
from sim_backends.plant import Plant
from sim_backends.plant.microring import MicroringPlant, Rings, draw_rings, weights

PORTS = 4
IDEAL = {"switch_off": ["all"]}
SETTLED = 50.0


def ring_plant(seed: int = 1, n_banks: int = 2, **plant: Any) -> MicroringPlant:
    """A bench of microring banks from a starting file; `plant` overrides its [plant] table."""
    text = starting_text(Start(PORTS, n_banks, "rings", seed=seed, core="microring"))
    document = tomllib.loads(text)
    document["plant"].update(plant)
    made = Plant.from_document(document)
    assert isinstance(made, MicroringPlant)
    return made


def program(plant: MicroringPlant, levels: np.ndarray, bank: int = 0) -> None:
    """Levels (N^2,) in units of p_pi, long ago."""
    volts = np.sqrt(levels * plant.spec.p_pi * plant.spec.r_nom[bank])
    plant.set_volts(bank, np.arange(plant.spec.elements), volts, at=0.0)


def signals(plant: MicroringPlant, bank: int, drive: np.ndarray) -> np.ndarray:
    """Signal units (samples, N) for drives (samples, N) in V_pi, a first sample left out."""
    spec = plant.spec
    drive = np.concatenate([drive[:1], drive])
    volts = drive * spec.v_pi / spec.drive_gain * spec.polarity
    return (plant.slot(bank, volts, at=SETTLED) * spec.detector_range)[1:]


def test_a_ring_by_itself_is_a_lorentzian() -> None:
    x = np.array([[0.0, 1.0], [-1.0, 3.0]])
    share = np.array([[1.0, 0.9], [0.8, 0.5]])
    expected = [[1.0, 2 * 0.45 - 1], [2 * 0.4 - 1, 2 * 0.05 - 1]]
    np.testing.assert_allclose(weights(x, share, None), expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(weights(x, share, 1e9), expected, rtol=0, atol=1e-12)


def test_what_one_ring_drops_the_next_ring_cannot() -> None:
    """Two rings of a row, ring by ring along the bus."""
    x, share, spacing = np.array([[0.3, -2.0]]), np.array([[0.9, 0.8]]), 5.0
    found = weights(x, share, spacing)
    for laser in (0, 1):
        left = 1.0
        for ring in (0, 1):
            apart = x[0, ring] + spacing * (ring - laser)
            left -= left * share[0, ring] / (1.0 + apart**2)
        assert found[0, laser] == pytest.approx((1.0 - left) - left, abs=1e-15)


@pytest.mark.parametrize("spacing", [None, 3.0, 12.0])
def test_no_weight_is_beyond_one(spacing: float | None) -> None:
    rng = np.random.default_rng(0)
    found = weights(rng.normal(0.0, 4.0, (8, 8)), rng.uniform(0.2, 1.0, (8, 8)), spacing)
    assert np.abs(found).max() <= 1.0


def test_each_ring_weighs_its_own_input_at_its_own_output() -> None:
    plant = ring_plant(**IDEAL)
    cold = np.zeros(PORTS**2)
    level = -plant.rings.offset[0, 0] / plant.spec.numbers.ring_shift
    cold[1 * PORTS + 2] = level  # ring of output 1 and input 2, into resonance
    program(plant, cold)
    drive = np.eye(PORTS)
    change = signals(plant, 0, drive) - signals(plant, 0, np.zeros((PORTS, PORTS)))
    gain = change * np.sqrt(PORTS)  # (inputs, outputs): weights, each input at full drive
    assert gain[2, 1] == pytest.approx(1.0, abs=0.02)
    others = np.delete(gain.T.ravel(), 1 * PORTS + 2)
    assert others.max() < -0.85  # cold rings pass nearly all


def test_undriven_modulators_are_at_quadrature() -> None:
    plant = ring_plant(**IDEAL)
    still, up, down = (
        signals(plant, 0, np.full((1, PORTS), value))[0] for value in (0.0, 0.5, -0.5)
    )
    np.testing.assert_allclose((up + down) / 2, still, rtol=0, atol=1e-9)
    np.testing.assert_allclose(signals(plant, 0, np.full((1, PORTS), -1.0)), 0.0, atol=1e-9)


def test_leak_is_of_power() -> None:
    plant = ring_plant(switch_off=[n for n in every_imperfection() if n != "leak"])
    leak = plant.devices.leak
    extinction = plant.spec.numbers.extinction_db
    assert np.abs(leak.imag).max() == 0.0
    off = leak.real[~np.eye(2, dtype=bool)]
    assert (off > 0.0).all()
    assert np.log10(off).mean() == pytest.approx(-extinction / 10.0, abs=0.5)


def every_imperfection() -> list[str]:
    """Every imperfection that can be left out."""
    return sorted(ring_plant(switch_off=["all"]).spec.switched_off)


def test_a_seed_draws_one_set_of_rings_and_no_ring_drops_more_than_there_is() -> None:
    one, same, other = (draw_rings(ring_plant(seed).spec) for seed in (1, 1, 2))
    for field in fields(Rings):
        mine = getattr(one, field.name)
        assert mine.shape == (2, PORTS**2)
        np.testing.assert_array_equal(mine, getattr(same, field.name))
        assert not np.array_equal(mine, getattr(other, field.name))
    wide = draw_rings(ring_plant(ring_amplitude_spread=0.4).spec).amplitude
    assert wide.max() == 1.0
    assert wide.min() >= 0.2


def test_heat_reaches_the_neighbours() -> None:
    plant = ring_plant(switch_off=[n for n in every_imperfection() if n != "crosstalk"])
    powers = np.zeros(PORTS**2)
    powers[5] = 1.0
    moved = plant.detuning(0, powers) - plant.detuning(0, np.zeros(PORTS**2))
    assert moved[5] == pytest.approx(plant.spec.numbers.ring_shift)
    nearest, far = moved[4], moved[15]  # one pitch and more along the bus
    assert 0.0 < far < nearest < 0.1 * moved[5]
    assert moved[1] == pytest.approx(nearest)  # and across


# -- what an as-built class says -------------------------------------------------------------------


def believed(bank: dict[str, Any], levels: np.ndarray) -> np.ndarray:
    """Weights of a record at levels in W, by the law of docs/calibration-record.md."""

    def value(name: str) -> np.ndarray:
        return np.array(bank[name]["value"])

    ports, law = PORTS, bank["crosstalk"]
    y, x = np.divmod(np.arange(ports**2), ports)
    apart = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))
    heat = law["c1"] * np.exp(-(apart - 1.0) / law["d0"]) + law["cg"]
    np.fill_diagonal(heat, 0.0)
    driven = value("shift") * levels
    detuning = (
        value("resonance_offset") + driven * (1 + value("curvature") * levels) + heat @ driven
    )
    amplitude = value("amplitude").reshape(ports, ports)
    return weights(detuning.reshape(ports, ports), amplitude, bank["spacing"])


def true_weights(plant: MicroringPlant, bank: int, levels: np.ndarray) -> np.ndarray:
    numbers, ports = plant.spec.numbers, PORTS
    powers = plant.settled_powers(bank, np.sqrt(levels * plant.spec.r_nom[bank]))
    square = (ports, ports)
    amplitude = plant.rings.amplitude[bank].reshape(square)
    return weights(plant.detuning(bank, powers).reshape(square), amplitude, numbers.ring_spacing)


def rms_error(quality: str) -> float:
    squares = []
    for seed in range(1, 9):
        plant = ring_plant(seed)
        record = as_built_document(plant, quality)
        levels = plant.spec.p_pi * np.random.default_rng(seed).uniform(0.4, 1.6, PORTS**2)
        for bank in (0, 1):
            error = believed(record["banks"][bank], levels) - true_weights(plant, bank, levels)
            squares.append((error**2).mean())
    return float(np.sqrt(np.mean(squares)))


def test_a_better_class_knows_the_weights_better() -> None:
    errors = {quality: rms_error(quality) for quality in QUALITIES}
    assert errors["best"] < 0.08
    assert list(errors.values()) == sorted(errors.values())
    assert errors["bad"] > 4.0 * errors["best"]


def test_what_a_class_does_not_know_is_not_in_its_record() -> None:
    plant = ring_plant()
    best, rough = (as_built_document(plant, quality) for quality in ("best", "rough"))
    assert best["bench"]["core"] == "microring"
    assert "half-widths" in best["gauge"]
    for known, bank in ((True, best["banks"][1]), (False, rough["banks"][1])):
        assert bank["crosstalk"]["known"] is known
        assert (bank["crosstalk"]["c1"] > 0.0) is known
        assert np.any(bank["curvature"]["value"]) == known
        spread = np.ptp(bank["amplitude"]["value"])
        assert (spread > 0.0) == known
    alone = ring_plant(switch_off=["channel_crosstalk"])
    assert as_built_document(alone, "best")["banks"][0]["spacing"] >= 1e6
