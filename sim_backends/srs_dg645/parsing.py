"""Commands as text: a header of four letters, or `*` and three, and parameters with commas."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import errors
from .errors import Refusal

_HEADER = re.compile(r"(\*[A-Z]{3}|[A-Z]{4})(?![A-Z])(\?)?\s*(.*)", re.IGNORECASE | re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d+)?", re.IGNORECASE)
_LONGEST = 20
"""Characters of one parameter."""


@dataclass(frozen=True)
class Parsed:
    """A command: its word in capitals, whether it asks, and its parameters."""

    word: str
    asks: bool
    parameters: tuple[str, ...]

    def count(self, least: int, most: int | None = None) -> None:
        """Refuse another number of parameters."""
        if len(self.parameters) < least:
            raise Refusal(errors.MISSING_PARAMETERS)
        if len(self.parameters) > (least if most is None else most):
            raise Refusal(errors.EXTRA_PARAMETERS)

    def integer(self, index: int, low: int, high: int) -> int:
        """A whole number within a range."""
        text = self.parameters[index]
        if not _INTEGER.fullmatch(text):
            raise Refusal(errors.INVALID_INTEGER)
        if abs(int(text)) > 2**32 - 1:
            raise Refusal(errors.INTEGER_OVERFLOW)
        if not low <= int(text) <= high:
            raise Refusal(errors.ILLEGAL_VALUE)
        return int(text)

    def number(self, index: int, low: float, high: float) -> float:
        """A number within a range."""
        text = self.parameters[index]
        if not _FLOAT.fullmatch(text):
            raise Refusal(errors.INVALID_FLOAT)
        if not low <= float(text) <= high:
            raise Refusal(errors.ILLEGAL_VALUE)
        return float(text)


def split_header(text: str) -> tuple[str, bool, str]:
    """The word in capitals, whether it asks, and what follows. Raises Refusal."""
    match = _HEADER.fullmatch(text)
    if match is None:
        raise Refusal(errors.ILLEGAL_COMMAND)
    return match[1].upper(), match[2] is not None, match[3].strip()


def split_parameters(text: str) -> tuple[str, ...]:
    """The parameters. Raises Refusal."""
    parameters = tuple(part.strip() for part in text.split(",")) if text else ()
    if "" in parameters:
        raise Refusal(errors.NULL_PARAMETER)
    if any(len(part) > _LONGEST for part in parameters):
        raise Refusal(errors.PARAMETER_OVERFLOW)
    if any(" " in part for part in parameters):
        raise Refusal(errors.SYNTAX_ERROR)
    return parameters
