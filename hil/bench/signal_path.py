"""What drives the modulators and reads the detectors of a bench, as two roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.composites import BoxArray, BoxPort
from drivers.instrument import Instrument
from drivers.red_pitaya import RedPitaya
from drivers.roles import InputSource, Readout
from hil.bench.file import BenchFile


@dataclass(frozen=True)
class SignalPath:
    """The two roles, and the instruments that fill them."""

    source: InputSource
    readout: Readout
    instruments: tuple[Instrument, ...]


def signal_path(file: BenchFile, built: Mapping[str, Instrument]) -> SignalPath:
    """Join the ports' instruments to roles, port 0 first."""
    return _boxes(file, built)


def _boxes(file: BenchFile, built: Mapping[str, Instrument]) -> SignalPath:
    ports = []
    for port in file.ports_in_order:
        box = built[port.plays]
        assert isinstance(box, RedPitaya)  # the file's checks have seen to it
        ports.append(BoxPort(box, port.output, port.input))
    assert file.timing.decimation is not None  # likewise
    array = BoxArray("boxes", ports, decimation=file.timing.decimation, average=file.timing.average)
    return SignalPath(array, array, array.drivers)
