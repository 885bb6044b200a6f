"""A box as both halves of its driver need it: opened, and brought to a known state for frames."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.instrument import ANY_IDENTITY, Identity, InstrumentError
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.red_pitaya import settings
from drivers.red_pitaya import words as conversion
from drivers.red_pitaya.memory import BUFFER, Deep, Memory, Ring
from drivers.red_pitaya.preparing import check, preparation
from drivers.red_pitaya.waveforms import WaveformMemory
from drivers.transport.link import Connector


class Box(WaveformMemory):
    """What is set once; a connection that was lost, or a setting by hand, sets it anew."""

    quantities = settings.QUANTITIES
    models = ("REDPITAYA",)
    links: ClassVar[tuple[str, ...]] = ("tcp",)
    channels = (1, 2)
    end_out = end_in = b"\r\n"
    default_port = 5000
    error_in_message = True  # the server is built on scpi-parser, which goes on after a bad unit

    max_points = BUFFER
    """Most samples of one load."""
    min_dwell = 8e-9

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        trigger_timeout: float = 2.0,
        trigger_latency: float = 0.0,
        debounce: float | None = 1e-6,
        transfer: Literal["int16", "float32"] = "int16",
        gain: Literal["LV", "HV"] = "LV",
        deep_points: int = 0,
    ) -> None:
        """`trigger_timeout`: s that `fetch` waits. `trigger_latency`: s from edge to first point,
        nominal (the vendor gives none; marker samples measure it). `debounce`: s for which the
        trigger input is deaf after an edge, None to leave it (before OS 2.00 it cannot be set).
        `transfer`: ADC words, or volts with the box's own calibration at twice the bytes.
        `gain`: where both inputs' jumpers are, LV (+-1 V) or HV (+-20 V); the box cannot see them.
        `deep_points`: most points of a frame, recorded in the deep memory; 0 for the ring of 16384.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if transfer not in ("int16", "float32"):
            raise ValueError(f"{name}: transfer {transfer!r} is neither 'int16' nor 'float32'")
        if gain not in conversion.INPUT_FULL_SCALE:
            raise ValueError(f"{name}: gain {gain!r} is neither 'LV' nor 'HV'")
        if not trigger_timeout > 0.0:
            raise ValueError(f"{name}: trigger_timeout {trigger_timeout!r} s must be positive")
        self.trigger_timeout = trigger_timeout
        self.trigger_latency = trigger_latency
        self._debounce = debounce
        self._raw = transfer == "int16"
        self.gain: Literal["LV", "HV"] = gain
        self.input_full_scale = conversion.INPUT_FULL_SCALE[gain]
        self.resolution = 2.0 * self.input_full_scale / 2**14
        """Step of the ADC, V."""
        self._memory: Memory = Ring() if not deep_points else Deep(deep_points)
        self._wanted: tuple[float, int, bool] | None = None
        self._applied: tuple[float, int, bool] | None = None
        self._outputs_on = False
        self._loaded: NDArray[np.int64] | None = None
        self._delays: list[str] | None = None
        self._armed = 0
        self._setting_up = asyncio.Lock()

    async def prepare(self, dwell: float, decimation: int, average: bool) -> None:
        """Reset both halves and set them up for frames; nothing is sent when that has been done.

        `dwell`: s a sample is held, a multiple of 8 ns; `decimation`: of the 125 MS/s; `average`:
        mean of the decimated points, not every n-th. Raises `LimitError` and `ValueError` before a
        byte leaves.
        """
        check(self.name, dwell, decimation)
        self._wanted = (dwell, decimation, average)
        await self._ensure_applied()

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity. Of those that make a frame, the next frame sets all anew, as
        `prepare` was told; one that was armed is gone. Raises as `ScpiInstrument.set`, and
        `ValueError` for a channel or a pin that is not there.
        """
        channels = self.channels_of(quantity)
        if channels and channel not in channels:
            there = ", ".join(map(str, channels))
            raise ValueError(f"{self.name}: {quantity.name} has no channel {channel!r}; {there}")
        if quantity not in settings.APART:
            self._overwritten()
        await super().set(quantity, value, channel, kind=kind, wait=wait)

    def _overwritten(self) -> None:
        self._applied = None
        self._armed = 0

    async def off(self) -> None:
        """Outputs off, sweeps too, and the acquisition stopped, whatever is believed to be set."""
        self._loaded = None
        self._outputs_on = False
        self._armed = 0
        await self.tell("OUTPUT1:STATE OFF", "OUTPUT2:STATE OFF", "ACQ:STOP", kind="off")
        await self._stop_sweeps("off")

    async def _ensure_applied(self) -> None:
        """Bring the box to the wanted settings: at first use, and after a reconnection."""
        wanted = self._wanted
        if wanted is None:
            raise InstrumentError(self.name, "load", "not prepared", "call prepare() first")
        if wanted == self._applied and not self._link.doubtful:
            return
        dwell, decimation, average = wanted
        self._applied = self._loaded = self._delays = None
        self._armed = 0
        self._outputs_on = False
        units = preparation(
            self.name, dwell, decimation, average, raw=self._raw, debounce=self._debounce,
            gain=self.gain,
        )  # fmt: skip
        await self._stop_sweeps("configure")
        for unit in units:  # one at a time, so that an error names its command
            await self.tell(unit, kind="configure")
        if isinstance(self._memory, Deep):
            region = await self.ask("ACQ:AXI:START?", "ACQ:AXI:SIZE?", kind="configure")
            start, size = (self._whole("ACQ:AXI:SIZE?", text) for text in region)
            units = self._memory.preparation(start, size, raw=self._raw, instrument=self.name)
            await self.tell(*units, kind="configure")
        self._applied = wanted

    async def _stop_sweeps(self, kind: str) -> None:
        """A sweep goes on through resets. Older releases know none, and say so (-113)."""
        units = [
            settings.SWEEP.setting(False, instrument=self.name, channel=number)
            for number in self.channels
        ]
        try:
            await self.tell(*units, kind=kind)
        except InstrumentError as error:
            told = error.reply.split("; ")
            if not all(one.startswith("-113") for one in told):
                raise

    def _whole(self, query: str, text: bytes) -> int:
        try:
            return int(text)
        except ValueError:
            self._link.doubt()
            raise InstrumentError(self.name, query, text.decode("latin-1")) from None

    def _forget(self) -> None:
        self._applied = None

    @classmethod
    def parse_identity(cls, text: str) -> Identity:
        """Read `REDPITAYA,INSTR,…`: only the first field is the same in all releases.

        The box tells no serial number. Raises `ValueError`.
        """
        fields = [field.strip() for field in text.split(",")]
        if len(fields) < 2:
            raise ValueError(f"{text!r} has {len(fields)} fields, not 4")
        return Identity("Red Pitaya", fields[0], "", ",".join(fields[2:]))
