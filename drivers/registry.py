"""All drivers by model name: those of this package, and those that other packages bring.

A package brings a driver by an entry point of the group `hil_photonics.drivers`, whose name is the
model's and whose value is `module:Class`. A driver's module is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from drivers.instrument import Instrument

ENTRY_POINTS = "hil_photonics.drivers"
BUILT_IN: dict[str, str] = {
    "agiltron_ff": "drivers.agiltron_ff:AgiltronFf",
    "agiltron_selfalign": "drivers.agiltron_selfalign:AgiltronSelfAlign",
    "keithley_2400": "drivers.keithley_2400:Keithley2400",
    "keithley_2450": "drivers.keithley_2450:Keithley2450",
    "keysight_33600a": "drivers.keysight_33600a:Keysight33600A",
    "keysight_816x": "drivers.keysight_816x:Keysight816x",
    "keysight_n7744a": "drivers.keysight_n7744a:KeysightN7744A",
    "keysight_infiniivision": "drivers.keysight_infiniivision:KeysightInfiniivision",
    "meerstetter_tec1091": "drivers.meerstetter_tec1091:MeerstetterTec1091",
    "polatis": "drivers.polatis:Polatis",
    "pulse_streamer": "drivers.pulse_streamer:PulseStreamer",
    "qdevil_qdac2": "drivers.qdevil_qdac2:QdevilQdac2",
    "qontrol_q8": "drivers.qontrol_q8:QontrolQ8",
    "red_pitaya": "drivers.red_pitaya:RedPitaya",
    "rigol_ds1000z": "drivers.rigol_ds1000z:RigolDs1000z",
    "santec_tsl570": "drivers.santec_tsl570:SantecTsl570",
    "srs_dg645": "drivers.srs_dg645:SrsDg645",
    "thorlabs_osw12": "drivers.thorlabs_osw12:ThorlabsOsw12",
    "thorlabs_pm100": "drivers.thorlabs_pm100:ThorlabsPm100",
}
"""Model name -> `module:Class`."""


class RegistryError(Exception):
    """A driver that there is not, or that cannot be loaded; the message names it and the mend."""


@dataclass(frozen=True)
class Entry:
    """A registered driver: the model's name, where its class is, and the package that brings it."""

    name: str
    where: str
    package: str = ""
    """Empty for the drivers of this package."""

    def load(self) -> type[Instrument]:
        """Import the class. Raises `RegistryError` for what is no driver, or fails to import."""
        module, _, attribute = self.where.partition(":")
        brought = f" (brought by {self.package})" if self.package else ""
        try:
            found = getattr(import_module(module), attribute)
        except Exception as error:  # whatever a module of other people's does when imported
            raise RegistryError(
                f"driver {self.name}{brought}: {self.where} cannot be imported "
                f"({type(error).__name__}: {error})"
            ) from error
        if not (isinstance(found, type) and issubclass(found, Instrument)):
            raise RegistryError(
                f"driver {self.name}{brought}: {self.where} is no class derived from "
                f"drivers.instrument.Instrument"
            )
        return found


def entries() -> tuple[Entry, ...]:
    """All registered drivers, in order of their names.

    Raises `RegistryError` when a package brings a name that is taken: a bench must not change its
    drivers because something was installed.
    """
    found = {name: Entry(name, where) for name, where in BUILT_IN.items()}
    for point in _brought():
        package = point.dist.name if point.dist is not None else "an unknown package"
        if point.name in found:
            first = found[point.name].package or "this package"
            raise RegistryError(
                f"driver {point.name} is brought by {first} and by {package}; uninstall one, or "
                f"rename its entry point in the group {ENTRY_POINTS}"
            )
        found[point.name] = Entry(point.name, point.value, package)
    return tuple(found[name] for name in sorted(found))


def load(name: str) -> type[Instrument]:
    """The driver of a model. Raises `RegistryError` naming those that there are."""
    known = {entry.name: entry for entry in entries()}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise RegistryError(f"no driver {name!r}{meant}; there are {', '.join(known)}")
    return known[name].load()


def _brought() -> Iterator[EntryPoint]:
    seen: set[tuple[str, str]] = set()
    for point in entry_points(group=ENTRY_POINTS):
        if (point.name, point.value) not in seen:  # a path may be listed twice
            seen.add((point.name, point.value))
            yield point
