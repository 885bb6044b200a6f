"""What readouts that are oscilloscopes have in common: one acquisition a frame, a window of it.

Order of use: `arm`, the trigger, `fetch`, for each frame. The model says how it is set up, armed,
asked whether it is done, and read. A point of a bench is one sample of the oscilloscope, or several
(`time_points`): their mean, or the first of them.
"""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import check_window, whole_number
from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.instrument import ANY_IDENTITY
from drivers.link_model import LinkModel
from drivers.roles import DetectionMode, ReadFacts
from drivers.roles.ports import whole
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import Connector

Volts = NDArray[np.float64]
PerInput = float | Sequence[float]
DIVISIONS = 8
"""Of the screen, upwards; what goes beyond them may be clipped."""
CODES = 256
"""Of the 8-bit ADC that these models have."""
POLL_INTERVAL = 1e-3
"""s between two questions whether an acquisition is done."""
AGREEMENT = 1e-3
"""Relative difference by which what is read back may differ from what was set."""


class Oscilloscope(ScpiInstrument):
    """An oscilloscope as a `Readout` of detector voltages."""

    roles: ClassVar[tuple[str, ...]] = ("Readout",)
    mode: DetectionMode = "homodyne"
    unit: ClassVar[Literal["V", "W"]] = "V"
    slopes: ClassVar[tuple[str, ...]] = ("POS", "NEG")
    couplings: ClassVar[tuple[str, ...]] = ("DC", "AC")

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        inputs: Sequence[int] = (1, 2),
        scale: PerInput = 0.1,
        offset: PerInput = 0.0,
        probe: PerInput = 1.0,
        coupling: str = "DC",
        sample_rate: float = 1e6,
        trigger_source: str = "EXT",
        trigger_level: float = 1.0,
        trigger_slope: str = "POS",
        trigger_timeout: float = 2.0,
    ) -> None:
        """`inputs`: channels that are read, in the order of the ports. `scale` (V/div, 8 of them),
        `offset` (V, in the maker's own sense) and `probe` (factor): one number, or one for each
        input. `sample_rate`: points/s. `trigger_source`: EXT or a channel (CHAN4), `trigger_level`:
        V, `trigger_slope`: POS or NEG. `trigger_timeout`: s that `arm` and `fetch` wait.

        Raises `ValueError`, and `LimitError` for a number that the model cannot have.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        self.inputs = tuple(inputs)
        if not self.inputs or len(set(self.inputs)) != len(self.inputs):
            raise ValueError(f"{name}: inputs {inputs!r} are not some channels, each once")
        if unknown := set(self.inputs) - {1, 2, 3, 4}:
            raise ValueError(f"{name}: there are no inputs {sorted(unknown)}, only 1 to 4")
        if coupling not in self.couplings:
            raise ValueError(f"{name}: coupling {coupling!r} is none of {self.couplings}")
        if trigger_slope not in self.slopes:
            raise ValueError(f"{name}: trigger_slope {trigger_slope!r} is none of {self.slopes}")
        if trigger_source not in ("EXT", "CHAN1", "CHAN2", "CHAN3", "CHAN4"):
            raise ValueError(f"{name}: trigger_source {trigger_source!r} is not EXT or CHAN1 to 4")
        for what, value in (("trigger_timeout", trigger_timeout), ("sample_rate", sample_rate)):
            if not 0.0 < value < math.inf:
                raise ValueError(f"{name}: {what} {value!r} must be positive")
        self.scale = self._each(scale, "scale")
        self.offset = self._each(offset, "offset")
        self.probe = self._each(probe, "probe")
        self.coupling = coupling
        self.sample_rate = sample_rate
        self.trigger_source = trigger_source
        self.trigger_level = trigger_level
        self.trigger_slope = trigger_slope
        self.trigger_timeout = trigger_timeout
        self._prepared: tuple[int, int] | None = None
        self._armed = 0
        self._samples = 1
        """Of a point."""
        self._average = True

    @classmethod
    def reads_with(cls, options: Mapping[str, Any]) -> ReadFacts:
        """With the inputs, scales and rate that the options state."""
        sample = 1.0 / float(options.get("sample_rate", 1e6))
        scale, offset = (_all(options.get(*one)) for one in (("scale", 0.1), ("offset", 0.0)))
        return replace(
            cls.reads, inputs=tuple(options.get("inputs", (1, 2))), shortest=sample, tick=sample,
            full_scale=max(0.0, DIVISIONS / 2 * min(scale) - max(map(abs, offset))),
            trigger_edge="falling" if options.get("trigger_slope") == "NEG" else "rising",
            trigger_level=float(options.get("trigger_level", 1.0)),
        )  # fmt: skip

    @property
    def read_inputs(self) -> tuple[int, ...]:
        """As `inputs`."""
        return self.inputs

    def time_points(self, point: float, *, average: bool) -> None:
        """Let points last `point` s each from the next `arm` on: means over it, or values at its
        start. Sends nothing.

        A mean is of several samples. Raises `ValueError` for a point that is no whole number of
        samples, or a mean of one.
        """
        samples = whole(point, 1.0 / self.sample_rate)
        if samples is None:
            raise ValueError(
                f"{self.name}: a point of {point:g} s is no whole number of samples at "
                f"{self.sample_rate:g} Sa/s: change its option sample_rate"
            )
        if average and samples < 2:
            raise ValueError(
                f"{self.name}: a point of {point:g} s is one sample at {self.sample_rate:g} Sa/s, "
                "and no mean: let its option sample_rate be several times as high, or write "
                "timing.average = false"
            )
        self._samples, self._average = samples, average

    @property
    def full_scale(self) -> Volts:
        """Largest magnitude (inputs,) in V that the screen shows with either sign."""
        half = DIVISIONS / 2
        ends = zip(self.scale, self.offset, strict=True)
        return np.array([max(0.0, half * scale - abs(offset)) for scale, offset in ends])

    @property
    def resolution(self) -> float:
        """Smallest step in V, of the input with the largest scale."""
        return DIVISIONS * max(self.scale) / CODES

    @property
    def max_points(self) -> int:
        """Most points after the trigger of one acquisition."""
        return self.max_samples // self._samples

    @property
    @abstractmethod
    def max_samples(self) -> int:
        """Most samples after the trigger of one acquisition."""

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link model, once it has been set up for so many."""
        filling, _ = self._lasts(points * self._samples)
        polls = 1 + math.ceil(filling / (POLL_INTERVAL + self.link.cost(24, 24)))
        return self.link.cost(64, 32, 2) + (polls - 1) * (POLL_INTERVAL + self.link.cost(24, 24))

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model, the end of the
        acquisition waited for.
        """
        samples = points * self._samples
        poll = self.link.cost(24, 24)
        _, after = self._lasts(samples)
        polls = math.ceil(max(0.0, after - poll) / (POLL_INTERVAL + poll))
        waited = polls * (POLL_INTERVAL + poll)
        return waited + poll + len(self.inputs) * self._planned_read(samples)

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger; it waits when this returns.

        The first time, and for another number of points, the oscilloscope is set up. Raises
        `LimitError` before a byte leaves, `InstrumentError` when it does not come to wait: because
        of a trigger that comes too soon, for instance.
        """
        limit = f"1 to {self.max_points} points"
        points = whole_number(
            points, 1, self.max_points, instrument=self.name, what="points", limit=limit
        )
        await self._arm(points * self._samples, 1)

    async def _arm(self, points: int, segments: int) -> None:
        """Be ready to record so many samples after each of so many triggers."""
        if not 1 <= points <= self.max_samples:
            limit = f"1 to {self.max_samples} points"
            raise LimitError(self.name, "points", points, limit)
        self._check(points)
        self._armed = 0
        if self._link.doubtful:
            self._forget()
        if self._prepared != (points, segments):
            self._prepared = None
            await self._prepare(points, segments)
            self._prepared = points, segments
        await self._wait_for_trigger()
        self._armed = points

    async def fetch(self, first: int, count: int) -> Volts:
        """Volts (count, inputs) from point `first` after the trigger on.

        Waits until the acquisition is complete. Raises `TriggerTimeout`, `LimitError` for a window
        that was not armed, `InstrumentError` for an answer that cannot be.
        """
        each = self._samples
        self._check_window(first, count, each)
        await self._until_complete()
        columns = [await self._read(one, first * each, count * each) for one in self.inputs]
        samples = np.stack(columns, axis=1).reshape(count, each, len(columns))
        return samples.mean(axis=1) if self._average else samples[:, 0]

    def _check_window(self, first: int, count: int, each: int = 1) -> None:
        if self._link.doubtful or not self._armed:
            raise InstrumentError(
                self.name, "fetch", "not armed", "arm it, and run the frame again"
            )
        check_window(first, count, self._armed // each, instrument=self.name)

    async def _until_complete(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout
        while True:
            complete, query, shown = await self._state()
            if complete:
                return
            if loop.time() >= deadline:
                hint = (
                    f"no complete acquisition within {self.trigger_timeout:g} s: check that the "
                    f"pattern generator ran, and that its trigger reaches {self.trigger_source} "
                    f"with edges through {self.trigger_level:g} V"
                )
                raise TriggerTimeout(self.name, query, shown, hint)
            await asyncio.sleep(POLL_INTERVAL)

    def _agree(self, query: str, found: float, wanted: float, slack: float) -> None:
        """Raise `InstrumentError` when what is read back is not what was set."""
        if not abs(found - wanted) <= slack:
            hint = f"{wanted:.9g} was set; the instrument has adjusted it"
            raise InstrumentError(self.name, query, f"{found:.9g}", hint)

    def _wrong(self, query: str, shown: str, hint: str) -> InstrumentError:
        """An answer that cannot be: the link is in doubt, and so is what was set up."""
        self._link.doubt()
        self._prepared = None
        return InstrumentError(self.name, query, shown, hint)

    def _forget(self) -> None:
        """Nothing is known of what is set."""
        self._prepared = None
        self._armed = 0

    def _each(self, value: PerInput, what: str) -> tuple[float, ...]:
        """One number for all inputs, or one for each, as one for each."""
        if isinstance(value, int | float):
            return (float(value),) * len(self.inputs)
        if len(value) != len(self.inputs):
            raise ValueError(
                f"{self.name}: {what} {value!r} is neither one number nor one for each input"
            )
        return tuple(float(one) for one in value)

    @abstractmethod
    def _lasts(self, samples: int) -> tuple[float, float]:
        """Seconds that an acquisition of so many samples fills before the trigger and after it."""

    @abstractmethod
    def _planned_read(self, samples: int) -> float:
        """Seconds that reading so many samples of a channel takes by the link model."""

    @abstractmethod
    def _check(self, points: int) -> None:
        """Refuse what cannot be set up, before a byte leaves."""

    @abstractmethod
    async def _prepare(self, points: int, segments: int) -> None:
        """Set everything for acquisitions of so many points, and read back what matters."""

    @abstractmethod
    async def _wait_for_trigger(self) -> None:
        """Start one acquisition; it waits for its trigger when this returns."""

    @abstractmethod
    async def _state(self) -> tuple[bool, str, str]:
        """Whether the acquisition is complete; what was asked and answered."""

    @abstractmethod
    async def _read(self, channel: int, first: int, count: int) -> Volts:
        """Volts (count,) of one channel from point `first` after the trigger on."""


def _all(value: PerInput) -> tuple[float, ...]:
    """One number, or one for each input, as numbers."""
    return (float(value),) if isinstance(value, int | float) else tuple(map(float, value))
