"""The sums of the drift watch: what a look shows, and whether it is an alarm.

Three sums run side by side (`cusum`): of the whole residual, so that what refitting does not follow
is found however slowly it grows; of what is new in it, in which a step of all elements stands out
while a twin is still learning; and of the score of each element in what is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from hil.learn.cusum import ElementSums, Floats, ResidualCusum
from hil.learn.diagnosis import STANDS_OUT
from hil.learn.reference import Look
from hil.learn.trust import WatchSettings

#: Mean square over the expected one up to which an alarm needs no action.
FOLLOWED = 2.0


@dataclass(frozen=True)
class View:
    """What a look shows beside what a twin expects.

    whole : mean square residual, signal units squared. new : of what is new; None where there was
    no look before. scores : (n_banks, elements) of what is new, or None for too many elements.
    look : the look with only what is new in it (`novelty`).
    """

    whole: float
    new: float | None
    scores: Floats | None
    look: Look


@dataclass(frozen=True)
class Expected:
    """Mean squares that a look is compared with, signal units squared."""

    whole: float
    new: float


@dataclass(frozen=True)
class Alarm:
    """Which of the sums say so; ratio_whole, ratio_new : r^2 of the look."""

    whole: bool
    new: bool
    one: bool
    ratio_whole: float
    ratio_new: float

    def __bool__(self) -> bool:
        return self.whole or self.new or self.one

    def text(self, view: View) -> str:
        """In words."""
        if self.whole:
            return f"r^2 {self.ratio_whole:.3g}"
        if self.new:
            return f"r^2 {self.ratio_new:.3g} of what is new"
        score = 0.0 if view.scores is None else float(np.abs(view.scores).max())
        return f"one element beside the others (score {score:.1f})"

    def followed(self, left: View, expected: Expected) -> bool:
        """Whether a refit has meanwhile taken back what the sums alarmed about."""
        whole = not self.whole or left.whole <= FOLLOWED * expected.whole
        new = not self.new or left.new is None or left.new <= FOLLOWED * expected.new
        one = not self.one or left.scores is None or np.abs(left.scores).max() < STANDS_OUT
        return bool(whole and new and one)


@dataclass(frozen=True)
class Heights:
    """Sums after a look, each as a share of where it alarms; `element`: the largest, or None."""

    whole: float
    new: float
    element: float | None


@dataclass
class Sums:
    """The three sums of one bench."""

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("whole", "new", "elements")

    whole: ResidualCusum
    new: ResidualCusum
    elements: ElementSums | None

    @classmethod
    def begin(cls, settings: WatchSettings, noise2: float, shape: tuple[int, ...] | None) -> Self:
        """Sums of a bench; noise2 : mean square read noise; shape : of the scores."""
        return cls(
            ResidualCusum(settings.rule, noise2),
            ResidualCusum(settings.rule, noise2),
            None if shape is None else ElementSums(settings.element_rule, shape),
        )

    @property
    def ratio(self) -> float:
        """r^2 of the last look, of the whole residual."""
        return float(self.whole.ratio)

    @property
    def heights(self) -> Heights:
        """How near to an alarm each sum is."""
        one = None if self.elements is None else self.elements.height
        return Heights(self.whole.height, self.new.height, one)

    @property
    def expected(self) -> Expected:
        """What the next look is compared with."""
        whole, new = float(self.whole.expected), float(self.new.expected)
        return Expected(whole, whole if np.isnan(new) else new)

    def update(self, view: View, *, first: bool = False) -> Alarm:
        """Take in a look.

        The whole residual of the first one is no measure of the others: it is beside the twin as it
        is, theirs beside the twin of the look before, and so holds all that the bench does between.
        """
        whole = not first and bool(self.whole.update(view.whole))
        new = view.new is not None and bool(self.new.update(view.new))
        one = False
        if self.elements is not None and view.scores is not None:
            one = bool(self.elements.update(view.scores).any())
        return Alarm(whole, new, one, float(self.whole.ratio), float(self.new.ratio))

    def restart(self) -> None:
        """Forget the sums, after something was done; what is expected stays."""
        for one in (self.whole, self.new, self.elements):
            if one is not None:
                one.restart()

    def accept(self, view: View) -> None:
        """Take the residual of a look for normal.

        A twin that stays wrong has more new to it as the powers move: how much, the next look says.
        """
        self.restart()
        self.whole.accept(view.whole)
        self.new = ResidualCusum(self.new.rule, self.new.floor)
