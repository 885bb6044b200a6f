"""Sweeps inside a mesh, the walk along the light, and the fit of everything, on drawn truths."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from calibration.leastsquares import refine
from calibration.mesh import derivatives, layout, matrix_fidelity, mesh_matrix
from calibration.model import Tomogram, cells, phases, seen_matrices
from calibration.normal_equations import normal_equations, unmixed
from calibration.rank_one import turning
from calibration.unknowns import EVERYTHING, Unknowns
from calibration.walk import walk
from tests.calibration.drawn_bench import P_PI, drawn_truth

# -- one heater of a mesh -------------------------------------------------------------------


def sweep(slope: float, bend: float, *, points: int = 10, noise: float = 0.004, seed: int = 0):
    """Levels (M,) and matrices (M, 4, 4) with one phase turning; its row."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.06, 2.2, points)
    still, row, column = (rng.normal(size=shape) + 1j * rng.normal(size=shape)
                          for shape in ((4, 4), (4,), (4,)))  # fmt: skip
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    turn = np.exp(1j * slope * x * (1.0 + bend * x))
    seen = 0.3 * still + turn[:, None, None] * np.outer(column, row)
    seen = seen + noise * (rng.normal(size=seen.shape) + 1j * rng.normal(size=seen.shape))
    return x, seen, row


@pytest.mark.parametrize("slope", [0.7 * np.pi, np.pi, 1.4 * np.pi, -np.pi])
def test_a_heaters_law_and_light(slope: float) -> None:
    x, seen, row = sweep(slope, -0.03)
    found = turning(x, seen, 0.004)
    assert found.alive
    assert found.slope == pytest.approx(slope, abs=4 * found.sigma[0])
    assert found.curvature == pytest.approx(-0.03, abs=4 * found.sigma[1])
    assert abs(np.vdot(found.row, row)) > 0.9995
    assert found.radius == pytest.approx(1.0, abs=0.02)
    assert found.residual == pytest.approx(1.0, abs=0.25)


def test_a_dead_heater_is_not_alive() -> None:
    x, seen, _ = sweep(np.pi, 0.0)
    still = np.broadcast_to(seen[:1], seen.shape).copy()
    rng = np.random.default_rng(5)
    still += 0.004 * (rng.normal(size=still.shape) + 1j * rng.normal(size=still.shape))
    assert not turning(x, still, 0.004).alive


def test_no_phase_of_the_oscillator_bends_a_law_fitted_to_intensities() -> None:
    x, seen, _ = sweep(np.pi, -0.03, noise=0.0)
    rng = np.random.default_rng(1)
    patterns = rng.choice([-1.0, 1.0], (4, 8))
    intensity = np.abs(seen @ patterns).reshape(len(x), -1) ** 2
    intensity += 0.01 * rng.standard_normal(intensity.shape)
    drifting = seen * np.exp(0.25j * x**2)[:, None, None]
    bent, straight = turning(x, drifting, 0.004), turning(x, drifting, 0.004, intensity, 0.01)
    assert straight.slope == pytest.approx(np.pi, abs=0.04)
    assert abs(bent.slope - np.pi) > 2 * abs(straight.slope - np.pi)


# -- the walk -------------------------------------------------------------------------------


def lit_mesh(ports: int, seed: int, loss: float = 0.15):
    """Phases, splitters, matrix, and the rows of all heaters of a drawn mesh."""
    rng = np.random.default_rng([ports, seed])
    where = layout(ports)
    turned = rng.uniform(-np.pi, np.pi, ports**2)
    errors = rng.normal(0.0, 0.03, (2, where.cells))
    losses = np.full(where.cells, loss)
    found = derivatives(turned[None], *errors, losses, cells_too=False)
    rows = np.array([np.linalg.svd(one)[2][0] for one in found.phase[0]])
    return turned, errors, found.matrix[0], rows


