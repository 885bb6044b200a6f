"""Events that pass the types and make no sense, or mean harm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hil.telemetry.event import Event
from hil.telemetry.events import Levels, Watched
from tests.hil.monitor import made

LONG = "x" * 90_000
NASTY = "\x1b[2J\x1b]0;owned\x07[red]<b>bold</b><img src=file:///etc/passwd>\u202e\x00\n\n"


def _slots(**changed: Any) -> Event:
    return replace(made.slots(3), **changed)


#: Must be refused: name, event, part of the reason.
REFUSED: tuple[tuple[str, Event, str], ...] = (
    ("levels of another bench", made.levels(3, ports=5), "were expected"),
    ("levels that are NaN", made.levels(3, float("nan")), "finite"),
    ("levels below zero", made.levels(3, -0.01), "below zero"),
    ("levels beyond all bounds", made.levels(3, 1e200), "finite"),
    ("levels of words", Levels(step=3, levels=np.full((2, 16), "x")), "could not convert"),
    ("slots of another bench", made.slots(3, ports=7), "ports"),
    ("slots without end", _slots(banks=np.zeros(5000, int)), "slots"),
    ("no slots", _slots(banks=np.zeros(0, int)), "slots"),
    ("banks that are not there", _slots(banks=np.array([0, 9, 0])), "not among"),
    ("banks in halves", _slots(banks=np.array([0.0, 0.5, 1.0])), "whole numbers"),
    ("readings of two axes", _slots(measured=np.zeros((3, 4))), "expected"),
    ("clip flags of another shape", _slots(clipped=np.zeros((2, 3, 4), bool)), "clipped"),
    ("times that are NaN", _slots(times=np.full(3, np.nan)), "finite"),
    (
        "a huge array",
        _slots(measured=np.broadcast_to(0.5, (10**9, 3, 4))),
        "can be shown",
    ),
    (
        "beliefs of another shape",
        replace(made.believed(3), believed=np.zeros((1, 3, 4))),
        "believed",
    ),
    (
        "beliefs without a number",
        replace(made.believed(3), believed=np.full((6, 3, 4), np.nan)),
        "finite",
    ),
    ("step zero", made.step(0), "is none"),
    ("a step beyond all", made.step(2**62), "is none"),
    (
        "a bench of a million banks",
        replace(made.bench(), n_banks=10**6, level_max=np.broadcast_to(1.0, (10**6, 16))),
        "can be shown",
    ),
    ("a bench without resistance", replace(made.bench(), resistance=np.zeros((2, 16))), "above"),
    ("a bench that bears nothing", replace(made.bench(), power_max=-1.0), "above zero"),
    ("a bench with other limits", replace(made.bench(), full_scale=np.ones(9)), "full scales"),
)

#: Must be taken as far as they go, and shown.
STRANGE: tuple[tuple[str, Event], ...] = (
    ("a loss that is infinite", made.step(3, loss=float("inf"))),
    ("a loss that is NaN", made.step(3, loss=float("nan"))),
    ("a loss beyond all", made.step(3, loss=-1e300)),
    ("a residual that is infinite", made.step(3, residual=float("inf"))),
    ("readings lost", _slots(measured=np.full((8, 3, 4), np.nan))),
    ("readings infinite", _slots(measured=np.full((8, 3, 4), np.inf))),
    ("readings of one sample", made.slots(3, batch=1)),
    ("names that mean harm", replace(made.started(), run=NASTY, task=NASTY + LONG)),
    ("plans that cannot be", replace(made.started(), epochs=-5, batches=2**60)),
    (
        "numbers that are words",
        Watched(step=-(2**60), what=NASTY, text=NASTY, data={"ratio": "x", "moved": [1], "a": {}}),
    ),
    ("an alarm beyond all", replace(made.alarm(3), data={"ratio": 1e300, "ratio_new": 10**400})),
    ("many links", replace(made.health(), links={f"{NASTY}{k}": {} for k in range(500)})),
    ("links that are words", replace(made.health(), links={"a": 5}, outlets={"b": "c"})),
    ("a ledger of words", replace(made.spent(1.0), seconds={"write": "much", "run": -1e300})),
    ("no time at all", replace(made.epoch(1), loss=float("nan"), held_out_accuracy=1e9)),
)
