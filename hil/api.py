"""What `hil` offers of training and twins. With torch; what is offered of benches does without."""

from __future__ import annotations

from hil.learn.api import train, train_async
from hil.learn.results import Result
from hil.learn.slots import Slots, twin_from_record
from hil.twin.machine import Twin
from hil.twin.refit import OnlineRefit, RefitSettings
from hil.twin.refitting import new_refit

__all__ = [
    "OnlineRefit",
    "RefitSettings",
    "Result",
    "Slots",
    "Twin",
    "new_refit",
    "train",
    "train_async",
    "twin_from_record",
]
