"""What a run tells: one class an event, with unit, shape and meaning of each of its fields.

An event is what happened, no more. Arrays are numpy, never to be changed after they were published.
What a reader needs to know of all events, without this code, is `describe()`: it goes into records,
and to MQTT.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from hil.telemetry.event import Event, Severity, Told, told_of


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A run has begun."""

    KIND = "run_started"
    run: Annotated[str, Told("name of the run's folder")]
    bench: Annotated[str, Told("name of the bench")]
    backend: Annotated[str, Told("sim or real")]
    path: Annotated[str, Told("wire or slot")]
    task: Annotated[str, Told("what is learnt")]
    method: Annotated[str, Told("training method")]
    epochs: Annotated[int, Told("passes through the training data that are planned")]
    batches: Annotated[int, Told("batches of an epoch")]
    n_banks: Annotated[int, Told("banks in use")]
    n_steps: Annotated[int, Told("slots of a pass")]
    ports: Annotated[int, Told("ports of the bench")]
    code_version: Annotated[str, Told("version of this package")]


@dataclass(frozen=True, kw_only=True)
class RunResumed(Event):
    """A run goes on from a checkpoint; what it told of steps after that one is void."""

    KIND = "resumed"
    step: Annotated[int, Told("last batch that the checkpoint holds")]
    epochs: Annotated[int, Told("epochs that were done")]


@dataclass(frozen=True, kw_only=True)
class BenchDescribed(Event):
    """What the bench of a run is and bears: all that a reader needs to show levels and margins."""

    KIND = "bench"
    ARRAYS = True
    bench: Annotated[str, Told("name of the bench")]
    core: Annotated[str, Told("mzi-mesh or microring")]
    ports: Annotated[int, Told("ports of the bench")]
    n_banks: Annotated[int, Told("banks in use")]
    p_pi: Annotated[float, Told("nominal heater power of a phase of pi", "W")]
    power_max: Annotated[float, Told("most heater power of one bank's chip", "W")]
    level_max: Annotated[NDArray[Any], Told("highest levels", "W", "(n_banks, elements)")]
    resistance: Annotated[
        NDArray[Any], Told("nominal heater resistances", "ohm", "(n_banks, elements)")
    ]
    full_scale: Annotated[
        NDArray[Any], Told("what the converter's end reads", "signal units", "(ports,)")
    ]
    instruments: Annotated[
        Mapping[str, Any], Told("driver, resource and backend of each instrument by name")
    ]


@dataclass(frozen=True, kw_only=True)
class StateChanged(Event):
    """The bench has entered a state."""

    KIND = "state"
    state: Annotated[str, Told("off, idle, armed, running or tripped")]
    light: Annotated[bool, Told("whether light is on")]
    why: Annotated[str, Told("what led to it")] = ""


@dataclass(frozen=True, kw_only=True)
class Step(Event):
    """A batch was measured and learnt from."""

    KIND = "step"
    step: Annotated[int, Told("number of the batch, from 1 over the run")]
    epoch: Annotated[int, Told("epoch, from 1")]
    loss: Annotated[float, Told("mean cross entropy of the batch", "nat")]
    accuracy: Annotated[float, Told("share of the batch answered right", "1")]
    residual: Annotated[
        float | None,
        Told(
            "rms of believed minus measured over one slot; none: no twin is fitted", "signal units"
        ),
    ]
    clamped: Annotated[int, Told("levels of this step that were clamped")]
    measured_on: Annotated[str, Told("bench or twin")]
    seconds: Annotated[float, Told("bench time since the step before", "s")]


@dataclass(frozen=True, kw_only=True)
class Levels(Event):
    """The levels at which a step was measured."""

    KIND = "levels"
    ARRAYS = True
    step: Annotated[int, Told("number of the batch")]
    levels: Annotated[NDArray[Any], Told("nominal heater powers", "W", "(n_banks, elements)")]


@dataclass(frozen=True, kw_only=True)
class Slots(Event):
    """What a step sent and measured in every slot, and what the twin had believed."""

    KIND = "slots"
    ARRAYS = True
    step: Annotated[int, Told("number of the batch")]
    banks: Annotated[NDArray[Any], Told("bank of each slot", "", "(slots,)")]
    times: Annotated[NDArray[Any], Told("bench time of each slot", "s", "(slots,)")]
    sent: Annotated[NDArray[Any], Told("what was sent", "V_pi", "(batch, slots, ports)")]
    measured: Annotated[
        NDArray[Any], Told("what was measured", "signal units", "(batch, slots, ports)")
    ]
    clipped: Annotated[
        NDArray[Any], Told("points at the converter's end", "", "(batch, slots, ports)")
    ]
    dark: Annotated[
        NDArray[Any],
        Told("read while the signal light was off; empty: it was not", "signal units", "(ports,)"),
    ] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, kw_only=True)
class Believed(Event):
    """What the twin believed of some samples before it was refitted to them, beside the truth."""

    KIND = "believed"
    ARRAYS = True
    step: Annotated[int, Told("number of the batch")]
    banks: Annotated[NDArray[Any], Told("bank of each slot", "", "(slots,)")]
    believed: Annotated[
        NDArray[Any], Told("what the twin predicted", "signal units", "(samples, slots, ports)")
    ]
    measured: Annotated[
        NDArray[Any], Told("what was measured", "signal units", "(samples, slots, ports)")
    ]


@dataclass(frozen=True, kw_only=True)
class Baselines(Event):
    """What references reach on the same test items."""

    KIND = "baselines"
    accuracy: Annotated[Mapping[str, float], Told("share answered right, by reference", "1")]


