"""Qontrol Q8iv, Q8b, Q8a, Q8bi: voltage outputs for heaters, up to 8 modules on one serial port.

Sources: Qontrol API 1.1.20, BP8 manual 1.1, transcripts of the API's `virtual-module` branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers import qontrol_held as held_outputs
from drivers.arguments import channel_numbers, real_numbers
from drivers.errors import OutputFault
from drivers.instrument import ANY_IDENTITY, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.protocol.qontrol import WORD_MAX, Code
from drivers.qontrol_dialogue import NO_POWER
from drivers.qontrol_exchanges import CHANNELS_PER_MODULE, I_FULL, OK_BYTES
from drivers.qontrol_frames import Encoding, QontrolFrames
from drivers.qontrol_quantities import AMPS, QUANTITIES, V_FULL, VOLTS, VOLTS_MAX
from drivers.qontrol_writes import CLOSING_READ, CLOSING_SENT, UNKNOWN, plan_writes
from drivers.quantity import Quantity, Value
from drivers.roles import OutputLayout
from drivers.transport.link import Connector, LinkError

MODULES_MAX = 8
VECTOR_BYTES = 7
"""A binary vector's header, code, address and count."""


class QontrolQ8(QontrolFrames):
    """A chain of Qontrol voltage drivers behind one serial port: 8 channels a module.

    Channels are numbered through the chain: module 0 has 0 to 7. Outputs are unipolar, 0 to 12 V,
    set by 16-bit words. Only words that differ from the last acknowledged ones are sent.
    """

    quantities = QUANTITIES
    models = tuple(I_FULL)
    links: ClassVar[tuple[str, ...]] = ("serial",)
    roles = ("VoltageOutputs", "WeightBank")
    layout = OutputLayout(MODULES_MAX, CHANNELS_PER_MODULE, V_FULL, I_FULL, option="modules")
    greeting = "firmware? at 115200 baud"

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        modules: int = MODULES_MAX,
        encoding: Encoding = "binary",
        vector_words: int = CHANNELS_PER_MODULE * MODULES_MAX,
    ) -> None:
        """`modules` must be found on open. `vector_words`: longest binary vector, for firmware
        whose instruction buffer is short. Raises `ValueError` for what cannot be.
        """
        if not 1 <= modules <= MODULES_MAX:
            raise ValueError(f"{name}: modules = {modules!r} is not between 1 and {MODULES_MAX}")
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout, modules=modules,
            encoding=encoding, vector_words=vector_words,
        )  # fmt: skip
        self.v_max = np.full(self.channels, V_FULL)
        self.i_max = np.full(self.channels, max(I_FULL.values()))
        self._limits_wanted = False
        self._turn = 0

    def set_limits(self, v_max: NDArray[np.float64], i_max: NDArray[np.float64]) -> None:
        """Narrow the channels' limits to v_max (channels,) V and i_max (channels,) A.

        The effective limit is the lower of this and the hardware's. Writes nothing: see
        `apply_limits`. Raises `ValueError` for a wrong shape, `LimitError` for NaN or a negative.
        """
        every = np.arange(self.channels)
        for what, given in (("v_max", v_max), ("i_max", i_max)):
            if np.shape(given) != (self.channels,):
                raise ValueError(
                    f"{self.name}: {what} has shape {np.shape(given)}, not ({self.channels},)"
                )
            good = np.asarray(given) >= 0.0
            if not good.all():
                at = int(every[~good][0])
                raise LimitError(self.name, at, float(given[at]), f"{what} of 0 or more")
        self.v_max = np.minimum(v_max, self.v_full)
        self.i_max = np.minimum(i_max, max(I_FULL.values()))

    async def apply_limits(self) -> None:
        """Write the effective limits to the hardware, so that it trips on its own.

        They are written again after the connection was lost.
        """
        async with self._writing:
            self._limits_wanted = True
            await self._write_limits()

    async def _write_limits(self) -> None:
        i_max = np.minimum(self.i_max, self.i_full)
        for code, fraction in (
            (Code.VMAX, self.v_max / self.v_full),
            (Code.IMAX, i_max / self.i_full),
        ):
            words = np.rint(fraction * WORD_MAX).astype(np.int64)
            for first in range(0, self.channels, self._longest):
                await self._set(code, first, words[first : first + self._longest], "limits")
        self._limits_due = False

    async def write_volts(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> int:
        """Set channels (n,) to volts (n,) and return how many had to be written.

        Raises `LimitError` before a byte leaves for a value out of range, NaN, inf or a channel
        that there is not; `InstrumentError` when a module reports an error, late ones included.
        """
        channels = channel_numbers(channels, instrument=self.name)
        volts = real_numbers(volts, instrument=self.name)
        self._check(channels, volts)
        words = np.rint(volts * (WORD_MAX / self.v_full)).astype(np.int64)
        async with self._writing:
            if self._limits_wanted and (self._limits_due or self._link.doubtful):
                await self._write_limits()  # a chassis that lost power has lost them
            if self._link.doubtful:
                self._words[:] = UNKNOWN  # as on meeting it again, which comes after the plan
            wanted = self._words.copy()
            wanted[channels] = words
            changed = int((wanted != self._words).sum())
            spans = list(plan_writes(wanted, self._words, self.link, self._longest))
            if not spans and not self._link.doubtful:
                await self._overhear()
            for first, span in spans:
                held = self._words[first : first + span.size]
                held[:] = UNKNOWN  # until it is acknowledged
                await self._set(Code.V, first, span, "write")
                held[:] = span
        return changed

    async def check_held(self, *, every: bool = False) -> None:
        """Raise `InstrumentError` where outputs no longer give what they were set to.

        Measures one of them, another one each time, and all where that one is low; `every`: all at
        once. One that is low alone is a dead output, which ends nothing. Raises also for faults
        that were told meanwhile, and `LinkError`.
        """
        async with self._writing:
            # As they are before the exchange: a link that is made anew forgets them.
            asked = held_outputs.driven(self._words, self.v_full)
            turn, self._turn = self._turn, self._turn + 1
            channel = held_outputs.next_one(asked, turn, CHANNELS_PER_MODULE)
            if channel is None:
                await self.check_faults()
                return
            if not every:
                measured = float(await self._get(VOLTS, channel))
                if not held_outputs.is_low(float(asked[channel]), measured):
                    return
            volts = await self.read_volts()
            lost = held_outputs.lost(asked, volts, CHANNELS_PER_MODULE)
            if lost.size:
                self._words[:] = UNKNOWN
                self._limits_due = True
                told = ", ".join(
                    f"channel {at} {volts[at]:.4g} V, not {asked[at]:.4g} V" for at in lost[:3]
                )
                told += f", and {lost.size - 3} more" if lost.size > 3 else ""
                raise OutputFault(self.name, f"{VOLTS.header('ALL')}?", told, NO_POWER)

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many neighbouring channels by the link model, one vector's worth."""
        if not changed:
            return 0.0
        vectors = -(-changed // self._longest)
        sent = vectors * VECTOR_BYTES + 2 * changed + vectors * CLOSING_SENT
        read = vectors * OK_BYTES * self.modules + vectors * CLOSING_READ
        return self.link.cost(sent, read, vectors)

    async def write_amps(self, channels: NDArray[np.intp], amps: NDArray[np.float64]) -> None:
        """Make the outputs of channels (n,) find the voltages that drive amps (n,).

        A channel trips where that takes more than its largest voltage, told with the next exchange.
        Raises as `write_volts`.
        """
        channels = channel_numbers(channels, instrument=self.name)
        amps = real_numbers(amps, instrument=self.name)
        self._check_channels(channels, amps, "amps")
        high = np.minimum(self.i_max, self.i_full)[channels]
        AMPS.check_array(amps, channels, instrument=self.name, high=high)
        wanted = np.full(self.channels, UNKNOWN, dtype=np.int64)
        wanted[channels] = np.rint(amps / self.i_full[channels] * WORD_MAX).astype(np.int64)
        async with self._writing:
            self._words[channels] = UNKNOWN  # what they come to is the load's affair
            for first, span in self._runs(wanted):
                await self._set(Code.I, first, span, "write")

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set a declared quantity of one channel.

        Raises `ValueError` without a channel, for one that there is not, and for a quantity that
        can only be read; `LimitError` before a byte leaves; else as `write_volts`.
        """
        self._declared(quantity)
        if not quantity.writable:
            raise ValueError(f"{self.name}: {quantity.name} can only be read ({quantity.doc})")
        place = self._place(channel, self.channels, quantity.name)
        number = float(quantity.check(value, instrument=self.name, channel=place))
        at = np.array([place])
        if quantity == VOLTS:
            await self.write_volts(at, np.array([number]))
        elif quantity == AMPS:
            await self.write_amps(at, np.array([number]))
        else:
            await self._set_limit(quantity, place, number)

    async def _set_limit(self, quantity: Quantity, channel: int, value: float) -> None:
        is_volts = quantity == VOLTS_MAX
        full = self.v_full if is_volts else float(self.i_full[channel])
        if value > full * (1 + 1e-9):
            raise LimitError(self.name, channel, value, f"0 to {full:g} {quantity.unit}")
        async with self._writing:
            word = np.array([round(value / full * WORD_MAX)], dtype=np.int64)
            await self._set(Code.VMAX if is_volts else Code.IMAX, channel, word, "limits")
            (self.v_max if is_volts else self.i_max)[channel] = value

    async def off(self) -> None:
        """All channels to 0 V, whatever is believed to be set.

        Faults that came before are logged, not raised. When the link is out of order the zeros are
        sent all the same, unacknowledged, and the error is raised.
        """
        zeros = np.zeros(self.channels, dtype=np.int64)
        async with self._writing:
            self._words[:] = UNKNOWN
            try:
                for first in range(0, self.channels, self._longest):
                    part = zeros[first : first + self._longest]
                    await self._set(Code.V, first, part, "off", tolerant=True)
            except (LinkError, InstrumentError):
                for first in range(0, self.channels, self._longest):
                    part = zeros[first : first + self._longest]
                    await self._link.blurt(self._encode(Code.V, first, part))
                raise
            self._words[:] = 0

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The voltages that the 16-bit words nearest to `volts` really make."""
        return np.rint(np.asarray(volts) * (WORD_MAX / self.v_full)) * (self.v_full / WORD_MAX)

    def _check(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> None:
        self._check_channels(channels, volts, "volts")
        VOLTS.check_array(volts, channels, instrument=self.name, high=self.v_max[channels])

    def _check_channels(
        self, channels: NDArray[np.intp], values: NDArray[np.float64], what: str
    ) -> None:
        if channels.ndim != 1 or channels.shape != values.shape:
            raise ValueError(
                f"{self.name}: {channels.shape} channels do not match {values.shape} {what}"
            )
        known = (channels >= 0) & (channels < self.channels)
        if not known.all():
            bad = int(channels[~known][0])
            raise LimitError(self.name, "channel", bad, f"channels 0 to {self.channels - 1}")
        if len(set(channels.tolist())) != channels.size:
            raise ValueError(f"{self.name}: a channel is given twice in {channels.tolist()}")

    def _runs(self, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Neighbours that are known, as (first channel, words), no longer than a vector may be."""
        for part in np.split(
            np.arange(self.channels), np.flatnonzero(np.diff(wanted == UNKNOWN)) + 1
        ):
            for first in range(int(part[0]), int(part[-1]) + 1, self._longest):
                span = wanted[first : min(first + self._longest, int(part[-1]) + 1)]
                if span[0] != UNKNOWN:
                    yield first, span
