"""The measure of a process's own time counts what it computes, and not what it waits for others."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import unhindered

COMPUTES = "import sys, time\nsys.stdin.readline()\nwhile time.process_time() < 0.5: pass"


def test_what_a_process_computes_counts_from_where_it_was_asked() -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", COMPUTES], stdin=subprocess.PIPE, text=True
    ) as process:
        ending = unhindered.Ending(process)
        process.communicate("go\n")
    assert 0.3 < ending.taken < 60.0
    # What it had computed before is told in ticks of 10 ms.
    assert ending.taken >= 0.5 - ending._spent - 0.02


def test_the_clock_stands_still_while_something_waits_for_a_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "cpu"
    monkeypatch.setattr(unhindered, "_PRESSURE", told)
    assert unhindered.unhindered() == pytest.approx(time.monotonic(), abs=5.0)
    told.write_text("some avg10=1.00 avg60=2.00 avg300=3.00 total=7000000000\nfull total=5\n")
    assert unhindered.unhindered() == pytest.approx(time.monotonic() - 7000.0, abs=5.0)
