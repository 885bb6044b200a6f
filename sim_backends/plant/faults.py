"""Faults of a bench's hardware: what is broken or wired wrongly on the far side of the instruments.

Each is a `[[plant.fault]]` table of the bench file. They hold from the start on, and no instrument
tells of them: only currents and light do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim_backends.plant.signals import Floats

#: Keys that each kind of fault needs, besides `kind`; it has no others.
KINDS: Mapping[str, tuple[str, ...]] = {
    "open": ("bank", "element"),
    "short": ("bank", "element"),
    "stuck": ("bank", "element", "value"),
    "swapped": ("bank", "element", "other"),
    "reversed": ("bank", "element"),
    "dead_port": ("port",),
}
#: ohm, of a shorted heater: what leads and bond wires leave.
SHORT_OHM = 5.0
#: V, beyond which no channel of the heater drivers goes (Qontrol Q8iv).
_FULL_SCALE = 12.0


@dataclass(frozen=True)
class HardwareFaults:
    """The faults of one bench, by place; elements are (bank, index in element order).

    Attributes
    ----------
    open, short, reversed : elements.
    stuck : V by element. swapped : pairs of elements of one bank, as (bank, element, other).
    dead_ports : ports whose detector sees no light.
    """

    open: frozenset[tuple[int, int]] = frozenset()
    short: frozenset[tuple[int, int]] = frozenset()
    reversed: frozenset[tuple[int, int]] = frozenset()
    stuck: tuple[tuple[int, int, float], ...] = ()
    swapped: tuple[tuple[int, int, int], ...] = ()
    dead_ports: frozenset[int] = frozenset()

    def r0(self, sound: Floats) -> Floats:
        """Cold resistances in ohm, (n_banks, elements), from those of sound heaters."""
        ohm = sound.copy()
        for place in self.open:
            ohm[place] = np.inf
        for place in self.short:
            ohm[place] = SHORT_OHM
        return ohm

    def p_pi(self, sound: Floats) -> Floats:
        """Powers for a phase of pi in W, (n_banks, elements): infinite of a short.

        Its current makes no heat where the waveguide is, so that it turns nothing.
        """
        watts = sound.copy()
        for place in self.short:
            watts[place] = np.inf
        return watts

    def detector_gain(self, sound: Floats) -> Floats:
        """Detector gains, (N,): none where no light arrives; offset and noise stay."""
        gain = sound.copy()
        gain[sorted(self.dead_ports)] = 0.0
        return gain

    def sign(self, n_banks: int, elements: int) -> Floats:
        """Whether phases rise (1) or fall (-1) with their own heater's power: (banks, elements)."""
        sign = np.ones((n_banks, elements))
        for place in self.reversed:
            sign[place] = -1.0
        return sign


class HeaterWires:
    """What leads from the heater drivers' channels to the heaters."""

    def __init__(self, faults: HardwareFaults, n_banks: int, elements: int) -> None:
        self._fed = np.tile(np.arange(elements, dtype=np.intp), (n_banks, 1))
        for bank, one, other in faults.swapped:
            self._fed[bank, [one, other]] = other, one
        self._held = np.full((n_banks, elements), np.nan)
        for bank, element, value in faults.stuck:
            self._held[bank, element] = value

    def at_rest(self, bank: int) -> Floats:
        """V at the heaters of a bank before anything is written, (elements,)."""
        return np.nan_to_num(self._held[bank])

    def reaching(
        self, bank: int, elements: NDArray[np.integer], volts: Floats
    ) -> tuple[NDArray[np.intp], Floats]:
        """Heaters that the channels of `elements` feed, (n,), and the V that reach them, (n,)."""
        heaters = self._fed[bank, np.asarray(elements, dtype=np.intp)]
        held = self._held[bank, heaters]
        return heaters, np.where(np.isnan(held), np.asarray(volts, dtype=np.float64), held)


def read_faults(
    tables: Any, ports: int, n_banks: int, arms: bool, complaints: list[str]
) -> HardwareFaults:
    """Read `plant.fault`, and add to `complaints` all that is wrong with it, each with its path.

    Parameters
    ----------
    tables : the decoded list of tables.
    arms : whether heaters sit on arms of interferometers, and so can sit on the wrong one.
    """
    if not isinstance(tables, list | tuple):
        complaints.append("plant.fault: a list of tables is needed; write [[plant.fault]]")
        return HardwareFaults()
    limits = {"bank": n_banks, "element": ports**2, "other": ports**2, "port": ports}
    sound: list[Mapping[str, Any]] = []
    taken: dict[tuple[int, ...], int] = {}
    for number, table in enumerate(tables):
        path = f"plant.fault.{number}"
        found = _complaints(table, path, limits, arms)
        if not found:
            sound.append(table)
            for place in _places(table):
                first = taken.setdefault(place, number)
                if first != number:
                    found.append(f"{path}: plant.fault.{first} is of the same place; keep one")
        complaints += found

    def elements(kind: str) -> frozenset[tuple[int, int]]:
        return frozenset((t["bank"], t["element"]) for t in sound if t["kind"] == kind)

    return HardwareFaults(
        open=elements("open"),
        short=elements("short"),
        reversed=elements("reversed"),
        stuck=tuple(
            (t["bank"], t["element"], float(t["value"])) for t in sound if t["kind"] == "stuck"
        ),
        swapped=tuple(
            (t["bank"], t["element"], t["other"]) for t in sound if t["kind"] == "swapped"
        ),
        dead_ports=frozenset(t["port"] for t in sound if t["kind"] == "dead_port"),
    )


def _complaints(table: Any, path: str, limits: Mapping[str, int], arms: bool) -> list[str]:
    if not isinstance(table, Mapping):
        return [f"{path}: a table is needed, not {table!r}"]
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return [f"{path}.kind: {kind!r} is none of {', '.join(KINDS)}"]
    found = [
        f"{path}.{key}: no key of {kind!r}, which has {', '.join(KINDS[kind])}"
        for key in table
        if key != "kind" and key not in KINDS[kind]
    ]
    for key in KINDS[kind]:
        if key not in table:
            found.append(f"{path}.{key}: missing; {kind!r} needs it")
            continue
        value = table[key]
        if key == "value":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0.0 <= value <= _FULL_SCALE:
                found.append(f"{path}.value: V from 0 to {_FULL_SCALE:g} are needed, not {value!r}")
        elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < limits[key]:
            most = limits[key] - 1
            found.append(f"{path}.{key}: a whole number from 0 to {most} is needed, not {value!r}")
    if kind == "swapped" and not found and table["element"] == table["other"]:
        found.append(f"{path}.other: the same as element; name another one of the bank")
    if kind == "reversed" and not arms:
        found.append(f"{path}.kind: a ring has no other arm that its heater could sit on")
    return found


def _places(table: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """What a sound fault is of; no other fault may be of the same."""
    if table["kind"] == "dead_port":
        return [(table["port"],)]
    return [(table["bank"], table[key]) for key in ("element", "other") if key in table]
