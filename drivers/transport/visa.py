"""VISA sessions (USB-TMC, GPIB, VXI-11, HiSLIP) through pyvisa, each on a thread of its own.

pyvisa blocks, and a session must not be used from two threads. Termination characters are switched
on for reads up to an end only: a binary block may hold them anywhere.

All but raw sockets and serial ports carry messages: an answer that ends too soon is an error at
once, and a new message discards what is unread of the answer before (IEEE 488.2-1992, 6.3).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pyvisa
from pyvisa import constants, errors

from drivers.transport.link import LinkClosed, LinkError, LinkTimeout
from drivers.transport.visa_py import end_of_file_raises, is_torn, tells_of_a_stale_answer

T = TypeVar("T")

OPEN_TIMEOUT = 5.0
WRITE_TIMEOUT = 10.0
"""Seconds that the other end may leave us waiting before it takes more bytes."""
CLEAR_TIMEOUT = 2.0
CHUNK = 2**20
"""Bytes asked for at once."""
_STALE_ANSWERS = 16
"""Unread answers that a clear passes over before it gives the session up."""
_TIMEOUTS = (constants.StatusCode.error_timeout,)
_LOST = (
    constants.StatusCode.error_connection_lost,
    constants.StatusCode.error_invalid_object,
    constants.StatusCode.error_io,
    constants.StatusCode.error_no_listeners,
)


class VisaLink:
    """An open VISA session: a `ByteLink`."""

    def __init__(self, name: str, session: Any, worker: ThreadPoolExecutor) -> None:
        self.name = name
        self._session = session
        self._worker = worker
        self._unread = bytearray()
        self._ended = False  # what lies unread is the end of a message
        self._closed = False
        self._timeout = 0  # ms; as the session has it
        # Over a plain stream a read without a message pending just waits; elsewhere it is an error.
        kind = session.interface_type
        text = session.resource_class
        self._stream = text == "SOCKET" or kind == constants.InterfaceType.asrl

    @property
    def closed(self) -> bool:
        """True once the session is closed or was lost."""
        return self._closed

    @property
    def stream(self) -> bool:
        """True over a socket or a serial port; elsewhere messages go one at a time."""
        return self._stream

    async def write(self, data: bytes) -> None:
        """Send `data` as one message. Raises `LinkTimeout` or `LinkClosed`."""
        await self._run(lambda: self._write(data))

    async def read_until(self, end: bytes, timeout: float) -> bytes:
        """Bytes up to and including `end`. Raises `LinkTimeout` or `LinkClosed`.

        A message that ends before `end` came raises `LinkTimeout` without waiting.
        """
        return await self._run(lambda: self._read(end, 0, timeout))

    async def read_exactly(self, count: int, timeout: float) -> bytes:
        """`count` bytes. Raises `LinkTimeout` or `LinkClosed`."""
        return await self._run(lambda: self._read(b"", count, timeout))

    async def drain_input(self) -> bytes:
        """What has arrived. Message-based instruments send nothing unasked, and are not read."""
        return await self._run(self._drain)

    async def clear(self) -> None:
        """Device clear (viClear): both ends forget what is under way; settings and errors stay.

        After it no answer to anything asked before is read. Raises `LinkTimeout`, or `LinkClosed`
        where the session cannot be mended.
        """
        await self._run(self._clear)

    async def close(self) -> None:
        """Close the session and end its thread."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        # When the other end has gone there is nothing left to close.
        with contextlib.suppress(Exception):
            await loop.run_in_executor(self._worker, self._session.close)
        self._worker.shutdown(wait=False)

    async def _run(self, job: Callable[[], T]) -> T:
        if self._closed:
            raise LinkClosed(f"{self.name}: the session is closed; open the instrument again")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._worker, job)
        except errors.VisaIOError as error:
            if error.error_code in _TIMEOUTS:
                self._closed = self._closed or is_torn(self._session)
                raise LinkTimeout(f"{self.name}: no answer in time") from None
            if error.error_code in _LOST:
                self._closed = True
            raise LinkClosed(f"{self.name}: {error}") from None
        except LinkError:
            raise
        except Exception as error:
            # pyvisa-py raises what its sockets and its assertions raise.
            self._closed = True
            raise LinkClosed(f"{self.name}: {error or type(error).__name__}") from None

    def _write(self, data: bytes) -> None:
        if not self._stream:
            self._unread.clear()
        self._be_patient(WRITE_TIMEOUT)
        self._session.write_raw(data)

    def _clear(self) -> None:
        self._unread.clear()
        self._ended = False
        self._be_patient(CLEAR_TIMEOUT)
        for _ in range(_STALE_ANSWERS):
            try:
                self._session.clear()
                break
            except RuntimeError as error:
                if not tells_of_a_stale_answer(error):
                    raise
        else:
            raise LinkClosed(f"{self.name}: answers keep coming, and it cannot be cleared")

    def _read(self, end: bytes, count: int, timeout: float) -> bytes:
        """On the thread: read until `end` is there, or `count` bytes where `end` is empty."""
        deadline = time.monotonic() + timeout
        nothing = False
        while True:
            if end:
                at = self._unread.find(end)
                size = at + len(end) if at >= 0 else -1
            else:
                size = count if len(self._unread) >= count else -1
            if size >= 0:
                data = bytes(self._unread[:size])
                del self._unread[:size]
                return data
            got = len(self._unread)
            left = deadline - time.monotonic()
            if left <= 0.0:
                raise LinkTimeout(f"{self.name}: no answer within {timeout:g} s ({got} bytes came)")
            if self._ended and (got or nothing):
                raise LinkTimeout(f"{self.name}: the answer ended too soon ({got} bytes came)")
            wanted = CHUNK if end or not self._stream else count - len(self._unread)
            nothing = not self._receive(wanted, left, end[-1:])

    def _receive(self, size: int, timeout: float, termination: bytes) -> int:
        """Read once; how many bytes came."""
        session = self._session
        self._be_patient(timeout)
        if termination:
            session.set_visa_attribute(constants.ResourceAttribute.termchar, termination[0])
        session.set_visa_attribute(
            constants.ResourceAttribute.termchar_enabled,
            constants.VI_TRUE if termination else constants.VI_FALSE,
        )
        self._ended = False
        data, status = session.visalib.read(session.session, size)
        self._unread += data
        # A read that stopped at a termination character may not have come to the end: the next one
        # tells. pyvisa-py's HiSLIP sessions read nothing, at once, after the end.
        more = status == constants.StatusCode.success_max_count_read
        stopped = bool(termination) and data.endswith(termination)
        self._ended = not (self._stream or more or stopped)
        return len(data)

    def _be_patient(self, seconds: float) -> None:
        """Set the session's time-out, which holds for reads, writes and clears alike."""
        timeout = max(1, round(seconds * 1e3))
        if timeout != self._timeout:
            self._session.timeout = self._timeout = timeout

    def _drain(self) -> bytes:
        while self._stream:
            try:
                self._receive(1, 1e-3, b"")
            except errors.VisaIOError as error:
                if error.error_code in _TIMEOUTS:
                    break
                raise
        data = bytes(self._unread)
        self._unread.clear()
        return data


