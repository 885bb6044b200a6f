"""Handwritten digits (scikit-learn's 8x8 set, 1797 images of 10 classes)."""

from __future__ import annotations

import numpy as np

from hil.control.schedule import Injection
from hil.tasks.task import Split, Task, split

#: Principal components kept, and the scale of a whitened one in V_pi.
COMPONENTS = 16
WHITE_SCALE = 0.4


def _images() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    # Its types depend on what else is installed.
    images, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    return images.reshape(-1, 8, 8), labels.astype(np.int64)


def digits(seed: int) -> Task:
    """4x4-pooled pixels that enter once, at t = 0, with no front end: the honest setting."""
    images, labels = _images()
    pooled = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    parts = split(pooled / 16.0 - 0.3, labels, seed)
    return Task("digits", *parts, classes=10, note="4x4 pooled pixels, injected at t = 0")


def digits_pca(seed: int) -> Task:
    """Sixteen whitened principal components, injected again at every step: the easy setting."""
    from sklearn.decomposition import PCA

    images, labels = _images()
    train, held_out, test = split(images.reshape(-1, 64) / 16.0, labels, seed)
    white = PCA(COMPONENTS, whiten=True, svd_solver="full").fit(train.features)

    def project(part: Split) -> Split:
        return Split(WHITE_SCALE * white.transform(part.features), part.labels)

    return Task(
        "digits-pca",
        project(train),
        project(held_out),
        project(test),
        classes=10,
        injection=Injection.EVERY,
        input_noise=0.1,
        note="16 whitened principal components, injected at every step",
    )
