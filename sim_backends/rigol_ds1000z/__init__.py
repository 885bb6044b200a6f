"""A Rigol DS1000Z-class oscilloscope that is not there.

Commands, limits and formulas after Rigol's MSO1000Z/DS1000Z and DS1000Z-E programming guides; what
a real one does in practice after the ds1054z and pymeasure drivers. Our own reading: the ADC goes
on beyond the 8 divisions of the screen to codes 0 and 255 (25 codes a division), a value out of
range is refused with -222, and a read of what may not be read with -221 or -222. A scale or offset
that is changed after an acquisition is taken as if it had been set before.
"""

from .scope import RigolDs1000z

__all__ = ["RigolDs1000z"]
