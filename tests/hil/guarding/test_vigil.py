"""When the other side counts as hung: heartbeat logic in made-up time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.guarding.vigil import BEAT, LATE, LOOK, Vigil


def test_silence_for_longer_than_patience_is_a_hang() -> None:
    vigil = Vigil(10.0, 100.0)
    vigil.heard(103.0)
    left = [vigil.look(now) for now in range(101, 115)]
    assert left[3] == 9.0  # at 104
    assert left[11] > 0.0
    assert left[12] <= 0.0  # at 113


def test_a_heartbeat_before_the_end_begins_anew() -> None:
    vigil = Vigil(10.0, 0.0)
    for now in range(1, 10):
        assert vigil.look(float(now)) > 0.0
    vigil.heard(9.9)
    assert vigil.look(10.5) > 9.0


def test_a_looker_that_was_frozen_itself_blames_nobody() -> None:
    """Both were stopped for an hour, and the looker is woken first."""
    vigil = Vigil(10.0, 0.0)
    assert vigil.look(1.0) == 9.0
    assert vigil.look(3601.0) >= 9.0 - LOOK
    # What was silent before stays so: the time that was really looked on counts.
    for now in range(3602, 3611):
        left = vigil.look(float(now))
    assert left <= 0.0


@given(st.lists(st.floats(0.01, LOOK + LATE), min_size=1, max_size=60), st.floats(5.0, 60.0))
def test_of_regular_looks_none_is_forgiven(steps: list[float], patience: float) -> None:
    vigil, now = Vigil(patience, 0.0), 0.0
    for step in steps:
        now += step
        assert vigil.look(now) == patience - now


@given(st.integers(1, 400), st.floats(1.0, 3600.0))
def test_who_beats_is_never_taken_for_hung(beats: int, patience: float) -> None:
    vigil, now = Vigil(patience, 0.0), 0.0
    for _ in range(beats):
        now += BEAT
        vigil.heard(now)
        assert vigil.look(now) > 0.0
