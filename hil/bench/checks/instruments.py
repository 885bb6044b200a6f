"""Are the instruments told apart, reachable, and of the kinds a bench needs?"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.transport.resource import (
    LanResource,
    ResourceError,
    SerialResource,
    link_kind,
    parse,
)
from hil.bench.catalogue import (
    PATTERN_ROLE,
    drivers_of,
    fills,
    links_of,
    outputs_of,
)
from hil.bench.checks.beside import check_beside
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.sections import Instrument

FORMS = {
    "serial": "a serial port such as 'ASRL/dev/ttyUSB0::INSTR'",
    "usb": "USB such as 'USB0::0x1313::0x8078::P0001::INSTR'",
    "gpib": "GPIB such as 'GPIB0::12::INSTR'",
    "vxi11": "VXI-11 such as 'TCPIP::host::inst0::INSTR'",
    "hislip": "HiSLIP such as 'TCPIP::host::hislip0::INSTR'",
}
"""How an instrument is reached by each kind of link, in words."""


def check_instruments(parts: Parts) -> Iterator[Finding]:
    """Find names and resources given twice, bad options, and a missing or second pattern."""
    names: dict[str, int] = {}
    for index, name in parts.names.items():
        first = names.setdefault(name, index)
        if first != index:
            yield Finding(
                f"instrument.{index}.name",
                f"{name!r} is also the name of instrument.{first}; give each its own",
            )
    resources: dict[str, int] = {}
    for index, resource in parts.resources.items():
        first = resources.setdefault(_address(resource), index)
        if first != index:
            yield Finding(
                f"instrument.{index}.resource",
                f"{resource!r} is also the resource of instrument.{first} "
                f"({parts.names.get(first, 'unnamed')!r}); two instruments cannot share it",
            )
    for index, one in parts.instruments.items():
        yield from _resource(index, one)
        yield from _options(index, one)
    yield from _pattern(parts)
    yield from check_beside(parts)


def _address(resource: str) -> str:
    try:
        known = parse(resource)
    except ResourceError:
        return resource
    # Host names know no upper and lower case; device files do.
    return str(known) if isinstance(known, SerialResource) else str(known).upper()


def _resource(index: int, one: Instrument) -> Iterator[Finding]:
    path = f"instrument.{index}.resource"
    try:
        known = parse(one.resource)
    except ResourceError as error:
        yield Finding(path, str(error).removeprefix("resource "))
        return
    links, port = links_of(one.driver)
    alone = isinstance(known, LanResource) and not known.device and "tcp" in links
    if not links or alone or link_kind(known) in links:
        return
    forms = {**FORMS, "tcp": f"a host and port such as 'TCPIP::host::{port}::SOCKET'"}
    if port is None:
        forms["tcp"] = "a host such as 'TCPIP::host::INSTR'"
    form = " or ".join(forms[link] for link in links)
    yield Finding(path, f"a {one.driver!r} is reached by {form}, not {one.resource!r}")


def _options(index: int, one: Instrument) -> Iterator[Finding]:
    layout = outputs_of(one.driver)
    if layout is None or layout.option not in one.options:
        return
    modules = one.options[layout.option]
    if type(modules) is not int or not 1 <= modules <= layout.modules:
        yield Finding(
            f"instrument.{index}.options.{layout.option}",
            f"must be a whole number from 1 to {layout.modules}, not {modules!r}",
        )


def _pattern(parts: Parts) -> Iterator[Finding]:
    found = [index for index, one in parts.instruments.items() if fills(one.driver, PATTERN_ROLE)]
    # An unreadable instrument may have been meant as the pattern generator: its own fault is told.
    if not found and len(parts.instruments) == parts.instrument_count:
        drivers = " or ".join(map(repr, drivers_of(PATTERN_ROLE)))
        yield Finding(
            "instrument", f"none has driver {drivers}; the lines need exactly one to play them"
        )
    for index in found[1:]:
        first = parts.instruments[found[0]].name
        yield Finding(
            f"instrument.{index}.driver",
            f"{parts.instruments[index].name!r} is a second {parts.instruments[index].driver!r} "
            f"beside {first!r}; only one can fire the frames",
        )
