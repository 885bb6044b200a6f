"""Three interleaved spiral arms in the plane: a linear model fails."""

from __future__ import annotations

import numpy as np

from hil.tasks.task import Task, split

ARMS = 3
ITEMS = 1200
TURNS = 0.75
REACH = 1.0
NOISE = 0.02


def spirals(seed: int) -> Task:
    """Two features (the plane's coordinates, within +-1 V_pi), three classes."""
    rng = np.random.default_rng([seed, 0x5B12A])
    labels = np.arange(ITEMS) % ARMS
    along = rng.uniform(0.15, 1.0, ITEMS)
    angle = 2 * np.pi * (labels / ARMS + TURNS * along)
    plane = REACH * along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    features = plane + NOISE * rng.normal(size=plane.shape)
    parts = split(features, labels.astype(np.int64), seed)
    return Task(
        "spirals", *parts, classes=ARMS, input_noise=0.01, note="three arms, two coordinates"
    )
