"""The slot path and the wire: the same machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hil


def passes(path: str, plant: dict[str, Any], levels: np.ndarray, x: np.ndarray, **how: Any) -> Any:
    """A trace over both banks, and the bench it was measured on, closed again."""
    with hil.open("relax-mzi-8", path=path, plant=plant, **how) as bench:
        machine = bench.core.machine
        bench.do(machine.program(levels))
        bench.do(machine.rest(5.0))  # thermal tails differ in age otherwise
        return bench, bench.run(levels, x, schedule=hil.Schedule(2, 2))


@pytest.mark.parametrize("severity", ["std", "harsh"])
def test_without_noise_they_agree_within_the_converters_steps(severity: str) -> None:
    rng = np.random.default_rng(4)
    levels = rng.uniform(0.4, 1.6, (2, 64)) * 0.02
    x = rng.uniform(-1.5, 1.5, (24, 8))
    plant = {"switch_off": ["noise", "drift", "lo_drift"], "adc_bits": 14}
    bench, wire = passes("wire", plant, levels, x, severity=severity)
    _, slot = passes("slot", plant, levels, x, severity=severity)
    adc = (bench.core.parts.lsb * bench.file.port_array("detector_range")).max()
    dac = np.abs(1.0 / bench.core.parts.scale.volts_per_v_pi).max() * 2.0 / 2**14
    np.testing.assert_array_equal(wire.sent[:, 0], slot.sent[:, 0])
    assert np.abs(wire.measured[:, 0] - slot.measured[:, 0]).max() <= adc
    # The second slot is sent what the first one measured: a step of the DAC more.
    assert np.abs(wire.sent[:, 1] - slot.sent[:, 1]).max() <= adc + dac
    gain = np.pi / 2 * 1.3
    assert np.abs(wire.measured[:, 1] - slot.measured[:, 1]).max() <= adc + gain * (adc + dac) * 3
    assert wire.after_dark.tolist() == slot.after_dark.tolist()


def test_with_noise_mean_and_variance_are_the_same() -> None:
    levels = np.random.default_rng(5).uniform(0.4, 1.6, (2, 64)) * 0.02
    x = np.tile(np.linspace(-1.0, 1.0, 8), (500, 1))
    found = {}
    for path in ("wire", "slot"):
        _, trace = passes(path, {"switch_off": ["drift"]}, levels, x)
        found[path] = trace.measured[1:, 0]  # the first one follows the dark
    wire, slot = found["wire"], found["slot"]
    spread = np.sqrt((wire.var(axis=0) + slot.var(axis=0)) / len(wire))
    assert (np.abs(wire.mean(axis=0) - slot.mean(axis=0)) < 4.5 * spread + 4e-4).all()
    assert wire.var(axis=0).mean() == pytest.approx(slot.var(axis=0).mean(), rel=0.1)
    assert wire.std() > 0.0
    assert np.sqrt(wire.var(axis=0).mean()) == pytest.approx(0.01, rel=0.15)


def test_the_slot_paths_clock_and_ledger_are_bench_time() -> None:
    with hil.open("relax-mzi-8", path="slot", start_time=100.0) as bench:
        assert bench.core.now() == 100.0
        levels = bench.core.idle_levels()
        bench.run(levels, np.zeros((4, 8)))
        bench.do(bench.core.machine.rest(3.0))
        now = bench.core.now()
        assert now > 103.0
        ledger = bench.ledger
        assert ledger["bench_seconds"] == pytest.approx(now - 100.0)
        assert sum(ledger["seconds"].values()) == pytest.approx(now - 100.0)
        assert ledger["counts"]["slow writes"] == 128
