"""Errors by code, as the EPICS module delaygen lists them, and the queue that `LERR?` reads."""

from __future__ import annotations

from collections import deque

(
    ILLEGAL_VALUE, ILLEGAL_MODE, ILLEGAL_DELAY, ILLEGAL_LINK, RECALL_FAILED, NOT_ALLOWED,
) = range(10, 16)  # fmt: skip
(
    ILLEGAL_COMMAND, UNDEFINED_COMMAND, ILLEGAL_QUERY, ILLEGAL_SET, NULL_PARAMETER,
    EXTRA_PARAMETERS, MISSING_PARAMETERS, PARAMETER_OVERFLOW, INVALID_FLOAT,
) = range(110, 119)  # fmt: skip
INVALID_INTEGER, INTEGER_OVERFLOW = 120, 121
SYNTAX_ERROR = 126
OVERRUN = 171
TOO_MANY = 254

DEPTH = 20
"""Entries that are kept (one client's comment)."""


class Refusal(Exception):
    """A command that is not carried out."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ErrorQueue:
    """The oldest error is told first; of a full queue the last entry says that some were lost."""

    def __init__(self) -> None:
        self._codes: deque[int] = deque()

    def put(self, code: int) -> None:
        """An error has happened."""
        if len(self._codes) < DEPTH:
            self._codes.append(code)
        else:
            self._codes[-1] = TOO_MANY

    def take(self) -> int:
        """The oldest error, which is forgotten; 0 when there is none."""
        return self._codes.popleft() if self._codes else 0

    def clear(self) -> None:
        """`*CLS`."""
        self._codes.clear()
