"""Settings that the source-measure units 2400 and 2450 have under the same commands.

Sources: 2400S-900-01 and 2450-901-01; their limits, meters and delays have commands of their own.
"""

from __future__ import annotations

from drivers.quantity import Quantity

FUNCTION = Quantity(
    "function", "SOUR:FUNC", "Control what is sourced.", kind=str, choices=("VOLT", "CURR")
)
OUTPUT = Quantity("output", "OUTP", "Control whether the output is on.", kind=bool, safe=False)
LEVEL_VOLTS = Quantity(
    "level_volts", "SOUR:VOLT", "Control the level of a source of volts in V (-210 to 210).",
    unit="V", low=-210.0, high=210.0, safe=0.0, settle=1e-4, ramp=50.0,
)  # fmt: skip
LEVEL_AMPERES = Quantity(
    "level_amperes", "SOUR:CURR",
    "Control the level of a source of amperes in A (-1.05 to 1.05).",
    unit="A", low=-1.05, high=1.05, safe=0.0, settle=1e-4, ramp=0.5,
)  # fmt: skip
TERMINALS = Quantity(
    "terminals", "ROUT:TERM", "Control which terminals are used.", kind=str,
    choices=("FRON", "REAR"),
)  # fmt: skip
VOLTS_RANGE_AUTO = Quantity(
    "volts_range_auto", "SENS:VOLT:RANG:AUTO", "Control whether volts are ranged by themselves.",
    kind=bool,
)  # fmt: skip
AMPERES_RANGE_AUTO = Quantity(
    "amperes_range_auto", "SENS:CURR:RANG:AUTO",
    "Control whether amperes are ranged by themselves.", kind=bool,
)  # fmt: skip
SOURCE_VOLTS_RANGE_AUTO = Quantity(
    "source_volts_range_auto", "SOUR:VOLT:RANG:AUTO",
    "Control whether the range of a source of volts follows its level.", kind=bool,
)  # fmt: skip
SOURCE_AMPERES_RANGE_AUTO = Quantity(
    "source_amperes_range_auto", "SOUR:CURR:RANG:AUTO",
    "Control whether the range of a source of amperes follows its level.", kind=bool,
)  # fmt: skip
RANGES_AUTO = (
    VOLTS_RANGE_AUTO, AMPERES_RANGE_AUTO, SOURCE_VOLTS_RANGE_AUTO, SOURCE_AMPERES_RANGE_AUTO,
)  # fmt: skip
