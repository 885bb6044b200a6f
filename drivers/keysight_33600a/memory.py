"""What a generator tells of its waveform memory: names and figures, never the points.

Sources: laboratories' code for the 33500B family, which asks `DATA:VOL:CAT?` and
`DATA:ATTR:POIN?` after an upload; pymeasure's driver, which asks `FUNC:ARB?`. No command asks for
points. What is in the memory can only be stored as a file on the instrument's own disk, in place of
a file of that name: nothing that a snapshot may do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.scpi_instrument import ScpiInstrument

FIGURES = (("AVER", "mean"), ("PTP", "peak to peak"), ("CFAC", "crest factor"))


class WaveformMemory(ScpiInstrument):
    """A generator that names the waveforms in its channels' memory."""

    async def read_waveforms(self) -> dict[str, NDArray[np.float64] | str]:
        """By channel: the waveform that is chosen, its figures, and all names, in words."""
        return {str(channel): await self._memory(channel) for channel in self.channels}

    async def _memory(self, channel: int | str) -> str:
        chosen = (await self.ask_text(f"SOUR{channel}:FUNC:ARB?")).strip().strip('"')
        told = await self.ask_text(f"SOUR{channel}:DATA:VOL:CAT?")
        held = ", ".join(name.strip().strip('"') for name in told.split(","))
        return f"{await self._figures(channel, chosen)}; in memory: {held}"

    async def _figures(self, channel: int | str, chosen: str) -> str:
        """Points, mean and peak to peak tell two waveforms of one name apart, most often."""
        query = f'SOUR{channel}:DATA:ATTR:POIN? "{chosen}"'
        try:
            parts = [f"{float(await self.ask_text(query)):g} points"]
            for header, what in FIGURES:
                value = await self.ask_text(f'SOUR{channel}:DATA:ATTR:{header}? "{chosen}"')
                parts.append(f"{what} {round(float(value), 6) + 0.0:g}")
        except InstrumentError:
            return chosen  # a sequence, or a file that is not in the memory
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, "", str(error)) from None
        return f"{chosen} ({', '.join(parts)})"
