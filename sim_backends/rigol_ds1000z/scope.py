"""The oscilloscope: channels, time base, trigger, memory, states."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, boolean, choice, integer, number
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.writing import nr1
from sim_backends.instrument import Door
from sim_backends.oscilloscope.acquisition import Acquisition, Plan, Record
from sim_backends.oscilloscope.front_end import Channel
from sim_backends.oscilloscope.inputs import EXTERNAL, DecayingSine, Inputs

from .measuring import Measuring
from .models import DEPTHS, DIVISIONS, FASTEST, MODELS, SCALES
from .notation import sci
from .waveform import Waveform, write_block9

Suffixes = tuple[int, ...]
PROBES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
COUNTS = tuple(2**power for power in range(1, 11))


class RigolDs1000z(ScpiDevice):
    """An oscilloscope as it is switched on: running, automatic sweep, input 1 shown."""

    dialect = Dialect(reply_end=b"\n", queue_depth=16)

    def __init__(
        self,
        now: Callable[[], float],
        inputs: Inputs | None = None,
        *,
        model: str = "DS1104Z-S Plus",
        serial: str = "DS1ZB000000001",
        firmware: str = "00.04.05.SP2",
        seed: int = 0,
    ) -> None:
        """`inputs`: what it is joined to; nothing given is a decaying sine, triggered again and
        again.
        """
        super().__init__(now, f"RIGOL TECHNOLOGIES,{model},{serial},{firmware}")
        self.model = MODELS[model]
        self.seed = seed
        self.inputs = DecayingSine(now) if inputs is None else inputs
        self.acquisition = Acquisition(now, self.inputs, self.plan)
        self._depth: int | None = None
        self._channels()
        self._time_base()
        self._acquire()
        self._trigger()
        self.waveform = Waveform(self)
        self.measuring = Measuring(self)
        self._generator()
        self._box()
        self._idle = True

    @property
    def doors(self) -> tuple[Door, ...]:
        """Raw TCP, and VXI-11 or USB-TMC as messages."""
        return (
            Door("tcp", 5555, self.converse),
            Door("message", 4880, self.converse, "stands for VXI-11 and USB-TMC"),
        )

    def advance(self) -> None:
        """Bring the acquisition up to the present; the first time it begins to run."""
        if self._idle:
            self._idle = False
            self.acquisition.start(single=False)
        self.acquisition.advance()

    def reset(self) -> None:
        """*RST: everything as it was switched on, and running."""
        super().reset()
        self.settings["display", 1] = True
        self._probes = dict.fromkeys(self._probes, 1.0)
        self._depth = None
        self.acquisition.discard()
        self.acquisition.start(single=False)
        self.waveform.whole()

    def query(self, pattern: str, tell: Callable[[str], Reply]) -> None:
        """Enter a query that takes a parameter at most."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
            return tell(arguments(text, 0, 1)[0] if text.strip() else "")

        self.commands.add(f"{pattern}?", run)

    def action(self, pattern: str, act: Callable[[], None]) -> None:
        """Enter a command without parameter."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            if text.strip():
                raise ScpiError(-108)
            act()

        self.commands.add(pattern, run)

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

    def quieter(self, record: Record) -> float:
        """By how much high resolution lessens the noise."""
        if self.settings.word("acquire type") != "HRES":
            return 1.0
        return max(1.0, FASTEST[self.in_use] / record.plan.rate) ** 0.5

    @property
    def in_use(self) -> int:
        """Inputs that take memory: those shown, and the one that triggers."""
        used = {n for n in range(1, self.model.inputs + 1) if self.settings.on("display", n)}
        source = self._source()
        return len(used | ({source} if source else set()))

    def plan(self) -> Plan:
        """How an acquisition that starts now is done."""
        scale, offset = self.settings.value("time scale"), self.settings.value("time offset")
        points, rate = self._memory(scale)
        slopes = {"POS": (True,), "NEG": (False,), "RFAL": (True, False)}
        source = self._source()
        # Memory is around the middle of the screen, which is `offset` after the trigger.
        return Plan(
            rate, points, points // 2, source, self._level(source),
            slopes[self.settings.word("slope")], delay=offset,
            automatic=self.settings.word("sweep") == "AUTO",
            holdoff=self.settings.value("holdoff"),
            count=round(self.settings.value("averages"))
            if self.settings.word("acquire type") == "AVER" else 1,
        )  # fmt: skip

    def _memory(self, scale: float) -> tuple[int, float]:
        """Points of memory and sample rate, Sa/s: depth = rate x 12 divisions, at most."""
        fastest = FASTEST[self.in_use]
        if self._depth is not None:
            return self._depth, min(fastest, self._depth / (DIVISIONS * scale))
        most = DEPTHS[max(1, self.in_use)][3]
        rate = min(fastest, most / (DIVISIONS * scale))
        return max(DIVISIONS, round(rate * DIVISIONS * scale)), rate

    def _source(self) -> int:
        source = self.settings.word("source")
        return int(source[-1]) if source.startswith("CHAN") else EXTERNAL

    def _level(self, source: int) -> float:
        """The trigger level in V at the connector."""
        level = self.settings.value("level")
        if source == EXTERNAL:
            return level
        level = -level if self.settings.on("invert", source) else level
        return level / self.settings.value("probe", source)

    def _changed(self) -> None:
        """What concerns the acquisition was changed: what runs begins anew."""
        if not self._idle and self.acquisition.running:
            self.acquisition.start(single=self._is_single)

    @property
    def _is_single(self) -> bool:
        return self.settings.word("sweep") == "SING"

    # -- commands ---------------------------------------------------------------------------------

    def _channels(self) -> None:
        settings = self.settings
        ranges = ((1, self.model.inputs),)

        def probe(suffixes: Suffixes) -> float:
            return settings.value("probe", *suffixes)

        settings.boolean(
            "display", "CHANnel#:DISPlay", False, ranges=ranges, changed=lambda _: self._shown()
        )
        settings["display", 1] = True
        settings.choice(
            "coupling", "CHANnel#:COUPling", ("AC", "DC", "GND"), "DC", ranges=ranges,
            changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.number(
            "probe", "CHANnel#:PROBe", 0.01, 1000.0, 1.0, ranges=ranges, form=sci,
            check=self._check_probe, changed=self._probed,
        )  # fmt: skip
        settings.number(
            "scale", "CHANnel#:SCALe", lambda s: 1e-3 * probe(s), lambda s: 10.0 * probe(s),
            1.0, unit="V", form=sci, ranges=ranges, changed=lambda _: self._changed(),
        )  # fmt: skip
        self._probes = dict.fromkeys(range(1, self.model.inputs + 1), 1.0)

        def farthest(suffixes: Suffixes) -> float:
            factor = probe(suffixes)
            return factor * (100.0 if settings.value("scale", *suffixes) >= 0.5 * factor else 2.0)

        settings.number(
            "offset", "CHANnel#:OFFSet", lambda s: -farthest(s), farthest, 0.0, unit="V", form=sci,
            ranges=ranges, changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.choice("bandwidth", "CHANnel#:BWLimit", ("OFF", "20M"), "OFF", ranges=ranges)
        settings.boolean(
            "invert", "CHANnel#:INVert", False, ranges=ranges, changed=lambda _: self._changed()
        )
        settings.choice(
            "units", "CHANnel#:UNITs", ("VOLTage", "WATT", "AMPere", "UNKNown"), "VOLTage",
            ranges=ranges,
        )  # fmt: skip

    def _shown(self) -> None:
        """Memory is shared anew: a depth that is no more allowed is AUTO."""
        if self._depth is not None and self._depth not in DEPTHS[max(1, self.in_use)]:
            self._depth = None
        self._changed()

    @staticmethod
    def _check_probe(suffixes: Suffixes, value: float) -> None:
        if not any(abs(value - one) < 1e-9 for one in PROBES):
            raise ScpiError(-224)

    def _probed(self, suffixes: Suffixes) -> None:
        """Volts at the probe's tip: scale and offset go with the probe's factor."""
        (n,) = suffixes
        new = self.settings.value("probe", n)
        factor, self._probes[n] = new / self._probes[n], new
        for name in ("scale", "offset"):
            self.settings[name, n] = self.settings.value(name, n) * factor
        self._changed()

    def _time_base(self) -> None:
        settings = self.settings

        def snap(text: str, unit: str) -> float:
            value = number(text, unit)
            near = min(SCALES, key=lambda one: abs(one - value))
            return near if SCALES[0] <= value <= SCALES[-1] else value

        settings.number(
            "time scale", "TIMebase[:MAIN]:SCALe", SCALES[0], SCALES[-1], 1e-6, unit="S", form=sci,
            read=snap, changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.number(
            "time offset", "TIMebase[:MAIN]:OFFSet",
            lambda _: -DIVISIONS / 2 * settings.value("time scale"), 5000.0, 0.0, unit="S",
            form=sci, changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.choice("time mode", "TIMebase:MODE", ("MAIN", "XY", "ROLL"), "MAIN")

    def _acquire(self) -> None:
        settings = self.settings
        settings.choice(
            "acquire type", "ACQuire:TYPE", ("NORMal", "AVERages", "PEAK", "HRESolution"),
            "NORMal", changed=lambda _: self._changed(),
        )  # fmt: skip

        def power_of_two(suffixes: Suffixes, value: float) -> None:
            if value not in COUNTS:
                raise ScpiError(-224)

        settings.number(
            "averages", "ACQuire:AVERages", COUNTS[0], COUNTS[-1], COUNTS[0], whole=True, form=nr1,
            check=power_of_two, changed=lambda _: self._changed(),
        )  # fmt: skip

        def keep(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            (word,) = arguments(text, 1, 1)
            if not self.acquisition.running:
                raise ScpiError(-221)  # only when it runs
            allowed = DEPTHS[max(1, self.in_use)]
            if word.upper() == "AUTO":
                self._depth = None
            else:
                depth = integer(word, 1, 24_000_000)
                if depth not in allowed:
                    raise ScpiError(-224)
                self._depth = depth
            self._changed()

        self.commands.add("ACQuire:MDEPth", keep)
        self.query("ACQuire:MDEPth", lambda _: "AUTO" if self._depth is None else str(self._depth))
        self.query("ACQuire:SRATe", lambda _: sci(self._memory(settings.value("time scale"))[1]))

    def _trigger(self) -> None:
        settings = self.settings
        settings.choice("trigger mode", "TRIGger:MODE", ("EDGE", "PULSe", "SLOPe", "VIDeo"), "EDGE")
        inputs = tuple(f"CHANnel{n}" for n in range(1, self.model.inputs + 1))
        words = (*inputs, "AC", *(("EXT",) if self.model.external else ()))
        settings.choice(
            "source", "TRIGger:EDGe:SOURce", words, "CHANnel1", changed=lambda _: self._shown()
        )
        settings.choice(
            "slope", "TRIGger:EDGe:SLOPe", ("POSitive", "NEGative", "RFALl"), "POSitive",
            changed=lambda _: self._changed(),
        )  # fmt: skip

        def middle() -> tuple[float, float]:
            source = self._source()
            if source == EXTERNAL:
                return 0.0, 5.0
            return -settings.value("offset", source), 5.0 * settings.value("scale", source)

        settings.number(
            "level", "TRIGger:EDGe:LEVel", lambda _: middle()[0] - middle()[1],
            lambda _: middle()[0] + middle()[1], 0.0, unit="V", form=sci,
            changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.choice(
            "sweep", "TRIGger:SWEep", ("AUTO", "NORMal", "SINGle"), "AUTO",
            changed=lambda _: self._swept(),
        )  # fmt: skip
        settings.choice(
            "trigger coupling", "TRIGger:COUPling", ("AC", "DC", "LFReject", "HFReject"), "DC"
        )
        settings.number(
            "holdoff", "TRIGger:HOLDoff", 16e-9, 10.0, 16e-9, unit="S", form=sci,
            changed=lambda _: self._changed(),
        )  # fmt: skip
        settings.boolean("noise reject", "TRIGger:NREJect", False)
        self.query("TRIGger:STATus", lambda _: self.acquisition.state)
        self.action("RUN", self._run)
        self.action("STOP", self.acquisition.stop)
        self.action("SINGle", self._single)
        self.action("TFORce", self.acquisition.force)
        self.action("CLEar", self.acquisition.discard)
        self.action("AUToscale", self._run)

    def _swept(self) -> None:
        if self.acquisition.running:
            self.acquisition.start(single=self._is_single)

    def _run(self) -> None:
        if self._is_single:
            self.settings["sweep"] = "AUTO"
        self.acquisition.start(single=False)

    def _single(self) -> None:
        self.settings["sweep"] = "SING"
        self.acquisition.start(single=True)

    def _generator(self) -> None:
        if self.model.outputs:
            ranges = ((1, self.model.outputs), (1, self.model.outputs))
            self.settings.boolean("output", "SOURce#:OUTPut#[:STATe]", False, ranges=ranges)

    def _box(self) -> None:
        def picture(session: ScpiSession, suffixes: Suffixes, text: str) -> bytes:
            words = [word.strip("[] ") for word in arguments(text, 0, 3)] if text.strip() else []
            if len(words) == 3:
                boolean(words[0])
                boolean(words[1])
            if words:
                choice(words[-1], ("BMP24", "BMP8", "PNG", "JPEG", "TIFF"))
            return write_block9(SMALLEST_BITMAP)

        self.settings.boolean("math display", "MATH:DISPlay", False)
        self.commands.add("DISPlay:DATA?", picture)
        self.action("DISPlay:CLEar", self.acquisition.discard)


SMALLEST_BITMAP = (
    b"BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00"
    b"\x01\x00\x00\x00\x01\x00\x18\x00" + bytes(24) + bytes(4)
)
"""A black point: what the screen shows is not simulated."""
