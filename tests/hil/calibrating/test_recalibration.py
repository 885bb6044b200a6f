"""The last action of the drift watch: the `offsets` step inside a run, from a calibrated twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from calibration.record_reading import read_record
from hil.bench.entry import make_core
from hil.bench.faces import Bench, silent
from hil.learn.actions import Proposal
from hil.learn.recalibration import recalibration
from hil.twin.machine import Twin, twin_of


def renewed(calibrated: Path, spoil: Any) -> tuple[Proposal, np.ndarray, Any]:
    """What the step proposes for a spoilt twin, how far its offsets are from the record's."""
    record = read_record(calibrated / "first" / "record.json")
    core = make_core(calibrated / "small.toml", path="slot", start_time=record.bench_time)
    with Bench(core, silent) as bench:
        twin = twin_of(record, core.file.chip.p_pi)
        assert isinstance(twin, Twin)
        known = twin.parameters["offset"].clone()
        spoil(twin)
        levels = np.full((2, 16), core.file.chip.p_pi) * np.linspace(0.5, 1.4, 16)
        bench.do(core.machine.program(levels))
        proposal = bench.do(recalibration(core, record)(twin))
        assert np.allclose(core.machine.levels, levels)
        passes = core.ledger_table()["device_passes"]
        assert passes["calibration"] > 0
    if proposal.parameters is None:
        return proposal, np.zeros(0), twin
    away = (proposal.parameters["offset"] - known + np.pi) % (2.0 * np.pi) - np.pi
    return proposal, away.numpy(), twin


def test_offsets_that_have_jumped_are_found_again(calibrated: Path) -> None:
    jumped = 0.4 * torch.randn(2, 16, generator=torch.Generator().manual_seed(3)).double()

    def spoil(twin: Twin) -> None:
        twin.parameters["offset"] += jumped

    proposal, away, _ = renewed(calibrated, spoil)
    assert proposal.parameters is not None, proposal.note
    # What is left is the bench's own drift since its calibration; output phases are beside the
    # local oscillator's, which drifts as well.
    assert np.sqrt((away[:, :12] ** 2).mean()) < 0.06


def test_a_twin_that_is_wrong_in_more_than_offsets_is_told_so(calibrated: Path) -> None:
    def spoil(twin: Twin) -> None:
        twin.parameters["slope"] *= 1.3

    proposal, _, _ = renewed(calibrated, spoil)
    assert proposal.parameters is None
    assert "gates did not pass" in proposal.note
