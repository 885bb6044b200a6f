"""The packaged tasks and one's own data: parts that never mix, and clear refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hil.control.schedule import Injection, Schedule, ScheduleError
from hil.learn.methods import logistic_regression
from hil.tasks import TASKS, Split, Task, TaskError, load_task, task_from_arrays
from hil.tasks import task as task_module
from hil.tasks.task import split

PARTS = ("train", "held_out", "test")


def _parts(task: Task) -> list[Split]:
    return [getattr(task, name) for name in PARTS]


def _numbered(count: int = 600, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Features that are the item's own number; classes of quite different size."""
    labels = np.minimum(np.arange(count) % (2 * classes), classes - 1)
    return np.arange(count, dtype=np.float64)[:, None], labels.astype(np.int64)


@pytest.mark.parametrize("seed", [0, 5])
def test_the_parts_share_no_item_and_leave_none_out(seed: int) -> None:
    features, labels = _numbered()
    parts = split(features, labels, seed)
    items = [part.features[:, 0].astype(int) for part in parts]
    np.testing.assert_array_equal(np.sort(np.concatenate(items)), np.arange(600))
    for part, chosen in zip(parts, items, strict=True):
        np.testing.assert_array_equal(part.labels, labels[chosen])
    assert len(parts[2]) == 120


def test_each_part_has_the_classes_in_the_same_proportion() -> None:
    features, labels = _numbered()
    whole = np.bincount(labels) / len(labels)
    for part in split(features, labels, 3):
        share = np.bincount(part.labels, minlength=3)
        # Stratified to the nearest item.
        assert np.abs(share - whole * len(part)).max() <= 1.0


def test_the_split_follows_its_seed_alone() -> None:
    first, again, other = (load_task("spirals", seed) for seed in (4, 4, 5))
    for one, two in zip(_parts(first), _parts(again), strict=True):
        np.testing.assert_array_equal(one.features, two.features)
        np.testing.assert_array_equal(one.labels, two.labels)
    assert not np.array_equal(first.test.features, other.test.features)
    images = [load_task("digits", seed).test.features for seed in (0, 0, 1)]
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_the_test_part_does_not_depend_on_what_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _numbered()
    usual = split(features, labels, 1)
    monkeypatch.setattr(task_module, "HELD_OUT", 60)
    fewer = split(features, labels, 1)
    assert (len(usual[1]), len(fewer[1])) == (120, 60)
    np.testing.assert_array_equal(usual[2].features, fewer[2].features)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_packaged_tasks(name: str) -> None:
    task = load_task(name, 0)
    assert task.name == name
    assert len(task.held_out) == 200
    rows = np.concatenate([part.features for part in _parts(task)])
    labels = np.concatenate([part.labels for part in _parts(task)])
    # The digits hold no image twice (pooled ones neither), nor do the spirals.
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert set(labels) == set(range(task.classes))
    assert np.abs(rows).max() < (4.0 if name == "digits-pca" else 1.5)
    assert len(task.test) == np.ceil(0.2 * len(rows))


def test_digits_are_pooled_pixels_that_enter_once() -> None:
    task = load_task("digits", 0)
    first = load_digits(return_X_y=True)[0][0].reshape(8, 8)
    pooled = [
        np.mean([first[2 * i + a, 2 * j + b] for a in (0, 1) for b in (0, 1)])
        for i in range(4)
        for j in range(4)
    ]
    rows = np.concatenate([part.features for part in _parts(task)])
    assert (np.abs(rows - (np.array(pooled) / 16 - 0.3)).max(axis=1) < 1e-12).sum() == 1
    assert (task.classes, task.features, task.injection) == (10, 16, Injection.FIRST)
    assert rows.min() >= -0.3
    assert rows.max() <= 0.7


def test_pca_is_fitted_on_training_items_only() -> None:
    """Whitened there, and only there, exactly; the other parts are projected by the same map."""
    task = load_task("digits-pca", 0)
    assert (task.features, task.injection) == (16, Injection.EVERY)
    train = task.train.features / 0.4
    np.testing.assert_allclose(train.mean(axis=0), 0.0, atol=1e-10)
    np.testing.assert_allclose(np.cov(train.T), np.eye(16), atol=1e-8)
    for part in (task.held_out, task.test):
        other = part.features / 0.4
        assert np.abs(other.mean(axis=0)).max() > 0.02
        assert np.abs(np.cov(other.T) - np.eye(16)).max() > 0.02
    # The map is that of the same split of raw pixels: linear, and the same for all parts.
    images, labels = load_digits(return_X_y=True)
    raw = split(images / 16.0, labels.astype(np.int64), 0)
    fit, *_ = np.linalg.lstsq(
        np.c_[raw[0].features, np.ones(len(raw[0]))], task.train.features, rcond=None
    )
    for before, after in zip(raw[1:], _parts(task)[1:], strict=True):
        mapped = np.c_[before.features, np.ones(len(before))] @ fit
        # A pixel that is dark in all training images is not seen by the least-squares fit.
        seen = (before.features[:, np.ptp(raw[0].features, axis=0) == 0] == 0).all(axis=1)
        np.testing.assert_allclose(mapped[seen], after.features[seen], atol=1e-8)
        assert seen.mean() > 0.9
        np.testing.assert_array_equal(before.labels, after.labels)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_linear_model_fails_at_the_spirals_and_a_nearest_neighbour_does_not(seed: int) -> None:
    task = load_task("spirals", seed)
    assert (task.features, task.classes) == (2, 3)
    assert logistic_regression(task) < 0.6
    apart = np.linalg.norm(task.test.features[:, None] - task.train.features[None], axis=2)
    nearest = task.train.labels[apart.argmin(axis=1)]
    assert np.mean(nearest == task.test.labels) > 0.97


