"""Which driver's name stands for which simulated instrument of a bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim_backends.bench_file import BenchDocumentError, BenchFile, Document, Instrument
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, SimulatedInstrument
from sim_backends.wiring import Wiring

from .boxes import box
from .delay_generators import delay_generator
from .generators import generator
from .heaters import chassis, dac
from .lasers import laser, mainframe
from .meters import meter, monitor
from .pattern import pattern
from .scopes import infiniivision, rigol
from .serials import serials
from .site import Site
from .source_meters import source_meter
from .stages import stage
from .switches import many_way, matrix, two_way

Builder = Callable[[Site, Instrument, int], SimulatedInstrument]
"""Builds and joins an instrument, given its place in the file; may raise `OptionError` and
`BenchDocumentError`.
"""

BUILDERS: Mapping[str, Builder] = {
    "qontrol_q8": chassis,
    "qdevil_qdac2": dac,
    "keithley_2400": source_meter,
    "keithley_2450": source_meter,
    "srs_dg645": delay_generator,
    "pulse_streamer": pattern,
    "red_pitaya": box,
    "keysight_33600a": generator,
    "keysight_n7744a": meter,
    "rigol_ds1000z": rigol,
    "keysight_infiniivision": infiniivision,
    "santec_tsl570": laser,
    "keysight_816x": mainframe,
    "meerstetter_tec1091": stage,
    "thorlabs_pm100": monitor,
    "thorlabs_osw12": two_way,
    "agiltron_ff": many_way,
    "agiltron_selfalign": many_way,
    "polatis": matrix,
}


class Joiner:
    """Builds the instruments of one bench file."""

    def __init__(
        self, document: Document, file: BenchFile, wiring: Wiring, clock: BenchClock
    ) -> None:
        self._site = Site(document, file, wiring, clock)
        self._serials = serials(file)
        if file.taps:
            wiring.join_taps(self._site.taps)

    def build(self, item: Instrument, index: int) -> SimulatedInstrument:
        """Build one instrument, `index` being its place in the file.

        Raises
        ------
        BenchDocumentError
            When it cannot be simulated as the file asks.
        """
        builder = BUILDERS.get(item.driver)
        if builder is None:
            raise BenchDocumentError(
                f"instrument.{index}.driver: {item.driver!r} cannot be simulated on a bench; there "
                f"are {', '.join(BUILDERS)}"
            )
        if serial := self._serials.get(item.name):
            item = item.model_copy(update={"identity": {**item.identity, "serial": serial}})
        try:
            return builder(self._site, item, index)
        except OptionError as error:
            raise BenchDocumentError(f"instrument.{index} ({item.name}): {error}") from None
