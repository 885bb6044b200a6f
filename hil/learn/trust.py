"""Settings of the drift watch and of the trust gate, and the events that they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil.learn.cusum import ElementRule, Rule


@dataclass(frozen=True)
class WatchSettings:
    """How often the bench is looked at, and what may be done about an alarm.

    Attributes
    ----------
    every : batches between looks at the reference inputs; 0: never.
    health : batches between visits of the health setting, whose heaters must all be written;
        0: never.
    cool_down : batches after an action in which alarms lead to no other.
    memory : batches within which a further alarm asks for more than the last action.
    most : how often each action may be taken in a run, in the order of `ladder.Action`.
    rule, element_rule : of the alarms, of everything together and of each element.
    """

    every: int = 10
    health: int = 200
    cool_down: int = 20
    memory: int = 100
    most: tuple[int, ...] = (20, 20, 20, 2)
    rule: Rule = field(default_factory=Rule)
    element_rule: ElementRule = field(default_factory=ElementRule)


@dataclass(frozen=True)
class GateSettings:
    """The directional check of the gradient.

    Attributes
    ----------
    every : batches between checks; 0: never.
    step : p_pi, rms over the elements, of the perturbation to either side.
    largest : p_pi, the most that one element is moved.
    least : share of the predicted change of the loss that must be found.
    sure : a change predicted to be smaller than so many standard errors tells nothing.
    """

    every: int = 300
    step: float = 0.005
    largest: float = 0.03
    least: float = 0.3
    sure: float = 3.0


@dataclass(frozen=True)
class Event:
    """Something that a reader of the run should know.

    batch : counted from 1 over the run; time : bench s; kind : `alarm`, `action`, `gate`,
    `health`, `look`; text : a line for a person; data : numbers.
    """

    batch: int
    time: float
    kind: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        """Plain data for the metrics file."""
        return {
            "batch": self.batch,
            "time": self.time,
            "kind": self.kind,
            "text": self.text,
            **self.data,
        }
