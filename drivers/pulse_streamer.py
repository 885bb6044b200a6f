"""Swabian Instruments Pulse Streamer 8/2: eight digital lines and two analogue ones, 1 ns steps.

Calls by JSON-RPC over HTTP on port 8050; programs by the binary port 21328 (firmware 1.1.0 and
later). Source: Pulse Streamer client 2.1.2. What two slots do when they follow each other (firmware
2 and later) is known by the words of the client's enumerations only. Not offered: breakpoints,
gRPC, network settings, the analogue calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import whole_number
from drivers.instrument import ANY_IDENTITY, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.protocol import sips
from drivers.pulse_streamer_links import RPC_PORT, UPLOAD_PORT, PulseStreamerLinks
from drivers.pulse_streamer_quantities import (
    ANALOG_0,
    ANALOG_1,
    CLOCK,
    CONDITIONS,
    MASK,
    NEXT_ACTIONS,
    ON_NO_DATA,
    QUANTITIES,
    SQUARE_WAVE,
    STATES,
    TRIGGER_REARM,
    TRIGGER_START,
    WHENS,
)
from drivers.quantity import Quantity, Value
from drivers.roles import LineProgram
from drivers.transport.link import Connector

TRIGGER_SOFTWARE = 1
REARM_AUTO = 0
FOREVER = -1
"""Runs of a program, or slots to run, without an end."""
MOST_RUNS, MOST_SLOTS = 2**63 - 1, 2**31 - 1
"""What a frame of the upload port holds; what no number of slots is beyond."""


@dataclass(frozen=True)
class StreamingState:
    """What the device is doing, in the words of `STATES` and `CONDITIONS`, and all that it told."""

    state: str
    condition: str
    told: Mapping[str, Any]


class PulseStreamer(PulseStreamerLinks):
    """A pattern generator of eight digital lines; fills the role `SwitchSequencer`.

    A loaded program runs once at each `start`, the device re-arming by itself in between.
    """

    quantities = QUANTITIES
    models = (r"Pulse Streamer 8/2",)
    links: ClassVar[tuple[str, ...]] = ("tcp",)
    roles = ("SwitchSequencer",)
    greeting = f"getSerial by JSON-RPC on TCP port {RPC_PORT}"

    lines = 8
    max_steps = 2_000_000

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 5.0,
        rpc_port: int = RPC_PORT,
        upload_port: int = UPLOAD_PORT,
    ) -> None:
        """`resource` names a host (`TCPIP::host::INSTR`); both ports are opened on it. They are
        others where the instrument is reached through a tunnel.
        """
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout,
            rpc_port=rpc_port, upload_port=upload_port,
        )  # fmt: skip
        self._loaded: LineProgram | None = None
        self._software_trigger = False
        self._held = (0, 0.0, 0.0)

    async def load(self, program: LineProgram) -> None:
        """Upload `program`, to run once at each `start`; nothing is sent when it is loaded already.

        Raises `LimitError` for more steps than the device holds, `InstrumentError` when it refuses.
        """
        if self._loaded is not None and program == self._loaded and not self._rpc.doubtful:
            return
        steps = self._steps(program)
        self._loaded = None
        if not self._software_trigger or self._rpc.doubtful:
            await self._call("setTrigger", TRIGGER_SOFTWARE, REARM_AUTO, kind="configure")
            self._software_trigger = True
        await self._send("stream", sips.encode_stream(self._number(), steps, program.final))
        self._loaded = program

    async def arm(self) -> None:
        """Be ready for `start`. The device arms itself, so this only sees that there is a program.

        Raises `InstrumentError` when none is loaded.
        """
        self._need_program("arm")

    async def start(self) -> None:
        """Run the loaded program once. Raises `InstrumentError` when none is loaded."""
        self._need_program("start")
        await self._call("startNow", kind="start")

    async def finished(self) -> bool:
        """True once the started run has ended."""
        return bool(await self._call("hasFinished", kind="poll"))

    async def hold(self, mask: int, analog: tuple[float, float] = (0.0, 0.0)) -> None:
        """Stop, and hold the lines at `mask` and the analogue outputs (V); a loaded program must be
        loaded again.

        Raises `LimitError` for a mask outside 0 to 255, and volts outside +-1, NaN and inf.
        """
        checked = int(MASK.check(mask, instrument=self.name))
        words = self._words(analog)
        self._loaded = None
        await self._call("constant", [0, checked, *words], kind="hold")
        self._held = (checked, float(analog[0]), float(analog[1]))

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set a declared quantity; the lines and analogue outputs to hold as `hold`, one of them.

        Raises `ValueError` for one that it has not or that can only be read, and before a call is
        made for a value that may not be; `InstrumentError`, `LinkError`.
        """
        if quantity not in QUANTITIES or channel != "" or not quantity.writable:
            raise ValueError(f"{self.name}: {quantity.name} cannot be set ({quantity.doc})")
        checked = quantity.check(value, instrument=self.name)
        mask, first, second = self._held
        if quantity == MASK:
            await self.hold(int(checked), (first, second))
        elif quantity == ANALOG_0:
            await self.hold(mask, (float(checked), second))
        elif quantity == ANALOG_1:
            await self.hold(mask, (first, float(checked)))
        elif quantity == TRIGGER_START:
            await self.set_trigger(str(checked), str(await self.get(TRIGGER_REARM)))
        elif quantity == TRIGGER_REARM:
            await self.set_trigger(str(await self.get(TRIGGER_START)), str(checked))
        else:
            assert quantity in (CLOCK, SQUARE_WAVE)
            await self._call(quantity.command, int(quantity.text(checked)), kind="set")

    async def set_trigger(self, start: str, rearm: str = "auto") -> None:
        """What starts a program, and whether it then arms itself again, in the words of the
        quantities `trigger_start` and `trigger_rearm`. `load` sets software and auto again.
        """
        numbers = [
            int(quantity.text(quantity.check(word, instrument=self.name)))
            for quantity, word in ((TRIGGER_START, start), (TRIGGER_REARM, rearm))
        ]
        self._forget_all()
        await self._call("setTrigger", *numbers, kind="set")

    async def stream(
        self,
        program: LineProgram,
        runs: int = 1,
        *,
        analog: NDArray[np.float64] | None = None,
        final_analog: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Upload `program` with its analogue outputs (steps, 2) in V, to run `runs` times (-1: for
        ever) upon the trigger that is set: at once where that is immediate. Raises as `load`.
        """
        steps = self._steps(program, analog)
        words = self._words(final_analog)
        times = self._times(runs, "runs", MOST_RUNS)
        self._loaded = None
        await self._send(
            "stream", sips.encode_stream(self._number(), steps, program.final, times, words)
        )

    async def upload(
        self,
        slot: int,
        program: LineProgram,
        runs: int = 1,
        *,
        next_action: str = "stop",
        when: str = "immediate",
        on_no_data: str = "error",
        analog: NDArray[np.float64] | None = None,
        idle_analog: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Fill slot 0 or 1 with `program`, to be played by `start_slots`; `program.final` and
        `idle_analog` (V) are held while nothing plays after it.

        `next_action`: what follows, one of `NEXT_ACTIONS`; `when`: at once or upon a trigger;
        `on_no_data`: what is done where new data are expected and there are none. Raises as `load`.
        """
        rules = sips.SlotRules(
            self._slot(slot),
            _place(next_action, NEXT_ACTIONS, "next_action"),
            _place(when, WHENS, "when"),
            _place(on_no_data, ON_NO_DATA, "on_no_data"),
        )
        steps = self._steps(program, analog)
        words = self._words(idle_analog)
        times = self._times(runs, "runs", MOST_RUNS)
        self._loaded = None
        frame = sips.encode_upload(self._number(), steps, program.final, rules, times, words)
        told = await self._send("upload", frame)
        try:
            code = sips.parse_upload_result(told)
        except ValueError as error:
            raise InstrumentError(self.name, "upload", told.hex(), str(error)) from None
        if code:
            raise InstrumentError(
                self.name, f"upload to slot {slot}", f"code {code}", "ask ready_for_data() first"
            )

    async def start_slots(self, slot: int = 0, count: int = FOREVER) -> None:
        """Play the uploaded slots from `slot` on, `count` of them (-1: for ever), upon the trigger
        that is set.
        """
        place, times = self._slot(slot), self._times(count, "slots", MOST_SLOTS)
        await self._done("start", place, times, hint="upload to the slot first")

    async def ready_for_data(self, slot: int) -> bool:
        """True when `upload` to this slot would be accepted."""
        return bool(await self._call("isReadyForData", self._slot(slot), kind="poll"))

    async def start_now(self) -> None:
        """Trigger by software what waits for it. Raises `InstrumentError` where nothing does."""
        await self._done("startNow", hint="nothing waits for a trigger")

    async def rearm(self) -> None:
        """Arm a program that has run. Raises `InstrumentError` where there is none."""
        if not await self._call("rearm", kind="start"):
            raise InstrumentError(self.name, "rearm", "0", "nothing has run to its end")

    async def force_final(self) -> None:
        """Stop what runs, at its final state."""
        self._loaded = None
        await self._call("forceFinal", kind="hold")

    async def reset(self) -> None:
        """All outputs low, nothing loaded, triggers and clock as they leave the factory."""
        self._forget_all()
        self._held = (0, 0.0, 0.0)
        await self._call("reset", kind="off")

    async def state(self) -> StreamingState:
        """What the device is doing. Raises `InstrumentError`, `LinkError`."""
        told = await self._call("getStreamingState", kind="poll")
        try:
            return StreamingState(
                STATES[int(told["State"])], CONDITIONS[int(told["StateCondition"])], told
            )
        except (TypeError, ValueError, LookupError) as error:
            shown = str(told)
            raise InstrumentError(self.name, "getStreamingState", shown, str(error)) from None

    async def off(self) -> None:
        """Stop, all lines low, whatever is believed to be set."""
        self._loaded = None
        await self._call("constant", [0, int(MASK.safe or 0), 0, 0], kind="off")
        self._held = (0, 0.0, 0.0)

    def planned_load(self, steps: int) -> float:
        """Seconds that `load` of so many steps takes by the link model."""
        return self.link.cost(64 + sips.STEP.itemsize * steps, sips.REPLY_BYTES)

    def planned_start(self) -> float:
        """Seconds that `start` takes by the link model."""
        return self.link.cost(256, 160)

    def _need_program(self, command: str) -> None:
        if self._loaded is None:
            raise InstrumentError(self.name, command, "no program", "call load() first")

    async def _done(self, method: str, *params: int, hint: str) -> None:
        """A call that answers 0 when it did what it was asked, or nothing."""
        code = await self._call(method, *params, kind="start")
        if code:
            raise InstrumentError(self.name, method, f"code {code}", hint)

    def _steps(self, program: LineProgram, analog: NDArray[np.float64] | None = None) -> bytes:
        """A program's steps as they are sent. Raises `LimitError`, `ValueError`."""
        MASK.check(program.final, instrument=self.name, channel="final mask")
        words = None
        if analog is not None:
            volts = np.asarray(analog, dtype=np.float64)
            if volts.shape != (program.masks.size, 2):
                raise ValueError(
                    f"{self.name}: analogue volts have shape {volts.shape}, not "
                    f"({program.masks.size}, 2)"
                )
            for channel, quantity in enumerate((ANALOG_0, ANALOG_1)):
                every = np.full(volts.shape[0], channel)
                quantity.check_array(volts[:, channel], every, instrument=self.name)
            words = sips.analog_words(volts)
        steps = sips.encode_steps(program, words)
        count = len(steps) // sips.STEP.itemsize
        if count > self.max_steps:
            raise LimitError(self.name, "steps", count, f"{self.max_steps} steps")
        return steps

    def _words(self, analog: tuple[float, float]) -> tuple[int, int]:
        if len(analog) != 2:
            raise ValueError(f"{self.name}: {analog!r} is not the volts of two analogue outputs")
        first = ANALOG_0.check(analog[0], instrument=self.name)
        second = ANALOG_1.check(analog[1], instrument=self.name)
        words = sips.analog_words(np.array([first, second], dtype=np.float64))
        return int(words[0]), int(words[1])

    def _times(self, count: int, what: str, most: int) -> int:
        limit = f"1 to {most}, or -1 for ever"
        number = whole_number(count, FOREVER, most, instrument=self.name, what=what, limit=limit)
        if number == 0:
            raise LimitError(self.name, what, number, limit)
        return number

    def _slot(self, slot: int) -> int:
        return whole_number(slot, 0, 1, instrument=self.name, what="slot", limit="0 or 1")

    def _forget_all(self) -> None:
        self._software_trigger = False
        self._forget_program()

    def _forget_program(self) -> None:
        self._loaded = None


def _place(word: str, words: tuple[str, ...], what: str) -> int:
    if word not in words:
        raise ValueError(f"{what} {word!r} is none of {', '.join(words)}")
    return words.index(word)
