"""Waveforms in a snapshot: packed and unpacked whole, and what is damaged is refused."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hil.bench.differing import same
from hil.bench.waveforms import SLACK, Waveform, packed, unpacked

SAMPLES = hnp.arrays(np.float64, st.integers(1, 200), elements=st.floats(-1.0, 1.0))


@given(SAMPLES)
def test_samples_come_back_to_the_last_bit(samples: np.ndarray) -> None:
    found = unpacked(json.loads(json.dumps(packed(samples))))
    assert isinstance(found, Waveform)
    np.testing.assert_array_equal(found.samples, samples)
    assert same(found, Waveform(samples))


def test_words_come_back() -> None:
    assert unpacked(packed("FRAME (32 points)")) == "FRAME (32 points)"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samples": 4}, "does not hold 4 samples"),
        ({"samples": 2}, "does not hold 2 samples"),
        ({"samples": 0}, "no samples"),
        ({"samples": 3.0}, "no samples"),
        ({"samples": 1 << 40}, "no samples"),
        ({"data": 5}, "no samples"),
        ({"data": "%%%"}, "cannot be unpacked"),
        ({"data": base64.b64encode(b"no zlib").decode()}, "cannot be unpacked"),
        ({"sha256": "0" * 64}, "not those that were saved"),
        ({"sha256": None}, "not those that were saved"),
    ],
)
def test_damage_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        unpacked({**packed(np.array([0.5, -0.5, 0.25])), **change})


@pytest.mark.parametrize("entry", [None, 3, "x", [], {}, {"told": 3}, {"told": "x", "more": 1}])
def test_what_is_no_waveform_is_refused(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"no table|no samples"):
        unpacked(entry)


def test_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        unpacked(packed(np.array([0.0, np.nan])))


def test_a_small_file_does_not_fill_the_memory() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(50_000_000))).decode()
    with pytest.raises(ValueError, match="does not hold 3 samples"):
        unpacked({"samples": 3, "sha256": "", "data": bomb})


@given(SAMPLES, st.integers(0, 199), st.floats(1e-5, 0.5))
def test_one_sample_apart_is_another_waveform(
    samples: np.ndarray, place: int, apart: float
) -> None:
    at = place % samples.size
    moved = samples.copy()
    moved[at] += apart if moved[at] < 0.0 else -apart
    one, other = Waveform(samples), Waveform(moved)
    assert not same(one, other)
    most, where = one.distance(other)
    assert where == at
    assert most == pytest.approx(apart)
    assert f"at sample {at})" in one.change(other)
    assert same(one, Waveform(samples + np.where(samples < 0.0, 1.0, -1.0) * SLACK / 2.0))


def test_another_length_is_another_waveform() -> None:
    assert not same(Waveform(np.zeros(3)), Waveform(np.zeros(4)))
    assert not same(Waveform(np.zeros(3)), "FRAME")
    assert not same("FRAME", "REST")
