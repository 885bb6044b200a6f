"""Every setting of a bench moved, and put back from a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drivers.errors import InstrumentError
from drivers.instrument import Instrument
from drivers.naming import write
from drivers.quantity import Quantity, Value
from hil.bench.differing import Where, differences, same, settings_of
from hil.bench.file import load
from hil.bench.opening import OpenBench
from hil.bench.restoring import HELD, is_output, plan, quantities_of, restore
from hil.bench.snapshot import snapshot
from hil.bench.visiting import Visit


@pytest.fixture(params=["relax-mzi-8", "relax-mzi-8-precise"])
def here(request: pytest.FixtureRequest) -> Iterator[Visit]:
    with Visit(OpenBench(load(request.param)), lambda line: None) as visit:
        yield visit


def other(quantity: Quantity, value: Any) -> Value:
    """Another value that may be had, near the present one."""
    if quantity.kind is bool:
        return not value
    if quantity.kind is str:
        return quantity.choices[(quantity.choices.index(value) + 1) % len(quantity.choices)]
    if quantity.kind is int:
        return value + 1 if value < quantity.high else value - 1
    near = value * 0.99 if value else 0.001 * min(quantity.high, 1.0)
    return max(near, quantity.low)


def of(instruments: tuple[Instrument, ...], where: Where) -> tuple[Instrument, Quantity | None]:
    (one,) = (one for one in instruments if one.name == where.instrument)
    return one, {quantity.name: quantity for quantity in one.quantities}.get(where.name)


def test_every_setting_comes_back(here: Visit) -> None:
    core = here.core
    saved = here.do(snapshot(core))
    moved: set[Where] = set()
    for where, value in settings_of(saved).items():
        one, quantity = of(core.parts.instruments, where)
        if quantity is None or not quantity.writable or where.name in one.imposed:
            continue
        if where.channel not in ("", "1") or one.name in ("box-1", "box-2", "generator-1"):
            continue
        try:
            here.do(write(one, where.name, other(quantity, value), where.channel))
        except (InstrumentError, ValueError):
            continue  # what it refuses as it is set now
        moved.add(where)
    assert len(moved) > 20
    kinds = quantities_of(core)
    before = {one.where for one in differences(saved, here.do(snapshot(core)), kinds)}
    assert len(before & moved) > 0.7 * len(moved)
    here.drive()
    told: list[str] = []
    outcome = here.do(restore(core, saved, outputs=False, tell=told.append))
    assert outcome.refused == {}
    assert outcome.not_taken == []
    left = differences(saved, here.do(snapshot(core)), kinds)
    for one in left:
        instrument, quantity = of(core.parts.instruments, one.where)
        assert quantity is not None
        if is_output(quantity):
            assert outcome.held[one.where] == HELD
            assert same(one.after, quantity.safe, quantity)
        else:
            assert one.where.name in instrument.imposed or quantity.follows, one
    # Nothing else is left to do.
    assert not plan(core, saved, here.do(snapshot(core)), outputs=False).steps
