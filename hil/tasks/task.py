"""A task: features and labels in three parts that never mix."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hil.control.schedule import Injection

Floats = NDArray[np.float64]

#: Training items held out for every choice (rates, gate, checkpoint).
HELD_OUT = 200
#: Share of the data that is measured once, with the last weights.
TEST_SHARE = 0.2


class TaskError(ValueError):
    """A task that does not exist, or data that cannot be one."""


@dataclass(frozen=True)
class Split:
    """features (items, features) in V_pi; labels (items,) int."""

    features: Floats
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Task:
    """A classification task.

    Attributes
    ----------
    train, held_out, test : the three parts.
    injection : where features enter the schedule.
    input_noise : rms of the noise added to training features (augmentation), V_pi.
    """

    name: str
    train: Split
    held_out: Split
    test: Split
    classes: int
    injection: Injection = Injection.FIRST
    input_noise: float = 0.05
    note: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of all data, in hex: two tasks of one digest are the same."""
        found = hashlib.sha256()
        for part in (self.train, self.held_out, self.test):
            found.update(np.ascontiguousarray(part.features).tobytes())
            found.update(np.ascontiguousarray(part.labels).tobytes())
        return found.hexdigest()

    @property
    def features(self) -> int:
        """Features of an item."""
        return self.train.features.shape[1]


def split(features: Floats, labels: NDArray[np.int64], seed: int) -> tuple[Split, Split, Split]:
    """Stratified train / held-out / test parts.

    The test part depends on `seed` alone, not on how much is held out.
    """
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_SHARE, random_state=seed, stratify=labels
    )
    held = min(HELD_OUT, len(rest) // 4)
    train, held_out = train_test_split(
        rest, test_size=held, random_state=seed, stratify=labels[rest]
    )

    def part(items: ArrayLike) -> Split:
        index = np.asarray(items)
        return Split(features[index], labels[index])

    return part(train), part(held_out), part(test)


def task_from_arrays(features: ArrayLike, labels: ArrayLike, *, seed: int = 0) -> Task:
    """Make a task of one's own data.

    Parameters
    ----------
    features : (items, features), used as they are, in units of V_pi; the machine clips at 1.5.
    labels : (items,) whole numbers 0..classes-1.

    Raises
    ------
    TaskError
        When shapes disagree, numbers are not finite, or a class has too few items to be split.
    """
    try:
        x, y = np.asarray(features), np.asarray(labels)
        if x.dtype.kind not in "biuf":
            raise TypeError(f"features are of type {x.dtype}")
        x = x.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TaskError(f"features and labels must be arrays of numbers ({error})") from None
    if x.ndim != 2 or x.shape[1] < 1 or y.ndim != 1 or len(x) != len(y):
        raise TaskError(
            f"features {x.shape} and labels {y.shape}: (items, features) and (items,) are needed"
        )
    if not np.isfinite(x).all():
        raise TaskError("features hold NaN or infinity; clean them first")
    if np.abs(x).max(initial=0.0) > 10.0:
        raise TaskError(
            f"features reach {np.abs(x).max():g}; they are drives in units of V_pi and the machine "
            "clips at 1.5: scale them (for instance to +-0.7)"
        )
    if y.dtype.kind not in "biuf" or not np.all(np.isfinite(y) & (y == np.floor(y))):
        raise TaskError("labels must be whole numbers 0..classes-1")
    found, counts = np.unique(y, return_counts=True)
    classes = len(found)
    if classes < 2 or counts.min() < 8 or not np.array_equal(found, np.arange(classes)):
        told = ", ".join(f"{label:g}" for label in found[:4]) + (", …" if classes > 4 else "")
        raise TaskError(
            "labels must be 0..classes-1 with at least two classes and eight items of each; "
            f"there are {classes} ({told}), the rarest with {int(counts.min(initial=len(y)))} items"
        )
    parts = split(x, y.astype(np.int64), seed)
    return Task("arrays", *parts, classes=classes)
