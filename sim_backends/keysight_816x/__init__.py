"""A simulated Keysight (Agilent) tunable laser: a module in an 8164B mainframe, or an N777xC.

Written from the 8163A/B, 8164A/B & 8166A/B Programming Guide (pages on the SOURce and TRIGger
subsystems). What it leaves open is a choice here, and not to be relied upon: that a locked laser
takes POWer:STATe 1 without an error and stays dark; that the sweep flag keeps its value when the
last cycle has ended (the guide says 0, clients wait for 2); the times; the error of a start with
inconsistent parameters (-221); words in capitals in replies; the depth of the error queue.
"""

from .mainframe import Keysight816x

__all__ = ["Keysight816x"]
