"""What a frame looks like on the wire, to the nanosecond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.bench.file import parse
from hil.bench.opening import OpenBench
from hil.bench.writing import Start, starting_text
from hil.control.frame import (
    HEADER,
    PATTERNS,
    TAIL,
    TRIGGER_WIDTH,
    FrameFormat,
    Segment,
    framed,
    marker_signs,
)

FORM = FrameFormat(
    dwell=512e-9,
    points=16,
    guard=4,
    latency=0.0,
    buffer=16384,
    trigger_mask=1,
    signal_mask=2,
    lo_mask=4,
    select_masks=(8, 16),
    quadrature_mask=32,
)


def test_lines_of_a_frame_exactly() -> None:
    # dark, six markers, dark, three samples, dark: twelve samples of 512 ns. The light outlasts
    # markers and samples by six points of 32 ns, for boxes that start late.
    program = FORM.lines(bank=1, samples=3)
    held = 16 | 4
    assert program.durations_ns.tolist() == [256, 256, 6 * 512 + 192, 320, 3 * 512 + 192, 320]
    assert program.masks.tolist() == [held | 1, held, held | 2, held, held | 2, held]
    assert program.final == held


def test_lines_of_a_frame_of_segments_exactly() -> None:
    # Lines change six points into a segment, when the latest box has begun it too.
    program = FORM.segmented(
        [
            Segment(1, 3),
            Segment(0, 2, quadrature=True),
            Segment(0, 1, lo=False),
            Segment(1, 2, False),
        ]
    )
    held, quadrature, intensity, dark = 16 | 4, 8 | 4 | 2 | 32, 8 | 2, 16 | 4
    assert program.masks.tolist() == [
        held | 1, held, held | 2, held, held | 2, quadrature, intensity, dark, held
    ]  # fmt: skip
    assert program.durations_ns.tolist() == [
        256, 256, 6 * 512 + 192, 320, 3 * 512 + 192, 2 * 512, 512, 2 * 512, 320
    ]  # fmt: skip
    assert program.final == held


def test_lines_of_the_bench_file_are_the_ones_that_move() -> None:
    text = starting_text(Start(2, 6, "binary"))
    text = text.replace("trigger = 0 ", "trigger = 7 ").replace("lo_gate = 2 ", "lo_gate = 0 ")
    form = OpenBench(parse(text, source="test")).parts.form
    program = form.lines(bank=5, samples=1)
    held = 1 | 0b101 << 3
    assert program.masks.tolist() == [held | 128, held, held | 2, held, held | 2, held]
    assert program.final == held


def test_a_late_box_shifts_the_light_but_not_the_trigger() -> None:
    program = replace(FORM, latency=100e-9).lines(bank=0, samples=1)
    assert program.durations_ns.tolist() == [256, 356, 6 * 512 + 192, 320, 512 + 192, 320]


def lines_by_the_nanosecond(form: FrameFormat, bank: int, samples: int) -> np.ndarray:
    """The same frame written down plainly: what each line is in every ns."""
    dwell, begin = round(form.dwell * 1e9), round(form.latency * 1e9)
    at = np.arange(begin + (HEADER + samples + TAIL) * dwell)
    late = 6 * dwell / form.points
    lit = (at >= begin + dwell) & (at < round(begin + (HEADER - 1) * dwell + late))
    end = round(begin + (HEADER + samples) * dwell + late)
    lit |= (at >= begin + HEADER * dwell) & (at < end)
    mask = np.full(len(at), form.select_masks[bank] | form.lo_mask)
    mask |= np.where(at < round(TRIGGER_WIDTH * 1e9), form.trigger_mask, 0)
    return mask | np.where(lit, form.signal_mask, 0)


@settings(deadline=None, max_examples=40)
@given(
    dwell=st.integers(4, 80).map(lambda grid: 8 * grid),
    latency=st.integers(0, 600),
    samples=st.integers(1, 5),
    bank=st.integers(0, 1),
)
def test_any_frame_is_the_plain_one(dwell: int, latency: int, samples: int, bank: int) -> None:
    form = replace(FORM, dwell=dwell * 1e-9, latency=latency * 1e-9)
    program = form.lines(bank, samples)
    assert (program.durations_ns > 0).all()
    played = np.repeat(program.masks, program.durations_ns)
    plain = lines_by_the_nanosecond(form, bank, samples)
    # A step that changes nothing may be split in two: only the signals count.
    assert len(played) == len(plain)
    assert (played == plain).all()


def test_most_samples_fill_the_buffer_and_no_more() -> None:
    assert FORM.points_needed(FORM.most_samples) <= FORM.buffer
    assert FORM.points_needed(FORM.most_samples + 1) > FORM.buffer


@pytest.mark.parametrize("ports", [2, 3, 16, 64])
def test_markers_are_fixed_pairs_of_opposite_sign(ports: int) -> None:
    signs = marker_signs(ports)
    assert signs.shape == (PATTERNS, ports)
    assert (np.abs(signs) == 1.0).all()
    assert (signs == marker_signs(ports)).all()
    whole = framed(np.full((2, ports), 0.25))
    assert whole.shape == (HEADER + 2 + TAIL, ports)
    assert not whole[[0, HEADER - 1, -1]].any()
    assert (whole[1 : HEADER - 1 : 2] == -whole[2 : HEADER - 1 : 2]).all()
    assert (whole[HEADER:-1] == 0.25).all()
