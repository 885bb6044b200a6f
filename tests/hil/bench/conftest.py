"""A small bench document for a test to spoil."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from hil.bench.writing import Start, starting_text


@pytest.fixture
def document() -> dict[str, Any]:
    """A sound bench of 4 ports and 2 banks: two chassis, the pattern, two boxes."""
    return tomllib.loads(starting_text(Start(ports=4, n_banks=2, name="small")))
