"""What drives the modulators and reads the detectors of a bench, as two roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.composites import PortInput, ReadoutArray, ReadoutPort, SourceArray, SourcePort
from drivers.instrument import Instrument
from drivers.roles import InputSource, PortReadout, PortSource, Readout
from hil.bench.file import BenchFile


@dataclass(frozen=True)
class SignalPath:
    """The two roles, and the instruments that fill them."""

    source: InputSource
    readout: Readout
    instruments: tuple[Instrument, ...]


def signal_path(file: BenchFile, built: Mapping[str, Instrument]) -> SignalPath:
    """Join the ports' instruments to roles, port 0 first: any that play, any that read.

    The file's checks have seen to it that they can serve; `ValueError` for what only the drivers
    know, such as an output that this model has not.
    """
    ports = file.ports_in_order
    source = SourceArray(
        "sources",
        [SourcePort(_source(built[port.plays]), port.output) for port in ports],
        later=file.trigger_arrivals,
    )
    readout = ReadoutArray(
        "readouts",
        [
            ReadoutPort(*(PortInput(_readout(built[name]), number) for name, number in port.inputs))
            for port in ports
        ],
        point=file.point_duration,
        average=file.timing.average,
        early=file.early_points,
    )
    used = {port.plays for port in ports} | {name for port in ports for name, _ in port.inputs}
    return SignalPath(source, readout, tuple(built[name] for name in built if name in used))


def _source(instrument: Instrument) -> PortSource:
    if isinstance(instrument, PortSource):
        return instrument
    raise ValueError(f"{instrument.name}: its driver has not all that drivers.roles.PortSource has")


def _readout(instrument: Instrument) -> PortReadout:
    if isinstance(instrument, PortReadout):
        return instrument
    raise ValueError(
        f"{instrument.name}: its driver has not all that drivers.roles.PortReadout has"
    )
