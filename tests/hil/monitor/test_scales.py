"""Ends of axes stay while data move a little, and never cut them off."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.monitor.window.scales import steady, steady_span


@given(st.floats(min_value=1e-200, max_value=1e200))
def test_nothing_is_cut_off_and_little_is_wasted(value: float) -> None:
    end = steady(value)
    assert value <= end <= 1.35 * value
    assert steady(end) <= 1.21 * end


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_size_has_an_end_all_the_same(value: float) -> None:
    assert steady(value) == 1.0


def test_it_stays() -> None:
    assert len({steady(0.0101 + 1e-5 * k) for k in range(100)}) == 1


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_a_span_holds_all_and_wastes_little(low: float, width: float) -> None:
    high = low + width
    began, ended = steady_span(low, high)
    slack = 1e-9 * max(abs(low), abs(high))
    assert began <= low + slack
    assert ended >= high - slack
    assert ended - began <= 2.01 * (high - low) + 2 * slack


def test_a_span_of_nothing_has_a_width() -> None:
    for value in (0.0, 3.0, -3.0):
        began, ended = steady_span(value, value)
        assert began <= value < ended
