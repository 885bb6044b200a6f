"""Where the instruments of a bench are built: what all that build them need to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sim_backends.bench_file import BenchDocumentError, BenchFile, Document, Instrument
from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Placement, SimulatedInstrument
from sim_backends.light_path import LightPath, Taps
from sim_backends.plant.numbers import PlantNumbers
from sim_backends.plant.spec import PlantSpec
from sim_backends.wiring import Wiring


@dataclass(frozen=True)
class Site:
    """One bench: its document, what joins its instruments, and its time."""

    document: Document
    file: BenchFile
    wiring: Wiring
    clock: BenchClock

    @cached_property
    def numbers(self) -> PlantNumbers:
        """The plant's numbers, some of which are the instruments' own."""
        return PlantSpec.from_document(self.document).numbers

    @cached_property
    def light(self) -> LightPath:
        """The laser's light on its way to the plant."""
        path = LightPath(self.file.light)
        self.wiring.plant.join_light(path.brightness, path.detuning)
        return path

    @cached_property
    def taps(self) -> Taps:
        """What falls on the inputs of power meters that taps lead to."""
        return Taps(self.file.taps, self.light, self.wiring)

    def before_change(self) -> None:
        """The light is about to change: all that is to be seen by it as it was is seen now."""
        if self.clock.begun:
            self.wiring.before_change()

    @property
    def plant_seed(self) -> int:
        """What the bench is drawn from."""
        return int(self.file.plant.get("seed", 0))

    def seed(self, *words: int) -> int:
        """Draw a seed from the plant's and these words: the place of an instrument in the file."""
        sequence = np.random.SeedSequence([self.plant_seed, *words])
        return int(sequence.generate_state(1)[0])

    def alone(
        self, item: Instrument, index: int, options: Mapping[str, Any] | None = None
    ) -> SimulatedInstrument:
        """As the catalogue makes it. A bench file's options are the driver's, not its (`options`).

        Raises `OptionError`.
        """
        placement = Placement(self.clock, self.seed(index), item.identity, options or {})
        return build(item.driver, placement)

    def model(
        self, item: Instrument, index: int, usual: str, have: Iterable[str], kind: str
    ) -> str:
        """The model that the file states, or the usual one.

        Raises `BenchDocumentError` for one that is none of those there are.
        """
        model = item.identity.get("model", usual)
        if model not in (known := list(have)):
            raise BenchDocumentError(
                f"instrument.{index}.identity.model: {model!r} is no {kind}; there are "
                + ", ".join(known)
            )
        return model
