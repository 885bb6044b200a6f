"""The meters of a 2400: functions, ranges, integration, filter, limits of the source."""

from __future__ import annotations

import math
from collections.abc import Callable

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, string
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.source_measure.range_commands import RangeSetting
from sim_backends.source_measure.ranges import Accuracy, Range, least_range

from .ranges import AMPERES, EXCESS, VOLTS
from .source import TELL, Source, check_power

FUNCTIONS = ("VOLT", "CURR", "RES")
_NAMES = {
    "VOLT": "VOLT", "VOLTAGE": "VOLT", "VOLT:DC": "VOLT", "VOLTAGE:DC": "VOLT",
    "CURR": "CURR", "CURRENT": "CURR", "CURR:DC": "CURR", "CURRENT:DC": "CURR",
    "RES": "RES", "RESISTANCE": "RES",
}  # fmt: skip
_TOLD = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
_EXACT = Accuracy(0.0, 0.0, 0.0)
OHMS = tuple(Range(2.1 * 10.0**power, _EXACT, _EXACT) for power in range(9))
TEST_CURRENTS = (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-6, 1e-7)
"""What auto ohms sources on each range, A."""
_LEAST_SHARE = 1e-3
"""A compliance below this share of the measuring range cannot be resolved (+822)."""


def function_list(text: str) -> list[str]:
    """The functions named in a list of quoted names. `ScpiError` -151, -224."""
    found = []
    for word in arguments(text, 1, 3):
        name = _NAMES.get(string(word).strip().upper())
        if name is None:
            raise ScpiError(-224)
        found.append(name)
    return found


