"""Is every port joined once to an output and an input that are there, with drive enough?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hil.bench.catalogue import (
    MAX_DRIVE,
    READOUT_ROLE,
    SOURCE_ROLE,
    drivers_of,
    plays,
    reads,
    whole_inputs,
)
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.sections import PortBox, PortDrive


@dataclass(frozen=True)
class _Able:
    """Names of the drivers that play, and of those that read."""

    players: tuple[str, ...]
    readers: tuple[str, ...]


def check_ports(parts: Parts) -> Iterator[Finding]:
    """Find ports missing or given twice, inputs and outputs misused, and too little drive."""
    seen: dict[int, int] = {}
    for index, one in parts.port_numbers.items():
        path = f"wiring.ports.{index}.port"
        if parts.ports is not None and one.port >= parts.ports:
            yield Finding(
                path,
                f"there is no port {one.port}; ports = {parts.ports}, so 0 to {parts.ports - 1}",
            )
        first = seen.setdefault(one.port, index)
        if first != index:
            yield Finding(path, f"port {one.port} is at wiring.ports.{first} already")
    used: dict[tuple[str, str, int], int] = {}
    able = _Able(_players(), _readers())  # once: looking for all drivers takes a while
    for index, one in parts.boxes.items():
        path = f"wiring.ports.{index}"
        yield from _instruments(path, one, parts, able)
        taken = [("output", "output", one.plays, one.output)]
        taken += [
            ("input", key, name, number)
            for key, (name, number) in zip(("input", "minus_input"), one.inputs, strict=False)
        ]
        for side, key, name, number in taken:
            first = used.setdefault((name, side, number), index)
            if first != index:
                other = parts.port_numbers.get(first)
                whose = f" (port {other.port})" if other else ""
                yield Finding(
                    f"{path}.{key}",
                    f"{side} {number} of {name!r} serves wiring.ports.{first} already{whose}",
                )
    for index, one in parts.reaches.items():
        yield from _drive(f"wiring.ports.{index}", one, _full_scale(index, parts))
    yield from _units(parts)
    yield from _missing(parts)
    yield from _idle(parts, able)


def _units(parts: Parts) -> Iterator[Finding]:
    """Find pairs that cannot be, and single powers, which have no sign, beside what has one."""
    known = parts.by_name()
    single: list[int] = []
    signed: list[int] = []
    for index, one in parts.boxes.items():
        path = f"wiring.ports.{index}"
        units: list[str] = []
        for name, _ in one.inputs:
            instrument = known.get(name)
            facts = reads(instrument.driver, instrument.options) if instrument else None
            if facts is not None:
                units.append(facts.unit)
        if len(units) != len(one.inputs):
            continue
        if len(set(units)) > 1:
            yield Finding(
                f"{path}.minus",
                f"{one.minus!r} reads {units[1]} and {one.reads!r} {units[0]}: "
                "both halves of a pair must read W",
            )
        elif units == ["V", "V"]:
            yield Finding(
                f"{path}.minus",
                f"{one.reads!r} reads the volts of a balanced receiver, which is a pair in itself; "
                "take minus and minus_input out",
            )
        (single if units == ["W"] else signed).append(index)
    for index in single if signed else ():
        yield Finding(
            f"wiring.ports.{index}.readout",
            "a single power has no sign, which other ports' readings have; add minus and "
            "minus_input, the other half of a balanced pair",
        )


def _instruments(path: str, one: PortBox, parts: Parts, able: _Able) -> Iterator[Finding]:
    if one.box is not None:
        both = tuple(name for name in able.players if name in able.readers)
        yield from _named(f"{path}.box", one.box, parts, both, "a port")
    else:
        yield from _named(f"{path}.source", one.plays, parts, able.players, "a source")
        yield from _named(f"{path}.readout", one.reads, parts, able.readers, "a readout")
    if one.minus is not None:
        yield from _named(f"{path}.minus", one.minus, parts, able.readers, "a readout")
    known = parts.by_name()
    played = known.get(one.plays)
    facts = plays(played.driver, played.options) if played is not None else None
    if facts is not None and one.output > facts.outputs:
        numbers = range(1, facts.outputs + 1)
        yield Finding(f"{path}.output", f"must be {_listed(numbers)}, not {one.output}")
    for key, (name, number) in zip(("input", "minus_input"), one.inputs, strict=False):
        instrument = known.get(name)
        read = reads(instrument.driver, instrument.options) if instrument is not None else None
        if instrument is None or read is None or number in read.inputs:
            continue
        mend = ""
        if number in whole_inputs(instrument.driver):
            mend = f"; by its options {name!r} reads these"
        yield Finding(f"{path}.{key}", f"must be {_listed(read.inputs)}, not {number}{mend}")


def _players() -> tuple[str, ...]:
    """Drivers that play, and say what."""
    return tuple(name for name in drivers_of(SOURCE_ROLE) if plays(name, {}) is not None)


def _readers() -> tuple[str, ...]:
    """Drivers that read, and say what."""
    return tuple(name for name in drivers_of(READOUT_ROLE) if reads(name, {}) is not None)


def _listed(numbers: Sequence[int]) -> str:
    """1 or 2; 1 to 8; 1, 2 or 4."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    texts = [str(one) for one in numbers]
    return " or ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]


