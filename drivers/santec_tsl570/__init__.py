"""Santec TSL-570 and TSL-770 tunable lasers: light, wavelength, sweeps.

The laser has two command sets. Which one is set is read when it is opened, and not changed: other
programs may rely on it. Replies of both are understood whichever is set (the SCPI set always writes
an exponent, the Legacy set never does), and what is sent in the wrong one is out of range, so that
it is refused and never misread.

Source: TSL-570 operation manual, commands, as transcribed by the QCoDeS contributed driver. Not
sure, and not relied upon: whether POWer:SHUTter is a switch of its own or the same as POWer:STATe
(both are always sent, and both read back); whether `*OPC?` waits for the power to settle; on which
side of the shutter the power monitor is (`read_power` is 0 while the laser is shut); the sweep's
range at its speed (SWEep:RANGe can fail to answer: a sweep that is too fast for its ends is refused
by the laser itself); whether the power log is float32 (manual) or float64 (a public driver): its
length decides. Messages end in CR alone: a line feed would garble the next one.
"""

from drivers.santec_tsl570.laser import SantecTsl570
from drivers.santec_tsl570.quantities import QUANTITIES
from drivers.santec_tsl570.sweep import SantecSweep, SweepState

__all__ = ["QUANTITIES", "SantecSweep", "SantecTsl570", "SweepState"]
