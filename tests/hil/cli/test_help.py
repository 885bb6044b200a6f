"""Every command tells what it does: a help text that cannot be formatted is a crash."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    "words",
    [
        ["hil.train"],
        ["hil.evaluate"],
        ["hil.check"],
        ["hil.operate"],
        ["hil.monitor.__main__"],
        ["hil.bench.__main__"],
        ["hil.note"],
        ["hil.report"],
        *(["hil.runs", what] for what in ("", "list", "show", "compare", "export")),
        *(["hil.calibrate", what] for what in ("", "run", "check", "iv", "show", "diff", "report")),
    ],
    ids=" ".join,
)
def test_help_can_be_read(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = importlib.import_module(words[0])
    with pytest.raises(SystemExit) as left:
        command.main([word for word in words[1:] if word] + ["--help"])
    assert left.value.code == 0
    assert "usage: " in capsys.readouterr().out
