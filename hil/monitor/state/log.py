"""What happened, in lines."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from hil.monitor.state.part import Facts, plain
from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import (
    CommandAnswered,
    EpochEnded,
    Fault,
    Noted,
    RunEnded,
    RunResumed,
    RunStarted,
    StateChanged,
    Watched,
)

#: Lines that are kept.
KEPT = 1000
#: How bad an end is that somebody asked for; any other is major.
_ENDS = {"finished": Severity.NONE, "stopped": Severity.NONE, "interrupted": Severity.MINOR}
#: s since 1970, beyond which no calendar goes.
YEAR_9999 = 253_370_764_800.0


@dataclass(frozen=True)
class Line:
    """One line. source : run, bench, watch, epoch, note, command or fault."""

    wall_time: float
    bench_time: float
    source: str
    text: str
    severity: Severity = Severity.NONE


class Log:
    """The last lines, oldest first. total : lines so far, those that are gone included."""

    TAKES: ClassVar[tuple[type[Event], ...]] = (
        RunStarted,
        RunResumed,
        StateChanged,
        EpochEnded,
        Watched,
        Fault,
        Noted,
        CommandAnswered,
        RunEnded,
    )

    def __init__(self, facts: Facts) -> None:
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.total = 0

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        told = _told(stamped)
        if told is not None:
            self.add(Line(stamped.wall_time, stamped.bench_time, *told))

    def add(self, line: Line) -> None:
        """Add a line."""
        self.lines.append(line)
        self.total += 1

    def since(self, total: int) -> list[Line]:
        """Lines that came after there were `total`, as far as they are kept."""
        new = min(self.total - total, len(self.lines))
        return list(self.lines)[len(self.lines) - new :] if new > 0 else []


def clock(wall_time: float) -> str:
    """A time of day, for a person; a question mark where it is none."""
    if not 0.0 < wall_time < YEAR_9999:
        return "?"
    return time.strftime("%H:%M:%S", time.localtime(wall_time))


def _told(stamped: Stamped) -> tuple[str, str, Severity] | None:
    match stamped.event:
        case RunStarted() as e:
            text = f"{e.run} started: {e.task} by {e.method} on {e.bench} ({e.backend}, {e.path})"
            return "run", plain(text), Severity.NONE
        case RunResumed(step=step, epochs=epochs):
            return "run", f"goes on after step {step}, epoch {epochs}", Severity.NONE
        case StateChanged(state=state, light=light, why=why):
            lit = "on" if light else "off"
            text = f"{state}, light {lit}" + (f": {why}" if why else "")
            severity = Severity.MAJOR if state == "tripped" else Severity.NONE
            return "bench", plain(text), severity
        case EpochEnded() as e:
            text = f"epoch {e.epoch}: loss {e.loss:.3f}, held-out accuracy "
            return (
                "epoch",
                f"{text}{e.held_out_accuracy:.3f} ({plain(e.measured_on, 20)})",
                (Severity.NONE),
            )
        case Watched(what=what, text=text, severity=severity, step=step):
            return "watch", plain(f"step {step}: {what}: {text}"), severity
        case Fault(source=source, text=text, severity=severity):
            return "fault", plain(f"{source}: {text}"), severity
        case Noted(text=text, author=author):
            return "note", plain(f"{author}: {text}"), Severity.NONE
        case CommandAnswered(verb=verb, issuer=issuer, accepted=accepted, text=text):
            taken = "taken" if accepted else "REFUSED"
            severity = Severity.NONE if accepted else Severity.MINOR
            return "command", plain(f"{verb} by {issuer} {taken}: {text}"), severity
        case RunEnded(outcome=outcome, accuracy=accuracy, why=why):
            reached = "" if accuracy is None else f", test accuracy {accuracy:.4f}"
            text = f"{outcome}{reached}" + (f": {why}" if why else "")
            return "run", plain(text), _ENDS.get(outcome, Severity.MAJOR)
        case _:
            return None
