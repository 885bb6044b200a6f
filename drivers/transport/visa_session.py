"""The blocking half of a VISA link: one session, used on one thread.

Termination characters are switched on for reads up to an end only: a binary block may hold them
anywhere. All but raw sockets and serial ports carry messages: an answer that ends too soon is an
error at once, and a new message discards what is unread of the answer before (IEEE 488.2-1992,
6.3).

An instrument that refuses a query sends nothing. Where its status byte tells of queued errors, a
read that stays silent polls it, and ends early. It takes two polls, with a wait for the answer
between: what had left before the first has come by then, even where MAV does not tell of it.
"""

from __future__ import annotations

import time
from typing import Any

from pyvisa import constants, errors

from drivers.transport.link import GONE, NOISE, AnswerRefused, LinkClosed, LinkTimeout
from drivers.transport.visa_py import tells_of_a_stale_answer, watch_of

WRITE_TIMEOUT = 10.0
"""Seconds that the other end may leave us waiting before it takes more bytes."""
SHORT_WRITE_TIMEOUT = 1.0
"""Those that a short message is given at least: it fits any buffer on its way."""
CLEAR_TIMEOUT = 2.0
SHORT = 4096
"""Bytes of a short message; so many are asked for where no more are awaited."""
CHUNK = 2**20
"""Bytes asked for at once of a long one."""
_NO_WARNING = (
    constants.StatusCode.success_max_count_read,
    constants.StatusCode.success_device_not_present,
)
"""What a read may well end with: less was asked for than there is."""
TIMEOUTS = (constants.StatusCode.error_timeout,)
FIRST_PATIENCE = 0.2
"""Seconds of silence before the status byte is looked at; then twice as many, and so on."""
LONGEST_PATIENCE = 2.0
CERTAINTY = 0.1
"""Seconds between the two polls that must both tell of an error and of no answer."""
MESSAGE_AVAILABLE = 16
_STALE_ANSWERS = 16
"""Unread answers that a clear passes over before it gives the session up."""


