"""The laser: diode, shutter, power, wavelength, and what belongs to the box as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.session import ScpiSession
from sim_backends.instrument import Door, OwnFault, switched, without_value
from sim_backends.tunable_source import TunableSource, dbm_to_watts, watts_to_dbm

from .declaring import SOURCE, Declaring
from .notation import Notation
from .session import SantecSession
from .sweep import SantecSweep

LIGHT_SPEED = 299792458.0
POWER_LOW, POWER_HIGH = -15.0, 13.0
"""Settable power, dBm."""
_FINE = 5e-14
"""m a step of fine tuning."""
_PRODUCT = re.compile(r"[A-Z]-(\d{3})(\d{3})(-[A-Z0-9]+)+")


def product_range(code: str) -> tuple[float, float]:
    """Wavelengths (m) that a product code tells of: `C-480640-...` is 1480 to 1640 nm.

    Raises `ValueError`.
    """
    match = _PRODUCT.fullmatch(code)
    if match is None or not int(match[1]) < int(match[2]):
        raise ValueError(f"{code!r} is no product code of a TSL-570, as C-480640-P-F-AP-00-1")
    return (1000 + int(match[1])) * 1e-9, (1000 + int(match[2])) * 1e-9


class SantecTsl570(ScpiDevice):
    """A laser as it comes: dark, its shutter closed, in the command set it was left in.

    How errors and alerts are written is from a driver in use (QMI) that waits for `0,"No error"`
    and `No alerts.`, by these very texts. No CR comes behind a block: four clients on LAN, written
    apart from each other (QMI, qcodes-contrib-drivers, two of a TSL-775), leave none to read.

    Faults of its own: `interlock`, `alert` (number and text), `hangs` (what follows a line feed
    makes it deaf, not only wrong), `silent_range` (sweep range queries are not answered).
    """

    dialect = Dialect(
        request_end=b"\r",
        reply_end=b"\r",
        blocks_in=False,
        block_ends=False,
    )

    def __init__(
        self,
        now: Callable[[], float],
        *,
        product: str = "C-480640-P-F-AP-00-1",
        serial: str = "21020001",
        firmware: str = "0001.0000.0001",
        scpi: bool = False,
        linked: bool = False,
        seed: int = 0,
    ) -> None:
        """`scpi`: the command set at the start; `linked`: diode and shutter are one switch."""
        super().__init__(now, f"SANTEC,TSL-570,{serial},{firmware}")
        low, high = product_range(product)
        self.product = product
        self.firmware = firmware
        self.linked = linked
        self.notation = Notation(scpi)
        self.source = TunableSource(now, low, high, seed=seed)
        self.alert: tuple[int, str] | None = None
        self.hangs = False
        self.silent_range = False
        self._interlocked = False
        declare = self._declared = Declaring(self, self.notation)
        self._wavelength(declare)
        self._power(declare)
        self.sweep = SantecSweep(self, declare)
        self.source.sweeping = lambda: self.sweep.sweeper.wavelength
        self._system(declare)

    def converse(self, send: Callable[[bytes], None]) -> ScpiSession:
        """A new client."""
        return SantecSession(self, send)

    @property
    def doors(self) -> tuple[Door, ...]:
        """The raw socket."""
        return (Door("tcp", 5000, self.converse),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`interlock=1|0`, `alert=TEXT` (none: over), `hang`, `silent-range`."""

        def alert(value: str) -> Callable[[], None]:
            return lambda: setattr(self, "alert", (20, value) if value else None)

        return {
            "interlock": switched(self.interlock),
            "alert": alert,
            "hang": without_value(lambda: setattr(self, "hangs", True)),
            "silent-range": without_value(lambda: setattr(self, "silent_range", True)),
        }

    def interlock(self, on: bool) -> None:
        """Break or restore the external interlock; the diode stays off when it is restored."""
        self._interlocked = on
        if on:
            self.source.drive(False)
        self.source.block(on)

    def reset(self) -> None:
        """*RST: dark, shutter closed, all settings but those of communication."""
        self.sweep.sweeper.stop()
        super().reset()
        self.source.drive(False)
        self.source.open_shutter(False)
        self.notation.milliwatts = False
        self.source.set_level(self._asked_watts())
        self.source.tune(self._declared.value("wavelength"))

    def busy_for(self, seconds: float) -> None:
        """Something has begun that *OPC? waits for."""
        if seconds > 0.0:
            self.operations.begin_for(seconds)

    # -- wavelength -------------------------------------------------------------------------------

    def _wavelength(self, declare: Declaring) -> None:
        source, notation = self.source, self.notation
        low, high = source.low, source.high
        middle = 0.5 * (low + high)

        def told() -> float:
            return self._declared.value("wavelength")

        declare.with_units(f"{SOURCE}WAVelength", told, low, high, notation.metres_text)
        declare.number(
            "wavelength", f"{SOURCE}WAVelength", low, high, middle, read=notation.metres,
            write=notation.metres_text, changed=self._tune, check=lambda _: self._still(),
        )  # fmt: skip
        declare.with_units(
            f"{SOURCE}[WAVelength:]FREQuency", lambda: LIGHT_SPEED / told(), LIGHT_SPEED / high,
            LIGHT_SPEED / low, notation.hertz_text,
        )  # fmt: skip
        declare.pair(f"{SOURCE}[WAVelength:]FREQuency", self._set_frequency, lambda: "")
        declare.code("wavelength unit", f"{SOURCE}WAVelength:UNIT", (0, 1), 0)
        declare.number(
            "fine", f"{SOURCE}WAVelength:FINe", -100.0, 100.0, 0.0, read=notation.bare,
            write=lambda value: notation.decimal(value, 2), changed=self._tune,
        )  # fmt: skip
        declare.action(f"{SOURCE}WAVelength:FINetuning:DISable", self._end_fine)
        declare.action(f"{SOURCE}WAVelength:FINe:DISable", self._end_fine)
        declare.with_units(
            f"{SOURCE}WAVelength:OFFSet", lambda: self._declared.value("offset"), -1e-10, 1e-10,
            notation.metres_text,
        )  # fmt: skip
        declare.number(
            "offset", f"{SOURCE}WAVelength:OFFSet", -1e-10, 1e-10, 0.0, read=notation.metres,
            write=notation.metres_text, changed=self._tune,
        )  # fmt: skip
        source.leave_at(middle)

    def _still(self) -> None:
        if self.sweep.under_way:
            raise ScpiError(-221)

    def _set_frequency(self, text: str) -> None:
        wavelength = LIGHT_SPEED / self._frequency(text)
        self._still()
        self._declared.keep("wavelength", wavelength)
        self._tune()

    def _frequency(self, text: str) -> float:
        hertz = self.notation.hertz(text)
        if not LIGHT_SPEED / self.source.high <= hertz <= LIGHT_SPEED / self.source.low:
            raise ScpiError(-222)
        return hertz

    def _end_fine(self) -> None:
        self._declared.keep("fine", 0.0)
        self._tune()

    def _tune(self) -> None:
        value = self._declared.value
        wavelength = value("wavelength") + _FINE * value("fine") + value("offset")
        self.busy_for(self.source.tune(wavelength))

    # -- power ------------------------------------------------------------------------------------

    def _power(self, declare: Declaring) -> None:
        notation, source = self.notation, self.source
        declare.pair(f"{SOURCE}POWer:STATe", self._set_diode, lambda: notation.whole(source.diode))
        declare.pair(
            f"{SOURCE}POWer:SHUTter",
            self._set_shutter,
            lambda: notation.whole(not source.shutter_open),
        )
        declare.with_units(
            f"{SOURCE}POWer[:LEVel]", lambda: self._declared.value("level"), POWER_LOW, POWER_HIGH,
            notation.level_text,
        )  # fmt: skip
        declare.number(
            "level", f"{SOURCE}POWer[:LEVel]", POWER_LOW, POWER_HIGH + 1e-9, 0.0,
            read=notation.level, write=notation.level_text, changed=self._relevel,
        )  # fmt: skip
        declare.number(
            "attenuation", f"{SOURCE}POWer:ATTenuation", 0.0, 30.0, 0.0, read=notation.bare,
            write=lambda value: notation.decimal(value, 2), changed=self._relevel,
        )  # fmt: skip
        declare.code("auto", f"{SOURCE}POWer:ATTenuation:AUTo", (0, 1), 1, changed=self._relevel)
        declare.code("unit", f"{SOURCE}POWer:UNIT", (0, 1), 0, changed=self._take_unit)
        declare.query(f"{SOURCE}POWer:ACTual[:LEVel]", self._actual)
        declare.code("coherence", f"{SOURCE}COHCtrl", (0, 1), 0)
        declare.code("modulation", f"{SOURCE}AM:STATe", (0, 1), 0)
        declare.code("modulation source", f"{SOURCE}AM:SOURce", (0, 1, 3), 0)

    def _switch(self, text: str) -> bool:
        value = self.notation.bare(text)
        if value not in (0.0, 1.0):
            raise ScpiError(-222)
        return value == 1.0

    def _set_diode(self, text: str) -> None:
        self._drive(self._switch(text))

    def _set_shutter(self, text: str) -> None:
        closed = self._switch(text)
        if self.linked:
            self._drive(not closed)
        else:
            self.source.open_shutter(not closed)

    def _drive(self, on: bool) -> None:
        if on and self._interlocked:
            raise ScpiError(-200)
        if not on:
            self.sweep.sweeper.stop()
        seconds = self.source.drive(on)
        if self.linked:
            self.source.open_shutter(on)
        self.busy_for(seconds)

    def _take_unit(self) -> None:
        self.notation.milliwatts = self._declared.value("unit") == 1.0

    def _asked_watts(self) -> float:
        value = self._declared.value
        if value("auto"):
            return dbm_to_watts(value("level"))
        return self.source.available(self.source.setting_now) * 10.0 ** (
            -value("attenuation") / 10.0
        )

    def _relevel(self) -> None:
        self.busy_for(self.source.set_level(self._asked_watts()))

    def _actual(self) -> str:
        watts = max(self.source.noisy(self.source.power_inside), 1e-9)
        return self.notation.level_text(round(watts_to_dbm(watts), 2))

    # -- the box ----------------------------------------------------------------------------------

    def _system(self, declare: Declaring) -> None:
        notation = self.notation
        declare.pair(
            "SYSTem:COMMunicate:CODe", self._set_code, lambda: notation.whole(notation.scpi)
        )
        for name, pattern, allowed, default in (
            ("gpib address", "SYSTem:COMMunicate:GPIB:ADDRess", tuple(range(1, 31)), 1),
            ("delimiter", "SYSTem:COMMunicate:GPIB:DELimiter", (0, 1, 2, 3), 0),
            ("brightness", "DISPlay:BRIGhtness", tuple(range(101)), 100),
        ):
            declare.code(name, pattern, allowed, default)
        declare.query("SYSTem:COMMunicate:ETHernet:MACaddress", lambda: "0013A0000000")
        for pattern, first in (
            ("IPADdress", "192.168.1.100"), ("SMASk", "255.255.255.0"), ("DGATeway", "192.168.1.1"),
        ):  # fmt: skip
            self._address(declare, f"SYSTem:COMMunicate:ETHernet:{pattern}", first)
        declare.query("SYSTem:COMMunicate:ETHernet:PORT", lambda: notation.whole(5000))
        declare.query("SYSTem:LOCK", lambda: notation.whole(self._interlocked))
        declare.query("SYSTem:ALERt", self._alert)
        declare.query("SYSTem:VERSion", lambda: self.firmware)
        declare.query("SYSTem:CODe", lambda: self.product)
        declare.action("SPECial:REBoot", self.reset)
        declare.action("SPECial:SHUTdown", self.reset)

    def _address(self, declare: Declaring, pattern: str, first: str) -> None:
        """An address in four numbers. It is kept and told; the laser is reached as before."""
        kept = [first]

        def keep(text: str) -> None:
            try:
                kept[0] = str(IPv4Address(text))
            except ValueError:
                raise ScpiError(-222) from None

        declare.pair(pattern, keep, lambda: kept[0])

    def _set_code(self, text: str) -> None:
        self.notation.scpi = self._switch(text)

    def _alert(self) -> str:
        if self.alert is None:
            return "No alerts."
        number, text = self.alert
        return f"No{number:02d}.,{text}"
