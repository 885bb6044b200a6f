"""Runs made up event by event, and sources that give them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hil.telemetry.commands import Verb
from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import (
    Baselines,
    Believed,
    BenchDescribed,
    EpochEnded,
    Health,
    Levels,
    Readings,
    RunEnded,
    RunStarted,
    Slots,
    Spent,
    StateChanged,
    Step,
    Watched,
)
from hil.telemetry.source import SourceError

WALL = 1_700_000_000.0
SECONDS = 0.5


def bench(ports: int = 4, n_banks: int = 2) -> BenchDescribed:
    """A mesh of so many ports; heaters of 800 ohm that bear 50 mW."""
    shape = (n_banks, ports * ports)
    return BenchDescribed(
        bench="made-up",
        core="mzi-mesh",
        ports=ports,
        n_banks=n_banks,
        p_pi=0.02,
        power_max=0.03 * ports * ports,
        level_max=np.full(shape, 0.05),
        resistance=np.full(shape, 800.0),
        full_scale=np.full(ports, 2.0),
        instruments={"heaters-0": {"driver": "qontrol_q8", "resource": "ASRL1", "backend": "sim"}},
    )


def started(ports: int = 4, n_banks: int = 2, n_steps: int = 3, epochs: int = 4) -> RunStarted:
    """Five batches an epoch."""
    return RunStarted(
        run="made-up-run",
        bench="made-up",
        backend="sim",
        path="wire",
        task="digits",
        method="pat",
        epochs=epochs,
        batches=5,
        n_banks=n_banks,
        n_steps=n_steps,
        ports=ports,
        code_version="0.1.0",
    )


def step(number: int, loss: float = 1.0, residual: float | None = 0.01) -> Step:
    """A step of the first epoch, measured on the bench."""
    return Step(
        step=number,
        epoch=(number - 1) // 5 + 1,
        loss=loss,
        accuracy=0.5,
        residual=residual,
        clamped=0,
        measured_on="bench",
        seconds=SECONDS,
    )


def levels(number: int, value: float = 0.02, ports: int = 4, n_banks: int = 2) -> Levels:
    """All elements at one level, W."""
    return Levels(step=number, levels=np.full((n_banks, ports * ports), value))


def slots(
    number: int, ports: int = 4, n_steps: int = 3, batch: int = 8, n_banks: int = 2, seed: int = 0
) -> Slots:
    """Readings of about one signal unit; none clipped."""
    rng = np.random.default_rng(seed + number)
    shape = (batch, n_steps, ports)
    return Slots(
        step=number,
        banks=np.arange(n_steps) % n_banks,
        times=0.01 * np.arange(n_steps),
        sent=rng.uniform(-1.0, 1.0, shape),
        measured=rng.uniform(-1.0, 1.0, shape),
        clipped=np.zeros(shape, dtype=bool),
    )


def believed(number: int, off: float = 0.01, ports: int = 4, n_steps: int = 3) -> Believed:
    """Predictions that are wrong by `off` everywhere."""
    measured = np.random.default_rng(number).uniform(-1.0, 1.0, (6, n_steps, ports))
    banks = np.arange(n_steps) % 2
    return Believed(step=number, banks=banks, believed=measured + off, measured=measured)


def epoch(number: int) -> EpochEnded:
    """The end of an epoch."""
    return EpochEnded(
        epoch=number,
        loss=1.0,
        train_accuracy=0.6,
        held_out_accuracy=0.7,
        measured_on="bench",
        residual=0.01,
        fallbacks=0,
        clamped=0,
        alarms=0,
    )


def spent(bench_seconds: float) -> Spent:
    """A ledger in which three quarters go into writing."""
    return Spent(
        bench_seconds=bench_seconds,
        seconds={"write": 0.75 * bench_seconds, "run": 0.25 * bench_seconds},
        device_passes={"training": 64},
        counts={"frames": 3},
    )


def health(exchanges: int = 10, *, is_open: bool = True, dropped: int = 0) -> Health:
    """One link and one outlet."""
    return Health(
        links={"heaters-0": {"open": is_open, "exchanges": exchanges, "busy": 0.1 * exchanges}},
        outlets={"record": {"waiting": 0, "dropped": dropped, "failed": 0}},
    )


def stage(actual: float = 25.01) -> Readings:
    """A thermal stage at its set point."""
    return Readings(
        source="stage-0",
        role="thermal stage",
        values={"set": 25.0, "actual": actual, "output": 0.8},
        units={"set": "°C", "actual": "°C", "output": "A"},
        lowest={"set": -50.0},
        highest={"set": 150.0},
    )


def laser(power: float = 0.01) -> Readings:
    """A laser."""
    return Readings(source="laser-0", role="laser", values={"power": power}, units={"power": "W"})


def alarm(number: int) -> Watched:
    """An alarm of the drift watch."""
    return Watched(
        step=number,
        what="alarm",
        text="residual 4.0 times what is usual: many elements",
        severity=Severity.MINOR,
        data={"ratio": 4.0, "ratio_new": 3.0, "cause": "elements", "share": 0.5, "score": None},
    )


def a_run(
    steps: int = 20, ports: int = 4, n_steps: int = 3, batch: int = 8, *, ended: bool = True
) -> list[Event]:
    """A whole run: five steps an epoch, an alarm at step 8."""
    told: list[Event] = [
        StateChanged(state="idle", light=True),
        started(ports, n_steps=n_steps),
        bench(ports),
        Baselines(accuracy={"logistic regression": 0.88}),
        StateChanged(state="running", light=True),
    ]
    for number in range(1, steps + 1):
        told += [step(number, loss=2.0 / number), levels(number, 0.02 + 1e-4 * number, ports)]
        told += [slots(number, ports, n_steps, batch)]
        if number % 5 == 0:
            told += [believed(number, 0.05 / number, ports, n_steps), epoch(number // 5)]
            told += [spent(SECONDS * number), health(10 * number)]
            told += [stage(25.0 + 0.001 * number), laser(0.01 + 1e-5 * number)]
        if number == 8:
            told.append(alarm(number))
            told.append(
                Watched(step=8, what="health", text="moved", data={"moved": 0.03, "residual": 0.02})
            )
    if ended:
        told += [
            RunEnded(outcome="finished", accuracy=0.75),
            StateChanged(state="off", light=False),
        ]
    return told


def stamped(events: Sequence[Event], wall: float = WALL, every: float = SECONDS) -> list[Stamped]:
    """Events at equal distances of bench and wall time."""
    return [
        Stamped(number, every * number, wall + every * number, event)
        for number, event in enumerate(events, 1)
    ]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Scripted:
    """A source that gives what a test lays into it, and remembers what it was asked."""

    waiting: list[Stamped] = field(default_factory=list)
    name: str = "scripted"
    at_once: int = 100
    asked: list[Verb] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refuses: str = ""
    fails: str = ""
    threads: set[int] = field(default_factory=set)
    position: int = 0
    closed: bool = False

    @property
    def length(self) -> int:
        return len(self.waiting)

    def poll(self) -> Sequence[Stamped]:
        self.threads.add(threading.get_ident())
        if self.fails:
            raise OSError(self.fails)
        found = self.waiting[self.position : self.position + self.at_once]
        self.position += len(found)
        return found

    def command(self, verb: Verb) -> str:
        self.threads.add(threading.get_ident())
        if self.refuses:
            raise SourceError(self.refuses)
        self.asked.append(verb)
        return f"id-{len(self.asked)}"

    def note(self, text: str) -> None:
        if self.refuses:
            raise SourceError(self.refuses)
        self.notes.append(text)

    def close(self) -> None:
        self.closed = True
