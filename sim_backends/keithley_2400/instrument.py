"""The instrument: source and meters joined by the trigger model, over GPIB and RS-232."""

from __future__ import annotations

import math
from collections.abc import Callable

from sim_backends.engine.common import plain
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import arguments, boolean
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.status import PON
from sim_backends.instrument import Door
from sim_backends.source_measure.device import SourceMeasureDevice
from sim_backends.source_measure.load import Load
from sim_backends.source_measure.ranges import least_range
from sim_backends.source_measure.unit import Drive

from . import system
from .cycle import cycle_seconds, made
from .limits import Limits
from .measuring import Measuring, add_measuring
from .ranges import AMPERES, VOLTS
from .readings import Buffer, DataFormat, Reading
from .saved import add_saved
from .sense import OHMS, TEST_CURRENTS, Sense
from .session import HoldingTable, SerialSession2400, Session2400
from .source import Source
from .trigger import TriggerModel, add_trigger


class Keithley2400(SourceMeasureDevice):
    """A Model 2400 in SCPI. `load` is what its terminals are joined to.

    `line_end` ends replies. `output_enable` is the rear panel's interlock line, which counts where
    OUTPut:ENABle is on. All clients share its state.
    """

    dialect = Dialect(
        reply_end=b"\n", queue_depth=10, stop_on_error=True, common_resets_path=False,
        error_entry='{code:+d},"{text}"', powers_on=True, blocks_in=False,
        identity_ends=True,
    )  # fmt: skip

    def __init__(
        self,
        now: Callable[[], float],
        load: Load,
        *,
        serial: str = "1234567",
        firmware: str = "C34   Feb 14 2012 11:59:45/A02  /J/H",
        seed: int = 0,
        lead_ohms: float = 0.2,
        line_end: bytes = b"\n",
    ) -> None:
        identity = f"KEITHLEY INSTRUMENTS INC.,MODEL 2400,{serial},{firmware}"
        super().__init__(now, identity, load, (VOLTS, AMPERES), seed, lead_ohms)
        self.status = self.registers = system.Status2400(PON)
        self.line_end = line_end
        self.output_enable = True
        self._born = 0.0
        self._sampled: list[Reading] = []
        self._levels: list[float] = [0.0]
        settings, commands = self.settings, self.commands
        self.source = Source(
            commands, settings, self._drive_again, self._off_before("source"), self._clamped
        )
        self.sense = Sense(commands, settings, self.source, self._drive_again, self._tripped)
        self.format = DataFormat(
            commands, settings, lambda session: not isinstance(session, SerialSession2400)
        )
        self.buffer = Buffer(commands, settings, self.format, self._filled)
        self.limits = Limits(
            commands, settings, self.format, self.registers.measurement, lambda: self._sampled
        )
        add_trigger(settings)
        system.add_system(commands, settings, self, lambda session: self.registers.measurement)
        self.triggers = TriggerModel(settings, self.operations, self)
        self._table = HoldingTable(
            commands, lambda: self.triggers.active, self.operations.when_idle
        )
        self._add_output()
        add_measuring(
            commands,
            Measuring(
                self._initiate, self.triggers.abort, self._read, self._fetch,
                lambda: self.sense.told, self._configure, self._measure,
            ),
        )  # fmt: skip
        self.saved = add_saved(self)

    # -- doors ------------------------------------------------------------------------------------

    @property
    def doors(self) -> tuple[Door, ...]:
        """RS-232, and GPIB as a message-based link."""
        return (
            Door("serial", None, self.converse_serially, "RS-232"),
            Door("message", 4880, self.converse, "GPIB"),
        )

    def converse(self, send: Callable[[bytes], None]) -> Session2400:
        """A client on GPIB."""
        return self._session(Session2400, send)

    def converse_serially(self, send: Callable[[bytes], None]) -> Session2400:
        """A client on RS-232, where there is no binary data."""
        end = self.line_end
        return self._session(SerialSession2400, lambda data: send(data[:-1] + end))

    def _session(self, kind: type[Session2400], send: Callable[[bytes], None]) -> Session2400:
        session = kind(
            self._table, self.dialect, send, self.advance, errors=self.errors, status=self.status,
            on_trigger=lambda session: self.trigger(),
        )  # fmt: skip
        session.abort = self.triggers.abort
        session.register_text = self.format.register
        return session

    def _open_interlock(self) -> None:
        self.output_enable = False
        if self.settings.on("output enable"):
            self.output_off()

    def _overheat(self) -> None:
        """It switches itself off until it has cooled."""
        self.hot = True
        self.triggers.abort()
        self.output_off()
        self.registers.measurement.set(system.OVER_TEMPERATURE, True)

    def _mend(self) -> None:
        self.hot, self.output_enable = False, True
        self.registers.measurement.set(system.OVER_TEMPERATURE, False)
        self.unit.mend()

    # -- state ------------------------------------------------------------------------------------

    def reset(self) -> None:
        """*RST: idle, output off, defaults."""
        self.triggers.abort()
        super().reset()
        for part in (self.source, self.sense, self.format, self.buffer, self.limits):
            part.reset()
        self.output_off()

    def preset(self) -> None:
        """SYSTem:PRESet: as *RST, with the bench's byte order."""
        self.reset()
        self.settings["byte order"] = "SWAP"

    def trigger(self) -> None:
        """*TRG or a group execute trigger."""
        self.triggers.event("BUS")

    def elapsed(self) -> float:
        """The timestamp timer, s."""
        return self.now() - self._born

    def restart_timer(self) -> None:
        """The timestamp timer starts from 0."""
        self._born = self.now()

    @property
    def _compliance(self) -> float:
        """The limit that is set: A where V is sourced, V where A is."""
        return abs(self.settings.value("limit A" if self.source.side.volts else "limit V"))

    def _drive(self, level: float | None = None, source_range: int | None = None) -> Drive:
        """What the source does now, or at another level."""
        settings = self.settings
        side = self.source.side
        unit = "V" if side.volts else "A"
        # a fixed range of the meter limits the source, too ("range compliance")
        meter = self.sense.amperes if side.volts else self.sense.volts
        return Drive(
            volts=side.volts,
            level=settings.value(f"level {unit}") if level is None else level,
            source_range=side.range.index if source_range is None else source_range,
            limit=min(self._compliance, math.inf if meter.auto else meter.full),
            remote_sense=settings.on("remote sense"),
            clamp=self.source.clamp,
        )

    def _tripped(self, volts: bool) -> bool:
        """Whether the source is at its limit of V (when it sources A), or of A."""
        if not self.output or self.source.side.volts == volts:
            return False
        return self.unit.limited(self._swept or self._drive())

    def _clamped(self) -> bool:
        """Whether the over-voltage protection holds the volts."""
        return self.output and self.unit.clamped(self._swept or self._drive())

    def _check_enabled(self) -> None:
        if self.hot:
            raise ScpiError(809, "OUTPUT blocked by over-temp")
        if self.settings.on("output enable") and not self.output_enable:
            raise ScpiError(802, "OUTPUT blocked by output enable")

    def _turn_on(self) -> None:
        self._check_enabled()
        self.output = True
        self._drive_again()

    # -- commands ---------------------------------------------------------------------------------

    def _add_output(self) -> None:
        commands, settings = self.commands, self.settings

        def switch(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            if boolean(arguments(text, 1, 1)[0]):
                self._turn_on()
            else:
                self.output_off()

        commands.add("OUTPut[1][:STATe]", switch)
        commands.add("OUTPut[1][:STATe]?", plain(lambda session: str(int(self.output))))
        settings.choice(
            "off state", "OUTPut[1]:SMODe", ("HIMPedance", "NORMal", "ZERO", "GUARd"), "NORMal"
        )
        settings.boolean("output enable", "OUTPut[1]:ENABle[:STATe]", False)
        commands.add(
            "OUTPut[1]:ENABle:TRIPped?", plain(lambda session: str(int(not self.output_enable)))
        )
        commands.add("SOURce[1]:CLEar[:IMMediate]", plain(lambda session: self.output_off()))

    def _configure(self, function: str) -> None:
        self.triggers.abort()
        self.sense.select(function)
        for count in ("arm count", "trigger count"):
            self.settings[count] = 1.0
        for layer in ("arm source", "trigger source"):
            self.settings[layer] = "IMM"
        self.settings["trigger delay"] = 0.0
        self.buffer.storing = False
        self._turn_on()

    def _measure(self, function: str | None = None) -> Reply:
        if function is not None:
            self._configure(function)
        else:
            self._turn_on()
        return self._read()

    def _initiate(self, then: Callable[[bool], None] | None = None) -> None:
        if not (self.output or self.settings.on("auto clear")):
            raise ScpiError(803, "Not permitted with OUTPUT off")
        if self.settings.on("auto clear"):
            self._check_enabled()
        if math.isinf(self.settings.value("arm count")) and then is not None:
            raise ScpiError(830, "Invalid with INFinite ARM:COUNT")
        self._levels = self.source.side.levels()
        self._sampled = []
        self.limits.begin()
        if self.settings.on("timer restarts"):
            self.restart_timer()
        operation = self.registers.operation
        operation.set(system.IDLE, False)
        operation.set(system.SWEEPING, len(self._levels) > 1)
        self.triggers.begin(then)

    def _read(self) -> Deferred:
        held = Deferred()

        def ended(completed: bool) -> None:
            if completed:
                held.resolve(self.format.write(self._sampled))
            else:
                held.fail(ScpiError(-410))

        self._initiate(ended)
        return held

    def _fetch(self, *, last: bool = False) -> Reply:
        if not self._sampled:
            raise ScpiError(-230)
        return self.format.write(self._sampled[-1:] if last else self._sampled)

    # -- cycles of the trigger model --------------------------------------------------------------

    def begin_cycle(self, index: int) -> float:
        """The source takes its level; s until the reading is there."""
        self.output = True  # with auto clear it comes on here
        if self.sense.auto_ohms:
            at = self.sense.followed["OHM"] if self.sense.ohms.auto else self.sense.ohms.index
            current = TEST_CURRENTS[at]
            self._swept = Drive(
                False, current, least_range(AMPERES, current), OHMS[at].full * current,
                self.settings.on("remote sense"),
            )  # fmt: skip
        else:
            level = self._levels[index % len(self._levels)]
            at = self.source.side.range_of(level, self._levels)
            self._swept = self._drive(level, at)
        self.unit.apply(self._swept)
        return self.source.settle + cycle_seconds(self.settings, self.sense)

    def end_cycle(self, index: int) -> bool:
        """Take the reading; whether to go on."""
        assert self._swept is not None
        drive = self._swept
        settings, sense = self.settings, self.sense
        repeats = settings.value("filter count") if settings.on("filter") else 1.0
        # what is sourced is measured on the source's range
        volts_range = None if sense.volts.auto else sense.volts.index
        amperes_range = None if sense.amperes.auto else sense.amperes.index
        if drive.volts:
            volts_range = drive.source_range
        else:
            amperes_range = drive.source_range
        if sense.auto_ohms:
            volts_range = amperes_range = None
        read = self.unit.read(drive, settings.value("nplc") * repeats, volts_range, amperes_range)
        sense.follow(read.volts, read.amperes)
        reading = made(read, drive, sense, settings, self.elapsed(), self._compliance)
        reading = self.limits.judge(reading, read.limited)
        self._sampled.append(reading)
        events = self.registers.measurement
        told = (
            (system.READING, True),
            (system.COMPLIANCE, read.limited),
            (system.CLAMPED, read.clamped),
        )
        for bit, on in told:
            events.set(bit, False)
            events.set(bit, on)
        self.buffer.keep(reading)
        clear = settings.word("auto clear mode") == "ALW"
        if settings.on("auto clear") and clear:
            self.output_off()
        swept = len(self._levels) > 1
        return not (swept and read.limited and settings.word("compliance abort") != "NEV")

    def ended(self) -> None:
        """Idle: the source is back at its own level."""
        self._swept = None
        operation = self.registers.operation
        operation.set(system.SWEEPING, False)
        operation.set(system.IDLE, True)
        if self.settings.on("auto clear") and self.output:
            self.output_off()
        self._drive_again()

    def waits(self, arm: bool | None) -> None:
        """It waits in the arm layer, in the trigger layer, or no more."""
        operation = self.registers.operation
        operation.set(system.WAITING_ARM, arm is True)
        operation.set(system.WAITING_TRIGGER, arm is False)

    def _filled(self, full: bool) -> None:
        events = self.registers.measurement
        events.set(system.BUFFER_AVAILABLE, len(self.buffer.readings) >= 2)
        events.set(system.BUFFER_FULL, full)
