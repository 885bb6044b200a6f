"""The commands of lists and sweeps, and of what starts them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, block, boolean, integer, number
from sim_backends.engine.session import ScpiSession

from .channel import FULL
from .choosing import RANGES, ChannelSetting, acting, attribute, chosen, keyword, telling
from .generator import ENDLESS, Course, Generator

if TYPE_CHECKING:
    from .dac import Qdac2

INTERNAL = 14
"""Internal triggers."""
_SOURCE = re.compile(r"(IMM|BUS|HOLD|INT([1-9]|1[0-4])|EXT[1-4])")
MOST_POINTS = 65536
SHORTEST = 1e-6
"""s that a voltage lasts at least: a sample."""


def enter(dac: Qdac2) -> None:
    """Enter them all."""

    def of(channel: int) -> Generator:
        return dac.channel(channel).generator

    _list(dac, of)
    _sweep(dac, of)
    for word, name in (("LIST", "list_course"), ("SWEep", "sweep_course")):
        _course(dac, f"SOURce#[:DC]:{word}", lambda channel, name=name: getattr(of(channel), name))
        _told_left(dac, word)
    source = attribute(of, "trigger", trigger_source, str)
    source.enter(dac.commands, "SOURce#:DC:TRIGger:SOURce", lambda channels: None)
    again = ChannelSetting(
        boolean,
        lambda channel, on: of(channel).repeat(on),
        lambda channel: of(channel).continuous,
        lambda on: "1" if on else "0",
    )
    again.enter(dac.commands, "SOURce#:DC:INITiate:CONTinuous", lambda channels: None)

    _markers(dac, of)
    delay = attribute(of, "delay", _seconds, lambda seconds: f"{seconds:.6g}")
    delay.enter(dac.commands, "SOURce#:DC:DELay", lambda channels: None)

    def initiate(channel: int) -> None:
        of(channel).initiate(dac.channel(channel).mode, dac.now())
        dac.channel(channel).follow(dac.now())
        dac.drive()

    def abort(channel: int) -> None:
        dac.channel(channel).stop(dac.now())
        dac.drive()

    dac.commands.add("SOURce#:DC:INITiate[:IMMediate]", acting(initiate), RANGES)

    def abort_all(channel: int) -> None:
        dac.channel(channel).stop_all(dac.now())
        dac.drive()

    dac.commands.add("SOURce#:DC:ABORt", acting(abort), RANGES)
    dac.commands.add("SOURce#:ALL:ABORt", acting(abort_all), RANGES)

    def internal(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        (word,) = arguments(text, 1, 1)
        dac.signal(f"INT{integer(word, 1, INTERNAL)}")

    dac.commands.add("TINTernal[:SIGNal]", internal)


def _list(dac: Qdac2, of: Callable[[int], Generator]) -> None:
    def read(text: str, suffixes: tuple[int, ...]) -> tuple[list[float], list[int]]:
        words, channels = chosen(suffixes, text, 1, MOST_POINTS)
        values = numbers(words)
        for channel in channels:
            if not max(map(abs, values)) <= FULL[dac.channel(channel).range]:
                raise ScpiError(-222)
        return values, channels

    def set_list(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        values, channels = read(text, suffixes)
        for channel in channels:
            of(channel).listed = list(values)

    def append(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        values, channels = read(text, suffixes)
        for channel in channels:
            of(channel).listed += values

    root = "SOURce#[:DC]:LIST"
    dac.commands.add(f"{root}:VOLTage", set_list, RANGES)
    dac.commands.add(f"{root}:VOLTage:APPend", append, RANGES)
    told = telling(lambda channel: ",".join(f"{one:.8g}" for one in of(channel).listed))
    dac.commands.add(f"{root}:VOLTage?", told, RANGES)
    points = telling(lambda channel: str(len(of(channel).listed)))
    dac.commands.add(f"{root}:POINts?", points, RANGES)


def numbers(words: list[str]) -> list[float]:
    """Voltages as text, or as a block of float32, little endian, which the maker's driver sends."""
    if not words[0].startswith("#"):
        return [number(word, "V") for word in words]
    if len(words) > 1:
        raise ScpiError(-108)
    payload = block(words[0])
    if not payload or len(payload) % 4:
        raise ScpiError(-161)
    return np.frombuffer(payload, "<f4").astype(float).tolist()


