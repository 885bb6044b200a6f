"""A simulated Thorlabs PM100D (PM100A, PM100USB, PM400) optical power meter with a photodiode head.

Written from the SCPI pages of the PM100D, PM100USB and PM400 manuals, and from the command tree of
the ThorlabsPM100 package. What they leave open is a choice here, and not to be relied upon: what an
over-range reads (9.9E37), the bits of the status registers but 512 of STATus:OPERation, that
a reading is refused while the zero is taken (-221), that the zero takes whatever light there is.
The arrays of a PM400 (CONFigure:ARRay) are not there: their format is not documented.
"""

from .meter import ThorlabsPm100
from .sensor import DarkFibre, Light

__all__ = ["DarkFibre", "Light", "ThorlabsPm100"]
