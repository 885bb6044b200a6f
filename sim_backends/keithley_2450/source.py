"""The source of a 2450: function, levels, ranges, limits, delays, lists."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, number
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr3
from sim_backends.source_measure.range_commands import RangeSetting
from sim_backends.source_measure.ranges import Range, least_range

from .ranges import AMPERES, NOMINAL_AMPERES, NOMINAL_VOLTS, VOLTS

TELL = nr3(6, signed=False)
LARGE_VOLTS, LARGE_AMPERES = 21.0, 0.105
LIST_MOST = 2500
NO_PROTECTION = 1e3
_PROTECTION = ("PROT2", "PROT5", "PROT10", "PROT20", "PROT40", "PROT60", "PROT80", "PROT100",
               "PROT120", "PROT140", "PROT160", "PROT180", "NONE")  # fmt: skip


def check_power(volts: float, amperes: float) -> None:
    """Refuse what is outside 21 V at 1.05 A and 210 V at 105 mA. `ScpiError` -221."""
    if abs(volts) > LARGE_VOLTS * (1 + 1e-9) and abs(amperes) > LARGE_AMPERES * (1 + 1e-9):
        raise ScpiError(-221)


class SourceSide:
    """What V or what A."""

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        name: str,
        changed: Callable[[], None],
        tripped: Callable[[bool], bool],
    ) -> None:
        self.volts = volts = name == "VOLTage"
        self._settings = settings
        self._changed = changed
        self.ranges: tuple[Range, ...] = VOLTS if volts else AMPERES
        nominal = NOMINAL_VOLTS if volts else NOMINAL_AMPERES
        self.unit = unit = "V" if volts else "A"
        self.most = most = self.ranges[-1].full
        self.list: list[float] = []
        self._followed = 0
        root = f"SOURce[1]:{name}"
        self.range = RangeSetting(
            commands, f"{root}:RANGe", self.ranges, nominal[0], lambda: self._followed, TELL,
            unit=unit, check=self._check_range, changed=changed, tell=lambda at: nominal[at],
        )  # fmt: skip
        settings.number(
            f"level {unit}", f"{root}[:LEVel][:IMMediate][:AMPLitude]", -most, most, 0, unit=unit,
            form=TELL, check=lambda _, value: self.check_level(value),
            changed=lambda _: self._follow(),
        )  # fmt: skip
        limit, other = ("ILIMit", "A") if volts else ("VLIMit", "V")
        low, high, default = (1e-9, 1.05, 1.05e-4) if volts else (0.02, 210, 21)
        settings.number(
            f"limit {other}", f"{root}:{limit}[:LEVel]", low, high, default, unit=other, form=TELL,
            check=lambda _, value: self._check(self._value("level"), value),
            changed=lambda _: changed(),
        )  # fmt: skip
        commands.add(f"{root}:{limit}[:LEVel]:TRIPped?", lambda s, n, t: str(int(tripped(volts))))
        self._limit = f"limit {other}"
        settings.number(
            f"delay {unit}", f"{root}:DELay", 0, 1e4, 0, unit="S", form=TELL,
            changed=self._delay_given,
        )  # fmt: skip
        settings.boolean(f"auto delay {unit}", f"{root}:DELay:AUTO", True)
        settings.boolean(f"read back {unit}", f"{root}:READ:BACK", True)
        settings.boolean(f"high capacitance {unit}", f"{root}:HIGH:CAPacitance", False)
        settings.choice(
            f"protection {unit}", f"{root}:PROTection[:LEVel]", _PROTECTION, "NONE",
            changed=lambda _: changed(),
        )  # fmt: skip
        settings.choice(
            f"off state {unit}", f"OUTPut[1]:{name}:SMODe",
            ("NORMal", "HIMPedance", "ZERO", "GUARd"), "NORMal",
        )  # fmt: skip
        lists = f"SOURce[1]:LIST:{name}"
        commands.add(lists, self._set_list)
        commands.add(f"{lists}?", lambda s, n, text: ",".join(map(TELL, self.list)))
        commands.add(f"{lists}:APPend", self._append)
        commands.add(f"{lists}:POINts?", lambda s, n, text: str(len(self.list)))

    @property
    def clamp(self) -> float:
        """Most volts at the terminals."""
        word = self._settings.word(f"protection {self.unit}")
        return NO_PROTECTION if word == "NONE" else float(word.removeprefix("PROT"))

    @property
    def settle(self) -> float:
        """Seconds between the source's change and the measurement."""
        if self._settings.on(f"auto delay {self.unit}"):
            amperes = self._settings.value("limit A")
            return {0: 50e-3, 1: 20e-3, 2: 10e-3}.get(least_range(AMPERES, amperes), 1e-3)
        return self._value("delay")

    def _value(self, what: str) -> float:
        return self._settings.value(f"{what} {self.unit}")

    def _check(self, level: float, limit: float) -> None:
        check_power(level if self.volts else limit, limit if self.volts else level)

    def check_level(self, level: float) -> None:
        """Refuse a level that a fixed range does not take, or too much power."""
        if not abs(level) <= self.most:
            raise ScpiError(-222)
        if not self.range.auto and abs(level) > self.range.full * (1 + 1e-9):
            raise ScpiError(-222)
        self._check(level, self._settings.value(self._limit))

    def _check_range(self, index: int) -> None:
        if abs(self._value("level")) > self.ranges[index].full * (1 + 1e-9):
            raise ScpiError(-221)

    def _follow(self) -> None:
        self._followed = least_range(self.ranges, self._value("level"))
        self._changed()

    def reset(self) -> None:
        """*RST."""
        self.range.reset()
        self._followed = 0
        self.list = []

    def _delay_given(self, suffixes: tuple[int, ...]) -> None:
        self._settings[f"auto delay {self.unit}"] = False

    def _set_list(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self.list = self._read_list(text)

    def _append(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        longer = self.list + self._read_list(text)
        if len(longer) > LIST_MOST:
            raise ScpiError(-223)
        self.list = longer

    def _read_list(self, text: str) -> list[float]:
        levels = [number(word, self.unit) for word in arguments(text, 1, 100)]
        for level in levels:
            self.check_level(level)
        return levels


class Source:
    """All of the SOURce subsystem but its sweeps.

    `changed`: what is sourced may have changed; `function_given(word)`: a function is to be taken;
    `tripped(volts)`: whether the limit of that side is reached.
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        changed: Callable[[], None],
        function_given: Callable[[str], None],
        tripped: Callable[[bool], bool],
    ) -> None:
        self._settings = settings
        settings.choice(
            "source", "SOURce[1]:FUNCtion[:MODE]", ("VOLTage", "CURRent"), "VOLTage",
            check=lambda _, word: function_given(word),
        )  # fmt: skip
        self.volts = SourceSide(commands, settings, "VOLTage", changed, tripped)
        self.amperes = SourceSide(commands, settings, "CURRent", changed, tripped)

    @property
    def side(self) -> SourceSide:
        """The side that is sourced."""
        return self.amperes if self._settings.word("source") == "CURR" else self.volts

    def reset(self) -> None:
        """*RST."""
        self.volts.reset()
        self.amperes.reset()
