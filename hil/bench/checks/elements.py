"""Is every element of every bank wired once, to a channel of its own that exists?"""

from __future__ import annotations

from collections.abc import Iterator, Set

from hil.bench.catalogue import CHANNELS_PER_MODULE, HEATER_ROLE, drivers_of, fills, outputs_of
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.cores import index_of, places, why_no_place
from hil.bench.layout import Place
from hil.bench.sections import ElementDrive, ElementSite, Instrument

_SHOWN = 4  # missing elements named before the rest is only counted


def check_elements(parts: Parts) -> Iterator[Finding]:
    """Find elements that the core has not, wired twice or not at all, and channels misused."""
    seen: dict[tuple[int, Place], int] = {}
    for index, one in parts.sites.items():
        path = f"wiring.elements.{index}"
        yield from _site(path, one, parts)
        first = seen.setdefault((one.bank, one.place), index)
        if first != index:
            yield Finding(
                path, f"{_called(one.bank, one.place)} is wired at wiring.elements.{first} already"
            )
    used: dict[ElementDrive, int] = {}
    instruments = parts.by_name()
    names = set(parts.names.values())
    for index, one in parts.drives.items():
        path = f"wiring.elements.{index}"
        yield from _channel(path, one, instruments, names)
        first = used.setdefault(one, index)
        if first != index:
            other = parts.sites.get(first)
            whose = f" ({_called(other.bank, other.place)})" if other else ""
            yield Finding(
                f"{path}.channel",
                f"{one.chassis!r} module {one.module} channel {one.channel} drives "
                f"wiring.elements.{first} already{whose}",
            )
    yield from _missing(parts)
    yield from _idle_chassis(parts)


def _called(bank: int, place: Place) -> str:
    return f"bank {bank}, column {place.column}, row {place.row}, {place.kind}"


def _site(path: str, one: ElementSite, parts: Parts) -> Iterator[Finding]:
    if parts.n_banks is not None and one.bank >= parts.n_banks:
        yield Finding(
            f"{path}.bank",
            f"there is no bank {one.bank}; n_banks = {parts.n_banks}, so 0 to {parts.n_banks - 1}",
        )
    core, ports = parts.core, parts.ports
    if core is None or ports is None or one.place in index_of(core, ports):
        return
    key, message = why_no_place(core, ports, one.place)
    yield Finding(f"{path}.{key}", message)


def _channel(
    path: str, one: ElementDrive, instruments: dict[str, Instrument], names: Set[str]
) -> Iterator[Finding]:
    if one.chassis not in names:
        have = [name for name, known in instruments.items() if fills(known.driver, HEATER_ROLE)]
        yield Finding(
            f"{path}.chassis",
            f"no instrument named {one.chassis!r}; the file has {_listed(have)}",
        )
    chassis = instruments.get(one.chassis)
    if chassis is not None and not fills(chassis.driver, HEATER_ROLE):
        yield Finding(
            f"{path}.chassis",
            f"{one.chassis!r} has driver {chassis.driver!r}; a heater needs a {_wanted()}",
        )
        return
    layout = None if chassis is None else outputs_of(chassis.driver)
    channels = CHANNELS_PER_MODULE if layout is None else layout.channels
    if chassis is not None and layout is not None and one.module >= chassis.modules:
        have = _numbers("module", chassis.modules)
        yield Finding(f"{path}.module", f"{one.chassis!r} has {have}, not {one.module}")
    if one.channel >= channels:
        whose = "a module" if channels == CHANNELS_PER_MODULE else repr(one.chassis)
        have = _numbers("channel", channels)
        yield Finding(f"{path}.channel", f"{whose} has {have}, not {one.channel}")


def _numbers(what: str, count: int) -> str:
    return f"{what} 0 alone" if count == 1 else f"{what}s 0 to {count - 1}"


def _wanted() -> str:
    """The drivers that a heater may have, in words."""
    return " or ".join(map(repr, drivers_of(HEATER_ROLE)))


def _listed(names: list[str], most: int = 8) -> str:
    if not names:
        return f"no {_wanted()} at all"
    rest = f", … ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _missing(parts: Parts) -> Iterator[Finding]:
    if parts.core is None or parts.ports is None or parts.n_banks is None:
        return
    unplaced = parts.element_count - len(parts.sites)
    wired = {(one.bank, one.place) for one in parts.sites.values()}
    for bank in range(parts.n_banks):
        lost = [place for place in places(parts.core, parts.ports) if (bank, place) not in wired]
        # An entry that does not say which element it is may be any of the missing ones.
        if len(lost) <= unplaced:
            unplaced -= len(lost)
            continue
        names = "; ".join(_called(bank, place) for place in lost[:_SHOWN])
        rest = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        yield Finding(
            "wiring.elements",
            f"{len(lost)} of the {parts.ports**2} elements of bank {bank} not wired: {names}{rest}",
        )


def _idle_chassis(parts: Parts) -> Iterator[Finding]:
    busy = {one.chassis for one in parts.drives.values()}
    for index, one in parts.instruments.items():
        if fills(one.driver, HEATER_ROLE) and one.name not in busy:
            yield Finding(f"instrument.{index}", f"{one.name!r} drives no element", harmless=True)
