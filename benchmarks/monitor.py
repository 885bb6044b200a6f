"""What the live window costs: python benchmarks/monitor.py [--memory]

Pictures a second with 16 ports and 6 slots of 1000 samples, drawn into memory, each picture with
new data of every panel: as the window opens, and with all panels in windows of their own. By the
clock, and by processor time, which other programs disturb less. --memory: instead, what the process
holds while 100 000 steps are told, a picture every 100 (some minutes).
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from pathlib import Path

import numpy as np

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from hil.monitor.feed import Feed
from hil.monitor.state.run_state import RunState
from hil.monitor.window.application import application
from hil.monitor.window.main_window import MonitorWindow
from hil.telemetry.commands import Verb
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import (
    Believed,
    BenchDescribed,
    Cusum,
    Health,
    Levels,
    Noted,
    Readings,
    RunStarted,
    Slots,
    Spent,
    Step,
)

PORTS, STEPS, SAMPLES, BANKS = 16, 6, 1000, 2
SECONDS, UPDATES = 8.0, 100_000
#: Steps between two looks at memory, and steps that all caches have had to fill.
LOOK, WARM = 10_000, 5_000


class Nothing:
    """A source that gives nothing: events are folded by hand."""

    name = "benchmark"

    def poll(self) -> list[Stamped]:
        return []

    def command(self, verb: Verb) -> str:
        return ""

    def note(self, text: str) -> None:
        """Not kept."""

    def close(self) -> None:
        """Nothing to close."""


def bench() -> BenchDescribed:
    """Sixteen ports, two banks."""
    shape = (BANKS, PORTS * PORTS)
    return BenchDescribed(
        bench="benchmark",
        core="mzi-mesh",
        ports=PORTS,
        n_banks=BANKS,
        p_pi=0.02,
        power_max=12.0,
        level_max=np.full(shape, 0.05),
        resistance=np.full(shape, 800.0),
        full_scale=np.full(PORTS, 2.0),
        instruments={},
    )


def started() -> RunStarted:
    """A run of as many steps as are told here, so that axes are as in a run: they stay."""
    return RunStarted(
        run="benchmark",
        bench="benchmark",
        backend="sim",
        path="wire",
        task="digits",
        method="pat",
        epochs=40,
        batches=UPDATES // 40,
        n_banks=BANKS,
        n_steps=STEPS,
        ports=PORTS,
        code_version="",
    )


def told(number: int, rng: np.random.Generator, samples: int) -> list[Stamped]:
    """All that a step tells, and what else comes less often."""
    share = rng.random(3)
    read = rng.normal(scale=0.3, size=(samples, STEPS, PORTS))
    banks = np.arange(STEPS) % BANKS
    few = read[:16]
    events: list[Event] = [
        Step(
            step=number,
            epoch=1,
            loss=1.0 / number,
            accuracy=0.5,
            residual=0.01,
            clamped=0,
            measured_on="bench",
            seconds=0.07,
        ),
        Levels(step=number, levels=rng.uniform(0.01, 0.04, (BANKS, PORTS * PORTS))),
        Slots(
            step=number,
            banks=banks,
            times=0.01 * np.arange(STEPS),
            sent=read,
            measured=read,
            clipped=np.abs(read) > 1.3,
        ),
        Believed(step=number, banks=banks, believed=few + 0.01, measured=few),
        Cusum(step=number, whole=share[0], new=share[1], element=share[2]),
        Spent(
            bench_seconds=0.07 * number,
            seconds={"write": 0.04 * number, "run": 0.03 * number},
            device_passes={"training": samples * number},
            counts={},
        ),
        Health(
            links={"heaters-0": {"open": True, "exchanges": number, "busy": 0.01 * number}},
            outlets={"record": {"waiting": 0, "dropped": 0, "failed": 0}},
        ),
        Readings(
            source="stage-0",
            role="thermal stage",
            values={"actual": 25.0 + 0.01 * share[0]},
            units={"actual": "°C"},
        ),
        Noted(text="a line of the log", author="benchmark"),
    ]
    return [Stamped(number, 0.07 * number, time.time(), one) for one in events]


def pictures(window: MonitorWindow, rng: np.random.Generator) -> str:
    """Pictures a second, and panels in sight, in a line."""
    app, state = application(), window.feed.state
    prepared = [told(number, rng, SAMPLES) for number in range(1, 21)]
    spent, worked, drawn = 0.0, 0.0, 0
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        step = state.facts.step + 1
        with window.feed.lock:
            state.take([replace_step(one, step) for one in prepared[drawn % len(prepared)]])
        began, working = time.perf_counter(), time.process_time()
        window.tick(by_turns=True)
        app.processEvents()  # paints what is new
        spent += time.perf_counter() - began
        worked += time.process_time() - working
        drawn += 1
    seen = sum(not panel.visibleRegion().isEmpty() for panel in window.panels.values())
    return (
        f"{drawn / spent:.0f} pictures a second ({drawn / worked:.0f} by processor time), "
        f"{seen} of {len(window.panels)} panels in sight"
    )


def resident() -> float:
    """Memory of this process, MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def memory(window: MonitorWindow, rng: np.random.Generator) -> None:
    """Print what is held as steps are told."""
    state = window.feed.state
    prepared = [told(number, rng, 4) for number in range(1, 21)]
    for k in range(WARM + UPDATES + 1):
        if k >= WARM and (k - WARM) % LOOK == 0:
            print(f"after {k - WARM:6d} steps {resident():.1f} MiB", flush=True)
        # Steps go on: curves are merged, and the log and all that is kept turn over.
        one = [replace_step(stamped, k + 1) for stamped in prepared[k % len(prepared)]]
        with window.feed.lock:
            state.take(one)
        if k % 100 == 0:
            window.tick()
            application().processEvents()


def replace_step(stamped: Stamped, step: int) -> Stamped:
    """The same, of another step, if it is of one at all."""
    event, bench_time = stamped.event, 0.07 * step
    if isinstance(event, Spent):
        seconds = {"write": 0.04 * step, "run": 0.03 * step}
        event = dataclasses.replace(event, bench_seconds=bench_time, seconds=seconds)
    elif hasattr(event, "step"):
        event = dataclasses.replace(event, step=step)  # pyright: ignore[reportCallIssue]
    return dataclasses.replace(stamped, bench_time=bench_time, event=event)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", action="store_true", help="memory over 100 000 steps")
    asked = parser.parse_args()
    application()
    feed = Feed(Nothing, RunState()).open()
    window = MonitorWindow(feed)
    window._timer.stop()
    window.resize(1920, 1080)
    window.show()
    window.arrange()
    rng = np.random.default_rng(0)
    feed.state.take([Stamped(1, 0.0, time.time(), one) for one in (started(), bench())])
    if asked.memory:
        memory(window, rng)
    else:
        print(pictures(window, rng))
        # No tabs: every panel in sight, each in a window of its own.
        for dock in window.docks.values():
            dock.setFloating(True)
            dock.show()
        print(pictures(window, rng))
    window.close()
    feed.close()


if __name__ == "__main__":
    main()
