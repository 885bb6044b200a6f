"""The thermal stage that carries the chips."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.instrument import SimulatedInstrument
from sim_backends.meerstetter_tec1091 import Tec1091

from .site import Site


def stage(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a controller; the stage of the one that `[stage]` names carries the plant's chips."""
    controller = site.alone(item, index)
    assert isinstance(controller, Tec1091)
    table = site.file.stage
    if table is not None and table.controller == item.name:

        def warmth(at: float) -> float:
            controller.advance()
            return controller.stage.object_celsius - table.setpoint_celsius

        site.wiring.plant.join_stage(warmth)
    return controller
