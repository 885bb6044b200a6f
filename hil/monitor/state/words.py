"""What the banner and the terminal say of a run, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hil.monitor.state.beside import Reading
from hil.monitor.state.log import clock
from hil.monitor.state.part import plain
from hil.monitor.state.run_state import RunState

#: Of what a source counts, what loses nothing.
RECONNECTS = "reconnects"


def state_word(state: RunState) -> str:
    """OFF, IDLE, ARMED, RUNNING, TRIPPED, or that it is not known, or not yet."""
    life = state.lifecycle
    if state.reading is not None:
        return "READING"
    if life.paused and life.state == "idle" and life.ended is None:
        return "PAUSED, IDLE"
    return life.state.upper() or "NO STATE"


def state_colour(state: RunState) -> str:
    """The state that gives the banner its colour; empty: what is now is not known."""
    return "" if state.reading is not None else state.lifecycle.state


def light_word(state: RunState) -> str:
    """Whether light is on."""
    known = None if state.reading is not None else state.lifecycle.light
    return {True: "LIGHT ON", False: "LIGHT OFF", None: "LIGHT ?"}[known]


def reading_words(state: RunState) -> str:
    """How much of a record was read, when it is read for the first time; empty: all of it."""
    if state.reading is None:
        return ""
    done, there = state.reading
    return f"the record, {100 * done // there} %"


def done_share(state: RunState) -> float:
    """How much is done, 0 to 1: of the reading of the record, or of the run."""
    if state.reading is not None:
        return state.reading[0] / state.reading[1]
    return min(state.facts.step / max(state.lifecycle.steps, 1), 1.0)


def stale_words(state: RunState) -> str:
    """Since when nothing was heard; empty: what is shown is fresh."""
    if not state.stale:
        return ""
    if state.age is None:
        return "NOTHING HEARD"
    return f"STALE {duration(state.age)}"


def progress_words(state: RunState) -> str:
    """How far the run is, or the reading of its record."""
    if state.reading is not None:
        return f"event {state.reading[0]} of {state.reading[1]}"
    started, step = state.facts.started, state.facts.step
    if started is None:
        return f"step {step}" if step else "no run"
    planned = state.lifecycle.steps
    epoch = state.learning.last.epoch if state.learning.last is not None else 0
    return f"step {step} of {planned}, epoch {epoch} of {started.epochs}"


def left_words(state: RunState) -> str:
    """What is left of it."""
    life = state.lifecycle
    if state.reading is not None:
        return "not at its end yet"
    if life.ended is not None:
        tested = life.ended.accuracy
        return life.ended.outcome + ("" if tested is None else f", test {tested:.3f}")
    if state.stale:
        return "time left ?"
    if life.paused:
        return "paused"
    if life.stopping:
        return "stopping"
    return "time left ?" if life.left is None else f"{duration(life.left)} left"


def change_words(state: RunState) -> str:
    """The last change of the bench's state."""
    life = state.lifecycle
    if state.reading is not None:
        return f"has come to {clock(life.wall_time)}" if life.wall_time else ""
    if not life.state:
        return "state not told yet"
    why = f" ({life.why})" if life.why else ""
    return f"{life.state} since {clock(life.since)}{why}"


def duration(seconds: float) -> str:
    """A time span, for a person."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes, s = divmod(whole, 60)
    if minutes < 100:
        return f"{minutes} min {s:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 100 else f"{hours // 24} days"


def drift_words(state: RunState) -> str:
    """What drift watch and gate told so far, in a line; the signs are those of the plot."""
    counts = state.drift.counts
    if not counts:
        return "no alarm, action, verdict yet"
    parts = [f"▼ alarms {counts.get('alarm', 0)}"]
    for what, sign in (("action", "■"), ("gate", "◆"), ("health", "●"), ("look", "")):
        parts += [
            f"{sign} {name} {number}".strip()
            for name, number in sorted(counts.items())
            if name.split(" ")[0] == what
        ]
    return "   ".join(parts)


def drift_sums(state: RunState) -> str:
    """The same in fewer words: how many of each kind, and of verdicts how many were bad."""
    told = state.drift.counts
    if not told:
        return drift_words(state)
    verdicts, failed = _of_kind(told, "gate"), told.get("gate failed", 0)
    return (
        f"▼ alarms {_of_kind(told, 'alarm')}   ■ actions {_of_kind(told, 'action')}   "
        f"◆ verdicts {verdicts}" + (f", {failed} FAILED" if failed else "")
    )


def _of_kind(counts: Mapping[str, int], what: str) -> int:
    return sum(number for name, number in counts.items() if name.split(" ")[0] == what)


def queue_sums(state: RunState) -> str:
    """The same as `queue_words` in fewer: how much was lost in all."""
    told = state.condition.outlets.values()
    dropped, failed = (sum(one[name] for one in told) for name in ("dropped", "failed"))
    lost = f"{whole(dropped)} dropped" + (f", {whole(failed)} FAILED" if failed > 0 else "")
    on_the_way = (number for name, number in state.source_counts.items() if name != RECONNECTS)
    here = sum(state.ignored.values()) + sum(on_the_way)
    return f"{lost}   {here} ignored here or lost on the way"


def queue_words(state: RunState) -> str:
    """What was dropped or ignored anywhere, in a line."""
    parts = [
        f"outlet {name}: {whole(told['dropped'])} dropped, {whole(told['waiting'])} waiting"
        + (f", {whole(told['failed'])} FAILED" if told["failed"] > 0 else "")
        for name, told in list(state.condition.outlets.items())[:4]
    ]
    if state.source_counts:
        lost = (f"{name.replace('_', ' ')} {n}" for name, n in state.source_counts.items())
        parts.append(f"on the way: {', '.join(lost)}")
    ignored = sum(state.ignored.values())
    if ignored:
        parts.append(f"{ignored} events ignored here (last: {plain(state.why_ignored, 80)})")
    return "   ".join(parts) or "no queue was told of; no event ignored"


def beside_words(state: RunState, role: str) -> str:
    """What instruments of a role read of themselves, one a line; empty: none ever told."""
    return "\n".join(
        f"{one.source}: "
        + "   ".join(
            f"{name} {value:.5g} {one.units.get(name, '')}{_range(one, name)}"
            for name, value in one.values
        )
        + f"   (at {clock(one.wall_time)})"
        for one in state.beside.of(role)
    )


def _range(one: Reading, name: str) -> str:
    """What a number may be set to, where that is known."""
    if name not in one.ranges:
        return ""
    low, high = one.ranges[name]
    return f" ({low:.5g} to {high:.5g})"


def whole(value: float) -> str:
    """A count, for a person."""
    return "?" if not math.isfinite(value) else f"{value:.0f}"
