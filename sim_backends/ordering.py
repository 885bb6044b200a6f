"""Faults ordered on the command line: `box-0:late=0.5@10`, `heaters-0:silence%0.01`.

`NAME:KIND[=VALUE]` befalls the next reply of an instrument, with `@SECONDS` the first one after
that time, with `%CHANCE` each reply with that probability. Kinds of a link: silence, garbage,
late=SECONDS, split=BYTES, truncate=BYTES, duplicate, copied=SECONDS (it comes again so much later,
where bytes stream), drop. An instrument may have kinds of its own: with `%CHANCE` one comes behind
each reply with that probability, and the reply itself is whole.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import faults
from .faults import Fate, LinkFaults, Trouble
from .instrument import SimulatedInstrument, own_faults

SPLIT_PAUSE = 0.05
"""s between the two pieces of a reply that is split."""
_ORDER = re.compile(
    r"(?P<name>[^:]+):(?P<kind>[a-z-]+)(=(?P<value>[^@%]+))?(?P<how>[@%](?P<number>[^@%]+))?"
)


class OrderError(ValueError):
    """An order that cannot be read or carried out; the message says what can be ordered."""


@dataclass(frozen=True)
class FaultOrder:
    """One order: `at` s after the start, or with a `chance` at each reply."""

    name: str
    kind: str
    value: str = ""
    at: float = 0.0
    chance: float | None = None


def _whole(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError
    return number


def _seconds(value: str) -> float:
    number = float(value)
    if not 0.0 <= number < 1e6:
        raise ValueError
    return number


LINK_KINDS: dict[str, Callable[[str], Trouble]] = {
    "silence": lambda value: faults.silence(),
    "garbage": lambda value: faults.garbage(),
    "late": lambda value: faults.late(_seconds(value)),
    "split": lambda value: faults.split(_whole(value), SPLIT_PAUSE),
    "truncate": lambda value: faults.truncate(_whole(value)),
    "duplicate": lambda value: faults.duplicate(),
    "copied": lambda value: faults.copied(_seconds(value)),
    "drop": lambda value: faults.drop(),
}
WITHOUT_VALUE = frozenset({"silence", "garbage", "duplicate", "drop"})


def parse_order(text: str) -> FaultOrder:
    """Read an order. Raises `OrderError`."""
    match = _ORDER.fullmatch(text)
    if match is None:
        raise OrderError(
            f"fault {text!r} cannot be read; write NAME:KIND[=VALUE] with @SECONDS or %CHANCE, as "
            f"box-0:late=0.5@10 or heaters-0:silence%0.01"
        )
    at, chance = 0.0, None
    if match["how"]:
        try:
            number = float(match["number"])
        except ValueError:
            raise OrderError(f"fault {text!r}: {match['number']!r} is no number") from None
        if match["how"][0] == "@":
            at = number
        else:
            chance = number
        if not 0.0 <= number <= (1.0 if chance is not None else 1e6):
            raise OrderError(f"fault {text!r}: a chance is 0 to 1, a time 0 to 1e6 s")
    return FaultOrder(match["name"], match["kind"], match["value"] or "", at, chance)


def place(
    order: FaultOrder,
    instruments: Mapping[str, SimulatedInstrument],
    links: Mapping[str, LinkFaults],
) -> Callable[[], None]:
    """What carries an order out, on the running loop.

    Raises `OrderError` when there is no such instrument, kind or value.
    """
    if order.name not in instruments:
        known = ", ".join(instruments)
        raise OrderError(f"no instrument is named {order.name!r}; there are {known}")
    own = own_faults(instruments[order.name])
    if order.kind in own:
        try:
            act = own[order.kind](order.value)
        except ValueError as error:
            raise OrderError(f"{order.name}: {order.kind}={order.value}: {error}") from None
        if order.chance is None:
            return lambda: _after(order.at, act)
        rate = order.chance
        return lambda: links[order.name].by_chance(rate, _behind(act))
    maker = LINK_KINDS.get(order.kind)
    if maker is None:
        known = ", ".join([*LINK_KINDS, *own])
        raise OrderError(f"no fault is called {order.kind!r}; {order.name} knows {known}")
    if order.value and order.kind in WITHOUT_VALUE:
        raise OrderError(
            f"{order.kind} takes no value, and not {order.value!r}: by time @SECONDS, "
            f"by rate %CHANCE"
        )
    try:
        trouble = maker(order.value)
    except ValueError:
        wanted = "seconds" if order.kind in ("late", "copied") else "a number of bytes"
        raise OrderError(f"{order.kind} wants {wanted}, as {order.kind}=3") from None
    link = links[order.name]
    if order.chance is not None:
        chance = order.chance
        return lambda: link.by_chance(chance, trouble)
    return lambda: _after(order.at, lambda: link.order(trouble))


def _behind(act: Callable[[], None]) -> Trouble:
    """A reply that leaves as it should, and the fault once the instrument has said it."""

    def befall(reply: bytes) -> Fate:
        asyncio.get_running_loop().call_soon(act)
        return Fate(((reply, 0.0),))

    return befall


def _after(seconds: float, act: Callable[[], None]) -> None:
    if seconds > 0.0:
        asyncio.get_running_loop().call_later(seconds, act)
    else:
        act()
