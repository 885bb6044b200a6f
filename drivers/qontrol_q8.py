"""Qontrol Q8iv, Q8b, Q8a, Q8bi: voltage outputs for heaters, up to 8 modules on one serial port.

Sources: Qontrol API 1.1.20, BP8 manual 1.1, transcripts of the API's `virtual-module` branch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers import qontrol_dialogue as dialogue
from drivers.instrument import (
    ANY_IDENTITY,
    Identity,
    IdentityError,
    Instrument,
    InstrumentError,
    LimitError,
)
from drivers.link_model import LinkModel
from drivers.protocol import qontrol
from drivers.protocol.qontrol import WORD_MAX, Code, Fault
from drivers.qontrol_writes import UNKNOWN, plan_writes
from drivers.quantity import Quantity, Value
from drivers.transport.link import ByteLink, Connector, LinkError
from drivers.transport.resource import serial_device

logger = logging.getLogger(__name__)

BAUD = 115200
CHANNELS_PER_MODULE = 8
MODULES_MAX = 8
VECTOR_BYTES = 7
"""A binary vector's header, code, address and count."""
OK_BYTES = 3
"""What every addressed module answers: `OK` and a line feed."""

V_FULL = 12.0
I_FULL: Mapping[str, float] = {"Q8iv": 0.024, "Q8b": 0.083333333, "Q8a": 0.1, "Q8bi": 0.1}
"""Full-scale current of the models, A."""

VOLTS = Quantity(
    "volts", "V{channel}", "Control a channel's output in V (0 to 12).", unit="V", low=0.0,
    high=V_FULL, safe=0.0,
)  # fmt: skip
VOLTS_MAX = Quantity(
    "volts_max", "VMAX{channel}", "Control the voltage above which a channel trips in V (0 to 12).",
    unit="V", low=0.0, high=V_FULL,
)  # fmt: skip
AMPS_MAX = Quantity(
    "amps_max", "IMAX{channel}", "Control the current above which a channel trips in A (0 to 0.1).",
    unit="A", low=0.0, high=0.1, scale=1e3,
)  # fmt: skip
QUANTITIES = (VOLTS, VOLTS_MAX, AMPS_MAX)


