"""Calibration: procedures on roles, fits, and the record of what was found.

Knows roles, not models and not benches; numpy and scipy only.
"""
