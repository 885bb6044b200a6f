"""Keysight (Agilent) 33500B and 33600A waveform generators, as an input source.

Both channels play a frame of samples once at each rising edge at Ext Trig. Sources: the QCoDeS and
pymeasure drivers of the family; laboratories' code that uploads words and builds sequences for the
33512B, 33522B and 33622A; one laboratory's notes of a 33600A in use. The operating manual itself
was not available. Facts that are not sure, and how this driver does without them:

- trigger latency (about 160 ns) and jitter (below 2.5 ns): `trigger_latency` is an option, and a
  marker in the frame measures it;
- the fastest sample rate with the filter off: `min_dwell` is that of the oldest firmware (62.5
  MSa/s), and the rate is read back after it was set;
- where a burst rests between triggers (at its first point, it is said): with `start="sequence"`
  it rests at 0 V;
- the number of the error for a name that is taken: memory is cleared before each upload;
- that `FUNC:ARB:PTP` sets the amplitude (it did not on one firmware): `VOLT` does, read back.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from drivers.errors import InstrumentError
from drivers.instrument import ANY_IDENTITY
from drivers.keysight_33600a import settings
from drivers.keysight_33600a.frames import MIN_DWELL, Frames, PerChannel, Volts, Words
from drivers.keysight_33600a.memory import WaveformMemory
from drivers.keysight_33600a.models import MODELS
from drivers.keysight_33600a.preparing import agreement, preparation
from drivers.keysight_33600a.scale import Scale, payload
from drivers.keysight_33600a.sequence import Segment, check_name, sequence_text
from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.protocol.scpi_dialogue import Unit
from drivers.quantity import Quantity, Value
from drivers.roles import PlayFacts
from drivers.transport.link import Connector

FRAME, REST, SEQUENCE = "FRAME", "REST", "TRIGGERED"
TAKE_IN_RATE = 1e6
"""Bytes/s below which an instrument does not take in a block, for time-outs only."""


class Keysight33600A(WaveformMemory):
    """A generator of one or two channels on a common external trigger: an `InputSource`.

    Order of use: `load`, `arm`, the trigger, for each frame. What is loaded already is not sent
    again.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = settings.QUANTITIES
    models: ClassVar[tuple[str, ...]] = MODELS
    roles: ClassVar[tuple[str, ...]] = ("InputSource",)
    default_port: ClassVar[int | None] = 5025
    error_bit: ClassVar[int] = 4  # Error Queue (programming guide, status byte register)
    min_dwell = MIN_DWELL
    # At the usual 2 Vpp, with the standard memory; a model of one channel says so when it answers.
    plays: ClassVar[PlayFacts] = PlayFacts(
        outputs=2, full_scale=1.0, samples=4_000_000, shortest=MIN_DWELL, latency=160e-9
    )

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
    def untold(self) -> Mapping[str, str]:
        """Its waveforms: their names are told, their points are not."""
        why = "names are told, points are not; load them again from where they came"
        return {**super().untold, "waveform points": why}

    @classmethod
    def plays_with(cls, options: Mapping[str, Any]) -> PlayFacts:
        """With the amplitude, offset, latency and memory that the options state."""
        frames = Frames(
            "", options.get("amplitude", 2.0), options.get("offset", 0.0),
            options.get("load", 50.0), from_rest=False, memory=None,
        )  # fmt: skip
        return replace(
            cls.plays, full_scale=float(frames.full_scale.min()),
            samples=int(options.get("memory") or cls.plays.samples),
            latency=float(options.get("trigger_latency", cls.plays.latency)),
        )  # fmt: skip

    # -- the role ---------------------------------------------------------------------------------

    @property
    def outputs(self) -> int:
        """Number of channels: of the model that answered, or is expected; else 2."""
        return len(self.channels)

    @property
    def max_points(self) -> int:
        """Most samples of one load."""
        return self._frames.max_points

    @property
    def full_scale(self) -> Volts:
        """Largest magnitude (channels,) in V that can be played with either sign."""
        return self._frames.full_scale

    async def load(self, volts: Volts, dwell: float) -> None:
        """Load volts (samples, channels) into the loads, each sample held for `dwell` s.

        Outputs are on after it, and wait for `arm`. Fewer samples than the memory takes at least
        are stored several times each. Raises `LimitError` before a byte leaves: a voltage beyond
        the channel's amplitude and offset, NaN or inf, a dwell too short, too many samples.
        """
        words = self._frames.words(volts)
        repeats, rate = self._frames.sampling(words.shape[0], dwell)
        stored = np.repeat(words, repeats, axis=0) if repeats > 1 else words
        await self._ensure_prepared()
        if self._loaded is not None:
            loaded, loaded_rate = self._loaded
            if loaded_rate == rate and np.array_equal(loaded, stored):
                return
        await self._upload(stored, rate)

    async def arm(self) -> None:
        """Let the next edge at Ext Trig start what is loaded; one exchange, none when it waits.

        Raises `InstrumentError` when nothing was loaded.
        """
        wanted = self._wanted
        if wanted is None:
            raise InstrumentError(self.name, "arm", "nothing is loaded", "call load() first")
        await self._ensure_prepared()
        if self._loaded is None:
            await self._upload(*wanted)  # it may have been lost with the connection
        if self._armed:
            return
        await self._tell_each("TRIG{channel}:SOUR EXT", kind="arm")
        self._armed = True
        if self._start == "sequence":  # an edge that comes while the rest is played would be lost
            await asyncio.sleep(self._frames.family.least_points / wanted[1])

    def quantise(self, volts: Volts) -> Volts:
        """The volts that the DACs really play; same shape. Raises `LimitError` as `load`.

        By the DAC of the model that answered, or is expected; else of 14 bits.
        """
        return self._frames.volts(self._frames.words(volts))

    def check_volts(self, volts: Volts) -> None:
        """Raise `LimitError` for volts (samples, channels) that cannot be played. Sends nothing."""
        self._frames.words(volts)

    def planned_load(self, samples: int) -> float:
        """Seconds that `load` of so many samples takes by the link model."""
        stored = max(samples, self._frames.family.least_points)
        return self.link.cost(self.outputs * (2 * stored + 180), 48, self.outputs + 1)

    def planned_arm(self) -> float:
        """Seconds that `arm` takes by the link model."""
        return self.link.cost(48, 16)

    async def off(self) -> None:
        """Outputs off first, then DC of 0 V, whatever is believed to be set.

        A refusal does not stop the rest; the first is raised in the end.
        """
        self._forget()
        self._wanted = None
        refused: InstrumentError | None = None
        for quantity in (settings.OUTPUT, settings.BURST, settings.FUNCTION, settings.OFFSET):
            assert quantity.safe is not None
            units = self._each(quantity, quantity.safe)
            try:
                await self.tell(*units, kind="off")
            except InstrumentError as error:
                refused = refused or error
        if refused is not None:
            raise refused

    # -- beyond the role --------------------------------------------------------------------------

    async def sync(self, channel: int) -> None:
        """Let Sync follow a channel (1 or 2): high while a burst is played, or a marker is.

        Raises `ValueError` for a channel that is not there.
        """
        if channel not in self.channels:
            raise ValueError(f"{self.name}: there is no channel {channel}")
        await self.set(settings.SYNC_SOURCE, f"CH{channel}")
        await self.set(settings.SYNC, True)

    async def load_sequence(
        self, channel: int, name: str, segments: Sequence[Segment], dwell: float
    ) -> None:
        """Load a sequence of waveforms into one channel and choose it; `arm` starts it.

        Its volts are held for `dwell` s a sample. What was loaded before is gone. Raises
        `LimitError` and `ValueError` before a byte leaves: as `load`, for two waveforms of one
        name, or one that is too short.
        """
        if channel not in self.channels:
            raise ValueError(f"{self.name}: there is no channel {channel}")
        text = sequence_text(name, segments)
        _, rate = self._frames.sampling(self._frames.family.least_points, dwell)
        arbs = self._frames.segment_words(channel, segments)
        await self._ensure_prepared()
        self._forget()
        self._wanted = None
        # With the output off, as it would play on its own between a burst and a sequence.
        await self._tell_each("OUTP{channel} OFF", (channel,))
        await self.set(settings.BURST, False, channel)
        await self._store(channel, arbs)
        await self.tell(
            scpi.block_unit(f"SOUR{channel}:DATA:SEQ", text.encode("ascii")), kind="upload"
        )
        await self._choose({channel: name}, rate, burst=False)
        await self._tell_each("TRIG{channel}:SOUR EXT", (channel,), kind="arm")

    # -- how it is done ---------------------------------------------------------------------------

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
