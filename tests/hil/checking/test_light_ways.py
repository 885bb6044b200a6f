"""The preflight of a bench with taps and fibre switches: items of their own, and what fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.bench.opening import OpenBench
from tests.hil.bench.lit_benches import (
    JOINED,
    LIGHT,
    MAINFRAME,
    MATRIX,
    METER,
    PORT_TAP,
    ROUTE,
    ROUTER,
    TAP,
    tables,
)
from tests.hil.checking.broken import Check, simulated

USUAL = (LIGHT, TAP, ROUTE, MAINFRAME, METER, ROUTER)


@pytest.fixture
def bench(write_bench: Callable[..., Path]) -> Path:
    return write_bench(replace=tables(*USUAL))


def test_a_sound_bench_has_an_item_for_each(bench: Path, check: Check, behind: Any) -> None:
    ended = check(bench, "--no-iv")
    assert ended.code == 0, ended.out
    assert "switch router: position 2" in ended.lines("PASS")
    (light,) = [line for line in ended.lines("PASS") if line.startswith("light at tap")]
    assert light == "light at tap tap input 1: -10.0 dBm of -10.0 dBm (limit +-3 dB)"
    assert ended.core is not None
    assert behind(ended.core).is_safe()


def test_a_matrix_and_a_tap_of_a_port(write_bench: Callable[..., Path], check: Check) -> None:
    parts = LIGHT, JOINED, PORT_TAP, MAINFRAME, MATRIX, METER
    ended = check(write_bench(replace=tables(*parts)), "--no-iv")
    assert ended.code == 0, ended.out
    assert "switch matrix: 1 to 17" in ended.lines("PASS")
    skipped = [line for line in ended.lines("SKIPPED") if line.startswith("light at tap")]
    assert skipped == ["light at tap tap input 1: how much port 1 gives depends on the weights"]


def _fibre_off(core: OpenBench) -> None:
    """The tap's fibre is out: its meter is dark, and all else as it should be."""
    meter: Any = simulated(core).instruments["tap"]
    meter.light._taps._taps.clear()


def _weak(core: OpenBench) -> None:
    """Half a per cent of what is told: 23 dB off."""
    path: Any = simulated(core).instruments["tap"].light
    tap = path._taps._taps["tap", 1]
    path._taps._taps["tap", 1] = tap.model_copy(update={"share": 5e-5})


@pytest.mark.parametrize(
    ("spoil", "said"), [(_fibre_off, "no light|-[6-9]"), (_weak, r"-3[23]\.\d dBm of -10\.0 dBm")]
)
def test_a_tap_without_its_light_fails(
    spoil: Callable[[OpenBench], None], said: str, bench: Path, check: Check
) -> None:
    ended = check(bench, "--no-iv", spoil=spoil)
    assert ended.code == 1, ended.out
    (failed,) = ended.lines("FAIL")
    assert failed.startswith("light at tap tap input 1: ")
    assert re.search(said, failed), failed
    assert "see to the fibres from the laser" in failed


def test_a_switch_that_is_stuck_is_an_item_that_fails(bench: Path, check: Check) -> None:
    def stuck(core: OpenBench) -> None:
        simulated(core).instruments["router"].stuck = True  # type: ignore[attr-defined]

    ended = check(bench, "--no-iv", spoil=stuck)
    assert ended.code == 1, ended.out
    (failed,) = ended.lines("FAIL")
    assert failed.startswith("light: router: ")
    assert "it has not switched" in failed


def test_an_output_that_serves_another_is_an_item_that_fails(
    write_bench: Callable[..., Path], check: Check
) -> None:
    def taken(core: OpenBench) -> None:
        device: Any = simulated(core).instruments["matrix"]
        device.joined = {3: 17}

    path = write_bench(replace=tables(LIGHT, JOINED, MAINFRAME, MATRIX))
    ended = check(path, "--no-iv", spoil=taken)
    assert ended.code == 1, ended.out
    (failed,) = ended.lines("FAIL")
    assert "input 3 is joined to output 17" in failed


def test_a_laser_that_was_not_reached_is_what_is_said(bench: Path, check: Check) -> None:
    """Not that it is not open, as if somebody at the bench could open it."""
    ended = check(
        bench, "--no-iv", spoil=lambda core: simulated(core).faults["laser"].silence(100_000)
    )
    assert ended.code == 1
    (failed,) = ended.lines("FAIL")
    assert failed.startswith("instrument laser: not reached at ")
    skipped = [line for line in ended.lines("SKIPPED") if "laser not reached" in line]
    assert [line.split(":")[0] for line in skipped] == ["dark level", "signal gate", "light"]
    assert "open()" not in ended.out


def test_what_a_person_did_is_to_be_undone_in_the_end(
    write_bench: Callable[..., Path], check: Check
) -> None:
    """On a bench of real instruments: the laser's key is turned back by whoever turned it."""
    table = '\n[light]\nkind = "manual"\nlaser = "laser"\npower_dbm = 10.0\nwavelength = 1.55e-6\n'

    def not_simulated_in_the_end(core: OpenBench) -> None:
        keep = core._end_record

        def end() -> None:
            core.all_simulated = False
            keep()

        core._end_record = end

    path = write_bench(replace={"\n[wiring]\n": f"{table}\n[wiring]\n"})
    checked = check(path, "--no-iv", spoil=not_simulated_in_the_end)
    assert checked.code == 0
    assert checked.out.count("BY HAND, now that the bench is off: laser: switch it off") == 1
