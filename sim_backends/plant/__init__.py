"""The physics of the simulated bench, in float64 numpy."""

from __future__ import annotations

from sim_backends.plant.plant import Plant
from sim_backends.plant.signals import FrameSignals, LineTimeline, SampleGrid, Waveform
from sim_backends.plant.spec import PlantSpec, PlantSpecError

__all__ = [
    "FrameSignals",
    "LineTimeline",
    "Plant",
    "PlantSpec",
    "PlantSpecError",
    "SampleGrid",
    "Waveform",
]
