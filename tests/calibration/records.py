"""A sound calibration record with every number different, for tests to read or to damage."""

from __future__ import annotations

from typing import Any

import numpy as np


def sound_record(ports: int = 3, n_banks: int = 2) -> dict[str, Any]:
    """A decoded record; what it says is possible, not of any bench."""
    rng = np.random.default_rng([ports, n_banks])
    elements, cells = ports**2, ports * (ports - 1) // 2

    def known(mean: float, spread: float, size: int) -> dict[str, Any]:
        return {"value": rng.normal(mean, spread, size).tolist(), "sigma": spread}

    leak = rng.normal(0.0, 0.05, (n_banks, n_banks, 2))
    leak[np.arange(n_banks), np.arange(n_banks)] = 0.0
    return {
        "schema": "hil-calibration-record",
        "version": 1,
        "kind": "as-built",
        "created": "2026-01-01T00:00:00+00:00",
        "bench": {"name": "tiny", "core": "mzi-mesh", "ports": ports, "n_banks": n_banks},
        "method": "as-built rough",
        "gauge": "in words",
        "code_version": "0",
        "serials": {"heaters-0": "0001"},
        "banks": [
            {
                "phase_offset": known(3.0, 1.0, elements),
                "slope": known(157.0, 6.0, elements),
                "curvature": known(-1.0, 0.5, elements),
                "crosstalk": {"c1": 0.01 + 0.01 * k, "d0": 1.5 + k, "cg": 2e-4, "known": True},
                "splitter_a": known(0.0, 0.03, cells),
                "splitter_b": known(0.0, 0.03, cells),
                "cell_loss_db": known(0.15, 0.03, cells),
            }
            for k in range(n_banks)
        ],
        "ports": {
            "modulator_gain": known(1.0, 0.03, ports),
            "modulator_bias": known(0.0, 0.02, ports),
            "detector_gain": known(1.0, 0.03, ports),
            "detector_offset": known(0.0, 0.01, ports),
        },
        "machine": {
            "saturation": 3.0,
            "memory": 0.01,
            "leak": leak.reshape(-1, 2).tolist(),
            "lo_phase": 0.1,
        },
    }
