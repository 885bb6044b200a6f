"""What laser and stage do to the chips: brightness, wavelength, warmth, and what a tap sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sim_backends.plant import Plant, PlantSpecError, SampleGrid
from tests.sim_backends.plant.documents import bench_document
from tests.sim_backends.plant.frames import DWELL, START, held_frame

QUIET = ["drift", "noise", "jitter", "skew", "memory"]


def rings(ports: int = 4, **plant: object) -> dict[str, object]:
    """A bench document of ring banks."""
    document = bench_document(ports, 1, **plant)
    document |= {"core": "microring", "detection": "balanced"}
    document["wiring"]["elements"] = [
        {**document["wiring"]["elements"][i], "column": i % ports, "row": i // ports,
         "kind": "ring"}
        for i in range(ports * ports)
    ]  # fmt: skip
    return document


def one(at: float) -> float:
    """Nominal power."""
    return 1.0


def always(value: float) -> Callable[[float], float]:
    """The same at all times."""
    return lambda at: value


def lit(metres: float, **plant: object) -> Plant:
    """A mesh whose laser is off its wavelength by so much."""
    made = Plant.from_document(bench_document(4, 1, switch_off=QUIET, **plant))
    made.join_light(one, always(metres))
    return made


def test_a_mesh_follows_the_wavelength_by_its_paths() -> None:
    plant = lit(0.0)
    lengths = plant._around.wavelength_shift * 1.55e-6**2 / (-2.0 * np.pi * 4.2)
    assert lengths.std() == pytest.approx(10e-6, rel=0.6)  # 16 of them
    many = Plant.from_document(bench_document(16, 4))._around.wavelength_shift
    # 2 pi 4.2 * 10 um / (1.55 um)^2: 0.11 rad a nm.
    assert 1e-9 * many.std() == pytest.approx(0.1098, rel=0.05)
    assert abs(1e-9 * many.mean()) < 0.02
    # A picometre turns phases by a thousandth of what a nanometre does.
    usual = plant.matrix(0, at=1.0)
    small, large = (np.abs(lit(d).matrix(0, at=1.0) - usual).max() for d in (1e-12, 1e-9))
    assert small == pytest.approx(1e-3 * large, rel=0.1)
    assert large > 0.02


def test_nothing_moves_at_the_nominal_wavelength_or_without_a_laser() -> None:
    alone = Plant.from_document(bench_document(4, 1, switch_off=QUIET))
    np.testing.assert_array_equal(lit(0.0).matrix(0, at=1.0), alone.matrix(0, at=1.0))
    document = bench_document(4, 1, switch_off=QUIET)
    document["light"] = {"laser": "x", "power_dbm": 0.0, "wavelength": 1.31e-6}
    np.testing.assert_array_equal(
        Plant.from_document(document).matrix(0, at=1.0), alone.matrix(0, at=1.0)
    )
    flat = lit(1e-9, path_difference=0.0)
    np.testing.assert_array_equal(flat.matrix(0, at=1.0), alone.matrix(0, at=1.0))
    gone = lit(1e-9)
    gone.stand_alone()
    np.testing.assert_array_equal(gone.matrix(0, at=1.0), alone.matrix(0, at=1.0))


def test_a_frame_follows_a_laser_that_is_tuned_between_frames() -> None:
    plant, off = lit(0.0), [0.0]
    plant.join_light(one, lambda at: off[0])
    first = plant.detected(1.0)[0].copy()
    off[0] = 1e-9
    tuned = plant.detected(1.0)[0].copy()
    off[0] = 0.0
    assert np.abs(tuned - first).max() > 0.02
    np.testing.assert_array_equal(plant.detected(1.0)[0], first)


def test_a_ring_moves_by_its_half_width() -> None:
    off = ["all"]
    usual = Plant.from_document(rings(switch_off=off, ring_offset=0.0))
    # At resonance and alone, a ring drops all; half a width away half of it: weights 1 and 0.
    assert usual.matrix(0, at=0.0).real * 2.0 == pytest.approx(np.ones((4, 4)))
    for metres in (77.5e-12, -77.5e-12):
        plant = Plant.from_document(rings(switch_off=off, ring_offset=0.0))
        plant.join_light(one, always(metres))
        assert plant.matrix(0, at=0.0).real * 2.0 == pytest.approx(np.zeros((4, 4)), abs=1e-12)
    # Longer waves make up for a resonance that heat has moved up.
    warm = Plant.from_document(rings(switch_off=off, ring_offset=2.0))
    warm.join_light(one, always(2.0 * 77.5e-12))
    assert warm.matrix(0, at=0.0).real * 2.0 == pytest.approx(np.ones((4, 4)))


@pytest.mark.parametrize("name", ["group_index", "ring_half_width"])
def test_numbers_that_must_be_positive(name: str) -> None:
    with pytest.raises(PlantSpecError, match=rf"plant\.{name}: must be above zero"):
        Plant.from_document(bench_document(4, 1, **{name: 0.0}))


def test_a_wavelength_that_is_none() -> None:
    document = bench_document(4, 1)
    document["light"] = {"laser": "x", "power_dbm": 0.0, "wavelength": 1550.0}
    with pytest.raises(PlantSpecError, match=r"light\.wavelength: 1550.0 m is no wavelength"):
        Plant.from_document(document)


def settled(samples: int, ports: int = 4) -> SampleGrid:
    """The second half of each sample's dwell, past the delays."""
    return SampleGrid(tuple(range(ports)), START + 0.5 * DWELL, DWELL, samples, False)


