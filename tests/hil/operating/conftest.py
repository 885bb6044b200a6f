"""Benches worked by hand: scripts, and what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hil
import hil.operate
from hil.bench.file import load
from hil.operating.cold import ColdBench
from hil.operating.hand import Hand

#: A plant that answers the same question twice alike, but for its converters.
STEADY = {"plant": {"switch_off": ["noise", "drift", "thermal_tail", "jitter", "readback"]}}


@dataclass(frozen=True)
class Ended:
    """How a command ended, and the bench that it opened, if it did."""

    code: int
    out: str
    err: str
    cores: list[ColdBench]


Operate = Callable[..., Ended]


@pytest.fixture
def operate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operate:
    """`operate(bench, *options)`: run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    cores: list[ColdBench] = []

    class Kept(ColdBench):
        """Remembered, so that a test can look behind it."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            cores.append(self)

    monkeypatch.setattr(hil.operate, "ColdBench", Kept)

    def run(bench: Path | str, *options: str) -> Ended:
        cores.clear()
        try:
            code = hil.operate.main([str(bench), *options])
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return Ended(code, out, err, list(cores))

    return run


@dataclass(frozen=True)
class Bench:
    """An open cold bench and the hand on it. `told` is what it said."""

    held: hil.Bench
    hand: Hand
    told: list[str]

    def do(self, work: Any) -> Any:
        """Run a coroutine on the bench's loop."""
        return self.held.do(work)

    def exchanges(self) -> list[int]:
        """Exchanges of every instrument so far."""
        return [one.exchanges for one in self.held.core.parts.instruments]


@pytest.fixture
def cold(write_bench: Callable[..., Path]) -> Iterator[Bench]:
    """A bench of four ports and two banks, cold and steady."""
    told: list[str] = []
    core = ColdBench(load(write_bench(4), STEADY))
    with hil.Bench(core, told.append) as bench:
        yield Bench(bench, Hand(core, told.append), told)


@pytest.fixture
def armed(cold: Bench) -> Bench:
    """The same, armed."""
    cold.do(cold.hand.arm())
    cold.told.clear()
    return cold
