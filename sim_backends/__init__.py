"""Instruments that are not there: simulated devices that answer byte for byte, over a hidden plant.

`sim_backends.bench.SimulatedBench` builds all of a bench file's instruments and wires them to the
plant; `sim_backends.virtual_time.VirtualTimeLoop` runs them without waiting. Nothing here knows who
controls the bench: the bench file is the only interface.
"""

from __future__ import annotations
