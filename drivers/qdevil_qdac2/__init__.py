"""QDevil (Quantum Machines) QDAC-II: 24 voltage outputs of 25 bits, a current meter at each.

Sources, no manual among them: the maker's page of the instrument (docs.quantum-machines.co); the
maker's QCoDeS driver (QCoDeS/Qcodes_contrib_drivers, QDAC2.py) with its simulation; pyHegel's
driver (lupien/pyHegel, tried with firmware 5-0.9.26 and 7-0.17.5); qkit's driver (qkitgroup/qkit,
which quotes the manual); a MATLAB class for the Compact; issues of Qcodes_contrib_drivers.

Sure, by two or more of them: TCP port 5025 and 921600 baud, a line feed at both ends of a message,
`SOURn:VOLT` and its `?`, `LAST?`, `MODE`, `SLEW`, `RANG` (LOW +-2 V, HIGH +-10 V) with its
calibrated limits, `FILT`, `SENSn:RANG` (LOW 200 nA, HIGH 10 mA), `SENSn:APER`, `READ?`, channel
lists as the last parameter, `SYST:ERR?`, the identity's form.

By one source, and used: a range or a filter is to be changed at 0 V only (pyHegel; the driver
refuses it elsewhere); the slew rate is 20 V/s to 20 MV/s or infinite (pyHegel; an issue of the
QCoDeS driver says 0.01 V/s, of newer firmware it seems) and holds for constant voltages; `VOLT?`
tells where a ramp is; `ABOR` ends all generators (the maker's driver); commands are carried out in
order (qkit).

Not known, and not relied upon: several commands in a message (each has a line of its own here),
what comes of a voltage out of range (it never leaves), the current at which an output gives in,
whether the current meter's low range limits the output, the identity of the Compact. An output
cannot be told to cut off at a current: `apply_limits` can only narrow its voltage range.
"""

from drivers.qdevil_qdac2.outputs import QdevilQdac2
from drivers.qdevil_qdac2.settings import QUANTITIES
from drivers.qdevil_qdac2.waveforms import Waveform

__all__ = ["QUANTITIES", "QdevilQdac2", "Waveform"]
