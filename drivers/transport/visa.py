"""VISA sessions (USB-TMC, GPIB, VXI-11, HiSLIP) through pyvisa, each on a thread of its own.

pyvisa blocks, and a session must not be used from two threads. A short message is handed over
without waiting until it has left: the read behind it waits on the same thread, so that a query
costs one wake-up of the thread and one of the loop. What goes wrong with it is raised by what
comes next on the link.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import pyvisa
from pyvisa import constants, errors

from drivers.transport.link import GONE, LinkClosed, LinkError, LinkTimeout
from drivers.transport.visa_py import end_of_file_raises, is_torn
from drivers.transport.visa_session import SHORT, TIMEOUTS, VisaSession
from drivers.transport.worker import Worker

T = TypeVar("T")

OPEN_TIMEOUT = 5.0
_LOST = (
    constants.StatusCode.error_connection_lost,
    constants.StatusCode.error_invalid_object,
    constants.StatusCode.error_io,
    constants.StatusCode.error_no_listeners,
)


class VisaLink:
    """An open VISA session: a `ByteLink`."""

    def __init__(self, name: str, session: Any, worker: Worker) -> None:
        self.name = name
        self._session = VisaSession(name, session)
        self._worker = worker
        self.error_bit = 0
        """Bit of the status byte that tells of queued errors. Unless it is 0, a read of which
        nothing comes raises `AnswerRefused` as soon as that bit says why."""
        self._unsent: BaseException | None = None  # what became of a message handed over
        self._closed = False
        self._left = False  # by `close`: a session that was lost has its thread still

    @property
    def closed(self) -> bool:
        """True once the session is closed or was lost."""
        return self._closed

    @property
    def stream(self) -> bool:
        """True over a socket or a serial port; elsewhere messages go one at a time."""
        return self._session.stream

    async def write(self, data: bytes) -> None:
        """Send `data` as one message. Raises `LinkTimeout` or `LinkClosed`.

        Of a short one they are raised by the next use of the link.
        """
        if len(data) > SHORT:
            await self._run(lambda: self._session.write(data))
        elif self._closed:
            raise self._is_closed()
        else:
            self._worker.post(lambda: self._send(data))

    async def read_until(self, end: bytes, timeout: float) -> bytes:
        """Bytes up to and including `end`. Raises `LinkTimeout` or `LinkClosed`.

        A message that ends before `end` came raises `LinkTimeout` without waiting.
        """
        bit = self.error_bit
        return await self._run(lambda: self._session.read_until(end, timeout, bit))

    async def read_exactly(self, count: int, timeout: float) -> bytes:
        """`count` bytes. Raises `LinkTimeout` or `LinkClosed`."""
        bit = self.error_bit
        return await self._run(lambda: self._session.read_exactly(count, timeout, bit))

    async def drain_input(self) -> bytes:
        """What has arrived. Message-based instruments send nothing unasked, and are not read."""
        return await self._run(self._session.drain)

    async def clear(self) -> None:
        """Device clear (viClear): both ends forget what is under way; settings and errors stay.

        After it no answer to anything asked before is read. Raises `LinkTimeout`, or `LinkClosed`
        where the session cannot be mended.
        """
        await self._run(self._session.clear)

    def distrust_status(self) -> None:
        """The status byte told of an error that there was not: look at it no more."""
        self._session.distrust_status()

    async def close(self) -> None:
        """Close the session and end its thread."""
        if self._left:
            return
        self._closed = self._left = True
        # When the other end has gone there is nothing left to close.
        with contextlib.suppress(Exception):
            await self._worker.run(self._session.session.close)
        self._worker.stop()

    def _is_closed(self) -> LinkClosed:
        return LinkClosed(f"{self.name}: the session is closed; open the instrument again")

    def _send(self, data: bytes) -> None:
        """On the thread: what is wrong is kept for the next."""
        if self._unsent is None:
            try:
                self._session.write(data)
            except BaseException as error:
                self._unsent = error

    async def _run(self, job: Callable[[], T]) -> T:
        if self._closed:
            raise self._is_closed()

        def checked() -> T:
            if (unsent := self._unsent) is not None:
                self._unsent = None
                raise unsent
            return job()

        try:
            return await self._worker.run(checked)
        except errors.VisaIOError as error:
            if error.error_code in TIMEOUTS:
                self._closed = self._closed or is_torn(self._session.session)
                raise LinkTimeout(f"{self.name}: no answer in time; {GONE}") from None
            if error.error_code in _LOST:
                self._closed = True
            raise LinkClosed(f"{self.name}: {error}; {GONE}") from None
        except LinkError:
            raise
        except Exception as error:
            # pyvisa-py raises what its sockets and its assertions raise.
            self._closed = True
            raise LinkClosed(f"{self.name}: {error or type(error).__name__}; {GONE}") from None


async def open_visa(resource: str, timeout: float = OPEN_TIMEOUT) -> VisaLink:
    """Open a VISA resource with the installed VISA library, or else with pyvisa-py.

    Raises `LinkClosed` naming the resource.
    """
    worker = Worker(f"visa {resource}")

    def open_session() -> Any:
        manager = _manager()
        session = manager.open_resource(resource, open_timeout=round(timeout * 1e3))
        session.read_termination = None  # type: ignore[attr-defined]
        session.write_termination = ""  # type: ignore[attr-defined]
        end_of_file_raises(session)
        return session

    try:
        session = await worker.run(open_session)
    except LinkError:
        worker.stop()
        raise
    except Exception as error:  # pyvisa-py raises bare ones too
        worker.stop()
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
