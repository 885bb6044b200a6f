"""The meter of a 2450: one function at a time, with ranges, integration and filter of each."""

from __future__ import annotations

import math
from collections.abc import Callable

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import string
from sim_backends.engine.session import Command
from sim_backends.engine.settings import Settings
from sim_backends.source_measure.range_commands import RangeSetting
from sim_backends.source_measure.ranges import Accuracy, Range

from .ranges import AMPERES, NOMINAL_AMPERES, NOMINAL_VOLTS, VOLTS
from .source import TELL, Source

_NAMES = {
    "VOLT": "VOLT", "VOLTAGE": "VOLT", "VOLT:DC": "VOLT", "VOLTAGE:DC": "VOLT",
    "CURR": "CURR", "CURRENT": "CURR", "CURR:DC": "CURR", "CURRENT:DC": "CURR",
    "RES": "RES", "RESISTANCE": "RES",
}  # fmt: skip
TOLD = {"VOLT": "VOLT:DC", "CURR": "CURR:DC", "RES": "RES"}
PATTERNS = {"VOLT": "VOLTage[:DC]", "CURR": "CURRent[:DC]", "RES": "RESistance"}
UNITS = {"VOLT": "Volt DC", "CURR": "Amp DC"}
NOMINAL_OHMS = tuple(2.0 * 10.0**power for power in range(1, 9))
OHMS = tuple(Range(1.05 * one, *[Accuracy(0.0, 0.0, 0.0)] * 2) for one in NOMINAL_OHMS)


MOST_RELATIVE = {"CURR": 1.05, "VOLT": 210.0, "RES": 210e6}
"""What readings may be told relative to: what the meter measures at most."""


def read_function(text: str) -> str:
    """A quoted name of a function. `ScpiError` -151, -224."""
    name = _NAMES.get(string(text).strip().upper())
    if name is None:
        raise ScpiError(-224)
    return name


class Sense:
    """The SENSe subsystem; `output_off` is what a change of the sensing does."""

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        source: Source,
        output_off: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._source = source

        def given(name: str, on: bool) -> None:
            if on != settings.on(f"remote sense {name}"):
                output_off()

        self.followed = {"CURR": 0, "VOLT": 0, "RES": 4}
        settings.text(
            "function", "[SENSe[1]:]FUNCtion[:ON]", "CURR", read=read_function,
            form=lambda name: f'"{TOLD[name]}"',
        )  # fmt: skip
        whole = lambda value: str(round(value))  # noqa: E731
        settings.number("count", "[SENSe[1]:]COUNt", 1, 300000, 1, whole=True, form=whole)
        commands.add("[SENSe[1]:]AZERo:ONCE", plain(lambda session: None))
        self.ranges: dict[str, RangeSetting] = {}
        for name, tables, nominal, unit in (
            ("CURR", AMPERES, NOMINAL_AMPERES, "A"), ("VOLT", VOLTS, NOMINAL_VOLTS, "V"),
            ("RES", OHMS, NOMINAL_OHMS, "OHM"),
        ):  # fmt: skip
            root = f"[SENSe[1]:]{PATTERNS[name]}"
            self.ranges[name] = RangeSetting(
                commands, f"{root}:RANGe[:UPPer]", tables, nominal[0],
                lambda name=name: self._follow(name), TELL, unit=unit,
                tell=lambda at, nominal=nominal: nominal[at],
            )  # fmt: skip
            settings.number(f"nplc {name}", f"{root}:NPLCycles", 0.01, 10, 1, form=TELL)
            settings.boolean(
                f"remote sense {name}",
                f"{root}:RSENse",
                False,
                check=lambda _, on, name=name: given(name, on),
            )
            settings.boolean(f"auto zero {name}", f"{root}:AZERo[:STATe]", True)
            settings.choice(
                f"filter kind {name}", f"{root}:AVERage:TCONtrol", ("REPeat", "MOVing"), "REPeat"
            )
            settings.number(
                f"filter count {name}", f"{root}:AVERage:COUNt", 1, 100, 10, whole=True, form=whole
            )
            settings.boolean(f"filter {name}", f"{root}:AVERage[:STATe]", False)
            most = MOST_RELATIVE[name]
            settings.number(
                f"relative {name}", f"{root}:RELative", -most, most, 0, unit=unit, form=TELL
            )
            settings.boolean(f"relative on {name}", f"{root}:RELative:STATe", False)
        for name, own in (("CURR", "AMP"), ("VOLT", "VOLT")):
            settings.choice(
                f"unit {name}", f"[SENSe[1]:]{PATTERNS[name]}:UNIT", (own, "OHM", "WATT"), own
            )
        settings.boolean("offset compensation", "[SENSe[1]:]RESistance:OCOMpensated", False)

    def reset(self) -> None:
        """*RST."""
        for one in self.ranges.values():
            one.reset()

    @property
    def function(self) -> str:
        """What is measured: VOLT, CURR or RES."""
        return self._settings.word("function")

    def shown(self, volts: float, amperes: float) -> tuple[float, str]:
        """What is told of a reading, and in which unit: less what it is relative to."""
        value, unit = self.measured(volts, amperes)
        name = self.function
        if self._settings.on(f"relative on {name}"):
            value -= self._settings.value(f"relative {name}")
        return value, unit

    def measured(self, volts: float, amperes: float) -> tuple[float, str]:
        """A reading as it is measured, and in which unit."""
        name = self.function
        unit = "OHM" if name == "RES" else self._settings.word(f"unit {name}")
        if unit == "OHM":
            return (volts / amperes if amperes else math.inf), "Ohm"
        if unit == "WATT":
            return volts * amperes, "Watt DC"
        return (volts if name == "VOLT" else amperes), UNITS[name]

    @property
    def remote_sense(self) -> bool:
        """Whether the source senses at the load (four wires) for what is measured now."""
        return self._settings.on(f"remote sense {self.function}")

    @property
    def seconds(self) -> float:
        """What one reading takes: conversions of the value, its source and two zeros, filtered."""
        settings, name = self._settings, self.function
        conversions = 1 + settings.on(f"read back {self._source.side.unit}")
        conversions += 2 * settings.on(f"auto zero {name}")
        return self.averages * conversions * settings.value(f"nplc {name}") / 50.0

    @property
    def averages(self) -> float:
        """How many readings the filter takes for one."""
        settings, name = self._settings, self.function
        if settings.on(f"filter {name}") and settings.word(f"filter kind {name}") == "REP":
            return settings.value(f"filter count {name}")
        return 1.0

    def _follow(self, name: str) -> int:
        """The range that the meter takes by itself: the source's, or that of the last reading."""
        side = self._source.side
        if name == ("VOLT" if side.volts else "CURR"):
            return side.range.index
        return self.followed[name]
