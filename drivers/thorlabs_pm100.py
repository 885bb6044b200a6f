"""Thorlabs PM100D, PM100A, PM100USB, PM400 (and, not sure, PM103) optical power meters.

Source: PM100D, PM100USB and PM400 operation manuals, SCPI commands. Not sure, and not relied upon:
what a reading above the range looks like (whatever is no finite number is an error here); error
numbers beyond SCPI's; whether the zero is refused in light (its size is looked at); the bits of the
status registers, so that readings are waited for and not polled; what is told over the link while
the console shows differences from a reference (a power or a current is refused then). Arrays of a
PM400 (CONFigure:ARRay) are not used: their format is not documented. Of a PM103, only that it
speaks the same commands is assumed.
"""

from __future__ import annotations

import asyncio
import csv
import math
from dataclasses import dataclass
from typing import ClassVar

from drivers.arguments import real_number, whole_number
from drivers.errors import InstrumentError, LimitError
from drivers.numbered import NumberedSwitch
from drivers.optical_power import watts_of
from drivers.quantity import Quantity, Value
from drivers.scpi_instrument import ScpiInstrument

SAMPLE = 3e-3
"""s that one averaged sample takes, about (manual)."""
RANGING = 2.0
"""s that automatic ranging may take besides."""
POLL = 0.2
"""s from one look at the zero to the next."""
LONGEST_ZERO = 3600.0
"""s that a zero may be waited for at most."""
DARK_CURRENT = 1e-8
"""A; a larger zero was not taken in the dark."""

WAVELENGTH = Quantity(
    "wavelength", "SENS:CORR:WAV", "Control the wavelength of the light in m (1.85e-7 to 2.5e-5).",
    unit="m", low=1.85e-7, high=2.5e-5, scale=1e9,
)  # fmt: skip
POWER_RANGE = Quantity(
    "power_range", "SENS:POW:RANG:UPP", "Control the end of the range in W (1e-12 to 1e3).",
    unit="W", low=1e-12, high=1e3, follows="auto_range",
)  # fmt: skip
AUTO_RANGE = NumberedSwitch(
    "auto_range", "SENS:POW:RANG:AUTO", "Control whether the range follows the power."
)
AVERAGES = Quantity(
    "averages", "SENS:AVER:COUN", "Control the samples of a reading (1 to 10000).", kind=int, low=1,
    high=10000,
)  # fmt: skip
ATTENUATION = Quantity(
    "attenuation", "SENS:CORR:LOSS:INP:MAGN",
    "Control the loss before the sensor in dB (-60 to 60).", unit="dB", low=-60.0, high=60.0,
)  # fmt: skip
BEAM_DIAMETER = Quantity(
    "beam_diameter", "SENS:CORR:BEAM", "Control the beam's diameter in m (1e-4 to 1).", unit="m",
    low=1e-4, high=1.0, scale=1e3,
)  # fmt: skip
RESPONSE = Quantity(
    "response", "SENS:CORR:POW:PDI:RESP", "Get the photodiode's response in A/W.", unit="A/W"
)
POWER_UNIT = Quantity(
    "power_unit", "SENS:POW:UNIT", "Get the unit in which powers are told.", kind=str,
    choices=("W", "DBM"),
)  # fmt: skip
LOW_BANDWIDTH = NumberedSwitch(
    "low_bandwidth", "INP:FILT", "Control whether the photodiode's input is slow, with less noise."
)
POWER_REFERENCE = Quantity(
    "power_reference", "SENS:POW:REF",
    "Control the power from which differences are shown in W (-1e3 to 1e3).", unit="W", low=-1e3,
    high=1e3,
)  # fmt: skip
POWER_DELTA = NumberedSwitch(
    "power_delta", "SENS:POW:REF:STAT",
    "Control whether powers are shown as differences from a reference.",
)  # fmt: skip
CURRENT_DELTA = NumberedSwitch(
    "current_delta", "SENS:CURR:REF:STAT",
    "Control whether currents are shown as differences from a reference.",
)  # fmt: skip
LINE_FREQUENCY = Quantity(
    "line_frequency", "SYST:LFR", "Control the mains' frequency in Hz (50 to 60).", unit="Hz",
    kind=int, low=50, high=60,
)  # fmt: skip
CONFIGURED = Quantity("configured", "CONF", "Get what is measured.", kind=str)
POWER = Quantity("power", "MEAS:POW", "Measure the power in W.", unit="W")
CURRENT = Quantity("current", "MEAS:CURR", "Measure the photodiode's current in A.", unit="A")
TEMPERATURE = Quantity(
    "sensor_celsius", "MEAS:TEMP", "Measure the sensor's temperature in degC.", unit="degC"
)
ZEROING = NumberedSwitch(
    "zeroing", "SENS:CORR:COLL:ZERO:STAT", "Measure whether the zero is being taken."
)
ZERO = Quantity(
    "zero", "SENS:CORR:COLL:ZERO:MAGN", "Get the zero that is subtracted in A.", unit="A"
)

