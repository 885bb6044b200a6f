"""Swabian Instruments Pulse Streamer 8/2: eight digital lines, 1 ns steps.

Calls by JSON-RPC over HTTP on port 8050; programs by the binary port 21328 (firmware 1.1.0 and
later). Source: Pulse Streamer client 2.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from drivers.instrument import (
    ANY_IDENTITY,
    Identity,
    IdentityError,
    Instrument,
    InstrumentError,
    LimitError,
)
from drivers.link_model import LinkModel
from drivers.protocol import json_rpc, sips
from drivers.quantity import Quantity, Value
from drivers.roles import LineProgram
from drivers.transport import http
from drivers.transport.link import ByteLink, Connector
from drivers.transport.resource import network_host

RPC_PORT = 8050
RPC_PATH = "/json-rpc"
UPLOAD_PORT = 21328
FIRMWARE_MIN = (1, 1, 0)

TRIGGER_SOFTWARE = 1
REARM_AUTO = 0

MASK = Quantity(
    "mask", "constant", "Set the lines to hold, bit n for line n (0 to 255).", kind=int, low=0,
    high=255, safe=0,
)  # fmt: skip
QUANTITIES = (MASK,)
ASKED = (
    "getHardwareVersion",
    "getTriggerStart",
    "getTriggerRearm",
    "getClock",
    "isStreaming",
    "hasSequence",
    "hasFinished",
)
"""What `read_settings` asks for."""
STATES = frozenset({"getHardwareVersion", "isStreaming", "hasSequence", "hasFinished"})
"""What of it nobody sets."""


class PulseStreamer(Instrument):
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
    ) -> None:
        """`resource` names a host (`TCPIP::host::INSTR`); both ports are opened on it."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        self._host = network_host(resource)
        self._calls = 0
        self._uploads = 0
        self._loaded: LineProgram | None = None
        self._software_trigger = False
        self._rpc = self._guard(lambda: connector.tcp(self._host, RPC_PORT), self._greet)
        self._upload = self._guard(
            lambda: connector.tcp(self._host, UPLOAD_PORT), self._greet_upload
        )

    async def load(self, program: LineProgram) -> None:
        """Upload `program`, to run once at each `start`; nothing is sent when it is loaded already.

        Raises `LimitError` for more steps than the device holds, `InstrumentError` when it refuses.
        """
        if self._loaded is not None and program == self._loaded and not self._rpc.doubtful:
            return
        MASK.check(program.final, instrument=self.name, channel="final mask")
        steps = sips.encode_steps(program)
        count = len(steps) // sips.STEP.itemsize
        if count > self.max_steps:
            raise LimitError(self.name, "steps", count, f"{self.max_steps} steps")
        self._loaded = None
        if not self._software_trigger or self._rpc.doubtful:
            await self._call("setTrigger", TRIGGER_SOFTWARE, REARM_AUTO, kind="configure")
            self._software_trigger = True
        await self._stream(steps, program.final)
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

    async def hold(self, mask: int) -> None:
        """Stop, and hold the lines at `mask`; a loaded program must be loaded again.

        Raises `LimitError` for a mask outside 0 to 255.
        """
        checked = int(MASK.check(mask, instrument=self.name))
        self._loaded = None
        await self._call("constant", [0, checked, 0, 0], kind="hold")

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set the one declared quantity, the lines to hold. Raises `ValueError`, else as `hold`."""
        if quantity != MASK or channel != "":
            raise ValueError(f"{self.name} has only {MASK.name}, without channels")
        await self.hold(int(MASK.check(value, instrument=self.name)))

    async def off(self) -> None:
        """Stop, all lines low, whatever is believed to be set."""
        self._loaded = None
        await self._call("constant", [0, int(MASK.safe or 0), 0, 0], kind="off")

    @property
    def readings(self) -> frozenset[str]:
        """The hardware's version, and what the device is doing."""
        return STATES

    async def read_settings(self) -> dict[str, Any]:
        """Trigger, clock and streaming state as the instrument tells them, by the RPC's names."""
        found: dict[str, Any] = {}
        for method in ASKED:
            try:
                found[method] = await self._call(method, kind="read")
            except InstrumentError as error:
                found[method] = {"refused": error.reply}
        return found

    def planned_load(self, steps: int) -> float:
        """Seconds that `load` of so many steps takes by the link model."""
        return self.link.cost(64 + sips.STEP.itemsize * steps, sips.REPLY_BYTES)

    def planned_start(self) -> float:
        """Seconds that `start` takes by the link model."""
        return self.link.cost(256, 160)

    def _need_program(self, command: str) -> None:
        if self._loaded is None:
            raise InstrumentError(self.name, command, "no program", "call load() first")

    async def _call(self, method: str, *params: Any, kind: str) -> Any:
        async with self._rpc.exchange(kind) as link:
            result, keep_alive = await self._call_on(link, method, params)
        if not keep_alive:
            self._rpc.doubt()
        if isinstance(result, json_rpc.RpcRefused):
            raise InstrumentError(self.name, method, str(result))
        return result

    async def _call_on(
        self, link: ByteLink, method: str, params: tuple[Any, ...] = ()
    ) -> tuple[Any, bool]:
        """The result of a call, or the `RpcRefused` it ended in, and whether the link is kept."""
        self._calls += 1
        body = json_rpc.encode_call(method, params, self._calls)
        data = http.encode_request("POST", RPC_PATH, f"{self._host}:{RPC_PORT}", body)
        response = await http.request(link, data, self._deadline(len(data), 256))
        if response.status != 200 and not response.body:
            shown = f"{response.status} {response.reason}"
            raise InstrumentError(self.name, method, shown, "is this a Pulse Streamer?")
        try:
            return json_rpc.parse_result(response.body, self._calls), response.keep_alive
        except json_rpc.RpcRefused as refused:
            return refused, response.keep_alive
        except json_rpc.RpcMismatch as error:
            shown = f"{response.status} {response.reason}"
            raise InstrumentError(self.name, method, shown, str(error)) from None

    async def _stream(self, steps: bytes, final: int) -> None:
        self._uploads = self._uploads % 0xFFFFFFFF + 1
        frame = sips.encode_stream(self._uploads, steps, final)
        async with self._upload.exchange("upload") as link:
            await link.write(frame)
            deadline = self._deadline(len(frame), sips.REPLY_BYTES)
            data = await link.read_exactly(sips.REPLY_BYTES, deadline)
            try:
                reply = sips.parse_reply(data)
                if reply.command_id != self._uploads:
                    raise ValueError(f"upload {self._uploads} answered as {reply.command_id}")
            except ValueError as error:
                raise InstrumentError(self.name, "stream", data.hex(), str(error)) from None
            if reply.extra:
                await link.read_exactly(min(reply.extra, 4096), deadline)
        if reply.error:
            raise InstrumentError(self.name, "stream", f"error code {reply.error}")

    async def _greet(self, link: ByteLink) -> None:
        self._loaded = None
        self._software_trigger = False
        told: list[str] = []
        for method in ("getSerial", "getFirmwareVersion"):
            result, _ = await self._call_on(link, method)
            if isinstance(result, json_rpc.RpcRefused):
                raise InstrumentError(self.name, method, str(result))
            told.append(str(result))
        serial, firmware = told
        self._recognise(Identity("Swabian Instruments", "Pulse Streamer 8/2", serial, firmware))
        if _version(firmware) < FIRMWARE_MIN:
            raise IdentityError(self.name, "firmware of at least", "1.1.0", firmware)

    async def _greet_upload(self, link: ByteLink) -> None:
        """The upload port has no greeting; what was uploaded before a reconnection is in doubt."""
        del link
        self._loaded = None


def _version(text: str) -> tuple[int, ...]:
    """`2.1.0 (beta)` as (2, 1, 0); what is no number counts 0."""
    match = re.match(r"\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in match.groups()) if match else (0, 0, 0)
