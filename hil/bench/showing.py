"""A bench file as tables to read: what is where, what drives what, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from hil.bench.catalogue import CHANNELS_PER_MODULE
from hil.bench.cores import Core, places
from hil.bench.file import BenchFile
from hil.bench.power_budget import power_budget
from hil.bench.power_tables import power_tables
from hil.bench.sections import ElementWiring
from hil.bench.showing_delays import delay_tables
from hil.bench.showing_light import light_tables
from hil.bench.tables import Table, si

_P_PI: dict[Core, str] = {"mzi-mesh": "p_pi, nominal", "microring": "p_pi, unit of power"}


def tables(bench: BenchFile, *, elements: bool = False) -> list[Table]:
    """Give all there is to say about a bench; with `elements` every heater has a row."""
    budget = power_budget(bench)
    shown = [
        _head(bench),
        _instruments(bench),
        _heaters(bench),
        _ports(bench),
        _lines(bench),
        *delay_tables(bench),
        *light_tables(bench),
        _limits(bench),
        _timing(bench),
        _calibration(bench),
        *power_tables(bench, budget),
    ]
    if elements:
        shown.append(_elements(bench))
    if notes := (*bench.notes, *budget.warnings):
        shown.append(Table("Notes", (), tuple((note,) for note in notes)))
    return shown


def _head(bench: BenchFile) -> Table:
    rows = (
        ("file", bench.source),
        ("core", f"{bench.core}, {bench.ports} ports, {bench.elements_per_bank} elements a bank"),
        ("banks", str(bench.n_banks)),
        ("feedback", bench.feedback),
        ("detection", bench.detection),
    )
    title = f"Bench {bench.name}" + (f": {bench.description}" if bench.description else "")
    return Table(title, (), rows)


#: Options that are nobody's business who reads what was printed.
_PRIVATE = ("pin",)


def _instruments(bench: BenchFile) -> Table:
    rows: list[tuple[str, ...]] = []
    for one in bench.instruments:
        options = ", ".join(
            f"{key} = {'...' if key in _PRIVATE else value}" for key, value in one.options.items()
        )
        identity = " ".join(part for part in (one.identity.model, one.identity.serial) if part)
        link = f"{si(one.link.latency, 's')}, {si(one.link.bytes_per_second, 'B/s')}"
        backend = one.backend or "as asked"
        rows.append((one.name, one.driver, one.resource, backend, identity or "any", link, options))
    head = ("name", "driver", "resource", "backend", "must be", "link (exchange, rate)", "options")
    return Table("Instruments", head, tuple(rows))


def _heaters(bench: BenchFile) -> Table:
    rows: list[tuple[str, ...]] = []
    for bank in range(bench.n_banks):
        by_chassis: dict[str, list[ElementWiring]] = {}
        for one in bench.bank_wiring(bank):
            by_chassis.setdefault(one.chassis, []).append(one)
        for name, driven in by_chassis.items():
            channels = [CHANNELS_PER_MODULE * one.module + one.channel for one in driven]
            rings = _spans(one.row for one in driven if one.kind == "ring")
            inner = _spans(one.column for one in driven if one.kind in ("theta", "phi"))
            columns = [f"rows {rings}"] if rings else []
            columns += [f"columns {inner}"] if inner else []
            outs = _spans(one.row for one in driven if one.kind == "out")
            columns += [f"output phases {outs}"] if outs else []
            rows.append((str(bank), name, _spans(channels), str(len(driven)), ", ".join(columns)))
    return Table("Heaters", ("bank", "chassis", "channels", "elements", "drives"), tuple(rows))


def _elements(bench: BenchFile) -> Table:
    order = places(bench.core, bench.ports)
    rows: list[tuple[str, ...]] = []
    for bank in range(bench.n_banks):
        for index, one in enumerate(bench.bank_wiring(bank)):
            rows.append(
                (
                    str(bank),
                    str(index),
                    str(order[index].column),
                    str(order[index].row),
                    order[index].kind,
                    one.chassis,
                    f"{one.module}:{one.channel}",
                    f"{one.r_nom:g}",
                    f"{one.v_max:g}",
                    f"{one.i_max * 1e3:g}",
                    f"{one.p_max * 1e3:g}",
                    f"{one.level_max * 1e3:.4g}",
                )
            )
    head = (
        *("bank", "element", "column", "row", "kind", "chassis", "module:channel"),
        *("r_nom (ohm)", "v_max (V)", "i_max (mA)", "p_max (mW)", "level_max (mW)"),
    )
    return Table("Elements", head, tuple(rows))


def _ports(bench: BenchFile) -> Table:
    full = {one.port: bench.source_of(one).full_scale for one in bench.ports_in_order}
    units = {facts.unit for one in bench.ports_in_order for facts in bench.readouts_of(one)}
    rows = tuple(
        (
            str(one.port),
            f"{one.plays} out {one.output}",
            " less ".join(f"{name} in {number}" for name, number in one.inputs),
            f"{one.polarity:+d}",
            f"{one.v_pi:g} V",
            f"{one.drive_gain:g}",
            f"+-{one.reach(full[one.port]):.4g} V_pi",
            f"{one.detector_range:g}",
        )
        for one in bench.ports_in_order
    )
    head = (
        *("port", "driven by", "read by", "polarity", "v_pi", "drive gain"),
        f"reach at +-{'/'.join(f'{volts:g}' for volts in sorted(set(full.values())))} V",
        f"detector range (units at 1 {'/'.join(sorted(units))})",
    )
    return Table("Ports", head, rows)


def _lines(bench: BenchFile) -> Table:
    lines = bench.wiring.lines
    rows = [
        ("trigger", str(lines.trigger)),
        ("signal gate", str(lines.signal_gate)),
        ("LO gate", "none" if lines.lo_gate is None else str(lines.lo_gate)),
        ("LO quadrature", "none" if lines.lo_quadrature is None else str(lines.lo_quadrature)),
    ]
    for bank in range(bench.n_banks):
        mask = bench.select_mask(bank)
        code = ", ".join(
            f"{line} {'high' if mask >> line & 1 else 'low'}" for line in lines.bank_select
        )
        rows.append((f"bank {bank}", code or "nothing to select"))
    return Table(f"Pattern lines ({lines.coding} bank select)", ("use", "line"), tuple(rows))


def _limits(bench: BenchFile) -> Table:
    chip = bench.chip
    rows = [
        ("chip power, most", f"{chip.power_max:g} W a bank"),
        (_P_PI[bench.core], f"{chip.p_pi * 1e3:g} mW"),
        ("idle bias", f"{chip.idle_voltage:g} V a heater while warm"),
    ]
    for bank in range(bench.n_banks):
        held = bench.bank_elements(bank)
        volts = held.volts(held.level_max)
        total = float(held.level_max.sum())
        idle = float(held.level(chip.idle_voltage).sum())
        rows += [
            (f"bank {bank}, an element", f"{_range(held.level_max * 1e3)} mW, {_range(volts)} V"),
            (
                f"bank {bank}, all elements",
                f"{total:.4g} W if each at its most, {len(held) * chip.p_pi:.4g} W at one p_pi, "
                f"{idle:.3g} W at idle bias",
            ),
        ]
    return Table("Limits", (), tuple(rows))


def _timing(bench: BenchFile) -> Table:
    timing = bench.timing
    how = "mean over it" if timing.average else "value at its start"
    decimated = "" if timing.decimation is None else f" (decimation {timing.decimation})"
    rows = (
        ("dwell", f"{si(timing.dwell, 's')} a sample"),
        ("point", f"{si(bench.point_duration, 's')}, {how}{decimated}"),
        ("points a sample", str(bench.points_per_sample)),
        ("settled points", f"{bench.settled_points} (guard {si(timing.guard, 's')})"),
        ("samples a frame, most", f"{bench.max_samples}, its header and tail included"),
        ("settle", f"{si(timing.settle, 's')} after the last heater write"),
    )
    return Table("Timing", (), rows)


def _calibration(bench: BenchFile) -> Table:
    held = bench.calibration
    stated = held.ages.model_dump(by_alias=True, exclude_none=True)
    rows = [(step, f"{hours:g} h") for step, hours in stated.items()]
    rows.append(("every other step" if rows else "every step", f"{held.max_age_hours:g} h"))
    return Table("Calibration holds for", (), tuple(rows))


def _range(values: Iterable[float]) -> str:
    least, most = min(texts := list(values)), max(texts)
    return f"{least:.4g}" if f"{least:.4g}" == f"{most:.4g}" else f"{least:.4g} to {most:.4g}"


def _spans(numbers: Iterable[int]) -> str:
    # 0, 1, 2, 5 -> "0-2, 5": consecutive numbers keep their distance from their rank.
    ranked = enumerate(sorted(set(numbers)))
    runs = (
        [number for _, number in run] for _, run in groupby(ranked, lambda one: one[1] - one[0])
    )
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
