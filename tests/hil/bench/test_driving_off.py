"""What does not go off is told: a driver that has failed acknowledges everything."""

from __future__ import annotations

from typing import Any

import numpy as np

import hil
import hil.train
from hil.bench.states import BenchState


def test_outputs_that_stay_hot_are_told(small_bench: hil.Bench, behind: Any) -> None:
    small_bench.run(0.3 * small_bench.level_max, np.full((8, 2), 0.6))
    behind(small_bench).simulated.instruments["heaters-0"].stuck[3] = 3.0
    failed = small_bench.do(small_bench.core.off())
    assert len(failed) == 1
    assert failed[0].startswith("heaters-0: set to 0 V, but channels still give volts (3: 3.0")
    assert "by hand" in failed[0]
    assert small_bench.core.state is BenchState.TRIPPED
    behind(small_bench).simulated.instruments["heaters-0"].stuck.clear()
    assert small_bench.do(small_bench.core.off()) == []
    assert small_bench.core.state is BenchState.OFF
