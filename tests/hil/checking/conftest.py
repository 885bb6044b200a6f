"""Benches looked at by the preflight, with a way to break what is behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hil.check
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from tests.hil.checking.broken import Check, Checked


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """`check(bench, *options, spoil=function of the core)`: run the command."""

    def run(
        bench: Path | str, *options: str, spoil: Callable[[OpenBench], Any] | None = None
    ) -> Checked:
        cores: list[OpenBench] = []

        def making(*args: Any, **how: Any) -> OpenBench:
            cores.append(make_core(*args, **how))
            if spoil is not None:
                spoil(cores[0])
            return cores[0]

        monkeypatch.setattr(hil.check, "make_core", making)
        try:
            code = hil.check.main([str(bench), *options])
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return Checked(code, out, err, cores[0] if cores else None)

    return run
