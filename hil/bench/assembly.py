"""From a checked bench file to drivers and roles. No I/O: nothing is opened here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.composites import ChassisBank, HeaterElement
from drivers.gate_line import GateLine, HeldLines
from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.options import check_options
from drivers.registry import load
from drivers.roles import (
    InputSource,
    LightSource,
    PhaseReference,
    Readout,
    SwitchSequencer,
    ThermalStage,
    TunableSource,
    VoltageOutputs,
)
from drivers.transport.link import Connector
from hil.bench.beside_tables import Manual
from hil.bench.catalogue import HEATER_ROLE, PATTERN_ROLE, fills
from hil.bench.delaying import Delaying, delaying
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile
from hil.bench.routing import Routed, routed
from hil.bench.sections import Instrument as InstrumentTable
from hil.bench.signal_path import SignalPath, signal_path
from hil.bench.tapping import Tapped, tapped
from hil.control.frame import FrameFormat, PortScale

SIMULATED = ("model", "serial")
"""What a simulated instrument takes of the identity that the file states."""


@dataclass(frozen=True)
class Assembled:
    """The instruments of a bench and the roles they fill."""

    instruments: tuple[Instrument, ...]
    chassis: tuple[VoltageOutputs, ...]
    banks: tuple[ChassisBank, ...]
    switch: SwitchSequencer
    light: LightSource
    lo: PhaseReference | None
    source: InputSource
    readout: Readout
    signal_instruments: tuple[Instrument, ...]
    form: FrameFormat
    scale: PortScale
    laser: TunableSource | None
    stage: ThermalStage | None
    taps: tuple[Tapped, ...]
    routes: tuple[Routed, ...]
    delays: tuple[Delaying, ...]

    @property
    def lsb(self) -> NDArray[np.float64]:
        """V (W), the readout's step at each port, (ports,)."""
        return self.readout.resolution

    @property
    def switch_is_open(self) -> bool:
        """Whether the link to what plays the lines is open."""
        return any(one is self.switch and one.is_open for one in self.instruments)

    @property
    def switch_name(self) -> str:
        """Name of the instrument that plays the lines."""
        return next(one.name for one in self.instruments if one is self.switch)

    async def protect(self) -> None:
        """Write each channel's limits to its chassis, so that the hardware trips by itself too."""
        await asyncio.gather(*(chassis.apply_limits() for chassis in self.chassis))


def assemble(
    file: BenchFile, connectors: Mapping[str, Connector], simulated: Collection[str] = ()
) -> Assembled:
    """Build every driver and role; `connectors` by instrument name, `simulated` names those that
    are: model and serial number are what the file says, maker and firmware their own.

    Raises
    ------
    BenchFileError
        When a driver refuses its options.
    """
    built: dict[str, Instrument] = {}
    faults: list[str] = []
    for number, table in enumerate(file.instruments):
        try:
            expect = table.identity.expect
            if table.name in simulated:
                expect = {part: expect[part] for part in SIMULATED if part in expect}
            built[table.name] = _driver(table, connectors[table.name], expect)
        except (TypeError, ValueError) as error:
            faults.append(f"instrument.{number}.options ({table.name}): {_reason(error)}")
    if faults:
        raise BenchFileError(file.source, faults)
    kinds = {table.name: table.driver for table in file.instruments}
    chassis = tuple(_outputs(one) for name, one in built.items() if fills(kinds[name], HEATER_ROLE))
    for one in chassis:
        try:
            one.set_limits(*_channel_limits(file, one))
        except ValueError as error:
            raise BenchFileError(file.source, [f"wiring.elements: {error}"]) from None
    lines = file.wiring.lines
    switch = next(one for name, one in built.items() if fills(kinds[name], PATTERN_ROLE))
    assert isinstance(switch, SwitchSequencer)  # its driver says so
    held = HeldLines(switch)
    try:
        path = signal_path(file, built)
    except ValueError as error:
        raise BenchFileError(file.source, [f"wiring.ports: {error}"]) from None
    laser = _beside(file.light, file.light.laser if file.light else "", built)
    stage = _beside(file.stage, file.stage.controller if file.stage else "", built)
    assert laser is None or isinstance(laser, TunableSource)  # the file's checks have seen to it
    assert stage is None or isinstance(stage, ThermalStage)
    return Assembled(
        instruments=tuple(built.values()),
        laser=laser,
        stage=stage,
        taps=tapped(file, built, path.instruments),
        routes=routed(file, built),
        delays=delaying(file, built),
        chassis=chassis,
        banks=tuple(_bank(file, built, bank) for bank in range(file.n_banks)),
        switch=switch,
        light=GateLine("signal light", held, lines.signal_gate),
        lo=(None if lines.lo_gate is None else GateLine("local oscillator", held, lines.lo_gate)),
        source=path.source,
        readout=path.readout,
        signal_instruments=path.instruments,
        form=_frame_format(file, path),
        scale=PortScale(
            volts_per_v_pi=file.port_array("polarity")
            * file.port_array("v_pi")
            / file.port_array("drive_gain"),
            signal_per_volt=file.port_array("detector_range"),
        ),
    )


