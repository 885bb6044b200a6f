"""The figures of one run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hil.bench.cores import Core
from hil.browsing.story import Floats, Story
from hil.plots.element_map import element_map
from hil.plots.svg import Series, chart, matrix, stacked
from hil.record.history import history
from hil.telemetry.events import (
    Baselines,
    Believed,
    BenchDescribed,
    EpochEnded,
    Levels,
    Step,
    Watched,
)

#: Points of a curve, and dots of a scatter at most; events of the twin that are looked at.
POINTS, DOTS, NEWEST = 600, 1500, 20


def curves(story: Story) -> Iterator[str]:
    """Accuracy with its baselines, and loss."""
    epochs = [one.event for one in story.all_of(EpochEnded)]
    steps = [one.event for one in story.all_of(Step)]
    stages = stage_starts(epochs, steps)
    if epochs:
        x = np.arange(1.0, len(epochs) + 1.0)
        where = epochs[-1].measured_on
        held = np.array([one.held_out_accuracy for one in epochs])
        trained = np.array([one.train_accuracy for one in epochs])
        shown = [
            Series(x, trained, line=True, label="training", colour=1, dashed=True),
            Series(x, held, line=True, label="held-out", colour=0),
            Series(x, held, colour=0),
        ]
        if not math.isnan(story.facts.accuracy):
            end, test = x[-1:], np.array([story.facts.accuracy])
            shown.append(Series(end, test, label="test, last weights", colour=2, size=4.5))
        where = f"twin, then on the {where}" if stages[0] else where
        title = f"accuracy, measured on the {where}"
        yield chart(title, "epoch", "share answered right, 1", shown, baselines(story), stages[0])
    if steps:
        x, loss = thinned(np.array([one.loss for one in steps]))
        shown = [Series(x, loss, line=True)]
        yield chart("loss", "step", "mean cross entropy, nat", shown, (), stages[1])


def stage_starts(
    epochs: Sequence[EpochEnded], steps: Sequence[Step]
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Where what trained on a twin goes on on the bench, between two epochs and two steps."""

    def found(told: Sequence[EpochEnded] | Sequence[Step]) -> list[tuple[str, float]]:
        places = [one.measured_on for one in told]
        return [
            ("on the bench", number + 0.5)
            for number in range(1, len(places))
            if places[number - 1] == "twin" and places[number] == "bench"
        ]

    return found(epochs), found(steps)


def baselines(story: Story) -> list[tuple[str, float]]:
    """Named accuracies of references, and of chance."""
    told = story.last_of(Baselines)
    found = [] if told is None else list(told.accuracy.items())
    classes = story.configuration.get("classes")
    return [*found, ("chance", 1.0 / classes)] if classes else found


def thinned(values: Floats) -> tuple[Floats, Floats]:
    """Number from 1 and value of a curve's points: means over as many as leave `POINTS`."""
    each = max(1, math.ceil(len(values) / POINTS))
    whole = len(values) // each * each
    means = np.asarray(values[:whole].reshape(-1, each).mean(axis=1), dtype=np.float64)
    numbers = np.arange(len(means), dtype=np.float64)
    return np.asarray((numbers + 0.5) * each + 0.5, dtype=np.float64), means


def confusion(story: Story) -> Iterator[str]:
    """What the test items of each class were answered as."""
    counts = story.summary.get("confusion")
    if counts:
        title = f"confusion, test items measured on the {story.facts.measured_on}"
        yield matrix(title, "class answered", "class of the item", np.array(counts, dtype=float))


