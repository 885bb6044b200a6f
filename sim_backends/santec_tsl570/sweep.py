"""Sweeps of a TSL-570: settings, triggers in and out, and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.writing import write_block
from sim_backends.tunable_source import watts_to_dbm
from sim_backends.wavelength_sweep import Floats, Phase, Sweeper, SweepPlan

from .declaring import SOURCE, Declaring

if TYPE_CHECKING:
    from .laser import SantecTsl570

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""nm/s."""
POINTS_MOST = 500_000
_NONE, _STOP, _START, _STEP = range(4)
_STATES = {
    Phase.IDLE: 0,
    Phase.RUNNING: 1,
    Phase.PAUSED: 1,
    Phase.WAITING: 3,
    Phase.PREPARING: 4,
    Phase.CLOSING: 1,
}
_RUN_UP = 0.01
"""m of the range's end that a sweep needs for each m/s, as s."""
Edges = Callable[[Floats], None]
"""Told of the edges (n,) at the trigger output, bench time in s, when a cycle has ended."""


class SantecSweep:
    """The sweep of one laser; `trigger_outputs` are told of what leaves the trigger output."""

    def __init__(self, laser: SantecTsl570, declare: Declaring) -> None:
        self._laser = laser
        self._declared = declare
        self._notation = laser.notation
        self.trigger_outputs: list[Edges] = []
        self._wavelengths = np.empty(0)
        self._dbm = np.empty(0)
        self.sweeper = Sweeper(
            laser.now,
            laser.operations,
            prepare=laser.source.tune,
            waits=self._waits,
            told=self._cycle_over,
            ended=laser.source.changed,
        )
        self._ends(declare)
        self._settings_of_sweep(declare)
        self._triggers(declare)
        self._readout(declare)

    @property
    def under_way(self) -> bool:
        """Whether a sweep prepares, waits or runs."""
        return self.sweeper.phase is not Phase.IDLE

    def trigger_in(self, rising: bool) -> None:
        """An edge at the trigger input."""
        wanted = self._declared.value("input polarity") == 0.0
        if rising is not wanted:
            return
        if self._declared.value("through"):
            self._send(np.array([self._laser.now()]))
        if self._declared.value("external"):
            self.sweeper.trigger()

    def _waits(self) -> bool:
        value = self._declared.value
        return bool(value("standby") or value("external"))

    def _refuse_while_sweeping(self, value: float = 0.0) -> None:
        if self.under_way:
            raise ScpiError(-221)

    # -- settings ---------------------------------------------------------------------------------

    def _ends(self, declare: Declaring) -> None:
        from .laser import LIGHT_SPEED  # the laser is built on this module

        notation, source = self._notation, self._laser.source
        low, high = source.low, source.high
        for name, pattern, default in (("start", "STARt", low), ("stop", "STOP", high)):

            def told(name: str = name) -> float:
                return self._declared.value(name)

            def keep(text: str, name: str = name) -> None:
                self._refuse_while_sweeping()
                hertz = notation.hertz(text)
                if not LIGHT_SPEED / high <= hertz <= LIGHT_SPEED / low:
                    raise ScpiError(-222)
                self._declared.keep(name, LIGHT_SPEED / hertz)

            def frequency(told: Callable[[], float] = told) -> float:
                return LIGHT_SPEED / told()

            waves = f"{SOURCE}WAVelength:SWEep:{pattern}"
            declare.with_units(waves, told, low, high, notation.metres_text)
            declare.number(
                name, waves, low, high, default, read=notation.metres,
                write=notation.metres_text, check=self._refuse_while_sweeping,
            )  # fmt: skip
            hertz = f"{SOURCE}[WAVelength:]FREQuency:SWEep:{pattern}"
            declare.with_units(
                hertz, frequency, LIGHT_SPEED / high, LIGHT_SPEED / low, notation.hertz_text
            )
            declare.pair(hertz, keep, lambda: "")
        ranges = f"{SOURCE}WAVelength:SWEep:RANGe"
        declare.query(f"{ranges}:MINimum", lambda: self._range(notation.metres_text, 0))
        declare.query(f"{ranges}:MAXimum", lambda: self._range(notation.metres_text, 1))
        ranges = f"{SOURCE}[WAVelength:]FREQuency:SWEep:RANGe"
        declare.query(
            f"{ranges}:MINimum",
            lambda: self._range(lambda wave: notation.hertz_text(LIGHT_SPEED / wave), 1),
        )
        declare.query(
            f"{ranges}:MAXimum",
            lambda: self._range(lambda wave: notation.hertz_text(LIGHT_SPEED / wave), 0),
        )
        span = high - low
        declare.with_units(
            f"{SOURCE}WAVelength:SWEep:STEP[:WIDTh]", lambda: self._declared.value("step"), 1e-13,
            span, notation.metres_text,
        )  # fmt: skip
        declare.number(
            "step", f"{SOURCE}WAVelength:SWEep:STEP[:WIDTh]", 1e-13, span + 1e-15, 1e-9,
            read=notation.metres, write=notation.metres_text, check=self._refuse_while_sweeping,
        )  # fmt: skip
        pattern = f"{SOURCE}[WAVelength:]FREQuency:SWEep:STEP[:WIDTh]"
        widest = LIGHT_SPEED / low - LIGHT_SPEED / high
        declare.with_units(
            pattern, lambda: self._declared.value("frequency step"), 2e7, widest,
            notation.hertz_text,
        )  # fmt: skip
        declare.number(
            "frequency step", pattern, 2e7, widest, 1e11, read=notation.hertz,
            write=notation.hertz_text, check=self._refuse_while_sweeping,
        )  # fmt: skip

    def sweep_range(self) -> tuple[float, float]:
        """What can be swept at the speed that is set, m."""
        source = self._laser.source
        margin = _RUN_UP * 1e-9 * self._declared.value("speed")
        return source.low + margin, source.high - margin

    def _range(self, write: Callable[[float], str], end: int) -> str | None:
        if self._laser.silent_range:
            return None
        return write(self.sweep_range()[end])

    def _settings_of_sweep(self, declare: Declaring) -> None:
        notation = self._notation
        head = f"{SOURCE}WAVelength:SWEep"
        declare.code("mode", f"{head}:MODe", (0, 1, 2, 3), 1, check=self._refuse_while_sweeping)
        declare.number(
            "speed", f"{head}:SPEed", SPEEDS[0], SPEEDS[-1], 100.0,
            read=notation.bare, write=notation.speed, check=self._check_speed,
        )  # fmt: skip
        for name, pattern in (("dwell", "DWELl"), ("delay", "DELay")):
            declare.number(
                name, f"{SOURCE}WAVelength:SWEep:{pattern}", 0.0, 999.9, 0.0,
                read=lambda text: round(notation.bare(text), 1),
                write=lambda value: notation.decimal(value, 1), check=self._refuse_while_sweeping,
            )  # fmt: skip
        declare.code(
            "cycles", f"{head}:CYCLes", tuple(range(1000)), 1, check=self._refuse_while_sweeping
        )
        declare.query(f"{head}:COUNt", lambda: notation.whole(self.sweeper.cycles_done))
        declare.pair(
            f"{head}[:STATe]", self._set_state, lambda: notation.whole(_STATES[self.sweeper.phase])
        )
        declare.action(f"{head}[:STATe]:REPeat", self._repeat)

    def _check_speed(self, value: float) -> None:
        if value not in SPEEDS:
            raise ScpiError(-222)
        self._refuse_while_sweeping()

    def _set_state(self, text: str) -> None:
        value = self._notation.bare(text)
        if value == 0.0:
            self.sweeper.stop()
        elif value == 1.0:
            self._begin(1, 0.0)
        else:
            raise ScpiError(-222)

    def _repeat(self) -> None:
        value = self._declared.value
        self._begin(int(value("cycles")), value("delay"))

    def _begin(self, cycles: int, pause: float) -> None:
        value, source = self._declared.value, self._laser.source
        self._refuse_while_sweeping()
        low, high = self.sweep_range()
        ends = (value("start"), value("stop"))
        mode = int(value("mode"))
        stepped = mode in (0, 2)
        if not stepped and not (low - 1e-15 <= min(ends) and max(ends) <= high + 1e-15):
            raise ScpiError(-221)
        if ends[0] == ends[1]:
            raise ScpiError(-221)
        if not source.diode or (self._waits() and not source.shutter_open):
            raise ScpiError(-200)
        plan = SweepPlan(
            *ends,
            speed=1e-9 * value("speed"),
            mark=value("step" if stepped else "trigger step"),
            stepped=stepped,
            dwell=value("dwell"),
            both_ways=mode >= 2,
        )
        self._wavelengths = self._dbm = np.empty(0)
        self.sweeper.start(plan, cycles, pause)

    # -- triggers ---------------------------------------------------------------------------------

    def _triggers(self, declare: Declaring) -> None:
        for name, pattern in (
            ("external", "TRIGger:INPut:EXTernal"),
            ("input polarity", "TRIGger:INPut[:EXTernal]:ACTive"),
            ("standby", "TRIGger:INPut:STANdby"),
            ("output polarity", "TRIGger:OUTPut:ACTive"),
            ("setting", "TRIGger:OUTPut:SETTing"),
            ("through", "TRIGger:THRough"),
        ):
            declare.code(name, pattern, (0, 1), 0)
        declare.code("output", "TRIGger:OUTPut", (0, 1, 2, 3), 0)
        declare.action("TRIGger:INPut:SOFTtrigger", self._soft_trigger)
        notation = self._notation
        span = self._laser.source.high - self._laser.source.low
        declare.with_units(
            "TRIGger:OUTPut:STEP[:WIDTh]", lambda: self._declared.value("trigger step"), 1e-13,
            span, notation.metres_text,
        )  # fmt: skip
        declare.number(
            "trigger step", "TRIGger:OUTPut:STEP[:WIDTh]", 1e-13, span + 1e-15, 1e-9,
            read=notation.metres, write=notation.metres_text, check=self._refuse_while_sweeping,
        )  # fmt: skip

    def _soft_trigger(self) -> None:
        if not self._laser.source.shutter_open:
            raise ScpiError(-200)
        if not self.sweeper.trigger():
            raise ScpiError(-211)

    def _send(self, times: Floats) -> None:
        for told in self.trigger_outputs:
            told(times)

    def _cycle_over(self, times: Floats, wavelengths: Floats, left: float) -> None:
        source = self._laser.source
        source.leave_at(left)
        self._declared.keep("wavelength", left)
        output = int(self._declared.value("output"))
        now = self._laser.now()
        if output == _STEP:
            self._send(times)
            spread = 1.5e-12 if self._declared.value("setting") else 3e-13
            room = max(POINTS_MOST - self._wavelengths.size, 0)
            logged = source.logged(wavelengths, spread)[:room]
            power = source.power_inside
            self._wavelengths = np.concatenate([self._wavelengths, logged])
            self._dbm = np.concatenate(
                [self._dbm, [watts_to_dbm(max(source.noisy(power), 1e-9)) for _ in logged]]
            )
        elif output == _START:
            self._send(times[:1])
        elif output == _STOP:
            self._send(np.array([now]))

    # -- the log ----------------------------------------------------------------------------------

    def _readout(self, declare: Declaring) -> None:
        head = f"{SOURCE}READout"
        declare.query(f"{head}:POINts", lambda: self._notation.whole(self._wavelengths.size))
        declare.query(f"{head}:DATa", self._data)
        declare.query(f"{head}:DATa:POWer", self._power_data)

    def _data(self) -> bytes:
        self._refuse_stale()
        if self._notation.scpi:
            return write_block(self._wavelengths.astype("<f8").tobytes())
        return write_block(np.rint(self._wavelengths / 1e-13).astype("<i4").tobytes())

    def _power_data(self) -> bytes:
        self._refuse_stale()
        return write_block(self._dbm.astype("<f4").tobytes())

    def _refuse_stale(self) -> None:
        if self.under_way:
            raise ScpiError(-230)
