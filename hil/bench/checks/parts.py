"""What of a bench file could be read, piece by piece.

The checks across tables work on these pieces rather than on the whole file, so that a fault in one
of them does not hide those of the others: an operator sees all faults at once.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from hil.bench.beside_tables import ByHand, Route, Tap
from hil.bench.cores import DETECTION, Core
from hil.bench.delay_tables import Delay
from hil.bench.delay_times import Timed, timed
from hil.bench.sections import (
    Chip,
    ElementBounds,
    ElementDrive,
    ElementSite,
    Instrument,
    PortBox,
    PortDrive,
    PortNumber,
    Section,
    Timing,
)

_Table = TypeVar("_Table", bound=Section)

# No check across tables asks what a link costs: a broken one need not hide its instrument.
_ANY_LINK = {"latency": 0.0, "bytes_per_second": 1.0}


@dataclass(frozen=True)
class Parts:
    """The readable parts of a document; None or left out where one is not.

    Attributes
    ----------
    names, resources
        Of the instruments by index, also of those that could not be read otherwise.
    instruments
        By index.
    element_count, sites, drives, bounds
        Entries under `wiring.elements`, and which element each is, what drives it, what it bears.
    port_count, port_numbers, boxes, reaches
        Entries under `wiring.ports`, and which port each is, its box, its drive.
    lines, light, stage
        The tables `wiring.lines`, `light` and `stage` as they stand.
    taps, routes, delays, by_hand
        Entries under `tap`, `route`, `delay` and `by_hand`, by index.
    """

    core: Core | None
    detection: str | None
    ports: int | None
    n_banks: int | None
    timing: Timing | None
    chip: Chip | None
    names: dict[int, str]
    resources: dict[int, str]
    instrument_count: int
    instruments: dict[int, Instrument]
    element_count: int
    sites: dict[int, ElementSite]
    drives: dict[int, ElementDrive]
    bounds: dict[int, ElementBounds]
    port_count: int
    port_numbers: dict[int, PortNumber]
    boxes: dict[int, PortBox]
    reaches: dict[int, PortDrive]
    lines: Mapping[str, Any]
    light: Mapping[str, Any]
    stage: Mapping[str, Any]
    taps: dict[int, Tap]
    routes: dict[int, Route]
    delays: dict[int, Delay]
    by_hand: dict[int, ByHand]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Parts:
        """Read what can be read of a document."""
        wiring = _table(document.get("wiring"))
        instruments = _array(document.get("instrument"))
        elements = _array(wiring.get("elements"))
        ports = _array(wiring.get("ports"))
        return cls(
            core=_core(document.get("core")),
            detection=document.get("detection"),
            ports=_whole(document.get("ports"), 2, 64),
            n_banks=_whole(document.get("n_banks"), 1, None),
            timing=_read(Timing, document.get("timing")),
            chip=_read(Chip, document.get("chip")),
            names=_texts(instruments, "name"),
            resources=_texts(instruments, "resource"),
            instrument_count=len(instruments),
            instruments=_each(Instrument, instruments),
            element_count=len(elements),
            sites=_each(ElementSite, elements),
            drives=_each(ElementDrive, elements),
            bounds=_each(ElementBounds, elements),
            port_count=len(ports),
            port_numbers=_each(PortNumber, ports),
            boxes=_each(PortBox, ports),
            reaches=_each(PortDrive, ports),
            lines=_table(wiring.get("lines")),
            light=_table(document.get("light")),
            stage=_table(document.get("stage")),
            taps=_each(Tap, _array(document.get("tap"))),
            routes=_each(Route, _array(document.get("route"))),
            delays=_each(Delay, _array(document.get("delay"))),
            by_hand=_each(ByHand, _array(document.get("by_hand"))),
        )

    @property
    def timed_delays(self) -> dict[int, Timed]:
        """The delay generators with what their drivers state, by index."""
        known = {one.name: (one.driver, one.options) for one in self.instruments.values()}
        return {index: found for index, one in self.delays.items() for found in timed([one], known)}

    def by_name(self) -> dict[str, Instrument]:
        """Map names to the readable instruments; of two with one name, the first."""
        found: dict[str, Instrument] = {}
        for one in self.instruments.values():
            found.setdefault(one.name, one)
        return found


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any, least: int, most: int | None) -> int | None:
    fits = type(value) is int and value >= least and (most is None or value <= most)
    return value if fits else None


def _core(value: Any) -> Core | None:
    return next((core for core in DETECTION if core == value), None)


def _texts(tables: list[Any], key: str) -> dict[int, str]:
    values = ((index, _table(one).get(key)) for index, one in enumerate(tables))
    return {index: value for index, value in values if isinstance(value, str)}


def _each(table: type[_Table], values: list[Any]) -> dict[int, _Table]:
    read = ((index, _read(table, value)) for index, value in enumerate(values))
    return {index: one for index, one in read if one is not None}


def _read(table: type[_Table], value: Any) -> _Table | None:
    """Read the keys that `table` knows; leave out what has a default and is faulty."""
    if not isinstance(value, Mapping):
        return None
    known = {key: value[key] for key in table.model_fields if key in value}
    try:
        return table.model_validate(known)
    except ValidationError as error:
        wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
    kept = copy.deepcopy({key: one for key, one in known.items() if key not in wrong})
    if "link" in wrong:
        kept["link"] = _ANY_LINK
    try:
        return table.model_validate(kept)
    except ValidationError:
        return None
