"""Waveforms of instruments as a snapshot holds them: samples, packed into its text; or words.

Samples stand as little-endian float64, compressed by zlib, in base64, beside their number and the
SHA-256 of their bytes: plain data, of which nothing is ever executed.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What a waveform is called among the settings of a snapshot.
WAVEFORM = "waveform"
#: Most samples that are believed of a file, so that a small one cannot fill the memory.
MOST_SAMPLES = 1 << 27
#: Fractions of full scale by which two samples may differ: the decimals that a box tells.
SLACK = 2e-6


@dataclass(frozen=True, eq=False)
class Waveform:
    """Samples (n,) in an instrument's memory, as fractions of full scale."""

    samples: NDArray[np.float64]

    def __str__(self) -> str:
        low, high = float(self.samples.min()), float(self.samples.max())
        reach = f"all {low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
        return f"{self.samples.size} samples, {reach}, sha256 {digest(self.samples)[:8]}"

    def same(self, other: Waveform) -> bool:
        """Whether they are one waveform, to the last decimal that is told."""
        return self.samples.size == other.samples.size and self.distance(other)[0] <= SLACK

    def distance(self, other: Waveform) -> tuple[float, int]:
        """Largest difference of the samples that both have, and the first place of it."""
        count = min(self.samples.size, other.samples.size)
        apart = np.abs(self.samples[:count] - other.samples[:count])
        at = int(np.argmax(apart))
        return float(apart[at]), at

    def change(self, other: Waveform) -> str:
        """From this one to another, in words."""
        most, at = self.distance(other)
        return f"{self} -> {other} (largest difference {most:.3g}, at sample {at})"


def digest(samples: NDArray[np.float64]) -> str:
    """SHA-256 of samples as they are stored."""
    return hashlib.sha256(samples.astype("<f8").tobytes()).hexdigest()


def packed(told: NDArray[np.float64] | str) -> dict[str, Any]:
    """A waveform as a snapshot's file holds it: `samples`, `sha256` and `data`, or `told`."""
    if isinstance(told, str):
        return {"told": told}
    data = zlib.compress(told.astype("<f8").tobytes(), 6)
    return {
        "samples": int(told.size),
        "sha256": digest(told),
        "data": base64.b64encode(data).decode("ascii"),
    }


def unpacked(entry: Any) -> Waveform | str:
    """A waveform of a file. Raises `ValueError` for what is damaged."""
    if not isinstance(entry, Mapping):
        raise ValueError("no table")
    if set(entry) == {"told"} and isinstance(entry["told"], str):
        return entry["told"]
    count, data = entry.get("samples"), entry.get("data")
    if type(count) is not int or not 1 <= count <= MOST_SAMPLES or not isinstance(data, str):
        raise ValueError("no samples")
    size = 8 * count
    try:
        unzip = zlib.decompressobj()
        raw = unzip.decompress(base64.b64decode(data, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"its samples cannot be unpacked ({error})") from None
    if len(raw) != size or not unzip.eof:
        raise ValueError(f"it does not hold {count} samples")
    samples = np.frombuffer(raw, dtype="<f8").astype(np.float64)
    if digest(samples) != entry.get("sha256"):
        raise ValueError("its samples are not those that were saved: sha256 is another")
    if not np.isfinite(samples).all():
        raise ValueError("a sample is no number")
    return Waveform(samples)
