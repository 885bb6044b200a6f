"""The run in a terminal, for ssh: the same figures as the window, in words and small curves."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hil.monitor.feed import Feed
from hil.monitor.keyboard import Keyboard
from hil.monitor.state.beside import TRENDS
from hil.monitor.state.log import Line, clock
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import (
    beside_words,
    change_words,
    drift_sums,
    left_words,
    light_word,
    progress_words,
    queue_sums,
    reading_words,
    stale_words,
    state_colour,
    state_word,
)
from hil.telemetry.commands import Verb
from hil.telemetry.event import Severity

#: s between two pictures; that a single picture waits for a record to be read.
PERIOD, PATIENCE = 0.25, 120.0
STYLES = {
    "off": "bold white on grey37",
    "idle": "bold white on dodger_blue3",
    "armed": "bold black on yellow",
    "running": "bold white on dark_cyan",
    "tripped": "bold black on dark_orange",
    "": "bold white on grey23",
}
BAD = "bold dark_orange"
BLOCKS = "▁▂▃▄▅▆▇█"
#: Columns beside a curve in its half of the terminal (its name, its last value), and of a curve.
BESIDE, LEAST_CURVE, MOST_CURVE = 35, 1, 28
KEYS = {"p": Verb.PAUSE, "r": Verb.RESUME, "s": Verb.STOP, "o": Verb.OFF}
HINT = "keys: p pause  r resume  s stop  o off  (each asks)  q leave; the run goes on"


def show(feed: Feed, console: Console | None = None) -> int:
    """Follow the run until `q` or Ctrl-C; a single picture where there is no terminal."""
    console = console or Console()
    if not console.is_terminal:
        until = time.monotonic() + PATIENCE
        while not feed.caught_up and time.monotonic() < until:
            time.sleep(0.02)
        with feed.lock:
            console.print(snapshot(feed.state, feed.name, console.width))
        return 0
    asking: Verb | None = None
    with Keyboard(sys.stdin) as keyboard, Live(console=console, screen=True) as live:
        while True:
            with feed.lock:
                lines = max(console.height - 24, 4)
                below = _below(feed, asking)
                live.update(screen(feed.state, feed.name, below, lines, console.width))
            key = keyboard.wait(PERIOD)
            if key == "q":
                return 0
            if asking is not None and key:
                if key == "y":
                    feed.command(asking)
                asking = None
            elif key in KEYS and feed.state.lifecycle.ended is None and feed.replay is None:
                asking = KEYS[key]


def _below(feed: Feed, asking: Verb | None) -> Text:
    if asking is not None:
        return Text(f"{asking}? y: yes, any other key: no", style=BAD)
    if feed.trouble:
        return Text(f"cannot be read: {feed.trouble}", style=BAD)
    return Text(feed.state.asked or HINT)


def screen(state: RunState, name: str, below: Text, lines: int, width: int) -> RenderableType:
    """All of a terminal of so many columns, with so many lines of the log."""
    layout = Layout()
    layout.split_column(
        Layout(_banner(state, name), size=4),
        Layout(name="middle", size=15),
        Layout(_log(state, lines), name="log"),
        Layout(below, size=1),
    )
    layout["middle"].split_row(Layout(_left(state, _room(width))), Layout(_right(state)))
    return layout


def snapshot(state: RunState, name: str, width: int) -> RenderableType:
    """The same for a pipe or a file: once, one thing below the other."""
    left = _left(state, _room(2 * width))
    return Group(_banner(state, name), left, _right(state), _log(state, 12))


def _room(width: int) -> int:
    """Columns that a curve has in one half of so many: its newest end may not be cut off."""
    return min(max(width // 2 - BESIDE, LEAST_CURVE), MOST_CURVE)


def _banner(state: RunState, name: str) -> RenderableType:
    stale = stale_words(state)
    first = Text(f" {state_word(state)} ", style=STYLES.get(state_colour(state), STYLES[""]))
    if reading := reading_words(state):
        first.append(f" {reading} ", style="bold")
    if stale:
        first.append(f" {stale} ", style="bold black on orange1")
    first.append(f"  {light_word(state)}", style="bold")
    first.append(f"   {left_words(state)}", style="bold")
    second = Text(f"{progress_words(state)}   {change_words(state)}", style="default")
    return Panel(Group(first, second), title=Text(name), box=box.SQUARE, padding=(0, 1))


def _left(state: RunState, room: int) -> RenderableType:
    rows = _rows("learning and twin")
    learning = state.learning
    if learning.last is None:
        rows.add_row("loss", "no step was told yet")
    else:
        y = learning.steps.y
        rows.add_row("loss / nat", f"{learning.last.loss:.3f}  {sparks(y[:, 0], room)}")
        rows.add_row("batch accuracy", f"{learning.last.accuracy:.3f}  {sparks(y[:, 1], room)}")
    if learning.last_epoch is not None:
        held = learning.epochs.y[:, 0]
        rows.add_row("held-out", f"{held[-1]:.3f}  {sparks(held, room)}")
    for name, value in list(learning.baselines.items())[:3]:
        rows.add_row(name, f"{value:.3f}")
    if learning.tested is not None:
        rows.add_row("test", f"{learning.tested:.4f}")
    residual = learning.residual.y[:, 0]
    if len(residual):
        rows.add_row("twin residual / s.u.", f"{residual[-1]:.4f}  {sparks(residual, room)}")
    if (worst := state.twin.worst) is not None:
        rows.add_row("worst", f"{worst[2]:.4f} at slot {worst[0]}, port {worst[1]}")
    rows.add_row("drift", drift_sums(state))
    return rows


def _right(state: RunState) -> RenderableType:
    rows = _rows("bench")
    heaters, bench = state.heaters, state.facts.bench
    if heaters.levels is None or bench is None:
        rows.add_row("heaters", "no levels were told yet")
    else:
        for bank, power in enumerate(heaters.levels.sum(axis=1)[:4]):
            least = 100.0 * heaters.margin[bank].min()
            rows.add_row(
                f"bank {bank}", f"{power:.3g} of {bench.power_max:g} W, least margin {least:.1f} %"
            )
    headroom = state.ports.headroom
    if headroom is not None and np.isfinite(headroom).any():
        at = int(np.nanargmin(headroom))
        rows.add_row("least headroom", f"{100 * headroom[at]:.0f} % at port {at}")
        clipped = int(state.ports.clipped_points.sum())
        rows.add_row("clipped points", Text(str(clipped), style=BAD if clipped else ""))
    for role in (*TRENDS, *state.beside.others):
        rows.add_row(role, beside_words(state, role) or "none tells its state")
    condition = state.condition
    closed = ", ".join(condition.closed)
    links = f"CLOSED: {closed}" if closed else f"{condition.open} open"
    rows.add_row("links", Text(links, style=BAD if closed else ""))
    rows.add_row("queues", queue_sums(state))
    if condition.first is not None:
        first, then = condition.first, len(condition.followed)
        more = f"; then {then} more" if then else ""
        rows.add_row("first cause", Text(f"{first.source}: {first.text}{more}", style=BAD))
    if state.spending.intervals:
        last = state.spending.intervals[-1].a_step
        dear = sorted(last.items(), key=lambda item: -item[1])[:4]
        rows.add_row("a step / ms", "  ".join(f"{n} {1e3 * v:.1f}" for n, v in dear))
    return rows


def _log(state: RunState, lines: int) -> RenderableType:
    shown = [_line(line) for line in list(state.log.lines)[-lines:]]
    return Panel(
        Group(*shown) if shown else Text("nothing happened yet"),
        title="log",
        box=box.SQUARE,
        padding=(0, 1),
    )


def _line(line: Line) -> Text:
    bad = "" if line.severity is Severity.NONE else f"{line.severity.upper()} "
    style = BAD if line.severity in (Severity.MAJOR, Severity.INVALID) else ""
    text = f"{clock(line.wall_time)} {line.source:7s} {bad}{line.text}"
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _rows(title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, show_header=False, expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, style="grey62")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def sparks(values: NDArray[np.float64] | Sequence[float], width: int = MOST_CURVE) -> str:
    """A curve of block characters, from its least to its largest."""
    y = np.asarray(values, dtype=np.float64)
    y = y[np.isfinite(y)]
    if not len(y):
        return ""
    if len(y) > width:
        edges = np.linspace(0, len(y), width + 1).astype(int)
        y = np.array([y[a:b].mean() for a, b in pairwise(edges)])
    low, high = float(y.min()), float(y.max())
    share = (y - low) / (high - low) if high > low else np.full(len(y), 0.5)
    return "".join(BLOCKS[min(int(one * len(BLOCKS)), len(BLOCKS) - 1)] for one in share)
