"""The digital electronics between two slots: v[t+1] = alpha v[t] + g_k y[t] + c_k + x[t+1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Electronics:
    """Settings of the controller's feedback.

    Parameters
    ----------
    gain : (n_banks,) g_k.
    bias : (n_banks, ports) c_k, in V_pi.
    skip : alpha, the share of the state that is carried over.
    """

    gain: NDArray[np.float64]
    bias: NDArray[np.float64]
    skip: float = 0.0

    @classmethod
    def plain(cls, n_banks: int, ports: int) -> Electronics:
        """Unit gain, no bias, no skip."""
        return cls(np.ones(n_banks), np.zeros((n_banks, ports)))
