"""Commands of the level: amplitude, offset, high and low, their unit, range, and the load."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, boolean, choice, number

from .channel import Channel
from .level import MOST_EMF, Level
from .notation import SOURCE, bounded, on_channel, told

if TYPE_CHECKING:
    from .generator import Keysight33600A


def add_level(generator: Keysight33600A) -> None:
    """Enter them."""
    every = generator.every
    unit_words = ("VPP", "VRMS", "DBM")

    def enter(
        pattern: str,
        keep: Callable[[Channel, str], None],
        tell: Callable[[Channel, str], str],
    ) -> None:
        def change(channel: Channel, text: str) -> None:
            generator.before_change()
            keep(channel, text)

        generator.commands.add(pattern, on_channel(generator, change), every)
        generator.commands.add(f"{pattern}?", on_channel(generator, tell), every)

    def amplitude_limits(level: Level) -> tuple[float, float, float]:
        return (
            level.least_amplitude(),
            max(level.least_amplitude(), level.most_amplitude()),
            0.2 * level.share,
        )

    def set_amplitude(channel: Channel, text: str) -> None:
        level = channel.output.level
        level.set_amplitude(bounded(text, *amplitude_limits(level), level.read))

    def tell_amplitude(channel: Channel, text: str) -> str:
        level = channel.output.level
        limits = [level.shown(limit) for limit in amplitude_limits(level)]
        return told(text, level.shown(level.amplitude), *limits)

    def most(channel: Channel) -> float:
        level = channel.output.level
        return 10.0 * level.share if channel.function == "DC" else level.most_offset()

    def set_offset(channel: Channel, text: str) -> None:
        limit = most(channel)
        value = bounded(text, -limit, limit, 0.0, lambda word: number(word, "V"))
        channel.output.level.set_offset(value, channel.function != "DC")

    def set_end(move: Callable[[Level, float], None]) -> Callable[[Channel, str], None]:
        def keep(channel: Channel, text: str) -> None:
            level = channel.output.level
            top = 10.0 * level.share
            move(level, bounded(text, -top, top, 0.0, lambda word: number(word, "V")))

        return keep

    def tell_end(value: Callable[[Level], float]) -> Callable[[Channel, str], str]:
        def tell(channel: Channel, text: str) -> str:
            level = channel.output.level
            return told(text, value(level), -10.0 * level.share, 10.0 * level.share, 0.0)

        return tell

    def set_unit(channel: Channel, text: str) -> None:
        channel.output.level.set_unit(choice(arguments(text, 1, 1)[0], unit_words))

    def set_auto(channel: Channel, text: str) -> None:
        word = arguments(text, 1, 1)[0].upper()
        if word not in ("ON", "OFF", "ONCE", "1", "0"):
            raise ScpiError(-224)
        channel.output.level.auto_range = word in ("ON", "1")

    def set_load(channel: Channel, text: str) -> None:
        value = bounded(text, 1.0, 1e4, 50.0, lambda word: number(word, "OHM"))
        late: ScpiError | None = None
        if not math.isinf(value) and value < 9e37 and not 1.0 <= value <= 1e4:
            which = "upper" if value > 1e4 else "lower"
            late = ScpiError(-222, f"Data out of range; value clipped to {which} limit")
            value = min(max(value, 1.0), 1e4)
        channel.output.level.set_load(math.inf if value > 9e37 else value)
        if late is not None:
            raise late

    def set_limit(highest: bool) -> Callable[[Channel, str], None]:
        def keep(channel: Channel, text: str) -> None:
            level = channel.output.level
            top = MOST_EMF * level.share
            value = bounded(text, -top, top, 0.0, lambda word: number(word, "V"))
            kept = min(max(value, -top), top)
            level.set_limit(kept, highest=highest, swing=channel.function != "DC")
            if abs(value) > top * (1.0 + 1e-9):
                which = "upper" if value > top else "lower"
                raise ScpiError(-222, f"Data out of range; value clipped to {which} limit")

        return keep

    def tell_limit(name: str) -> Callable[[Channel, str], str]:
        def tell(channel: Channel, text: str) -> str:
            level = channel.output.level
            top = MOST_EMF * level.share
            return told(text, getattr(level, name) * level.share, -top, top, 0.0)

        return tell

    def set_limited(channel: Channel, text: str) -> None:
        channel.output.level.limit(boolean(arguments(text, 1, 1)[0]), channel.function != "DC")

    root = f"{SOURCE}VOLTage"
    enter(f"{root}:LIMit:HIGH", set_limit(True), tell_limit("emf_highest"))
    enter(f"{root}:LIMit:LOW", set_limit(False), tell_limit("emf_lowest"))
    enter(f"{root}:LIMit:STATe", set_limited, lambda c, text: str(int(c.output.level.limited)))
    enter(f"{root}[:LEVel][:IMMediate][:AMPLitude]", set_amplitude, tell_amplitude)
    enter(
        f"{root}:OFFSet", set_offset,
        lambda c, text: told(text, c.output.level.offset, -most(c), most(c), 0.0),
    )  # fmt: skip
    enter(f"{root}:HIGH", set_end(Level.set_high), tell_end(lambda level: level.high))
    enter(f"{root}:LOW", set_end(Level.set_low), tell_end(lambda level: level.low))
    enter(f"{root}:UNIT", set_unit, lambda c, text: c.output.level.unit)
    enter(f"{root}:RANGe:AUTO", set_auto, lambda c, text: str(int(c.output.level.auto_range)))
    for pattern in ("OUTPut#:LOAD", "OUTPut#:IMPedance"):
        enter(pattern, set_load, lambda c, text: told(text, c.output.level.load, 1.0, 1e4, 50.0))
