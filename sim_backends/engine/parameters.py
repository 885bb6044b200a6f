"""Program message units and their parameters: separating, numbers, booleans, keywords, strings,
blocks.

Syntax after IEEE 488.2-1992 chapter 7: units are joined by `;`, parameters by `,`; neither counts
inside a quoted string or a definite-length block `#<d><length><bytes>`. Messages are text in
latin-1, so a block keeps its bytes.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache

from .errors import ScpiError

WHITE = "".join(map(chr, range(33)))
"""White space: all control characters, and the space (488.2, 7.4.1.2); a C client's NUL too."""
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:\s*[eE]\s*[+-]?\d+)?)\s*([A-Za-z%]*)")
_SPACE = re.compile(r"\s+")
_DIGITS = {"H": re.compile(r"[0-9A-F]+"), "Q": re.compile(r"[0-7]+"), "B": re.compile(r"[01]+")}
_MARKS = {
    ",": re.compile(r"[\"'#(),]"), ";": re.compile(r"[\"'#;]"),
}  # fmt: skip
"""What `separate` looks at, by separator: parentheses keep commas together, not units."""
_LIST = re.compile(r"\(\s*@(.*)\)", re.DOTALL)
_RANGE = re.compile(r"([0-9]{1,9})(?:\s*:\s*([0-9]{1,9}))?")
_NAMED = {
    "MIN": "MIN", "MINIMUM": "MIN", "MAX": "MAX", "MAXIMUM": "MAX", "DEF": "DEF", "DEFAULT": "DEF",
}  # fmt: skip
_BASES = {"H": 16, "Q": 8, "B": 2}
_SPECIAL = {
    "INF": math.inf, "INFINITY": math.inf, "NINF": -math.inf, "NINFINITY": -math.inf,
}  # fmt: skip
_MULTIPLIERS = {
    "EX": 1e18, "PE": 1e15, "T": 1e12, "G": 1e9, "MA": 1e6, "K": 1e3, "": 1.0,
    "M": 1e-3, "U": 1e-6, "N": 1e-9, "P": 1e-12, "F": 1e-15, "A": 1e-18,
}  # fmt: skip


def block_end(text: str, start: int) -> int | None:
    """Position after the block that begins at `start`; None if it is not yet complete.

    Returns `start` itself where no definite block begins there (`#0`, `#H1F`, a lone `#`).
    """
    if start + 1 >= len(text):
        return None
    digits = text[start + 1]
    if digits not in "123456789":
        return start
    data = start + 2 + int(digits)
    if data > len(text):
        return None
    length = text[start + 2 : data]
    if not length.isdecimal():
        return start
    end = data + int(length)
    return end if end <= len(text) else None


def separate(text: str, separator: str) -> list[str]:
    """Split at `;`, or at `,`, outside strings and blocks; at `,` outside channel lists as well.

    An indefinite block (`#0`) reaches to the end of the text.
    """
    if '"' not in text and "'" not in text and "#" not in text and "(" not in text:
        return text.split(separator)
    marks = _MARKS[separator]
    parts: list[str] = []
    begin = position = depth = 0
    while (mark := marks.search(text, position)) is not None:
        character, at = mark[0], mark.start()
        position = at + 1
        if character in "\"'":
            end = text.find(character, position)
            position = len(text) if end < 0 else end + 1
        elif character == "#":
            if text.startswith("0", position):
                break
            end = block_end(text, at)
            position = position if end is None else max(position, end)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif not depth:
            parts.append(text[begin:at])
            begin = position
    parts.append(text[begin:])
    return parts


def arguments(text: str, least: int, most: int) -> list[str]:
    """The parameters of a unit, stripped.

    Raises `ScpiError` -109 with fewer than `least`, -108 with more than `most`.
    """
    parts = [_bare(part) for part in separate(text, ",")] if text else []
    if len(parts) < least or (len(parts) <= least and parts and not parts[-1]):
        raise ScpiError(-109)
    if len(parts) > most:
        raise ScpiError(-108)
    return parts


def _bare(part: str) -> str:
    """A parameter without the white space around it; all bytes of a block are its own."""
    part = part.lstrip(WHITE)
    if part[:1] != "#":
        return part.rstrip(WHITE)
    if part.startswith("#0"):
        return part
    end = block_end(part, 0) or 0
    return part[:end] + part[end:].rstrip(WHITE)


