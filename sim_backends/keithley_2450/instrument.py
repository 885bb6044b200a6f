"""The instrument: source, meter, buffers and runs in SCPI, or a 2400 that it emulates."""

from __future__ import annotations

import math
from collections.abc import Callable

from sim_backends.engine.common import plain
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import arguments, boolean, choice
from sim_backends.engine.session import ScpiSession
from sim_backends.instrument import Door, OwnFault, without_value
from sim_backends.keithley_2400.instrument import Keithley2400
from sim_backends.source_measure.device import SourceMeasureDevice
from sim_backends.source_measure.load import Load
from sim_backends.source_measure.ranges import least_range
from sim_backends.source_measure.unit import Drive, Reading

from .buffers import Buffer, Buffers, Entry
from .ranges import AMPERES, VOLTS
from .runs import Run, TriggerModel, add_runs
from .saved import add_saved
from .sense import MOST_RELATIVE, OHMS, PATTERNS, Sense
from .session import Session2450, entry
from .source import Source
from .system import add_system

SOCKET_PORT, HISLIP_PORT = 5025, 4880
LANGUAGES = ("SCPI", "TSP", "SCPI2400")
COMMAND_SECONDS = 1e-3
"""What a reading takes besides its delays and conversions."""
INTERLOCK_VOLTS = 42.0
"""Above this the interlock must be closed, V."""
PROTECTION, READ_BACK, OVER_TEMPERATURE, LIMIT, FOUR_WIRE, OUTPUT_ON = 4, 8, 16, 32, 64, 128
"""Bits of the source status."""