def test_a_tap_of_a_mesh_sees_the_fields_intensity() -> None:
    plant = Plant.from_document(bench_document(4, 1, switch_off=["all"]))
    volts = np.random.default_rng(3).uniform(-0.6, 0.6, (8, 4))
    (seen,) = plant.tapped(held_frame(volts, origin=1.0), [settled(8)])
    expected = plant.slot(0, volts, 1.0, "intensity") * 3.2  # signal units
    assert (seen[0] == 0.0).all()  # the gate is closed at first
    np.testing.assert_allclose(seen[1:], 1e-2 * expected[1:], rtol=1e-9)
    plant.join_light(always(0.25), always(0.0))
    (dim,) = plant.tapped(held_frame(volts, origin=1.0), [settled(8)])
    np.testing.assert_allclose(dim, 0.25 * seen)


def test_a_tap_of_a_ring_bank_sees_what_is_dropped() -> None:
    volts = np.random.default_rng(3).uniform(-0.6, 0.6, (8, 4))
    numbers = {"switch_off": ["all"], "port_loss_db": 0.0}
    whole = Plant.from_document(rings(ring_offset=0.0, **numbers))
    (all_of_it,) = whole.tapped(held_frame(volts, origin=1.0), [settled(8)])
    # All rings at resonance: each output drops all of the light of its wavelengths.
    light = whole.modulators.amplitudes(volts).sum(axis=1) / 2.0
    np.testing.assert_allclose(all_of_it[1:], np.tile(light[1:, None], 4), rtol=1e-9)
    far = Plant.from_document(rings(ring_offset=-200.0, **numbers))
    (nothing,) = far.tapped(held_frame(volts, origin=1.0), [settled(8)])
    assert 0.0 <= nothing.max() < 1e-3 * all_of_it.max()


def test_a_tap_has_no_noise_and_disturbs_no_reading() -> None:
    volts = np.random.default_rng(3).uniform(-0.6, 0.6, (8, 4))
    frame, grid = held_frame(volts, origin=1.0), settled(8)
    plain, looked = (Plant.from_document(bench_document(4, 1)) for _ in range(2))
    (first,), (second,) = (looked.tapped(frame, [grid]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(looked.render(frame, [grid])[0], plain.render(frame, [grid])[0])
