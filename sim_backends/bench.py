"""A whole simulated bench: the instruments of a bench file, joined to a plant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .bench_file import BenchDocumentError, BenchFile, Document, read_bench
from .endpoints import reached
from .faults import LinkFaults
from .host.clock import BenchClock
from .host.memory import Network
from .host.serving import Served
from .host.session import LinkTiming, client_connected
from .instrument import SimulatedInstrument
from .joining import Joiner
from .joints import HeaterTerminals
from .source_measure.unit import SourceMeasureUnit
from .trigger_lines import OpenWire
from .wired import PlantInterface, PortWire
from .wiring import Wiring

if TYPE_CHECKING:
    from .plant.plant import Plant
    from .slot import SlotMachine


class SimulatedBench:
    """All simulated instruments of one bench, and the plant behind them.

    Parameters
    ----------
    document : decoded bench file.
    start_time : s of bench time at the first event on a real loop; a virtual loop brings its own.
    only : names of the instruments to simulate (None: all); the wires of the others are idle.
    plant : another plant than the document's own, for tests.

    Attributes
    ----------
    instruments : simulated instruments by name.
    faults : link faults on order, by instrument name.

    Raises
    ------
    BenchDocumentError
        When the document cannot be simulated.
    """

    def __init__(
        self,
        document: Document,
        *,
        start_time: float = 0.0,
        only: Iterable[str] | None = None,
        plant: PlantInterface | None = None,
    ) -> None:
        self._document = document
        self._file = read_bench(document)
        self._start_time = start_time
        if plant is None:
            from .plant.plant import Plant
            from .plant.spec import PlantSpecError

            try:
                self._plant: PlantInterface = Plant.from_document(document)
            except PlantSpecError as error:
                raise BenchDocumentError(str(error)) from error
        else:
            self._plant = plant
        wanted = {item.name for item in self._file.instruments} if only is None else set(only)
        _check_only(self._file, wanted)
        self.clock = BenchClock(start_time)
        wires = sorted(self._file.wiring.ports, key=lambda port: port.port)
        self.wiring = Wiring(
            self._plant,
            self.clock,
            [
                PortWire(port.plays, port.output, port.reads, port.input, port.pair)
                for port in wires
            ],
            self._file.wiring.lines.trigger,
        )
        for delay in self._file.delays:
            for output in delay.outputs:
                for name in output.feeds:
                    self.wiring.feed(name, OpenWire())  # until its generator is simulated
        self.instruments: dict[str, SimulatedInstrument] = {}
        self.faults: dict[str, LinkFaults] = {}
        joiner = Joiner(document, self._file, self.wiring, self.clock)
        for index, item in enumerate(self._file.instruments):
            if item.name in wanted:
                self.instruments[item.name] = joiner.build(item, index)
                self.faults[item.name] = LinkFaults()

    # -- hosting ----------------------------------------------------------------------------------

    def attach(self, network: Network) -> None:
        """Serve every simulated instrument at its resource's address on `network`.

        Raises
        ------
        BenchDocumentError
            When a resource string gives no address that a network of this kind has.
        """
        for index, item in enumerate(self._file.instruments):
            if item.name not in self.instruments:
                continue
            try:
                for address, door in reached(item.resource, self.instruments[item.name].doors):
                    network.listen(
                        address,
                        client_connected(
                            door.converse, self.timing_of(item.name), self.faults[item.name]
                        ),
                    )
            except ValueError as error:
                raise BenchDocumentError(f"instrument.{index}.resource: {error}") from None

    def served(self) -> list[Served]:
        """All simulated instruments, to be served on real links."""
        return [
            Served(name, device.doors, self.timing_of(name), self.faults[name])
            for name, device in self.instruments.items()
        ]

    def timing_of(self, name: str) -> LinkTiming:
        """Timing of an instrument's link."""
        link = next(item.link for item in self._file.instruments if item.name == name)
        return LinkTiming(link.latency, link.bytes_per_second, link.read_bytes_per_second)

    @property
    def file(self) -> BenchFile:
        """The checked bench document."""
        return self._file

    def join_by_hand(self, name: str, bank: int, element: int) -> None:
        """Put the terminals of a source-measure unit at another heater, as a person would.

        Raises
        ------
        BenchDocumentError
            For an instrument that is none, or a heater that there is not.
        """
        unit = getattr(self.instruments.get(name), "unit", None)
        load = unit.own_load if isinstance(unit, SourceMeasureUnit) else None
        if not isinstance(load, HeaterTerminals):
            raise BenchDocumentError(f"{name!r} has no terminals that a heater could be put at")
        if not (0 <= bank < self._file.n_banks and 0 <= element < self._file.ports**2):
            raise BenchDocumentError(f"there is no element {bank}:{element}")
        load.join(bank, element)

    # -- beside the wire --------------------------------------------------------------------------

    def write_as_built(self, path: str | Path, quality: str) -> None:
        """Write what a survey of class `quality` knows of this bench: a calibration record."""
        from .as_built import write_as_built

        write_as_built(cast("Plant", self._plant), quality, path)

    def slot_machine(self) -> SlotMachine:
        """The plant as a fast slot machine, without instruments, from the start time on."""
        from .slot import SlotMachine

        plant = cast("Plant", self._plant)
        plant.stand_alone()
        return SlotMachine(self._document, self._start_time, plant)


def _check_only(file: BenchFile, wanted: set[str]) -> None:
    unknown = wanted - {item.name for item in file.instruments}
    if unknown:
        raise BenchDocumentError(f"no instrument is named {', '.join(sorted(unknown))}")