class Sense:
    """The SENSe subsystem. `changed` is called when a limit of the source has changed.

    `tripped(volts)` tells whether the source is at that limit now.
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        source: Source,
        changed: Callable[[], None],
        tripped: Callable[[bool], bool],
    ) -> None:
        self._settings = settings
        self._source = source
        self.functions: set[str] = {"CURR"}
        settings.boolean(
            "concurrent", "[SENSe[1]:]FUNCtion:CONCurrent", True, changed=self._concurrency
        )
        self._add_functions(commands)
        settings.number(
            "nplc", "[SENSe[1]:]CURRent[:DC]:NPLCycles", 0.01, 10, 1, form=lambda v: f"{v:.2f}"
        )
        for mark in ("", "?"):  # one setting under three names
            common = commands.find(f"SENS:CURR:NPLC{mark}")
            assert common is not None
            for function in ("VOLTage[:DC]", "RESistance"):
                commands.add(f"[SENSe[1]:]{function}:NPLCycles{mark}", common.handler)
        self.amperes = RangeSetting(
            commands, "[SENSe[1]:]CURRent[:DC]:RANGe[:UPPer]", AMPERES, 1.05e-4,
            lambda: self._follow(volts=False), TELL, unit="A", check=self._check_amperes,
        )  # fmt: skip
        self.volts = RangeSetting(
            commands, "[SENSe[1]:]VOLTage[:DC]:RANGe[:UPPer]", VOLTS, 21.0,
            lambda: self._follow(volts=True), TELL, unit="V", check=self._check_volts,
        )  # fmt: skip
        self.ohms = RangeSetting(
            commands, "[SENSe[1]:]RESistance:RANGe[:UPPer]", OHMS, 2.1e5, self._follow_ohms, TELL,
            unit="OHM",
        )  # fmt: skip
        self.followed = {"A": 2, "V": 2, "OHM": 5}
        settings.choice("ohms mode", "[SENSe[1]:]RESistance:MODE", ("MANual", "AUTO"), "AUTO")
        settings.boolean("offset compensation", "[SENSe[1]:]RESistance:OCOMpensated", False)
        settings.number(
            "limit A", "[SENSe[1]:]CURRent[:DC]:PROTection[:LEVel]", -1.05, 1.05, 1.05e-4, unit="A",
            form=TELL, check=self._check_limit_amperes, changed=lambda _: changed(),
        )  # fmt: skip
        settings.number(
            "limit V", "[SENSe[1]:]VOLTage[:DC]:PROTection[:LEVel]", -210, 210, 21, unit="V",
            form=TELL, check=self._check_limit_volts, changed=lambda _: changed(),
        )  # fmt: skip
        for name, volts in (("CURRent", False), ("VOLTage", True)):
            root = f"[SENSe[1]:]{name}[:DC]:PROTection"
            commands.add(f"{root}:TRIPped?", lambda s, n, text, v=volts: str(int(tripped(v))))
            settings.boolean(f"synchronous {name}", f"{root}:RSYNchronize", False)
        settings.choice("filter kind", "[SENSe[1]:]AVERage:TCONtrol", ("REPeat", "MOVing"), "REP")
        settings.number(
            "filter count", "[SENSe[1]:]AVERage:COUNt", 1, 100, 10, whole=True,
            form=lambda value: str(round(value)),
        )  # fmt: skip
        settings.boolean("filter", "[SENSe[1]:]AVERage[:STATe]", False)

    def reset(self) -> None:
        """*RST."""
        self.functions = {"CURR"}
        for one in (self.amperes, self.volts, self.ohms):
            one.reset()

    def select(self, function: str) -> None:
        """What CONFigure does: this function, its settings at their defaults."""
        if not self._settings.on("concurrent"):
            self.functions = set()
        self.functions.add(function)
        self._settings["nplc"] = 1.0
        {"CURR": self.amperes, "VOLT": self.volts, "RES": self.ohms}[function].reset()

    @property
    def told(self) -> str:
        """The enabled functions as the instrument lists them."""
        return ",".join(_TOLD[name] for name in FUNCTIONS if name in self.functions) or '""'

    @property
    def auto_ohms(self) -> bool:
        """Whether the instrument sources a test current of its own."""
        return "RES" in self.functions and self._settings.word("ohms mode") == "AUTO"

    def follow(self, volts: float, amperes: float) -> None:
        """Autorange goes by what was read."""
        if math.isfinite(volts):
            self.followed["V"] = least_range(VOLTS, volts)
        if math.isfinite(amperes):
            self.followed["A"] = least_range(AMPERES, amperes)
        if amperes and math.isfinite(volts) and math.isfinite(amperes):
            self.followed["OHM"] = least_range(OHMS, volts / amperes)

    def _follow(self, *, volts: bool) -> int:
        """The range that a meter takes by itself: the source's, or that of the last reading."""
        side = self._source.side
        if side.volts == volts:
            return side.range.index
        return self.followed["V" if volts else "A"]

    def _follow_ohms(self) -> int:
        return self.followed["OHM"]

    def _check_amperes(self, index: int) -> None:
        limit = abs(self._settings.value("limit A"))
        if self._source.side.volts and index > least_range(AMPERES, limit):
            raise ScpiError(824, "Cannot exceed compliance range")

    def _check_volts(self, index: int) -> None:
        limit = abs(self._settings.value("limit V"))
        if not self._source.side.volts and index > least_range(VOLTS, limit):
            raise ScpiError(824, "Cannot exceed compliance range")

    def _check_limit_amperes(self, suffixes: tuple[int, ...], value: float) -> None:
        full = self.amperes.full if not self.amperes.auto else AMPERES[0].full
        if abs(value) < _LEAST_SHARE * full / EXCESS * (1 - 1e-9):
            raise ScpiError(822, "Too small for sense range")
        check_power(self._settings.value("level V"), value)

    def _check_limit_volts(self, suffixes: tuple[int, ...], value: float) -> None:
        full = self.volts.full if not self.volts.auto else VOLTS[0].full
        if abs(value) < _LEAST_SHARE * full / EXCESS * (1 - 1e-9):
            raise ScpiError(822, "Too small for sense range")
        check_power(value, self._settings.value("level A"))

    def _concurrency(self, suffixes: tuple[int, ...]) -> None:
        # one function at a time is left: the one that stands first
        if not self._settings.on("concurrent") and len(self.functions) > 1:
            self.functions = {next(name for name in FUNCTIONS if name in self.functions)}

    def _add_functions(self, commands: CommandTable[Command]) -> None:
        def on(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            names = function_list(text)
            if self._settings.on("concurrent"):
                self.functions |= set(names)
            elif len(names) > 1:
                raise ScpiError(-221)
            else:
                self.functions = set(names)

        def off(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            self.functions -= set(function_list(text))

        def every(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            if not self._settings.on("concurrent"):
                raise ScpiError(-221)
            self.functions = set(FUNCTIONS)

        def none(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            self.functions = set()

        def state(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
            (name,) = function_list(text)
            return str(int(name in self.functions))

        root = "[SENSe[1]:]FUNCtion"
        commands.add(f"{root}[:ON]", on)
        commands.add(f"{root}[:ON]?", lambda s, n, text: self.told)
        commands.add(f"{root}[:ON]:ALL", every)
        commands.add(f"{root}[:ON]:COUNt?", lambda s, n, text: str(len(self.functions)))
        commands.add(f"{root}:OFF", off)
        commands.add(
            f"{root}:OFF?",
            lambda s, n, text: (
                ",".join(_TOLD[name] for name in FUNCTIONS if name not in self.functions) or '""'
            ),
        )
        commands.add(f"{root}:OFF:ALL", none)
        commands.add(f"{root}:OFF:COUNt?", lambda s, n, text: str(3 - len(self.functions)))
        commands.add(f"{root}:STATe?", state)
