"""Patience with an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

#: s after which a test gives up waiting.
PATIENCE = 10.0


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """`eventually(condition)`: wait until it gives something true, and give that."""

    def wait(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
        end = time.monotonic() + patience
        pause = threading.Event()
        while not (found := condition()):
            assert time.monotonic() < end, "it did not come about"
            pause.wait(0.005)
        return found

    return wait