async def open_visa(resource: str, timeout: float = OPEN_TIMEOUT) -> VisaLink:
    """Open a VISA resource with the installed VISA library, or else with pyvisa-py.

    Raises `LinkClosed` naming the resource.
    """
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"visa {resource}")
    loop = asyncio.get_running_loop()

    def open_session() -> Any:
        manager = _manager()
        session = manager.open_resource(resource, open_timeout=round(timeout * 1e3))
        session.read_termination = None  # type: ignore[attr-defined]
        session.write_termination = ""  # type: ignore[attr-defined]
        end_of_file_raises(session)
        return session

    try:
        session = await loop.run_in_executor(worker, open_session)
    except LinkError:
        worker.shutdown(wait=False)
        raise
    except Exception as error:  # pyvisa-py raises bare ones too
        worker.shutdown(wait=False)
        raise LinkClosed(
            f"{resource}: cannot be opened ({error}); check the string with `pyvisa-info`, the "
            f"cable, and that the instrument is on"
        ) from None
    return VisaLink(resource, session, worker)


def _manager() -> pyvisa.ResourceManager:
    try:
        return pyvisa.ResourceManager()
    except (OSError, ValueError) as error:
        try:
            return pyvisa.ResourceManager("@py")
        except (OSError, ValueError):
            raise LinkError(
                f"no VISA library is installed ({error}); `pip install pyvisa-py` provides one"
            ) from None


def list_resources() -> tuple[str, ...]:
    """Resource strings that the VISA library finds. Blocks, for seconds where it asks the network.

    Raises `LinkError` where there is no library, or where it fails.
    """
    try:
        return tuple(_manager().list_resources("?*"))
    except errors.VisaIOError as error:
        if error.error_code == constants.StatusCode.error_resource_not_found:
            return ()
        raise LinkError(f"the VISA library cannot list its resources ({error})") from None
