"""The meter: its sensor, its settings, its registers."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.calendar import Calendar
from sim_backends.engine.common import add_register
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, boolean, named, number
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.writing import nr1, nr3, quoted
from sim_backends.instrument import Door, OwnFault

from .measuring import NUMBER, RANGES, Measuring
from .sensor import RESPONSE, SENSORS, WAVELENGTH, DarkFibre, Light, Sensor

Suffixes = tuple[int, ...]
SENSE = "[SENSe[1]:]"
_AUXILIARY, _MEASUREMENT = 1, 2
"""Bits of the status byte, as the same maker's DC2200 manual (page 50) has them."""
_KINDS = {
    "POW": "[:POWer]", "CURR": ":CURRent[:DC]", "VOLT": ":VOLTage[:DC]", "TEMP": ":TEMPerature",
    "ENER": ":ENERgy", "FREQ": ":FREQuency", "RES": ":RESistance", "PDEN": ":PDENsity",
    "EDEN": ":EDENsity",
}  # fmt: skip


def prefixed(unit: str) -> Callable[[str, str], float]:
    """Reads a number, bare, with its unit and a prefix, or the prefix alone (`10mW`, `80u`)."""

    def read(text: str, _: str) -> float:
        upper = text.upper()
        whole = upper.endswith(unit) or not upper[-1:].isalpha()
        return number(upper if whole else upper + unit, unit)

    return read


def _nanometres(text: str, _: str) -> float:
    """Reads a wavelength in nm, bare or with a unit."""
    return number(text, "M") * 1e9 if text[-1:] in "mM" else prefixed("NM")(text, "")


