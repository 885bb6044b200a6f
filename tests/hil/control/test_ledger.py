"""The ledger: every second is charged once, every pass under its purpose."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.control.ledger import CATEGORIES, Ledger


class Clock:
    """Bench time that a test moves."""

    def __init__(self, start: float = 0.0) -> None:
        self.time = start

    def __call__(self) -> float:
        return self.time


STEPS = st.lists(
    st.tuples(st.sampled_from(CATEGORIES), st.booleans(), st.integers(0, 7)), max_size=40
)


@given(steps=STEPS, start=st.integers(0, 1000))
def test_categories_add_up_to_bench_time(steps: list[tuple[str, bool, int]], start: int) -> None:
    clock = Clock(float(start))
    ledger = Ledger(clock)
    inside: dict[str, list[ExitStack]] = {name: [] for name in CATEGORIES}
    expected: dict[str, float] = dict.fromkeys(map(str, CATEGORIES), 0.0)
    for category, enter, seconds in steps:
        if enter:
            stack = ExitStack()
            stack.enter_context(ledger.span(category))
            inside[category].append(stack)
        elif inside[category]:
            inside[category].pop().close()
        clock.time += seconds
        running = next((name for name in CATEGORIES if inside[name]), "idle")
        expected[running] += seconds
    table = ledger.table()
    assert table["bench_seconds"] == sum(table["seconds"].values()) == clock.time - start
    assert table["seconds"] == {name: s for name, s in expected.items() if s}


def test_categories_add_up_on_a_clock_that_never_stands_still() -> None:
    clock = Clock()

    def restless() -> float:
        clock.time += 1.0
        return clock.time

    ledger = Ledger(restless)
    with ledger.span("run"):
        restless()
    table = ledger.table()
    assert table["bench_seconds"] == sum(table["seconds"].values())


def test_a_span_that_fails_is_closed() -> None:
    clock = Clock()
    ledger = Ledger(clock)

    def fail() -> None:
        with ledger.span("upload"):
            clock.time += 2.0
            raise OSError("the link dropped")

    with pytest.raises(OSError, match="dropped"):
        fail()
    clock.time += 3.0
    assert ledger.table()["seconds"] == {"upload": 2.0, "idle": 3.0}


def test_passes_go_under_the_purpose_in_force() -> None:
    ledger = Ledger(Clock())
    ledger.count_pass(1)
    with ledger.purpose("training"):
        ledger.count_pass(64)
        with ledger.purpose("validation"):
            ledger.count_pass(200)
        ledger.count_pass(64)
    ledger.count_digital("ideal training", 5)
    ledger.count("frames", 3)
    ledger.count("frames")
    table = ledger.table({"box-0": {"fetch": 1.5}})
    assert table["device_passes"] == {"manual": 1, "training": 128, "validation": 200}
    assert table["digital_passes"] == {"ideal training": 5}
    assert table["counts"] == {"frames": 4}
    assert table["instruments"] == {"box-0": {"fetch": 1.5}}


def test_a_purpose_that_nobody_adds_up_is_refused() -> None:
    ledger = Ledger(lambda: 0.0)
    with pytest.raises(ValueError, match="no purpose 'trainning'"), ledger.purpose("trainning"):
        ledger.count_pass(1)
    assert not ledger.passes
