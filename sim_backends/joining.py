"""Instruments of a bench file, built and joined to what their wires lead to."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from .bench_file import BenchDocumentError, BenchFile, Document, Instrument, element_index
from .catalogue import build
from .endpoints import host_of
from .host.clock import BenchClock
from .instrument import OptionError, Placement, SimulatedInstrument
from .joints import BoxJoint, Heaters, MeterJoint, Played, TriggerLine
from .keysight_33600a import Keysight33600A
from .keysight_33600a.models import MODELS as GENERATORS
from .keysight_n7744a import KeysightN7744A
from .keysight_n7744a.meter import PORTS as METERS
from .meerstetter_tec1091 import Tec1091
from .plant.numbers import PlantNumbers
from .plant.spec import PlantSpec
from .pulse_streamer.device import PulseStreamer
from .qdevil_qdac2 import Qdac2
from .qontrol_q8 import MODELS, QontrolChain, ReadbackNumbers
from .red_pitaya import BoxNumbers, RedPitaya
from .red_pitaya.clock import BoxClock
from .santec_tsl570 import SantecTsl570
from .wiring import Wiring

_CLOCKS, _CHASSIS = 0xB0C5, 0x0C1A
_SPAN = 8e-9
"""s over which the boxes' clock phases are spread."""


class Joiner:
    """Builds the instruments of one bench file."""

    def __init__(
        self, document: Document, file: BenchFile, wiring: Wiring, clock: BenchClock
    ) -> None:
        self._document = document
        self._file = file
        self._wiring = wiring
        self._clock = clock

    def build(self, item: Instrument, index: int) -> SimulatedInstrument:
        """Build one instrument, `index` being its place in the file.

        Raises
        ------
        BenchDocumentError
            When it cannot be simulated as the file asks.
        """
        builders: dict[str, Callable[[Instrument, int], SimulatedInstrument]] = {
            "qontrol_q8": self._build_chassis,
            "qdevil_qdac2": self._build_dac,
            "pulse_streamer": self._build_pattern,
            "red_pitaya": self._build_box,
            "keysight_33600a": self._build_generator,
            "keysight_n7744a": self._build_meter,
            "santec_tsl570": self._build_laser,
            "meerstetter_tec1091": self._build_stage,
        }
        builder = builders.get(item.driver)
        if builder is None:
            raise BenchDocumentError(
                f"instrument.{index}.driver: {item.driver!r} cannot be simulated on a bench; there "
                f"are {', '.join(builders)}"
            )
        try:
            return builder(item, index)
        except OptionError as error:
            raise BenchDocumentError(f"instrument.{index} ({item.name}): {error}") from None

    @cached_property
    def _numbers(self) -> PlantNumbers:
        """The plant's numbers, some of which are the instruments' own."""
        return PlantSpec.from_document(self._document).numbers

    @property
    def _seed(self) -> int:
        return int(self._file.plant.get("seed", 0))

    def _alone(self, item: Instrument, index: int) -> SimulatedInstrument:
        """As the catalogue makes it. A bench file's options are the driver's, not its."""
        placement = Placement(self._clock, _seed(self._seed, index), item.identity)
        return build(item.driver, placement)

    def _build_generator(self, item: Instrument, index: int) -> Keysight33600A:
        model = item.identity.get("model", "33622A")
        if model not in GENERATORS:
            raise BenchDocumentError(
                f"instrument.{index}.identity.model: {model!r} is no 33500B or 33600A; there are "
                + ", ".join(GENERATORS)
            )
        load = item.options.get("load", 50.0)
        line = TriggerLine(self._wiring)
        generator = Keysight33600A(
            self._clock.now,
            line,
            model=model,
            serial=item.identity.get("serial", "MY53800001"),
            attached=float(load[0] if isinstance(load, list) else load),
            seed=_seed(self._seed, index),
        )
        line.joined = True
        self._wiring.join_player(item.name, Played(generator))
        return generator

    def _build_meter(self, item: Instrument, index: int) -> KeysightN7744A:
        model = item.identity.get("model", "N7745A")
        if model not in METERS:
            raise BenchDocumentError(
                f"instrument.{index}.identity.model: {model!r} is no N7744A or N7745A; there are "
                + ", ".join(METERS)
            )
        meter = KeysightN7744A(
            self._clock.now,
            MeterJoint(self._wiring, item.name),
            model=model,
            serial=item.identity.get("serial", "MY49700101"),
            seed=_seed(self._seed, index),
        )
        self._wiring.join_meter(meter)
        return meter

    def _build_laser(self, item: Instrument, index: int) -> SimulatedInstrument:
        laser = self._alone(item, index)
        assert isinstance(laser, SantecTsl570)
        light = self._file.light
        if light is not None and light.laser == item.name:
            nominal = 1e-3 * 10.0 ** (light.power_dbm / 10.0)
            self._wiring.plant.join_light(lambda at: laser.source.power / nominal)
        return laser

    def _build_stage(self, item: Instrument, index: int) -> SimulatedInstrument:
        controller = self._alone(item, index)
        assert isinstance(controller, Tec1091)
        stage = self._file.stage
        if stage is not None and stage.controller == item.name:

            def warmth(at: float) -> float:
                controller.advance()
                return controller.stage.object_celsius - stage.setpoint_celsius

            self._wiring.plant.join_stage(warmth)
        return controller

    def _build_chassis(self, item: Instrument, index: int) -> QontrolChain:
        modules = int(item.options.get("modules", 8))
        model = item.identity.get("model", "Q8iv")
        if model not in MODELS:
            raise BenchDocumentError(
                f"instrument.{index}.identity.model: {model!r} is no Qontrol Q8; there are "
                + ", ".join(MODELS)
            )
        numbers = self._numbers
        return QontrolChain(
            self._heaters(item, modules),
            modules,
            model,
            item.identity.get("serial", "****"),
            ReadbackNumbers(
                numbers.readback_offset, numbers.readback_noise, _seed(self._seed, _CHASSIS, index)
            ),
            numbers.heater_dac_bits,
        )

    def _build_dac(self, item: Instrument, index: int) -> Qdac2:
        return Qdac2(
            self._clock.now,
            serial=item.identity.get("serial", "242"),
            loads=self._heaters(item, 3),
            seed=_seed(self._seed, _CHASSIS, index),
        )

    def _heaters(self, item: Instrument, modules: int) -> Heaters:
        """What hangs on an instrument's channels, eight a module."""
        bank = np.full(modules * 8, -1, np.intp)
        element = np.zeros(modules * 8, np.intp)
        for heater in self._file.wiring.elements:
            if heater.chassis != item.name:
                continue
            channel = heater.module * 8 + heater.channel
            if channel >= modules * 8:
                raise BenchDocumentError(
                    f"wiring.elements: {item.name} has {modules} modules, no number {heater.module}"
                )
            bank[channel] = heater.bank
            element[channel] = element_index(heater, self._file.ports) or 0
        return Heaters(self._wiring, bank, element)

    def _build_pattern(self, item: Instrument, index: int) -> PulseStreamer:
        return PulseStreamer(
            self._wiring,
            self._clock.now,
            serial=item.identity.get("serial", "00:26:32:f0:00:01"),
            hostname=host_of(item.resource) or "pulsestreamer",
        )

    def _build_box(self, item: Instrument, index: int) -> RedPitaya:
        numbers = self._numbers
        draw = np.random.default_rng(np.random.SeedSequence([self._seed, _CLOCKS, index]))
        error, phase, spread = draw.standard_normal(), draw.random(), draw.uniform(-1.0, 1.0)
        clock = BoxClock(
            float(error) * numbers.clock_error,
            float(phase) * _SPAN,
            numbers.trigger_latency + float(spread) * numbers.trigger_latency_spread,
            numbers.clock_grid > 0.0,
        )
        box = RedPitaya(
            BoxJoint(self._wiring, item.name),
            BoxNumbers(clock, numbers.dac_bits, numbers.adc_bits),
        )
        self._wiring.join_box(item.name, box)
        return box


def _seed(*words: int) -> int:
    return int(np.random.SeedSequence(list(words)).generate_state(1)[0])
