"""The packaged bench of bench-top instruments: generators, balanced power meters, laser, stage."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import hil

BENCH = "relax-mzi-8-precise"
QUIET = {"switch_off": ["drift", "noise"]}


def frame(path: str, **how: Any) -> np.ndarray:
    """What a batch reads at fixed levels, (batch, steps, ports) signal units."""
    rng = np.random.default_rng(5)
    with hil.open(BENCH, path=path, plant=QUIET, **how) as bench:
        levels = rng.uniform(0.2, 0.8, (2, 64)) * bench.level_max
        x = rng.uniform(-1.0, 1.0, (12, 8))
        bench.run(levels, x)
        bench.do(bench.core.machine.rest(60.0))  # slow tails of heaters and stage are gone
        return bench.run(levels, x).measured


def test_bytes_and_plant_agree() -> None:
    wire, slot = frame("wire"), frame("slot")
    assert wire.shape == slot.shape == (12, 2, 8)
    # The meters' own noise, and the stage's last millikelvins.
    assert np.abs(wire - slot).max() < 0.01
    assert np.abs(slot).max() > 0.3


def test_a_reading_beyond_a_meters_range_counts_as_clipped(behind: Any) -> None:
    with hil.open(BENCH, plant=QUIET) as bench:
        inside = behind(bench).simulated
        level, x = np.zeros((2, 64)), np.ones((4, 8))
        assert not bench.run(level, x).clipped.any()
        inside.instruments["laser"].source.peak_dbm = 20.0
        inside.instruments["laser"].source.set_level(30e-3)
        bench.do(asyncio.sleep(5.0))
        assert bench.run(level, x).clipped.all()


def test_off_is_dark_and_at_rest(behind: Any) -> None:
    with hil.open(BENCH) as bench:
        inside = behind(bench).simulated.instruments
        bench.run(0.3 * bench.level_max, np.ones((2, 8)))
        assert inside["generator-0"].outputs[0].enabled
    assert not any(output.enabled for k in range(4) for output in inside[f"generator-{k}"].outputs)
    assert inside["laser"].source.power == 0.0
    assert not any(port.running for port in inside["meter-plus"].ports)
    assert inside["stage"].driving


def test_a_generator_without_its_trigger_is_named(behind: Any) -> None:
    with hil.open(BENCH) as bench:
        inside = behind(bench).simulated
        inside.wiring.trigger_line = 7  # the cable has come off
        with pytest.raises(Exception, match=r"meter-(plus|minus).*trigger line"):
            bench.run(0.3 * bench.level_max, np.ones((2, 8)))
