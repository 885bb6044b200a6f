"""Volatile waveform memory of a channel, and the files of the instrument."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.errors import ScpiError

from .sequence import Sequence

Floats = NDArray[np.float64]
FULL_SCALE = 32767.0
BUILT_IN = "INT:\\BUILTIN\\"
DEFAULT = f"{BUILT_IN}EXP_RISE.ARB"
_NAME = re.compile(r"[A-Za-z0-9_]{1,12}")
_PATH = re.compile(r"(?:INT|USB):\\(?:[^\\\":*?]+\\)*[^\\\":*?]+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Arb:
    """One arbitrary waveform; `values` (points,) in units of full scale."""

    name: str
    values: Floats


Entry = Arb | Sequence


def exists() -> ScpiError:
    """A name that is taken."""
    return ScpiError(786, "Specified arb waveform already exists")


def missing() -> ScpiError:
    """A name that is not there."""
    return ScpiError(785, "Specified arb waveform does not exist")


def valid_name(text: str) -> str:
    """A new waveform's name: up to 12 letters, digits and underscores; a sequence may end in .seq.

    Raises `ScpiError` -224.
    """
    bare = text[:-4] if text.lower().endswith((".seq", ".arb")) else text
    if not _NAME.fullmatch(bare):
        raise ScpiError(-224)
    return text


class Files:
    """Waveforms on the instrument's disk, the built-in ones too, by path."""

    def __init__(self) -> None:
        ramp = np.linspace(0.0, 1.0, 100)
        shapes = {
            "EXP_RISE": 1.0 - 2.0 * np.exp(-5.0 * ramp),
            "EXP_FALL": 2.0 * np.exp(-5.0 * ramp) - 1.0,
            "NEG_RAMP": 1.0 - 2.0 * ramp,
            "SINC": np.sinc(10.0 * (ramp - 0.5)),
        }
        self._kept: dict[str, Entry] = {}
        for name, values in shapes.items():
            self.store(f"{BUILT_IN}{name}.ARB", Arb(name, values))

    def store(self, path: str, entry: Entry) -> None:
        """Write a file, in place of another of that path. Raises `ScpiError` -257."""
        if not _PATH.fullmatch(path):
            raise ScpiError(-257)
        self._kept[path.upper()] = entry

    def load(self, path: str) -> Entry:
        """Read a file. Raises `ScpiError` -256."""
        entry = self._kept.get(path.upper())
        if entry is None:
            raise ScpiError(-256)
        return entry

    def delete(self, path: str) -> None:
        """Raises `ScpiError` -256."""
        self.load(path)
        del self._kept[path.upper()]

    def __contains__(self, path: str) -> bool:
        return path.upper() in self._kept

    def listed(self) -> list[tuple[str, Entry]]:
        """Files of the internal disk itself, not in its folders."""
        return [
            (path.rpartition("\\")[2], entry)
            for path, entry in self._kept.items()
            if path.count("\\") == 1
        ]


class Memory:
    """One channel's volatile memory."""

    def __init__(self, files: Files, points: int, least: int) -> None:
        self._files = files
        self._points = points
        self._least = least
        self._kept: dict[str, Entry] = {}

    def clear(self) -> None:
        """DATA:VOLatile:CLEar."""
        self._kept.clear()

    @property
    def free(self) -> int:
        """Points left."""
        return self._points - sum(
            entry.values.size for entry in self._kept.values() if isinstance(entry, Arb)
        )

    @property
    def names(self) -> list[str]:
        """What is held; the default waveform first."""
        return [DEFAULT, *(entry.name for entry in self._kept.values())]

    def add_values(self, name: str, values: Floats) -> None:
        """A new waveform. Raises `ScpiError`: a name taken, too short, too long."""
        self._new(name)
        if values.size < self._least:
            raise ScpiError(-220, f"Parameter error; at least {self._least} points are needed")
        if values.size > self.free:
            raise ScpiError(-223)
        self._kept[name.upper()] = Arb(name, values)

    def add_sequence(self, sequence: Sequence) -> None:
        """A new sequence, whose waveforms are all there. Raises `ScpiError`."""
        self._new(sequence.name)
        for step in sequence.steps:
            arb = self.find(step.arb)
            if not isinstance(arb, Arb):
                raise ScpiError(-224)
            if not 4 <= step.point < arb.values.size:
                raise ScpiError(-222)
        self._kept[sequence.name.upper()] = sequence

    def add_file(self, path: str) -> None:
        """Load a file into the memory under its path."""
        entry = self._files.load(path)
        self._new(path)
        if isinstance(entry, Arb):
            if entry.values.size > self.free:
                raise ScpiError(-223)
            entry = Arb(path, entry.values)
        self._kept[path.upper()] = entry

    def find(self, name: str) -> Entry:
        """A waveform or sequence by its name; a file's path will do. Raises `ScpiError` +785."""
        entry = self._kept.get(name.upper())
        if entry is None and name.upper().startswith(BUILT_IN) and name in self._files:
            return self._files.load(name)
        if entry is None:
            raise missing()
        return entry

    def arb(self, name: str) -> Arb:
        """A waveform that a sequence names. Raises `ScpiError` +785."""
        entry = self.find(name)
        if not isinstance(entry, Arb):
            raise missing()
        return entry

    def _new(self, name: str) -> None:
        if name.upper() in self._kept:
            raise exists()
