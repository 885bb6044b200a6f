"""The mainframe and its laser: lock, power, wavelength, and what is in the slots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim_backends.engine.calendar import Calendar
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, boolean, named, number
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.writing import nr1_signed
from sim_backends.instrument import Door, OwnFault, switched
from sim_backends.tunable_source import TunableSource, dbm_to_watts, watts_to_dbm

from .reference import LONG, Reference
from .sweep import KeysightSweep

Suffixes = tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """A laser as it is sold: who answers, in which slot, its range (m) and its speeds (m/s)."""

    maker: str
    model: str
    firmware: str
    module: str
    slot: int
    low: float
    high: float
    slowest: float
    fastest: float
    peak_dbm: float


MODELS = {
    "8164B": Model(
        "Agilent Technologies", "8164B", "V5.25(72637)", "81960A", 0, 1505e-9, 1630e-9, 0.5e-9,
        200e-9, 13.0,
    ),
    "N7776C": Model(
        "Keysight Technologies", "N7776C", "V2.022", "N7776C", 0, 1480e-9, 1620e-9, 0.5e-9,
        200e-9, 13.0,
    ),
}  # fmt: skip


def _suffix(slot: int) -> str:
    """A slot's number in a pattern; 1 may be left out."""
    return "[1]" if slot == 1 else str(slot)


def signed(on: bool) -> str:
    """`+1` or `+0`."""
    return nr1_signed(float(on))


