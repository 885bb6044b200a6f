"""A delay generator on a bench: identified, in the snapshot, triggered by the pattern's line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.bench.snapshot import snapshot
from sim_backends.srs_dg645.generator import INSERTION
from tests.hil.source_meter_bench import bench_text

GENERATOR = """
[[instrument]]
name = "delays"
driver = "srs_dg645"
resource = "TCPIP::delays::5025::SOCKET"
identity = { model = "DG645", serial = "008012" }
link = { latency = 0.001, bytes_per_second = 1.0e6 }
"""


@pytest.fixture
def bench_file(tmp_path: Path) -> Path:
    path = tmp_path / "delayed.toml"
    path.write_text(bench_text("delayed", 0, [GENERATOR]), encoding="utf-8")
    return path


def instrument(bench: hil.Bench) -> Any:
    return next(one for one in bench.core.parts.instruments if one.name == "delays")


def test_each_frame_triggers_it_once(bench_file: Path) -> None:
    with hil.open(bench_file, tell=lambda line: None) as bench:
        simulated = bench.core.simulation._bench
        device, pattern = simulated.instruments["delays"], simulated.wiring
        driver = instrument(bench)
        levels, inputs = bench.core.idle_levels(), np.full((3, bench.ports), 0.5)
        bench.run(levels, inputs)
        assert not device.cycles  # it waits for a command

        async def prepare() -> None:
            await driver.pulse("AB", 1e-6, 0.5e-6)
            source = next(one for one in driver.quantities if one.name == "trigger_source")
            await driver.set(source, "external rising")

        bench.do(prepare())
        before = len(device.cycles)
        bench.run(levels, inputs)
        bench.run(levels, inputs)
        device.advance()
        assert len(device.cycles) == before + 2
        cycle = device.cycles[-1]
        edge = pattern.playback.next_edge(pattern.trigger_line, pattern.playback.start - 1.0, True)
        assert cycle.start == pytest.approx(edge + INSERTION, abs=1e-12)
        on, off = cycle.pulses[1]
        assert (on - cycle.start, off - on) == pytest.approx((1e-6, 0.5e-6), abs=1e-11)


def test_it_is_identified_and_in_the_snapshot(bench_file: Path) -> None:
    with hil.open(bench_file, tell=lambda line: None) as bench:
        taken = bench.do(snapshot(bench.core))
        found = taken["instruments"]["delays"]
        assert found["identity"]["serial"] == "008012"
        assert found["settings"]["trigger_source"] == "single shot"