_DELTAS = {POWER: POWER_DELTA, CURRENT: CURRENT_DELTA}
"""What says that a reading may be a difference."""
_POWER_SENSOR, _WAVELENGTH, _TEMPERATURE = 1, 32, 256


@dataclass(frozen=True)
class Sensor:
    """The head that is plugged in, as `SYSTem:SENSor:IDN?` tells it."""

    name: str
    serial: str
    calibrated: str
    kind: int
    subtype: int
    flags: int

    @property
    def measures_power(self) -> bool:
        """Whether it is a power sensor."""
        return bool(self.flags & _POWER_SENSOR)

    @property
    def has_wavelength(self) -> bool:
        """Whether the wavelength can be set."""
        return bool(self.flags & _WAVELENGTH)

    @property
    def has_temperature(self) -> bool:
        """Whether it tells its temperature."""
        return bool(self.flags & _TEMPERATURE)


def parse_sensor(text: str) -> Sensor | None:
    """Read `name,serial,calibration,type,subtype,flags`, quoted or not; None without a sensor.

    Newer consoles set further bits above those of the manual. Raises `ValueError`.
    """
    try:
        fields = [field.strip() for field in next(csv.reader([text]), [])]
    except csv.Error as error:
        raise ValueError(f"{text!r} tells of no sensor ({error})") from None
    if fields and fields[0].casefold() == "no sensor":
        return None
    if len(fields) != 6:
        raise ValueError(f"{text!r} has {len(fields)} fields, not the 6 of a sensor")
    kind, subtype, flags = (int(field) for field in fields[3:])
    return Sensor(fields[0], fields[1], fields[2], kind, subtype, flags)


