"""Small data for training from Python."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

Data = tuple[NDArray[np.float64], NDArray[np.int64]]


@pytest.fixture
def data() -> Data:
    """Two classes in the plane that a small network tells apart; 57 of 96 items train."""
    rng = np.random.default_rng(0)
    features = rng.uniform(-1.0, 1.0, (96, 2))
    return features, (features[:, 0] > 0.0).astype(np.int64)
