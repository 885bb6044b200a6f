"""Single keys from a terminal, where it is one."""

from __future__ import annotations

import select
import termios
import time
import tty
from types import TracebackType
from typing import Self, TextIO


class Keyboard:
    """Use with `with`: the terminal is as before afterwards. Where there is none no key comes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._before: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._before = termios.tcgetattr(self._stream)
            tty.setcbreak(self._stream)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            termios.tcsetattr(self._stream, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The next key within some seconds, in small letters; empty where none came."""
        if self._before is None:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([self._stream], [], [], seconds)
        return self._stream.read(1).lower() if ready else ""