class ThorlabsPm100(ScpiInstrument):
    """A power meter of one input, a `PowerMonitor`. It drives nothing: `off` sends nothing."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        WAVELENGTH, POWER_RANGE, AUTO_RANGE, AVERAGES, ATTENUATION, BEAM_DIAMETER, RESPONSE,
        POWER_UNIT, LOW_BANDWIDTH, POWER_REFERENCE, POWER_DELTA, CURRENT_DELTA, LINE_FREQUENCY,
        CONFIGURED, POWER, CURRENT, TEMPERATURE, ZEROING, ZERO,
    )  # fmt: skip
    models: ClassVar[tuple[str, ...]] = (r"PM100(A|D|D2|USB)", "PM400", r"PM103[AEU]?")
    links: ClassVar[tuple[str, ...]] = ("usb", "hislip")
    error_bit = 4  # EAV (PM100 manual, 4.4.3, status byte)
    roles: ClassVar[tuple[str, ...]] = ("PowerMonitor",)
    inputs = 1

    # -- the role ---------------------------------------------------------------------------------

    async def watch(self, number: int, wavelength: float) -> None:
        """Be ready for light of a wavelength in m: correction set, automatic ranging.

        Raises `LimitError` before that leaves.
        """
        self._check_input(number)
        await self.set_wavelength(wavelength)
        await self.set_range(None)

    async def read_input(self, number: int) -> float:
        """Measure the power at the only input, W. Raises as `read_power`, and `LimitError`."""
        self._check_input(number)
        return await self.read_power()

    def _check_input(self, number: int) -> None:
        whole_number(number, 1, 1, instrument=self.name, what="input", limit="1, its only one")

    # -- readings ---------------------------------------------------------------------------------

    async def read_power(self) -> float:
        """Measure the power, W. A dark sensor may read a little below 0.

        Raises `InstrumentError` where it is above the range, a difference, or no number.
        """
        return float(await self.get(POWER))

    async def get(
        self, quantity: Quantity, channel: int | str = "", *, kind: str = "read", wait: float = 0.0
    ) -> Value:
        """Read a declared quantity, in its SI unit; a reading is waited for as its average takes.

        Raises as `ScpiInstrument.get`, and `InstrumentError` for a reading that is no finite
        number, or for a power or a current while the console shows differences.
        """
        self._check_channel(quantity, channel)
        if quantity.kind is float and quantity.measured:
            unit = "W"
            if quantity is POWER:
                unit = str(await super().get(POWER_UNIT, kind=kind))
            if quantity in _DELTAS and await super().get(_DELTAS[quantity], kind=kind):
                raise InstrumentError(
                    self.name, quantity.query(), "not asked",
                    f"the console shows differences; end that: set {_DELTAS[quantity].name} off",
                )  # fmt: skip
            wait += SAMPLE * int(await super().get(AVERAGES, kind=kind)) + RANGING
            value = self._finite(quantity, await super().get(quantity, kind=kind, wait=wait))
            return self._watts(value) if unit == "DBM" else value
        value = await super().get(quantity, channel, kind=kind, wait=wait)
        return self._finite(quantity, value) if quantity.kind is float else value

    def _watts(self, dbm: float) -> float:
        if not abs(dbm) < 200.0:
            hint = "that is no power in dBm"
            raise InstrumentError(self.name, POWER.query(), f"{dbm:g}", hint)
        return watts_of(dbm)

    def _finite(self, quantity: Quantity, value: Value) -> float:
        number = float(value)
        # What is above 1e30 stands for "over range", whatever a firmware makes of it.
        if math.isfinite(number) and abs(number) < 1e30:
            return number
        hint = (
            "no number: above the range (set a wider one, or set_range(None)), or no power in dBm"
        )
        raise InstrumentError(self.name, quantity.query(), str(value), hint)

    # -- settings ---------------------------------------------------------------------------------

    async def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength of the sensor that is plugged in now, m."""
        ends = []
        for end in ("MIN", "MAX"):
            query = f"SENS:CORR:WAV? {end}"
            text = await self.ask_text(query)
            try:
                ends.append(self._finite(WAVELENGTH, WAVELENGTH.parse(text)))
            except ValueError as error:
                self._link.doubt()
                raise InstrumentError(self.name, query, text, str(error)) from None
        return ends[0], ends[1]

    async def set_wavelength(self, wavelength: float) -> None:
        """Set the wavelength of the light in m: the response depends on it.

        Raises `LimitError` before it leaves where the sensor does not reach it.
        """
        WAVELENGTH.check(wavelength, instrument=self.name)
        low, high = await self.wavelength_range()
        if not low * (1.0 - 1e-9) <= wavelength <= high * (1.0 + 1e-9):
            limit = f"{low:.6g} to {high:.6g} m (the sensor's)"
            raise LimitError(self.name, "wavelength", wavelength, limit, "m")
        await self.set(WAVELENGTH, wavelength)

    async def set_range(self, power: float | None) -> None:
        """Set the range that holds so much power (W), or None for automatic ranging."""
        if power is None:
            await self.set(AUTO_RANGE, True)
        else:
            await self.set(POWER_RANGE, power)

    async def set_averages(self, samples: int) -> None:
        """Set how many samples of about 3 ms make a reading (1 to 10000)."""
        await self.set(AVERAGES, samples)

    async def sensor(self) -> Sensor:
        """The sensor that is plugged in. Raises `InstrumentError` where there is none."""
        query = "SYST:SENS:IDN?"
        text = await self.ask_text(query)
        try:
            found = parse_sensor(text)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, str(error)) from None
        if found is None:
            raise InstrumentError(self.name, query, text, "plug a sensor in")
        return found

    # -- the zero ---------------------------------------------------------------------------------

    async def zero(self, *, most: float = DARK_CURRENT, timeout: float = 30.0) -> float:
        """Take the zero, with the sensor in the dark; the zero in A (photodiodes).

        Raises `InstrumentError` when it takes longer than `timeout` s (and ends it), and when it is
        more than `most` A: there was light, and all readings are too low until it is taken again.
        """
        real_number(most, 0.0, 1.0, instrument=self.name, what="most", unit="A")
        real_number(timeout, 0.0, LONGEST_ZERO, instrument=self.name, what="timeout", unit="s")
        head = "SENS:CORR:COLL:ZERO"
        await self.tell(f"{head}:INIT")
        last = asyncio.get_running_loop().time() + timeout
        while await self.get(ZEROING):
            if asyncio.get_running_loop().time() > last:
                await self.tell(f"{head}:ABOR")
                hint = f"it took longer than {timeout:g} s, and was ended; the zero is as it was"
                raise InstrumentError(self.name, f"{head}:INIT", "still at it", hint)
            await asyncio.sleep(POLL)
        amps = float(await self.get(ZERO))
        if abs(amps) > most:
            hint = f"more than {most:g} A: darken the sensor and take the zero again"
            raise InstrumentError(self.name, f"{head}:MAGN?", f"{amps:g} A", hint)
        return amps
