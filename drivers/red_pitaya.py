"""Red Pitaya STEMlab 125-14: two outputs and two inputs, started together by one trigger.

SCPI on TCP port 5000, lines ended by CR LF. Both generators play one point a sample on the edge at
DIO0_P, and the acquisition starts on the same edge. Source: Red Pitaya scpi-server source
(`scpi-commands.cpp`, `acquire.cpp`, `generate.cpp`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers import red_pitaya_settings as settings
from drivers import red_pitaya_words as conversion
from drivers.instrument import (
    ANY_IDENTITY,
    Identity,
    InstrumentError,
    LimitError,
    TriggerTimeout,
)
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.roles import PlayFacts, ReadFacts
from drivers.roles.ports import whole
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import Connector

BUFFER = 16384
TRIGGER_MIDDLE = 8192
"""`ACQ:TRig:DLY` counts from here: 0 records as many points after the trigger as before it."""
SPARE_POINTS = 4
"""Points recorded beyond those asked for, so that the last one is never of an older frame."""
SAMPLE_TEXT = 7.5
"""Mean bytes of a sample's text and its comma."""
POLL_INTERVAL = 1e-3
"""Seconds between two questions for a trigger that has not come yet."""


class RedPitaya(ScpiInstrument):
    """A two-channel arbitrary waveform generator and digitiser with a common external trigger.

    Order of use: `prepare` once, then `load`, `arm`, the trigger, `fetch` for each frame: four
    exchanges when the trigger has come by the time of `fetch`.
    """

    quantities = settings.QUANTITIES
    models = ("REDPITAYA",)
    links: ClassVar[tuple[str, ...]] = ("tcp",)
    roles = ("InputSource", "Readout")
    channels = (1, 2)
    end_out = end_in = b"\r\n"
    default_port = 5000
    error_in_message = True  # the server is built on scpi-parser, which goes on after a bad unit

    outputs = inputs = 2
    read_inputs = (1, 2)
    unit: ClassVar[Literal["V", "W"]] = "V"
    max_points = BUFFER
    base_rate = 125e6
    dac_bits = adc_bits = 14
    resolution = 2.0 * conversion.FULL_SCALE / 2**14
    """Step of the ADC, V."""
    min_dwell = 8e-9
    plays = PlayFacts(
        outputs=2, full_scale=conversion.FULL_SCALE, samples=BUFFER, shortest=8e-9, tick=8e-9
    )
    reads = ReadFacts(
        inputs=(1, 2), unit="V", full_scale=conversion.FULL_SCALE, points=BUFFER, shortest=8e-9,
        longest=settings.DECIMATIONS[-1] * 8e-9, tick=8e-9, ticks=settings.DECIMATIONS,
    )  # fmt: skip

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
    ) -> None:
        """`trigger_timeout`: s that `fetch` waits. `trigger_latency`: s from edge to first point,
        nominal (the vendor gives none; marker samples measure it). `debounce`: s for which the
        trigger input is deaf after an edge, None to leave it (before OS 2.00 it cannot be set).
        `transfer`: ADC words, or volts with the box's own calibration at twice the bytes.
        `gain`: where both inputs' jumpers are, LV (+-1 V) or HV (+-20 V); the box cannot see them.
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
        self._wanted: tuple[float, int, bool] | None = None
        self._applied: tuple[float, int, bool] | None = None
        self._outputs_on = False
        self._loaded: NDArray[np.int64] | None = None
        self._delay: int | None = None
        self._armed = 0
        self._setting_up = asyncio.Lock()

    @classmethod
    def plays_with(cls, options: Mapping[str, Any]) -> PlayFacts:
        """With the latency that the options state."""
        return replace(cls.plays, latency=float(options.get("trigger_latency", 0.0)))

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (2,) in V of the outputs, and of the inputs."""
        return np.full(2, conversion.FULL_SCALE)

    def time_points(self, point: float, *, average: bool) -> None:
        """Let points last `point` s each from the next `load` or `arm` on: means over it, or values
        at its start. Sends nothing. Raises `ValueError` for what is no decimation, and where the
        inputs are not at +-1 V, as a bench reads them.
        """
        if self.gain != "LV":
            raise ValueError(
                f"{self.name}: gain {self.gain!r}; ports are read at +-1 V: set the jumpers to LV, "
                f"and leave the option gain out"
            )
        dwell = self.min_dwell if self._wanted is None else self._wanted[0]
        decimation = whole(point, 1.0 / self.base_rate)
        if decimation is None:
            raise ValueError(f"{self.name}: a point of {point:g} s is no whole number of 8 ns")
        settings.check(self.name, dwell, decimation)
        self._wanted = (dwell, decimation, average)

    @property
    def untold(self) -> Mapping[str, str]:
        """What its outputs play, and what waits to be fetched."""
        return {**super().untold, "waveform": "the samples in its memory are not asked for"}

    async def prepare(self, dwell: float, decimation: int, average: bool) -> None:
        """Reset both halves and set them up for frames; nothing is sent when that has been done.

        `dwell`: s a sample is held, a multiple of 8 ns; `decimation`: of the 125 MS/s; `average`:
        mean of the decimated points, not every n-th. Raises `LimitError` and `ValueError` before a
        byte leaves.
        """
        settings.check(self.name, dwell, decimation)
        self._wanted = (dwell, decimation, average)
        await self._ensure_applied()

    async def load(self, volts: NDArray[np.float64], dwell: float | None = None) -> None:
        """Load volts (samples, 2) of both outputs, one exchange; none when they are loaded already.

        `dwell`: s a sample is held (None: as before); the box is set up anew when it changes.
        Raises `LimitError` before a byte leaves for a value outside +-1 V, NaN or inf, and for more
        samples than the buffer holds; `ValueError` for a dwell off its clock.
        """
        words = self._words(volts)
        if dwell is not None:
            _, decimation, average = self._wanted or (dwell, 1, True)
            settings.check(self.name, dwell, decimation)
            self._wanted = (dwell, decimation, average)
        async with self._setting_up:
            await self._ensure_applied()
            if self._loaded is None or not np.array_equal(words, self._loaded):
                await self._upload(words)

    async def _upload(self, words: NDArray[np.int64]) -> None:
        texts = conversion.word_texts()
        units = [
            f"SOUR{output}:TRAC:DATA:DATA {','.join(map(texts.__getitem__, column))}"
            for output, column in ((1, words[:, 0].tolist()), (2, words[:, 1].tolist()))
        ]
        if not self._outputs_on:
            units += [settings.OUTPUT.setting(True, instrument=self.name, channel=1)]
            units += [settings.OUTPUT.setting(True, instrument=self.name, channel=2)]
        self._loaded = None
        await self.tell(*units, kind="upload")
        self._outputs_on = True
        self._loaded = words

    async def arm(self, points: int | None = None) -> None:
        """Start the acquisition of `points` points after the trigger, one exchange.

        The outputs are ready by themselves: without `points` no exchange is needed. Raises
        `LimitError` when they exceed the buffer.
        """
        if points is not None and not 1 <= points <= BUFFER:
            raise LimitError(self.name, "points", points, f"1 to {BUFFER} points")
        words = self._loaded
        async with self._setting_up:
            await self._ensure_applied()
            if words is not None and self._loaded is None:
                await self._upload(words)  # it was lost with the connection
        if points is None:
            return
        self._armed = 0
        delay = min(points + SPARE_POINTS, BUFFER) - TRIGGER_MIDDLE
        units = ["ACQ:START", "ACQ:TRig EXT_PE"]
        if delay != self._delay:
            setting = settings.TRIGGER_DELAY.setting(delay, instrument=self.name)
            units.insert(0, setting)
        self._delay = None
        await self.tell(*units, kind="arm")
        self._delay = delay
        self._armed = points

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """Volts (count, 2) at the inputs from point `first` after the trigger on.

        Waits until the acquisition is complete, then fetches the window, one exchange. Raises
        `TriggerTimeout` naming the likely cause, `LimitError` for a window that was not armed.
        """
        if self._link.doubtful or not self._armed:
            raise InstrumentError(
                self.name, "fetch", "not armed", "arm it, and run the frame again"
            )
        if first < 0 or count < 1 or first + count > self._armed:
            limit = f"the {self._armed} points that were armed"
            raise LimitError(self.name, f"window from point {first}", first + count, limit)
        start = (await self._triggered_at() + first) % BUFFER
        units = await self.ask(
            f"ACQ:SOUR1:DATA:Start:N? {start},{count}",
            f"ACQ:SOUR2:DATA:Start:N? {start},{count}",
            received=8 * count,
            kind="fetch",
        )
        width = 2 if self._raw else 4
        for unit in units:
            if len(unit) != width * count:
                self._link.doubt()
                shown = f"{len(unit)} bytes for {count} points"
                hint = "another client may have changed its data format"
                raise InstrumentError(self.name, "ACQ:SOUR#:DATA:Start:N?", shown, hint)
        volts = np.empty((count, 2))
        for channel, unit in enumerate(units):
            volts[:, channel] = np.frombuffer(unit, dtype=">i2" if self._raw else ">f4")
        return conversion.volts(volts, self.input_full_scale) if self._raw else volts

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
        if quantity not in settings.PINS:
            self._applied = None
            self._armed = 0
        await super().set(quantity, value, channel, kind=kind, wait=wait)

    def planned_load(self, samples: int) -> float:
        """Seconds that `load` of so many samples takes by the link model."""
        return self.link.cost(self.outputs * (SAMPLE_TEXT * samples + 24) + 12, 16)

    def planned_arm(self, points: int = 0) -> float:
        """Seconds that `arm` takes by the link model."""
        return self.link.cost(64, 16) if points else 0.0

    def planned_fetch(self, count: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model, one poll included."""
        width = 2 if self._raw else 4
        return self.link.cost(64, 32) + self.link.cost(96, self.inputs * (width * count + 8) + 16)

    async def off(self) -> None:
        """Outputs off and the acquisition stopped, whatever is believed to be set."""
        self._loaded = None
        self._outputs_on = False
        self._armed = 0
        await self.tell("OUTPUT1:STATE OFF", "OUTPUT2:STATE OFF", "ACQ:STOP", kind="off")

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The volts that the 14-bit DAC really plays; same shape. Raises `LimitError` as `load`."""
        volts = np.asarray(volts, dtype=np.float64)
        self.check_volts(volts)
        return conversion.volts(conversion.words(volts))

    def check_volts(self, volts: NDArray[np.float64]) -> None:
        """Raise `LimitError` for volts (samples, 2) outside +-1 V, NaN and inf. Sends nothing."""
        conversion.check_volts(self.name, volts)

    def _words(self, volts: NDArray[np.float64]) -> NDArray[np.int64]:
        volts = np.asarray(volts, dtype=np.float64)
        if volts.ndim != 2 or volts.shape[1] != self.outputs:
            raise ValueError(f"{self.name}: volts have shape {volts.shape}, not (samples, 2)")
        if not 1 <= volts.shape[0] <= BUFFER:
            raise LimitError(self.name, "samples", volts.shape[0], f"1 to {BUFFER} samples")
        self.check_volts(volts)
        return conversion.words(volts)

    async def _ensure_applied(self) -> None:
        """Bring the box to the wanted settings: at first use, and after a reconnection."""
        wanted = self._wanted
        if wanted is None:
            raise InstrumentError(self.name, "load", "not prepared", "call prepare() first")
        if wanted == self._applied and not self._link.doubtful:
            return
        dwell, decimation, average = wanted
        self._applied = self._loaded = self._delay = None
        self._armed = 0
        self._outputs_on = False
        units = settings.preparation(
            self.name, dwell, decimation, average, raw=self._raw, debounce=self._debounce,
            gain=self.gain,
        )  # fmt: skip
        for unit in units:  # one at a time, so that an error names its command
            await self.tell(unit, kind="configure")
        self._applied = wanted

    async def _triggered_at(self) -> int:
        """Wait until the acquisition is complete; returns the buffer position of the trigger."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout
        while True:
            state, full, position = await self.ask(
                "ACQ:TRig:STAT?", "ACQ:TRig:FILL?", "ACQ:TPOS?", received=24, kind="poll"
            )
            if state == b"TD" and full == b"1":
                try:
                    return int(position)
                except ValueError:
                    self._link.doubt()
                    shown = position.decode("latin-1")
                    raise InstrumentError(self.name, "ACQ:TPOS?", shown) from None
            if loop.time() >= deadline:
                shown = f"{state.decode('latin-1')}, full: {full.decode('latin-1')}"
                hint = (
                    f"no complete acquisition within {self.trigger_timeout:g} s: check that the "
                    f"pattern generator ran and that its trigger line reaches DIO0_P"
                )
                raise TriggerTimeout(self.name, "ACQ:TRig:STAT?", shown, hint)
            await asyncio.sleep(POLL_INTERVAL)

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
