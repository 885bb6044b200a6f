"""Rigol DS1000Z, MSO1000Z and DS1000Z-E oscilloscopes as a readout of detector voltages.

Sources: Rigol's MSO1000Z/DS1000Z and DS1000Z-E programming guides; the ds1054z and pymeasure
drivers for what instruments do. Raw TCP is at port 5555, and a query's block has nine digits of
length. Facts that are not sure, and how this driver does without them:

- whether several commands in one message are carried out: each goes in a message of its own;
- whether a value out of range is refused or taken at its limit: what matters is read back;
- that `:SYSTem:ERRor?` tells of every refusal, and its depth: likewise;
- whether `:TRIGger:STATus?` may say STOP for a moment after `:SINGle`: only WAIT or TD counts as
  armed, and `:SINGle` is sent again where neither is seen;
- the time of the first point: `xorigin` has seven digits, so that beyond some million points
  before the trigger, the trigger's place is uncertain by a point; one division is kept before it;
- where the ADC clips: `full_scale` is what the screen shows.

DS1000Z of four channels have no external trigger input: `trigger_source` is a channel there. DHO800
and DHO900 have other numbers in their preambles and are refused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from drivers.errors import InstrumentError, LimitError
from drivers.instrument import ANY_IDENTITY
from drivers.link_model import LinkModel
from drivers.oscilloscope import AGREEMENT, POLL_INTERVAL, Oscilloscope, PerInput, Volts
from drivers.quantity import Quantity, Value
from drivers.rigol_ds1000z import settings
from drivers.rigol_ds1000z.waveform import (
    BYTE,
    LONGEST_READ,
    RAW,
    Preamble,
    Timing,
    rates_near,
    timings,
)
from drivers.roles import ReadFacts
from drivers.transport.link import Connector

UNARMED = 0.2
"""s after which `:SINGle` is sent again when the trigger is not seen to wait."""


class RigolDs1000z(Oscilloscope):
    """A DS1000Z-class oscilloscope: a `Readout`.

    `offset` moves a trace up: the middle of the screen is at -offset.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = settings.QUANTITIES
    models: ClassVar[tuple[str, ...]] = (r"DS1\d\d\dZ(-E|-S)?( Plus)?", r"MSO1\d\d\dZ(-S)?")
    links: ClassVar[tuple[str, ...]] = ("tcp", "usb", "vxi11")
    default_port: ClassVar[int | None] = 5555
    couplings: ClassVar[tuple[str, ...]] = ("DC", "AC", "GND")
    # Of the longest memory, of one channel alone; other options make less of it.
    reads: ClassVar[ReadFacts] = ReadFacts(
        inputs=(1, 2, 3, 4), unit="V", full_scale=0.4, points=22_000_000, shortest=1e-6, tick=1e-6,
        of_ticks=True,
    )  # fmt: skip
    channels = (1, 2, 3, 4)

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
        trigger_source: str = "CHAN4",
        trigger_level: float = 1.0,
        trigger_slope: str = "POS",
        trigger_scale: float = 1.0,
        trigger_timeout: float = 2.0,
    ) -> None:
        """`trigger_scale`: V/div of a channel that only triggers; the level lies within 5 of them.
        `sample_rate` is one of those that memory and time scale give (1, 2 or 5 x 10^n/s with one
        channel in use; 1, 2.5 or 5 with two; 1.25, 2.5 or 5 with more).

        Raises `ValueError`, and `LimitError` for a number that the model cannot have.
        """
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout, inputs=inputs,
            scale=scale, offset=offset, probe=probe, coupling=coupling, sample_rate=sample_rate,
            trigger_source=trigger_source, trigger_level=trigger_level,
            trigger_slope=trigger_slope, trigger_timeout=trigger_timeout,
        )  # fmt: skip
        self.trigger_scale = trigger_scale
        used = set(self.inputs)
        if trigger_source.startswith("CHAN"):
            used.add(int(trigger_source[-1]))
        self._used = len(used)
        self._timings = timings(sample_rate, self._used)
        if not self._timings:
            near = " or ".join(f"{rate:g}" for rate in rates_near(sample_rate, self._used))
            limit = f"{near} Sa/s, with {self._used} channels in use"
            raise LimitError(name, "sample_rate", sample_rate, limit, "Sa/s")
        for quantity, values in (
            (settings.SCALE, (*self.scale, trigger_scale)), (settings.OFFSET, self.offset),
            (settings.PROBE, self.probe), (settings.TRIGGER_LEVEL, (trigger_level,)),
        ):  # fmt: skip
            for value in values:
                quantity.check(value, instrument=name)

    @property
    def max_samples(self) -> int:
        """Most samples after the trigger of one acquisition, at this rate and these channels."""
        return self._timings[-1].after

    def _lasts(self, samples: int) -> tuple[float, float]:
        timing = self._timing(min(samples, self.max_samples))
        return timing.scale, timing.depth / self.sample_rate - timing.scale

    def _planned_read(self, samples: int) -> float:
        reads = -(-samples // LONGEST_READ)
        return self.link.cost(128, 96 + samples + 12 * reads, 2 + 3 * reads)

    async def off(self) -> None:
        """Stop the acquisition; the generator of a model that has one: its outputs off."""
        self._forget()
        await self.tell("STOP", kind="off")
        if self.identity is not None and re.search(r"Z-S", self.identity.model, re.IGNORECASE):
            for output in (1, 2):
                await self.tell(f"SOUR{output}:OUTP{output} OFF", kind="off")

    # -- how it is done ---------------------------------------------------------------------------

    def _check(self, points: int) -> None:
        if self.identity is not None:
            external = self.identity.model.upper().endswith("-E")
            if self.trigger_source == "EXT" and not external:
                hint = "it has no external trigger input: let a channel trigger"
                raise InstrumentError(self.name, "EXT", self.identity.model, hint)
            if missing := [n for n in self.inputs if n not in self.channels]:
                raise InstrumentError(self.name, str(missing), self.identity.model, "no such input")

    def _timing(self, points: int) -> Timing:
        return next(timing for timing in self._timings if timing.after >= points)

    async def _prepare(self, points: int, segments: int) -> None:
        timing = self._timing(points)
        for channel in self.channels:
            await self.set(settings.DISPLAY, channel in self.inputs, channel, kind="configure")
        for at, channel in enumerate(self.inputs):
            await self._set_channel(channel, self.probe[at], self.scale[at], self.offset[at])
            await self.set(settings.COUPLING, self.coupling, channel, kind="configure")
        if self.trigger_source.startswith("CHAN"):
            channel = int(self.trigger_source[-1])
            if channel not in self.inputs:
                await self._set_channel(channel, 1.0, self.trigger_scale, 0.0)
                await self.set(settings.COUPLING, "DC", channel, kind="configure")
        for quantity, value in (
            (settings.TIME_MODE, "MAIN"), (settings.TIME_SCALE, timing.scale),
            (settings.TIME_OFFSET, timing.offset), (settings.ACQUIRE_TYPE, "NORM"),
            (settings.TRIGGER_MODE, "EDGE"), (settings.TRIGGER_SOURCE, self.trigger_source),
            (settings.TRIGGER_SLOPE, self.trigger_slope),
            (settings.TRIGGER_LEVEL, self.trigger_level), (settings.TRIGGER_COUPLING, "DC"),
            (settings.SWEEP, "NORM"),
        ):  # fmt: skip
            await self.set(quantity, value, kind="configure")
        await self.tell("RUN", kind="configure")  # the depth can only be set while it runs
        await self.set(settings.DEPTH, str(timing.depth), kind="configure")
        await self.tell("WAV:MODE RAW", kind="configure")
        await self.tell("WAV:FORM BYTE", kind="configure")
        await self._verify(timing)

    async def _set_channel(self, channel: int, probe: float, scale: float, offset: float) -> None:
        values: tuple[tuple[Quantity, Value], ...] = (
            (settings.PROBE, probe), (settings.SCALE, scale), (settings.OFFSET, offset),
            (settings.INVERT, False),
        )  # fmt: skip
        for quantity, value in values:
            await self.set(quantity, value, channel, kind="configure")

    async def _verify(self, timing: Timing) -> None:
        """Read back all that decides how points are to be understood."""
        for at, channel in enumerate(self.inputs):
            scale = self.scale[at]
            for quantity, wanted in ((settings.SCALE, scale), (settings.OFFSET, self.offset[at])):
                found = float(await self.get(quantity, channel, kind="configure"))
                self._agree(quantity.query(channel), found, wanted, AGREEMENT * scale)
        for quantity, wanted in (
            (settings.TIME_SCALE, timing.scale), (settings.SAMPLE_RATE, self.sample_rate),
            (settings.TRIGGER_LEVEL, self.trigger_level),
        ):  # fmt: skip
            found = float(await self.get(quantity, kind="configure"))
            self._agree(quantity.query(), found, wanted, AGREEMENT * abs(wanted) + 1e-12)
        depth = await self.get(settings.DEPTH, kind="configure")
        if depth != str(timing.depth):
            hint = f"{timing.depth} was set: are other channels, or digital ones, in use?"
            raise InstrumentError(self.name, settings.DEPTH.query(), str(depth), hint)

    async def _wait_for_trigger(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout
        again = loop.time()
        while True:
            if loop.time() >= again:
                await self.tell("SING", kind="arm")
                again = loop.time() + UNARMED
            state = str(await self.get(settings.STATUS, kind="arm"))
            if state in ("WAIT", "TD"):
                return
            if state == "RUN":  # what comes before the trigger is being filled
                again = loop.time() + UNARMED
            if loop.time() >= deadline:
                hint = "it is never seen to wait: hold the trigger back until it is armed"
                raise InstrumentError(self.name, settings.STATUS.query(), state, hint)
            await asyncio.sleep(POLL_INTERVAL)

    async def _state(self) -> tuple[bool, str, str]:
        state = str(await self.get(settings.STATUS, kind="poll"))
        return state == "STOP", settings.STATUS.query(), state

    async def _read(self, channel: int, first: int, count: int) -> Volts:
        await self.tell(f"WAV:SOUR CHAN{channel}", kind="fetch")
        preamble = await self._preamble()
        start = preamble.trigger + first
        if start < 0 or start + count > preamble.points:
            shown = f"{preamble.points} points, the trigger at {preamble.trigger}"
            raise self._wrong("WAV:PRE?", shown, "another client may have changed the time base")
        codes = np.empty(count, dtype=np.uint8)
        for done in range(0, count, LONGEST_READ):
            size = min(LONGEST_READ, count - done)
            await self.tell(f"WAV:STAR {start + done + 1}", kind="fetch")
            await self.tell(f"WAV:STOP {start + done + size}", kind="fetch")
            (block,) = await self.ask("WAV:DATA?", received=size + 12, kind="fetch")
            if len(block) != size:
                shown = f"{len(block)} bytes for {size} points"
                raise self._wrong("WAV:DATA?", shown, "its waveform settings may have changed")
            codes[done : done + size] = np.frombuffer(block, dtype=np.uint8)
        return preamble.volts(codes)

    async def _preamble(self) -> Preamble:
        text = await self.ask_text("WAV:PRE?", kind="fetch")
        try:
            preamble = Preamble.parse(text)
        except ValueError as error:
            raise self._wrong("WAV:PRE?", text, str(error)) from None
        if (preamble.format, preamble.type) != (BYTE, RAW):
            raise self._wrong("WAV:PRE?", text, "bytes of the memory (0,2) were asked for")
        if abs(preamble.xincrement * self.sample_rate - 1.0) > AGREEMENT:
            hint = f"points should be {1.0 / self.sample_rate:g} s apart"
            raise self._wrong("WAV:PRE?", text, hint)
        return preamble

    def _forget(self) -> None:
        super()._forget()
        if self.identity is not None:
            two = re.match(r"DS1\d\d2Z", self.identity.model, re.IGNORECASE)
            self.channels = (1, 2) if two else (1, 2, 3, 4)