class ThorlabsPm100(ScpiDevice):
    """A meter as it is switched on. `light` is what falls on its sensor.

    `sensor` is the head that is plugged in, `plug` changes it.
    """

    dialect = Dialect(
        reply_end=b"\n",
        no_error='+0,"No error"',
        error_entry='{code:+d},"{text}"',
        powers_on=True,
    )

    def __init__(
        self,
        now: Callable[[], float],
        *,
        model: str = "PM100D",
        serial: str = "P0012345",
        firmware: str = "2.7.0",
        sensor: str | None = "S155C",
        light: Light | None = None,
        quotes: bool = False,
        seed: int = 0,
    ) -> None:
        """`quotes`: names of the sensor in quotes, as the newer consoles write them."""
        super().__init__(now, f"Thorlabs,{model},{serial},{firmware}")
        self.sensor: Sensor | None = SENSORS[sensor] if sensor else None
        self.light = DarkFibre() if light is None else light
        self._quotes = quotes
        self.measuring = Measuring(self, seed)
        self._wavelength_nm = 0.0
        self._settings_of_sense()
        self._measure_commands()
        self._system()
        self.plug(sensor)

    @property
    def doors(self) -> tuple[Door, ...]:
        """USB-TMC, which is served as HiSLIP."""
        return (Door("message", 4880, self.converse, "stands for USB-TMC"),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`sensor=NAME` (none: pulled out)."""

        def sensor(value: str) -> Callable[[], None]:
            if value and value not in SENSORS:
                raise ValueError(f"there are {', '.join(SENSORS)}")
            return lambda: self.plug(value or None)

        return {"sensor": sensor}

    def plug(self, name: str | None) -> None:
        """Plug a head in, or pull it out: its wavelength and its range are new ones."""
        self.measuring.reset()
        self.sensor = SENSORS[name] if name else None
        self._wavelength_nm = 1e9 * self.sensor.middle if self.sensor else 0.0

    @property
    def response(self) -> float:
        """A/W at the wavelength that is set."""
        return self._head().response(1e-9 * self._wavelength_nm)

    def reset(self) -> None:
        """*RST."""
        self.measuring.reset()
        super().reset()
        if self.sensor is not None:
            self._wavelength_nm = 1e9 * self.sensor.middle

    def _head(self) -> Sensor:
        if self.sensor is None:
            raise ScpiError(-241)
        return self.sensor

    # -- declaring --------------------------------------------------------------------------------

    def _query(self, pattern: str, tell: Callable[[str], Reply]) -> None:
        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
            return tell(arguments(text, 0, 1)[0] if text.strip() else "")

        self.commands.add(f"{pattern}?", run)

    def _action(self, pattern: str, act: Callable[[], None]) -> None:
        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            if text.strip():
                raise ScpiError(-108)
            act()

        self.commands.add(pattern, run)

    def _pair(self, pattern: str, keep: Callable[[str], None], tell: Callable[[str], str]) -> None:
        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            keep(arguments(text, 1, 1)[0])

        self.commands.add(pattern, run)
        self._query(pattern, tell)

    # -- settings ---------------------------------------------------------------------------------

    def _settings_of_sense(self) -> None:
        settings = self.settings
        settings.number("count", f"{SENSE}AVERage[:COUNt]", 1, 10000, 1, whole=True, form=nr1)
        for wavelength in ("WAVelength", "WAVE"):  # the manual's own examples write WAVE
            self._pair(
                f"{SENSE}CORRection:{wavelength}", self._set_wavelength, self._told_wavelength
            )
        settings.number(
            "loss", f"{SENSE}CORRection[:LOSS[:INPut[:MAGNitude]]]", -60.0, 60.0, 0.0, unit="DB",
            form=NUMBER,
        )  # fmt: skip
        settings.number(
            "beam", f"{SENSE}CORRection:BEAMdiameter", 0.1, 1000.0, 9.5, unit="M", form=NUMBER,
            read=lambda text, _: number(text, "M") * 1e3 if text[-1:] in "mM" else number(text),
        )  # fmt: skip
        for diode in ("[:PDIode]", ":PDIO"):  # two short forms are in use
            self._pair(
                f"{SENSE}CORRection:POWer{diode}[:RESPonse]", self._set_response,
                lambda text: NUMBER(self.response),
            )  # fmt: skip
        zero = f"{SENSE}CORRection:COLLect:ZERO"
        self._action(f"{zero}[:INITiate]", self.measuring.take_zero)
        self._action(f"{zero}:ABORt", self.measuring.abort_zero)
        self._query(f"{zero}:STATe", lambda _: nr1(float(self.measuring.zeroing)))
        self._query(f"{zero}:MAGNitude", lambda _: nr3(6)(self.measuring.zero))
        self._ranges()
        settings.choice("unit", f"{SENSE}POWer[:DC]:UNIT", ("W", "DBM"), "W")
        for name, unit in (("POWer", "W"), ("CURRent", "A")):
            head = f"{SENSE}{name}[:DC]:REFerence"
            settings.number(
                f"{name} reference", f"{head}[:VALue]", -1e3, 1e3, 0.0, form=NUMBER,
                read=prefixed(unit),
            )  # fmt: skip
            settings.boolean(f"{name} relative", f"{head}:STATe", False)
        settings.boolean("filter", "INPut[:PDIode]:FILTer[:LPASs][:STATe]", False)

    def _ranges(self) -> None:
        measuring = self.measuring

        def amps(text: str, unit: str, scale: Callable[[], float]) -> float:
            which = named(text)
            ends = {"MIN": RANGES[0], "MAX": RANGES[-1], "DEF": RANGES[-1]}
            return ends[which] if which else prefixed(unit)(text, unit) * scale()

        def enter(head: str, unit: str, scale: Callable[[], float]) -> None:
            self._pair(
                f"{head}[:UPPer]",
                lambda text: measuring.set_range(amps(text, unit, scale)),
                lambda text: NUMBER(
                    (amps(text, unit, scale) if text else measuring.range) / scale()
                ),
            )
            self._pair(f"{head}:AUTO", self._set_auto, lambda _: nr1(float(measuring.auto)))

        enter(f"{SENSE}POWer[:DC]:RANGe", "W", lambda: self.response)
        enter(f"{SENSE}CURRent[:DC]:RANGe", "A", lambda: 1.0)

    def _set_auto(self, text: str) -> None:
        self.measuring.auto = boolean(text)

    def _limits(self) -> dict[str, float]:
        head = self._head()
        return {"MIN": 1e9 * head.low, "MAX": 1e9 * head.high, "DEF": 1e9 * head.middle}

    def _set_wavelength(self, text: str) -> None:
        limits = self._limits()
        if not self._head().flags & WAVELENGTH:
            raise ScpiError(-221)
        which = named(text)
        value = limits[which] if which else _nanometres(text, "")
        if not limits["MIN"] - 1e-6 <= value <= limits["MAX"] + 1e-6:
            raise ScpiError(-222)
        self._wavelength_nm = value

    def _told_wavelength(self, text: str) -> str:
        if text and not named(text):
            raise ScpiError(-224)
        limits = self._limits()
        return NUMBER(limits[named(text)] if text else self._wavelength_nm)

    def _set_response(self, text: str) -> None:
        if not self._head().flags & RESPONSE:
            raise ScpiError(-221)

    # -- measuring --------------------------------------------------------------------------------

    def _measure_commands(self) -> None:
        measuring = self.measuring
        for kind, pattern in _KINDS.items():

            def configure(kind: str = kind) -> None:
                measuring.configure(kind)

            def start(kind: str = kind) -> None:
                measuring.configure(kind)
                measuring.initiate()

            def measure(text: str, kind: str = kind) -> Reply:
                if text:
                    raise ScpiError(-108)
                return measuring.measure(kind)

            self._action(f"CONFigure[:SCALar]{pattern}", configure)
            self._action(f"MEASure[:SCALar]{pattern}", start)
            self._query(f"MEASure[:SCALar]{pattern}", measure)
        self._query("CONFigure", lambda _: measuring.configured)
        self._action("INITiate[:IMMediate]", measuring.initiate)
        self._action("ABORt", measuring.abort)
        self._query("FETCh", lambda _: measuring.fetch())
        self._query("READ", lambda _: measuring.read())

    # -- the box ----------------------------------------------------------------------------------

    def _system(self) -> None:
        settings = self.settings
        self.calendar = Calendar(self.commands, self.now)
        self._query("SYSTem:SENSor:IDN", lambda _: self._sensor_text())
        self._query("SYSTem:VERSion", lambda _: "1999.0")
        self._query(
            "CALibration:STRing",
            lambda _: quoted(self.sensor.calibrated if self.sensor else "no sensor"),
        )
        self._action("SYSTem:BEEPer[:IMMediate]", lambda: None)
        settings.boolean("beeper", "SYSTem:BEEPer:STATe", True)
        settings.number(
            "line", "SYSTem:LFRequency", 50, 60, 50, whole=True, form=nr1, check=self._line
        )
        settings.number("brightness", "DISPlay:BRIGhtness", 0.0, 1.0, 1.0, form=NUMBER)
        auxiliary = self.status.register(_AUXILIARY)
        for name, register in (
            ("MEASurement", self.status.register(_MEASUREMENT)),
            ("AUXillary", auxiliary),  # the maker's own spelling
            ("AUXiliary", auxiliary),
        ):
            add_register(self.commands, f"STATus:{name}", lambda session, r=register: r)
        self._action("STATus:QUEStionable:PRESet", self.status.questionable.preset)

    @staticmethod
    def _line(suffixes: Suffixes, value: float) -> None:
        if value not in (50, 60):
            raise ScpiError(-222)

    def _sensor_text(self) -> str:
        sensor = self.sensor
        if sensor is None:
            return "no sensor,,,0,0,0"
        words = (sensor.name, sensor.serial, sensor.calibrated)
        if self._quotes:
            words = tuple(quoted(word) for word in words)
        return ",".join([*words, str(sensor.kind), str(sensor.subtype), str(sensor.flags)])
