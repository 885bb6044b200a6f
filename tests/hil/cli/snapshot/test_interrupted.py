"""A restore that is interrupted leaves the bench safe, or as it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

import hil.bench.restoring
import hil.snapshot
from drivers.transport.link import LinkError
from sim_backends.bench import SimulatedBench
from tests.hil.cli.snapshot.conftest import Lab, WriteBench, decimated


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_an_interruption_midway_leaves_the_bench_safe(
    number: signal.Signals,
    code: int,
    lab: Lab,
    run: Callable[..., Any],
    write_bench: WriteBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def driving(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        for output in instruments["box-0"].outputs:
            output.enabled, output.offset = True, 0.2
        instruments["heaters-0"].volts[:4] = 3.0

    lab.by_hand.append(driving)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    lab.by_hand[:] = [decimated]
    write = hil.bench.restoring.write
    seen: list[bool] = []

    async def interrupted(one: Any, name: str, value: Any, channel: str = "") -> None:
        await write(one, name, value, channel)
        if name == "output":  # the first output is on, the second is not yet
            seen.append(not lab.is_safe)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(hil.bench.restoring, "write", interrupted)
    ended = run("restore", "on.json", "--yes", "--outputs")
    assert ended.code == code, ended.out + ended.err
    assert seen
    assert all(seen)
    assert "the bench is off" in ended.err
    assert lab.is_safe
    # It says what was set, and what was not.
    stopped = [line.strip() for line in ended.out.splitlines() if line.startswith("  stopped: ")]
    assert len(stopped) == 1
    assert "box-0 frequency[2], box-0 decimation, heaters volts" in stopped[0]
    (left,) = (line for line in ended.out.splitlines() if line.startswith("  NOT set: "))
    assert "box-0 offset[1], box-0 offset[2]" in left  # refused beside an amplitude of 1 V
    for output in ("box-0 output[1]", "box-0 output[2]"):
        assert (output in stopped[0]) != (output in left)
    assert left.endswith("every output goes off")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("words", [["diff"], ["restore", "--dry-run"], ["restore", "--yes"]])
def test_an_interruption_before_anything_was_set_leaves_the_bench_as_it_was(
    words: list[str],
    lab: Lab,
    run: Callable[..., Any],
    write_bench: WriteBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lit(bench: SimulatedBench) -> None:
        box: Any = bench.instruments["box-0"]
        box.outputs[0].enabled = True

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(lit)
    take = hil.snapshot.snapshot

    async def interrupted(bench: Any, **how: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return await take(bench, **how)

    monkeypatch.setattr(hil.snapshot, "snapshot", interrupted)
    ended = run(words[0], "a.json", *words[1:])
    assert ended.code == 130
    assert ended.err == "interrupted; nothing was set, nothing was driven\n"
    assert lab.box().outputs[0].enabled
    assert not lab.settings_sent


def test_an_instrument_that_is_lost_midway_is_refused_from_there_on(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def driving(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        instruments["box-0"].outputs[0].enabled = True
        instruments["heaters-0"].volts[:4] = 3.0

    lab.by_hand.append(driving)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    lab.by_hand[:] = [decimated]
    write = hil.bench.restoring.write

    async def lost(one: Any, name: str, value: Any, channel: str = "") -> None:
        if one.name == "box-0" and name == "frequency":
            raise LinkError("the peer has gone")
        await write(one, name, value, channel)

    monkeypatch.setattr(hil.bench.restoring, "write", lost)
    ended = run("restore", "on.json", "--yes", "--outputs")
    assert ended.code == 1
    refused = [line for line in ended.out.splitlines() if line.startswith("REFUSED ")]
    assert refused == [
        f"REFUSED box-0 {what}: the peer has gone"
        for what in ("frequency[2]", "decimation", "output[1]")
    ]
    assert "  heaters 0 -> " in ended.out  # the others go on
    assert ended.out.splitlines()[-1] == "bench small is off"
    assert lab.box().acquisition.decimation == 64
    assert lab.is_safe
