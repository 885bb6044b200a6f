"""Is every port joined once to an output and an input of a box, with drive enough?"""

from __future__ import annotations

from collections.abc import Iterator

from hil.bench.catalogue import BOX, BOX_FULL_SCALE_VOLTS, MAX_DRIVE
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
        yield from _box(path, one, parts)
        for side, number in (("output", one.output), ("input", one.input)):
            first = used.setdefault((one.box, side, number), index)
            if first != index:
                other = parts.port_numbers.get(first)
                whose = f" (port {other.port})" if other else ""
                yield Finding(
                    f"{path}.{side}",
                    f"{side} {number} of {one.box!r} serves wiring.ports.{first} already{whose}",
                )
    for index, one in parts.reaches.items():
        yield from _drive(f"wiring.ports.{index}", one)
    yield from _missing(parts)
    yield from _idle_boxes(parts)


def _box(path: str, one: PortBox, parts: Parts) -> Iterator[Finding]:
    instruments = parts.by_name()
    box = instruments.get(one.box)
    if one.box not in parts.names.values():
        have = [name for name, known in instruments.items() if known.driver == BOX]
        listed = ", ".join(have) or f"no {BOX!r} at all"
        yield Finding(f"{path}.box", f"no instrument named {one.box!r}; the file has {listed}")
    elif box is not None and box.driver != BOX:
        yield Finding(
            f"{path}.box", f"{one.box!r} has driver {box.driver!r}; a port needs a {BOX!r}"
        )


def _drive(path: str, one: PortDrive) -> Iterator[Finding]:
    if one.reach < MAX_DRIVE * (1 - 1e-9):
        yield Finding(
            f"{path}.drive_gain",
            f"+-{BOX_FULL_SCALE_VOLTS:g} V of the box reaches +-{one.reach:.4g} V_pi, "
            f"it must reach +-{MAX_DRIVE:g}: with v_pi = {one.v_pi:g} V at least "
            f"{MAX_DRIVE * one.v_pi / BOX_FULL_SCALE_VOLTS:.6g}",
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
    busy = {one.box for one in parts.boxes.values()}
    for index, one in parts.instruments.items():
        if one.driver == BOX and one.name not in busy:
            yield Finding(f"instrument.{index}", f"{one.name!r} serves no port", harmless=True)
