"""Running commands as a user does, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.train import main as train


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`command(options, main=...)`: run in an empty folder; `main` is that of `hil.train`."""
    monkeypatch.chdir(tmp_path)

    def run(options: Sequence[str], main: Callable[[Sequence[str]], int] = train) -> Ended:
        try:
            code = main(options)
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run
