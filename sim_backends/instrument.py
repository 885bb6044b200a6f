"""What a simulated instrument is to whoever serves it: doors at which clients converse with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .host.clock import Clock
from .host.session import Converse

DoorKind = Literal["serial", "tcp", "http", "message", "udp"]


@dataclass(frozen=True)
class Door:
    """One way to an instrument.

    `kind`: `serial` (a pseudo-terminal), `tcp` (a raw socket), `http` (JSON-RPC over POST),
    `message` (HiSLIP and VXI-11: what `converse` makes then has `end`, `clear`, `trigger`,
    `status_byte`), `udp` (datagrams, each a conversation).
    `port`: the TCP port of the real one, None for a serial port. `about` says what it is for, where
    an instrument has several of one kind. `group`: the multicast group that datagrams also come by.
    """

    kind: DoorKind
    port: int | None
    converse: Converse
    about: str = ""
    group: str | None = None


class SimulatedInstrument(Protocol):
    """An instrument that is not there."""

    @property
    def doors(self) -> tuple[Door, ...]:
        """All ways to it, the usual one first."""
        ...


OwnFault = Callable[[str], Callable[[], None]]
"""Makes, of a value as text, what brings a fault about; raises `ValueError` for a wrong value."""


def without_value(act: Callable[[], None]) -> OwnFault:
    """A fault that takes no value."""

    def made(value: str) -> Callable[[], None]:
        if value:
            raise ValueError("it takes no value")
        return act

    return made


def switched(act: Callable[[bool], None]) -> OwnFault:
    """A fault that comes with 1, or without a value, and goes with 0."""

    def made(value: str) -> Callable[[], None]:
        if value not in ("", "0", "1"):
            raise ValueError("it is 1, or 0 when it is over")
        return lambda: act(value != "0")

    return made


def own_faults(instrument: SimulatedInstrument) -> Mapping[str, OwnFault]:
    """Faults of the instrument's own that can be ordered, by name: its attribute `own_faults`."""
    return getattr(instrument, "own_faults", {})


@dataclass(frozen=True)
class Placement:
    """Where an instrument stands: whose time it keeps and what sets it apart.

    `identity`: model, serial, firmware as far as wanted; `options`: the model's own. `seed` draws
    its imperfections and noise.
    """

    clock: Clock
    seed: int = 0
    identity: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


class OptionError(ValueError):
    """An option that a model does not have, or a value it cannot take; the message says so."""


def refuse_unknown(model: str, options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise `OptionError` for an option that is none of `known`."""
    if unknown := sorted(set(options) - set(known)):
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise OptionError(f"{model} has no option {', '.join(unknown)}; {has}")
