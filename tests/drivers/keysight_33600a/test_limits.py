"""Keysight 33600A: nothing leaves that cannot be played; words are the nearest there are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import LimitError
from drivers.keysight_33600a import Keysight33600A, Segment
from drivers.keysight_33600a.scale import Scale
from drivers.keysight_33600a.sequence import sequence_text
from drivers.transport.memory import MemoryNetwork
from tests.drivers.keysight_33600a.conftest import (
    LAN,
    RESOURCE,
    SINGLE,
    chosen,
    prepared,
    uploaded,
)


def test_nothing_leaves_that_cannot_be_played(play) -> None:
    good = np.zeros((8, 2))

    async def scenario(awg) -> None:
        for volts, dwell in [
            (good + 1.001, 1e-6), (good - 1.001, 1e-6), (good * np.nan, 1e-6),
            (good + np.inf, 1e-6), (good, 15e-9), (good, 0.0), (good, np.nan), (good, 1e7),
            (np.zeros((1_000_001, 2)), 1e-6), (np.zeros((0, 2)), 1e-6), (good[:2], 20e-9),
        ]:  # fmt: skip
            with pytest.raises(LimitError):
                await awg.load(volts, dwell)
        for volts in (good[:, :1], good[:, 0]):
            with pytest.raises(ValueError, match="shape"):
                await awg.load(volts, 1e-6)
        with pytest.raises(ValueError, match="no channel 3"):
            await awg.sync(3)
        with pytest.raises(ValueError, match="name"):
            await awg.load_sequence(1, "no name", [Segment("a", np.zeros(8))], 1e-6)
        with pytest.raises(LimitError):
            await awg.load_sequence(1, "s", [Segment("a", np.full(8, 2.0))], 1e-6)
        with pytest.raises(ValueError, match="samples or more"):
            await awg.load_sequence(1, "s", [Segment("a", np.zeros(7))], 1e-6)

    play([], scenario)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"amplitude": 10.0, "offset": 0.1}, LimitError), ({"amplitude": 10.1}, LimitError),
        ({"amplitude": 0.0}, LimitError), ({"amplitude": math.nan}, LimitError),
        ({"load": 0.5}, LimitError), ({"load": math.nan}, LimitError),
        ({"offset": math.inf}, LimitError), ({"amplitude": (1.0, 11.0)}, LimitError),
        ({"amplitude": (1.0, 1.0, 1.0)}, ValueError), ({"start": "now"}, ValueError),
        ({"memory": 0}, ValueError), ({"start": "sequence", "offset": 2.0}, LimitError),
    ],
)  # fmt: skip
def test_options_that_no_model_can_do(options, error) -> None:
    with pytest.raises(error, match="awg"):
        Keysight33600A("awg", RESOURCE, MemoryNetwork(), link=LAN, **options)


def test_options_that_one_can(play) -> None:
    Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, amplitude=10.0)
    Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, amplitude=(8, 6), offset=(1, -2))
    Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, amplitude=20.0, load=math.inf)
    awg = Keysight33600A("a", RESOURCE, MemoryNetwork(), link=LAN, expect={"model": "33511B"})
    assert awg.outputs == 1
    assert awg.planned_load(1000) == pytest.approx(2e-3 + (2000 + 180 + 48) / 1e7)
    entries = [*prepared(1, b"INF"), uploaded(1, np.zeros(8)), chosen(1)]

    async def scenario(awg) -> None:
        await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE, load=math.inf)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "1st"}, {"name": "with space"}, {"name": "a_name_too_long"}, {"play": "twice"},
        {"marker": "blink"}, {"play": "repeat"}, {"repeats": -1}, {"point": 3}, {"point": 8},
        {"name": 'quo"te'},
    ],
)  # fmt: skip
def test_segments_that_cannot_be(wrong) -> None:
    with pytest.raises(ValueError, match=r"segment|name"):
        Segment(**({"name": "a", "volts": np.zeros(8)} | wrong))
    with pytest.raises(ValueError, match="at least one"):
        sequence_text("s", [])


@settings(deadline=None)
@given(
    st.floats(0.01, 10.0), st.floats(-1.0, 1.0), st.sampled_from([14, 16]),
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20),
)  # fmt: skip
def test_words_are_the_nearest_there_are(amplitude, share, bits, parts) -> None:
    scale = Scale(amplitude, share * (5.0 - amplitude / 2), 50.0)
    scale.check("awg", 1)
    volts = scale.offset + 0.5 * amplitude * np.array(parts)
    scale.check_volts(volts, "awg", 1)
    words = scale.words(volts, bits)
    grid = 1 << (16 - bits)
    assert not (words % grid).any()
    assert np.abs(words).max() <= 32767
    played = scale.volts(words)
    step = 0.5 * amplitude / 32767 * grid
    assert np.abs(played - volts).max() <= step * (1 + 1e-9)
    assert np.array_equal(scale.words(played, bits), words)
