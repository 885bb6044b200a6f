"""The preflight of a bench with a delay generator: two items of its own, and what fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.bench.opening import OpenBench
from sim_backends.srs_dg645.generator import SINGLE_SHOT
from tests.hil.checking.broken import Check, simulated
from tests.hil.delayed_benches import SCOPES, delayed
from tests.hil.port_benches import scopes


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    path = tmp_path / "delayed.toml"
    path.write_text(delayed(scopes(), SCOPES), encoding="utf-8")
    return path


def device_of(core: OpenBench) -> Any:
    return simulated(core).instruments["delays"]


def test_a_sound_bench_has_two_items(bench: Path, check: Check) -> None:
    ended = check(bench, "--no-iv")
    assert ended.code == 0, ended.out
    assert (
        "delay generator delays: waits for rising edges through 1.5 V; AB to scope-0, scope-1: "
        "75 ns late, 1 us long, 0 to 2.5 V"
    ) in ended.lines("PASS")
    assert "triggers of delays: taken, none of them too soon" in ended.lines("PASS")
    assert ended.core is not None
    assert device_of(ended.core).state.values["TSRC"] == SINGLE_SHOT


def _unplugged(core: OpenBench) -> None:
    """The trigger line does not lead to it: no oscilloscope is triggered, either."""
    device_of(core)._input = None


def _noisy(core: OpenBench) -> None:
    """Each edge comes twice."""
    device = device_of(core)
    fire = device._fire

    def twice(at: float) -> None:
        fire(at)
        fire(at + 1e-7)

    device._fire = twice


def _by_another(core: OpenBench) -> None:
    """Somebody turns its knob as soon as it has been set up."""
    light_up = core.light_up

    async def then_turned(tell: Callable[[str], None]) -> None:
        await light_up(tell)
        device_of(core).set_delay(2, 0, 1e-6)

    core.light_up = then_turned  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (_unplugged, "light: "),
        (_noisy, "triggers of delays: it was triggered while it was busy, and left out a trigger"),
        (_by_another, "delay generator delays: AB: 1 us late, "),
    ],
)
def test_what_is_wrong_fails_its_item(broken: Any, said: str, bench: Path, check: Check) -> None:
    ended = check(bench, "--no-iv", spoil=broken)
    assert ended.code != 0
    assert any(line.startswith(said) for line in ended.lines("FAIL")), ended.out
