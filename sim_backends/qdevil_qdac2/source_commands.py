"""The commands of the outputs: voltage, slew, mode, range, filter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import boolean, number

from .channel import FULL
from .choosing import RANGES, ChannelSetting, attribute, keyword, telling

if TYPE_CHECKING:
    from .dac import Qdac2

SLOWEST, FASTEST = 20.0, 2e7
"""V/s that the slew rate can be set to, or infinite."""
VOLTAGE = "SOURce#[:DC]:VOLTage"
LEVEL = f"{VOLTAGE}[:LEVel][:IMMediate][:AMPLitude]"


def enter(dac: Qdac2) -> None:
    """Enter them all."""
    _levels(dac)
    _ranges(dac)
    filters = attribute(dac.channel, "filter", keyword("DC", "MEDium", "HIGH"), str)
    filters.enter(dac.commands, "SOURce#[:VOLTage]:FILTer[:LOWPass]", lambda channels: None)
    enhanced = attribute(dac.channel, "enhanced", boolean, lambda on: "ON" if on else "OFF")
    enhanced.enter(dac.commands, "SOURce#:RENHancement", lambda channels: None)
    mode = ChannelSetting(
        keyword("FIXed", "SWEep", "LIST"),
        lambda channel, word: dac.channel(channel).choose(word, dac.now()),
        lambda channel: dac.channel(channel).mode,
        str,
    )
    mode.enter(dac.commands, "SOURce#[:DC][:VOLTage]:MODE", lambda channels: dac.drive())


def _levels(dac: Qdac2) -> None:
    def check(channel: int, volts: float) -> None:
        if not abs(volts) <= FULL[dac.channel(channel).range]:
            raise ScpiError(-222)
        if dac.channel(channel).mode != "FIX":
            raise ScpiError(-221)

    def bounds(channel: int) -> tuple[float, float, float]:
        full = FULL[dac.channel(channel).range]
        return -full, full, 0.0

    volts = ChannelSetting(
        lambda text: number(text, "V"),
        lambda channel, value: dac.channel(channel).set(value, dac.now()),
        lambda channel: dac.channel(channel).told(dac.now()),
        _written,
        check=check,
        bounds=bounds,
    )
    volts.enter(dac.commands, LEVEL, lambda channels: dac.drive())
    last = telling(lambda channel: _written(dac.channel(channel).last))
    dac.commands.add(f"{LEVEL}:LAST?", last, RANGES)

    triggered = ChannelSetting(
        lambda text: number(text, "V"),
        lambda channel, value: setattr(dac.channel(channel), "triggered_volts", value),
        lambda channel: dac.channel(channel).triggered_volts,
        _written,
        check=check,
        bounds=bounds,
    )
    triggered.enter(dac.commands, f"{VOLTAGE}[:LEVel]:TRIGgered[:AMPLitude]", lambda channels: None)

    def set_slew(channel: int, slew: float) -> None:
        one = dac.channel(channel)
        one.hold(dac.now())
        one.slew = slew

    def check_slew(channel: int, slew: float) -> None:
        if not (SLOWEST <= slew <= FASTEST or slew == math.inf):
            raise ScpiError(-222)

    slew = ChannelSetting(
        number,
        set_slew,
        lambda channel: dac.channel(channel).slew,
        lambda slew: "inf" if math.isinf(slew) else _written(slew),
        check=check_slew,
        bounds=lambda channel: (SLOWEST, FASTEST, math.inf),
    )
    slew.enter(dac.commands, f"{VOLTAGE}:SLEW", lambda channels: dac.drive())


def _ranges(dac: Qdac2) -> None:
    def check(channel: int, word: str) -> None:
        one = dac.channel(channel)
        if max(abs(one.wanted(dac.now())), abs(one.last)) > FULL[word]:
            raise ScpiError(-221)

    ranges = attribute(dac.channel, "range", keyword("LOW", "HIGH"), str, check=check)
    ranges.enter(dac.commands, "SOURce#[:VOLTage]:RANGe", lambda channels: dac.drive())
    for word, full in FULL.items():
        for end, sign in (("MINimum", -1.0), ("MAXimum", 1.0)):
            limit = _written(sign * full)
            dac.commands.add(
                f"SOURce#[:VOLTage]:RANGe:{word}:{end}?",
                telling(lambda channel, limit=limit: limit),
                RANGES,
            )


def _written(value: float) -> str:
    """As firmware 7-0.17.5 and later tells voltages: eight digits."""
    return f"{value:.8g}"
