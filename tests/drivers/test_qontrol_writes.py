"""Planning of writes: complete, never through an unknown channel, never dearer than the plain."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drivers.link_model import LinkModel
from drivers.qontrol_writes import UNKNOWN, plan_writes

SERIAL = LinkModel(latency=0.016, bytes_per_second=11520.0)


def _spans(wanted: list[int], held: list[int], link: LinkModel = SERIAL, longest: int = 64):
    return [
        (first, words.tolist())
        for first, words in plan_writes(np.array(wanted), np.array(held), link, longest)
    ]


def test_nothing_changed_writes_nothing() -> None:
    assert _spans([1, 2, 3], [1, 2, 3]) == []


def test_a_slow_link_takes_one_span_and_a_quick_one_several() -> None:
    held = [5] * 64
    wanted = [1] + [5] * 62 + [2]
    assert _spans(wanted, held) == [(0, wanted)]
    quick = LinkModel(latency=1e-6, bytes_per_second=11520.0)
    assert _spans(wanted, held, quick) == [(0, [1]), (63, [2])]


def test_an_unknown_channel_is_not_bridged() -> None:
    held = [1, UNKNOWN, 1]
    assert _spans([2, UNKNOWN, 2], held) == [(0, [2]), (2, [2])]
    assert _spans([2, 3, 2], held) == [(0, [2, 3, 2])]


@given(data=st.data(), latency=st.floats(0.0, 0.05), longest=st.integers(1, 64))
def test_plans(data: st.DataObject, latency: float, longest: int) -> None:
    size = data.draw(st.integers(1, 64))
    held = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=size, max_size=size)))
    wanted = held.copy()
    for channel in data.draw(st.sets(st.integers(0, size - 1))):
        wanted[channel] = data.draw(st.integers(0, 2))
    link = LinkModel(latency=latency, bytes_per_second=11520.0)
    result = held.copy()
    spans = list(plan_writes(wanted, held, link, longest))
    cost = 0.0
    for first, words in spans:
        assert 1 <= words.size <= longest
        assert (words != UNKNOWN).all()
        result[first : first + words.size] = words
        cost += link.cost(11 if words.size == 1 else 11 + 2 * words.size, 13)
    assert (result == wanted).all()
    changed = int((wanted != held).sum())
    singly = changed * link.cost(11, 13)
    assert cost <= singly + 2 * changed / link.bytes_per_second + 1e-12
