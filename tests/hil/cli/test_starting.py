"""What a command loads before its first line: a person waits for that at a prompt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hil

ROOT = Path(hil.__file__).parents[1]
#: Commands that compute nothing, and what a notebook or a script opens a bench with.
LIGHT = """
import json, sys
import hil.check, hil.monitor.__main__, hil.note, hil.operate, hil.runs, hil.snapshot
hil.open, hil.open_async, hil.Bench, hil.Schedule, hil.Electronics, hil.task_from_arrays
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_what_computes_nothing_does_not_load_what_computes() -> None:
    """Torch alone takes two thirds of the time that it takes to load everything."""
    told = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(told.stdout))
    assert "numpy" in loaded
    assert not loaded & {"torch", "scipy", "sklearn", "sim_backends", "PySide6", "pyqtgraph"}
