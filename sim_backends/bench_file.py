"""The bench document as the simulation reads it: instruments, wiring, and what of [plant] concerns
instruments.

A model of this package's own; the plant reads its part by itself. Faults are collected and named by
their paths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .delay_tables import Delay, delay_faults
from .light_tables import Light, Route, Stage, Tap, tap_faults

Document = Mapping[str, Any]


class BenchDocumentError(ValueError):
    """A bench document that cannot be simulated; the message names each fault by its path."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Link(_Table):
    """`link` of an instrument: s an exchange and bytes a second."""

    latency: float = Field(0.0, ge=0.0, allow_inf_nan=False)
    bytes_per_second: float = Field(math.inf, gt=0.0)
    read_bytes_per_second: float | None = Field(None, gt=0.0)


class Instrument(_Table):
    """One `[[instrument]]`."""

    name: str
    driver: str
    resource: str
    identity: dict[str, str] = {}
    link: Link = Field(default_factory=lambda: Link.model_validate({}))
    options: dict[str, Any] = {}


class Element(_Table):
    """One heater of `wiring.elements`."""

    bank: int = Field(ge=0)
    column: int = Field(ge=0)
    row: int = Field(ge=0)
    kind: str
    chassis: str
    module: int = Field(ge=0)
    channel: int = Field(ge=0, le=7)


class Port(_Table):
    """One of `wiring.ports`: a box, or a source and a readout (or two, a balanced pair)."""

    port: int = Field(ge=0)
    box: str | None = None
    source: str | None = None
    output: int = Field(ge=1, le=64)
    readout: str | None = None
    input: int = Field(ge=1, le=64)
    minus: str | None = None
    minus_input: int | None = Field(None, ge=1, le=64)

    @property
    def plays(self) -> str:
        """Name of what drives the modulator."""
        return self.box or self.source or ""

    @property
    def pair(self) -> tuple[str, int] | None:
        """Instrument and input of the other half of a balanced pair, if it is one."""
        if self.minus is None or self.minus_input is None:
            return None
        return self.minus, self.minus_input

    def named(self) -> list[tuple[str, str]]:
        """Keys and the names of instruments under them."""
        if self.box is not None:
            return [("box", self.box)]
        found = [("source", self.plays), ("readout", self.reads)]
        return found if self.minus is None else [*found, ("minus", self.minus)]

    @property
    def reads(self) -> str:
        """Name of what reads the detector, of a pair its first half."""
        return self.box or self.readout or ""


class Lines(_Table):
    """`wiring.lines`, as far as the boxes are concerned."""

    trigger: int = Field(ge=0, le=7)


class Wires(_Table):
    """`[wiring]`."""

    elements: list[Element]
    ports: list[Port]
    lines: Lines


class _Bench(_Table):
    name: str = ""
    core: str = "mzi-mesh"
    ports: int = Field(ge=2)
    n_banks: int = Field(ge=1)
    instrument: list[Instrument]
    wiring: Wires
    light: Light | None = None
    stage: Stage | None = None
    tap: list[Tap] = []
    route: list[Route] = []
    delay: list[Delay] = []
    plant: dict[str, Any] = {}


@dataclass(frozen=True)
class BenchFile:
    """A checked document."""

    name: str
    ports: int
    n_banks: int
    instruments: tuple[Instrument, ...]
    wiring: Wires
    light: Light | None
    stage: Stage | None
    taps: tuple[Tap, ...]
    routes: tuple[Route, ...]
    delays: tuple[Delay, ...]
    plant: Mapping[str, Any]

    def named(self, driver: str) -> tuple[Instrument, ...]:
        """All instruments of one driver."""
        return tuple(item for item in self.instruments if item.driver == driver)


def read_bench(document: Document) -> BenchFile:
    """Check a decoded bench file.

    Raises
    ------
    BenchDocumentError
        Listing every fault with its path.
    """
    try:
        bench = _Bench.model_validate(dict(document))
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise BenchDocumentError("bench file: " + "; ".join(faults)) from None
    faults = [*_instrument_faults(bench), *_wiring_faults(bench)]
    names = {item.name for item in bench.instrument}
    faults += tap_faults(bench.tap, bench.route, bench.light, names, bench.ports)
    faults += delay_faults(bench.delay, names)
    if faults:
        raise BenchDocumentError("bench file: " + "; ".join(faults))
    return BenchFile(
        bench.name,
        bench.ports,
        bench.n_banks,
        tuple(bench.instrument),
        bench.wiring,
        bench.light,
        bench.stage,
        tuple(bench.tap),
        tuple(bench.route),
        tuple(bench.delay),
        bench.plant,
    )


def _instrument_faults(bench: _Bench) -> list[str]:
    faults: list[str] = []
    names: set[str] = set()
    for index, item in enumerate(bench.instrument):
        if item.name in names:
            faults.append(f"instrument.{index}.name: {item.name!r} is used twice")
        names.add(item.name)
    return faults


def _wiring_faults(bench: _Bench) -> list[str]:
    drivers = {item.name: item.driver for item in bench.instrument}
    faults: list[str] = []
    seen: set[tuple[int, int, int, str]] = set()
    for index, element in enumerate(bench.wiring.elements):
        path = f"wiring.elements.{index}"
        if element.chassis not in drivers:
            faults.append(f"{path}.chassis: no instrument is named {element.chassis!r}")
        key = (element.bank, element.column, element.row, element.kind)
        if key in seen:
            faults.append(f"{path}: bank, column, row, kind {key} occur twice")
        seen.add(key)
        if element.bank >= bench.n_banks:
            faults.append(f"{path}.bank: {element.bank} with n_banks = {bench.n_banks}")
        is_ring = element.kind == "ring"
        if is_ring != (bench.core == "microring") or element_index(element, bench.ports) is None:
            faults.append(
                f"{path}: no such element in a {bench.core} of {bench.ports} ports: {key}"
            )
    numbers = [port.port for port in bench.wiring.ports]
    if sorted(numbers) != list(range(bench.ports)):
        faults.append(f"wiring.ports: ports 0 to {bench.ports - 1} must each occur once")
    for index, port in enumerate(bench.wiring.ports):
        faults += [
            f"wiring.ports.{index}.{key}: no instrument is named {name!r}"
            for key, name in port.named()
            if name not in drivers
        ]
    return faults


def element_index(element: Element, ports: int) -> int | None:
    """Place in the element order (cells by column, top to bottom, theta then phi; then outputs;
    rings by row, then column), or None.
    """
    if element.kind == "ring":
        if element.column >= ports or element.row >= ports:
            return None
        return ports * element.row + element.column
    if element.kind == "out":
        if element.column != ports or element.row >= ports:
            return None
        return ports * (ports - 1) + element.row
    if element.kind not in ("theta", "phi") or element.column >= ports:
        return None
    cells = cells_in_column(element.column, ports)
    if element.row >= cells:
        return None
    before = sum(cells_in_column(column, ports) for column in range(element.column))
    return 2 * (before + element.row) + (element.kind == "phi")


def cells_in_column(column: int, ports: int) -> int:
    """Cells of a mesh column: they couple modes 2k + column mod 2 and the next."""
    return (ports - column % 2) // 2
