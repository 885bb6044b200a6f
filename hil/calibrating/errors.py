"""What a user of `python -m hil.calibrate` can mend."""

from __future__ import annotations


class CalibrationError(ValueError):
    """A calibration that cannot be run, resumed or read as asked; says why, and the mend."""
