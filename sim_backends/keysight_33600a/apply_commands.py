"""APPLy: a function with its frequency, amplitude and offset, and the output on, in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments
from sim_backends.engine.settings import short

from .channel import Channel
from .notation import SOURCE, form, on_channel

if TYPE_CHECKING:
    from .generator import Keysight33600A


def add_apply(generator: Keysight33600A, functions: tuple[str, ...]) -> None:
    """Enter one for each function, and the query."""
    for name in functions:
        generator.commands.add(
            f"{SOURCE}APPLy:{name}",
            on_channel(generator, lambda c, text, name=name: _apply(generator, c, name, text)),
            generator.every,
        )
    generator.commands.add(f"{SOURCE}APPLy?", on_channel(generator, _applied), generator.every)


def _apply(generator: Keysight33600A, channel: Channel, name: str, text: str) -> None:
    """APPLy: function, frequency (or rate), amplitude and offset, and the output on."""
    given = arguments(text, 0, 3) if text.strip() else []
    number_at = channel.number
    generator.settings["burst", number_at] = False
    generator.settings["function", number_at] = short(name)
    rate = "FUNC:ARB:SRAT" if name == "ARBitrary" else "FREQ"
    failures: list[ScpiError] = []
    try:
        channel.settle_level()
    except ScpiError as failure:
        failures.append(failure)
    session = generator.converse(lambda data: None)
    for header, value in zip((rate, "VOLT", "VOLT:OFFS"), given, strict=False):
        if value.upper() in ("DEF", "DEFAULT") and name == "DC" and header != "VOLT:OFFS":
            continue
        found = generator.commands.find(f"SOUR{number_at}:{header}")
        assert found is not None
        try:
            found.handler(session, found.suffixes, value)
        except ScpiError as failure:
            failures.append(failure)
    generator.settings["output", number_at] = True
    channel.restart()
    if failures:
        raise failures[0]


def _applied(channel: Channel, text: str) -> str:
    if text.strip():
        raise ScpiError(-108)
    level = channel.output.level
    rate = channel.value("sample_rate" if channel.function == "ARB" else "frequency")
    numbers = ",".join(form(value) for value in (rate, level.shown(level.amplitude), level.offset))
    return f'"{channel.function} {numbers}"'
