"""Benches that several tests of refits walk on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil.twin.walk import Walk


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """A walk on the still bench of seed 1."""
    walk = Walk(tmp_path, seed=1)
    with walk.bench:
        yield walk
