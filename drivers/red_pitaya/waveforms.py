"""The memory that an output of a Red Pitaya plays from, told and put back as samples.

Source: Red Pitaya scpi-server source (`generate.cpp`): `SOUR#:TRAC:DATA:DATA?` answers the samples
in the format of this client, `{0.5,-0.25}` (six decimals), or a block of float32.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError, LimitError
from drivers.red_pitaya.settings import FORMAT, WAVEFORM_POINTS
from drivers.scpi_instrument import ScpiInstrument

TOLD_BYTES = 10 * WAVEFORM_POINTS
"""Bytes of the longest answer, in words."""
SLACK = 1e-6
"""By which a sample may be told beyond full scale: the last decimal."""


class WaveformMemory(ScpiInstrument):
    """A box whose outputs' memory can be told and put back."""

    async def read_waveforms(self) -> dict[str, NDArray[np.float64] | str]:
        """Samples (n,) in each output's memory, 1 to 16384 of them, as fractions of 1 V."""
        return {str(channel): await self._samples(channel) for channel in self.channels}

    async def write_waveform(self, channel: str, samples: NDArray[np.float64]) -> None:
        """Load an output's memory; a frame that was there is gone. Raises as the base's."""
        unit = setting(self.name, channel, samples)
        self._overwritten()
        await self.tell(unit, kind="upload")

    @abstractmethod
    def _overwritten(self) -> None:
        """What makes a frame is set up anew before the next one."""

    async def _samples(self, channel: int | str) -> NDArray[np.float64]:
        query = f"SOUR{channel}:TRAC:DATA:DATA?"
        form, told = await self.ask(FORMAT.query(), query, received=TOLD_BYTES, kind="read")
        try:
            return parse(told, binary=FORMAT.parse(form.decode("latin-1")) == "BIN")
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, repr(told[:40]), str(error)) from None


def parse(told: bytes, *, binary: bool) -> NDArray[np.float64]:
    """Read an answer: a block's bytes, or text. Raises `ValueError` for what is no waveform."""
    if binary:
        if len(told) % 4:
            raise ValueError(f"{len(told)} bytes are no whole number of float32")
        samples = np.frombuffer(told, dtype=">f4").astype(np.float64)
    else:
        text = told.decode("latin-1").strip()
        if text.startswith("{") != text.endswith("}"):
            raise ValueError("a brace is missing: it was cut off")
        samples = np.array([float(part) for part in text.strip("{}").split(",")])
    if not 1 <= samples.size <= WAVEFORM_POINTS:
        raise ValueError(f"{samples.size} samples, not 1 to {WAVEFORM_POINTS}")
    if not (np.abs(samples) <= 1.0 + SLACK).all():  # NaN, too
        raise ValueError("a sample is beyond full scale")
    return np.clip(samples, -1.0, 1.0)


def setting(name: str, channel: str, samples: NDArray[np.float64]) -> str:
    """The command that loads samples (n,) into an output.

    Raises `LimitError` for more than the memory holds, and for one outside -1 to 1, NaN or inf;
    `ValueError` for another shape or channel.
    """
    if channel not in ("1", "2"):
        raise ValueError(f"{name}: there is no output {channel!r}, but 1 and 2")
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError(f"{name}: samples have shape {samples.shape}, not (n,)")
    if not 1 <= samples.size <= WAVEFORM_POINTS:
        limit = f"1 to {WAVEFORM_POINTS} samples"
        raise LimitError(name, f"output {channel}", samples.size, limit)
    good = np.abs(samples) <= 1.0
    if not good.all():
        bad = float(samples[int(np.argmin(good))])
        raise LimitError(name, f"output {channel}", bad, "-1 to 1 of full scale")
    texts = ",".join(f"{sample:.9g}" for sample in samples.tolist())
    return f"SOUR{channel}:TRAC:DATA:DATA {texts}"
