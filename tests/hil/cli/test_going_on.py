"""A run that is broken off names the command that goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.transport.link import LinkClosed
from hil.progress import ConsoleProgress
from tests.hil.cli.conftest import Command

LOST = "box-0: the other end has closed"


@pytest.mark.parametrize("epochs_done", [0, 1])
def test_a_lost_link_in_training(
    command: Command,
    write_bench: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    epochs_done: int,
) -> None:
    words = ["--bench", str(write_bench()), "--path", "slot", "--task", "spirals"]
    words += ["--n-steps", "2", "--epochs", "2", "--drift-watch", "off"]
    epoch = ConsoleProgress.epoch

    def lost(self: ConsoleProgress, *given: Any, **named: Any) -> Any:
        if epochs_done:
            epoch(self, *given, **named)
        raise LinkClosed(LOST)

    with monkeypatch.context() as patch:
        patch.setattr(ConsoleProgress, "epoch" if epochs_done else "__enter__", lost)
        ended = command([*words, "--out", "my run"])
    assert (ended.code, ended.err) == (2, f"error: {LOST}\n")
    named = "go on with\n  python -m hil.train --resume 'my run'\n"
    assert (named in ended.out) == bool(epochs_done)
