"""Ranges of a 2400 with resolution and accuracy (specifications SPEC-2400 Rev L)."""

from __future__ import annotations

from sim_backends.source_measure.ranges import table

EXCESS = 1.05
VOLTS = table(
    EXCESS,
    (
        (0.2, 5e-6, 0.02, 600e-6, 1e-6, 0.012, 300e-6),
        (2.0, 50e-6, 0.02, 600e-6, 10e-6, 0.012, 300e-6),
        (20.0, 500e-6, 0.02, 2.4e-3, 100e-6, 0.015, 1.5e-3),
        (200.0, 5e-3, 0.02, 24e-3, 1e-3, 0.015, 10e-3),
    ),
)
AMPERES = table(
    EXCESS,
    (
        (1e-6, 50e-12, 0.035, 600e-12, 10e-12, 0.029, 300e-12),
        (10e-6, 500e-12, 0.033, 2e-9, 100e-12, 0.027, 700e-12),
        (100e-6, 5e-9, 0.031, 20e-9, 1e-9, 0.025, 6e-9),
        (1e-3, 50e-9, 0.034, 200e-9, 10e-9, 0.027, 60e-9),
        (10e-3, 500e-9, 0.045, 2e-6, 100e-9, 0.035, 600e-9),
        (100e-3, 5e-6, 0.066, 20e-6, 1e-6, 0.055, 6e-6),
        (1.0, 50e-6, 0.27, 900e-6, 10e-6, 0.22, 570e-6),
    ),
)
