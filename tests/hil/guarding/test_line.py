"""Words and heartbeats between controller and guardian."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from hil.guarding.line import Line

Ends = tuple[Line, Line]


@pytest.fixture
def ends() -> Iterator[Ends]:
    one, other = socket.socketpair()
    mine, its = Line(one), Line(other)
    yield mine, its
    mine.close()
    its.close()


def test_words_and_beats_come_in_order(ends: Ends) -> None:
    mine, its = ends
    mine.beat()
    mine.say(folder="runs/a", note="two\nlines")
    mine.beat()
    assert its.hear() == [{}, {"folder": "runs/a", "note": "two\nlines"}, {}]
    assert its.hear() == []
    assert not its.gone


def test_an_end_is_heard_after_what_was_said(ends: Ends) -> None:
    mine, its = ends
    mine.say(done=True)
    mine.close()
    assert its.hear() == [{"done": True}]
    assert its.gone


def test_an_other_end_that_does_not_read_holds_nobody_up(ends: Ends) -> None:
    mine, its = ends
    for _ in range(10_000):
        mine.beat()
    mine.say(text="x" * 2**20)
    assert not mine.push()
    said: list[dict[str, object]] = []
    for _ in range(10_000):
        said += its.hear()
        if mine.push() and said and "text" in said[-1]:
            break
    assert len(str(said[-1]["text"])) == 2**20
    assert all(word == {} for word in said[:-1])


@pytest.mark.parametrize("rubbish", [b"{nonsense\n", b"[1, 2]\n", b"\xff\xfe\n", b'"text"\n'])
def test_rubbish_ends_it(rubbish: bytes) -> None:
    one, other = socket.socketpair()
    with one:
        line = Line(other)
        one.sendall(b"\n" + rubbish + b"\n")
        assert line.hear() == [{}]
        assert line.gone
        line.close()


def test_who_has_gone_is_written_to_without_a_fault(ends: Ends) -> None:
    mine, its = ends
    its.close()
    mine.beat()
    mine.beat()
    assert mine.gone
