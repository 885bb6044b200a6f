"""The source of a 2400: function, levels, ranges, sweeps, lists, delays, protection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, named, number
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr3
from sim_backends.source_measure.range_commands import RangeSetting
from sim_backends.source_measure.ranges import Range, least_range

from .ranges import AMPERES, VOLTS

TELL = nr3(6, signed=False)
LARGE_VOLTS, LARGE_AMPERES = 21.0, 0.105
"""The 22 W box: beyond 21 V no more than 105 mA, V and A of level and limit either way round."""
LIST_MOST, LIST_AT_ONCE = 2500, 100
_PROTECTION = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0)
_NO_PROTECTION = 210.0


def check_power(volts: float, amperes: float) -> None:
    """Refuse what is outside both rectangles. `ScpiError` +826."""
    if abs(volts) > LARGE_VOLTS * (1 + 1e-9) and abs(amperes) > LARGE_AMPERES * (1 + 1e-9):
        raise ScpiError(826, "Attempt to exceed power limit")


class SourceSide:
    """What V or what A: levels, range, sweep and list of one source function."""

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        name: str,
        ranges: tuple[Range, ...],
        default_range: float,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.volts = name == "VOLTage"
        self._settings = settings
        self._ranges = ranges
        self._unit = unit = "V" if self.volts else "A"
        self._limit = "limit A" if self.volts else "limit V"
        self.list: list[float] = [0.0]
        self._changed = changed
        self._default_range = default_range
        self._followed = least_range(ranges, default_range)
        most = ranges[-1].full
        self.most = most
        root = f"SOURce[1]:{name}"
        self.range = RangeSetting(
            commands, f"{root}:RANGe", ranges, default_range,
            lambda: self._followed, TELL, unit=unit, check=self._check_range, changed=changed,
        )  # fmt: skip
        settings.number(
            f"level {unit}", f"{root}[:LEVel][:IMMediate][:AMPLitude]", -most, most, 0, unit=unit,
            form=TELL, check=lambda _, value: self.check_level(value),
            changed=lambda _: self._follow(),
        )  # fmt: skip
        settings.number(
            f"triggered {unit}", f"{root}[:LEVel]:TRIGgered[:AMPLitude]", -most, most, 0, unit=unit,
            form=TELL, check=lambda _, value: self.check_level(value),
        )  # fmt: skip
        settings.choice(f"mode {unit}", f"{root}:MODE", ("FIXed", "LIST", "SWEep"), "FIXed")
        for key in ("STARt", "STOP"):
            settings.number(
                f"{key.lower()} {unit}", f"{root}:{key}", -most, most, 0, unit=unit, form=TELL,
                check=lambda _, value: self.check_power(value),
            )  # fmt: skip
        commands.add(f"{root}:STEP", self._set_step)
        commands.add(f"{root}:STEP?", lambda s, n, text: TELL(self.step))
        lists = f"SOURce[1]:LIST:{name}"
        commands.add(lists, self._set_list)
        commands.add(f"{lists}?", lambda s, n, text: ",".join(map(TELL, self.list)))
        commands.add(f"{lists}:APPend", self._append)
        commands.add(f"{lists}:POINts?", lambda s, n, text: str(len(self.list)))
        settings.number(
            f"list start {unit}", f"{lists}:STARt", 1, 100, 1, whole=True,
            form=lambda value: str(round(value)),
        )  # fmt: skip

    @property
    def step(self) -> float:
        """What a linear sweep advances by at each point."""
        points = self._settings.value("sweep points")
        span = self._value("stop") - self._value("start")
        return span / (points - 1)

    def _value(self, what: str) -> float:
        return self._settings.value(f"{what} {self._unit}")

    def check_power(self, level: float) -> None:
        """Refuse a level that its limit makes too much. `ScpiError` +826."""
        limit = self._settings.value(self._limit)
        check_power(level if self.volts else limit, limit if self.volts else level)

    def check_level(self, level: float) -> None:
        """Refuse a level that a fixed range does not take (-222), or too much power (+826)."""
        if not self.range.auto and abs(level) > self.range.full * (1 + 1e-9):
            raise ScpiError(-222)
        self.check_power(level)

    def _check_range(self, index: int) -> None:
        if abs(self._value("level")) > self._ranges[index].full * (1 + 1e-9):
            raise ScpiError(-221)

    def levels(self) -> list[float]:
        """The levels of one pass, by mode."""
        mode = self._settings.word(f"mode {self._unit}")
        if mode == "FIX":
            return [self._value("level")]
        if mode == "LIST":
            return self.list[int(self._value("list start")) - 1 :] or self.list
        start, stop = self._value("start"), self._value("stop")
        points = int(self._settings.value("sweep points"))
        if self._settings.word("sweep direction") == "DOWN":
            start, stop = stop, start
        if self._settings.word("sweep spacing") == "LIN":
            return [float(one) for one in np.linspace(start, stop, points)]
        if start == 0.0 or stop == 0.0 or (start < 0) != (stop < 0):
            raise ScpiError(-221)
        return [float(one) for one in np.geomspace(start, stop, points)]

    def range_of(self, level: float, levels: list[float]) -> int:
        """The source range for a level of a sweep, by SWEep:RANGing."""
        if self._settings.word(f"mode {self._unit}") == "FIX":
            return self.range.index
        ranging = self._settings.word("sweep ranging")
        if ranging == "FIX":
            return self.range.index
        return least_range(self._ranges, max(map(abs, levels)) if ranging == "BEST" else level)

    def _follow(self) -> None:
        """A level was set: autorange goes by it."""
        self._followed = least_range(self._ranges, self._value("level"))
        self._changed()

    def reset(self) -> None:
        """*RST."""
        self.range.reset()
        self._followed = least_range(self._ranges, self._default_range)
        self.list = [0.0]

    def _set_step(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        step = number(arguments(text, 1, 1)[0], self._unit)
        span = self._value("stop") - self._value("start")
        if step == 0.0 or not 1 <= round(span / step) <= LIST_MOST - 1:
            raise ScpiError(-222)
        self._settings["sweep points"] = float(round(span / step) + 1)

    def _set_list(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self.list = self._read_list(text)

    def _append(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        longer = self.list + self._read_list(text)
        if len(longer) > LIST_MOST:
            raise ScpiError(-223)
        self.list = longer

    def _read_list(self, text: str) -> list[float]:
        levels = [number(word, self._unit) for word in arguments(text, 1, LIST_AT_ONCE)]
        for level in levels:
            if not abs(level) <= self.most:
                raise ScpiError(-222)
            self.check_power(level)
        return levels


class Source:
    """All of the SOURce subsystem; `changed` is called when what is sourced may have changed,
    `function_given` before another function is taken; `clamped()`: whether the protection holds
    the volts.
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        changed: Callable[[], None],
        function_given: Callable[[str], None],
        clamped: Callable[[], bool],
    ) -> None:
        self._settings = settings
        seconds = lambda value: f"{value:.6f}"  # noqa: E731
        settings.choice(
            "source", "SOURce[1]:FUNCtion[:MODE]", ("VOLTage", "CURRent", "MEMory"), "VOLTage",
            check=lambda _, word: function_given(word),
        )  # fmt: skip
        settings.choice("shape", "SOURce[1]:FUNCtion:SHAPe", ("DC",), "DC")
        settings.number(
            "sweep points", "SOURce[1]:SWEep:POINts", 2, LIST_MOST, LIST_MOST, whole=True,
            form=lambda value: str(round(value)),
        )  # fmt: skip
        settings.choice(
            "sweep spacing", "SOURce[1]:SWEep:SPACing", ("LINear", "LOGarithmic"), "LINear"
        )
        settings.choice("sweep direction", "SOURce[1]:SWEep:DIRection", ("UP", "DOWN"), "UP")
        settings.choice(
            "sweep ranging", "SOURce[1]:SWEep:RANGing", ("BEST", "AUTO", "FIXed"), "BEST"
        )
        settings.choice(
            "compliance abort", "SOURce[1]:SWEep:CABort", ("NEVer", "EARLy", "LATE"), "NEVer"
        )
        settings.number(
            "delay", "SOURce[1]:DELay", 0, 9999.999, 0, unit="S", form=seconds,
            changed=self._delay_given,
        )  # fmt: skip
        settings.boolean("auto delay", "SOURce[1]:DELay:AUTO", True)
        settings.boolean("auto clear", "SOURce[1]:CLEar:AUTO", False)
        settings.choice(
            "auto clear mode", "SOURce[1]:CLEar:AUTO:MODE", ("ALWays", "TCOunt"), "ALWays"
        )
        self.volts = SourceSide(commands, settings, "VOLTage", VOLTS, 21.0, changed)
        self.amperes = SourceSide(commands, settings, "CURRent", AMPERES, 1.05e-4, changed)
        commands.add(
            "SOURce[1]:VOLTage:PROTection:TRIPped?", lambda s, n, text: str(int(clamped()))
        )
        settings.text(
            "protection", "SOURce[1]:VOLTage:PROTection[:LEVel]", repr(_NO_PROTECTION),
            read=_read_protection, form=lambda text: TELL(float(text)),
            changed=lambda _: changed(),
        )  # fmt: skip
        commands.replace("SOURce[1]:VOLTage:PROTection[:LEVel]?", self._tell_protection)

    def _tell_protection(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        (word,) = arguments(text, 0, 1) or ("",)
        if not word:
            return TELL(self.clamp)
        if not named(word):
            raise ScpiError(-224)
        return TELL(float(_read_protection(word)))

    @property
    def side(self) -> SourceSide:
        """The side that is sourced."""
        return self.amperes if self._settings.word("source") == "CURR" else self.volts

    @property
    def clamp(self) -> float:
        """Most volts at the terminals."""
        return float(self._settings.word("protection"))

    @property
    def settle(self) -> float:
        """Seconds between the source's change and the measurement."""
        if not self._settings.on("auto delay"):
            return self._settings.value("delay")
        amperes = self._settings.value("limit A")
        return {0: 3e-3, 1: 2e-3}.get(least_range(AMPERES, amperes), 1e-3)

    def reset(self) -> None:
        """*RST."""
        self.volts.reset()
        self.amperes.reset()

    def _delay_given(self, suffixes: tuple[int, ...]) -> None:
        self._settings["auto delay"] = False


def _read_protection(text: str) -> str:
    """The step of the protection at or above a value; above 160 V there is none."""
    if text.upper() in ("NONE", "MAX", "MAXIMUM", "DEF", "DEFAULT"):
        return repr(_NO_PROTECTION)
    value = 20.0 if text.upper() in ("MIN", "MINIMUM") else number(text, "V")
    if not abs(value) <= _NO_PROTECTION:
        raise ScpiError(-222)
    return repr(next((step for step in _PROTECTION if abs(value) <= step), _NO_PROTECTION))