class Keysight816x(ScpiDevice):
    """A laser as it comes: locked, dark.

    Faults of its own: `lock` from the front panel, `protection` (the remote interlock is open).
    """

    dialect = Dialect(
        reply_end=b"\n",
        common_resets_path=False,
        queue_depth=30,
        no_error='+0,"No error"',
        error_entry='{code:+d},"{text}"',
        error_summary=False,
    )

    def __init__(
        self,
        now: Callable[[], float],
        model: str = "8164B",
        *,
        serial: str = "DE45601234",
        slot: int | None = None,
        pin: str = "1234",
        locked: bool = True,
        seed: int = 0,
    ) -> None:
        """`model`: one of `MODELS`; `slot`: of the laser, 0 to 4 (a mainframe's back slot is 0)."""
        kind = self.kind = MODELS[model]
        super().__init__(now, f"{kind.maker},{kind.model},{serial},{kind.firmware}")
        self.slot = kind.slot if slot is None else slot
        self.serial = serial
        self._pin = pin
        self.locked = locked
        self.protected = False
        self.source = TunableSource(now, kind.low, kind.high, peak_dbm=kind.peak_dbm, seed=seed)
        # This laser has no shutter of its own to command.
        self.source.open_shutter(True)
        self.in_watts = False
        self._level = dbm_to_watts(0.0)
        self._wavelength = 0.5 * (kind.low + kind.high)
        self.source.leave_at(self._wavelength)
        self._own_commands()
        self.calendar = Calendar(self.commands, now, nr1_signed)
        self.reference = Reference(self)
        self.sweep = KeysightSweep(self)
        self.source.sweeping = lambda: self.sweep.sweeper.wavelength
        self._refuse_other_slots()

    @property
    def head(self) -> str:
        """How a command of the laser begins; what is in brackets may be left out."""
        return f"[SOURce{_suffix(self.slot)}:][CHANnel[1]:]"

    @property
    def doors(self) -> tuple[Door, ...]:
        """The raw socket, and HiSLIP."""
        return (Door("tcp", 5025, self.converse), Door("message", 4880, self.converse))

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`lock=1|0` as at the front panel, `protection=1|0` as of the remote interlock."""
        return {
            "lock": switched(self.lock),
            "protection": switched(self.protect),
        }

    def lock(self, on: bool) -> None:
        """Lock (dark at once) or unlock (it stays dark)."""
        self.locked = on
        if on:
            self.source.drive(False)

    def protect(self, on: bool) -> None:
        """Open or close the remote interlock; the laser stays off when it is closed again."""
        self.protected = on
        if on:
            self.source.drive(False)

    def reset(self) -> None:
        """*RST: dark, settings at their defaults; the lock stays."""
        self.sweep.sweeper.stop()
        super().reset()
        self.source.drive(False)
        self.in_watts = False
        self._level = dbm_to_watts(0.0)
        self.source.set_level(self._level)
        self.retune(0.5 * (self.kind.low + self.kind.high))
        self.reference.reset()

    @property
    def wavelength(self) -> float:
        """What it is set to, m."""
        return self._wavelength

    def retune(self, wavelength: float) -> None:
        """Go to a wavelength (m)."""
        self._wavelength = wavelength
        self.busy_for(self.source.tune(wavelength))

    def left_at(self, wavelength: float) -> None:
        """A sweep has left the laser there."""
        self._wavelength = wavelength
        self.source.leave_at(wavelength)

    def busy_for(self, seconds: float) -> None:
        """Something has begun that *OPC? waits for."""
        if seconds > 0.0:
            self.operations.begin_for(seconds)

    # -- commands ---------------------------------------------------------------------------------

    def _refuse_other_slots(self) -> None:
        """The laser's commands, sent to a slot where it is not: all other slots are empty."""

        def refuse(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            raise ScpiError(-303, "Module slot empty or slot / channel invalid")

        trigger, slot = f"TRIGger{_suffix(self.slot)}", f"SLOT{_suffix(self.slot)}"
        for pattern in self.commands.patterns:
            for own, any_slot in (
                (self.head, "SOURce#:[CHANnel#:]"), (trigger, "TRIGger#"), (slot, "SLOT#"),
            ):  # fmt: skip
                if pattern.startswith(own):
                    self.commands.add(any_slot + pattern.removeprefix(own), refuse)

    def pair(self, pattern: str, keep: Callable[[str], None], tell: Callable[[str], str]) -> None:
        """A command with one parameter, and its query with at most one."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            keep(arguments(text, 1, 1)[0])

        self.commands.add(pattern, run)
        self.query(pattern, tell)

    def query(self, pattern: str, tell: Callable[[str], Reply]) -> None:
        """A query with one parameter or none."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
            return tell(arguments(text, 0, 1)[0] if text.strip() else "")

        self.commands.add(f"{pattern}?", run)

    def metres(self, text: str) -> float:
        """A wavelength in m, bare or with its unit; MIN, MAX and DEF too."""
        low, high = self.kind.low, self.kind.high
        ends = {"MIN": low, "MAX": high, "DEF": 0.5 * (low + high)}
        which = named(text)
        value = ends[which] if which else number(text, "M")
        if not low - 1e-15 <= value <= high + 1e-15:
            raise ScpiError(-222)
        return round(value / 1e-13) * 1e-13

    def limit(self, text: str, value: float) -> str:
        """The answer to `?`, `? MIN`, `? MAX` or `? DEF` of a wavelength."""
        if text and not named(text):
            raise ScpiError(-224)
        return LONG(self.metres(text) if text else value)

    def _own_commands(self) -> None:
        head = self.head
        self.commands.add("LOCK", self._set_lock)
        self.query("LOCK", lambda text: signed(self.locked))
        self.pair(f"{head}POWer:STATe", self._switch, lambda text: signed(self.source.diode))
        self.pair(
            f"OUTPut{self.slot}[:CHANnel[1]][:STATe]",
            self._switch,
            lambda text: signed(self.source.diode),
        )
        level = f"{head}POWer[:LEVel][:IMMediate][:AMPLitude[1]]"
        self.pair(level, self._set_level, self._told_level)
        self.pair(f"{head}POWer:UNIT", self._set_unit, lambda text: signed(self.in_watts))
        self.pair(
            f"{head}WAVelength[:CW]", self.set_wavelength,
            lambda text: self.limit(text, self._wavelength),
        )  # fmt: skip
        self.settings.boolean("am", f"{head}AM:STATe", False, form=signed)
        self.settings.choice(
            "am source", f"{head}AM:SOURce",
            ("INTernal", "COHControl", "AEXTernal", "DEXTernal"), "INTernal",
        )  # fmt: skip
        slot = f"SLOT{_suffix(self.slot)}"
        kind = self.kind
        self.query(
            f"{slot}:IDN", lambda _: f"{kind.maker},{kind.module},{self.serial},{kind.firmware}"
        )
        self.query(f"{slot}:EMPTy", lambda _: "0")
        self.query(f"{slot}:OPTions", lambda _: "NO CONNECTOR OPTION, NO INSTRUMENT OPTIONS")
        self.query(f"{slot}:TST", lambda _: '+0,"self test OK"')
        self.query(
            f"STATus{self.slot}:OPERation:CONDition", lambda _: nr1_signed(self.source.diode)
        )
        self.query(f"STATus{self.slot}:QUEStionable:CONDition", self._questionable)
        self.query(
            "*OPT", lambda _: ",".join(kind.module if n == self.slot else "" for n in range(5))
        )
        self.query("SYSTem:VERSion", lambda _: "1994.0")
        self.commands.add("SYSTem:PRESet", lambda session, suffixes, text: self.reset())

    def _questionable(self, text: str) -> str:
        # Bit 3: laser protection on (programming guide, status of a slot).
        return nr1_signed(8.0 * self.protected)

    def _set_lock(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        state, pin = arguments(text, 2, 2)
        on = boolean(state)
        if pin.strip("\"'") != self._pin:
            raise ScpiError(-224)
        self.lock(on)

    def _switch(self, text: str) -> None:
        on = boolean(text)
        if on and (self.locked or self.protected):
            return  # silently
        self.busy_for(self.source.drive(on))

    def _bounds(self) -> dict[str, float]:
        low, high = dbm_to_watts(-10.0), dbm_to_watts(self.kind.peak_dbm)
        return {"MIN": low, "MAX": high, "DEF": 0.5 * (low + high)}

    def _set_level(self, text: str) -> None:
        bounds = self._bounds()
        which, upper = named(text), text.upper().removesuffix("ATT")
        if which:
            watts = bounds[which]
        elif upper.endswith("DBM"):
            watts = dbm_to_watts(number(upper.removesuffix("DBM").strip()))
        elif upper.endswith("W"):
            watts = number(upper, "W")
        else:
            watts = number(text) if self.in_watts else dbm_to_watts(number(text))
        if not bounds["MIN"] * (1 - 1e-9) <= watts <= bounds["MAX"] * (1 + 1e-9):
            raise ScpiError(-222)
        self._level = watts
        self.busy_for(self.source.set_level(watts))

    def _told_level(self, text: str) -> str:
        which = named(text)
        if text and not which:
            raise ScpiError(-224)
        possible = min(self._level, self.source.available(self.source.setting_now))
        watts = self._bounds()[which] if which else possible
        return LONG(watts if self.in_watts else watts_to_dbm(watts))

    def _set_unit(self, text: str) -> None:
        words = {"0": False, "DBM": False, "1": True, "W": True, "WATT": True}
        unit = words.get(text.upper())
        if unit is None:
            raise ScpiError(-224)
        self.in_watts = unit

    def set_wavelength(self, text: str) -> None:
        """Go to a wavelength, as a command says it. Raises `ScpiError` -221 during a sweep."""
        wavelength = self.metres(text)
        if self.sweep.under_way:
            raise ScpiError(-221)
        self.retune(wavelength)
