"""Settings of a bench put back: outputs stay safe, and a person is asked."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_backends.bench import SimulatedBench
from tests.hil.cli.snapshot.conftest import Lab, WriteBench, decimated, edited


def test_outputs_stay_safe_unless_asked_for(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def driving(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        instruments["box-0"].outputs[0].enabled = True
        for output in instruments["box-0"].outputs:
            output.amplitude = 0.05  # beside which an offset has room
        instruments["box-0"].outputs[0].offset = 0.25
        instruments["box-0"].outputs[1].offset = 0.9
        instruments["heaters-0"].volts[:3] = 3.0, 2.0, 0.0
        instruments["heaters-0"].volts[3] = 9.0  # a limit that the bench file does not allow

    bench = write_bench(replace={"drive_gain = 4.5": "drive_gain = 9.0"})
    lab.by_hand.append(driving)
    assert run("save", bench, "--out", "on.json").code == 0
    lab.by_hand[:] = [decimated]

    held = run("restore", "on.json", bench, "--yes")
    assert held.code == 0, held.out + held.err
    assert "box-0 output[1]: an output, kept at its safe value" in held.out
    assert lab.is_safe
    assert lab.box().outputs[0].offset == 0.0
    assert lab.box().acquisition.decimation == 1

    forced = run("restore", "on.json", bench, "--yes", "--outputs")
    assert forced.code == 1
    assert "REFUSED box-0 offset[2]: 0.9 V is beyond +-0.5 V, 1.5 V_pi of its port" in forced.out
    assert re.search(  # as the chassis measured it
        r"REFUSED heaters-0 volts\[3\]: [89][.\d]* V makes .* W, the limit", forced.out
    )
    assert lab.is_safe  # something was refused: it ends off, as ever

    def allowed(instruments: dict[str, Any]) -> None:
        instruments["box-0"]["settings"]["offset"]["2"] = 0.0
        instruments["heaters-0"]["readings"]["volts"][3] = 0.0

    edited(Path("on.json"), allowed)
    done = run("restore", "on.json", bench, "--yes", "--outputs")
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[-1] == "bench small is left with its outputs as set"
    assert lab.box().outputs[0].enabled
    assert lab.box().outputs[0].offset == pytest.approx(0.25)
    np.testing.assert_allclose(lab.box("heaters-0").volts[:5], [3, 2, 0, 0, 0], atol=0.06)
    # The switch comes after its level, and the heaters up the ramp.
    told = done.out.splitlines()
    order = [
        next(at for at, line in enumerate(told) if line.startswith(f"  {what}"))
        for what in ("heaters 0 -> ", "set box-0 offset[1]", "set box-0 output[1]")
    ]
    assert order == sorted(order)


def test_it_asks_once_at_a_terminal_and_nobody_else(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(decimated)
    for answer, code, left in (("n\n", 1, 64), ("", 1, 64), ("y\n", 0, 1)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        ended = run("restore", "a.json")
        assert ended.code == code, answer
        assert ended.out.count("go on? [y/N]") == 1
        assert lab.box().acquisition.decimation == left
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    ended = run("restore", "a.json")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert lab.box().acquisition.decimation == 64


def test_an_output_is_not_switched_on_beyond_the_drive_of_its_port(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def driving(bench: SimulatedBench) -> None:
        box: Any = bench.instruments["box-0"]
        box.outputs[0].enabled = box.outputs[1].enabled = True
        box.outputs[0].amplitude = 0.4
        box.outputs[1].amplitude = 0.8

    lab.by_hand.append(driving)
    bench = write_bench(replace={"drive_gain = 4.5": "drive_gain = 9.0"})
    assert run("save", bench, "--out", "on.json").code == 0
    lab.by_hand.clear()
    done = run("restore", "on.json", bench, "--yes", "--outputs")
    assert done.code == 1
    assert "REFUSED box-0 output[2]: 0.8 V is beyond +-0.5 V, 1.5 V_pi of its port" in done.out
    assert "output[1]" not in "".join(x for x in done.out.splitlines() if "REFUSED" in x)
    assert lab.is_safe
