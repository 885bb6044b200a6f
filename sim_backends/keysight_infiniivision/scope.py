"""The oscilloscope: channels, time base, trigger, memory, states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sim_backends.engine.common import plain, store
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import arguments, choice, number
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.writing import nr1_signed, nr3
from sim_backends.instrument import Door
from sim_backends.oscilloscope.acquisition import Acquisition, Plan, Record
from sim_backends.oscilloscope.front_end import Channel
from sim_backends.oscilloscope.inputs import EXTERNAL, DecayingSine, Inputs

from .box import add_box
from .models import MODELS, MOST_PRECISE, rate_step
from .waveform import Waveform

Suffixes = tuple[int, ...]
SHORT = nr3(5)
DIVISIONS = 10
REFERENCES = {"LEFT": 0.1, "CENT": 0.5, "RIGH": 0.9}
RUNNING, WAITING = 8, 32
"""Bits of the operation condition register."""
LOOK_EVERY = 1e-3
"""s between two looks for an edge that is not known yet, while commands are held by a DIGitize."""


class KeysightInfiniivision(ScpiDevice):
    """An oscilloscope as it is switched on: running, automatic sweep, input 1 shown."""

    dialect = Dialect(
        reply_end=b"\n", queue_depth=30, no_error='+0,"No error"',
        error_entry='{code:+d},"{text}"', powers_on=True, input_limit=1 << 22,
    )  # fmt: skip

    def __init__(
        self,
        now: Callable[[], float],
        inputs: Inputs | None = None,
        *,
        model: str = "DSOX1102G",
        serial: str = "CN00000001",
        firmware: str = "01.20.2019061038",
        seed: int = 0,
    ) -> None:
        """`inputs`: what it is joined to; nothing given is a decaying sine, triggered again and
        again.
        """
        super().__init__(now, f"KEYSIGHT TECHNOLOGIES,{model},{serial},{firmware}")
        self.model = MODELS[model]
        self.seed = seed
        self.inputs = DecayingSine(now) if inputs is None else inputs
        self.acquisition = Acquisition(now, self.inputs, self.plan)
        self._channels()
        self._external()
        self._time_base()
        self._acquire()
        self._trigger()
        self._control()
        self.waveform = Waveform(self)
        if self.model.generator:
            self.settings.boolean("output", "WGEN[1]:OUTPut", False)
        add_box(self)
        self._idle = True

    @property
    def doors(self) -> tuple[Door, ...]:
        """Raw TCP, and HiSLIP, VXI-11 or USB-TMC as messages."""
        return (
            Door("tcp", 5025, self.converse),
            Door("message", 4880, self.converse, "stands for VXI-11 and USB-TMC too"),
        )

    def advance(self) -> None:
        """Bring the acquisition up to the present; the first time it begins to run."""
        if self._idle:
            self._idle = False
            self.acquisition.start(single=False)
        self.acquisition.advance()
        self._condition()

    def reset(self) -> None:
        """*RST: everything as it was switched on, and stopped."""
        super().reset()
        self.settings["display", 1] = True
        self._probes = dict.fromkeys(self._probes, 1.0)
        self.waveform.asked = 1000
        self.acquisition.stop()
        self.acquisition.discard()

    def query(self, pattern: str, tell: Callable[[str], Reply]) -> None:
        """Enter a query that takes a parameter at most."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
            return tell(arguments(text, 0, 1)[0] if text.strip() else "")

        self.commands.add(f"{pattern}?", run)

    def action(self, pattern: str, act: Callable[[], None]) -> None:
        """Enter a command without parameter."""
        self.commands.add(pattern, plain(lambda session: act()))

    # -- how it is set ----------------------------------------------------------------------------

    def channel(self, number: int) -> Channel:
        """An input as it is set now."""
        return Channel(
            number,
            self.settings.value("scale", number),
            self.settings.value("probe", number),
            self.settings.word("coupling", number),
            self.settings.on("invert", number),
        )

    @property
    def in_use(self) -> int:
        """Inputs that are shown."""
        return sum(self.settings.on("display", n) for n in range(1, self.model.inputs + 1))

    def quieter(self, record: Record) -> float:
        """By how much high resolution lessens the noise."""
        if self.settings.word("acquire type") != "HRES":
            return 1.0
        return max(1.0, self.model.fastest / record.plan.rate) ** 0.5

    def plan(self) -> Plan:
        """How an acquisition that starts now is done."""
        span = self.settings.value("time range")
        kind = self.settings.word("acquire type")
        shared = 2 if self.in_use > 1 else 1
        segments = self._segments()
        memory = self.model.memory / shared / segments
        if kind in ("AVER", "HRES"):
            memory = min(memory, MOST_PRECISE)
        fastest = self.model.fastest / shared
        rate = fastest if fastest * span <= memory else rate_step(memory / span)
        points = max(1, round(rate * span))
        reference = REFERENCES[self.settings.word("reference")]
        slopes = {"POS": (True,), "NEG": (False,), "EITH": (True, False), "ALT": (True, False)}
        source = self._source()
        return Plan(
            points / span, points, round(points * reference), source, self._level(source),
            slopes[self.settings.word("slope")], delay=self.settings.value("position"),
            automatic=self.settings.word("sweep") == "AUTO",
            holdoff=self.settings.value("holdoff"),
            count=round(self.settings.value("averages")) if kind == "AVER" else 1,
            segments=segments,
        )  # fmt: skip

    def _segments(self) -> int:
        if self.settings.word("acquire mode") != "SEGM":
            return 1
        return round(self.settings.value("segments"))

    def _source(self) -> int:
        source = self.settings.word("source")
        return int(source[-1]) if source.startswith("CHAN") else EXTERNAL

    def _level(self, source: int) -> float:
        """The trigger level in V at the connector."""
        level = self.settings.value("level", source)
        if source == EXTERNAL:
            return level / self.settings.value("external probe")
        level = -level if self.settings.on("invert", source) else level
        return level / self.settings.value("probe", source)

    def _changed(self) -> None:
        """What concerns the acquisition was changed: what runs begins anew."""
        if not self._idle and self.acquisition.running:
            self.acquisition.start(single=self.acquisition.single)

    # -- commands ---------------------------------------------------------------------------------

    def _channels(self) -> None:
        settings = self.settings
        ranges = ((1, self.model.inputs),)

        def probe(suffixes: Suffixes) -> float:
            return settings.value("probe", *suffixes)

        def changed(_: Suffixes) -> None:
            self._changed()

        settings.boolean("display", "CHANnel#:DISPlay", False, ranges=ranges, changed=changed)
        settings["display", 1] = True
        settings.choice(
            "coupling", "CHANnel#:COUPling", ("AC", "DC"), "DC", ranges=ranges, changed=changed
        )
        settings.choice("impedance", "CHANnel#:IMPedance", ("ONEMeg",), "ONEMeg", ranges=ranges)
        settings.number(
            "probe", "CHANnel#:PROBe", 0.1, 10_000.0, 1.0, ranges=ranges, form=nr3(3),
            changed=self._probed,
        )  # fmt: skip
        self._probes = dict.fromkeys(range(1, self.model.inputs + 1), 1.0)
        settings.number(
            "scale", "CHANnel#:SCALe", lambda s: 1e-3 * probe(s), lambda s: 5.0 * probe(s),
            lambda s: 5.0 * probe(s), unit="V", form=SHORT, ranges=ranges, changed=changed,
        )  # fmt: skip
        self.pair(
            "CHANnel#:RANGe", "V", ranges,
            lambda s: 8.0 * settings.value("scale", *s),
            lambda s, value: self._set_scale(s, value / 8.0),
        )  # fmt: skip

        def farthest(suffixes: Suffixes) -> float:
            factor = probe(suffixes)
            return factor * (2.0 if settings.value("scale", *suffixes) < 0.2 * factor else 50.0)

        settings.number(
            "offset", "CHANnel#:OFFSet", lambda s: -farthest(s), farthest, 0.0, unit="V",
            form=SHORT, ranges=ranges, changed=changed,
        )  # fmt: skip
        settings.boolean("bandwidth", "CHANnel#:BWLimit", False, ranges=ranges)
        settings.boolean("invert", "CHANnel#:INVert", False, ranges=ranges, changed=changed)
        settings.choice("units", "CHANnel#:UNITs", ("VOLT", "AMPere"), "VOLT", ranges=ranges)
        settings.number(
            "skew", "CHANnel#:PROBe:SKEW", -100e-9, 100e-9, 0.0, unit="S", form=nr3(2),
            ranges=ranges,
        )  # fmt: skip
        settings.text("label", "CHANnel#:LABel", ranges=ranges)

        def whole(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
            (n,) = suffixes
            names = (
                ("OFFS", "offset", SHORT), ("PROB", "probe", nr3(3)), ("PROB:SKEW", "skew", nr3(2)),
            )  # fmt: skip
            numbers = {name: form(settings.value(key, n)) for name, key, form in names}
            flags = {
                name: "1" if settings.on(key, n) else "0"
                for name, key in (("DISP", "display"), ("BWL", "bandwidth"), ("INV", "invert"))
            }
            label = settings.word("label", n) or str(n)
            return (
                f":CHAN{n}:RANG {SHORT(8.0 * settings.value('scale', n))};OFFS {numbers['OFFS']};"
                f"COUP {settings.word('coupling', n)};IMP {settings.word('impedance', n)};"
                f"DISP {flags['DISP']};BWL {flags['BWL']};INV {flags['INV']};"
                f'LAB "{label}";UNIT {settings.word("units", n)};PROB {numbers["PROB"]};'
                f"PROB:SKEW {numbers['PROB:SKEW']};STYP SING"
            )

        self.commands.add("CHANnel#?", whole, ranges)

    def pair(
        self,
        pattern: str,
        unit: str,
        ranges: tuple[tuple[int, int], ...],
        tell: Callable[[Suffixes], float],
        keep: Callable[[Suffixes, float], None],
    ) -> None:
        """A number that is another one in other words."""
        self.commands.add(
            pattern,
            lambda session, suffixes, text: keep(suffixes, number(arguments(text, 1, 1)[0], unit)),
            ranges,
        )
        self.commands.add(
            f"{pattern}?", lambda session, suffixes, text: SHORT(tell(suffixes)), ranges
        )

    def _set_scale(self, suffixes: Suffixes, value: float) -> None:
        probe = self.settings.value("probe", *suffixes)
        if not 1e-3 * probe <= value <= 5.0 * probe:
            raise ScpiError(-222)
        self.settings["scale", suffixes[0]] = value
        self._changed()

    def _probed(self, suffixes: Suffixes) -> None:
        """Scale, offset and level go with the probe's factor."""
        (n,) = suffixes
        new = self.settings.value("probe", n)
        factor, self._probes[n] = new / self._probes[n], new
        scale = self.settings.value("scale", n)
        # The scale's default goes with the factor by itself.
        if abs(scale - 5.0 * new) > 1e-12 * scale:
            self.settings["scale", n] = scale * factor
        for name in ("offset", "level"):
            self.settings[name, n] = self.settings.value(name, n) * factor
        self._changed()

    def _external(self) -> None:
        settings = self.settings
        settings.number("external probe", "EXTernal:PROBe", 0.1, 10_000.0, 1.0, form=nr3(3))
        settings.number("external range", "EXTernal:RANGe", 1.6, 8.0e4, 8.0, unit="V", form=nr3(0))
        settings.choice("external units", "EXTernal:UNITs", ("VOLT", "AMPere"), "VOLT")
        settings.boolean("external bandwidth", "EXTernal:BWLimit", False)

    def _time_base(self) -> None:
        settings = self.settings
        settings.number(
            "time range", "TIMebase[:MAIN]:RANGe", 2e-8, 500.0, 1e-3, unit="S", form=SHORT,
            changed=lambda _: self._changed(),
        )  # fmt: skip

        def keep(_: Suffixes, value: float) -> None:
            if not 2e-9 <= value <= 50.0:
                raise ScpiError(-222)
            settings["time range"] = DIVISIONS * value
            self._changed()

        self.pair(
            "TIMebase[:MAIN]:SCALe", "S", (),
            lambda _: settings.value("time range") / DIVISIONS, keep,
        )  # fmt: skip
        settings.number(
            "position", "TIMebase:POSition", -500.0, 500.0, 0.0, unit="S", form=SHORT,
            changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.choice(
            "reference", "TIMebase:REFerence", ("LEFT", "CENTer", "RIGHt"), "CENTer",
            changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.choice("time mode", "TIMebase:MODE", ("MAIN", "WINDow", "XY", "ROLL"), "MAIN")
        self.query(
            "TIMebase",
            lambda _: (
                f":TIM:MODE {settings.word('time mode')};REF {settings.word('reference')};"
                f"MAIN:RANG {SHORT(settings.value('time range'))};"
                f"POS {SHORT(settings.value('position'))}"
            ),
        )

    def _acquire(self) -> None:
        settings = self.settings

        def changed(_: Suffixes) -> None:
            self._changed()

        settings.choice(
            "acquire type", "ACQuire:TYPE", ("NORMal", "AVERage", "HRESolution", "PEAK"), "NORMal",
            changed=changed, check=self._check_type,
        )  # fmt: skip
        settings.number(
            "averages", "ACQuire:COUNt", 2, 65536, 8, whole=True, form=nr1_signed, changed=changed
        )
        settings.number("complete", "ACQuire:COMPlete", 100, 100, 100, whole=True, form=nr1_signed)
        modes = ("RTIMe", "SEGMented") if self.model.segmented else ("RTIMe",)
        settings.choice(
            "acquire mode", "ACQuire:MODE", modes, "RTIMe", changed=changed, check=self._check_mode
        )
        if self.model.segmented:
            settings.number(
                "segments", "ACQuire:SEGMented:COUNt", 2, 1000, 2, whole=True, form=nr1_signed,
                changed=changed,
            )  # fmt: skip
        settings.number(
            "segment", "ACQuire:SEGMented:INDex", 1,
            lambda _: max(1, len(self.acquisition.records)), 1, whole=True, form=nr1_signed,
        )  # fmt: skip
        self.query("ACQuire:SRATe", lambda _: SHORT(self._planned().rate))
        self.query("ACQuire:POINts", lambda _: nr1_signed(self._planned().points))

    def _planned(self) -> Plan:
        records = self.acquisition.records
        return records[-1].plan if records and not self.acquisition.running else self.plan()

    def _check_type(self, suffixes: Suffixes, word: str) -> None:
        if word == "AVER" and self._segments() > 1:
            raise ScpiError(-221)

    def _check_mode(self, suffixes: Suffixes, word: str) -> None:
        if word == "SEGM" and self.settings.word("acquire type") == "AVER":
            raise ScpiError(-221)

    def _trigger(self) -> None:
        settings = self.settings
        settings.choice("trigger mode", "TRIGger:MODE", ("EDGE", "GLITch", "PATTern", "TV"), "EDGE")
        inputs = tuple(f"CHANnel{n}" for n in range(1, self.model.inputs + 1))
        self._sources = (*inputs, "EXTernal")

        def changed(_: Suffixes) -> None:
            self._changed()

        settings.choice(
            "source", "TRIGger[:EDGE]:SOURce", (*self._sources, "LINE", "WGEN"), "CHANnel1",
            changed=changed,
        )  # fmt: skip
        settings.choice(
            "slope", "TRIGger[:EDGE]:SLOPe", ("POSitive", "NEGative", "EITHer", "ALTernate"),
            "POSitive", changed=changed,
        )  # fmt: skip
        settings.choice(
            "trigger coupling", "TRIGger[:EDGE]:COUPling", ("DC", "AC", "LFReject"), "DC"
        )
        settings.choice("sweep", "TRIGger:SWEep", ("AUTO", "NORMal"), "AUTO", changed=changed)
        settings.number(
            "holdoff", "TRIGger:HOLDoff", 40e-9, 10.0, 40e-9, unit="S", form=SHORT, changed=changed
        )
        settings.boolean("noise reject", "TRIGger:NREJect", False)
        settings.boolean("high frequency reject", "TRIGger:HFReject", False)
        # Each source keeps a level of its own; 0 is the external input.
        settings.number(
            "level", "TRIGger:LEVel:SOURce#", self._lowest, self._highest, 0.0, unit="V",
            form=SHORT, ranges=((0, self.model.inputs),),
        )  # fmt: skip
        self.commands.add("TRIGger[:EDGE]:LEVel", self._set_level)
        self.commands.add(
            "TRIGger[:EDGE]:LEVel?",
            lambda session, suffixes, text: SHORT(
                settings.value("level", self._level_source(arguments(text, 0, 1) if text else []))
            ),
        )

    def _lowest(self, suffixes: Suffixes) -> float:
        return self._around(*suffixes)[0]

    def _highest(self, suffixes: Suffixes) -> float:
        return self._around(*suffixes)[1]

    def _around(self, source: int) -> tuple[float, float]:
        """Lowest and highest trigger level of a source: 6 divisions from the screen's middle."""
        if source == EXTERNAL:
            most = self.settings.value("external range")
            return -most, most
        middle = self.settings.value("offset", source)
        reach = 6.0 * self.settings.value("scale", source)
        return middle - reach, middle + reach

    def _level_source(self, words: list[str]) -> int:
        if not words:
            return self._source()
        word = choice(words[0], self._sources)
        return int(word[-1]) if word.startswith("CHAN") else EXTERNAL

    def _set_level(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        words = arguments(text, 1, 2)
        source = self._level_source(words[1:])
        keep = self.commands.find(f"TRIG:LEV:SOUR{source}")
        assert keep is not None
        keep.handler(session, keep.suffixes, words[0])
        self._changed()

    def _control(self) -> None:
        self.action("RUN", lambda: self._start(single=False))
        self.action("STOP", self.acquisition.stop)
        self.action("SINGle", lambda: self._start(single=True))
        self.action("AUToscale", lambda: self._start(single=False))
        self.action("TRIGger:FORCe", self.acquisition.force)
        self.commands.add("DIGitize", self._digitize)
        operation = self.status.operation

        def enable(session: ScpiSession, value: int) -> None:
            operation.enable = value

        self.query("OPERegister:CONDition", lambda _: nr1_signed(self._condition()))
        self.query("OPERegister[:EVENt]", lambda _: nr1_signed(operation.read()))
        self.commands.add("OPEE", store(enable, 0x7FFF))
        self.query("OPEE", lambda _: nr1_signed(operation.enable))
        self.query("AER", lambda _: nr1_signed(self.acquisition.was_armed()))
        self.query("TER", lambda _: nr1_signed(self.acquisition.was_triggered()))

    def _start(self, *, single: bool) -> None:
        self.acquisition.start(single=single)
        self._condition()

    def _condition(self) -> int:
        """The operation condition register, kept up to date; its events follow."""
        state = self.acquisition.state
        self.status.operation.set(RUNNING, state != "STOP")
        self.status.operation.set(WAITING, state == "WAIT")
        return self.status.operation.condition

    def _digitize(self, session: ScpiSession, suffixes: Suffixes, text: str) -> Deferred:
        """Acquire once; nothing else is carried out until it is complete."""
        words = arguments(text, 0, self.model.inputs) if text.strip() else []
        for source in [choice(word, self._sources) for word in words]:
            if source.startswith("CHAN"):
                self.settings["display", int(source[-1])] = True
        self._start(single=True)
        held = Deferred()
        operation = self.operations.begin()
        loop = asyncio.get_running_loop()

        def look() -> None:
            self.acquisition.advance()
            if held.done or not self.acquisition.running:  # a device clear gives it up
                operation.finish()
                held.resolve()
                return
            ends = self.acquisition.ends_at()
            wait = LOOK_EVERY if ends is None else max(ends - self.now(), 0.0) + 1e-9
            operation.timer = loop.call_later(wait, look)

        look()
        return held
