"""The schedule: limits, order of banks, where input enters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.control.schedule import Injection, Schedule, ScheduleError


@pytest.mark.parametrize(
    ("n_banks", "n_steps", "banks", "toggles", "said"),
    [
        (1, 1, (0,), 0, "(recurrent limit)"),
        (1, 4, (0, 0, 0, 0), 0, "(recurrent limit)"),
        (3, 3, (0, 1, 2), 2, "(untied deep limit)"),
        (2, 5, (0, 1, 0, 1, 0), 4, "2.5 passes a bank"),
        (3, 7, (0, 1, 2, 0, 1, 2, 0), 6, "6 bank changes"),
    ],
)
def test_banks_are_used_in_turn(
    n_banks: int, n_steps: int, banks: tuple[int, ...], toggles: int, said: str
) -> None:
    schedule = Schedule(n_banks, n_steps)
    assert schedule.banks == banks
    assert schedule.toggles() == toggles
    text = schedule.text(features=2, ports=4)
    assert said in text
    assert len(text.splitlines()) == n_steps + 2


@pytest.mark.parametrize(("n_banks", "n_steps"), [(0, 3), (-1, 3), (2, 1), (5, 4), (1, 0)])
def test_impossible_sizes_are_refused(n_banks: int, n_steps: int) -> None:
    with pytest.raises(ScheduleError, match=r"at least one bank|take --n-steps \d+ or more"):
        Schedule(n_banks, n_steps)


@given(
    features=st.integers(1, 40),
    ports=st.integers(2, 9),
    n_steps=st.integers(1, 12),
    batch=st.integers(1, 3),
)
def test_streamed_features_all_enter_once_and_in_order(
    features: int, ports: int, n_steps: int, batch: int
) -> None:
    schedule = Schedule(1, n_steps)
    given_in = np.arange(1.0, 1.0 + batch * features).reshape(batch, features)
    needed = -(-features // ports)
    if needed > n_steps:
        with pytest.raises(ScheduleError, match=f"take --n-steps {needed} or more"):
            schedule.place(given_in, ports)
        return
    inputs = schedule.place(given_in, ports)
    assert inputs.shape == (batch, n_steps, ports)
    flat = inputs.reshape(batch, -1)
    assert (flat[:, :features] == given_in).all()
    assert not flat[:, features:].any()
    assert schedule.text(features, ports).count("features ") == needed


def test_injection_at_every_step_repeats_the_features() -> None:
    schedule = Schedule(2, 3, Injection.EVERY)
    inputs = schedule.place(np.array([[0.5, -0.5]]), ports=3)
    assert inputs.tolist() == [[[0.5, -0.5, 0.0]] * 3]
    assert schedule.text(2, 3).count("features 0 to 1") == 3


def test_more_features_than_ports_cannot_be_injected_at_every_step() -> None:
    with pytest.raises(ScheduleError, match=r"5 features .* 4-port"):
        Schedule(1, 9, Injection.EVERY).place(np.zeros((1, 5)), ports=4)