def number(text: str, unit: str = "") -> float:
    """A decimal, non-decimal (`#H1F`, `#Q17`, `#B101`) or special (`INF`) number in `unit`.

    A unit suffix with multiplier is understood (`1.5KHZ`, `10 MV`; M is milli except in MHZ and
    MOHM). Raises `ScpiError`: -104 not a number, -131 a suffix that does not fit, -138 a suffix
    where none is allowed.
    """
    try:
        value = float(text)
    except ValueError:
        pass
    else:
        # Python takes "1_0" and "nan"; 488.2 takes neither.
        if "_" in text or math.isnan(value):
            raise ScpiError(-121)
        if math.isinf(value) and text.lstrip("+-")[:1] not in "iI":
            raise ScpiError(-123)
        return value
    upper = text.upper()
    if upper in _SPECIAL:
        return _SPECIAL[upper]
    if upper[:1] == "#" and upper[1:2] in _BASES:
        if _DIGITS[upper[1]].fullmatch(upper, 2) is None:
            raise ScpiError(-121)
        return float(int(upper[2:], _BASES[upper[1]]))
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ScpiError(-104)
    digits = _SPACE.sub("", match[1])
    value = float(digits)
    if math.isinf(value):
        raise ScpiError(-123)
    multiplier = _multiplier(match[2].upper(), unit.upper())
    if multiplier == 1.0 or value == 0.0:
        return value
    # In decimal digits, as it was written: 10 US is 1E-5, and 10.0 * 1e-6 is not.
    return float(Decimal(digits) * Decimal(repr(multiplier)))


def _multiplier(suffix: str, base: str) -> float:
    """What a unit suffix multiplies by. Raises `ScpiError`."""
    if not suffix:
        return 1.0
    if not base:
        raise ScpiError(-138)
    if not suffix.endswith(base):
        raise ScpiError(-131)
    prefix = suffix[: len(suffix) - len(base)]
    if prefix == "M" and base in ("HZ", "OHM"):
        prefix = "MA"
    if prefix not in _MULTIPLIERS:
        raise ScpiError(-131)
    return _MULTIPLIERS[prefix]


def named(text: str) -> str:
    """`MIN`, `MAX` or `DEF` where `text` is one of them, long or short, else ""."""
    return _NAMED.get(text.upper(), "")


def channel_list(text: str, low: int, high: int) -> list[int]:
    """The channels of a list: `(@1,3:5)`, also `(@)` for none, in the order given.

    SCPI-1999 volume 1, 8.3.2; ranges may run down. Raises `ScpiError` -171 where it is none, -222
    for a channel outside low..high.
    """
    inside = _LIST.fullmatch(text.strip())
    if inside is None:
        raise ScpiError(-171)
    channels: list[int] = []
    for part in inside[1].split(",") if inside[1].strip() else []:
        ends = _RANGE.fullmatch(part.strip())
        if ends is None:
            raise ScpiError(-171)
        first = int(ends[1])
        last = first if ends[2] is None else int(ends[2])
        if not (low <= first <= high and low <= last <= high):
            raise ScpiError(-222)
        channels += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return channels


def integer(text: str, low: int, high: int) -> int:
    """A whole number; fractions are rounded as 488.2 asks. `ScpiError` -222 outside low..high."""
    value = number(text)
    if not low - 0.5 <= value < high + 0.5:
        raise ScpiError(-222)
    return math.floor(value + 0.5)


def boolean(text: str) -> bool:
    """`ON`, `OFF` or a number, which is rounded: non-zero is on (SCPI-1999 volume 1, 7.3).

    Raises `ScpiError` -224 for another word.
    """
    upper = text.upper()
    if upper == "ON" or upper == "1":
        return True
    if upper == "OFF" or upper == "0":
        return False
    try:
        return not -0.5 <= number(text) < 0.5
    except ScpiError:
        raise ScpiError(-224) from None


@lru_cache(maxsize=1024)
def choice(text: str, words: tuple[str, ...]) -> str:
    """The keyword of `words` (capitals = short form) that `text` spells, as written in `words`,
    upper case.

    Raises `ScpiError` -224 when there is none.
    """
    upper = text.upper()
    for word in words:
        if upper == word.upper() or upper == "".join(c for c in word if not c.islower()):
            return word.upper()
    raise ScpiError(-224)


def string(text: str) -> str:
    """A quoted string, `"` or `'`, the quote doubled inside. `ScpiError` -151 if it is none."""
    if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
        raise ScpiError(-151)
    return text[1:-1].replace(text[0] * 2, text[0])


def block(text: str) -> bytes:
    """The bytes of a definite (`#15hello`) or indefinite (`#0hello`) block. `ScpiError` -161 if
    malformed.
    """
    if text.startswith("#0"):
        return text[2:].encode("latin-1")
    end = block_end(text, 0) if text.startswith("#") else None
    if not end or text[end:].strip(" \t\r"):  # the CR of a client that ends messages by CR LF
        raise ScpiError(-161)
    return text[2 + int(text[1]) : end].encode("latin-1")
