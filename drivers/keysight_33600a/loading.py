"""How waveforms get into a 33600A: a known state, words in its memory, and what plays them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from drivers.errors import InstrumentError
from drivers.instrument import ANY_IDENTITY
from drivers.keysight_33600a import settings
from drivers.keysight_33600a.frames import Frames, PerChannel, Words
from drivers.keysight_33600a.memory import WaveformMemory
from drivers.keysight_33600a.models import MODELS
from drivers.keysight_33600a.preparing import agreement, preparation
from drivers.keysight_33600a.scale import Scale, payload
from drivers.keysight_33600a.sequence import Segment, check_name, sequence_text
from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.protocol.scpi_dialogue import Unit
from drivers.quantity import Quantity, Value
from drivers.transport.link import Connector

FRAME, REST, SEQUENCE = "FRAME", "REST", "TRIGGERED"
TAKE_IN_RATE = 1e6
"""Bytes/s below which an instrument does not take in a block, for time-outs only."""


class Loader(WaveformMemory):
    """What is set is set once, and again after a reconnection."""

    quantities: ClassVar[tuple[Quantity, ...]] = settings.QUANTITIES
    models: ClassVar[tuple[str, ...]] = MODELS
    default_port: ClassVar[int | None] = 5025

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        amplitude: PerChannel = 2.0,
        offset: PerChannel = 0.0,
        load: PerChannel = 50.0,
        start: Literal["burst", "sequence"] = "burst",
        trigger_latency: float = 160e-9,
        memory: int | None = None,
    ) -> None:
        """`amplitude` (Vpp) and `offset` (V) are what the outputs put into `load` (ohm, inf for an
        open circuit), one number or one for each channel. `start`: what waits for the trigger, a
        burst, or a sequence that rests at 0 V. `trigger_latency`: s from the edge to the first
        sample, nominal. `memory`: points a channel, where the memory option is fitted.

        Raises `LimitError` for what no model can put out (5 V into 50 ohm).
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if start not in ("burst", "sequence"):
            raise ValueError(f"{name}: start {start!r} is neither 'burst' nor 'sequence'")
        if memory is not None and memory < 1:
            raise ValueError(f"{name}: memory {memory!r} is no number of points")
        self.trigger_latency = trigger_latency
        self._start = start
        self._wanted: tuple[Words, float] | None = None
        self._frames = Frames(
            name, amplitude, offset, load, from_rest=start == "sequence", memory=memory
        )
        self._adopt(str(self._expect.get("model", "")))
        self._forget()

    @property
    def outputs(self) -> int:
        """Number of channels: of the model that answered, or is expected; else 2."""
        return len(self.channels)

    def _forget(self) -> None:
        """Nothing is known of what is set and loaded."""
        if self.identity is not None:
            self._adopt(self.identity.model)
        self._prepared = False
        self._armed = False
        self._loaded: tuple[Words, float] | None = None

    def _adopt(self, model: str) -> None:
        self._frames.adopt(model)
        self.channels = tuple(range(1, self._frames.outputs + 1))

    async def _ensure_prepared(self) -> None:
        """Bring the instrument to a known state: at first use, and after a reconnection."""
        if self._link.doubtful:
            self._forget()
        if self._prepared:
            return
        self._forget()
        await self._tell_each("OUTP{channel} OFF")
        # It would go on with sequences; bursts would end it, and say so as an error.
        for quantity in settings.MODES:
            await self.tell(*self._each(quantity, False))
        await self.set(settings.BYTE_ORDER, "SWAP")
        for channel in self.channels:
            assert isinstance(channel, int)
            await self._prepare(channel, self._frames.scales[channel - 1])
        self._prepared = True

    async def _prepare(self, channel: int, scale: Scale) -> None:
        await self.set(settings.TRIGGER_SOURCE, "BUS", channel)
        await self.set(settings.BURST, False, channel)
        await self.set(settings.UNIT, "VPP", channel)
        if math.isinf(scale.load):
            await self.tell(f"OUTP{channel}:LOAD INF")
        else:
            await self.set(settings.LOAD, scale.load, channel)
        for quantity, value in preparation(scale):
            await self.set(quantity, value, channel)
        for quantity, wanted, slack in agreement(scale):
            found = float(await self.get(quantity, channel))
            self._agree(quantity.query(channel), found, wanted, slack)

    def _agree(self, query: str, found: float, wanted: float, slack: float) -> None:
        if found != wanted and not abs(found - wanted) <= slack:
            hint = f"{wanted:.9g} was set; the instrument has adjusted it"
            raise InstrumentError(self.name, query, f"{found:.9g}", hint)

    async def _upload(self, words: Words, rate: float) -> None:
        """Store words (samples, channels) and choose them, not yet triggered."""
        self._loaded = None
        self._armed = False
        self._wanted = words, rate
        waits = self._start == "sequence"
        name = SEQUENCE if waits else FRAME
        rest = np.zeros((self._frames.family.least_points, self.outputs))
        at_rest = self._frames.words(rest) if waits else None
        for channel in self.channels:
            assert isinstance(channel, int)
            arbs = {FRAME: words[:, channel - 1]}
            if at_rest is not None:
                arbs = {REST: at_rest[:, channel - 1], **arbs}
            await self._store(channel, arbs)
            if waits:
                segments = (
                    Segment(REST, rest[:, 0], "onceWaitTrig", marker="lowAtStart"),
                    Segment(FRAME, np.zeros(words.shape[0]), marker="highAtStart"),
                )
                text = sequence_text(name, segments).encode("ascii")
                unit = scpi.block_unit(f"SOUR{channel}:DATA:SEQ", text)
                await self.tell(unit, kind="upload")
        await self._choose(dict.fromkeys(range(1, self.outputs + 1), name), rate, burst=not waits)
        self._loaded = words, rate

    async def _store(self, channel: int, arbs: Mapping[str, Words]) -> None:
        """Clear the channel's memory and store waveforms by name, one message each."""
        units: list[Unit] = [f"TRIG{channel}:SOUR BUS", f"SOUR{channel}:DATA:VOL:CLE"]
        if self._start == "sequence":  # the default waveform, chosen by the clear, would play on
            units.insert(1, f"SOUR{channel}:FUNC DC")
        for name, words in arbs.items():
            check_name(name)
            data = payload(words)
            units.append(scpi.block_unit(f"SOUR{channel}:DATA:ARB:DAC {name},", data))
            # *OPC? answers when the block has been taken in; commands before that may be lost.
            wait = len(data) / TAKE_IN_RATE
            (done,) = await self.ask(*units, "*OPC?", answers=1, kind="upload", wait=wait)
            if done.strip() not in (b"1", b"+1"):
                self._link.doubt()
                raise InstrumentError(self.name, "*OPC?", done.decode("latin-1"), "1 is due")
            units = []

    async def _choose(self, names: Mapping[int, str], rate: float, *, burst: bool) -> None:
        """Choose waveforms by channel, at a sample rate, and switch the outputs on."""
        units: list[str] = []
        questions: list[str] = []
        for channel, name in names.items():
            units += [f"SOUR{channel}:FUNC:ARB {name}", f"SOUR{channel}:FUNC ARB"]
            units += [settings.SAMPLE_RATE.setting(rate, instrument=self.name, channel=channel)]
            units += [settings.BURST.setting(burst, instrument=self.name, channel=channel)]
            units += [settings.OUTPUT.setting(True, instrument=self.name, channel=channel)]
            questions.append(settings.SAMPLE_RATE.query(channel))
        replies = await self.ask(
            *units, *questions, answers=len(questions), received=24 * len(questions), kind="upload"
        )
        for query, reply in zip(questions, replies, strict=True):
            text = reply.decode("latin-1")
            try:
                found = float(settings.SAMPLE_RATE.parse(text))
            except ValueError as error:
                self._link.doubt()
                raise InstrumentError(self.name, query, text, str(error)) from None
            self._agree(query, found, rate, 1e-6 * rate + 1e-6)

    async def _tell_each(
        self, command: str, channels: tuple[int | str, ...] = (), *, kind: str = "set"
    ) -> None:
        """The same command for several channels (None given: all) in one message."""
        units = [command.format(channel=channel) for channel in channels or self.channels]
        await self.tell(*units, kind=kind)

    def _each(self, quantity: Quantity, value: Value) -> list[str]:
        return [
            quantity.setting(value, instrument=self.name, channel=channel)
            for channel in self.channels
        ]
