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
- ranges of modulation and sweeps (an older model's): an instrument clips or refuses, and says so;
- that `FUNC:ARB:PTP` sets the amplitude (it did not on one firmware): `VOLT` does, read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from drivers.errors import InstrumentError
from drivers.keysight_33600a import settings
from drivers.keysight_33600a.frames import MIN_DWELL, Frames, Volts
from drivers.keysight_33600a.loading import Loader
from drivers.keysight_33600a.sequence import Segment, sequence_text
from drivers.protocol import scpi
from drivers.roles import PlayFacts


class Keysight33600A(Loader):
    """A generator of one or two channels on a common external trigger: an `InputSource`.

    Order of use: `load`, `arm`, the trigger, for each frame. What is loaded already is not sent
    again.
    """

    roles: ClassVar[tuple[str, ...]] = ("InputSource",)
    error_bit: ClassVar[int] = 4  # Error Queue (programming guide, status byte register)
    min_dwell = MIN_DWELL
    # At the usual 2 Vpp, with the standard memory; a model of one channel says so when it answers.
    plays: ClassVar[PlayFacts] = PlayFacts(
        outputs=2, full_scale=1.0, samples=4_000_000, shortest=MIN_DWELL, latency=160e-9
    )

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
        for quantity in settings.MADE_SAFE:
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
