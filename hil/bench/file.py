"""The bench file as the rest of the system sees it, and how it is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, PrivateAttr, ValidationError

from drivers.roles import PlayFacts, ReadFacts
from hil.bench.beside_tables import ByHand, Light, Route, Stage, Tap
from hil.bench.catalogue import plays, reads
from hil.bench.checks import Parts, check
from hil.bench.complaints import complaints
from hil.bench.cores import Core, index_of
from hil.bench.delay_tables import Delay
from hil.bench.delay_times import Timed, arrivals, early_points, timed
from hil.bench.document import locate, merged, parse_toml
from hil.bench.elements import BankElements
from hil.bench.errors import BenchFileError
from hil.bench.optics import Optics
from hil.bench.sections import (
    Calibration,
    Chip,
    ElementWiring,
    Guarding,
    Instrument,
    PortWiring,
    Section,
    Timing,
    Wiring,
)


class BenchFile(Section):
    """A bench file, checked: the wiring document and the timing of one set-up.

    `ports` is N, the number of modes; `plant` is the simulated bench's own and opaque here.
    """

    model_config = ConfigDict(title="bench file")

    schema_version: Literal[1] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    description: str = ""
    core: Core
    ports: Annotated[int, Field(ge=2, le=64)]
    n_banks: Annotated[int, Field(ge=1)]
    feedback: Literal["controller"]
    detection: Literal["homodyne", "balanced"]
    timing: Timing
    chip: Chip
    calibration: Calibration = Calibration()
    guardian: Guarding = Guarding()
    optics: Optics = Optics()
    light: Light | None = None
    stage: Stage | None = None
    taps: Annotated[tuple[Tap, ...], Field(alias="tap", strict=False)] = ()
    routes: Annotated[tuple[Route, ...], Field(alias="route", strict=False)] = ()
    delays: Annotated[tuple[Delay, ...], Field(alias="delay", strict=False)] = ()
    by_hand: Annotated[tuple[ByHand, ...], Field(strict=False)] = ()
    instruments: Annotated[tuple[Instrument, ...], Field(alias="instrument", strict=False)]
    wiring: Wiring
    plant: Annotated[dict[str, Any], Field(default_factory=dict)]

    _source: str = PrivateAttr(default="")
    _document: dict[str, Any] = PrivateAttr(default_factory=dict)
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def source(self) -> str:
        """Where the file was read from."""
        return self._source

    @property
    def document(self) -> dict[str, Any]:
        """The raw document after any overlay: what a simulated bench is built from. Not a copy."""
        return self._document

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd in the file but does no harm, one line each."""
        return self._notes

    @property
    def elements_per_bank(self) -> int:
        """N^2."""
        return self.ports**2

    def instrument(self, name: str) -> Instrument:
        """Give the instrument of that name.

        Raises
        ------
        KeyError
            If the file has none.
        """
        for one in self.instruments:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.instruments)
        raise KeyError(f"no instrument named {name!r}; the file has {known}")

    def instruments_of(self, driver: str) -> tuple[Instrument, ...]:
        """Give the instruments that a driver serves, in the file's order."""
        return tuple(one for one in self.instruments if one.driver == driver)

    def bank_wiring(self, bank: int) -> tuple[ElementWiring, ...]:
        """Give a bank's elements in element order, (N^2,).

        Raises
        ------
        IndexError
            If the bench has no such bank.
        """
        if not 0 <= bank < self.n_banks:
            raise IndexError(f"no bank {bank}: bench {self.name} has banks 0 to {self.n_banks - 1}")
        order = index_of(self.core, self.ports)
        mine = (one for one in self.wiring.elements if one.bank == bank)
        return tuple(sorted(mine, key=lambda one: order[one.place]))

    def bank_elements(self, bank: int) -> BankElements:
        """Give a bank's elements as arrays in element order. IndexError as in `bank_wiring`."""
        return BankElements.of(self.bank_wiring(bank))

    @property
    def ports_in_order(self) -> tuple[PortWiring, ...]:
        """The ports' wiring, port 0 first, (N,)."""
        return tuple(sorted(self.wiring.ports, key=lambda one: one.port))

    def port_array(
        self, key: Literal["polarity", "v_pi", "drive_gain", "detector_range"]
    ) -> NDArray[np.float64]:
        """Give one number of every port, port 0 first, (N,) float64."""
        return np.array([getattr(one, key) for one in self.ports_in_order], dtype=np.float64)

    def select_mask(self, bank: int) -> int:
        """Give the select lines that are high for a bank, as a bit mask of the pattern's lines.

        Raises
        ------
        IndexError
            If the bench has no such bank.
        """
        if not 0 <= bank < self.n_banks:
            raise IndexError(f"no bank {bank}: bench {self.name} has banks 0 to {self.n_banks - 1}")
        return self.wiring.lines.select_mask(bank)

    @property
    def point_duration(self) -> float:
        """Seconds a detector point lasts."""
        return self.timing.point_duration

    @property
    def points_per_sample(self) -> int:
        """Detector points in a dwell; a whole number by the file's checks."""
        return round(self.timing.dwell / self.point_duration)

    @property
    def guard_points(self) -> int:
        """Points dropped at the start of a sample: those that begin before the guard is over."""
        # The margin keeps a guard of exactly k points from becoming k + 1 by a rounding error.
        return math.ceil(self.timing.guard / self.point_duration - 1e-6)

    @property
    def settled_points(self) -> int:
        """Points of a sample that count."""
        return self.points_per_sample - self.guard_points

    @property
    def max_samples(self) -> int:
        """Samples that a frame can have, header, data and tail together: by what plays, by what
        reads.
        """
        played = min(self.source_of(one).samples for one in self.wiring.ports)
        early = self.early_points
        points = [
            facts.most_points(self.point_duration) - early[name]
            for one in self.wiring.ports
            for (name, _), facts in zip(one.inputs, self.readouts_of(one), strict=True)
        ]
        return min(played, min(points) // self.points_per_sample)

    @property
    def timed_delays(self) -> tuple[Timed, ...]:
        """The delay generators with what their drivers state."""
        known = {one.name: (one.driver, one.options) for one in self.instruments}
        return tuple(timed(self.delays, known))

    @property
    def trigger_arrivals(self) -> dict[str, float]:
        """Seconds from the trigger line's edge until it reaches what delay generators feed, by
        name; what is not named is at the line itself.
        """
        return arrivals(self.timed_delays)

    @property
    def first_sample(self) -> float:
        """Nominal seconds from the trigger line's edge to the first sample of the latest source."""
        arrives = self.trigger_arrivals
        return max(
            self.source_of(one).latency + arrives.get(one.plays, 0.0) for one in self.wiring.ports
        )

    @property
    def early_points(self) -> dict[str, int]:
        """Whole points that each readout records before the first sample, by name."""
        arrives, first, point = self.trigger_arrivals, self.first_sample, self.point_duration
        names = {name for one in self.wiring.ports for name, _ in one.inputs}
        return {name: early_points(first, arrives.get(name, 0.0), point) for name in names}

    def source_of(self, port: PortWiring) -> PlayFacts:
        """What plays at a port, by its driver and options."""
        one = self.instrument(port.plays)
        facts = plays(one.driver, one.options)
        assert facts is not None  # the checks have seen to it
        return facts

    def full_scale_of(self, port: PortWiring) -> float:
        """Largest magnitude in V (W) that a port's readout can tell, of a pair by either half."""
        return min(facts.full_scale for facts in self.readouts_of(port))

    def readouts_of(self, port: PortWiring) -> tuple[ReadFacts, ...]:
        """What reads at a port, of a pair its halves, by their drivers and options."""
        used = (self.instrument(name) for name, _ in port.inputs)
        return tuple(facts for one in used if (facts := reads(one.driver, one.options)))


def load(name_or_path: str | Path, overlay: Mapping[str, Any] | None = None) -> BenchFile:
    """Load a packaged bench by name, or a bench file by path, and check all of it.

    Parameters
    ----------
    name_or_path
        What ends in ".toml" or holds a path separator is a path, anything else a packaged name.
    overlay
        Values that replace those of the file before it is checked, table by table
        (`{"plant": {"severity": "harsh"}}`); lists are replaced whole.

    Raises
    ------
    BenchFileError
        With every fault of the file, or why it could not be read.
    """
    source, text = locate(name_or_path)
    return parse(text, source=source, overlay=overlay)


def parse(text: str, *, source: str, overlay: Mapping[str, Any] | None = None) -> BenchFile:
    """Check the text of a bench file; `source` names it in messages. Otherwise as `load`."""
    return from_document(merged(parse_toml(text, source), overlay or {}), source=source)


def from_document(document: dict[str, Any], *, source: str) -> BenchFile:
    """Check a document that has been read already. Otherwise as `load`."""
    faults: list[str] = []
    bench: BenchFile | None = None
    try:
        bench = BenchFile.model_validate(document)
    except ValidationError as error:
        faults += complaints(error, BenchFile)
    # Also where the model has refused the file: all faults are told at once.
    findings = list(check(Parts.of(document)))
    faults += [str(one) for one in findings if not one.harmless]
    if bench is None or faults:
        raise BenchFileError(source, faults)
    bench._source, bench._document = source, document
    bench._notes = tuple(str(one) for one in findings if one.harmless)
    return bench
