"""Ctrl-C, SIGTERM and SIGHUP while a bench is at work: noted, and raised when it has wound down.

A KeyboardInterrupt that is raised wherever the main thread happens to be can fall between any two
instructions, so also between asking for `off` and waiting for it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptions_noted(interrupted: Callable[[], object]) -> Iterator[None]:
    """Call `interrupted` at each signal inside, and the signal's own handler at the end.

    That is where KeyboardInterrupt is raised, by Python's handler. Signals that nobody in Python
    handles are left alone, and so is everything outside the main thread, where none arrive.
    """
    own: dict[int, Handler] = {}
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        interrupted()

    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                own[number] = handler
    try:
        for number in own:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)
        if noted:
            own[noted[0]](noted[0], None)
