"""Do the limits of the heaters, the chip and the chassis leave room to work?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from hil.bench.catalogue import outputs_of
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.cores import MESH
from hil.bench.sections import ElementBounds, Instrument

_OUT_OF_REACH = 1.02  # p_max may exceed what v_max and i_max allow by this much without a note


def check_limits(parts: Parts) -> Iterator[Finding]:
    """Find limits no output can keep or below the idle bias; note those that never bind."""
    instruments = parts.by_name()
    for index, one in parts.bounds.items():
        drive = parts.drives.get(index)
        chassis = instruments.get(drive.chassis) if drive else None
        yield from _full_scale(f"wiring.elements.{index}", one, chassis)
    yield from _idle(parts)
    yield from _notes(parts)


def _full_scale(path: str, one: ElementBounds, chassis: Instrument | None) -> Iterator[Finding]:
    # Asking for more than full scale would be refused by the driver in the middle of a run.
    layout = None if chassis is None else outputs_of(chassis.driver)
    if chassis is None or layout is None:
        return
    if one.v_max > layout.v_full:
        yield Finding(
            f"{path}.v_max",
            f"{one.v_max:g} V is above the {layout.v_full:g} V full scale of {chassis.name!r}",
        )
    model = chassis.identity.model or ""
    amps = layout.amps(model)
    if amps is not None and one.i_max > amps:
        whose = f"a {model} ({chassis.name!r})" if model else repr(chassis.name)
        yield Finding(
            f"{path}.i_max",
            f"{one.i_max * 1e3:g} mA is above the {amps * 1e3:g} mA full scale of {whose}",
        )


def _idle(parts: Parts) -> Iterator[Finding]:
    chip = parts.chip
    if chip is None:
        return
    total: dict[int, float] = defaultdict(float)
    for index, one in parts.bounds.items():
        level = chip.idle_voltage**2 / one.r_nom
        site = parts.sites.get(index)
        if site is not None:
            total[site.bank] += level
        if level > one.level_max:
            volts = (one.level_max * one.r_nom) ** 0.5
            yield Finding(
                f"wiring.elements.{index}",
                f"v_max, i_max and p_max with r_nom allow {volts:.4g} V, less than "
                f"chip.idle_voltage = {chip.idle_voltage:g} V",
            )
    for bank, power in sorted(total.items()):
        if power > chip.power_max:
            yield Finding(
                "chip.idle_voltage",
                f"{chip.idle_voltage:g} V on every heater of bank {bank} is {power:.4g} W, "
                f"above chip.power_max = {chip.power_max:g} W",
            )


def _notes(parts: Parts) -> Iterator[Finding]:
    # One line a kind of remark: a bank has hundreds of elements, mostly alike.
    said: Counter[str] = Counter()
    first: dict[str, int] = {}
    for index, one in parts.bounds.items():
        for remark in _remarks(one, parts):
            said[remark] += 1
            first.setdefault(remark, index)
    for remark, count in said.items():
        more = f" (and {count - 1} more alike)" if count > 1 else ""
        yield Finding(f"wiring.elements.{first[remark]}", remark + more, harmless=True)
    chip, ports = parts.chip, parts.ports
    if chip is not None and ports is not None and ports**2 * chip.p_pi > chip.power_max:
        yield Finding(
            "chip.power_max",
            f"{chip.power_max:g} W is less than one p_pi on each of {ports**2} heaters "
            f"({ports**2 * chip.p_pi:.4g} W): training will be held to it",
            harmless=True,
        )


def _remarks(one: ElementBounds, parts: Parts) -> Iterator[str]:
    by_volts, by_amps = one.v_max**2 / one.r_nom, one.i_max**2 * one.r_nom
    if one.p_max > _OUT_OF_REACH * min(by_volts, by_amps):
        which = "v_max" if by_volts <= by_amps else "i_max"
        yield (
            f"p_max {one.p_max * 1e3:.4g} mW is out of reach: {which} over {one.r_nom:g} ohm "
            f"allows {one.level_max * 1e3:.4g} mW, which holds"
        )
    if parts.core == MESH and parts.chip is not None and one.level_max < 2 * parts.chip.p_pi:
        yield (
            f"at most {one.level_max * 1e3:.4g} mW, less than 2 p_pi = "
            f"{2e3 * parts.chip.p_pi:.4g} mW: not every phase can be reached"
        )
