"""What an output's DC generator plays: a list or a sweep of voltages, started by a trigger.

After firmware that has `LIST` and `SWEep` in their present form (the maker's QCoDeS driver, a
MATLAB class). Our own choice: defaults, a list that is changed is used at its next start, an
analogue sweep is played in its steps, slew does not hold for either, an abort leaves the voltage.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

ENDLESS = -1


@dataclass
class Course:
    """How a list or a sweep is gone through."""

    dwell: float = 1e-3
    """s of each voltage"""
    count: int = 1
    """times, -1 for ever"""
    direction: str = "UP"
    mode: str = "AUTO"
    """Of a list AUTO, or STEP: a trigger for each voltage; of a sweep its form, STEP or ANAL"""


@dataclass
class Playing:
    """A generator under way since `start` (bench time, s)."""

    volts: list[float]
    course: Course
    start: float
    stepped: bool = False
    """Whether each voltage needs a trigger."""
    steps: int = 0
    """Voltages that triggers have brought."""

    def place(self, now: float) -> int:
        """Number of voltages that have been left behind."""
        if self.stepped:
            return self.steps
        return int((now - self.start) / self.course.dwell * (1.0 + 1e-12) + 1e-9)

    def ended(self, now: float) -> bool:
        """Whether all has been played; the last voltage stays."""
        count = self.course.count
        return count != ENDLESS and self.place(now) >= len(self.volts) * count

    def value(self, now: float) -> float:
        """V at this moment."""
        if self.ended(now):
            return self.volts[-1]
        return self.volts[self.place(now) % len(self.volts)]

    def next_change(self, now: float) -> float | None:
        """Seconds until the next voltage, None where none comes by itself."""
        if self.stepped or self.ended(now):
            return None
        return self.start + (self.place(now) + 1) * self.course.dwell - now

    def cycles_left(self, now: float) -> int:
        """Times that are still to be played, the present one among them."""
        if self.course.count == ENDLESS:
            return ENDLESS
        return max(0, self.course.count - self.place(now) // len(self.volts))


@dataclass
class Generator:
    """Settings of one DC generator, and what it is doing."""

    listed: list[float] = field(default_factory=list)
    list_course: Course = field(default_factory=Course)
    begin: float = 0.0
    end: float = 0.0
    points: int = 11
    sweep_course: Course = field(default_factory=lambda: Course(mode="STEP"))
    trigger: str = "IMM"
    continuous: bool = False
    armed: bool = False
    playing: Playing | None = None
    stepped_out: bool = False
    """Whether it was started in FIX mode, where there is nothing to play."""
    delay: float = 0.0
    """s that are told only: what is played starts at once"""
    markers: dict[str, int] = field(default_factory=dict)
    """Internal trigger (0: none) by place: START, END, SSTART and SEND of a step."""
    told: tuple[int, bool] | None = None
    """Place and end that markers have told of."""

    def passed(self, now: float) -> list[int]:
        """Internal triggers of what has come since the last time, in order."""
        playing = self.playing
        if playing is None:
            return []
        here = (playing.place(now), playing.ended(now))
        before, self.told = self.told, here
        names = ["START", "SSTART"] if before is None else []
        if before is not None and here[0] != before[0]:
            names = ["SEND"] if here[1] else ["SEND", "SSTART"]
        if here[1] and (before is None or not before[1]):
            names += ["END"]
        return [number for name in names if (number := self.markers.get(name, 0))]

    def sequence(self, mode: str) -> tuple[list[float], Course]:
        """The voltages of a mode (LIST, SWE) in the order they are played."""
        volts, course = self.listed, self.list_course
        if mode == "SWE":
            course = self.sweep_course
            volts = np.linspace(self.begin, self.end, self.points).tolist()
        return (volts[::-1] if course.direction == "DOWN" else list(volts)), course

    def repeat(self, on: bool) -> None:
        """Be ready for the trigger again and again from now on; or no more after the next one."""
        self.continuous = on
        self.armed |= on

    def initiate(self, mode: str, now: float) -> None:
        """Start at once, or be ready for the trigger."""
        if self.trigger == "IMM":
            self.start(mode, now)
        else:
            self.armed = True

    def triggered(self, source: str, mode: str, now: float) -> None:
        """A trigger of some source has come."""
        playing = self.playing
        if source != self.trigger:
            return
        if playing is not None and playing.stepped and not playing.ended(now):
            playing.steps += 1
        elif self.armed:
            self.armed = self.continuous
            self.start(mode, now)

    def start(self, mode: str, now: float) -> None:
        """Play from the beginning."""
        if mode == "FIX":
            self.stepped_out = True
            return
        volts, course = self.sequence(mode)
        if volts:
            self.told = None
            stepped = mode == "LIST" and course.mode == "STEP"
            self.playing = Playing(volts, replace(course), now, stepped)

    def abort(self) -> None:
        """Play no more, and wait for no trigger."""
        self.armed, self.playing = False, None
