"""What each model does in a storm of faults, and what must be true of its simulated instrument."""

from __future__ import annotations

from tests.wire.fault_plans.delays import DELAYS
from tests.wire.fault_plans.generators import GENERATOR
from tests.wire.fault_plans.lasers import LASER
from tests.wire.fault_plans.lines import LINES
from tests.wire.fault_plans.readouts import BOX, LOGGER
from tests.wire.fault_plans.source_meters import METER
from tests.wire.fault_plans.stages import STAGE
from tests.wire.fault_plans.switches import SWITCH
from tests.wire.fault_plans.voltages import VOLTAGES
from tests.wire.fault_storm import Plan

PLANS: dict[str, Plan] = {
    "agiltron_ff": SWITCH,
    "agiltron_selfalign": SWITCH,
    "keithley_2400": METER,
    "keithley_2450": METER,
    "keysight_33600a": GENERATOR,
    "keysight_816x": Plan(options={"pin": "1234"}, **LASER),
    "keysight_n7744a": LOGGER,
    "meerstetter_tec1091": STAGE,
    "pulse_streamer": LINES,
    "qdevil_qdac2": Plan(
        skip=frozenset({"volts", "slew", "mode", "range", "filter", "current_range", "aperture"}),
        **VOLTAGES,
    ),
    "qontrol_q8": Plan(
        options={"modules": 2}, simulated={"modules": 2}, tells_copies=True, **VOLTAGES
    ),
    "red_pitaya": BOX,
    "rigol_ds1000z": Plan(
        skip=frozenset({"trigger_source"}),  # some have no EXT
        narrowed=frozenset({"time_offset"}),  # by the time scale
    ),
    "santec_tsl570": Plan(**LASER),
    "srs_dg645": DELAYS,
    "thorlabs_osw12": SWITCH,
}
"""Of a model that has none, the declared quantities are read and set, and it is switched off."""
