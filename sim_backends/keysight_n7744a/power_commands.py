"""Commands of readings and of what they depend on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import arguments, boolean, named, number
from sim_backends.engine.session import Command, Reply, ScpiSession
from sim_backends.engine.writing import nr1_signed, nr3, write_block

from .port import RANGES_DBM, Port

if TYPE_CHECKING:
    from .meter import KeysightN7744A

LONG = nr3(8, exponent=3)
"""`+1.55000000E-006`: how numbers are told."""
SENSE = "SENSe#[:CHANnel#]"
ZEROING = 2.0
"""s that zeroing takes."""
Suffixes = tuple[int, ...]


def signed(on: bool) -> str:
    """`+1` or `+0`."""
    return nr1_signed(float(on))


def on_port(meter: KeysightN7744A, act: Callable[[Port, str], Reply]) -> Command:
    """A command of one port, given the text of its parameters."""

    def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
        return act(meter.port(suffixes), text)

    return run


def limited(text: str, unit: str, least: float, most: float, default: float) -> float:
    """A number within its limits, or MIN, MAX, DEF. Raises `ScpiError` -222."""
    (word,) = arguments(text, 1, 1)
    special = named(word)
    if special:
        return {"MIN": least, "MAX": most, "DEF": default}[special]
    value = number(word, unit)
    if not least <= value <= most:
        raise ScpiError(-222)
    return value


def told(text: str, value: float, least: float, most: float, default: float) -> str:
    """The answer of a query that takes MIN, MAX or DEF."""
    if not text.strip():
        return LONG(value)
    special = named(arguments(text, 1, 1)[0])
    if not special:
        raise ScpiError(-224)
    return LONG({"MIN": least, "MAX": most, "DEF": default}[special])


def add_power(meter: KeysightN7744A) -> None:
    """Enter them."""
    commands, one, settings = meter.commands, meter.one, meter.settings

    def idle(at: Suffixes, value: object) -> None:
        meter.refuse_while_running(meter.port(at))

    def pair(
        pattern: str,
        keep: Callable[[Port, str], None],
        tell: Callable[[Port, str], str],
    ) -> None:
        def change(port: Port, text: str) -> None:
            meter.refuse_while_running(port)
            keep(port, text)

        commands.add(pattern, on_port(meter, change), one)
        commands.add(f"{pattern}?", on_port(meter, tell), one)

    settings.number(
        "wavelength", f"{SENSE}:POWer:WAVelength", 1250e-9, 1650e-9, 1550e-9, unit="M", form=LONG,
        ranges=one, check=idle,
    )  # fmt: skip
    commands.add(
        "SENSe#:POWer:WAVelength:ALL",
        lambda session, at, text: _all_wavelengths(meter, session, text),
    )
    settings.boolean("gain", f"{SENSE}:POWer:GAIN:AUTO", True, form=signed, ranges=one, check=idle)
    settings.boolean(
        "continuous", "INITiate#[:CHANnel#]:CONTinuous", True, form=signed, ranges=one, check=idle
    )

    def set_unit(port: Port, text: str) -> None:
        word = arguments(text, 1, 1)[0].upper()
        if word in ("DBM", "0"):
            port.in_watts = False
        elif word in ("W", "WATT", "1"):
            port.in_watts = True
        else:
            raise ScpiError(-224)

    def set_range(port: Port, text: str) -> None:
        value = limited(text, "DBM", RANGES_DBM[0] - 5.0, RANGES_DBM[-1] + 5.0, 10.0)
        port.range_dbm = min(max(10.0 * round(value / 10.0), RANGES_DBM[0]), RANGES_DBM[-1])
        port.automatic = False

    def set_auto(port: Port, text: str) -> None:
        port.automatic = boolean(arguments(text, 1, 1)[0])

    def set_averaging(port: Port, text: str) -> None:
        port.averaging = limited(text, "S", 1e-6, 10.0, 0.2)

    def set_correction(port: Port, text: str) -> None:
        port.correction = limited(text, "DB", -200.0, 200.0, 0.0)

    def set_relative(port: Port, text: str) -> None:
        port.relative = boolean(arguments(text, 1, 1)[0])

    def set_reference(port: Port, text: str) -> None:
        kind, value = arguments(text, 2, 2)
        if kind.upper() not in ("TOREF", "1"):
            raise ScpiError(-224)
        if value.upper().endswith("W"):
            watts = number(value, "W")
            if not watts > 0.0:
                raise ScpiError(-222)
            port.reference = 10.0 * math.log10(watts / 1e-3)
        else:
            port.reference = number(value, "DBM")

    power = f"{SENSE}:POWer"
    pair(f"{power}:UNIT", set_unit, lambda port, text: signed(port.in_watts))
    pair(
        f"{power}:RANGe[:UPPer]", set_range,
        lambda port, text: told(text, port.range_dbm, RANGES_DBM[0], RANGES_DBM[-1], 10.0),
    )  # fmt: skip
    pair(f"{power}:RANGe:AUTO", set_auto, lambda port, text: signed(port.automatic))
    pair(
        f"{power}:ATIMe", set_averaging,
        lambda port, text: told(text, port.averaging, 1e-6, 10.0, 0.2),
    )  # fmt: skip
    pair(
        f"{SENSE}:CORRection[:LOSS][:INPut][:MAGNitude]", set_correction,
        lambda port, text: told(text, port.correction, -200.0, 200.0, 0.0),
    )  # fmt: skip
    pair(f"{power}:REFerence:STATe", set_relative, lambda port, text: signed(port.relative))
    pair(f"{power}:REFerence", set_reference, lambda port, text: LONG(port.reference))
    commands.add(
        "SENSe#:POWer:UNIT:ALL:CSV?",
        plain(lambda session: ",".join(str(int(port.in_watts)) for port in meter.ports)),
    )
    _add_zero(meter)
    _add_readings(meter)


def _all_wavelengths(meter: KeysightN7744A, session: ScpiSession, text: str) -> None:
    for port in meter.ports:
        meter.refuse_while_running(port)
    value = limited(text, "M", 1250e-9, 1650e-9, 1550e-9)
    for port in meter.ports:
        meter.settings["wavelength", port.number, 1] = value


def _add_zero(meter: KeysightN7744A) -> None:
    failed: set[int] = set()

    def zero(ports: list[Port]) -> None:
        for port in ports:
            meter.refuse_while_running(port)

        def end() -> None:
            for port in ports:
                failed.discard(port.number)
                if not port.zero(meter.now()):
                    failed.add(port.number)

        meter.operations.begin_for(ZEROING, end)

    root = f"{SENSE}:CORRection:COLLect:ZERO"
    meter.commands.add(root, on_port(meter, lambda port, text: zero([port])), meter.one)
    meter.commands.add(f"{root}:ALL", on_port(meter, lambda port, text: zero([*meter.ports])))
    meter.commands.add(
        f"{root}?", on_port(meter, lambda port, text: signed(port.number in failed)), meter.one
    )


def _add_readings(meter: KeysightN7744A) -> None:
    commands, one = meter.commands, meter.one

    def refuse(port: Port) -> None:
        if port.running:
            raise ScpiError(-213)

    def present(port: Port) -> float:
        """The latest reading, W: of the window that has just ended where the port runs free."""
        if meter.settings.on("continuous", port.number, 1) and not port.running:
            start = (meter.now() // port.averaging - 1.0) * port.averaging
            port.last = float(port.measure(start, port.averaging)[0])
        return 0.0 if port.last is None else port.last

    def initiate(port: Port, text: str) -> None:
        if text.strip():
            raise ScpiError(-108)
        refuse(port)
        start = meter.now()

        def end() -> None:
            port.last = float(port.measure(start, port.averaging)[0])

        meter.operations.begin_for(port.averaging, end)

    def fresh(ports: list[Port], answer: Callable[[], Reply]) -> Reply:
        for port in ports:
            refuse(port)
        due = [port for port in ports if not meter.settings.on("continuous", port.number, 1)]
        if not due:
            return answer()
        for port in due:
            initiate(port, "")
        held = Deferred()
        meter.operations.when_idle(lambda: held.resolve(answer()))  # type: ignore[arg-type]
        return held

    def scalar(port: Port) -> str:
        return LONG(float(port.told(np.array([present(port)]))[0]))

    def block() -> bytes:
        values = [port.told(np.array([present(port)]))[0] for port in meter.ports]
        return write_block(np.array(values, dtype="<f4").tobytes())

    def empty(text: str) -> None:
        if text.strip():
            raise ScpiError(-108)

    def read(port: Port, text: str) -> Reply:
        empty(text)
        return fresh([port], lambda: scalar(port))

    def fetch(port: Port, text: str) -> Reply:
        empty(text)
        return scalar(port)

    for verb, act in (("READ", read), ("FETCh", fetch)):
        commands.add(f"{verb}#[:CHANnel#][:SCALar]:POWer[:DC]?", on_port(meter, act), one)
    commands.add("READ#[:SCALar]:POWer:ALL?", plain(lambda session: fresh([*meter.ports], block)))
    commands.add("FETCh#[:SCALar]:POWer:ALL?", plain(lambda session: block()))
    pairs = np.array([(port.number, 1) for port in meter.ports], dtype="<u2").tobytes()
    for verb in ("READ", "FETCh"):
        commands.add(
            f"{verb}#[:SCALar]:POWer:ALL:CONFig?", plain(lambda session: write_block(pairs))
        )
    commands.add("INITiate#[:CHANnel#][:IMMediate]", on_port(meter, initiate), one)
