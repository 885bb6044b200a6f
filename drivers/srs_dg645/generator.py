"""The driver of the delay generator.

It stands beside the pattern generator: it triggers what the bank switch does not need, or delays
the pattern generator's trigger by picoseconds. It does not fill `SwitchSequencer`: it has no
pattern. Sources: see `settings`. Not relied upon: what `LINK` does to a delay (the reference of a
channel is set with its delay).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from drivers.arguments import real_number
from drivers.instrument import InstrumentError, LimitError
from drivers.quantity import Quantity, Value
from drivers.srs_dg645 import delays, settings
from drivers.srs_dg645.delays import CHANNELS, SETTABLE
from drivers.srs_dg645.dialogue import Dg645Dialogue
from drivers.srs_dg645.settings import OUTPUTS
from drivers.transport.link import LinkError

ROUNDING = 1e-12
"""s by which the sum of delays may be off in floating point; the instrument's step is 5 ps."""

LEVEL_ROUNDING = 1e-9
"""V by which the sum of two levels may be off in floating point."""


class Dg645Generator(Dg645Dialogue):
    """Settings, delays and triggers of a DG645, one by one."""

    quantities = settings.QUANTITIES
    _limits: dict[str, tuple[float, float]]
    """V into 50 ohm of outputs that may not have all that the instrument can give."""

    async def get(self, quantity: Quantity, channel: int | str = "") -> Value:
        """Read a declared quantity, of an output or a channel where it is one's.

        Raises `InstrumentError`, `LinkError`.
        """
        if quantity in settings.DELAYS:
            reference, seconds = await self.read_delay(str(channel))
            return seconds if quantity is settings.DELAY else reference
        command = quantity.query(self._number(quantity, channel))
        text = await self._ask(command)
        try:
            return settings.parse(quantity, text)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, command, text, str(error)) from None

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set a declared quantity; amplitude and offset of an output are checked together.

        Raises `LimitError`, `TypeError`, `ValueError` before a byte leaves that changes anything,
        then `InstrumentError`, `LinkError`.
        """
        if quantity in settings.DELAYS:
            await self._set_part(quantity, value, str(channel))
            return
        number = self._number(quantity, channel)
        checked = quantity.check(value, instrument=f"{self.name} {channel}".rstrip())
        if quantity in (settings.AMPLITUDE, settings.OFFSET):
            other = settings.OFFSET if quantity is settings.AMPLITUDE else settings.AMPLITUDE
            highest = float(checked) + float(await self.get(other, channel))
            self._check_level(str(channel), highest)
            if quantity is settings.OFFSET:
                self._check_level(str(channel), float(checked))
        await self._tell(settings.setting(quantity, checked, number))

    async def set_level(self, output: str, amplitude: float, offset: float = 0.0) -> None:
        """Let an output step by `amplitude` V from `offset` V, into 50 ohm. Raises as `set`."""
        for quantity, value in ((settings.AMPLITUDE, amplitude), (settings.OFFSET, offset)):
            self._number(quantity, output)
            quantity.check(value, instrument=f"{self.name} {output}")
        self._check_level(output, offset)
        self._check_level(output, amplitude + offset)
        before = float(await self.get(settings.OFFSET, output))
        order = [(settings.AMPLITUDE, amplitude), (settings.OFFSET, offset)]
        if offset < before:  # so that no step on the way exceeds the highest level
            order.reverse()
        for quantity, value in order:
            await self.set(quantity, value, output)

    async def read_delay(self, channel: str) -> tuple[str, float]:
        """What a channel is timed from, and by how many seconds."""
        command = f"DLAY?{self._channel(channel)}"
        text = await self._ask(command)
        try:
            reference, _, seconds = text.partition(",")
            return CHANNELS[settings.parse_integer(reference)], settings.parse_number(seconds)
        except (ValueError, IndexError) as error:
            self._link.doubt()
            raise InstrumentError(self.name, command, text, str(error)) from None

    async def read_times(self) -> dict[str, float]:
        """Seconds from T0 to each channel."""
        return delays.times(await self._read_delays())

    async def set_delay(self, channel: str, reference: str, seconds: float) -> None:
        """Time `channel` (A to H) `seconds` after `reference` (T0, A to H; before it if negative).

        All channels must come 0 to 2000 s after T0 then, and not refer to each other. They are read
        first, since the front panel may have changed them. Resolution 5 ps. Raises `LimitError`
        before a byte leaves that changes anything, then `InstrumentError`, `LinkError`.
        """
        self._check_names(channel, reference)
        self._check_delay(channel, seconds)
        self._check_change(await self._read_delays(), channel, reference, seconds)
        await self._set_delay(channel, reference, seconds)

    async def pulse(self, output: str, start: float, width: float) -> None:
        """Let an output (AB, CD, EF, GH) be active for `width` s from `start` s after T0.

        Raises as `set_delay`, before any channel has been changed.
        """
        if output not in OUTPUTS[1:]:
            raise ValueError(f"{self.name}: {output!r} is none of {', '.join(OUTPUTS[1:])}")
        first, second = output
        self._check_delay(first, start, 0.0)
        self._check_delay(second, width, 0.0)
        before = await self._read_delays()
        self._check_change(before, first, "T0", start)
        between = {**before, first: ("T0", start)}
        self._check_change(between, second, first, width)
        await self._set_delay(first, "T0", start)
        await self._set_delay(second, first, width)

    async def burst(self, count: int, period: float, delay: float = 0.0) -> None:
        """Let each trigger start `count` cycles, `period` s apart, the first after `delay` s."""
        wanted = (
            (settings.BURST_COUNT, count), (settings.BURST_PERIOD, period),
            (settings.BURST_DELAY, delay),
        )  # fmt: skip
        for quantity, value in wanted:
            quantity.check(value, instrument=self.name)
        for quantity, value in wanted:
            await self.set(quantity, value)
        await self.set(settings.BURST, True)

    async def arm(self) -> None:
        """Wait for `fire`: no other trigger counts."""
        await self.set(settings.TRIGGER_SOURCE, "single shot")

    async def fire(self) -> None:
        """Trigger once. Raises `InstrumentError` when it is not armed."""
        source = await self.get(settings.TRIGGER_SOURCE)
        if source != "single shot":
            raise InstrumentError(self.name, "*TRG", str(source), "arm() it first")
        await self._tell("*TRG")

    async def off(self) -> None:
        """No more triggers or bursts; outputs at rest at 0 V. Delays and amplitudes stay.

        When the link is out of order triggers are stopped all the same, unacknowledged, and the
        error is raised.
        """
        calm = ["TSRC 5", "BURM 0"]
        try:
            for command in calm:
                await self._tell(command)
            for number in range(len(OUTPUTS)):
                await self._tell(f"LPOL {number},1")
                await self._tell(f"LOFF {number},0")
        except (LinkError, InstrumentError):
            await self._link.blurt("".join(f"{command}\n" for command in calm).encode())
            raise

    async def read_settings(self) -> dict[str, Any]:
        """All settings by name, those of outputs and channels as `{name: value}`; a refused one as
        `{"refused": text}`.
        """
        found: dict[str, Any] = {}
        for quantity in settings.QUANTITIES:
            if quantity in settings.DELAYS:
                continue
            if quantity.has_channels:
                outputs = quantity.channels
                found[quantity.name] = {
                    output: await self._told(self.get(quantity, output)) for output in outputs
                }
            else:
                found[quantity.name] = await self._told(self.get(quantity))
        told = {channel: await self._told(self.read_delay(channel)) for channel in SETTABLE}
        for at, quantity in enumerate((settings.DELAY_FROM, settings.DELAY)):
            found[quantity.name] = {
                channel: part[at] if isinstance(part, tuple) else part
                for channel, part in told.items()
            }
        return found

    @staticmethod
    async def _told(answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except InstrumentError as error:
            return {"refused": str(error)}

    async def _read_delays(self) -> dict[str, tuple[str, float]]:
        return {channel: await self.read_delay(channel) for channel in SETTABLE}

    async def _set_part(self, quantity: Quantity, value: Value, channel: str) -> None:
        """Set a channel's delay or its reference, and leave the other one as it is."""
        if channel not in SETTABLE:
            raise ValueError(f"{self.name}: channel {channel!r} is none of {', '.join(SETTABLE)}")
        checked = quantity.check(value, instrument=self.name, channel=channel)
        reference, seconds = await self.read_delay(channel)
        if quantity is settings.DELAY:
            await self.set_delay(channel, reference, float(checked))
        else:
            await self.set_delay(channel, str(checked), seconds)

    async def _set_delay(self, channel: str, reference: str, seconds: float) -> None:
        numbers = f"{CHANNELS.index(channel)},{CHANNELS.index(reference)}"
        await self._tell(f"DLAY {numbers},{float(seconds)!r}")

    def _check_names(self, channel: str, reference: str) -> None:
        if channel not in SETTABLE:
            raise ValueError(f"{self.name}: channel {channel!r} is none of {', '.join(SETTABLE)}")
        if reference not in ("T0", *SETTABLE):  # whether T1 may be one is not known
            raise ValueError(f"{self.name}: {reference!r} is no reference; T0 and A to H are")

    def _check_delay(self, channel: str, seconds: float, low: float = -settings.DELAY_MAX) -> None:
        what = f"channel {channel}"
        real_number(seconds, low, settings.DELAY_MAX, instrument=self.name, what=what, unit="s")

    def _check_change(
        self, before: delays.Delays, channel: str, reference: str, seconds: float
    ) -> None:
        try:
            after = delays.times({**before, channel: (reference, seconds)})
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None
        for name, at in after.items():
            if not -ROUNDING <= at <= settings.DELAY_MAX + ROUNDING:
                limit = f"0 to {settings.DELAY_MAX:g} s after T0"
                raise LimitError(self.name, f"channel {name}", at, limit, "s")

    def _check_level(self, output: str, level: float) -> None:
        low, high = self._limits.get(output, (settings.LEVEL_LOW, settings.LEVEL_HIGH))
        if not low - LEVEL_ROUNDING <= level <= high + LEVEL_ROUNDING:
            limit = f"{low:.4g} to {high:.4g} V for amplitude and offset"
            raise LimitError(self.name, f"output {output}", level, limit, "V")

    def _channel(self, channel: str) -> int:
        if channel not in CHANNELS:
            raise ValueError(f"{self.name}: channel {channel!r} is none of {', '.join(CHANNELS)}")
        return CHANNELS.index(channel)

    def _number(self, quantity: Quantity, output: int | str) -> str:
        """What the wire has for an output: nothing for a setting of the whole instrument."""
        if not quantity.has_channels:
            if output != "":
                raise ValueError(f"{self.name}: {quantity.name} is no setting of an output")
            return ""
        if output not in quantity.channels:
            known = ", ".join(map(str, quantity.channels))
            raise ValueError(f"{self.name}: output {output!r} is none of {known}")
        return str(OUTPUTS.index(str(output)))
