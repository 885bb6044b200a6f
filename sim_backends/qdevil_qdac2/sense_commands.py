"""The commands of the current meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import boolean, integer, number
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import nr1

from .choosing import RANGES, ChannelSetting, acting, attribute, chosen, keyword, telling
from .generator_commands import trigger_source
from .measuring import written

if TYPE_CHECKING:
    from .dac import Qdac2

SHORTEST, LONGEST = 0.0003, 1.0
"""s of a meter's aperture."""
SENSE = "SENSe#[:CURRent]"


def enter(dac: Qdac2) -> None:
    """Enter them all."""
    ranges = attribute(dac.channel, "sense", keyword("LOW", "HIGH"), str)
    ranges.enter(dac.commands, f"{SENSE}:RANGe", lambda channels: None)
    _times(dac)
    count = attribute(dac.channel, "count", lambda text: integer(text, 1, 1000000), nr1)
    count.enter(dac.commands, f"{SENSE}:COUNt", lambda channels: None)

    def read(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Deferred:
        _, channels = chosen(suffixes, text, 0, 0)
        return dac.meters.measure(channels)

    def last(channel: int) -> str:
        readings = dac.channel(channel).readings
        if not readings:
            raise ScpiError(-230)
        return written(readings[-1])

    def all_of(channel: int) -> str:
        return ",".join(map(written, dac.channel(channel).readings))

    def removed(channel: int) -> str:
        told = all_of(channel)
        dac.channel(channel).readings.clear()
        return told

    def initiate(channel: int) -> None:
        one = dac.channel(channel)
        if one.sense_trigger == "IMM":
            dac.meters.measure([channel])
        else:
            one.sense_armed = True

    dac.commands.add(f"{SENSE}:DATA:REMove?", telling(removed), RANGES)
    left = telling(lambda channel: str(dac.channel(channel).left))
    dac.commands.add(f"{SENSE}:NCLeft?", left, RANGES)
    dac.commands.add("SENSe#:INITiate[:IMMediate]", acting(initiate), RANGES)

    def repeat(channel: int, on: bool) -> None:
        one = dac.channel(channel)
        one.sense_again = on
        one.sense_armed |= on

    again = ChannelSetting(
        boolean, repeat, lambda channel: dac.channel(channel).sense_again,
        lambda on: "1" if on else "0",
    )  # fmt: skip
    again.enter(dac.commands, "SENSe#:INITiate:CONTinuous", lambda channels: None)
    source = attribute(dac.channel, "sense_trigger", trigger_source, str)
    source.enter(dac.commands, "SENSe#:TRIGger:SOURce", lambda channels: None)
    dac.commands.add("READ#[:CURRent]?", read, RANGES)
    dac.commands.add("FETCh#[:CURRent]?", telling(all_of), RANGES)
    dac.commands.add(f"{SENSE}:DATA:LAST?", telling(last), RANGES)
    points = telling(lambda channel: str(len(dac.channel(channel).readings)))
    dac.commands.add(f"{SENSE}:DATA:POINts?", points, RANGES)
    abort = acting(lambda channel: dac.meters.abort())
    dac.commands.add(f"{SENSE}:ABORt", abort, RANGES)


def _times(dac: Qdac2) -> None:
    aperture = attribute(
        dac.channel, "aperture", _seconds, _written, check=_between(SHORTEST, LONGEST),
        bounds=lambda channel: (SHORTEST, LONGEST, 1.0 / dac.line_frequency),
    )  # fmt: skip
    aperture.enter(dac.commands, f"{SENSE}:APERture", lambda channels: None)
    delay = attribute(dac.channel, "delay", _seconds, _written, check=_between(0.0, 3600.0))
    delay.enter(dac.commands, f"{SENSE}:DELay", lambda channels: None)

    def set_cycles(channel: int, cycles: float) -> None:
        dac.channel(channel).aperture = cycles / dac.line_frequency

    def check(channel: int, cycles: float) -> None:
        if not SHORTEST <= cycles / dac.line_frequency <= 100.0 / dac.line_frequency:
            raise ScpiError(-222)

    cycles = ChannelSetting(
        number, set_cycles, lambda channel: dac.channel(channel).aperture * dac.line_frequency,
        _written, check=check,
    )  # fmt: skip
    cycles.enter(dac.commands, f"{SENSE}:NPLCycles", lambda channels: None)


def _between(low: float, high: float) -> Callable[[int, float], None]:
    def check(channel: int, value: float) -> None:
        if not low <= value <= high:
            raise ScpiError(-222)

    return check


def _seconds(text: str) -> float:
    return number(text, "S")


def _written(value: float) -> str:
    return f"{value:.6g}"
