"""Orders of faults that would do nothing, or not what was meant, are refused as they are given."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.catalogue import MODELS, build
from sim_backends.faults import LinkFaults
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Placement, own_faults
from sim_backends.ordering import OrderError, parse_order, place

TEXTS = {"alert"}
"""Faults whose value is any text."""
CHANNELS = {"dead", "stuck", "overload", "broken"}
WITHOUT = {
    "hang",
    "silent-range",
    "mended",
    "power",
    "underflow",
    "power-cycle",
    "over-temperature",
}


def order(model: str, text: str) -> None:
    device = build(model, Placement(BenchClock()))
    place(parse_order(f"thing:{text}"), {"thing": device}, {"thing": LinkFaults()})


@pytest.mark.parametrize("kind", ["silence", "garbage", "duplicate", "drop"])
def test_a_value_that_a_fault_of_the_link_would_ignore_is_refused(kind: str) -> None:
    order("polatis", f"{kind}@3")
    order("polatis", f"{kind}%0.1")
    with pytest.raises(OrderError, match=rf"{kind} takes no value, and not '3'.*@SECONDS"):
        order("polatis", f"{kind}=3")


@pytest.mark.parametrize("model", sorted(MODELS))
def test_an_own_fault_refuses_what_it_cannot_mean(model: str) -> None:
    for kind in own_faults(build(model, Placement(BenchClock()))):
        wrong = [] if kind in TEXTS else ["nonsense", "nan"]
        wrong += ["99999", "-7"] if kind in CHANNELS else []
        wrong += ["1"] if kind in WITHOUT else []
        for value in wrong:
            with pytest.raises(OrderError, match=f"thing: {kind}={value}: "):
                order(model, f"{kind}={value}")


@pytest.mark.parametrize("model", sorted(MODELS))
def test_a_fault_that_a_model_has_not_is_refused_with_those_it_has(model: str) -> None:
    with pytest.raises(OrderError, match="no fault is called 'melt'; thing knows silence, garbage"):
        order(model, "melt@3")


def test_a_fault_of_the_instruments_own_comes_by_chance_behind_a_reply() -> None:
    """A channel of a chain dies at a rate: the reply is whole, the next one measures nothing."""

    async def told(chance: float) -> tuple[list[bytes], int]:
        device = build("qontrol_q8", Placement(BenchClock(), 1, {}, {"modules": 1, "noise": 0.0}))
        link, said = LinkFaults(seed=4), bytearray()
        client = device.doors[0].converse(said.extend)
        place(parse_order(f"chain:dead=1%{chance}"), {"chain": device}, {"chain": link})()
        client.receive(b"V1=5\n")
        for count in range(1, 400):
            said.clear()
            client.receive(b"V1?\n")
            (part,) = link.next(bytes(said)).parts
            await asyncio.sleep(0)
            if abs(float(part[0].split()[0])) < 0.5:
                return [part[0]], count
        return [], 0

    (dead, count), (_, at_once) = asyncio.run(told(0.02)), asyncio.run(told(1.0))
    assert len(dead) == 1
    assert 2 < count < 400
    assert at_once == 2
    assert asyncio.run(told(0.0)) == ([], 0)
