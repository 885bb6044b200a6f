"""What the parts of a window's state have in common: bounds, and refusals.

Events come from files and brokers: their types have been checked, their sense has not. A part looks
before it changes anything of its own, and refuses what does not fit; the refusal is counted.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.telemetry.events import BenchDescribed, RunStarted

#: Bounds of what is shown at all.
MOST_BANKS = 32
MOST_PORTS = 256
MOST_SLOTS = 1024
MOST_ELEMENTS = 65_536
MOST_VALUES = 4_000_000
MOST_NAMES = 32
LONGEST_LINE = 400
#: No run has more steps.
LARGEST_STEP = 10**9
#: Beyond this no number of a bench lies, in whatever unit.
LARGEST = 1e12


class Refused(ValueError):
    """An event that makes no sense beside what is known: says why."""


@dataclass
class Facts:
    """What all parts may ask: the run, its bench, and the step that it is at."""

    started: RunStarted | None = None
    bench: BenchDescribed | None = None
    step: int = 0


def plain(text: str, longest: int = LONGEST_LINE) -> str:
    """A text on one line, without control characters, cut where it is too long."""
    if len(text) > 4 * longest:
        text = text[: 4 * longest]
    shown = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def number(table: Mapping[str, Any], key: str) -> float:
    """A number of a table; NaN where there is none."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return sane(value)


def sane(value: float | None) -> float:
    """A number as a float; NaN where it is none that a bench could have."""
    if value is None or value != value or abs(value) > LARGEST:
        return math.nan
    return float(value)


def numbers(table: Mapping[str, Any], most: int = MOST_NAMES) -> dict[str, float]:
    """The finite numbers of a table, the first `most` of them, under names that can be shown."""
    found: dict[str, float] = {}
    for key in table:
        if len(found) == most:
            break
        value = number(table, key)
        if math.isfinite(value):
            found[plain(str(key), 40)] = value
    return found


def finite(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    """An array as float64.

    Raises
    ------
    Refused
        Where anything in it is not finite, or larger than anything on a bench.
    """
    values = np.asarray(array, dtype=np.float64)
    if not (np.abs(values) <= LARGEST).all():
        raise Refused(f"{name} are not all finite")
    return values


def with_gaps(array: NDArray[Any]) -> NDArray[np.float64]:
    """An array as float64, with NaN for what is no number that a bench could have."""
    values = np.asarray(array, dtype=np.float64)
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def check_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape."""
    if array.shape != shape:
        raise Refused(f"{name} are {array.shape}; {shape} were expected")


def check_banks(banks: NDArray[Any], n_banks: int) -> None:
    """Refuse banks of slots (slots,) that a bench of `n_banks` does not have."""
    if not 0 < len(banks) <= MOST_SLOTS:
        raise Refused(f"{len(banks)} slots; 1 to {MOST_SLOTS} can be shown")
    if banks.dtype.kind not in "iu":
        raise Refused(f"banks of slots are {banks.dtype}; whole numbers were expected")
    if banks.min() < 0 or banks.max() >= n_banks:
        raise Refused(f"a slot's bank is not among the {n_banks} banks")


def check_samples(name: str, samples: NDArray[Any], slots: int, ports: int | None) -> None:
    """Refuse samples that are not (samples, slots, ports), or too many to be shown."""
    if samples.ndim != 3 or samples.shape[1] != slots or samples.shape[0] < 1:
        raise Refused(f"{name} are {samples.shape}; (samples, {slots}, ports) were expected")
    found = samples.shape[2]
    if (ports is not None and found != ports) or not 0 < found <= MOST_PORTS:
        raise Refused(f"{name} are of {found} ports; {ports or f'1 to {MOST_PORTS}'} were expected")
    if samples.size > MOST_VALUES:
        raise Refused(f"{name} are {samples.size} values; at most {MOST_VALUES} can be shown")
