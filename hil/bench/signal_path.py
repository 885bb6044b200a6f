"""What drives the modulators and reads the detectors of a bench, as two roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.composites import BoxArray, BoxPort
from drivers.instrument import Instrument
from drivers.keysight_33600a import Keysight33600A
from drivers.keysight_n7744a import KeysightN7744A
from drivers.meter_array import MeterArray, MeterInput, MeterPort
from drivers.red_pitaya import RedPitaya
from drivers.roles import InputSource, Readout
from drivers.source_array import SourceArray, SourcePort
from hil.bench.file import BenchFile


@dataclass(frozen=True)
class SignalPath:
    """The two roles, and the instruments that fill them."""

    source: InputSource
    readout: Readout
    instruments: tuple[Instrument, ...]


def signal_path(file: BenchFile, built: Mapping[str, Instrument]) -> SignalPath:
    """Join the ports' instruments to roles, port 0 first.

    The file's checks have seen to it that they can serve; `ValueError` for what only the drivers
    know, such as an output that this model has not.
    """
    if all(port.box is not None for port in file.wiring.ports):
        return _boxes(file, built)
    return _apart(file, built)


def _boxes(file: BenchFile, built: Mapping[str, Instrument]) -> SignalPath:
    ports = []
    for port in file.ports_in_order:
        box = built[port.plays]
        assert isinstance(box, RedPitaya)
        ports.append(BoxPort(box, port.output, port.input))
    assert file.timing.decimation is not None
    array = BoxArray("boxes", ports, decimation=file.timing.decimation, average=file.timing.average)
    return SignalPath(array, array, array.drivers)


def _apart(file: BenchFile, built: Mapping[str, Instrument]) -> SignalPath:
    sources, readouts = [], []
    for port in file.ports_in_order:
        generator = built[port.plays]
        assert isinstance(generator, Keysight33600A)
        sources.append(SourcePort(generator, port.output))
        inputs = []
        for name, number in port.inputs:
            meter = built[name]
            assert isinstance(meter, KeysightN7744A)
            inputs.append(MeterInput(meter, number))
        readouts.append(MeterPort(*inputs))
    source = SourceArray("generators", sources)
    readout = MeterArray("power meters", readouts, point=file.point_duration)
    used = {port.plays for port in file.wiring.ports}
    used |= {name for port in file.wiring.ports for name, _ in port.inputs}
    return SignalPath(source, readout, tuple(built[name] for name in built if name in used))
