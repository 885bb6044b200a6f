"""Taps: inputs of power meters that see a share of the light, beside the frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drivers.instrument import Instrument
from drivers.optical_power import dbm_of, watts_of
from drivers.roles import PowerMonitor
from hil.bench.beside_tables import Light, Tap
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile

#: dB that the power at a tap may be off the laser's times the tap's share.
TOLERANCE = 3.0


@dataclass(frozen=True)
class Tapped:
    """A tap and its meter."""

    table: Tap
    meter: PowerMonitor

    async def watch(self, light: Light) -> None:
        """Have the meter be ready for this light. Raises `LimitError`, `InstrumentError`."""
        await self.meter.watch(self.table.input, light.wavelength)

    async def read(self) -> float:
        """The power at the meter, W. Raises `InstrumentError`, `LinkError`."""
        return await self.meter.read_input(self.table.input)


def tapped(
    file: BenchFile, built: Mapping[str, Instrument], readouts: Iterable[Instrument]
) -> tuple[Tapped, ...]:
    """The taps of a bench; `readouts` are the instruments that take part in frames.

    Raises
    ------
    BenchFileError
        For an input that a meter has not, and for one that is logged with the ports.
    """
    found, faults = [], []
    busy = {id(one) for one in readouts}
    for index, table in enumerate(file.taps):
        meter = built[table.meter]
        if not isinstance(meter, PowerMonitor):  # another package's driver, that says it is one
            faults.append(f"tap.{index}.meter: {incomplete(meter, 'PowerMonitor')}")
            continue
        logged = getattr(meter, "ports", ()) if id(meter) in busy else ()
        if table.input > meter.inputs:
            faults.append(f"tap.{index}.input: must be 1 to {meter.inputs}, not {table.input}")
        elif table.input in logged:
            rest = [number for number in logged if number != table.input]
            faults.append(
                f"tap.{index}.input: input {table.input} of {table.meter!r} is logged in frames; "
                f"give that instrument options = {{ ports = {rest} }}"
            )
        found.append(Tapped(table, meter))
    if faults:
        raise BenchFileError(file.source, faults)
    return tuple(found)


def incomplete(instrument: Instrument, role: str) -> str:
    """What is wrong with a driver that says it fills a role."""
    return f"the driver of {instrument.name!r} has not all that drivers.roles.{role} has"


def expected(tap: Tap, light: Light) -> float:
    """W that a tap of the laser should show."""
    return tap.share * watts_of(light.power_dbm)


def decibels(watts: float) -> str:
    """A power in dBm, for a person."""
    return f"{dbm_of(watts):.1f} dBm" if watts > 0.0 else "no light"
