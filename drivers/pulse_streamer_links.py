"""The two links of a Pulse Streamer 8/2: calls by JSON-RPC over HTTP, programs by a binary port.

Source: Pulse Streamer client 2.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drivers.instrument import Identity, IdentityError, Instrument, InstrumentError
from drivers.link_model import LinkModel
from drivers.protocol import json_rpc, sips
from drivers.pulse_streamer_quantities import QUANTITIES
from drivers.quantity import Quantity
from drivers.transport import http
from drivers.transport.link import ByteLink, Connector
from drivers.transport.resource import network_host

RPC_PORT = 8050
RPC_PATH = "/json-rpc"
UPLOAD_PORT = 21328
FIRMWARE_MIN = (1, 1, 0)
MOST_COPIES = 4
"""Answers to earlier calls that are passed over: each has the number of its call."""


class PulseStreamerLinks(Instrument):
    """Calls, uploads, and quantities that are read."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str],
        timeout: float,
        rpc_port: int,
        upload_port: int,
    ) -> None:
        """Raises `ValueError` for a port that cannot be."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        for what, port in (("rpc_port", rpc_port), ("upload_port", upload_port)):
            if not 0 < port < 65536:
                raise ValueError(f"{name}: {what} = {port!r} is not between 1 and 65535")
        self._host = network_host(resource)
        self._authority = f"{self._host}:{rpc_port}"
        self._calls = 0
        self._uploads = 0
        self._rpc = self._guard(lambda: connector.tcp(self._host, rpc_port), self._greet)
        self._upload = self._guard(
            lambda: connector.tcp(self._host, upload_port), self._greet_upload
        )

    async def get(self, quantity: Quantity, channel: int | str = "") -> Any:
        """Read a declared quantity. Raises `ValueError` for one that it has not, or that cannot be
        read, `InstrumentError`, `LinkError`.
        """
        if quantity not in QUANTITIES or channel != "" or not quantity.readable:
            raise ValueError(f"{self.name}: {quantity.name} cannot be read ({quantity.doc})")
        told = await self._call(quantity.question, kind="read")
        try:
            if isinstance(told, dict | list) or told is None:
                raise ValueError(f"{quantity.name}: no single value")
            return quantity.parse(str(int(told) if isinstance(told, bool) else told))
        except ValueError as error:
            raise InstrumentError(self.name, quantity.question, str(told), str(error)) from None

    @property
    def readings(self) -> frozenset[str]:
        """What can only be read: versions, and what the device is doing."""
        return frozenset(one.name for one in QUANTITIES if not one.writable)

    @property
    def untold(self) -> Mapping[str, str]:
        """The lines and outputs that it holds, and its programs: no call tells them."""
        return {
            **super().untold,
            "program": "what its slots hold is not told; load it again from where it came",
        }

    async def read_settings(self) -> dict[str, Any]:
        """All that it tells: triggers, clock, versions, and what it is doing."""
        found: dict[str, Any] = {}
        for quantity in QUANTITIES:
            if not quantity.readable:
                continue
            try:
                found[quantity.name] = await self.get(quantity)
            except InstrumentError as error:
                found[quantity.name] = {"refused": error.reply}
        return found

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
        data = http.encode_request("POST", RPC_PATH, self._authority, body)
        deadline = self._deadline(len(data), 256)
        response = await http.request(link, data, deadline)
        for _ in range(MOST_COPIES):
            if not (response.keep_alive and json_rpc.is_older(response.body, self._calls)):
                break
            response = await http.read_response(link, deadline)  # that one came twice
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

    async def _send(self, what: str, frame: bytes) -> bytes:
        """Send a frame to the binary port, of id `_uploads`; what follows its reply comes back."""
        async with self._upload.exchange("upload") as link:
            await link.write(frame)
            deadline = self._deadline(len(frame), sips.REPLY_BYTES)
            reply, more = await self._upload_reply(link, what, deadline)
            for _ in range(MOST_COPIES):
                if not 0 < reply.command_id < self._uploads:
                    break
                reply, more = await self._upload_reply(link, what, deadline)  # that came twice
            if reply.command_id != self._uploads:
                said = f"answered as {reply.command_id}"
                raise InstrumentError(self.name, f"{what} {self._uploads}", said)
        if reply.error:
            raise InstrumentError(self.name, what, f"error code {reply.error}")
        return more

    async def _upload_reply(
        self, link: ByteLink, what: str, deadline: float
    ) -> tuple[sips.UploadReply, bytes]:
        """An answer of the binary port, and the bytes that follow it."""
        data = await link.read_exactly(sips.REPLY_BYTES, deadline)
        try:
            reply = sips.parse_reply(data)
        except ValueError as error:
            raise InstrumentError(self.name, what, data.hex(), str(error)) from None
        more = b""
        if reply.extra:
            more = await link.read_exactly(min(reply.extra, 4096), deadline)
        return reply, more

    def _number(self) -> int:
        """An id for the next frame."""
        self._uploads = self._uploads % 0xFFFFFFFF + 1
        return self._uploads

    def _forget_all(self) -> None:
        """Who answers may have started anew: nothing that was set is believed."""
        self._forget_program()

    def _forget_program(self) -> None:
        """What was uploaded is in doubt."""

    async def _greet(self, link: ByteLink) -> None:
        self._forget_all()
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
        self._forget_program()


def _version(text: str) -> tuple[int, ...]:
    """`2.1.0 (beta)` as (2, 1, 0); what is no number counts 0."""
    match = re.match(r"\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in match.groups()) if match else (0, 0, 0)
