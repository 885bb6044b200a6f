"""What can be set and read of a Qontrol chain, as declared properties.

Sources: Qontrol API 1.1.20 and the transcripts of its `virtual-module` branch. What LED, OK, SAFE,
ADCT and ADCN do when they are set was not recorded, so they are only read; they are asked for by
the first channel of each module, of which only that of module 0 was recorded. VERR, IERR, ROCOM and
CCFN, which firmware 2.4.1 does not answer, are left out, and so is VIP, which tells no more than
volts and amps do.
"""

from __future__ import annotations

from drivers.numbered import NumberedSwitch
from drivers.quantity import Quantity

V_FULL = 12.0

VOLTS = Quantity(
    "volts", "V{channel}", "Control a channel's output, read as measured, in V (0 to 12).",
    unit="V", high=V_FULL, low=0.0, safe=0.0,
)  # fmt: skip
AMPS = Quantity(
    "amps", "I{channel}", "Control a channel's current, read as measured, in A (0 to 0.1).",
    unit="A", low=0.0, high=0.1, scale=1e3, safe=0.0,
)  # fmt: skip
VOLTS_MAX = Quantity(
    "volts_max", "VMAX{channel}",
    "Control the voltage above which a channel trips in V (0 to 12).", unit="V", low=0.0,
    high=V_FULL,
)  # fmt: skip
AMPS_MAX = Quantity(
    "amps_max", "IMAX{channel}",
    "Control the current above which a channel trips in A (0 to 0.1).", unit="A", low=0.0,
    high=0.1, scale=1e3,
)  # fmt: skip
LED = NumberedSwitch("led", "LED{channel}", "Get a module's switch LED.")
OK = NumberedSwitch("ok", "OK{channel}", "Get a module's switch OK, whose meaning is not recorded.")
SAFE = NumberedSwitch(
    "safe", "SAFE{channel}", "Get a module's switch SAFE, whose meaning is not recorded."
)
ADC_TIME = Quantity(
    "adc_time", "ADCT{channel}", "Get a module's number for the timing of its ADC.", kind=int
)
ADC_AVERAGE = Quantity(
    "adc_average", "ADCN{channel}", "Get how many readings of its ADC a module averages.", kind=int
)
LIFETIME = Quantity(
    "lifetime", "LIFETIME{channel}", "Get for how long a module has run in s.", kind=int, unit="s"
)

EVERY_CHANNEL = (VOLTS, AMPS, VOLTS_MAX, AMPS_MAX)
"""A line a channel, all at once by `ALL`."""
EVERY_MODULE = (LED, OK, SAFE, ADC_TIME, ADC_AVERAGE, LIFETIME)
QUANTITIES = (*EVERY_CHANNEL, *EVERY_MODULE)
READINGS = frozenset({"volts", "amps", "ok", "lifetime"})
"""What nobody sets: measured, or a state."""
IMPOSED = frozenset({VOLTS_MAX.name, AMPS_MAX.name})
"""What a bench file decides."""
