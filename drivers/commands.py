"""What `python -m drivers` does, a function a command."""

from __future__ import annotations

import argparse
import ast
import asyncio
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from rich.console import Console

from drivers import describing, naming, scanning
from drivers.errors import UnknownStateError
from drivers.identifying import UNHURRIED, identify
from drivers.instrument import Instrument
from drivers.options import check_options
from drivers.quantity import Quantity
from drivers.registry import RegistryError, entries, load
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import Connector, LinkError

Command = Callable[[argparse.Namespace, Connector, Console, Console], Coroutine[Any, Any, None]]


class CommandError(Exception):
    """A command cannot do what it was asked; the message says why, and what would help."""


async def list_models(
    asked: argparse.Namespace, connector: Connector, out: Console, told: Console
) -> None:
    """All drivers: model, links, roles, what they serve, who brings them; or what one declares."""
    del connector
    if asked.markdown:
        every = [(entry.name, entry.load()) for entry in entries() if not entry.package]
        out.print(describing.markdown(every), markup=False, end="")
        return
    if asked.model is not None:
        _columns([describing.HEAD, *describing.rows(load(asked.model))], out)
        return
    rows: list[tuple[str, ...]] = [("driver", "links", "roles", "serves", "brought by")]
    for entry in entries():
        try:
            driver = entry.load()
        except RegistryError as error:
            told.print(f"error: {error}", markup=False, soft_wrap=True)
            continue
        brought = entry.package or "hil-photonics"
        told_of = (", ".join(some) for some in (driver.links, driver.roles, driver.models))
        rows.append((entry.name, *told_of, brought))
    _columns(rows, out)


def _columns(rows: Sequence[tuple[str, ...]], out: Console) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        out.print("  ".join(cells).rstrip(), markup=False)


async def identify_resource(
    asked: argparse.Namespace, connector: Connector, out: Console, told: Console
) -> None:
    """Who is there, and which driver serves it. Raises `CommandError` when nobody answers."""
    with told.status("opening") as status:
        found = await identify(asked.resource, connector, timeout=asked.timeout, say=status.update)
    for line in found.tried:
        told.print(f"tried {line}", markup=False, soft_wrap=True)
    if found.identity is None:
        raise CommandError(
            f"{asked.resource}: nothing that is known answers; see that it is on, that no other "
            f"program has it, and try a longer --timeout"
        )
    who = found.identity
    for part, text in (
        ("maker", who.maker), ("model", who.model), ("serial", who.serial),
        ("firmware", who.firmware),
    ):  # fmt: skip
        out.print(f"{part:9} {text or 'not told'}", markup=False)
    served = ", ".join(found.drivers) or "none serves it (see `python -m drivers list`)"
    out.print(f"driver    {served}", markup=False)


async def scan(
    asked: argparse.Namespace, connector: Connector, out: Console, told: Console
) -> None:
    """Serial ports, VISA resources, what answers a broadcast, and hosts on TCP. Opens no port and
    no VISA resource.
    """
    del connector
    hosts = [host for text in asked.host for host in scanning.hosts(text)]

    def show(seen: scanning.Seen) -> None:
        out.print(f"{seen.resource}  {seen.about}".rstrip(), markup=False)

    for seen in scanning.serial_ports():
        show(seen)
    with told.status("VISA: listing resources"):
        try:
            listed, notes = await asyncio.to_thread(scanning.visa_resources)
        except LinkError as error:
            listed, notes = [], [str(error)]
    for seen in listed:
        show(seen)
    for note in notes:
        told.print(f"VISA: {note}", markup=False, soft_wrap=True)
    with told.status("UDP: asking the local network for Pulse Streamers"):
        for seen in await scanning.pulse_streamers():
            show(seen)
    if hosts:
        with told.status(f"TCP port {asked.port}: {len(hosts)} hosts") as status:
            found = await scanning.answering(
                hosts,
                asked.port,
                saw=show,
                tried=lambda n: status.update(f"TCP port {asked.port}: {n} of {len(hosts)} hosts"),
            )
        told.print(f"{len(found)} of {len(hosts)} hosts accept TCP port {asked.port}")


async def read(
    asked: argparse.Namespace, connector: Connector, out: Console, told: Console
) -> None:
    """One quantity, or all settings. Raises as `naming.read`."""
    driver = await _driver(asked, connector, told)
    if asked.name is not None:
        _declared(driver, asked.name)
    async with _made(driver, asked, connector) as instrument:
        with told.status("reading"):
            if asked.name is None:
                values = await instrument.read_settings()
            else:
                values = {asked.name: await naming.read(instrument, asked.name, asked.channel)}
    units = {quantity.name: quantity.unit for quantity in driver.quantities}
    for name, value in values.items():
        for line in _lines(name, value, units.get(name, "")):
            out.print(line, markup=False)