def twin(story: Story) -> Iterator[str]:
    """What the twin believed of the newest steps beside what was measured."""
    events: list[Any] = [one.event for one in history(story.folder, Believed)[-NEWEST:]]
    if not events:
        return
    shape = events[-1].believed.shape[1:]
    events = [one for one in events if one.believed.shape[1:] == shape]
    believed = np.concatenate([one.believed for one in events]).astype(np.float64)
    measured = np.concatenate([one.measured for one in events]).astype(np.float64)
    x, y = measured.ravel(), believed.ravel()
    some = slice(None, None, max(1, math.ceil(x.size / DOTS)))
    ends = np.array([np.nanmin(x), np.nanmax(x)])
    yield chart(
        f"twin beside the bench, {len(events)} newest looks",
        "measured, signal units",
        "believed, signal units",
        [
            Series(x[some], y[some], label="a sample at a port", colour=0, size=1.2),
            Series(ends, ends, line=True, label="equal", colour=1),
        ],
    )
    rms = np.sqrt(np.nanmean((believed - measured) ** 2, axis=0))
    title = "residual by slot and port, rms, 1e-3 signal units"
    form = ".1f" if rms.shape[1] <= 8 else ".0f"
    yield matrix(title, "port", "slot", 1e3 * rms, form)


def heaters(story: Story) -> Iterator[str]:
    """Levels of the newest step, and how much of each heater's limit is left."""
    bench: Any = story.last_of(BenchDescribed)
    events = history(story.folder, Levels)
    newest: Any = list(events[-1:])
    if bench is None or not newest:
        return
    levels: Floats = np.asarray(newest[0].event.levels, dtype=np.float64)
    core: Core = bench.core
    most = float(levels.max())
    for bank in range(len(levels)):
        title = f"bank {bank}: level, {1e3 * levels[bank].sum():.0f} mW in all"
        mw = 1e3 * levels[bank]
        yield element_map(title, core, bench.ports, mw, "mW", most=1e3 * most)
    for bank in range(len(levels)):
        used = 100.0 * levels[bank] / bench.level_max[bank]
        title = f"bank {bank}: share of each limit in use; least margin {100.0 - used.max():.0f} %"
        yield element_map(title, core, bench.ports, used, "%", most=100.0)
    every = max(1, math.ceil(len(events) / POINTS))
    some: Any = list(events[::every])
    times = np.array([one.bench_time for one in some])
    power = np.array([one.event.levels.sum(axis=1) for one in some])
    yield chart(
        f"heater power of each bank's chip (limit {bench.power_max:g} W)",
        "bench time, s",
        "power, W",
        [
            Series(times, power[:, bank], line=True, label=f"bank {bank}", colour=bank)
            for bank in range(power.shape[1])
        ],
    )


def drift(story: Story) -> Iterator[str]:
    """Residual over bench time with alarms and actions, and what health visits saw."""
    told = [one for one in story.all_of(Step) if one.event.residual is not None]
    if told:
        each = max(1, math.ceil(len(told) / POINTS))
        times = np.array([one.bench_time for one in told])[::each]
        residual = np.array([one.event.residual for one in told])[::each]
        shown = [Series(times, residual, line=True, label="residual of the twin", colour=0)]
        # Actions answer alarms, often in the same step: smaller, they leave those to be seen.
        for colour, what, dot in ((1, "alarm", 6.0), (2, "action", 3.0)):
            at = np.array([o.bench_time for o in story.all_of(Watched) if o.event.what == what])
            if at.size:
                heights = np.interp(at, times, residual)
                shown.append(Series(at, heights, label=what, colour=colour, size=dot))
        yield chart("twin over time", "bench time, s", "residual, signal units rms", shown)
    visits = [
        (one.bench_time, one.event.data["moved"])
        for one in story.all_of(Watched)
        if one.event.what == "health" and isinstance(one.event.data.get("moved"), float)
    ]
    if visits:
        times, moved = np.array(visits).T
        bench: Any = story.last_of(BenchDescribed)
        unit = "half-widths" if bench is not None and bench.core == "microring" else "rad"
        yield chart("elements since the first look, by health visits", "bench time, s",
                    f"moved by, {unit} rms", [Series(times, moved, size=3.0)])  # fmt: skip


def time_bar(story: Story) -> Iterator[str]:
    """Where bench time went."""
    seconds = story.ledger.get("seconds", {})
    if seconds:
        yield stacked("where bench time went", "bench time, s", [("run", seconds)], "s")
