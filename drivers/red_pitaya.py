"""Red Pitaya STEMlab 125-14: two outputs and two inputs, started together by one trigger.

SCPI on TCP port 5000, lines ended by CR LF. Both generators play one point a sample on the edge at
DIO0_P, and the acquisition starts on the same edge. Every exchange ends in the question for the
error queue: the server answers nothing at all to a query that fails. Source: Red Pitaya
scpi-server source (`scpi-commands.cpp`, `acquire.cpp`, `generate.cpp`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drivers import red_pitaya_settings as settings
from drivers import red_pitaya_words as conversion
from drivers.instrument import (
    ANY_IDENTITY,
    Identity,
    Instrument,
    InstrumentError,
    LimitError,
    TriggerTimeout,
)
from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.quantity import Quantity
from drivers.transport.link import ByteLink, Connector
from drivers.transport.resource import tcp_address

logger = logging.getLogger(__name__)

END = b"\r\n"
PORT = 5000
BUFFER = 16384
TRIGGER_MIDDLE = 8192
"""`ACQ:TRig:DLY` counts from here: 0 records as many points after the trigger as before it."""
SPARE_POINTS = 4
"""Points recorded beyond those asked for, so that the last one is never of an older frame."""
SAMPLE_TEXT = 7.5
"""Mean bytes of a sample's text and its comma."""
POLL_INTERVAL = 1e-3
"""Seconds between two questions for a trigger that has not come yet."""


