"""What a person does at a bench: asked for, assumed, kept, and said at the end."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import Any

import pytest

import hil
from hil.bench.by_hand import (
    Assuming,
    HandTask,
    Nobody,
    Terminal,
    assumed_names,
    operator_for,
    tasks_of,
)
from hil.bench.errors import BenchFileError
from hil.bench.file import load
from hil.bench.showing import tables
from hil.bench.states import BenchError
from tests.hil.conftest import WriteBench

BY_HAND = """
[light]
kind = "manual"
laser = "laser"
power_dbm = 10.0
wavelength = 1.55e-6
do = "turn the key to ON"
undo = "turn the key to OFF"

[wiring]
"""

LASER = HandTask("laser", "turn the key to ON", "turn the key to OFF")


def test_tasks_of_a_bench_file(write_bench: WriteBench) -> None:
    path = write_bench(replace={"\n[wiring]\n": BY_HAND})
    assert tasks_of(load(path)) == {"laser": LASER}
    assert tasks_of(load(write_bench(name="plain"))) == {}
    said = {"laser", "stage"}
    with pytest.raises(BenchFileError, match=r"--assume stage: not worked by hand.*by hand: laser"):
        operator_for(load(path), assume=said, simulated=False, ask=False)


TABLES_BY_HAND = """
[[by_hand]]
name = "paddles"
do = "turn the polarisation until the tap is brightest"

[[by_hand]]
name = "delay"
do = "set T0 to A to 160 ns at the front panel"
undo = "switch its output A off"

[wiring]
"""


def test_anything_else_is_done_by_hand_before_heaters_are_warm(write_bench: WriteBench) -> None:
    told: list[str] = []
    path = write_bench(replace={"\n[wiring]\n": TABLES_BY_HAND})
    assert [task.undo for task in tasks_of(load(path)).values()] == [
        "leave it as it is", "switch its output A off",
    ]  # fmt: skip
    with hil.open(path, tell=told.append):
        pass
    asked = [at for at, line in enumerate(told) if line.startswith("by hand: ")]
    assert "by hand: delay: set T0 to A to 160 ns at the front panel (the simulation)" in told
    assert len(asked) == 2
    assert max(asked) < next(at for at, line in enumerate(told) if line.startswith("heaters 0 -> "))
    shown = [row for table in tables(load(path)) for row in table.rows]
    assert ("by hand paddles", "turn the polarisation until the tap is brightest") in shown


def test_what_is_done_by_hand_has_a_name_of_its_own(write_bench: WriteBench) -> None:
    twice = TABLES_BY_HAND.replace('"paddles"', '"delay"')
    with pytest.raises(BenchFileError, match=r"by_hand\.1\.name: 'delay' is named in by_hand\.0"):
        load(write_bench(replace={"\n[wiring]\n": twice}))
    taken = TABLES_BY_HAND.replace('"paddles"', '"pattern"')
    with pytest.raises(BenchFileError, match=r"by_hand\.0\.name: 'pattern' is an instrument"):
        load(write_bench(replace={"\n[wiring]\n": taken}))


def test_a_simulated_bench_asks_nobody(write_bench: WriteBench) -> None:
    told: list[str] = []
    with hil.open(write_bench(replace={"\n[wiring]\n": BY_HAND}), tell=told.append):
        pass
    assert "by hand: laser: turn the key to ON (the simulation)" in told
    assert not any("now that the bench is off" in line for line in told)


def test_without_an_operator_it_says_how_to_go_on() -> None:
    with pytest.raises(BenchError, match=r"turn the key to ON; then say so with --assume laser=on"):
        asyncio.run(Nobody().do(LASER))
    who = asyncio.run(Assuming(["laser"], Nobody()).do(LASER))
    assert who.endswith("(assumed)")
    assert assumed_names(["laser=on", "tec=on"]) == ("laser", "tec")
    for wrong in ("laser", "laser=off", "=on"):
        with pytest.raises(BenchError, match="write NAME=on"):
            assumed_names([wrong])


@pytest.mark.parametrize(
    ("answer", "done"), [("y\n", True), ("YES\n", True), ("\n", False), ("", False)]
)
def test_an_operator_is_asked_once_at_the_terminal(
    answer: str, done: bool, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    if done:
        assert asyncio.run(Terminal().do(LASER))
    else:
        with pytest.raises(BenchError, match="the bench stays off"):
            asyncio.run(Terminal().do(LASER))
    assert capsys.readouterr().out.count("BY HAND  laser: turn the key to ON. Done? [y/N]") == 1


def test_ctrl_c_does_not_wait_for_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, end = threading.Event(), threading.Event()
    before = set(threading.enumerate())

    class Slow:
        def readline(self) -> str:
            asked.set()
            end.wait(10.0)
            return "y\n"

    monkeypatch.setattr("sys.stdin", Slow())

    async def scenario() -> None:
        task = asyncio.ensure_future(Terminal().do(LASER))
        await asyncio.get_running_loop().run_in_executor(None, asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    end.set()  # an answer that comes when nobody waits any more harms nobody
    for thread in set(threading.enumerate()) - before:
        thread.join(10.0)
