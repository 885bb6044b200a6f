"""The driver: 24 outputs as `VoltageOutputs`, each within its limits, ramped to 0 V when off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import channel_numbers, real_numbers
from drivers.errors import InstrumentError, LimitError, OutputFault
from drivers.instrument import ANY_IDENTITY
from drivers.link_model import LinkModel
from drivers.qdevil_qdac2.reading import ALL
from drivers.qdevil_qdac2.settings import (
    AT_ZERO,
    AT_ZERO_ONLY,
    CHANNELS,
    CURRENT_RANGE,
    I_FULL,
    NUMBERS,
    RANGE,
    SLEW,
    SLEW_HIGH,
    SLEW_LOW,
    V_FULL,
    VOLTS,
    listed,
    spelled,
)
from drivers.qdevil_qdac2.waveforms import QdacWaveforms
from drivers.quantity import Quantity, Value
from drivers.roles import OutputLayout
from drivers.transport.link import Connector, LinkError

LINE = 20
"""Bytes of a line that sets an output."""
SETTLED = 0.01
"""s after a ramp until the outputs are looked at."""


class QdevilQdac2(QdacWaveforms):
    """A QDAC-II on TCP port 5025 or its USB serial port, as `VoltageOutputs`.

    There channels are counted from 0: channel 0 is output 1 of the panel. `get` and `set` take the
    numbers of the panel, and errors name them. Outputs go to a new voltage at `slew`. Negative
    voltages are refused unless `bipolar`: a heater must not be given -6 V for +6 V.

    The instrument measures currents, not voltages: `read_volts` is what its generators give out,
    which a short or a broken output does not show.
    """

    models: ClassVar[tuple[str, ...]] = ("QDAC-II",)
    links: ClassVar[tuple[str, ...]] = ("tcp", "serial")
    roles: ClassVar[tuple[str, ...]] = ("VoltageOutputs", "WeightBank")
    layout = OutputLayout(
        CHANNELS // 8, 8, V_FULL, {"": I_FULL}, at_limit="nothing", volts="set", first=1
    )
    # Of the base it is the channels of quantities, which all name their own here.
    channels: int = CHANNELS  # type: ignore[assignment]
    default_port: ClassVar[int | None] = 5025
    baud: ClassVar[int | None] = 921600

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        slew: float = 1000.0,
        bipolar: bool = False,
    ) -> None:
        """`slew`: V/s of all changes. Raises `ValueError` for one that cannot be set."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not SLEW_LOW <= slew <= SLEW_HIGH:
            limit = f"{SLEW_LOW:g} to {SLEW_HIGH:g} V/s"
            raise ValueError(f"{name}: slew = {slew!r} V/s is not within {limit}")
        self.slew = slew
        self.bipolar = bipolar
        self.v_full = V_FULL
        self.i_full = np.full(CHANNELS, I_FULL)
        self.v_max = np.full(CHANNELS, V_FULL)
        self.i_max = np.full(CHANNELS, I_FULL)
        self._held = np.full(CHANNELS, np.nan)
        """V last acknowledged; NaN where that is not known"""
        self._prepared = np.zeros(CHANNELS, dtype=bool)
        """Which are known to give a constant voltage, and to slew."""
        self._begin_waveforms()
        self._writing = asyncio.Lock()
        self._limits_wanted = False
        self._limits_due = False

    @property
    def imposed(self) -> frozenset[str]:
        """Ranges, which `apply_limits` chooses, and the slew rate, an option of this driver."""
        return frozenset({RANGE.name, CURRENT_RANGE.name, SLEW.name})

    @property
    def untold(self) -> Mapping[str, str]:
        """What its generators would do: here an output is a constant voltage, or off."""
        why = "sweeps, lists and waves of its generators are not asked for; `off` ends them"
        return {**super().untold, "generators": f"{why}, start them again from where they came"}

    # -- limits -----------------------------------------------------------------------------------

    def set_limits(self, v_max: NDArray[np.float64], i_max: NDArray[np.float64]) -> None:
        """Narrow the channels' limits to v_max (channels,) V and i_max (channels,) A; both ways.

        The effective limit is the lower of this and the hardware's. Writes nothing: see
        `apply_limits`. Raises `ValueError` for a wrong shape, `LimitError` for NaN or a negative.
        """
        for what, given in (("v_max", v_max), ("i_max", i_max)):
            if np.shape(given) != (CHANNELS,):
                raise ValueError(
                    f"{self.name}: {what} has shape {np.shape(given)}, not ({CHANNELS},)"
                )
            good = np.asarray(given) >= 0.0
            if not good.all():
                at = int(np.argmin(good))
                raise LimitError(
                    self.name, f"output {at + 1}", float(given[at]), f"{what} of 0 or more"
                )
        self.v_max = np.minimum(v_max, V_FULL)
        self.i_max = np.minimum(i_max, I_FULL)

    async def apply_limits(self) -> None:
        """Have the hardware keep the limits as far as it can: the low range where that is enough.

        A channel whose v_max its low range (+-2 V) holds is put into that range, all others into
        the high one; one that has to change is first ramped to 0 V. All current meters are put into
        their high range. The instrument cannot cut off at a current; `check_faults` looks. Done
        again after the connection was lost.
        """
        async with self._writing:
            self._limits_wanted = True
            await self._apply()

    async def check_faults(self) -> None:
        """Measure all currents; raises `InstrumentError` for those above i_max (1 % and 10 uA)."""
        amps = await self.read_amps()
        over = np.flatnonzero(np.abs(amps) > 1.01 * self.i_max + 1e-5)
        if over.size:
            told = ", ".join(
                f"output {at + 1} {1e3 * amps[at]:.3f} mA (limit {1e3 * self.i_max[at]:g} mA)"
                for at in over.tolist()
            )
            raise InstrumentError(
                self.name, f"READ? {ALL}", told, "a short, or a limit below what was asked for"
            )

    async def _apply(self) -> None:
        low_max = await self._ask_values(f"SOUR:RANG:LOW:MAX? {ALL}")
        wanted = np.where(self.v_max <= low_max, "LOW", "HIGH")
        change = np.array(await self._ask_words(RANGE)) != wanted
        lines = []
        if change.any():
            numbers = (np.flatnonzero(change) + 1).tolist()
            await self._to_zero(numbers)
            for word in ("LOW", "HIGH"):
                mine = (np.flatnonzero(change & (wanted == word)) + 1).tolist()
                if mine:
                    lines.append(f"SOUR:RANG {word},{listed(mine)}")
        await self._tell_lines([*lines, f"SENS:RANG HIGH,{ALL}"], "limits")
        self._limits_due = False

    # -- writing ----------------------------------------------------------------------------------

    async def write_volts(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> int:
        """Set channels (n,), from 0, to volts (n,); returns how many had to be written.

        Returns when they have got there. Raises `LimitError` before a byte leaves for a value out
        of range, NaN, inf or a channel that there is not, `InstrumentError`, `LinkError`.
        """
        channels = channel_numbers(channels, instrument=self.name)
        volts = real_numbers(volts, instrument=self.name)
        self._check(channels, volts)
        async with self._writing:
            if self._limits_wanted and (self._limits_due or self._link.doubtful):
                await self._apply()  # one that lost power has lost them
            given = self.quantise(volts)
            beyond = np.abs(given) > self.v_max[channels]  # by rounding, half a microvolt
            given[beyond] = np.trunc(volts[beyond] * 1e6) / 1e6
            fresh = ~(given == self._held[channels])
            changed = channels[fresh]
            if changed.size:
                await self._write(changed, given[fresh])
        return int(changed.size)

    async def check_held(self, *, every: bool = False) -> None:
        """Raise `InstrumentError` for outputs that are not at what was acknowledged last.

        All of them are asked for, in one exchange: by the panel, by another program, or by a loss
        of power they have been set to something else. `every` asks no more. Raises `LinkError`.
        """
        del every
        async with self._writing:
            held = self._held.copy()  # a link that is made anew forgets it
            volts = await self.read_volts()
            other = np.flatnonzero(np.abs(volts - held) > AT_ZERO)  # NaN compares false
            if not other.size:
                return
            self._held[other] = np.nan
            self._limits_due = True
        told = ", ".join(
            f"output {at + 1} {volts[at]:.4g} V, not {held[at]:.4g} V" for at in other[:3]
        )
        told += f", and {other.size - 3} more" if other.size > 3 else ""
        hint = "it has lost its power, or was set by hand or by another program: see to that, then "
        hint += "start again"
        raise OutputFault(self.name, f"SOUR:VOLT? {ALL}", told, hint)

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many channels by the link model; ramps come on top."""
        return self.link.cost(LINE * changed + 10, 16) if changed else 0.0

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The voltages that are sent for `volts`: to the microvolt."""
        return np.rint(np.asarray(volts) * 1e6) / 1e6

    async def off(self) -> None:
        """All outputs to 0 V at the slew rate, generators stopped, whatever is believed to be set.

        When the link is out of order the zeros are sent all the same, unacknowledged, and the error
        is raised. Raises the first refusal after all has been sent, and `InstrumentError` for
        outputs that are not at 0 V then.
        """
        async with self._writing:
            self._held[:] = np.nan
            self._prepared[:] = False
            lines = ["ABOR", *self._preparing(NUMBERS), f"SOUR:VOLT 0,{ALL}"]
            refused: InstrumentError | None = None
            try:
                try:
                    await self._tell_lines(lines, "off")
                except InstrumentError as error:
                    refused = error
                await asyncio.sleep(V_FULL / self.slew + SETTLED)
                volts = await self.read_volts()
            except (LinkError, InstrumentError):
                await self._link.blurt("".join(f"{line}\n" for line in lines).encode())
                raise
            if refused is not None:
                raise refused
            high = np.flatnonzero(np.abs(volts) > AT_ZERO)
            if high.size:
                told = ", ".join(f"output {at + 1} {volts[at]:.4g} V" for at in high.tolist())
                hint = "switch the instrument off by hand"
                raise InstrumentError(self.name, f"SOUR:VOLT? {ALL}", told, hint)
            self._held[:] = 0.0
            self._prepared[:] = True
            self._playing.clear()

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity of an output (1 to 24), within the limits of its channel.

        Range and filter are refused where the output is not at 0 V. Raises as the base's.
        """
        checked = quantity.check(value, instrument=self.name, channel=channel)
        number = self._number(channel)
        if quantity is VOLTS:
            await self.write_volts(np.array([number - 1]), np.array([float(checked)]))
            return
        if quantity in AT_ZERO_ONLY:
            volts = float(await self.get(VOLTS, number))
            if abs(volts) > AT_ZERO:
                limit = f"0 V while its {quantity.name} is changed"
                raise LimitError(self.name, f"output {number}", volts, limit, "V")
        self._prepared[number - 1] = False
        await super().set(quantity, value, number, kind=kind, wait=wait)

    def _check(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> None:
        if channels.ndim != 1 or channels.shape != volts.shape:
            raise ValueError(
                f"{self.name}: {channels.shape} channels do not match {volts.shape} volts"
            )
        known = (channels >= 0) & (channels < CHANNELS)
        if not known.all():
            bad = int(channels[~known][0])
            raise LimitError(self.name, "output", bad + 1, f"outputs 1 to {CHANNELS}")
        if len(set(channels.tolist())) != channels.size:
            raise ValueError(f"{self.name}: a channel is given twice in {channels.tolist()}")
        low, high = self._bounds(channels)
        good = np.isfinite(volts) & (volts >= low) & (volts <= high)
        if not good.all():
            at = int(np.argmin(good))
            limit = f"{low[at]:.9g} to {high[at]:.9g} V"
            where = f"output {channels[at] + 1}"
            raise LimitError(self.name, where, float(volts[at]), limit, "V")

    async def _write(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> None:
        """Send checked voltages, and wait until the outputs have got there."""
        unready = (channels[~self._prepared[channels]] + 1).tolist()
        lines = self._preparing(unready) if unready else []
        lines += [
            f"SOUR{channel + 1}:VOLT {spelled(value)}"
            for channel, value in zip(channels.tolist(), volts.tolist(), strict=True)
        ]
        before = np.nan_to_num(self._held[channels], nan=-V_FULL if self.bipolar else V_FULL)
        self._held[channels] = np.nan  # until it is acknowledged
        await self._tell_lines(lines, "write")
        await asyncio.sleep(float(np.abs(volts - before).max()) / self.slew)
        self._held[channels] = volts
        self._prepared[channels] = True

    async def _to_zero(self, numbers: Sequence[int]) -> None:
        """Ramp outputs of these numbers to 0 V. Raises `InstrumentError` where one stays."""
        places = np.array(numbers) - 1
        if (np.abs((await self.read_volts())[places]) <= AT_ZERO).all():
            return
        self._held[places] = np.nan
        zeros = f"SOUR:VOLT 0,{listed(numbers)}"
        await self._tell_lines([*self._preparing(numbers), zeros], "limits")
        await asyncio.sleep(V_FULL / self.slew + SETTLED)
        volts = (await self.read_volts())[places]
        if (np.abs(volts) > AT_ZERO).any():
            raise InstrumentError(self.name, zeros, f"{np.abs(volts).max():g} V", "not at 0 V")

    def _preparing(self, numbers: Sequence[int]) -> list[str]:
        """What makes outputs give a constant voltage and slew."""
        return [
            f"SOUR:VOLT:MODE FIX,{listed(numbers)}",
            f"SOUR:VOLT:SLEW {SLEW.text(self.slew)},{listed(numbers)}",
        ]

    def _forget(self) -> None:
        self._held[:] = np.nan
        self._prepared[:] = False
        self._limits_due = True

    def _number(self, channel: int | str) -> int:
        number = int(channel) if str(channel).isdigit() else 0
        if number not in NUMBERS:
            raise ValueError(f"{self.name}: {channel!r} is no output, 1 to {CHANNELS}")
        return number
