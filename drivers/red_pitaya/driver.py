"""Red Pitaya STEMlab 125-14: two outputs and two inputs, started together by one trigger.

SCPI on TCP port 5000, lines ended by CR LF. Both generators play one point a sample on the edge at
DIO0_P, and the acquisition starts on the same edge. Source: Red Pitaya scpi-server source
(`scpi-commands.cpp`, `acquire.cpp`, `acquire_axi.cpp`, `generate.cpp`). Facts that are not sure,
and how this driver does without them:

- the identity of older releases: only its first field is looked at;
- the latency from trigger to first point: `trigger_latency` is an option, and a marker measures it;
- what older releases lack: a short debounce (`debounce=None` leaves it), the deep memory (only
  `deep_points` uses it), sweeps (that there are none is no error when they are to be off).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import real_numbers
from drivers.instrument import LimitError
from drivers.red_pitaya import settings
from drivers.red_pitaya import words as conversion
from drivers.red_pitaya.memory import BUFFER
from drivers.red_pitaya.preparing import check
from drivers.red_pitaya.recording import Recorder
from drivers.roles import PlayFacts

SAMPLE_TEXT = 7.5
"""Mean bytes of a sample's text and its comma."""


class RedPitaya(Recorder):
    """A two-channel arbitrary waveform generator and digitiser with a common external trigger.

    Order of use: `prepare` once, then `load`, `arm`, the trigger, `fetch` for each frame: four
    exchanges when the trigger has come by the time of `fetch`.
    """

    roles = ("InputSource", "Readout")
    outputs = 2
    dac_bits = 14
    plays = PlayFacts(
        outputs=2, full_scale=conversion.FULL_SCALE, samples=BUFFER, shortest=8e-9, tick=8e-9
    )

    @classmethod
    def plays_with(cls, options: Mapping[str, Any]) -> PlayFacts:
        """With the latency that the options state."""
        return replace(cls.plays, latency=float(options.get("trigger_latency", 0.0)))

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (2,) in V of the outputs."""
        return np.full(2, conversion.FULL_SCALE)

    async def load(self, volts: NDArray[np.float64], dwell: float | None = None) -> None:
        """Load volts (samples, 2) of both outputs, one exchange; none when they are loaded already.

        `dwell`: s a sample is held (None: as before); the box is set up anew when it changes.
        Raises `LimitError` before a byte leaves for a value outside +-1 V, NaN or inf, and for more
        samples than the buffer holds; `ValueError` for a dwell off its clock.
        """
        words = self._words(volts)
        if dwell is not None:
            _, decimation, average = self._wanted or (dwell, 1, True)
            check(self.name, dwell, decimation)
            self._wanted = (dwell, decimation, average)
        async with self._setting_up:
            await self._ensure_applied()
            if self._loaded is None or not np.array_equal(words, self._loaded):
                await self._upload(words)

    async def _upload(self, words: NDArray[np.int64]) -> None:
        texts = conversion.word_texts()
        units = [
            f"SOUR{output}:TRAC:DATA:DATA {','.join(map(texts.__getitem__, column))}"
            for output, column in ((1, words[:, 0].tolist()), (2, words[:, 1].tolist()))
        ]
        if not self._outputs_on:
            units += [settings.OUTPUT.setting(True, instrument=self.name, channel=1)]
            units += [settings.OUTPUT.setting(True, instrument=self.name, channel=2)]
        self._loaded = None
        await self.tell(*units, kind="upload")
        self._outputs_on = True
        self._loaded = words

    async def arm(self, points: int | None = None) -> None:
        """Start the acquisition of `points` points after the trigger, one exchange.

        The outputs are ready by themselves: without `points` no exchange is needed. Raises
        `LimitError` when they exceed the memory.
        """
        if points is not None:
            self._check_points(points)
        words = self._loaded
        async with self._setting_up:
            await self._ensure_applied()
            if words is not None and self._loaded is None:
                await self._upload(words)  # it was lost with the connection
        if points is not None:
            await self._record(points)

    def planned_load(self, samples: int) -> float:
        """Seconds that `load` of so many samples takes by the link model."""
        return self.link.cost(self.outputs * (SAMPLE_TEXT * samples + 24) + 12, 16)

    def planned_arm(self, points: int = 0) -> float:
        """Seconds that `arm` takes by the link model."""
        return self.link.cost(64, 16) if points else 0.0

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The volts that the 14-bit DAC really plays; same shape. Raises `LimitError` as `load`."""
        volts = real_numbers(volts, instrument=self.name)
        self.check_volts(volts)
        return conversion.volts(conversion.words(volts))

    def check_volts(self, volts: NDArray[np.float64]) -> None:
        """Raise `LimitError` for volts (samples, 2) outside +-1 V, NaN and inf. Sends nothing."""
        conversion.check_volts(self.name, volts)

    def _words(self, volts: NDArray[np.float64]) -> NDArray[np.int64]:
        volts = real_numbers(volts, instrument=self.name)
        if volts.ndim != 2 or volts.shape[1] != self.outputs:
            raise ValueError(f"{self.name}: volts have shape {volts.shape}, not (samples, 2)")
        if not 1 <= volts.shape[0] <= BUFFER:
            raise LimitError(self.name, "samples", volts.shape[0], f"1 to {BUFFER} samples")
        self.check_volts(volts)
        return conversion.words(volts)
