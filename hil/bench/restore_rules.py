"""Why a setting of a snapshot may not be put back, as far as that is known before it is tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drivers.instrument import Instrument
from drivers.quantity import Quantity
from hil.bench.differing import Difference, Untold, Where, shown
from hil.bench.file import BenchFile
from hil.bench.operator_limits import Limits
from hil.bench.waveforms import WAVEFORM, Waveform
from hil.control.machine import DRIVE_LIMIT

#: Why an output is not set.
HELD = "an output, kept at its safe value; --outputs sets it"
KEPT = "an output, kept as it is; --outputs sets it"
IMPOSED = "a limit, kept as the bench file has it"
POINTS = "the instrument tells its name, not its points: load it again from where it came"
BY_VOLTS = "a bench sets this output by volts, and leaves this at its safe value"


def is_output(quantity: Quantity) -> bool:
    """Whether it drives something."""
    return quantity.safe is not None or quantity.drives


def unreachable(saved: Mapping[str, Any], now: Mapping[str, Any] | None) -> str:
    """Why nothing of an instrument can be restored; empty where it can."""
    if now is None:
        return "the bench has no such instrument"
    if "settings" not in saved:
        return f"it was not read: {saved.get('failed', 'it was not open')}"
    if "settings" not in now:
        return str(now.get("failed", "it is not open"))
    if saved.get("driver") != now.get("driver"):
        return f"the snapshot was taken by {saved.get('driver')}, the bench has {now.get('driver')}"
    return ""


def not_settable(instrument: Instrument, quantity: Quantity | None) -> str:
    if quantity is None:
        return f"{type(instrument).__name__} declares no such setting; its driver sets it when due"
    return f"it can only be read ({quantity.doc})"


def follows(quantity: Quantity, where: Where, saved: Mapping[Where, Any]) -> bool:
    """Whether the snapshot has the switch on that lets the instrument move it by itself."""
    switch = quantity.follows
    places = (Where(where.instrument, switch, where.channel), Where(where.instrument, switch))
    return bool(switch) and any(saved.get(place) is True for place in places)


def refusal(
    file: BenchFile,
    instrument: Instrument,
    quantity: Quantity,
    difference: Difference,
    saved: Mapping[Where, Any],
    limits: Limits,
) -> str:
    """Why the value of a snapshot may not be set; empty where nothing is known against it."""
    where, value = difference.where, difference.before
    if isinstance(value, Untold):
        return f"the snapshot has no value: {value.why}"
    try:
        quantity.check(value, instrument=where.instrument, channel=where.channel)
    except (ValueError, TypeError) as error:
        return str(error)
    most = limits.get(where, math.inf)
    if is_output(quantity) and isinstance(value, int | float) and abs(value) > most:
        return f"{shown(value, quantity.unit)} is more than {most:g}, the limit that was given"
    if is_output(quantity) and quantity.ramp is not None:
        if where not in limits and not _has_limit(file, where, quantity):
            place = ":".join(part for part in (where.instrument, where.name, where.channel) if part)
            return (
                f"a level that is ramped, and the bench file has no limit for it; allow it by "
                f"--limit {place}=VALUE"
            )
        if not isinstance(difference.after, int | float):
            return "where it is now is not told, so it cannot be ramped; set it by hand"
    if why := _of_stage(file, quantity, where, value):
        return why
    return _beyond(file, where, quantity, value, _reach(instrument, where, value, saved))


def another_waveform(
    where: Where, value: Any, saved: Mapping[Where, Any], held: Mapping[Where, str]
) -> str:
    """Why an output of a snapshot would not play what it played: its waveform is not there."""
    function = saved.get(Where(where.instrument, "function", where.channel))
    if where.name != "output" or value is not True or not str(function).startswith("ARB"):
        return ""
    place = Where(where.instrument, WAVEFORM, where.channel)
    if place not in saved:
        return "the snapshot does not hold the waveform that it played; load it, and switch it on"
    if place in held:
        return f"it would play another waveform: {held[place]}, and switch it on"
    return ""


def waveform_refusal(difference: Difference) -> str:
    """Why a waveform cannot be put back; empty where it can."""
    if isinstance(difference.before, Waveform):
        return ""
    if isinstance(difference.before, Untold):
        return f"the snapshot has no value: {difference.before.why}"
    return POINTS


def _has_limit(file: BenchFile, where: Where, quantity: Quantity) -> bool:
    """Whether the bench file limits an output: the drive of a port, the laser's power."""
    light = file.light
    if light is not None and where.instrument == light.laser and quantity.name == "power_dbm":
        return True
    place = (where.instrument, where.channel)
    ports = file.wiring.ports
    return quantity.unit == "V" and any((p.plays, str(p.output)) == place for p in ports)


def _of_stage(file: BenchFile, quantity: Quantity, where: Where, value: Any) -> str:
    """A thermal stage's set point is the bench file's: no snapshot heats a chip to another."""
    stage = file.stage
    if stage is None or (where.instrument, where.name) != (stage.controller, "setpoint_celsius"):
        return ""
    if abs(value - stage.setpoint_celsius) <= 1e-3:
        return ""
    return (
        f"{shown(value, quantity.unit)} is not stage.setpoint_celsius of the bench file, "
        f"{stage.setpoint_celsius:g}, which every run sets: change it there"
    )


def _beyond(file: BenchFile, where: Where, quantity: Quantity, value: Any, reach: float) -> str:
    """Which limit of the bench file, if any, a value exceeds that its driver would let through."""
    light = file.light
    most = math.inf if light is None or where.instrument != light.laser else light.power_dbm
    if quantity.name == "power_dbm" and value > most:
        return f"{value:g} dBm is more than {most:g} dBm, light.power_dbm of the bench file"
    for port in file.wiring.ports:
        if not is_output(quantity) or (port.plays, str(port.output)) != (
            where.instrument,
            where.channel,
        ):
            continue
        limit = DRIVE_LIMIT * port.v_pi / port.drive_gain
        most = abs(value) if quantity.unit == "V" else reach
        if most > limit * (1.0 + 1e-9):
            return f"{most:g} V is beyond +-{limit:.4g} V, {DRIVE_LIMIT:g} V_pi of its port"
    return ""


def _reach(instrument: Instrument, where: Where, value: Any, saved: Mapping[Where, Any]) -> float:
    """V that an output of a snapshot reaches once it is switched on: its offset and waveform."""
    if where.name != "output" or value is not True:
        return 0.0

    def told(name: str) -> Any:
        return saved.get(Where(where.instrument, name, where.channel))

    offset, amplitude = told("offset"), told("amplitude")
    if not (isinstance(offset, int | float) and isinstance(amplitude, int | float)):
        return math.inf
    # A peak-to-peak amplitude reaches half as far; a box's waveform of 1 V reaches 1 V, and no
    # output more than the largest offset that it can have.
    most = max((one.high for one in instrument.quantities if one.name == "offset"), default=0.0)
    peak = amplitude / 2.0 if told("unit") == "VPP" else amplitude
    return min(abs(offset) + peak, most)
