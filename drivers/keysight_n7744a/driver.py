"""Keysight (Agilent) N7744A, N7745A, N7744C, N7745C multiport power meters, as a readout.

After an edge at the trigger input every port logs its points, back to back, or one point an edge.
Sources: pages of Keysight's programming guides of the 816x mainframes (the same command tree) and
of the N774xC; LabExT; laboratories' code for the N7744A and N7745C. Facts that are not sure, and
how this driver does without them:

- the most points of a log (1,000,000 of the N7744A by a user's guide, 100,000 in one library):
  `max_points` is an option;
- the time from the edge to the first window (microseconds): `trigger_latency` is an option, and a
  marker in the frame measures it;
- whether logged values come in the unit that is set (N77xx) or in W (older ones): the unit is W;
- whether part of a result can be read (C models): all of it is, and cut here;
- the errors of settings while a log runs: logging is stopped before anything is set;
- stability (`PAR:STAB`, of the mainframes' guide and two users' code): `stability` alone uses it,
  and takes as many points as come; minimum and maximum (`MINM`), whose result no source shows, are
  not offered;
- zeroing (`CORR:COLL:ZERO`, of the mainframes' guide): `zero` alone uses it, and asks for its
  result.
"""

from __future__ import annotations

import asyncio
import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import is_number, real_number, whole_number
from drivers.errors import InstrumentError, LimitError
from drivers.keysight_n7744a import logs, settings
from drivers.keysight_n7744a.recording import Recorder
from drivers.optical_power import watts_of

Watts = NDArray[np.float64]
LONGEST = 1e9
"""s, more than any log lasts: its points are counted."""
ZERO_TIME = 60.0
"""s that zeroing all ports may take."""


class KeysightN7744A(Recorder):
    """A power meter of 4 or 8 ports: a `Readout` of intensities in W, a `PowerMonitor` by hand.

    Order of use: `arm`, the trigger, `fetch`, for each frame. Ports are numbered from 1.
    """

    roles: ClassVar[tuple[str, ...]] = ("Readout", "PowerMonitor")

    async def set_range(self, port: int, dbm: float | None) -> None:
        """Fix the range of a port that is read, in dBm, or let it follow the power (None).

        Raises `LimitError` for what is no range, `InstrumentError` while it is armed.
        """
        if port not in self._ports:
            raise ValueError(f"{self.name}: port {port} is none of {self._ports}, which are read")
        if dbm is not None:
            logs.check_range(self.name, port, dbm)
        if self._armed:
            hint = "call off() first"
            raise InstrumentError(self.name, "set_range", "it is armed; a log has one range", hint)
        if dbm is None:
            await self.set(settings.AUTO_RANGE, True, port)
            self._automatic.add(port)
            return
        await self._fix_range(port, dbm)
        self._automatic.discard(port)
        self._fixed[self._ports.index(port)] = dbm

    async def read_watts(self, port: int) -> float:
        """The power at a port now, W; inf above the range.

        Raises `InstrumentError`, `LinkError`.
        """
        unit = await self.get(settings.UNIT, port)
        query = f"READ{port}:POW?"
        text = await self.ask_text(query, wait=2.0 * self._averaging)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._link.doubt()
            raise InstrumentError(self.name, query, text, "a number is due")
        if value > logs.OVER_RANGE:
            return math.inf
        return watts_of(value) if unit == "DBM" else value

    @property
    def inputs(self) -> int:
        """Number of ports, of the model that answers or is expected."""
        return len(self.channels)

    async def watch(self, number: int, wavelength: float) -> None:
        """Be ready to read a port that takes no part in frames: wavelength, automatic range.

        Raises `LimitError` before that leaves. A port of `ports` is no longer logged until
        `set_range` gives it a fixed range.
        """
        self._check_port(number)
        await self.set(settings.WAVELENGTH, wavelength, number)
        await self.set(settings.AUTO_RANGE, True, number)
        if number in self._ports:
            self._automatic.add(number)

    async def read_input(self, number: int) -> float:
        """The power at a port now, W. Raises as `read_watts`, and above the range."""
        self._check_port(number)
        watts = await self.read_watts(number)
        if not math.isfinite(watts):
            query, hint = f"READ{number}:POW?", "above the range: less light, or a smaller share"
            raise InstrumentError(self.name, query, "over range", hint)
        return watts

    def _check_port(self, number: int) -> None:
        whole_number(number, 1, len(self.channels), instrument=self.name, what="input")

    async def stability(self, total: float, period: float, averaging: float) -> Watts:
        """Watch all ports that are read for `total` s: W (points, ports), a mean over `averaging` s
        each `period` s. It takes that long; frames are set up anew after it.

        A value above the range is inf. Raises `LimitError` before a byte leaves, `InstrumentError`
        where it is not done in time, `LinkError`.
        """
        settings.AVERAGING.check(averaging, instrument=self.name)
        if is_number(total) and total > LONGEST:
            raise LimitError(self.name, "total", total, f"{averaging:g} to {LONGEST:g} s", "s")
        limit = f"{averaging:g} s to {total:g} s, the averaging and the total time"
        real_number(
            period, averaging, total, instrument=self.name, what="period", unit="s", limit=limit
        )
        real_number(total, averaging, math.inf, instrument=self.name, what="total", unit="s")
        if not total / period <= self.max_points:
            limit = f"{self.max_points} points"
            raise LimitError(self.name, "points", total / period, limit)
        await self._ensure_prepared()
        self._armed = 0
        self._prepared = False  # the trigger input is another now
        times = ",".join(f"{seconds:.9g}" for seconds in (total, period, averaging))
        ports = self._ports
        await self.tell(
            *(logs.STOP.format(port=port) for port in ports),
            *(settings.TRIGGER_INPUT.setting("IGN", instrument=self.name, channel=port)
              for port in ports),
            *(logs.STABILITY.format(port=port, times=times) for port in ports),
            *(logs.STABILITY_START.format(port=port) for port in ports),
        )  # fmt: skip
        await asyncio.sleep(total)
        hint = f"a run of {total:g} s is not done {self.trigger_timeout:g} s after its time"
        await self._completed(self.trigger_timeout, hint)
        blocks = await self.ask_all(
            [logs.result(port) for port in ports], received=4 * int(total / period) + 16
        )
        if len({len(block) for block in blocks}) != 1 or not blocks[0] or len(blocks[0]) % 4:
            self._link.doubt()
            shown = f"{', '.join(str(len(block)) for block in blocks)} bytes"
            raise InstrumentError(self.name, logs.result(ports[0]), shown, "as many of each port")
        watts = np.stack([logs.watts(block) for block in blocks], axis=1)
        return np.where(watts > logs.OVER_RANGE, np.inf, watts)

    async def zero(self) -> None:
        """Take what all ports read now, in the dark, for nothing; it takes seconds.

        Raises `InstrumentError` for ports that were not dark.
        """
        self._armed = 0
        await self.tell(*(f"SENS{port}:FUNC:STAT LOGG,STOP" for port in self.channels))
        await self.ask("SENS1:CORR:COLL:ZERO:ALL", "*OPC?", answers=1, kind="zero", wait=ZERO_TIME)
        failed: list[str] = []
        for port in self.channels:
            query = f"SENS{port}:CORR:COLL:ZERO?"
            text = await self.ask_text(query)
            if text.removeprefix("+") != "0":
                failed.append(f"{query} {text}")
        if failed:
            hint = "keep all light away from the ports, and zero them again"
            raise InstrumentError(self.name, "zero", "; ".join(failed), hint)
