"""Edges at whole periods."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from sim_backends.edges import next_periodic


@given(
    st.floats(0.0, 1e5),
    st.sampled_from([1e-3, 0.01, 0.03, 0.1, 1.0]),
    st.sampled_from([0.0, 0.1]),
    st.booleans(),
)
@example(0.29, 0.01, 0.0, False)  # 29 periods, by division 28.999…
@example(0.57, 0.01, 0.0, False)
def test_the_next_edge_is_later(after: float, period: float, part: float, on_edge: bool) -> None:
    shift = part * period
    if on_edge:
        after = next_periodic(after, period, shift)
    edge = next_periodic(after, period, shift)
    assert after < edge <= after + period * (1.0 + 1e-6)
