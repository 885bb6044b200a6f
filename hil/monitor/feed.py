"""Reads a source in a thread of its own and folds what comes into the state that is shown.

The source belongs to that thread alone: it is opened, read, asked and closed there. The state is
shared under a lock, which is held for some milliseconds at most.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from hil.monitor.replay import Recorded, Replay
from hil.monitor.state.run_state import RunState
from hil.telemetry.commands import Verb
from hil.telemetry.event import Stamped
from hil.telemetry.source import Source, SourceError

logger = logging.getLogger(__name__)

#: Events that are folded while the lock is held.
AT_ONCE = 50
#: s between two looks at a source that has nothing new.
REST = 0.02
#: s before a source that failed is asked again, and for how long opening and closing may take.
AGAIN, PATIENCE = 1.0, 10.0
#: Things that may wait to be done.
MOST_WAITING = 50


class Feed:
    """Follows a source. Use `open`, then read `state` while holding `lock`, then `close`.

    Parameters
    ----------
    make : opens the source; called in the feed's thread.

    Attributes
    ----------
    name : what is followed. trouble : why it cannot be read just now; empty: it can.
    replay : the source where it is a replay. caught_up : whether all there is was read.
    """

    def __init__(self, make: Callable[[], Source], state: RunState) -> None:
        self.state = state
        self.lock = threading.Lock()
        self.name = self.trouble = ""
        self.replay: Replay | None = None
        self.caught_up = False
        self._make = make
        self._recorded = 0
        self._waiting: deque[Callable[[Source], None]] = deque()
        self._opened, self._end, self._wake = (threading.Event() for _ in range(3))
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def open(self) -> Feed:
        """Start to follow; raises what opening the source raises."""
        self._thread.start()
        if not self._opened.wait(PATIENCE):
            raise SourceError(f"the source did not open within {PATIENCE:.0f} s")
        if self._failure is not None:
            raise self._failure
        return self

    def close(self) -> None:
        """Leave the source."""
        self._end.set()
        self._wake.set()
        self._thread.join(PATIENCE)

    def command(self, verb: Verb) -> None:
        """Ask the run for something; how that goes shows in the state."""
        self._later(lambda source: self._ask(source, verb))

    def note(self, text: str) -> None:
        """Have something written into the record."""
        self._later(lambda source: source.note(text))

    def steer(self, what: Callable[[Replay], None]) -> None:
        """Do something with a replay: another speed, another place."""

        def do(source: Source) -> None:
            if isinstance(source, Replay):
                what(source)

        self._later(do)

    def _later(self, what: Callable[[Source], None]) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(what)
        self._wake.set()

    def _ask(self, source: Source, verb: Verb) -> None:
        id_ = source.command(verb)
        with self.lock:
            self.state.ask(id_, verb)

    def _run(self) -> None:
        try:
            source = self._make()
            if isinstance(source, Recorded):
                self._recorded = source.length
            self._tell_reading(source)
        except BaseException as error:
            self._failure = error
            self._opened.set()
            return
        self.name = source.name
        if isinstance(source, Replay):
            self.replay = source
            self.state.replaying = True
        self._opened.set()
        try:
            while not self._end.is_set():
                self._wake.clear()
                self._do_what_waits(source)
                self._fold(source, self._poll(source))
                if self.state.reading is not None:
                    self._tell_reading(source)
        finally:
            source.close()

    def _poll(self, source: Source) -> Sequence[Stamped]:
        try:
            events = source.poll()
        except Exception as error:
            if str(error) != self.trouble:
                logger.warning("%s: %s", source.name, error)
            self._hear(source, str(error) or type(error).__name__)
            self._end.wait(AGAIN)
            return ()
        self._hear(source, str(getattr(source, "trouble", "")))  # some know why nothing comes
        return events

    def _tell_reading(self, source: Source) -> None:
        """How far the first reading of a record is, until it comes to where the record ended."""
        position = source.position if isinstance(source, Recorded) else self._recorded
        with self.lock:
            self.state.reading = (position, self._recorded) if position < self._recorded else None

    def _hear(self, source: Source, trouble: str) -> None:
        """Pass on how the source does; those that throw something away count it."""
        self.trouble = trouble
        counts = dict(getattr(source, "counts", {}))
        with self.lock:
            self.state.hear(trouble, counts)

    def _fold(self, source: Source, events: Sequence[Stamped]) -> None:
        if isinstance(source, Replay) and source.take_restart():
            with self.lock:
                self.state.restart()
        self.caught_up = not events
        if not events:
            with self.lock:
                self.state.take(())
            self._wake.wait(REST)
            return
        for start in range(0, len(events), AT_ONCE):
            with self.lock:
                self.state.take(events[start : start + AT_ONCE])
            if self._end.is_set() or self._waiting:
                self._do_what_waits(source)
            time.sleep(0.0005)  # whoever paints has its turn

    def _do_what_waits(self, source: Source) -> None:
        while self._waiting:
            what = self._waiting.popleft()
            try:
                what(source)
            except Exception as error:  # told to the person; reading goes on
                with self.lock:
                    self.state.commands.fail(str(error) or type(error).__name__)
