"""Keysight (Agilent) tunable lasers: modules in 8163/8164/8166 mainframes, and N777xC.

A lock keeps the light in without a word: while it is set, the laser takes POWer:STATe 1 and stays
dark. `on` therefore asks for the lock first, and reads back whether the laser is on.

Source: Keysight 8163A/B, 8164A/B & 8166A/B Mainframes Programming Guide, the subsystems SOURce and
TRIGger; LabExT's driver for the order of a coordinated sweep. Not sure, and not relied upon: what
the sweep's flag is when the last cycle has ended (the state is waited for, the flag only for the
trigger); the most points and triggers a second (CHECkparams? is asked); whether a sweep runs while
the laser is off (it is refused here); whether replies are in capitals.
"""

from drivers.keysight_816x.laser import Keysight816x
from drivers.keysight_816x.quantities import QUANTITIES
from drivers.keysight_816x.sweep import KeysightSweep, SweepState

__all__ = ["QUANTITIES", "Keysight816x", "KeysightSweep", "SweepState"]
