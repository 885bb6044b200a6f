"""Is every port joined once to an output and an input of a box, with drive enough?"""

from __future__ import annotations

from collections.abc import Iterator

from hil.bench.catalogue import BOX, MAX_DRIVE, READOUTS, SOURCES, SourceFacts
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.sections import PortBox, PortDrive


def check_ports(parts: Parts) -> Iterator[Finding]:
    """Find ports missing, given twice or out of range, boxes misused, and too little drive."""
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
    for index, one in parts.boxes.items():
        path = f"wiring.ports.{index}"
        yield from _instruments(path, one, parts)
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
    yield from _mixed(parts)
    yield from _missing(parts)
    yield from _idle_boxes(parts)


def _mixed(parts: Parts) -> Iterator[Finding]:
    """Find boxes beside generators and meters: they count points differently."""
    kinds = {one.box is not None for one in parts.boxes.values()}
    if len(kinds) > 1:
        yield Finding("wiring.ports", "all ports have a `box`, or all `source` and `readout`")
    for index, one in parts.boxes.items():
        known = parts.by_name()
        for key, name in (("source", one.source), ("readout", one.readout), ("minus", one.minus)):
            if name is not None and one.box is None and name in known and known[name].driver == BOX:
                yield Finding(f"wiring.ports.{index}.{key}", f"{name!r} is a {BOX}: write `box`")


def _instruments(path: str, one: PortBox, parts: Parts) -> Iterator[Finding]:
    if one.box is not None:
        yield from _named(f"{path}.box", one.box, parts, (BOX,), "a port")
        needed = [("output", one.box, one.output), ("input", one.box, one.input)]
    else:
        yield from _named(f"{path}.source", one.plays, parts, tuple(SOURCES), "a source")
        yield from _named(f"{path}.readout", one.reads, parts, tuple(READOUTS), "a readout")
        needed = [("output", one.plays, one.output), ("input", one.reads, one.input)]
    if one.minus is not None and one.minus_input is not None:
        yield from _named(f"{path}.minus", one.minus, parts, tuple(READOUTS), "a readout")
        needed.append(("minus_input", one.minus, one.minus_input))
    instruments = parts.by_name()
    for key, name, number in needed:
        known = instruments.get(name)
        if known is None:
            continue
        facts = SOURCES.get(known.driver) if key == "output" else READOUTS.get(known.driver)
        if facts is None:
            continue
        most = facts.outputs if isinstance(facts, SourceFacts) else facts.inputs
        if number > most:
            numbers = "1 or 2" if most == 2 else f"1 to {most}"
            yield Finding(f"{path}.{key}", f"must be {numbers}, not {number}")


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
    facts = SOURCES.get(known.driver) if known is not None else None
    if known is None or facts is None:
        return None
    asked = known.options.get("amplitude")
    # A generator is set to an amplitude, and plays no more than that.
    return 0.5 * asked if isinstance(asked, float | int) else facts.full_scale


def _drive(path: str, one: PortDrive, full_scale: float | None) -> Iterator[Finding]:
    if full_scale is None:
        return
    reach = one.reach(full_scale)
    if reach < MAX_DRIVE * (1 - 1e-9):
        yield Finding(
            f"{path}.drive_gain",
            f"+-{full_scale:g} V of the output reaches +-{reach:.4g} V_pi, "
            f"it must reach +-{MAX_DRIVE:g}: with v_pi = {one.v_pi:g} V at least "
            f"{MAX_DRIVE * one.v_pi / full_scale:.6g}",
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


def _idle_boxes(parts: Parts) -> Iterator[Finding]:
    busy = {one.plays for one in parts.boxes.values()}
    busy |= {name for one in parts.boxes.values() for name, _ in one.inputs}
    busy |= {tap.meter for tap in parts.taps.values()}
    for index, one in parts.instruments.items():
        if (one.driver in SOURCES or one.driver in READOUTS) and one.name not in busy:
            yield Finding(f"instrument.{index}", f"{one.name!r} serves no port", harmless=True)
