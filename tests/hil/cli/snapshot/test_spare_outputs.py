"""Outputs that the bench file has no limit for: at 0 V, unless an operator allows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.red_pitaya import RedPitaya
from sim_backends.bench import SimulatedBench
from tests.hil.cli.snapshot.conftest import Lab, WriteBench
from tests.hil.source_meter_bench import bench_text, unit

SLOW = "box-0:slow_output:AOUT1"
GIVEN = ("--limit", "heaters-0:volts:20=2", "--limit", "heaters-0:amps:20=0.005")


def biased(bench: SimulatedBench) -> None:
    """A photodiode's bias on a channel that no element of the file has."""
    chassis: Any = bench.instruments["heaters-0"]
    chassis.volts[20] = 1.5


def test_no_element_no_volts_unless_they_are_allowed(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    lab.by_hand.append(biased)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    lab.by_hand.clear()

    held = run("restore", "on.json", "--dry-run")
    assert held.code == 0
    assert "held: heaters-0 volts[20], where no element hangs: an output, kept at its" in held.out

    refused = run("restore", "on.json", "--yes", "--outputs")
    assert refused.code == 1
    assert "V where no element of the bench file hangs, so its limit is 0 V" in refused.out
    assert "--limit heaters-0:volts:20=VOLTS --limit heaters-0:amps:20=AMPERES" in refused.out

    low = ("--limit", "heaters-0:volts:20=1", *GIVEN[2:])
    below = run("restore", "on.json", "--yes", "--outputs", *low)
    assert below.code == 1
    assert "is more than 1 V, the limit that was given" in below.out

    done = run("restore", "on.json", "--yes", "--outputs", *GIVEN)
    assert done.code == 0, done.out + done.err
    chassis = lab.box("heaters-0")
    assert chassis.volts[20] == pytest.approx(1.5, abs=0.02)
    assert np.count_nonzero(np.abs(chassis.volts) > 1e-3) == 1
    # The hardware keeps the operator's limits, and the bench file's of all others.
    assert chassis.v_max[20] == pytest.approx(2.0, abs=1e-3)
    assert chassis.v_max[21] == 0.0
    assert "  heaters-0 volts[20] 0 -> 1." in done.out


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("heaters-0:volts:20", "is not INSTRUMENT:NAME[:CHANNEL]=VALUE"),
        ("heaters-0=2", "is not INSTRUMENT:NAME"),
        ("heaters-0:volts:20=lots", "is not INSTRUMENT:NAME"),
        ("heaters-0:volts:20=nan", "is not INSTRUMENT:NAME"),
        ("heaters-0:volts:20=-1", "with a value above 0"),
        ("bias:volts:20=2", "has no instrument 'bias'; it has heaters-0"),
        ("heaters-0:power:20=2", "has no 'power'; name one of amps, volts"),
        ("box-0:volts=2", "has no 'volts'; name one of amplitude"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(
    limit: str, said: str, lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "on.json").code == 0
    ended = run("restore", "on.json", "--yes", "--outputs", "--limit", limit)
    assert ended.code == 2
    assert said in ended.err
    assert not lab.settings_sent
    alone = run("restore", "on.json", "--yes", "--limit", limit)
    assert alone.code == 2


def test_a_source_meter_beside_the_heaters(
    lab: Lab, run: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(bench_text("small", 0, [unit(6)]), encoding="utf-8")
    assert run("save", path, "--out", "on.json").code == 0
    text = Path("on.json").read_text(encoding="utf-8")
    at = text.index('"smu-6"')
    on = text[:at] + text[at:].replace('"level_volts": 0.0', '"level_volts": 3.0', 1)
    Path("on.json").write_text(on.replace('"volts": [\n        0.0', '"volts": [\n        3.0'))
    assert "where no element" in run("restore", "on.json", "--dry-run", "--outputs").out
    limits = ("--limit", "smu-6:volts:0=5", "--limit", "smu-6:amps:0=0.01")
    done = run("restore", "on.json", "--yes", "--outputs", *limits)
    assert done.code == 0, done.out + done.err
    sent = b"".join(data for name, data in lab.sent if "smu-6" in name)
    assert sent.count(b"SOUR:VOLT 3\n") == 1
    assert sent.index(b"0.01") < sent.index(b"OUTP ON") < sent.index(b"SOUR:VOLT 3\n")


def test_a_level_that_must_not_jump_is_ramped(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever driver declares a ramp: a port's output is limited by the bench file, others not."""
    ramped = {"offset": 1.0, "slow_output": 5.0}
    monkeypatch.setattr(
        RedPitaya,
        "quantities",
        tuple(replace(q, ramp=ramped.get(q.name, q.ramp)) for q in RedPitaya.quantities),
    )

    def driving(bench: SimulatedBench) -> None:
        box: Any = bench.instruments["box-0"]
        box.outputs[0].amplitude, box.outputs[0].offset = 0.05, 0.1
        box.pins.analog["AOUT1"] = 1.0

    lab.by_hand.append(driving)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    lab.by_hand.clear()
    refused = run("restore", "on.json", "--dry-run", "--outputs")
    assert refused.code == 1
    (line,) = (x for x in refused.out.splitlines() if x.startswith("refused: "))
    assert line.startswith("refused: box-0 slow_output[AOUT1]: a level that is ramped")
    assert line.endswith("allow it by --limit box-0:slow_output:AOUT1=VALUE")
    low = run("restore", "on.json", "--dry-run", "--outputs", "--limit", f"{SLOW}=0.5")
    assert "1 V is more than 0.5, the limit that was given" in low.out
    done = run("restore", "on.json", "--yes", "--outputs", "--limit", f"{SLOW}=1.2")
    assert done.code == 0, done.out + done.err
    for head, rate, end in ((b"SOUR1:VOLT:OFFS ", 1.0, 0.1), (b"ANALOG:PIN AOUT1,", 5.0, 1.0)):
        sent = [float(x.removeprefix(head)) for x in lab.settings_sent if x.startswith(head)]
        steps = np.diff([0.0, *sent])
        assert sent[-1] == end
        assert len(sent) >= end / (0.02 * rate)
        assert steps.max() <= 0.02 * rate * (1.0 + 1e-9)
