"""What the channels can play, as words for their DACs; what they cannot is refused here."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import real_number, real_numbers
from drivers.errors import LimitError
from drivers.keysight_33600a.models import Family, channel_count, family
from drivers.keysight_33600a.scale import Scale
from drivers.keysight_33600a.sequence import Segment

Volts = NDArray[np.float64]
Words = NDArray[np.int64]
PerChannel = float | Sequence[float]
MIN_DWELL = 16e-9
LONGEST_DWELL = 1e6


class Frames:
    """Frames for the channels of one generator, as its model has them.

    Attributes
    ----------
    scales : from volts to words and back, of two channels, whether there are two or not.
    family, outputs : of the model that was adopted last.
    """

    def __init__(
        self,
        name: str,
        amplitude: PerChannel,
        offset: PerChannel,
        load: PerChannel,
        *,
        from_rest: bool,
        memory: int | None,
    ) -> None:
        """`amplitude` (Vpp) and `offset` (V) into `load` (ohm), each one number or one for each
        channel; `from_rest`: a frame begins and ends at 0 V; `memory`: points a channel (None: as
        the model has).

        Raises `LimitError` for what no model can put out.
        """
        self.name = name
        self._from_rest = from_rest
        self._memory = memory
        self.scales = [
            Scale(*(_of(value, index, name) for value in (amplitude, offset, load)))
            for index in range(2)
        ]
        for channel, scale in enumerate(self.scales, 1):
            scale.check(name, channel)
        if from_rest:
            for channel, scale in enumerate(self.scales, 1):
                scale.check_volts(np.zeros(1), name, channel)
        self.adopt("")

    def adopt(self, model: str) -> None:
        """Reckon with a model from now on; with what all can do for one that is not known."""
        self.family: Family = family(model)
        self.outputs = channel_count(model)

    @property
    def max_points(self) -> int:
        """Most samples of one frame."""
        points = self.family.most_points if self._memory is None else self._memory
        return points - self.family.least_points if self._from_rest else points

    @property
    def full_scale(self) -> Volts:
        """Largest magnitude (channels,) in V that can be played with either sign."""
        ends = [max(0.0, min(-scale.low, scale.high)) for scale in self.scales[: self.outputs]]
        return np.array(ends)

    def volts(self, words: Words) -> Volts:
        """Volts (samples, channels) that words (samples, channels) play."""
        columns = [self.scales[at].volts(words[:, at]) for at in range(self.outputs)]
        return np.stack(columns, axis=1)

    def words(self, volts: Volts) -> Words:
        """Words (samples, channels) for volts (samples, channels).

        Raises `LimitError` for a voltage that a channel does not reach, NaN, inf, or too many
        samples; `ValueError` for another shape.
        """
        volts = real_numbers(volts, instrument=self.name)
        if volts.ndim != 2 or volts.shape[1] != self.outputs:
            raise ValueError(
                f"{self.name}: volts have shape {volts.shape}, not (samples, {self.outputs})"
            )
        if not 1 <= volts.shape[0] <= self.max_points:
            limit = f"1 to {self.max_points} samples"
            raise LimitError(self.name, "samples", volts.shape[0], limit)
        words = np.empty(volts.shape, dtype=np.int64)
        for at, channel in enumerate(range(1, self.outputs + 1)):
            self.scales[at].check_volts(volts[:, at], self.name, channel)
            words[:, at] = self.scales[at].words(volts[:, at], self.family.bits)
        return words

    def sampling(self, samples: int, dwell: float) -> tuple[int, float]:
        """How often each sample is stored, and the sample rate, so that it lasts `dwell` s.

        Raises `LimitError`.
        """
        repeats = max(1, math.ceil(self.family.least_points / samples))
        shortest = MIN_DWELL * repeats
        limit = f"{shortest:.9g} to {LONGEST_DWELL:g} s"
        if repeats > 1:
            limit += f" for {samples} samples, each stored {repeats} times"
        least = shortest * (1.0 - 1e-9)
        dwell = real_number(
            dwell, least, LONGEST_DWELL, instrument=self.name, what="dwell", unit="s", limit=limit
        )
        return repeats, repeats / dwell

    def segment_words(self, channel: int, segments: Sequence[Segment]) -> dict[str, Words]:
        """Words (samples,) of the waveforms of a channel's sequence by name.

        Raises `LimitError` as `words`; `ValueError` for two waveforms of one name, or a short one.
        """
        scale = self.scales[channel - 1]
        arbs: dict[str, Words] = {}
        for one in segments:
            volts = real_numbers(one.volts, instrument=f"{self.name} segment {one.name}")
            if volts.ndim != 1 or volts.size < self.family.least_points:
                least = self.family.least_points
                raise ValueError(
                    f"segment {one.name}: volts have shape {volts.shape}, "
                    f"not ({least} samples or more,)"
                )
            scale.check_volts(volts, self.name, channel)
            words = scale.words(volts, self.family.bits)
            if one.name in arbs and not np.array_equal(arbs[one.name], words):
                raise ValueError(f"segment {one.name}: two waveforms have this name")
            arbs[one.name] = words
        points = sum(words.size for words in arbs.values())
        if points > self.max_points:
            limit = f"{self.max_points} points in all"
            raise LimitError(self.name, channel, points, limit)
        return arbs


def _of(value: PerChannel, index: int, name: str) -> float:
    """A channel's own of one number for all, or of one for each."""
    if isinstance(value, int | float):
        return float(value)
    if len(value) not in (1, 2):
        raise ValueError(f"{name}: {value!r} is neither one number nor one for each channel")
    return float(value[min(index, len(value) - 1)])