async def write(
    asked: argparse.Namespace, connector: Connector, out: Console, told: Console
) -> None:
    """Set one quantity, if `--write` is given. Raises `CommandError` where it is not."""
    driver = await _driver(asked, connector, told)
    quantity = naming.find(driver, asked.name)
    _channelled(driver, quantity, asked.channel)
    value = naming.value_of(quantity, asked.value)
    quantity.check(value, instrument=asked.resource)
    what = f"{asked.name}{f' of channel {asked.channel}' if asked.channel else ''}"
    wanted = _shown(value, quantity.unit)
    if not quantity.writable:
        raise CommandError(f"{asked.name} can only be read ({quantity.doc})")
    if not asked.write:
        raise CommandError(
            f"nothing was set. {what} would be set to {wanted} (allowed: {quantity.range}); add "
            f"--write to do it"
        )
    async with _made(driver, asked, connector) as instrument:
        before = await _told(instrument, quantity, asked.channel)
        await naming.write(instrument, asked.name, value, asked.channel)
        after = await _told(instrument, quantity, asked.channel)
    out.print(f"{what}: was {before}, set to {wanted}, reads {after}", markup=False)


COMMANDS: Mapping[str, Command] = {
    "list": list_models,
    "identify": identify_resource,
    "scan": scan,
    "read": read,
    "write": write,
}


async def _driver(
    asked: argparse.Namespace, connector: Connector, told: Console
) -> type[Instrument]:
    """The driver that was named, or the one that serves what answers."""
    if asked.driver is not None:
        return load(asked.driver)
    with told.status("identifying") as status:
        found = await identify(asked.resource, connector, timeout=asked.timeout, say=status.update)
    if len(found.drivers) == 1:
        return load(found.drivers[0])
    if found.drivers:
        raise CommandError(
            f"{asked.resource}: several drivers serve it; name one of "
            f"{', '.join(found.drivers)} with --driver"
        )
    nobody = f"nobody known answers ({found.tried[0]})" if found.tried else "nobody known answers"
    who = f"{found.idn!r} answers, which no driver serves" if found.idn else nobody
    raise CommandError(
        f"{asked.resource}: {who}; name a driver with --driver (see `python -m drivers list`), or "
        f"see what `python -m drivers identify {asked.resource}` says"
    )


def _made(driver: type[Instrument], asked: argparse.Namespace, connector: Connector) -> Instrument:
    """The driver's instrument, with the options that were given. Raises `CommandError`."""
    options: dict[str, Any] = {}
    for text in asked.option:
        key, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"--option {text!r}: write it KEY=VALUE, like modules=2")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    known = _options(driver)
    if unknown := [key for key in options if key not in known]:
        has = f"it has the options {', '.join(known)}" if known else "it has none"
        raise CommandError(f"{driver.__name__} has no option {', '.join(unknown)}; {has}")
    try:
        check_options(driver, options)
        return driver(
            asked.resource, asked.resource, connector, link=UNHURRIED, timeout=asked.timeout,
            **options,
        )  # fmt: skip
    except TypeError as error:
        has = f"it has the options {', '.join(known)}"
        raise CommandError(f"{driver.__name__}: {error}; {has}") from None


def _options(driver: type[Instrument]) -> list[str]:
    """Names of the options that a driver has of its own."""
    known = {"self", "name", "resource", "connector", "link", "expect", "timeout"}
    return [name for name in inspect.signature(driver).parameters if name not in known]


def _channelled(driver: type[Instrument], quantity: Quantity, channel: str) -> None:
    """Ask for the channel before anything else, where one must be named. Raises `CommandError`."""
    if channel or not (quantity.has_channels or quantity.channels):
        return
    known = quantity.channels or getattr(driver, "channels", ())
    which = f"one of {', '.join(map(str, known))}" if isinstance(known, tuple) and known else "it"
    raise CommandError(f"{quantity.name} is of a channel: name {which} with --channel")


def _declared(driver: type[Instrument], name: str) -> None:
    """Refuse an unknown name before anything is opened, where all names are known."""
    if driver.read_settings is not ScpiInstrument.read_settings:
        return  # it tells more than it declares
    if driver.quantities and not any(quantity.name == name for quantity in driver.quantities):
        naming.find(driver, name)


async def _told(instrument: Instrument, quantity: Quantity, channel: str) -> str:
    if not quantity.readable:
        return "not told"
    try:
        return _shown(await naming.read(instrument, quantity.name, channel), quantity.unit)
    except UnknownStateError:
        return "not known"


def _lines(name: str, value: Any, unit: str) -> list[str]:
    """A setting in lines: one a channel, where it has channels."""
    if isinstance(value, Mapping) and not value:
        return [f"{name}: none"]
    if isinstance(value, Mapping) and list(value) != ["refused"]:
        return [f"{name}[{key}]: {_shown(one, unit)}" for key, one in value.items()]
    if isinstance(value, list):
        return [f"{name}[{key}]: {_shown(one, unit)}" for key, one in enumerate(value)]
    return [f"{name}: {_shown(value, unit)}"]


def _shown(value: Any, unit: str) -> str:
    if isinstance(value, Mapping) and list(value) == ["refused"]:
        return f"refused ({value['refused']})"
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, float):
        return f"{value:.9g} {unit}".rstrip()
    return f"{value} {unit}".rstrip() if isinstance(value, int) else str(value)