def _sweep(dac: Qdac2, of: Callable[[int], Generator]) -> None:
    def check(channel: int, volts: float) -> None:
        if not abs(volts) <= FULL[dac.channel(channel).range]:
            raise ScpiError(-222)

    root = "SOURce#[:DC]:SWEep"
    for word, name in (("STARt", "begin"), ("STOP", "end")):
        end = attribute(of, name, _volts, lambda volts: f"{volts:.8g}", check=check)
        end.enter(dac.commands, f"{root}:{word}", lambda channels: None)
    points = attribute(of, "points", lambda text: integer(text, 1, MOST_POINTS), str)
    points.enter(dac.commands, f"{root}:POINts", lambda channels: None)

    def seconds(channel: int) -> str:
        course = of(channel).sweep_course
        return f"{of(channel).points * course.dwell * abs(course.count):.6g}"

    dac.commands.add(f"{root}:TIME?", telling(seconds), RANGES)


def _course(dac: Qdac2, root: str, of: Callable[[int], Course]) -> None:
    dwell = attribute(of, "dwell", _dwell, lambda seconds: f"{seconds:.6g}")
    dwell.enter(dac.commands, f"{root}:DWELl", lambda channels: None)
    count = attribute(of, "count", _count, str)
    count.enter(dac.commands, f"{root}:COUNt", lambda channels: None)
    direction = attribute(of, "direction", keyword("UP", "DOWN"), str)
    direction.enter(dac.commands, f"{root}:DIRection", lambda channels: None)
    mode = ChannelSetting(
        keyword("AUTO", "STEPped", "ANALog"),
        lambda channel, word: setattr(of(channel), "mode", word),
        lambda channel: of(channel).mode,
        str,
    )
    mode.enter(
        dac.commands, f"{root}:{'TMODe' if 'LIST' in root else 'GENeration'}", lambda _: None
    )


def _markers(dac: Qdac2, of: Callable[[int], Generator]) -> None:
    for word, name in (
        ("STARt", "START"), ("END", "END"), ("SSTart", "SSTART"), ("SEND", "SEND"),
    ):  # fmt: skip
        marker = ChannelSetting(
            lambda text: integer(text, 0, INTERNAL),
            lambda channel, value, name=name: of(channel).markers.update({name: value}),
            lambda channel, name=name: of(channel).markers.get(name, 0),
            str,
        )
        marker.enter(dac.commands, f"SOURce#:DC:MARKer:{word}", lambda channels: None)


def _told_left(dac: Qdac2, word: str) -> None:
    def left(channel: int) -> str:
        playing = dac.channel(channel).generator.playing
        return str(playing.cycles_left(dac.now()) if playing else 0)

    dac.commands.add(f"SOURce#[:DC]:{word}:NCLeft?", telling(left), RANGES)


def _volts(text: str) -> float:
    return number(text, "V")


def _dwell(text: str) -> float:
    seconds = number(text, "S")
    if not SHORTEST <= seconds <= 3600.0:
        raise ScpiError(-222)
    return seconds


def _count(text: str) -> int:
    count = integer(text, ENDLESS, 1 << 31)
    if not count:
        raise ScpiError(-222)
    return count


def _seconds(text: str) -> float:
    seconds = number(text, "S")
    if not 0.0 <= seconds <= 3600.0:
        raise ScpiError(-222)
    return seconds


def trigger_source(text: str) -> str:
    """Reads what starts something: IMM, BUS, HOLD, an internal or an external trigger."""
    word = text.upper().replace("IMMEDIATE", "IMM").replace("INTERNAL", "INT")
    if not _SOURCE.fullmatch(word):
        raise ScpiError(-224)
    return word
