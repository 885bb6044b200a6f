"""What an operator types, taken apart: commands, elements, numbers with units."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from hil.bench.file import BenchFile
from hil.bench.states import BenchError

#: Units of `set`, as they are spelled in messages.
UNITS = ("mW", "rad", "V")


class RequestError(BenchError):
    """A command that cannot be done as asked; nothing was sent."""


@dataclass(frozen=True)
class ElementName:
    """`BANK:ELEMENT`: an element of a bank, counted in element order."""

    bank: int
    element: int

    def __str__(self) -> str:
        return f"{self.bank}:{self.element}"


def split_line(line: str) -> list[list[str]]:
    """The commands of a line, `;` between them and `#` before a comment, as lists of words.

    Raises
    ------
    RequestError
        For a quotation that does not end.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if set(word) == {";"}:
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError as error:
        raise RequestError(f"{line!r}: {error}") from None
    return [words for words in commands if words]


def bank_of(text: str, file: BenchFile) -> int:
    """A bank's number.

    Raises
    ------
    RequestError
    """
    if not text.isdecimal() or int(text) >= file.n_banks:
        raise RequestError(f"no bank {text!r}; there are 0 to {file.n_banks - 1}")
    return int(text)


def element_of(text: str, file: BenchFile) -> ElementName:
    """An element by its name, `0:12`.

    Raises
    ------
    RequestError
    """
    bank, colon, element = text.partition(":")
    if not colon:
        raise RequestError(f"{text!r} is no element; write BANK:ELEMENT, as 0:12")
    most = file.elements_per_bank - 1
    number = bank_of(bank, file)
    if not element.isdecimal() or int(element) > most:
        raise RequestError(f"no element {element!r} in bank {number}; there are 0 to {most}")
    return ElementName(number, int(element))


def number_of(text: str, what: str) -> float:
    """A finite number.

    Raises
    ------
    RequestError
    """
    try:
        value = float(text)
    except ValueError:
        raise RequestError(f"{what}: {text!r} is no number") from None
    if not math.isfinite(value):
        raise RequestError(f"{what}: {text} is refused, only finite values are sent")
    return value


def count_of(text: str, what: str, most: int) -> int:
    """A whole number from 1 to `most`.

    Raises
    ------
    RequestError
    """
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise RequestError(f"{what}: {text!r} is no whole number from 1 to {most}")
    return int(text)


def value_with_unit(words: list[str], default: str | None = None) -> tuple[float, str]:
    """`5 mW`, `5mW`, or without a unit where there is a `default`.

    Raises
    ------
    RequestError
    """
    text = "".join(words)
    for unit in UNITS:
        if text.casefold().endswith(unit.casefold()):
            return number_of(text[: -len(unit)], "value"), unit
    if default is None:
        raise RequestError(f"{' '.join(words)!r} has no unit; write one of {', '.join(UNITS)}")
    return number_of(text, "value"), default
