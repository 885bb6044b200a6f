"""A simulated Keysight 33500B or 33600A waveform generator; the model decides which.

Written from the QCoDeS and pymeasure drivers of the family, from laboratories' upload code, and
from one laboratory's notes of what a 33600A does. What these leave open is a choice here, and not
to be relied upon: the numbers of its own errors (+785, +786, +800), the latency and jitter of the
external trigger, the level at which a burst rests (its first point), that an edge is lost while a
segment plays, what the filters do to the voltage (samples are plain steps here), the default rate
and filter.
"""

from .generator import Keysight33600A

__all__ = ["Keysight33600A"]
