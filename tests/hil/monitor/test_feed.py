"""A source is read in one thread; what it gives, and what it cannot, is seen in the state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hil
from hil.bench.file import from_document
from hil.monitor.feed import Feed
from hil.monitor.finding import source_of
from hil.monitor.replay import Replay
from hil.monitor.state.run_state import RunState
from hil.telemetry.commands import Verb
from hil.telemetry.source import Source, SourceError
from tests.hil.monitor import made
from tests.hil.monitor.made import Scripted
from tests.hil.twin.plants import document


@contextmanager
def following(make: Callable[[], Source]) -> Iterator[Feed]:
    feed = Feed(make, RunState()).open()
    try:
        yield feed
    finally:
        feed.close()


def until(what: Callable[[], bool], patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)


def test_all_is_folded_in_one_thread_that_is_not_ours() -> None:
    source = Scripted(made.stamped(made.a_run(20)), at_once=13)
    with following(lambda: source) as feed:
        until(lambda: feed.caught_up)
        feed.command(Verb.PAUSE)
        until(lambda: bool(source.asked))
        assert feed.state.facts.step == 20
    assert source.closed
    assert len(source.threads) == 1
    assert threading.get_ident() not in source.threads


def test_a_command_is_waited_for_by_its_id() -> None:
    source = Scripted()
    with following(lambda: source) as feed:
        feed.command(Verb.OFF)
        until(lambda: feed.state.commands.last is not None)
        last = feed.state.commands.last
        assert last is not None
        assert (last.id, last.verb) == ("id-1", Verb.OFF)


def test_what_cannot_be_asked_is_told_and_reading_goes_on() -> None:
    source = Scripted(refuses="the folder is read-only")
    with following(lambda: source) as feed:
        feed.command(Verb.OFF)
        until(lambda: "read-only" in feed.state.asked)
        source.waiting += made.stamped([made.step(1)])
        until(lambda: feed.state.facts.step == 1)
        assert feed.state.commands.last is None


def test_a_source_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.monitor.feed.AGAIN", 0.01)
    source = Scripted(fails="the disk is gone")
    with following(lambda: source) as feed:
        until(lambda: feed.trouble == "the disk is gone")
        source.waiting += made.stamped([made.step(1)])
        source.fails = ""
        until(lambda: feed.state.facts.step == 1)
        assert feed.trouble == ""


def test_what_cannot_be_opened_says_so() -> None:
    def nothing() -> Source:
        raise SourceError("no broker there")

    with pytest.raises(SourceError, match="no broker there"):
        Feed(nothing, RunState()).open()


def test_a_replay_begins_anew_when_it_goes_back() -> None:
    source = Scripted(made.stamped(made.a_run(10), every=0.001))
    with following(lambda: Replay(source, 1000.0)) as feed:
        until(lambda: feed.state.lifecycle.ended is not None)
        assert feed.replay is not None
        feed.steer(lambda replay: replay.pause(True))
        feed.steer(lambda replay: replay.seek(0.5))
        until(lambda: feed.state.lifecycle.ended is None and feed.state.facts.step > 3)
        assert feed.state.facts.step < 8


def test_a_real_record_is_followed_and_noted_in(tmp_path: Path) -> None:
    with hil.open(from_document(document(4, 2), source="tiny"), path="slot") as bench:
        result = hil.train(bench, "spirals", out=tmp_path / "run", epochs=1, n_steps=3, batch=64)
    with following(source_of(str(tmp_path / "run"))) as feed:
        until(lambda: feed.state.lifecycle.state == "off")
        feed.note("the fibre was moved")
        until(lambda: any(line.source == "note" for line in feed.state.log.lines))
        state = feed.state
        assert not state.ignored
        assert state.learning.tested == result.accuracy
        assert state.learning.baselines == result.baselines
        assert state.facts.step == len(state.learning.steps.x)
        assert state.heaters.levels is not None
        assert state.heaters.levels.shape == (2, 16)
        assert state.ports.traces is not None
        assert state.spending.bench_seconds == pytest.approx(result.ledger["bench_seconds"])
