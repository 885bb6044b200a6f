"""Do laser, thermal stage, taps and ways of the light name instruments that can do it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hil.bench.beside_tables import Route
from hil.bench.catalogue import (
    DELAY_ROLE,
    FIBRE_SWITCH_ROLE,
    LASER_ROLE,
    MATRIX_ROLE,
    STAGE_ROLE,
    TAP_ROLE,
    drivers_of,
    fills,
)
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts

#: What to do where nobody can take the place of an instrument that is not there.
_BY_HAND = {
    TAP_ROLE: "",
    DELAY_ROLE: ", or write [[by_hand]] in place of [[delay]] if it is set at its front panel",
}


def check_beside(parts: Parts) -> Iterator[Finding]:
    """Find what is named but is none, what is used twice, and what nothing names."""
    named: list[tuple[str, str, str, bool]] = []
    for table, key, role in (("light", "laser", LASER_ROLE), ("stage", "controller", STAGE_ROLE)):
        name, manual = _named(getattr(parts, table), key)
        yield from filled(parts, table, key, role, name, manual)
        named.append((table, key, name, manual))
    for index, route in parts.routes.items():
        path, manual = f"route.{index}", route.kind == "manual"
        role = MATRIX_ROLE if route.connect else FIBRE_SWITCH_ROLE
        wrong_kind = _wrong_kind(parts, path, route)
        yield from wrong_kind or filled(parts, path, "switch", role, route.switch, manual)
        named.append((path, "switch", route.switch, manual))
    for index, one in parts.by_hand.items():
        if one.name in parts.names.values():
            yield Finding(
                f"by_hand.{index}.name", f"{one.name!r} is an instrument; call it something else"
            )
        named.append((f"by_hand.{index}", "name", one.name, True))
    yield from _twice(named)
    yield from _taps(parts)
    yield from _unused(parts, {name for _, _, name, _ in named})


def filled(
    parts: Parts, table: str, key: str, role: str, name: str, manual: bool
) -> Iterator[Finding]:
    """Find a name of no instrument, or of one whose driver does not fill the role."""
    known, drivers = parts.by_name().get(name), drivers_of(role)
    if manual:
        if name in parts.names.values():
            yield Finding(
                f"{table}.kind", f"{name!r} is an instrument; leave out kind, or name it else"
            )
    elif name and name not in parts.names.values():
        by_hand = ", or write kind = 'manual' if a person works it"
        mend = _BY_HAND.get(role, by_hand)
        yield Finding(f"{table}.{key}", f"no instrument named {name!r}; add it{mend}")
    elif known is not None and known.driver not in drivers:
        wanted = " or ".join(map(repr, drivers))
        yield Finding(f"{table}.{key}", f"{name!r} has driver {known.driver!r}, not {wanted}")


def _named(table: Mapping[str, Any], key: str) -> tuple[str, bool]:
    """The name that a table gives, and whether a person does its work."""
    name = table.get(key)
    return (name if isinstance(name, str) else "", table.get("kind") == "manual")


def _wrong_kind(parts: Parts, path: str, route: Route) -> list[Finding]:
    """A matrix that is given a position, or a switch that is given pairs."""
    known = parts.by_name().get(route.switch)
    if route.kind == "manual" or known is None:
        return []
    matrix, switch = fills(known.driver, MATRIX_ROLE), fills(known.driver, FIBRE_SWITCH_ROLE)
    if matrix and route.position is not None:
        mend = "is a matrix: write connect = [[input, output]]"
    elif switch and not matrix and route.connect:
        mend = "joins no pairs: write position = NUMBER"
    else:
        return []
    return [Finding(path, f"{route.switch!r} (driver {known.driver!r}) {mend}")]


def _twice(named: list[tuple[str, str, str, bool]]) -> Iterator[Finding]:
    """Find a name that two tables have."""
    first: dict[str, str] = {}
    for table, key, name, _ in named:
        if not name:
            continue
        before = first.setdefault(name, table)
        if before != table:
            yield Finding(f"{table}.{key}", f"{name!r} is named in {before} already; write it once")


def _taps(parts: Parts) -> Iterator[Finding]:
    """Find taps without light, of no port, of a meter that is none, and inputs used twice."""
    read = {
        (name, number): f"wiring.ports.{index}"
        for index, one in parts.boxes.items()
        for name, number in one.inputs
    }
    for index, tap in parts.taps.items():
        path = f"tap.{index}"
        yield from filled(parts, path, "meter", TAP_ROLE, tap.meter, False)
        if not parts.light:
            yield Finding(path, "add [light]: a tap needs the laser's power and wavelength")
        if tap.port is not None and parts.ports is not None and tap.port >= parts.ports:
            yield Finding(f"{path}.port", f"there is no port {tap.port}, 0 to {parts.ports - 1}")
        first = read.setdefault((tap.meter, tap.input), path)
        if first != path:
            yield Finding(
                f"{path}.input", f"input {tap.input} of {tap.meter!r} serves {first} already"
            )


def _unused(parts: Parts, named: set[str]) -> Iterator[Finding]:
    """Find instruments that could serve and that nothing names."""
    named |= {tap.meter for tap in parts.taps.values()}
    named |= {one.generator for one in parts.delays.values()}
    named |= {name for one in parts.boxes.values() for name, _ in one.inputs}
    tables = (
        ("[light]", LASER_ROLE), ("[stage]", STAGE_ROLE), ("a [[tap]]", TAP_ROLE),
        ("a [[route]]", FIBRE_SWITCH_ROLE), ("a [[route]]", MATRIX_ROLE),
        ("a [[delay]]", DELAY_ROLE),
    )  # fmt: skip
    for index, one in parts.instruments.items():
        places = [table for table, role in tables if fills(one.driver, role)]
        if places and one.name not in named and not fills(one.driver, "Readout"):
            yield Finding(
                f"instrument.{index}",
                f"{one.name!r} is not used: name it in {places[0]}",
                harmless=True,
            )
