"""Keysight (Agilent) InfiniiVision oscilloscopes as a readout of detector voltages.

For the 1000, 2000, 3000 and 4000 X-Series. Sources: Keysight's programmer's guides and example
programs; the pymeasure and keyoscacquire drivers. Facts that are not sure, and how this driver does
without them:

- which numbers of points a model gives: the usual ones are asked for, and the preamble must tell of
  as many, at the distance that was wanted;
- that a value out of range is refused, not taken at its limit: what matters is read back;
- that `:AER?` is set by `:SINGle` on every model: where it is not, `arm` says so and raises;
- which models have a generator: those that end in G, or with the option `generator`;
- whether an 8-bit code of 0 may be a voltage: it is a hole by the guide, and raised.

Points between those that are asked for are left out by the instrument, not averaged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import whole_number
from drivers.errors import InstrumentError, LimitError
from drivers.instrument import ANY_IDENTITY
from drivers.keysight_infiniivision import settings
from drivers.keysight_infiniivision.waveform import (
    BEFORE,
    BYTE,
    WORD,
    Preamble,
    after,
    record_points,
)
from drivers.link_model import LinkModel
from drivers.oscilloscope import AGREEMENT, POLL_INTERVAL, Oscilloscope, PerInput, Volts
from drivers.quantity import Quantity
from drivers.roles import ReadFacts
from drivers.transport.link import Connector

RUNNING = 8
"""Bit of the operation condition register: an acquisition goes on."""
MOST_SEGMENTS = 1000


class KeysightInfiniivision(Oscilloscope):
    """An InfiniiVision oscilloscope: a `Readout`.

    `offset` is the voltage at the middle of the screen. Besides the role, `arm_segments` and
    `fetch_segments` record several triggers in one acquisition (segmented memory).
    """

    quantities: ClassVar[tuple[Quantity, ...]] = settings.QUANTITIES
    models: ClassVar[tuple[str, ...]] = (r"(DSO|MSO|EDU)-?X ?[1-4]\d\d\d[ATGX]?",)
    links: ClassVar[tuple[str, ...]] = ("tcp", "usb", "gpib", "vxi11", "hislip")
    default_port: ClassVar[int | None] = 5025
    channels = (1, 2, 3, 4)
    # At the usual option `memory`.
    reads: ClassVar[ReadFacts] = ReadFacts(
        inputs=(1, 2, 3, 4), unit="V", full_scale=0.4, points=449_999, shortest=1e-6, tick=1e-6,
        of_ticks=True,
    )  # fmt: skip

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
        trigger_scale: float = 1.0,
        trigger_timeout: float = 2.0,
        acquire: Literal["NORM", "HRES"] = "NORM",
        memory: int = 500_000,
        generator: bool = False,
    ) -> None:
        """`acquire`: NORM reads bytes, HRES words of more bits. `memory`: points that an
        acquisition of the inputs has. `generator`: there is one whose output `off` switches off.
        `trigger_scale`: V/div of a channel that only triggers.

        Raises `ValueError`, and `LimitError` for a number that no model can have.
        """
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout, inputs=inputs,
            scale=scale, offset=offset, probe=probe, coupling=coupling, sample_rate=sample_rate,
            trigger_source=trigger_source, trigger_level=trigger_level,
            trigger_slope=trigger_slope, trigger_timeout=trigger_timeout,
        )  # fmt: skip
        if acquire not in ("NORM", "HRES"):
            raise ValueError(f"{name}: acquire {acquire!r} is neither 'NORM' nor 'HRES'")
        if memory < 100:
            raise ValueError(f"{name}: memory {memory!r} is not 100 points or more")
        self.trigger_scale = trigger_scale
        self._acquire = acquire
        self._memory = memory
        self._generator = generator
        self._segments = 1
        for quantity, values in (
            (settings.SCALE, (*self.scale, trigger_scale)), (settings.OFFSET, self.offset),
            (settings.PROBE, self.probe), (settings.TRIGGER_LEVEL, (trigger_level,)),
        ):  # fmt: skip
            for value in values:
                quantity.check(value, instrument=name)

    @classmethod
    def reads_with(cls, options: Mapping[str, Any]) -> ReadFacts:
        """With the inputs, scales, rate and memory that the options state."""
        found = super().reads_with(options)
        return replace(found, points=after(int(options.get("memory", 500_000))))

    @property
    def max_samples(self) -> int:
        """Most samples after the trigger of one acquisition."""
        return after(self._memory)

    def _lasts(self, samples: int) -> tuple[float, float]:
        span = record_points(min(samples, self.max_samples)) / self.sample_rate
        return BEFORE * span, (1.0 - BEFORE) * span

    def _planned_read(self, samples: int) -> float:
        width = 1 if self._acquire == "NORM" else 2  # of whole records
        return self.link.cost(64, 128 + width * record_points(samples), 1)

    async def arm_segments(self, points: int, segments: int) -> None:
        """Be ready to record `points` samples after each of `segments` triggers (2 to 1000).

        Raises as `arm`.
        """
        segments = whole_number(
            segments, 2, MOST_SEGMENTS, instrument=self.name, what="segments",
            limit=f"2 to {MOST_SEGMENTS} segments",
        )  # fmt: skip
        points = whole_number(
            points, 1, self.max_samples, instrument=self.name, what="points",
            limit=f"1 to {self.max_samples} points",
        )  # fmt: skip
        if points * segments > self.max_samples:
            limit = f"{self.max_samples} points in all segments"
            raise LimitError(self.name, "points", points * segments, limit)
        await self._arm(points, segments)
        self._segments = segments

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger; it waits when this returns.

        The first time, and for another number of points, the oscilloscope is set up. Raises
        `LimitError` before a byte leaves, `InstrumentError` when it does not come to wait.
        """
        await super().arm(points)
        self._segments = 1

    async def fetch(self, first: int, count: int) -> Volts:
        """Volts (count, inputs) from point `first` after the trigger on; of segments, the last.

        Waits until the acquisition is complete. Raises `TriggerTimeout`, `LimitError` for a window
        that was not armed, `InstrumentError` for an answer that cannot be.
        """
        return await super().fetch(first, count)

    async def fetch_segments(
        self, first: int, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (segments,) in s of the triggers after the first one, and volts (segments, count,
        inputs) from point `first` after each trigger on.

        Waits until all segments are there. Raises as `fetch`.
        """
        self._check_window(first, count)
        await self._until_complete()
        times = np.empty(self._segments)
        volts = np.empty((self._segments, count, len(self.inputs)))
        for at in range(self._segments):
            (reply,) = await self.ask(
                f"ACQ:SEGM:IND {at + 1}", "WAV:SEGM:TTAG?", answers=1, kind="fetch"
            )
            try:
                times[at] = float(reply)
            except ValueError as error:
                shown = reply.decode("latin-1")
                raise self._wrong("WAV:SEGM:TTAG?", shown, str(error)) from None
            for column, channel in enumerate(self.inputs):
                volts[at, :, column] = await self._read(channel, first, count)
        return times, volts

    async def off(self) -> None:
        """Stop the acquisition; the generator of a model that has one: its output off."""
        self._forget()
        await self.tell("STOP", kind="off")
        model = self.identity.model.upper() if self.identity is not None else ""
        if self._generator or model.endswith("G"):
            await self.tell("WGEN:OUTP OFF", kind="off")

    # -- how it is done ---------------------------------------------------------------------------

    def _check(self, points: int) -> None:
        if self.identity is not None and (
            missing := [n for n in self.inputs if n not in self.channels]
        ):
            raise InstrumentError(self.name, str(missing), self.identity.model, "no such input")
        span = record_points(points) / self.sample_rate
        settings.TIME_RANGE.check(span, instrument=self.name)

    async def _prepare(self, points: int, segments: int) -> None:
        record = record_points(points)
        await self.tell("STOP", kind="configure")
        await self.tell(
            *(
                settings.DISPLAY.setting(n in self.inputs, instrument=self.name, channel=n)
                for n in self.channels
            ),
            kind="configure",
        )
        for at, channel in enumerate(self.inputs):
            scale, offset = self.scale[at], self.offset[at]
            await self._set_channel(channel, self.probe[at], self.coupling, scale, offset)
        source = self.trigger_source
        if source.startswith("CHAN") and int(source[-1]) not in self.inputs:
            await self._set_channel(int(source[-1]), 1.0, "DC", self.trigger_scale, 0.0)
        span = settings.TIME_RANGE.setting(record / self.sample_rate, instrument=self.name)
        await self.tell("TIM:MODE MAIN", "TIM:REF LEFT", "TIM:POS 0", span, kind="configure")
        # Averages and segments exclude each other: first what excludes nothing.
        units = ["ACQ:MODE RTIM", f"ACQ:TYPE {self._acquire}"]
        if segments > 1:
            units += ["ACQ:MODE SEGM", f"ACQ:SEGM:COUN {segments}"]
        await self.tell(*units, kind="configure")
        level = settings.TRIGGER_LEVEL.setting(self.trigger_level, instrument=self.name)
        await self.tell(
            "TRIG:MODE EDGE", f"TRIG:EDGE:SOUR {source}", f"TRIG:EDGE:SLOP {self.trigger_slope}",
            level, "TRIG:EDGE:COUP DC", "TRIG:SWE NORM", kind="configure",
        )  # fmt: skip
        form = "BYTE" if self._acquire == "NORM" else "WORD"
        await self.tell(
            f"WAV:FORM {form}", "WAV:UNS ON", "WAV:BYT LSBF", "WAV:POIN:MODE RAW",
            f"WAV:POIN {record}", kind="configure",
        )  # fmt: skip
        await self._verify(record)

    async def _set_channel(
        self, channel: int, probe: float, coupling: str, scale: float, offset: float
    ) -> None:
        await self.tell(
            *(
                quantity.setting(value, instrument=self.name, channel=channel)
                for quantity, value in (
                    (settings.PROBE, probe), (settings.COUPLING, coupling),
                    (settings.INVERT, False), (settings.SCALE, scale), (settings.OFFSET, offset),
                )
            ),
            kind="configure",
        )  # fmt: skip

    async def _verify(self, record: int) -> None:
        """Read back all that decides how points are to be understood."""
        wanted: list[tuple[Quantity, int | str, float, float]] = []
        for at, channel in enumerate(self.inputs):
            slack = AGREEMENT * self.scale[at]
            wanted.append((settings.SCALE, channel, self.scale[at], slack))
            wanted.append((settings.OFFSET, channel, self.offset[at], slack))
        span = record / self.sample_rate
        wanted.append((settings.TIME_RANGE, "", span, AGREEMENT * span))
        level = self.trigger_level
        wanted.append((settings.TRIGGER_LEVEL, "", level, AGREEMENT * abs(level) + 1e-9))
        for quantity, channel, value, slack in wanted:
            found = float(await self.get(quantity, channel, kind="configure"))
            self._agree(quantity.query(channel), found, value, slack)

    async def _wait_for_trigger(self) -> None:
        await self._armed_event()  # reading it clears it
        await self.tell("SING", kind="arm")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout
        while not await self._armed_event():
            if loop.time() >= deadline:
                hint = "after :SINGle it does not come to wait for a trigger"
                raise InstrumentError(self.name, "AER?", "0", hint)
            await asyncio.sleep(POLL_INTERVAL)

    async def _armed_event(self) -> bool:
        text = await self.ask_text("AER?", kind="arm")
        if text.lstrip("+") not in ("0", "1"):
            raise self._wrong("AER?", text, "0 or 1 is due")
        return text.lstrip("+") == "1"

    async def _state(self) -> tuple[bool, str, str]:
        condition = int(await self.get(settings.CONDITION, kind="poll"))
        return not condition & RUNNING, settings.CONDITION.query(), f"{condition:+d}"

    async def _read(self, channel: int, first: int, count: int) -> Volts:
        width = 1 if self._acquire == "NORM" else 2
        received = 128 + width * record_points(self._armed)
        query = "WAV:DATA?"
        head, block = await self.ask(
            f"WAV:SOUR CHAN{channel}", "WAV:PRE?", query, answers=2, received=received,
            kind="fetch",
        )  # fmt: skip
        text = head.decode("latin-1")
        try:
            preamble = Preamble.parse(text)
            codes = preamble.codes(block)
        except ValueError as error:
            raise self._wrong("WAV:PRE?;:WAV:DATA?", text, str(error)) from None
        if preamble.format != (BYTE if width == 1 else WORD):
            raise self._wrong("WAV:PRE?", text, "its waveform settings have changed")
        if abs(preamble.xincrement * self.sample_rate - 1.0) > AGREEMENT:
            hint = (
                f"points should be {1.0 / self.sample_rate:g} s apart: it gave "
                f"{preamble.points} points for {record_points(self._armed)} that were asked for"
            )
            raise self._wrong("WAV:PRE?", text, hint)
        start = preamble.trigger + first
        if start < 0 or start + count > preamble.points:
            shown = f"{preamble.points} points, the trigger at {preamble.trigger}"
            raise self._wrong("WAV:PRE?", shown, "another client may have changed the time base")
        return preamble.volts(codes[start : start + count])

    def _forget(self) -> None:
        super()._forget()
        if self.identity is not None:
            digits = [character for character in self.identity.model if character.isdigit()]
            self.channels = (1, 2) if digits[3:4] == ["2"] else (1, 2, 3, 4)
