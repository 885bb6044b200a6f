"""A QDevil QDAC-II that is not there: 24 voltage outputs with a current meter each.

Simulated: constant voltages with their ranges and slew, lists and sweeps, sine, square, triangle
and arbitrary waveforms, with their triggers and markers, current readings, also on a trigger, the
error queue. Trigger outputs and clock are set and told.
"""

from .dac import Qdac2
from .loads import Loads, Resistors

__all__ = ["Loads", "Qdac2", "Resistors"]
