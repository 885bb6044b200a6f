"""A simulated Keysight N7744A, N7745A, N7744C or N7745C multiport optical power meter.

Written from the pages of Keysight's programming guides of the 816x mainframes and of the N774xC
that can be read in public, from LabExT and from laboratories' code. What these leave open is a
choice here, and not to be relied upon: the errors of settings while a function runs (-221), of
READ? meanwhile (-213) and of results that are not there (-231); the latency of the trigger; noise;
that MME acts as CME; that FUNCtion:LOOP does nothing; what no power is in dBm (-200); what zeroing
with light on answers (+1); the depth of the error queue; the wavelength's effect (none).
"""

from .meter import KeysightN7744A

__all__ = ["KeysightN7744A"]