class Keithley2450(SourceMeasureDevice):
    """A Model 2450. `load` is what its terminals are joined to.

    `language`: `SCPI`, or `SCPI2400`, in which it answers as a 2400 does; *LANG takes effect at the
    next power-on (`power_cycle`). All clients share its state.
    """

    dialect = Dialect(
        reply_end=b"\n", queue_depth=1000, stop_on_error=True, common_resets_path=False,
        no_error='0,"No error;0;0 0"', powers_on=True,
    )  # fmt: skip

    def __init__(
        self,
        now: Callable[[], float],
        load: Load,
        *,
        serial: str = "04488850",
        firmware: str = "1.7.3c",
        seed: int = 0,
        lead_ohms: float = 0.2,
        language: str = "SCPI",
    ) -> None:
        identity = f"KEITHLEY INSTRUMENTS,MODEL 2450,{serial},{firmware}"
        super().__init__(now, identity, load, (VOLTS, AMPERES), seed, lead_ohms)
        self.language = self._next_language = language
        self.emulated = Keithley2400(now, load, serial=serial, seed=seed, lead_ohms=lead_ohms)
        self.emulated.identity = self.identity
        self.interlock_closed = True
        settings, commands = self.settings, self.commands
        self.source = Source(
            commands, settings, self._drive_again, self._off_before("source"), self._tripped
        )
        self.sense = Sense(commands, settings, self.source, self.output_off)
        self.buffers = Buffers(commands, settings)
        self.triggers = TriggerModel(self.operations, self)
        sides = (self.source.volts, self.source.amperes)
        add_runs(commands, self.triggers, sides, self.buffers.named)
        self._add_output()
        self._add_measuring()
        add_system(commands, settings)
        self.saved = add_saved(self)
        for table in (commands, self.emulated.commands):
            table.add("*LANG", self._set_language)
            table.add("*LANG?", plain(lambda session: self.language))

    # -- doors ------------------------------------------------------------------------------------

    @property
    def doors(self) -> tuple[Door, ...]:
        """The raw socket, and USB-TMC or VXI-11 as a message-based link."""
        return (
            Door("tcp", SOCKET_PORT, self.converse),
            Door("message", HISLIP_PORT, self.converse, "USB-TMC, VXI-11"),
        )

    def converse(self, send: Callable[[bytes], None]) -> ScpiSession:
        """A new client, in the language that is set."""
        if self.language == "SCPI2400":
            return self.emulated.converse(send)
        session = Session2450(
            self.commands, self.dialect, send, self.advance, errors=self.errors, status=self.status,
            on_trigger=lambda session: self.trigger(),
        )  # fmt: skip
        session.now = self.now
        return session

    def power_cycle(self) -> None:
        """Off and on again: another language, and everything at its defaults."""
        self.language = self._next_language
        self.reset()
        self.emulated.reset()

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """Those of all units, and `power-cycle`."""
        return {**super().own_faults, "power-cycle": without_value(self.power_cycle)}

    def _open_interlock(self) -> None:
        self.interlock_closed = False
        if self.output and abs(self._drive().level) > INTERLOCK_VOLTS:
            self.output_off()

    def _overheat(self) -> None:
        self.hot = True
        self.triggers.abort()
        self.output_off()
        self.error(-240, "Hardware error; over-temperature")

    def _mend(self) -> None:
        self.hot, self.interlock_closed = False, True
        self.unit.mend()

    # -- state ------------------------------------------------------------------------------------

    def error(self, code: int, text: str | None = None) -> None:
        """Enter an event that no command caused."""
        super().error(code, entry(code, text, self.now()))

    def reset(self) -> None:
        """*RST."""
        self.triggers.abort()
        super().reset()
        for part in (self.source, self.sense, self.buffers):
            part.reset()
        self.triggers.load(None)
        self.output_off()

    @property
    def _limit(self) -> float:
        return self.settings.value("limit A" if self.source.side.volts else "limit V")

    def _drive(self, level: float | None = None, source_range: int | None = None) -> Drive:
        """What the source does now, or at another level; nothing with the output off."""
        settings, side = self.settings, self.source.side
        # a fixed range of the meter limits the source, too
        meter = self.sense.ranges["CURR" if side.volts else "VOLT"]
        if level is None:
            level = settings.value(f"level {side.unit}") if self.output else 0.0
        return Drive(
            volts=side.volts or not self.output,
            level=level,
            source_range=side.range.index if source_range is None else source_range,
            limit=min(self._limit, math.inf if meter.auto else meter.full),
            remote_sense=self.sense.remote_sense,
            clamp=side.clamp,
        )

    def _tripped(self, volts: bool) -> bool:
        """Whether that side sources and is at its limit."""
        if not self.output or self.source.side.volts != volts:
            return False
        return self.unit.limited(self._swept or self._drive())

    def _turn_on(self, most: float) -> None:
        """Refuse, or switch on; `most` volts will be sourced."""
        if self.hot:
            raise ScpiError(809, "Output blocked by over-temperature")
        if most > INTERLOCK_VOLTS and not self.interlock_closed:
            raise ScpiError(802, "Output blocked by interlock")
        self.output = True

    # -- commands ---------------------------------------------------------------------------------

    def _add_output(self) -> None:
        def switch(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            if boolean(arguments(text, 1, 1)[0]):
                side = self.source.side
                volts = self.settings.value("level V" if side.volts else "limit V")
                self._turn_on(abs(volts))
                self._drive_again()
            else:
                self.output_off()

        commands = self.commands
        commands.add("OUTPut[1][:STATe]", switch)
        commands.add("OUTPut[1][:STATe]?", plain(lambda session: str(int(self.output))))
        commands.add(
            "OUTPut[1]:INTerlock:TRIPped?",
            plain(lambda session: str(int(self.interlock_closed))),
        )
        self.settings.choice(
            "terminals", "ROUTe:TERMinals", ("FRONt", "REAR"), "FRONt",
            check=lambda _, word: self._off_before("terminals")(word),
        )  # fmt: skip

    def _add_measuring(self) -> None:
        commands = self.commands
        commands.add("READ?", lambda session, suffixes, text: self._read(text))
        commands.add("FETCh?", lambda session, suffixes, text: self._fetch(text))
        commands.add("MEASure?", lambda session, suffixes, text: self._read(text))
        for name, pattern in PATTERNS.items():
            commands.add(
                f"MEASure:{pattern}?",
                lambda session, suffixes, text, name=name: self._read(text, name),
            )
        commands.add("TRACe:TRIGger", lambda session, suffixes, text: self._read(text))
        for name, pattern in PATTERNS.items():
            commands.add(
                f"[SENSe[1]:]{pattern}:RELative:ACQuire",
                lambda session, suffixes, text, name=name: self._acquire(name),
            )

    def _acquire(self, function: str) -> Deferred:
        """Measure what readings are relative to from now on, where that is switched on.

        Raises `ScpiError` -221 for another function than the one that is measured.
        """
        if self.triggers.active or function != self.sense.function:
            raise ScpiError(-221)
        held, drive = Deferred(), self._drive()

        def taken() -> None:
            read = self._reading(drive)
            value, _ = self.sense.measured(read.volts, read.amperes)
            if abs(value) > MOST_RELATIVE[function]:  # an overflow is nothing to be relative to
                held.fail(ScpiError(-221))
                return
            self.settings[f"relative {function}"] = value
            held.resolve("")

        seconds = COMMAND_SECONDS + self.sense.seconds + self.source.side.settle
        self.operations.begin_for(seconds, taken)
        return held

    def _read(self, text: str, function: str | None = None) -> Deferred:
        """Measure SENSe:COUNt times into a buffer; the last of them is the answer."""
        if self.triggers.active:
            raise ScpiError(-221)
        if function is not None:
            self.settings["function"] = function
        held = Deferred()
        count = int(self.settings.value("count"))
        drive = self._drive()
        seconds = count * (COMMAND_SECONDS + self.sense.seconds) + self.source.side.settle
        answer = self.buffers.latest(
            text, lambda buffer: [self._enter(buffer, drive) for _ in range(count)][-1]
        )

        def taken() -> None:
            try:
                held.resolve(answer())
            except ScpiError as failure:
                held.fail(failure)

        self.operations.begin_for(seconds, taken)
        return held

    def _fetch(self, text: str) -> str | bytes:
        def latest(buffer: Buffer) -> Entry:
            if not buffer.entries:
                raise ScpiError(-230)
            return buffer.entries[-1]

        return self.buffers.latest(text, latest)()

    def _reading(self, drive: Drive) -> Reading:
        """What the meter sees, in V and A."""
        settings, sense = self.settings, self.sense
        volts_range, amperes_range = (
            None if sense.ranges[one].auto else sense.ranges[one].index for one in ("VOLT", "CURR")
        )
        if drive.volts:
            volts_range = drive.source_range if self.source.side.volts else volts_range
        else:
            amperes_range = drive.source_range
        nplc = settings.value(f"nplc {sense.function}") * sense.averages
        return self.unit.read(drive, nplc, volts_range, amperes_range)

    def _enter(self, buffer: Buffer, drive: Drive) -> Entry:
        """Take one reading."""
        settings, sense = self.settings, self.sense
        name = sense.function
        read = self._reading(drive)
        values = {"VOLT": read.volts, "CURR": read.amperes}
        values["RES"] = read.volts / read.amperes if read.amperes else math.inf
        if math.isfinite(values[name]):
            table = {"VOLT": VOLTS, "CURR": AMPERES, "RES": OHMS}[name]
            sense.followed[name] = least_range(table, values[name])
        side = self.source.side
        back = settings.on(f"read back {side.unit}")
        status = PROTECTION * read.clamped | READ_BACK * back | OVER_TEMPERATURE * self.hot
        status |= LIMIT * read.limited | FOUR_WIRE * drive.remote_sense | OUTPUT_ON * self.output
        seen = read.volts if side.volts else read.amperes
        found = Entry(
            *sense.shown(read.volts, read.amperes), seen if back else drive.level,
            "Volt DC" if side.volts else "Amp DC", status, 0, self.now(),
        )  # fmt: skip
        buffer.keep(found)
        return found

    def _set_language(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._next_language = choice(arguments(text, 1, 1)[0], LANGUAGES)

    # -- runs -------------------------------------------------------------------------------------

    def begin(self, run: Run) -> None:
        """A run begins with its buffer empty; a sweep turns the output on.

        Raises `ScpiError` -221 for a sweep of what is not sourced: its volts are no amperes.
        """
        if run.sweeps and run.volts != self.source.side.volts:
            raise ScpiError(-221)
        self.buffers.named(f'"{run.buffer}"').entries.clear()
        if run.sweeps:
            side = self.source.side
            top = max(map(abs, run.levels)) if side.volts else self.settings.value("limit V")
            self._turn_on(top)

    def step(self, run: Run, level: float | None) -> float:
        """The source takes a level; s until a reading is there."""
        side = self.source.side
        if level is None or run.volts != side.volts:
            self._swept = None
        else:
            at = side.range.index
            if not run.fixed_range:
                top = max(map(abs, run.levels)) if run.best_range else level
                at = least_range(side.ranges, top)
            self._swept = self._drive(level, at)
            self.unit.apply(self._swept)
        count = self.settings.value("count")
        return side.settle + count * (COMMAND_SECONDS + self.sense.seconds)

    def measure(self, run: Run) -> bool:
        """Readings go to the run's buffer; whether the source was below its limit."""
        buffer = self.buffers.named(f'"{run.buffer}"')
        drive = self._swept or self._drive()
        status = 0
        for _ in range(int(self.settings.value("count"))):
            status |= self._enter(buffer, drive).source_status
        return not status & LIMIT

    def end(self, run: Run) -> None:
        """A sweep turns the output off."""
        self._swept = None
        if run.sweeps:
            self.output_off()
