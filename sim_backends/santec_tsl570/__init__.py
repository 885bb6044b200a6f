"""A simulated Santec TSL-570 tunable laser, both of its command sets.

Written from the manual's command section as transcribed by the QCoDeS contributed driver. What the
manual leaves open is a choice here, and not to be relied upon: the times it takes to start, level
and tune; the numbers of its errors beyond SCPI's; that settings of a sweep are refused while one
runs, and the log too; that wavelengths are logged where the trigger output is at each step; that
the power monitor sits in front of the shutter; the state after *RST (dark).
"""

from .laser import SantecTsl570

__all__ = ["SantecTsl570"]