def _outputs(instrument: Instrument) -> VoltageOutputs:
    assert isinstance(instrument, VoltageOutputs)  # its driver says so
    return instrument


def _beside(table: Manual | None, name: str, built: Mapping[str, Instrument]) -> Instrument | None:
    """The instrument that a table names, unless a person does its work."""
    return None if table is None or table.kind == "manual" else built[name]


def _driver(table: InstrumentTable, connector: Connector, expect: Mapping[str, str]) -> Instrument:
    options: dict[str, Any] = dict(table.options)
    driver: Any = load(table.driver)
    check_options(driver, options)  # their types; the rest is its constructor's to check
    return driver(
        table.name,
        table.resource,
        connector,
        link=LinkModel(**table.link.model_dump()),
        expect=expect,
        **options,
    )


def _reason(error: Exception) -> str:
    """A driver's refusal in the file's words."""
    text = str(error)
    if "unexpected keyword argument" in text:
        return f"the driver has no option {text.split('argument')[-1].strip()}"
    return text


def _bank(file: BenchFile, built: Mapping[str, Instrument], bank: int) -> ChassisBank:
    elements = []
    for one in file.bank_wiring(bank):
        chassis = _outputs(built[one.chassis])
        channel = 8 * one.module + one.channel
        elements.append(HeaterElement(chassis, channel, one.r_nom, one.v_max, one.i_max, one.p_max))
    return ChassisBank(f"bank {bank}", elements, file.chip.power_max, file.timing.settle)


def _channel_limits(
    file: BenchFile, chassis: VoltageOutputs
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """V and I limits of a chassis' channels; unwired ones are held at 0."""
    v_max, i_max = np.zeros(chassis.channels), np.zeros(chassis.channels)
    for bank in range(file.n_banks):
        held = file.bank_elements(bank)
        mine = np.array([name == chassis.name for name in held.chassis])
        v_max[held.channel[mine]] = np.minimum(
            held.v_max[mine], np.sqrt(held.p_max[mine] * held.r_nom[mine])
        )
        i_max[held.channel[mine]] = held.i_max[mine]
    return v_max, i_max


def _frame_format(file: BenchFile, path: SignalPath) -> FrameFormat:
    lines = file.wiring.lines
    return FrameFormat(
        dwell=file.timing.dwell,
        points=file.points_per_sample,
        guard=file.guard_points,
        latency=path.source.trigger_latency,
        buffer=path.readout.max_points,
        trigger_mask=1 << lines.trigger,
        signal_mask=1 << lines.signal_gate,
        lo_mask=0 if lines.lo_gate is None else 1 << lines.lo_gate,
        select_masks=tuple(file.select_mask(bank) for bank in range(file.n_banks)),
        quadrature_mask=0 if lines.lo_quadrature is None else 1 << lines.lo_quadrature,
    )