class RedPitaya(Instrument):
    """A two-channel arbitrary waveform generator and digitiser with a common external trigger.

    Order of use: `prepare` once, then `load`, `arm`, the trigger, `fetch` for each frame: four
    exchanges when the trigger has come by the time of `fetch`.
    """

    outputs = inputs = 2
    max_points = BUFFER
    base_rate = 125e6
    dac_bits = adc_bits = 14
    full_scale = conversion.FULL_SCALE
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
    ) -> None:
        """`trigger_timeout`: s that `fetch` waits. `trigger_latency`: s from edge to first point,
        nominal (the vendor gives none; marker samples measure it). `debounce`: s for which the
        trigger input is deaf after an edge, None to leave it (before OS 2.00 it cannot be set).
        `transfer`: ADC words, or volts with the box's own calibration at twice the bytes.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if transfer not in ("int16", "float32"):
            raise ValueError(f"{name}: transfer {transfer!r} is neither 'int16' nor 'float32'")
        if not trigger_timeout > 0.0:
            raise ValueError(f"{name}: trigger_timeout {trigger_timeout!r} s must be positive")
        host, port = tcp_address(resource, PORT)
        self.trigger_timeout = trigger_timeout
        self.trigger_latency = trigger_latency
        self._debounce = debounce
        self._raw = transfer == "int16"
        self._wanted: tuple[float, int, bool] | None = None
        self._applied: tuple[float, int, bool] | None = None
        self._outputs_on = False
        self._loaded: NDArray[np.int64] | None = None
        self._delay: int | None = None
        self._armed = 0
        # A new connection is the surest way to be rid of late answers: blocks hold any byte.
        self._link = self._guard(lambda: connector.tcp(host, port), self._greet)

    async def prepare(self, dwell: float, decimation: int, average: bool) -> None:
        """Reset both halves and set them up for frames; nothing is sent when that has been done.

        `dwell`: s a sample is held, a multiple of 8 ns; `decimation`: of the 125 MS/s; `average`:
        mean of the decimated points, not every n-th. Raises `LimitError` and `ValueError` before a
        byte leaves.
        """
        settings.check(self.name, dwell, decimation)
        self._wanted = (dwell, decimation, average)
        await self._ensure_applied()

    async def load(self, volts: NDArray[np.float64]) -> None:
        """Load volts (samples, 2) of both outputs, one exchange; none when they are loaded already.

        Raises `LimitError` before a byte leaves for a value outside +-1 V, NaN or inf, and for more
        samples than the buffer holds.
        """
        words = self._words(volts)
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
        await self._send("upload", *units)
        self._outputs_on = True
        self._loaded = words

    async def arm(self, points: int) -> None:
        """Start the acquisition of `points` points after the trigger, one exchange.

        Raises `LimitError` when they exceed the buffer.
        """
        if not 1 <= points <= BUFFER:
            raise LimitError(self.name, "points", points, f"1 to {BUFFER} points")
        words = self._loaded
        await self._ensure_applied()
        if words is not None and self._loaded is None:
            await self._upload(words)  # it was lost with the connection
        self._armed = 0
        delay = min(points + SPARE_POINTS, BUFFER) - TRIGGER_MIDDLE
        units = ["ACQ:START", "ACQ:TRig EXT_PE"]
        if delay != self._delay:
            setting = settings.TRIGGER_DELAY.setting(delay, instrument=self.name)
            units.insert(0, setting)
        self._delay = None
        await self._send("arm", *units)
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
        units = await self._send(
            "fetch",
            f"ACQ:SOUR1:DATA:Start:N? {start},{count}",
            f"ACQ:SOUR2:DATA:Start:N? {start},{count}",
            answers=2,
            received=8 * count,
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
        return conversion.volts(volts) if self._raw else volts

    async def read_settings(self) -> dict[str, Any]:
        """All declared settings as the box tells them, those of a channel as [first, second]."""
        found: dict[str, Any] = {}
        for quantity in settings.QUANTITIES:
            channels = (1, 2) if "{channel}" in quantity.command else ("",)
            told = [await self._setting(quantity, channel) for channel in channels]
            found[quantity.name] = told if len(told) > 1 else told[0]
        return found

    async def _setting(self, quantity: Quantity, channel: int | str) -> Any:
        try:
            (answer,) = await self._send("read", quantity.query(channel), answers=1, received=24)
            return quantity.parse(answer.decode("latin-1"))
        except InstrumentError as error:
            return {"refused": error.reply}
        except ValueError as error:
            return {"refused": str(error)}

    def planned_load(self, samples: int) -> float:
        """Seconds that `load` of so many samples takes by the link model."""
        return self.link.cost(self.outputs * (SAMPLE_TEXT * samples + 24) + 12, 16)

    def planned_arm(self) -> float:
        """Seconds that `arm` takes by the link model."""
        return self.link.cost(64, 16)

    def planned_fetch(self, count: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model, one poll included."""
        width = 2 if self._raw else 4
        return self.link.cost(64, 32) + self.link.cost(96, self.inputs * (width * count + 8) + 16)

    async def off(self) -> None:
        """Outputs off and the acquisition stopped, whatever is believed to be set."""
        self._loaded = None
        self._outputs_on = False
        self._armed = 0
        await self._send("off", "OUTPUT1:STATE OFF", "OUTPUT2:STATE OFF", "ACQ:STOP")

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
            self.name, dwell, decimation, average, raw=self._raw, debounce=self._debounce
        )
        for unit in units:  # one at a time, so that an error names its command
            await self._send("configure", unit)
        self._applied = wanted

    async def _triggered_at(self) -> int:
        """Wait until the acquisition is complete; returns the buffer position of the trigger."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout
        while True:
            state, full, position = await self._send(
                "poll", "ACQ:TRig:STAT?", "ACQ:TRig:FILL?", "ACQ:TPOS?", answers=3, received=24
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

    async def _send(
        self, kind: str, *units: str, answers: int = 0, received: int = 0
    ) -> list[bytes]:
        """One exchange: these units and the question for the error queue; returns the answers.

        Raises `InstrumentError` with the commands and the errors that were queued.
        """
        data = scpi.message(*units, scpi.ERROR_QUERY, end=END)
        errors: list[scpi.ScpiError] = []
        async with self._link.exchange(kind) as link:
            await link.write(data)
            timeout = self._deadline(len(data), received + 16)
            *replies, last = await scpi.read_reply(link, END, timeout)
            error = scpi.parse_error(last)
            if error.code:
                errors = [error, *await scpi.drain_errors(link, END, timeout)]
        if not errors and len(replies) == answers:
            return replies
        command = ";".join(unit if len(unit) <= 60 else f"{unit[:57]}..." for unit in units)
        if errors:
            raise InstrumentError(self.name, command, "; ".join(map(str, errors)))
        self._link.doubt()
        shown = f"{len(replies)} answers of {answers}"
        raise InstrumentError(self.name, command, shown, "the server skipped a query")

    async def _greet(self, link: ByteLink) -> None:
        self._applied = None
        await link.write(scpi.message("*IDN?", end=END))
        units = await scpi.read_reply(link, END, self._deadline(7, 64))
        fields = [field.strip() for field in units[0].decode("latin-1").split(",")]
        # Only the first field is the same in all releases; the box tells no serial number.
        firmware = ",".join(fields[2:])
        if len(fields) < 2:
            raise InstrumentError(self.name, "*IDN?", units[0].decode("latin-1"), "4 fields due")
        self._recognise(Identity("Red Pitaya", fields[0], "", firmware))
        for error in await scpi.drain_errors(link, END, self._deadline(12, 64)):
            logger.info("%s: %s was queued before it was opened", self.name, error)
