"""SCPI errors: the standard's numbers and texts, and the bounded queue that an instrument keeps.

Texts after SCPI-1999 volume 2, chapter 21, as listed in scpi-parser's `scpi/error.h`.
"""

from __future__ import annotations

from collections import deque

TEXTS: dict[int, str] = {
    0: "No error",
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -105: "GET not allowed",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error",
    -111: "Header separator error",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -130: "Suffix error",
    -131: "Invalid suffix",
    -134: "Suffix too long",
    -138: "Suffix not allowed",
    -140: "Character data error",
    -141: "Invalid character data",
    -144: "Character data too long",
    -148: "Character data not allowed",
    -150: "String data error",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -160: "Block data error",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -170: "Expression error",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -201: "Invalid while in local",
    -203: "Command protected",
    -210: "Trigger error",
    -211: "Trigger ignored",
    -212: "Arm ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -215: "Arm deadlock",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -225: "Out of memory",
    -226: "Lists not same length",
    -230: "Data corrupt or stale",
    -231: "Data questionable",
    -240: "Hardware error",
    -241: "Hardware missing",
    -256: "File name not found",
    -257: "File name error",
    -310: "System error",
    -311: "Memory error",
    -313: "Calibration memory lost",
    -314: "Save/recall memory lost",
    -315: "Configuration memory lost",
    -321: "Out of memory",
    -330: "Self-test failed",
    -340: "Calibration failed",
    -350: "Queue overflow",
    -360: "Communication error",
    -363: "Input buffer overrun",
    -365: "Time out error",
    -400: "Query error",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}


class ScpiError(Exception):
    """Ends one program message unit with an error for the queue.

    `code` is the SCPI number, `text` replaces the standard's text.
    """

    def __init__(self, code: int, text: str | None = None) -> None:
        self.code = code
        self.text = TEXTS.get(code, "Unknown error") if text is None else text
        super().__init__(f'{code},"{self.text}"')


class ErrorQueue:
    """First in, first out, of bounded depth; on overflow the last place becomes -350."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._items: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def push(self, code: int, text: str | None = None) -> None:
        """Queue an error; with the queue full the newest place reports the overflow instead."""
        if len(self._items) >= self._depth:
            self._items[-1] = (-350, TEXTS[-350])
            return
        self._items.append((code, TEXTS.get(code, "Unknown error") if text is None else text))

    def pop(self) -> tuple[int, str]:
        """The oldest error, or (0, "No error")."""
        return self._items.popleft() if self._items else (0, TEXTS[0])

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
