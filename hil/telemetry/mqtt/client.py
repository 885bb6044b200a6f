"""The one place that knows the MQTT client library, aiomqtt (what asyncio-mqtt is called now).

A connection ends in `LinkLost`, whatever broke, with a line for a person. It is made anew each
time: the library reconnects nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiomqtt

from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address

#: s: between two signs of life; a frozen client is `lost` after 1.5 to 2.5 of them.
KEEP_ALIVE = 5
#: s that a broker has for an answer.
TIMEOUT = 5.0
#: Messages that wait to be looked at, and the largest payload that may.
MOST_WAITING = 1000
LARGEST = 16 * 2**20
#: Codes of a broker's refusal: MQTT 3.1.1, 3.2.2.3.
_BAD_LOGIN, _NOT_AUTHORIZED = (4, 134), (5, 135)
_REFUSED = 0x80


class LinkLost(Exception):
    """A connection broke, or could not be made: says why."""


@dataclass(frozen=True)
class Message:
    """What came. retain : it was sent before this client subscribed."""

    topic: str
    payload: bytes
    retain: bool


@dataclass(frozen=True)
class Will:
    """What the broker publishes, retained, when the connection breaks."""

    topic: str
    payload: bytes


class Link:
    """An open connection."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False
    ) -> None:
        """Send; with `qos` 1 until the broker has it. That a broker forbids it nobody hears.

        Raises
        ------
        LinkLost
        """
        try:
            await self._client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError as error:
            raise LinkLost(_words(error)) from None

    async def subscribe(self, topic: str) -> bool:
        """Ask for a topic; whether the broker says yes (it may say so and send nothing).

        Raises
        ------
        LinkLost
        """
        try:
            granted = await self._client.subscribe(topic, qos=1)
        except aiomqtt.MqttError as error:
            raise LinkLost(_words(error)) from None
        return all(_code(one) < _REFUSED for one in granted)

    async def messages(self) -> AsyncIterator[Message]:
        """What comes, without end.

        Raises
        ------
        LinkLost
        """
        try:
            async for one in self._client.messages:
                payload = one.payload if isinstance(one.payload, bytes) else b""
                yield Message(str(one.topic), payload, bool(one.retain))
        except aiomqtt.MqttError as error:
            raise LinkLost(_words(error)) from None


@asynccontextmanager
async def connect(
    address: Address, access: Access, counts: Counter[str], will: Will | None = None
) -> AsyncIterator[Link]:
    """Connect to a broker, until the end of the `with`.

    counts : gets `too_large` and `unread`: messages that came and were thrown away.

    Raises
    ------
    LinkLost, TelemetryError
    """
    context = access.context() if address.tls else None
    if context is not None:
        await _shake_hands(address, context)

    def inbox(maxsize: int) -> asyncio.Queue[aiomqtt.Message]:
        return _Inbox(maxsize, counts)

    client = aiomqtt.Client(
        address.host,
        address.port,
        username=access.username,
        password=access.password,
        will=None if will is None else aiomqtt.Will(will.topic, will.payload, 1, True),
        timeout=TIMEOUT,
        keepalive=KEEP_ALIVE,
        max_queued_incoming_messages=MOST_WAITING,
        queue_type=inbox,  # pyright: ignore[reportArgumentType] - it is only called
        tls_context=context,
    )
    client.pending_calls_threshold = MOST_WAITING
    try:
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            raise LinkLost(await _why_not(address, context, error)) from None
        try:
            yield Link(client)
        finally:
            # A broker that answers no more must not hold up who leaves.
            with suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await client.__aexit__(None, None, None)
    finally:
        _let_go(client)


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """Throws away what is too large or too many."""

    def __init__(self, maxsize: int, counts: Counter[str]) -> None:
        super().__init__(maxsize)
        self._counts = counts

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Never raises."""
        if isinstance(item.payload, bytes) and len(item.payload) > LARGEST:
            self._counts["too_large"] += 1
        elif self.full():
            self._counts["unread"] += 1
        else:
            super().put_nowait(item)


def _let_go(client: aiomqtt.Client) -> None:
    """Close what the library leaves open where a broker does not answer."""
    task: asyncio.Task[Any] | None = client._misc_task
    if task is not None:
        task.cancel()
    left = client._client.socket()
    if isinstance(left, socket.socket) and left.fileno() >= 0:
        loop = asyncio.get_running_loop()
        loop.remove_reader(left.fileno())
        loop.remove_writer(left.fileno())
        left.close()


def _code(granted: Any) -> int:
    return int(getattr(granted, "value", granted))


async def _shake_hands(address: Address, context: ssl.SSLContext) -> None:
    """Once before the library does, which tells nothing of what fails and leaves sockets open."""
    try:
        await asyncio.to_thread(_say_hello, address, context, wait=False)
    except ssl.SSLCertVerificationError as error:
        raise LinkLost(
            f"{address.broker} shows a certificate that is not trusted ({error.verify_message}): "
            f"name its authority by --mqtt-ca FILE, and the host as the certificate does"
        ) from None
    except ssl.SSLError as error:
        raise LinkLost(f"{address.broker} does not speak TLS as wanted: {error.reason}") from None
    except OSError as error:
        raise LinkLost(f"{address.broker} cannot be reached: {error.strerror or error}") from None


def _say_hello(address: Address, context: ssl.SSLContext, *, wait: bool) -> bytes:
    """Whether TLS comes about; `wait`: and is not broken off then, as TLS 1.3 does."""
    with (
        socket.create_connection((address.host, address.port), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=address.host) as encrypted,
    ):
        return encrypted.recv(1) if wait else b""


async def _why_not(
    address: Address, context: ssl.SSLContext | None, error: aiomqtt.MqttError
) -> str:
    """Why no connection came about, for a person."""
    code = getattr(error, "rc", None)
    number = _code(code) if code is not None else -1
    if number in _BAD_LOGIN + _NOT_AUTHORIZED:
        return (
            f"{address.broker} does not let this client in: are HIL_MQTT_USERNAME and "
            f"HIL_MQTT_PASSWORD_FILE set and right?"
        )
    if number > 0:
        return f"{address.broker} refuses: {_words(error)}"
    if "timed out" not in str(error):
        return f"{address.broker} cannot be reached: {_words(error)}"
    if context is not None and await _hangs_up(address, context):
        return (
            f"{address.broker} hangs up: it wants a certificate of its clients (--mqtt-cert FILE "
            f"--mqtt-key FILE), or another one"
        )
    tls = "with TLS" if address.tls else "without TLS (else mqtts://)"
    return f"{address.broker} did not answer as a broker within {TIMEOUT:g} s: is there one, {tls}?"


async def _hangs_up(address: Address, context: ssl.SSLContext) -> bool:
    """Whether a broker ends a connection that has hardly begun."""
    try:
        return not await asyncio.to_thread(_say_hello, address, context, wait=True)
    except TimeoutError:
        return False
    except OSError:
        return True


def _words(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if "isconnect" in text or "not currently connected" in text or "timed out" in text:
        # What the library says of it then is "Unspecified error".
        return "the connection broke, or the broker no longer answers"
    return text
