"""What a Red Pitaya keeps for each client: a second error queue, reply format, byte order.

Its own errors (9000 + code, fatal ones 9500 + code, or a SCPI number) go into a queue of their own
that SYSTem:ERRor? empties first (Red Pitaya scpi-server source, error.cpp and scpi-parser-ext.cpp).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.session import Command, Reply, ScpiSession
from sim_backends.engine.status import EXE
from sim_backends.engine.writing import write_block

DIALECT = Dialect(
    request_end=b"\r\n", reply_end=b"\r\n", blocks_in=False, queue_depth=16, service_bit=True
)
"""main.cpp looks for CR LF and nothing else."""

OUT_OF_RANGE = 6
"""RP_EOOR of the vendor's rp.h."""
NOT_SUPPORTED = 24
FATAL = 9500
_FLOAT = (np.dtype(">f4"), np.dtype("<f4"))
_INTEGER = (np.dtype(">i2"), np.dtype("<i2"))


class BoxError(ScpiError):
    """An error of the box's own API: 9500 + code, or a SCPI number with the server's text."""


class BoxSession(ScpiSession):
    """A client of the SCPI server."""

    def __init__(
        self,
        commands: CommandTable[Command],
        send: Callable[[bytes], None],
        wake: Callable[[], None],
    ) -> None:
        super().__init__(commands, DIALECT, send, wake)
        self.own_errors: deque[tuple[int, str]] = deque()
        self.answer_errors = False
        self.binary = False
        self.little_endian = False

    def failed_answer(self, header: str) -> bytes | None:
        """An empty line for a query that failed, after RP:RET_ON_ERROR ON; otherwise nothing."""
        return b"" if self.answer_errors and header.endswith("?") else None

    def failed(self, failure: ScpiError) -> None:
        """Into the box's own queue; a bad parameter is reported by the parser as well."""
        if isinstance(failure, BoxError):
            self.own_errors.append((failure.code, failure.text))
            self.status.esr |= EXE
            return
        if failure.code in (-104, -109, -224):
            self.own_errors.append((-109, "Missing first parameter."))
        self.error(failure.code, failure.text)

    def next_error(self) -> str:
        """The box's own errors first."""
        if self.own_errors:
            code, text = self.own_errors.popleft()
            return f'{code},"{text}"'
        return super().next_error()

    def error_count(self) -> int:
        """Both queues."""
        return len(self.own_errors) + len(self.errors)

    def clear_status(self) -> None:
        """*CLS clears both queues."""
        self.own_errors.clear()
        super().clear_status()

    def floats(self, values: NDArray[np.float64]) -> Reply:
        """Values as a float32 block, or as `{%f,...}`."""
        if self.binary:
            return write_block(values.astype(_FLOAT[self.little_endian]).tobytes())
        return "{" + ",".join([f"{value:f}" for value in values.tolist()]) + "}"

    def integers(self, values: NDArray[np.int16]) -> Reply:
        """Values as an int16 block, or as `{%d,...}`."""
        if self.binary:
            return write_block(values.astype(_INTEGER[self.little_endian]).tobytes())
        return "{" + ",".join([str(value) for value in values.tolist()]) + "}"


def channel(suffixes: tuple[int, ...]) -> int:
    """Index 0 or 1 of the channel in a header; another number is the box's own fatal error."""
    if suffixes[0] not in (1, 2):
        raise BoxError(FATAL + OUT_OF_RANGE, "Invalid channel number")
    return suffixes[0] - 1


def lacking(what: str) -> Command:
    """A command of other models, which this one does not support (RP_NOTS of rp.h)."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        raise BoxError(FATAL + NOT_SUPPORTED, f"Failed to {what}: Command not supported.")

    return run


def out_of_range(what: str) -> BoxError:
    """The error of an API call that refuses a value."""
    return BoxError(FATAL + OUT_OF_RANGE, f"Failed to set {what}: Value out of range.")