class VisaSession:
    """An open session, its bytes counted and searched; every method blocks."""

    def __init__(self, name: str, session: Any) -> None:
        self.session = session
        self._name = name
        self._unread = bytearray()
        self._ended = False  # what lies unread is the end of a message
        self._patience = 0  # ms; as the session has it
        self._termination: bytes | None = None  # as the session has it; None: nobody knows
        self._watch = watch_of(session)
        self._silent = False  # nothing was read since a message was sent
        # Over a plain stream a read without a message pending just waits; elsewhere it is an error.
        kind = session.interface_type
        self.stream = session.resource_class == "SOCKET" or kind == constants.InterfaceType.asrl

    def write(self, data: bytes) -> None:
        """Send one message."""
        if not self.stream:
            self._unread.clear()
        self._silent = True
        enough = SHORT_WRITE_TIMEOUT if len(data) <= SHORT else WRITE_TIMEOUT
        if self._patience < 1e3 * enough:
            self._be_patient(WRITE_TIMEOUT)
        self.session.write_raw(data)

    def read_until(self, end: bytes, timeout: float, error_bit: int = 0) -> bytes:
        """Bytes up to and including `end`. Raises `LinkTimeout`.

        `error_bit`: that of the status byte which tells of queued errors (0: none does); raises
        `AnswerRefused` where nothing else comes of a message.
        """
        deadline = time.monotonic() + timeout
        unread = self._unread
        scanned, wanted = 0, SHORT
        awaited = self._begins(error_bit, deadline, end[-1:])
        while (at := unread.find(end, scanned)) < 0:
            scanned = max(0, len(unread) - len(end) + 1)
            left = self._left(deadline, timeout, len(unread), awaited)
            data = self._receive(wanted, left, end[-1:])
            awaited = bool(data)
            unread += data
            wanted = CHUNK
        return self._take(at + len(end))

    def read_exactly(self, count: int, timeout: float, error_bit: int = 0) -> bytes:
        """`count` bytes. Raises as `read_until`; what came stays readable."""
        deadline = time.monotonic() + timeout
        awaited = self._begins(error_bit, deadline, b"")
        if len(self._unread) >= count:
            return self._take(count)
        pieces: list[bytes | memoryview] = [self._take(len(self._unread))]
        got = len(pieces[0])
        try:
            while got < count:
                left = self._left(deadline, timeout, got, awaited)
                missing = count - got
                wanted = missing if self.stream else CHUNK if missing > SHORT else SHORT
                data = self._receive(wanted, left, b"")
                awaited = bool(data)
                pieces.append(data)
                got += len(data)
        except BaseException:
            self._unread[:0] = b"".join(pieces)
            raise
        if got > count:
            last = memoryview(pieces[-1])
            cut = len(last) - (got - count)
            pieces[-1] = last[:cut]
            self._unread += last[cut:]
        return b"".join(pieces)

    def drain(self) -> bytes:
        """What has arrived. Message-based instruments send nothing unasked, and are not read."""
        while self.stream:
            try:
                self._unread += self._receive(1, 1e-3, b"")
            except errors.VisaIOError as error:
                if error.error_code in TIMEOUTS:
                    break
                raise
        return self._take(len(self._unread))

    def clear(self) -> None:
        """Device clear; what answers anything asked before is passed over. Raises `LinkClosed`."""
        self._unread.clear()
        self._ended = False
        self._be_patient(CLEAR_TIMEOUT)
        for _ in range(_STALE_ANSWERS):
            try:
                self.session.clear()
                break
            except RuntimeError as error:
                if not tells_of_a_stale_answer(error):
                    raise
        else:
            raise LinkClosed(f"{self._name}: answers keep coming, and it cannot be cleared")

    def distrust_status(self) -> None:
        """Look at the status byte no more: it told of an error where there was none."""
        self._watch = None

    def _begins(self, error_bit: int, deadline: float, termination: bytes) -> bool:
        """Wait until an answer begins, or refusal is certain. False where it is an empty one."""
        silent, self._silent = self._silent, False
        watch = self._watch
        if watch is None or not (error_bit and silent):
            return True
        patience, told = FIRST_PATIENCE, False
        while deadline - time.monotonic() > patience:
            came = watch.wait(patience, SHORT, termination)
            if came is not None:
                data, ended = came
                self._unread += data
                self._ended = ended
                return bool(data) or not ended
            try:
                status = watch.status()
            except Exception:  # pyvisa-py raises bare ones; a lost link shows itself in the read
                self._watch = None
                break
            refused = bool(status & error_bit) and not status & MESSAGE_AVAILABLE
            if refused and told:
                raise AnswerRefused(
                    f"{self._name}: no answer, and the status byte {status} tells of an error"
                )
            told = refused
            patience = CERTAINTY if told else min(2.0 * patience, LONGEST_PATIENCE)
        return True

    def _take(self, count: int) -> bytes:
        unread = self._unread
        if count == len(unread):
            data = bytes(unread)
            unread.clear()
            return data
        with memoryview(unread) as view:
            data = bytes(view[:count])
        del unread[:count]
        return data

    def _left(self, deadline: float, timeout: float, got: int, awaited: bool) -> float:
        """Seconds left for a read; `awaited`: the last one brought something, or there was none."""
        left = deadline - time.monotonic()
        if left <= 0.0:
            raise LinkTimeout(
                f"{self._name}: no answer within {timeout:g} s ({got} bytes came); {GONE}"
            )
        if self._ended and (got or not awaited):
            raise LinkTimeout(
                f"{self._name}: the answer ended too soon ({got} bytes came); {NOISE}"
            )
        return left

    def _receive(self, size: int, timeout: float, termination: bytes) -> bytes:
        """Read once, up to `termination` where one is given."""
        session = self.session
        self._be_patient(timeout)
        if termination != self._termination:
            self._terminate(termination)
        self._ended = False
        with session.ignore_warning(*_NO_WARNING):
            data, status = session.visalib.read(session.session, size)
        # A read that stopped at a termination character may not have come to the end: the next one
        # tells. pyvisa-py's HiSLIP sessions read nothing, at once, after the end.
        more = status == constants.StatusCode.success_max_count_read
        stopped = bool(termination) and data.endswith(termination)
        self._ended = not (self.stream or more or stopped)
        return data

    def _terminate(self, termination: bytes) -> None:
        session = self.session
        self._termination = None
        if termination:
            session.set_visa_attribute(constants.ResourceAttribute.termchar, termination[0])
        session.set_visa_attribute(
            constants.ResourceAttribute.termchar_enabled,
            constants.VI_TRUE if termination else constants.VI_FALSE,
        )
        self._termination = termination

    def _be_patient(self, seconds: float) -> None:
        """Set the session's time-out, which holds for reads, writes and clears alike."""
        patience = max(1, round(seconds * 1e3))
        if patience != self._patience:
            self.session.timeout = self._patience = patience