@dataclass(frozen=True, kw_only=True)
class EpochEnded(Event):
    """The training data were gone through once."""

    KIND = "epoch"
    epoch: Annotated[int, Told("epoch, from 1")]
    loss: Annotated[float, Told("mean cross entropy", "nat")]
    train_accuracy: Annotated[float, Told("share answered right while training", "1")]
    held_out_accuracy: Annotated[float, Told("share of the held-out items answered right", "1")]
    measured_on: Annotated[str, Told("bench or twin")]
    residual: Annotated[float | None, Told("of the twin over one slot, rms", "signal units")]
    fallbacks: Annotated[int, Told("times the refit went back to its last good twin")]
    clamped: Annotated[int, Told("levels that were clamped so far")]
    alarms: Annotated[int, Told("of the drift watch so far")]


@dataclass(frozen=True, kw_only=True)
class Watched(Event):
    """Drift watch or trust gate have something to tell."""

    KIND = "watched"
    step: Annotated[int, Told("number of the batch")]
    what: Annotated[str, Told("alarm, action, gate, health or look")]
    text: Annotated[str, Told("for a person")]
    severity: Annotated[Severity, Told("how bad it is")] = Severity.NONE
    data: Annotated[Mapping[str, Any], Told("numbers, see docs/run-folder.md")]


@dataclass(frozen=True, kw_only=True)
class Cusum(Event):
    """The sums of the drift watch after a look, each as a share of where it alarms."""

    KIND = "cusum"
    step: Annotated[int, Told("number of the batch")]
    whole: Annotated[float, Told("of the residual", "1")]
    new: Annotated[float, Told("of what is new in it", "1")]
    element: Annotated[
        float | None, Told("largest of an element; none: elements are not watched apart", "1")
    ]


@dataclass(frozen=True, kw_only=True)
class Spent(Event):
    """The ledger, so far."""

    KIND = "spent"
    bench_seconds: Annotated[float, Told("bench time since the bench was opened", "s")]
    seconds: Annotated[Mapping[str, float], Told("bench time by category", "s")]
    device_passes: Annotated[Mapping[str, int], Told("samples through all slots, by purpose")]
    counts: Annotated[Mapping[str, int], Told("slow writes, frames, toggles, ...")]


@dataclass(frozen=True, kw_only=True)
class Health(Event):
    """How links and outlets do."""

    KIND = "health"
    links: Annotated[
        Mapping[str, Any],
        Told("of each instrument: open, exchanges, seconds busy"),
    ]
    outlets: Annotated[
        Mapping[str, Any], Told("of each outlet: events waiting, dropped, and failures")
    ]


@dataclass(frozen=True, kw_only=True)
class Readings(Event):
    """What an instrument beside the signal path measures of itself, such as a thermal stage."""

    KIND = "readings"
    source: Annotated[str, Told("name of the instrument")]
    role: Annotated[str, Told("what it is to the bench: thermal stage, laser, ...")]
    values: Annotated[Mapping[str, float], Told("numbers by name: set, actual, output, power, ...")]
    units: Annotated[Mapping[str, str], Told("unit of each number, by the same names")]
    lowest: Annotated[
        Mapping[str, float], Told("the least that a number may be set to, where it can be set")
    ] = field(default_factory=dict[str, float])
    highest: Annotated[Mapping[str, float], Told("and the most, by the same names")] = field(
        default_factory=dict[str, float]
    )


@dataclass(frozen=True, kw_only=True)
class Fault(Event):
    """Something failed, or was refused."""

    KIND = "fault"
    source: Annotated[str, Told("instrument, interlock or part of the program")]
    text: Annotated[str, Told("what failed")]
    severity: Annotated[Severity, Told("how bad it is")] = Severity.MAJOR


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """The operator wrote something down."""

    KIND = "note"
    text: Annotated[str, Told("the note")]
    author: Annotated[str, Told("who wrote it")]


@dataclass(frozen=True, kw_only=True)
class CommandAnswered(Event):
    """A command from outside was taken, or refused."""

    KIND = "command"
    id: Annotated[str, Told("of the command, as its issuer gave it")]
    verb: Annotated[str, Told("pause, resume, stop or off")]
    issuer: Annotated[str, Told("who gave it")]
    accepted: Annotated[bool, Told("whether it is obeyed")]
    text: Annotated[str, Told("what is done, or why not")]


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """A run is over."""

    KIND = "run_ended"
    outcome: Annotated[str, Told("finished, stopped, interrupted or failed")]
    accuracy: Annotated[float | None, Told("share of the test items answered right", "1")] = None
    why: Annotated[str, Told("where it did not finish: what ended it")] = ""


KINDS: Mapping[str, type[Event]] = {
    kind.KIND: kind
    for kind in (
        RunStarted,
        RunResumed,
        BenchDescribed,
        StateChanged,
        Step,
        Levels,
        Slots,
        Believed,
        Baselines,
        EpochEnded,
        Watched,
        Cusum,
        Spent,
        Health,
        Readings,
        Fault,
        Noted,
        CommandAnswered,
        RunEnded,
    )
}


def describe() -> dict[str, Any]:
    """All kinds of events: what they mean, and type, unit, shape and meaning of their fields."""
    return {
        name: {
            "meaning": (kind.__doc__ or "").strip(),
            "fields": {
                field: {"type": _name(of), **dataclasses.asdict(said)}
                for field, (of, said) in told_of(kind).items()
            },
        }
        for name, kind in KINDS.items()
    }


def _name(of: Any) -> str:
    """A type in a word that means the same to readers in other languages."""
    if get_origin(of) is np.ndarray:
        return "array"
    if get_origin(of) is UnionType:
        return " or ".join(_name(one) for one in get_args(of))
    if get_origin(of) is Mapping:
        return "table"
    words = {float: "number", int: "whole number", str: "text", bool: "yes or no", NoneType: "none"}
    return words.get(of, "text")
