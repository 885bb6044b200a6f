"""A QDevil QDAC-II that is not there: 24 voltage outputs with a current meter each.

Simulated: constant voltages with their ranges and slew, lists and sweeps with their triggers,
current readings, the error queue. Not simulated: waveform generators, markers, trigger outputs,
meters that wait for a trigger; their commands are unknown (-113).
"""

from .dac import Qdac2
from .loads import Loads, Resistors

__all__ = ["Loads", "Qdac2", "Resistors"]