@pytest.mark.parametrize(("name", "published"), [("digits", 0.896), ("digits-pca", 0.955)])
def test_logistic_regression_is_as_good_as_it_should_be(name: str, published: float) -> None:
    """The reference that others found on the same inputs, within two standard errors."""
    mean = np.mean([logistic_regression(load_task(name, seed)) for seed in (0, 1)])
    assert mean == pytest.approx(published, abs=0.025)


def test_logistic_regression_learns_from_training_items_and_is_measured_on_test_items() -> None:
    labels = np.arange(90) % 3
    task = task_from_arrays(np.eye(3)[labels], labels)
    assert logistic_regression(task) == 1.0
    wrong = replace(task, test=replace(task.test, labels=(task.test.labels + 1) % 3))
    assert logistic_regression(wrong) == 0.0


def test_unknown_task() -> None:
    with pytest.raises(TaskError, match="no task 'digit'; there are digits, digits-pca, spirals"):
        load_task("digit", 0)


def _own(**changed: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {"x": rng.uniform(-1, 1, (60, 5)), "y": np.arange(60) % 3}
    given.update(changed)
    return given["x"], given["y"]


def test_ones_own_arrays() -> None:
    x, y = _own()
    for labels in (y, y.astype(float), y.tolist(), y.astype(np.uint8)):
        task = task_from_arrays(x, labels, seed=2)
        assert (task.classes, task.features, task.injection) == (3, 5, Injection.FIRST)
        rows = np.concatenate([part.features for part in _parts(task)])
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(x, axis=0))
        assert task.test.labels.dtype == np.int64
        assert set(task.test.labels) == {0, 1, 2}
    two = task_from_arrays(x, np.arange(60) % 2 == 0)
    assert two.classes == 2


_X = np.zeros((60, 5))
_MANY = np.arange(60) % 3


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (np.zeros(60), _MANY, r"\(items, features\)"),
        (np.zeros((60, 5, 2)), _MANY, r"\(items, features\)"),
        (np.zeros((60, 0)), _MANY, "features"),
        (_X, np.zeros((60, 1)), r"\(items,\)"),
        (_X, _MANY[:59], r"labels \(59,\)"),
        ([[1.0], [1.0, 2.0]], [0, 1], "arrays of numbers"),
        ([["a"] * 5] * 60, _MANY, "arrays of numbers"),
        (_X * 1j, _MANY, "arrays of numbers"),
        (np.where(np.arange(5) == 2, np.nan, _X), _MANY, "NaN or infinity"),
        (np.where(np.arange(5) == 2, -np.inf, _X), _MANY, "NaN or infinity"),
        (_X + 16.0, _MANY, "reach 16.*V_pi.*scale"),
        (_X, _MANY + 0.5, "whole numbers"),
        (_X, np.where(_MANY == 1, np.nan, 0.0), "whole numbers"),
        (_X, np.where(_MANY == 1, np.inf, 0.0), "whole numbers"),
        (_X, ["cat", "dog", "cow"] * 20, "whole numbers"),
        (_X, [None, 1, 0] * 20, "whole numbers"),
        (_X, _MANY - 1, "0..classes-1"),
        (_X, _MANY * 2, "there are 3 .0, 2, 4."),
        (_X, np.where(_MANY == 1, 10**12, 0), "0..classes-1"),
        (_X, np.where(_MANY == 1, 1e300, 0.0), "whole numbers|0..classes-1"),
        (_X, np.zeros(60, dtype=int), "at least two classes"),
        (_X, np.minimum(np.arange(60), 53) // 53, "rarest with 7 items"),
        (np.zeros((0, 5)), [], "at least two classes"),
        (None, None, "arrays of numbers"),
    ],
)
def test_data_that_cannot_be_a_task_are_refused(x: Any, y: Any, told: str) -> None:
    with pytest.raises(TaskError, match=told) as caught:
        task_from_arrays(x, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("classes", [2, 5, 12])
def test_eight_items_of_each_class_are_enough(classes: int) -> None:
    labels = np.repeat(np.arange(classes), 8)
    task = task_from_arrays(np.linspace(-1, 1, len(labels))[:, None], labels)
    assert all(set(part.labels) == set(range(classes)) for part in (task.train, task.test))


def test_fewer_features_than_ports_are_padded_with_zeros() -> None:
    features = load_task("spirals", 0).test.features[:7]
    inputs = Schedule(2, 3).place(features, 4)
    assert inputs.shape == (7, 3, 4)
    np.testing.assert_array_equal(inputs[:, 0, :2], features)
    inputs[:, 0, :2] = 0.0
    assert not inputs.any()


def test_more_features_than_ports_are_streamed() -> None:
    features = load_task("digits", 0).test.features[:3]
    inputs = Schedule(2, 5).place(features, 6)
    np.testing.assert_array_equal(inputs[:, 0], features[:, :6])
    np.testing.assert_array_equal(inputs[:, 1], features[:, 6:12])
    np.testing.assert_array_equal(inputs[:, 2, :4], features[:, 12:])
    assert not inputs[:, 2, 4:].any()
    assert not inputs[:, 3:].any()
    with pytest.raises(ScheduleError, match=r"16 features .* 6 ports over 3 steps.*--n-steps 3"):
        Schedule(2, 2).place(features, 6)


def test_injection_at_every_step() -> None:
    features = load_task("digits-pca", 0).test.features[:3]
    inputs = Schedule(1, 4, Injection.EVERY).place(features, 17)
    for step in range(4):
        np.testing.assert_array_equal(inputs[:, step, :16], features)
    assert not inputs[:, :, 16].any()
    with pytest.raises(ScheduleError, match="16 features cannot be injected at every step of a 8"):
        Schedule(1, 4, Injection.EVERY).place(features, 8)
