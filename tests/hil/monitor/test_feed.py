"""A source is read in one thread; what it gives, and what it cannot, is seen in the state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import hil
from hil.bench.file import from_document
from hil.monitor.feed import Feed
from hil.monitor.finding import source_of
from hil.monitor.replay import Replay
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import (
    done_share,
    light_word,
    progress_words,
    reading_words,
    stale_words,
    state_colour,
    state_word,
)
from hil.telemetry.commands import Verb
from hil.telemetry.event import Stamped
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


class Gated(Scripted):
    """A long record, read for the first time: a piece each time that a test lets it be."""

    def __init__(self, events: list[Stamped], at_once: int) -> None:
        super().__init__(events, at_once=at_once)
        self.let = threading.Semaphore(0)

    def poll(self) -> Sequence[Stamped]:
        return super().poll() if self.let.acquire(timeout=0.005) else ()


def test_a_long_record_is_being_read_until_where_it_ended_and_is_not_stale_meanwhile() -> None:
    was_there = made.stamped(made.a_run(20, ended=False))  # stamped long ago
    source = Gated(list(was_there), at_once=len(was_there) // 2)
    with following(lambda: source) as feed:
        state, half = feed.state, len(was_there) // 2
        assert state.reading == (0, len(was_there))
        source.let.release()
        until(lambda: state.reading == (half, len(was_there)))
        assert not state.stale
        assert (state_word(state), state_colour(state), light_word(state)) == (
            "READING", "", "LIGHT ?",
        )  # fmt: skip
        assert reading_words(state) == f"the record, {100 * half // len(was_there)} %"
        assert progress_words(state) == f"event {half} of {len(was_there)}"
        assert done_share(state) == half / len(was_there)
        source.waiting += made.stamped([made.step(21)])  # the run goes on meanwhile
        for _ in range(2):
            source.let.release()
        until(lambda: state.reading is None)
        assert state.stale  # it is old, and now all of it is known
        assert state_word(state) == "RUNNING"
        assert "step" in progress_words(state)


def test_an_empty_record_and_a_replay_are_not_being_read() -> None:
    with following(Scripted) as feed:
        assert feed.state.reading is None
        assert stale_words(feed.state) == "NOTHING HEARD"
    source = Scripted(made.stamped(made.a_run(10)))
    with following(lambda: Replay(source, 1.0)) as feed:
        assert feed.state.reading is None


def test_a_record_that_cannot_be_read_is_stale_though_its_end_is_not_reached() -> None:
    source = Scripted(made.stamped(made.a_run(20, ended=False)), fails="the disk is gone")
    with following(lambda: source) as feed:
        until(lambda: bool(feed.state.trouble))
        assert feed.state.reading is not None
        assert feed.state.stale


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
