"""Longer answers of a Qontrol chain: its error log, its memory, and volts with amps.

Source: transcripts of the API's `virtual-module` branch (Q8iv, firmware 2.4.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.protocol.qontrol import Fault

_LOG = re.compile(rb"#\s*(\d+),\s*E(\d+):(\d+),\s*(\d+)\s*([smhd])\s+ago")
_SECONDS = {b"s": 1.0, b"m": 60.0, b"h": 3600.0, b"d": 86400.0}
_WORD = re.compile(rb"([0-9A-Fa-f]+)\s*:\s*0x([0-9A-Fa-f]{1,4})")
_OUTPUT = re.compile(
    rb"(\d+),(\d+): ([+-]\d+\.\d+) V, ([+-]\d+\.\d+) mA(?:,\s*[+-]?[\d.]+ mW,\s*[+-]?[\d.]+ Ohm)?"
)


@dataclass(frozen=True)
class LogEntry:
    """An entry of a module's error log, and about how long ago it was made, s."""

    fault: Fault
    age: float

    def __str__(self) -> str:
        return f"{self.fault}, {self.age:g} s ago"


def parse_log(lines: Sequence[bytes]) -> tuple[LogEntry, ...]:
    """Cleaned lines `#  0, E00:01, 2 m ago`, the latest first. Raises `ValueError`."""
    entries: list[LogEntry] = []
    for number, line in enumerate(lines):
        match = _LOG.fullmatch(line)
        if match is None or int(match[1]) != number:
            raise ValueError(f"{line!r} is not entry {number} of a log")
        age = int(match[4]) * _SECONDS[match[5]]
        entries.append(LogEntry(Fault(int(match[2]), int(match[3])), age))
    return tuple(entries)


def parse_memory(lines: Sequence[bytes]) -> NDArray[np.uint16]:
    """Cleaned lines `00 : 0x0001,  01 : 0xFF78` as words (n,). Raises `ValueError`."""
    words: list[int] = []
    for line in lines:
        for part in line.split(b","):
            match = _WORD.fullmatch(part.strip())
            if match is None or int(match[1], 16) != len(words):
                raise ValueError(f"{line!r} does not hold word {len(words)} of a memory")
            words.append(int(match[2], 16))
    return np.array(words, dtype=np.uint16)


def parse_outputs(lines: Sequence[bytes], per_module: int) -> NDArray[np.float64]:
    """Cleaned lines `1,5: +0.2048 V, +22.0300 mA, …` as V and A (channels, 2).

    Raises `ValueError`.
    """
    found = np.empty((len(lines), 2))
    for channel, line in enumerate(lines):
        match = _OUTPUT.fullmatch(line)
        if match is None or divmod(channel, per_module) != (int(match[1]), int(match[2])):
            raise ValueError(f"{line!r} does not tell volts and amps of channel {channel}")
        found[channel] = float(match[3]), float(match[4]) * 1e-3
    return found