def turned_by(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(np.angle(np.exp(1j * (a - b))))


@pytest.mark.parametrize("ports", [2, 3, 4, 5, 8])
def test_the_walk_solves_a_mesh_in_closed_form(ports: int) -> None:
    turned, errors, matrix, rows = lit_mesh(ports, 1)
    found = walk(rows, np.ones(ports**2, dtype=bool), matrix, 0.15)
    inner = layout(ports).kind < 2
    assert turned_by(found.phase, turned)[inner].max() < 1e-6
    np.testing.assert_allclose(found.splitter_a, errors[0], atol=1e-6)
    assert found.misfit.max() < 1e-6
    made = mesh_matrix(found.phase, found.splitter_a, found.splitter_b,
                       np.full(layout(ports).cells, 0.15))  # fmt: skip
    assert matrix_fidelity(made, matrix) > 1.0 - 1e-9


def test_one_dead_heater_is_walked_around() -> None:
    turned, _, matrix, rows = lit_mesh(4, 2)
    alive = np.ones(16, dtype=bool)
    alive[12] = False  # an output phase
    rows[12] = 0.0
    found = walk(rows, alive, matrix, 0.15)
    inner = layout(4).kind < 2
    assert turned_by(found.phase, turned)[inner].max() < 1e-5


def test_a_heater_at_another_place_is_a_misfit() -> None:
    _, _, matrix, rows = lit_mesh(5, 3)
    rows[[4, 13]] = rows[[13, 4]]
    found = walk(rows, np.ones(25, dtype=bool), matrix, 0.15)
    assert found.misfit.max() > 0.3


# -- the whole fit --------------------------------------------------------------------------


def tomogram_of(truth, settings: int, sigma: float, seed: int = 0, lo: float = 0.0) -> Tomogram:
    """What a bench of that truth shows at random settings, `lo` rad rms of its LO's phase."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.03, 0.2, settings))
    levels = P_PI * rng.uniform(0.05, 2.0, (settings, truth.n_banks, truth.elements))
    field = seen_matrices(truth, times, levels)
    field = field * np.exp(1j * lo * rng.standard_normal((settings, 1, 1, 1)))
    error = truth.quadrature_error
    seen = field.real + 1j * (field.imag * np.cos(error) - field.real * np.sin(error))
    noise = rng.standard_normal(seen.shape) + 1j * rng.standard_normal(seen.shape)
    return Tomogram(times, levels, seen + sigma * noise, sigma)


def astray(truth, rng: np.random.Generator):
    known = copy.deepcopy(truth)
    sizes = {"phase_offset": 0.1, "slope": 0.02, "curvature": 1.0, "cell_loss_db": 0.05}
    for name, size in (sizes | {"splitter_a": 0.03, "splitter_b": 0.03}).items():
        shape = known.value[name].shape
        error = size * rng.standard_normal(shape)
        known.value[name] = known.value[name] + (
            error * known.value[name] if name == "slope" else error
        )
        known.sigma[name] = np.full(shape, size)
    known.crosstalk = np.tile([0.0, 1.0, 0.0], (truth.n_banks, 1))
    known.leak = np.zeros_like(truth.leak)
    known.quadrature_error, known.tail = 0.0, (0.0, truth.tail[1])
    return known


def test_the_drawn_truth_is_recovered_whatever_the_oscillator_does() -> None:
    truth = drawn_truth(4, 2, seed=3, tail=(0.012, 0.3))
    known = astray(truth, np.random.default_rng(1))
    fit = refine(known, tomogram_of(truth, 120, 0.004, lo=0.3), iterations=12)
    assert fit.residual == pytest.approx(0.004, rel=0.1)
    np.testing.assert_allclose(known.crosstalk[:, 0], 0.01, atol=0.001)
    np.testing.assert_allclose(known.leak, truth.leak, atol=0.002)
    assert known.tail[0] == pytest.approx(0.012, abs=0.001)
    assert known.quadrature_error == pytest.approx(truth.quadrature_error, abs=0.002)
    np.testing.assert_allclose(known.value["slope"], truth.value["slope"], rtol=0.01)
    for name in ("splitter_a", "splitter_b"):
        np.testing.assert_allclose(known.value[name], truth.value[name], atol=0.01)
        pull = (known.value[name] - truth.value[name]) / known.sigma[name]
        assert 0.5 < np.sqrt((pull**2).mean()) < 1.6


def test_the_oscillators_standing_phase_goes_to_the_outputs() -> None:
    truth = drawn_truth(4, 2, seed=3)
    known = copy.deepcopy(truth)
    outputs = layout(4).kind == 2
    known.value["phase_offset"][:, outputs] -= 0.4
    refine(known, tomogram_of(truth, 24, 0.004), free=("phase_offset",))
    left = known.value["phase_offset"] - truth.value["phase_offset"]
    assert np.abs(left).max() < 0.03


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_gradient_is_that_of_differences(name: str) -> None:
    truth = drawn_truth(3, 2, seed=1, tail=(0.01, 0.3))
    tomogram = tomogram_of(truth, 5, 0.0)
    known = astray(truth, np.random.default_rng(2))
    known.crosstalk = np.array(truth.crosstalk) * 1.2
    # Leak is left out of the derivatives of a bank's own unknowns; here it is none.
    known.leak = np.zeros_like(truth.leak)
    unknowns = Unknowns(known, (name,))
    _, gradient, _ = normal_equations(known, tomogram, unknowns)
    from calibration.leastsquares import _apply, _Start

    entries = 2 * tomogram.seen.size
    found = np.empty(unknowns.size)
    start = _Start(known)
    for place in range(unknowns.size):
        squares = []
        for step in (1e-5, -1e-5):
            moved = np.zeros(unknowns.size)
            moved[place] = step
            start.restore(known)
            _apply(known, unknowns, moved)
            squares.append(normal_equations(known, tomogram, unknowns)[2] ** 2 * entries)
        found[place] = -(squares[0] - squares[1]) / 2e-5 / 2.0
    size = np.abs(found).max()
    # The way of a slope or the tail through crosstalk is left out as well: some hundredths.
    left_out = {"slope": 0.05, "tail": 0.2}.get(name, 2e-3)
    np.testing.assert_allclose(gradient, found, atol=left_out * size)


def test_a_longer_quarter_wave_is_undone() -> None:
    field = np.exp(1j * np.linspace(0, 6, 7)).reshape(1, 1, 7, 1)
    seen = field.real + 1j * (field.imag * np.cos(0.2) - field.real * np.sin(0.2))
    np.testing.assert_allclose(unmixed(seen, 0.2), field, atol=1e-12)


def test_a_fit_that_cannot_be_bettered_stays_where_it_is() -> None:
    truth = drawn_truth(3, 1, seed=2)
    tomogram = tomogram_of(truth, 30, 0.003)
    known = copy.deepcopy(truth)
    refine(known, tomogram, free=("phase_offset",))
    once = copy.deepcopy(known.value["phase_offset"])
    refine(known, tomogram, free=("phase_offset",))
    np.testing.assert_allclose(known.value["phase_offset"], once, atol=2e-3)
    turned = phases(known, 0, tomogram.levels[:, 0] / P_PI)
    assert mesh_matrix(turned, *cells(known, 0)).shape == (30, 3, 3)
