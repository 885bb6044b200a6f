"""The drift watch on a bench that is a twin: alarms, what follows them, and what does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import torch

from hil.control.machine import Reading
from hil.learn.trust import WatchSettings
from tests.hil.learn.benches import BANKS, PORTS, Scene

QUIET = 60


def _kinds(watch: object) -> list[str]:
    return [event.kind for event in watch.events]  # type: ignore[attr-defined]


def test_no_step_no_alarm() -> None:
    """Elements walk by 0.002 rad a batch: what the packaged benches' drift comes to."""
    scene = Scene(seed=1)
    watch = scene.watch(health=0)
    for _ in range(300):
        scene.move(0.002 * scene.normal(BANKS, PORTS**2))
        scene.batches(watch, 1)
    assert (watch.alarms, watch.events) == (0, [])


def test_a_twin_that_was_true_from_the_start_sounds_no_alarm() -> None:
    """As from a calibration record, on a bench that drifts from look to look as it always will.

    The first look is beside the twin as it is, the others beside the twin of the look before.
    """
    scene = Scene(seed=8)
    watch = scene.watch(health=0)
    for _ in range(200):
        step = 0.01 * scene.normal(BANKS, PORTS**2)
        scene.move(step)
        followed = scene.twin.parameters["offset"] + step
        scene.twin.parameters = {**scene.twin.parameters, "offset": followed}
        scene.batches(watch, 1)
    assert (watch.alarms, watch.events) == (0, [])


def test_a_step_of_every_element_alarms_and_the_twin_is_put_right() -> None:
    scene = Scene(seed=2)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET + 3)
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    scene.batches(watch, 20)
    alarm, action = watch.events[:2]
    assert (alarm.kind, alarm.data["cause"]) == ("alarm", "elements")
    assert QUIET + 3 < alarm.batch <= QUIET + 13
    assert (action.kind, action.data["action"], action.data["adopted"]) == ("action", "refit", True)
    assert action.data["after"] < 0.3 * action.data["before"]
    assert scene.refit.adopted
    assert torch.equal(scene.refit.adopted[-1]["offset"], scene.twin.parameters["offset"])
    assert scene.refit.doubts
    assert watch.ladder.taken["refit"] == 1  # type: ignore[index]


@pytest.mark.parametrize(("bank", "element"), [(0, 3), (1, 20), (0, 37)])
def test_a_step_of_one_element_is_swept_and_put_right(bank: int, element: int) -> None:
    """The twin is wrong everywhere by more than what the step adds to its residual."""
    scene = Scene(seed=element, wrong=0.05)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET)
    before = scene.twin.parameters["offset"].clone()
    scene.move_one(bank, element, 0.2)
    scene.batches(watch, 20)
    alarm, action = watch.events[:2]
    assert (alarm.kind, alarm.batch) == ("alarm", QUIET + 10)
    assert (alarm.data["cause"], alarm.data["bank"], alarm.data["element"]) == (
        "element",
        bank,
        element,
    )
    assert action.data["action"] == "re-sweep"
    moved = scene.twin.parameters["offset"] - before
    assert float(moved[bank, element]) == pytest.approx(0.2, abs=0.1)
    assert int((moved != 0.0).sum()) == 1


def test_a_common_step_is_zeroed_again() -> None:
    scene = Scene(seed=3)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET)
    scene.change("lo_phase", scene.truth.parameters["lo_phase"] + 0.2)
    scene.batches(watch, 20)
    alarm, action = watch.events[:2]
    assert (alarm.data["cause"], action.data["action"]) == ("common", "re-zero")
    assert action.data["adopted"]
    assert watch.alarms == 1


def test_what_the_refit_has_followed_needs_no_action() -> None:
    """The twin is right again before the look that shows the step."""
    scene = Scene(seed=4)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET)
    step = 0.2 * scene.normal(BANKS, PORTS**2)
    scene.move(step)
    scene.twin.parameters = {
        **scene.twin.parameters,
        "offset": scene.twin.parameters["offset"] + step,
    }
    scene.batches(watch, 10)
    assert _kinds(watch) == ["alarm", "action"]
    assert watch.events[1].data["action"] == "followed"
    assert not scene.refit.adopted


def test_a_fixed_twin_is_only_told_about_and_once() -> None:
    scene = Scene(seed=5)
    watch = scene.watch(health=0)
    watch.refit = None
    scene.batches(watch, QUIET)
    before = {name: value.clone() for name, value in scene.twin.parameters.items()}
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    written = len(scene.machine.programmed)
    scene.batches(watch, 100)
    assert _kinds(watch) == ["alarm"]
    assert len(scene.machine.programmed) - written == 100  # training's own
    assert all(torch.equal(scene.twin.parameters[k], v) for k, v in before.items())


def test_switched_off_it_looks_at_nothing() -> None:
    scene = Scene(seed=6)
    watch = scene.watch(every=0)
    watch.suspect("the gate failed")
    scene.batches(watch, 30)
    assert scene.machine.time == 0.0
    assert watch.events == []


