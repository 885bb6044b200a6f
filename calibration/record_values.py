"""Values of a calibration record's document, checked as they are taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.record import Estimate, RecordError

Floats = NDArray[np.float64]


class Values:
    """Takes typed values out of a decoded document.

    Every fault is collected with its path, so that all are told at once (`refuse`); what cannot be
    read is given as something harmless of the right shape.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []

    def number(self, value: Any, path: str) -> float:
        """A finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.faults.append(f"{path}: a number is needed, not {type(value).__name__}")
            return 0.0
        try:
            number = float(value)
        except OverflowError:
            number = np.inf
        if not np.isfinite(number):
            self.faults.append(f"{path}: {number} is not finite")
            return 0.0
        return number

    def positive(self, value: Any, path: str) -> float:
        """A number above zero."""
        before = len(self.faults)
        number = self.number(value, path)
        if number <= 0.0 and len(self.faults) == before:
            self.faults.append(f"{path}: {number:g} is not above zero")
        return number

    def size(self, value: Any, least: int, most: int, path: str) -> int:
        """A whole number in least..most; the least where it is none."""
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        told = repr(value) if isinstance(value, int | float) else type(value).__name__
        self.faults.append(f"{path}: a whole number in {least}..{most} is needed, not {told[:20]}")
        return least

    def refuse(self, source: str) -> None:
        """Raise what was found so far (RecordError), if anything."""
        if self.faults:
            lines = "; ".join(fault.lstrip(".") for fault in self.faults)
            raise RecordError(f"{source}: {lines}")

    def table(self, parent: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
        """A table of a table; empty where there is none."""
        value = parent.get(name)
        if not isinstance(value, dict):
            self.faults.append(f"{path}.{name}: missing or not a table")
            return {}
        return value

    def floats(self, value: Any, shape: tuple[int, ...], path: str) -> Floats:
        """An array of finite numbers of one shape."""
        try:
            given = np.asarray(value)
        except ValueError:
            given = np.asarray(None)
        # Text, and whole numbers too large for a float, make arrays of other kinds.
        if given.dtype.kind not in "iuf":
            self.faults.append(f"{path}: not an array of numbers")
            return np.zeros(shape)
        array = given.astype(np.float64)
        if array.shape != shape:
            self.faults.append(f"{path}: shape {array.shape} where {shape} is needed")
            return np.zeros(shape)
        if not np.isfinite(array).all():
            self.faults.append(f"{path}: holds NaN or infinity")
        return array

    def estimate(self, parent: Mapping[str, Any], name: str, size: int, path: str) -> Estimate:
        """A quantity of `size` entries, with one sigma for all or one for each."""
        entry = self.table(parent, name, path)
        if not entry:
            return Estimate(np.zeros(size), np.zeros(size))
        here = f"{path}.{name}"
        value = self.floats(entry.get("value"), (size,), f"{here}.value")
        given = entry.get("sigma", 0.0)
        if isinstance(given, list):
            sigma = self.floats(given, (size,), f"{here}.sigma")
        else:
            sigma = np.full(size, self.number(given, f"{here}.sigma"))
        if (sigma < 0.0).any():
            self.faults.append(f"{here}.sigma: an uncertainty below zero")
        return Estimate(value, sigma)

    def tables(self, given: Any, path: str) -> tuple[Mapping[str, Any], ...]:
        """A list of tables."""
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            self.faults.append(f"{path}: a list of tables is needed")
            return ()
        return tuple(given)

    def texts(self, given: Any, path: str) -> Mapping[str, str]:
        """A table of strings."""
        if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
            self.faults.append(f"{path}: a table of strings is needed")
            return {}
        return given
