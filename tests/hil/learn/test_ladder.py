"""Actions escalate, are given time, and come to an end."""

from __future__ import annotations

import pytest

from hil.learn.diagnosis import Common, Diagnosis
from hil.learn.ladder import Action, Ladder
from hil.learn.trust import WatchSettings

SETTINGS = WatchSettings(cool_down=20, memory=100, most=(2, 2, 2, 1))


def _found(kind: str) -> Diagnosis:
    return Diagnosis(kind, 0.9, Common(1.0, 0.0, 0.0, 0.0), (0, 5), 0.2, 7.0)


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("common", Action.REZERO),
        ("ports", Action.REZERO),
        ("element", Action.RESWEEP),
        ("elements", Action.REFIT),
    ],
)
def test_the_mildest_action_that_fits(kind: str, action: Action) -> None:
    assert Ladder(SETTINGS).choose(_found(kind), 10) is action


def test_a_further_alarm_soon_asks_for_more_and_a_late_one_begins_anew() -> None:
    ladder = Ladder(SETTINGS)
    ladder.took(Action.REZERO, 10)
    assert ladder.choose(_found("common"), 110) is Action.REFIT
    assert ladder.choose(_found("common"), 111) is Action.REZERO
    ladder.took(Action.RESWEEP, 200)
    assert ladder.choose(_found("elements"), 230) is Action.RECALIBRATE


def test_an_action_is_given_time() -> None:
    ladder = Ladder(SETTINGS)
    assert not ladder.cooling(10)
    ladder.took(Action.REFIT, 10)
    assert ladder.cooling(29)
    assert not ladder.cooling(30)


@pytest.mark.parametrize("kind", ["common", "ports", "elements"])
def test_an_element_is_swept_only_where_one_stands_out(kind: str) -> None:
    ladder = Ladder(SETTINGS)
    ladder.took(Action.REFIT, 10)
    assert ladder.choose(_found(kind), 40) is Action.RECALIBRATE
    assert ladder.choose(_found("element"), 40) is Action.RESWEEP


def test_each_action_may_be_taken_so_many_times_and_then_there_is_none() -> None:
    ladder = Ladder(SETTINGS)
    taken = []
    for batch in range(0, 100_000, 1000):
        action = ladder.choose(_found("common"), batch)
        if action is None:
            break
        ladder.took(action, batch)
        taken.append(action)
    assert taken == 2 * [Action.REZERO] + 2 * [Action.REFIT] + [Action.RECALIBRATE]
    assert ladder.choose(_found("elements"), 10**6) is None
    assert ladder.choose(_found("element"), 10**6) is Action.RESWEEP