class QontrolQ8(Instrument):
    """A chain of Qontrol voltage drivers behind one serial port: 8 channels a module.

    Channels are numbered through the chain: module 0 has 0 to 7. Outputs are unipolar, 0 to 12 V,
    set by 16-bit words. Only words that differ from the last acknowledged ones are sent.
    """

    quantities = QUANTITIES
    models = tuple(I_FULL)
    links: ClassVar[tuple[str, ...]] = ("serial",)
    roles = ("VoltageOutputs", "WeightBank")
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
        encoding: Literal["binary", "ascii"] = "binary",
        vector_words: int = CHANNELS_PER_MODULE * MODULES_MAX,
    ) -> None:
        """`modules` must be found on open. `vector_words`: longest binary vector, for firmware
        whose instruction buffer is short. Raises `ValueError` for what cannot be.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not 1 <= modules <= MODULES_MAX:
            raise ValueError(f"{name}: modules = {modules!r} is not between 1 and {MODULES_MAX}")
        if encoding not in ("binary", "ascii"):
            raise ValueError(f"{name}: encoding {encoding!r} is neither 'binary' nor 'ascii'")
        if vector_words < 1:
            raise ValueError(f"{name}: vector_words = {vector_words!r} must be at least 1")
        device = serial_device(resource)
        self.modules = modules
        self.channels = CHANNELS_PER_MODULE * modules
        self.v_full = V_FULL
        self.i_full = np.full(self.channels, min(I_FULL.values()))
        self.v_max = np.full(self.channels, V_FULL)
        self.i_max = np.full(self.channels, max(I_FULL.values()))
        self._binary = encoding == "binary"
        self._longest = vector_words if self._binary else CHANNELS_PER_MODULE
        self._words = np.full(self.channels, UNKNOWN, dtype=np.int64)
        self._writing = asyncio.Lock()
        self._last = "open"
        self._limits_wanted = False
        self._limits_due = False
        self._link = self._guard(
            lambda: connector.serial(device, BAUD), self._greet, self._synchronise
        )

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
        channels = np.asarray(channels, dtype=np.intp)
        volts = np.asarray(volts, dtype=np.float64)
        self._check(channels, volts)
        words = np.rint(volts * (WORD_MAX / self.v_full)).astype(np.int64)
        async with self._writing:
            if self._limits_wanted and (self._limits_due or self._link.doubtful):
                await self._write_limits()  # a chassis that lost power has lost them
            wanted = self._words.copy()
            wanted[channels] = words
            changed = int((wanted != self._words).sum())
            spans = list(plan_writes(wanted, self._words, self.link, self._longest))
            for first, span in spans:
                held = self._words[first : first + span.size]
                held[:] = UNKNOWN  # until it is acknowledged
                await self._set(Code.V, first, span, "write")
                held[:] = span
        return changed

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set a declared quantity of a channel: only the output, in V.

        Raises `ValueError` for another one and without a channel, else as `write_volts`.
        """
        if quantity != VOLTS:
            raise ValueError(
                f"{self.name}: {quantity.name} is set by set_limits() and apply_limits()"
            )
        number = str(channel)
        if not number.isdecimal() or int(number) >= self.channels:
            last = self.channels - 1
            raise ValueError(
                f"{self.name}: {quantity.name} needs a channel from 0 to {last}, not {number!r}"
            )
        volts = float(VOLTS.check(value, instrument=self.name, channel=int(number)))
        await self.write_volts(np.array([int(number)]), np.array([volts]))

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many neighbouring channels by the link model, one vector's worth."""
        if not changed:
            return 0.0
        vectors = -(-changed // self._longest)
        sent = vectors * VECTOR_BYTES + 2 * changed
        return self.link.cost(sent, OK_BYTES * self.modules * vectors, vectors)

    async def read_volts(self) -> NDArray[np.float64]:
        """Measure all outputs in V, (channels,)."""
        return await self._read_all("V")

    async def read_amps(self) -> NDArray[np.float64]:
        """Measure the current of all channels in A, (channels,)."""
        return await self._read_all("I")

    @property
    def readings(self) -> frozenset[str]:
        """Volts and amps of the channels, as measured."""
        return frozenset({"volts", "amps"})

    async def read_settings(self) -> dict[str, Any]:
        """Volts and amps of all channels as measured, and the limits as they were written."""
        return {
            "volts": (await self.read_volts()).tolist(),
            "amps": (await self.read_amps()).tolist(),
            "volts_max": self.v_max.tolist(),
            "amps_max": np.minimum(self.i_max, self.i_full).tolist(),
        }

    async def check_faults(self) -> None:
        """Raise `InstrumentError` for the faults that have come since the last exchange."""
        async with self._link.exchange("poll") as link:
            faults = await self._unasked(link)
        self._raise(self._last, faults)

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
        if channels.ndim != 1 or channels.shape != volts.shape:
            raise ValueError(
                f"{self.name}: {channels.shape} channels do not match {volts.shape} volts"
            )
        known = (channels >= 0) & (channels < self.channels)
        if not known.all():
            bad = int(channels[~known][0])
            raise LimitError(self.name, "channel", bad, f"channels 0 to {self.channels - 1}")
        if len(set(channels.tolist())) != channels.size:
            raise ValueError(f"{self.name}: a channel is given twice in {channels.tolist()}")
        VOLTS.check_array(volts, channels, instrument=self.name, high=self.v_max[channels])

    def _encode(self, code: Code, first: int, words: NDArray[np.int64]) -> bytes:
        if not self._binary:
            full = self.v_full if code in (Code.V, Code.VMAX) else self.i_full[first] * 1e3
            values = (words * (full / WORD_MAX)).tolist()
            if len(values) == 1:
                return qontrol.set_value(code.name, first, values[0])
            return qontrol.set_vector(code.name, first, values)
        if words.size == 1:
            return qontrol.write_word(code, first, int(words[0]))
        return qontrol.write_vector(code, first, words)

    async def _set(
        self,
        code: Code,
        first: int,
        words: NDArray[np.int64],
        kind: str,
        *,
        tolerant: bool = False,
    ) -> None:
        """Set a span of channels and wait for the `OK` of every module that it touches.

        A garbled transfer (E15) is tried once more, as the vendor's client does.
        """
        if not self._binary:  # an ASCII vector stays within its module
            border = CHANNELS_PER_MODULE - first % CHANNELS_PER_MODULE
            if words.size > border:
                await self._set(code, first, words[:border], kind, tolerant=tolerant)
                await self._set(code, first + border, words[border:], kind, tolerant=tolerant)
                return
        frame = self._encode(code, first, words)
        last = first + words.size - 1
        oks = last // CHANNELS_PER_MODULE - first // CHANNELS_PER_MODULE + 1
        command = f"{code.name} of channels {first} to {last}"
        replies, faults, command = await self._exchange(kind, frame, oks, command)
        if any(fault.code == 15 for fault in faults):
            replies, faults, command = await self._exchange(kind, frame, oks, command)
        if tolerant:
            for fault in [fault for fault in faults if fault.unasked]:
                logger.warning("%s: %s, found while switching off", self.name, fault)
            faults = [fault for fault in faults if not fault.unasked]
        self._raise(command, faults)
        for reply in replies:
            if reply != b"OK":
                self._link.doubt()
                raise InstrumentError(self.name, command, reply.decode("latin-1"), "OK was due")

    async def _read_all(self, letter: str) -> NDArray[np.float64]:
        command = f"{letter}ALL?"
        frame = qontrol.ask(letter, "ALL")
        replies, faults, command = await self._exchange("read", frame, self.channels, command)
        self._raise(command, faults)
        values = np.empty(self.channels)
        for channel, reply in enumerate(replies):
            try:
                values[channel] = qontrol.parse_value(reply)
            except ValueError as error:
                self._link.doubt()
                shown = reply.decode("latin-1")
                raise InstrumentError(self.name, command, shown, str(error)) from None
        return values

    async def _exchange(
        self, kind: str, frame: bytes, lines: int, command: str
    ) -> tuple[list[bytes], list[Fault], str]:
        """Send and collect `lines` reply lines; faults are returned wherever they came.

        Those that lay there before belong to the exchange before, which the returned command names.
        """
        blamed = command
        async with self._link.exchange(kind) as link:
            faults = await self._unasked(link)
            if faults:
                blamed = f"{self._last} before {command}"
            self._last = command
            await link.write(frame)
            deadline = self._deadline(len(frame), 12 * lines)
            replies = await dialogue.collect(link, lines, faults, deadline)
        if len(replies) < lines:  # refused: what else the chain says is not known
            self._link.doubt()
        return replies, faults, blamed

    async def _unasked(self, link: ByteLink) -> list[Fault]:
        """Faults that lie in the input before anything is asked."""
        pending = await link.drain_input()
        if not pending:
            return []
        if not pending.endswith(b"\n"):
            pending += await link.read_until(b"\n", self.timeout)
        lines = [cleaned for line in pending.split(b"\n") if (cleaned := qontrol.clean(line))]
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        if len(faults) < len(lines):
            logger.warning("%s: unasked input %r; resynchronising", self.name, pending)
            await self._synchronise(link)
        return faults

    def _raise(self, command: str, faults: list[Fault]) -> None:
        if not faults:
            return
        self._words[:] = UNKNOWN  # a tripped channel may be anywhere
        raise dialogue.fault_error(self.name, command, faults)

    async def _synchronise(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        await dialogue.synchronise(link, self.timeout)

    async def _greet(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        self._limits_due = True
        told = await dialogue.introduce(link, self.name, self._deadline(12, 160))
        first = told.chain[0]
        self._recognise(Identity("Qontrol", first.model, first.serial, told.firmware))
        if len(told.chain) != self.modules:
            found = f"{len(told.chain)} ({', '.join(entry.model for entry in told.chain)})"
            raise IdentityError(self.name, "modules", str(self.modules), found)
        wrong = [entry.model for entry in told.chain if entry.channels != CHANNELS_PER_MODULE]
        if wrong:
            raise IdentityError(self.name, "modules of 8 outputs", "Q8iv", ", ".join(wrong))
        v_full, i_full = await dialogue.full_scales(
            link, self.name, self.modules, self._deadline(24, 24 * self.modules)
        )
        if not np.allclose(v_full, V_FULL):
            raise IdentityError(self.name, "full scale in V", str(V_FULL), str(v_full.tolist()))
        self.i_full = np.repeat(i_full, CHANNELS_PER_MODULE)