@pytest.mark.parametrize("how", ["lost", "clipped"])
def test_looks_that_are_mostly_lost_are_told_and_not_judged(how: str) -> None:
    def spoil(reading: Reading) -> Reading:
        spoilt = np.zeros(reading.measured.shape, dtype=bool)
        spoilt[: len(spoilt) * 3 // 4] = True
        if how == "clipped":
            return replace(
                reading, measured=np.where(spoilt, 9.0, reading.measured), clipped=spoilt
            )
        return replace(reading, measured=np.where(spoilt, np.nan, reading.measured))

    scene = Scene(seed=7)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET)
    sound, scene.machine.broken = scene.machine.broken, spoil
    scene.batches(watch, 20)
    assert _kinds(watch) == ["look", "look"]
    assert watch.events[0].data["usable"] == pytest.approx(0.25)
    assert "clipped or lost" in watch.events[0].text
    scene.machine.broken = sound
    scene.batches(watch, 50)
    assert watch.alarms == 0
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    scene.batches(watch, 10)
    assert watch.alarms == 1


def test_a_few_lost_samples_are_left_out() -> None:
    def spoil(reading: Reading) -> Reading:
        measured = reading.measured.copy()
        measured[3] = np.nan
        measured[:, 2][8:12] = 9.0
        clipped = reading.clipped.copy()
        clipped[:, 2][8:12] = True
        return replace(reading, measured=measured, clipped=clipped)

    scene = Scene(seed=8)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET)
    scene.machine.broken = spoil
    scene.batches(watch, 40)
    assert watch.events == []


def test_a_first_look_that_is_lost_is_taken_later() -> None:
    def spoil(reading: Reading) -> Reading:
        return replace(reading, measured=np.full(reading.measured.shape, np.nan))

    scene = Scene(seed=9)
    watch = scene.watch(health=0)
    scene.machine.broken = spoil
    scene.batches(watch, 10)
    scene.machine.broken = lambda reading: reading
    scene.batches(watch, 50)
    assert _kinds(watch) == ["look"]
    assert watch.noise == pytest.approx(0.01, rel=0.2)


def test_actions_are_given_time_and_escalate() -> None:
    scene = Scene(seed=10)
    watch = scene.watch(health=0, cool_down=20)
    scene.batches(watch, QUIET)
    for _ in range(3):
        scene.move(0.2 * scene.normal(BANKS, PORTS**2))
        scene.batches(watch, 10)
    actions = [e.data["action"] for e in watch.events if e.kind == "action"]
    # No element stands out, so none is swept; and this run has no calibration to fall back on.
    assert actions[:2] == ["refit", "wait"]
    assert "re-sweep" not in actions
    assert actions[2:4] == ["full calibration", "accept"]


def test_when_nothing_is_left_what_is_seen_is_normal() -> None:
    scene = Scene(seed=11)
    watch = scene.watch(health=0, most=(0, 0, 0, 0))
    scene.batches(watch, QUIET)
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    scene.batches(watch, 100)
    assert _kinds(watch) == ["alarm", "action"]
    assert watch.events[1].data["action"] == "accept"
    scene.move(0.3 * scene.normal(BANKS, PORTS**2))
    scene.batches(watch, 10)
    assert watch.alarms == 2


def test_a_repair_that_predicts_worse_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(seed=12)
    watch = scene.watch(health=0)
    scene.batches(watch, QUIET)
    before = scene.twin.parameters["offset"].clone()
    wrong = {**scene.twin.parameters, "offset": before + 2.0 * scene.normal(BANKS, PORTS**2)}
    monkeypatch.setattr("hil.learn.actions.place_elements", lambda *_: wrong)
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    scene.batches(watch, 10)
    action = watch.events[1]
    assert (action.data["action"], action.data["adopted"]) == ("refit", False)
    assert "not believed" in action.text
    assert torch.equal(scene.twin.parameters["offset"], before)
    assert scene.refit.adopted == []


def test_the_health_setting_shows_how_far_elements_moved() -> None:
    scene = Scene(seed=13)
    watch = scene.watch(health=100)
    scene.batches(watch, 20)
    scene.move(0.05 * scene.normal(BANKS, PORTS**2))
    scene.batches(watch, 90)
    health = [event for event in watch.events if event.kind == "health"]
    assert [event.batch for event in health] == [100]
    assert health[0].data["moved"] == pytest.approx(0.05, rel=0.2)
    # Levels are then the batch's own again.
    levels = scene.powers.numpy() * scene.twin.p_pi
    assert (scene.machine.programmed[-1] == levels).all()


def test_levels_are_the_batches_own_again_when_a_health_visit_fails() -> None:
    scene = Scene(seed=14)
    watch = scene.watch(health=30)
    scene.batches(watch, 29)

    def cut(reading: Reading) -> Reading:
        # The look itself reads two banks; the visit comes after it.
        if scene.machine.time > first + BANKS:
            raise asyncio.CancelledError
        return reading

    first = scene.machine.time
    scene.machine.broken = cut
    with pytest.raises(asyncio.CancelledError):
        scene.batches(watch, 1)
    assert (scene.machine.programmed[-1] == scene.powers.numpy() * scene.twin.p_pi).all()


def test_every_tenth_batch_by_default() -> None:
    scene = Scene(seed=15)
    watch = scene.watch()
    scene.batches(watch, 100)
    # Ten looks, of which the first is taken twice.
    assert scene.machine.time == 11 * BANKS
    assert WatchSettings().every == 10