def _named(
    path: str, name: str, parts: Parts, drivers: tuple[str, ...], what: str
) -> Iterator[Finding]:
    """Find a name that no instrument has, or one of a driver that cannot serve."""
    instruments = parts.by_name()
    wanted = " or ".join(map(repr, drivers))
    if name not in parts.names.values():
        have = [one for one, known in instruments.items() if known.driver in drivers]
        listed = ", ".join(have) or f"no {wanted} at all"
        yield Finding(path, f"no instrument named {name!r}; the file has {listed}")
    elif (known := instruments.get(name)) is not None and known.driver not in drivers:
        yield Finding(path, f"{name!r} has driver {known.driver!r}; {what} needs a {wanted}")


def _full_scale(index: int, parts: Parts) -> float | None:
    """V of the output that drives a port; None where it is not known."""
    wired = parts.boxes.get(index)
    known = parts.by_name().get(wired.plays) if wired is not None else None
    facts = plays(known.driver, known.options) if known is not None else None
    return None if facts is None else facts.full_scale


def _drive(path: str, one: PortDrive, full_scale: float | None) -> Iterator[Finding]:
    if full_scale is None:
        return
    reach = one.reach(full_scale)
    if reach < MAX_DRIVE * (1 - 1e-9):
        least = f"{MAX_DRIVE * one.v_pi / full_scale:.6g}" if full_scale else "none is enough"
        yield Finding(
            f"{path}.drive_gain",
            f"+-{full_scale:g} V of the output reaches +-{reach:.4g} V_pi, "
            f"it must reach +-{MAX_DRIVE:g}: with v_pi = {one.v_pi:g} V at least {least}",
        )


def _missing(parts: Parts) -> Iterator[Finding]:
    if parts.ports is None:
        return
    wired = {one.port for one in parts.port_numbers.values()}
    lost = [port for port in range(parts.ports) if port not in wired]
    # An entry that does not say which port it is may be any of the missing ones.
    if len(lost) > parts.port_count - len(parts.port_numbers):
        yield Finding(
            "wiring.ports",
            f"{len(lost)} of the {parts.ports} ports not wired: {', '.join(map(str, lost))}",
        )


def _idle(parts: Parts, able: _Able) -> Iterator[Finding]:
    busy = {one.plays for one in parts.boxes.values()}
    busy |= {name for one in parts.boxes.values() for name, _ in one.inputs}
    busy |= {tap.meter for tap in parts.taps.values()}
    for index, one in parts.instruments.items():
        if one.driver in (*able.players, *able.readers) and one.name not in busy:
            yield Finding(f"instrument.{index}", f"{one.name!r} serves no port", harmless=True)
