"""The commands of the waveform generators, and of the traces that an AWG plays.

After the maker's QCoDeS driver and a user's script (`SINE:COUN INF`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, boolean, integer, named, number, string
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import quoted

from .channel import FULL
from .choosing import RANGES, ChannelSetting, acting, attribute, keyword, telling
from .generator_commands import INTERNAL, MOST_POINTS, numbers, trigger_source
from .waveform import ENDLESS, Wave

if TYPE_CHECKING:
    from .dac import Qdac2

FASTEST = 500e3
"""Hz: half of the 1 MS/s that the generators run at."""
SLOWEST = 1e-4
NAMES = {"SIN": "SINe", "SQU": "SQUare", "TRI": "TRIangle", "AWG": "AWG"}
MARKERS = {"STARt": "START", "END": "END", "PSTart": "PSTART", "PEND": "PEND"}
Of = Callable[[int], Wave]


def enter(dac: Qdac2) -> None:
    """Enter them all."""
    for kind, word in NAMES.items():
        _generator(dac, f"SOURce#:{word}", lambda channel, kind=kind: dac.wave(channel, kind))
        if kind != "AWG":
            _period(dac, f"SOURce#:{word}", lambda channel, kind=kind: dac.wave(channel, kind))
    for word in ("SQU", "TRI"):
        duty = attribute(
            lambda channel, word=word: dac.wave(channel, word), "duty", _within(0.01, 99.99),
            _written,
        )  # fmt: skip
        duty.enter(dac.commands, f"SOURce#:{NAMES[word]}:DCYCle", lambda _: dac.drive())
        form = attribute(
            lambda channel, word=word: dac.wave(channel, word), "form",
            keyword("SYMMetric", "POSitive", "NEGative"), str,
        )  # fmt: skip
        if word == "SQU":
            form.enter(dac.commands, f"SOURce#:{NAMES[word]}:TYPe", lambda _: dac.drive())
    _trace_of(dac)
    _traces(dac)


def _generator(dac: Qdac2, root: str, of: Of) -> None:
    commands = dac.commands

    def check(channel: int, volts: float) -> None:
        if not abs(volts) <= FULL[dac.channel(channel).range]:
            raise ScpiError(-222)

    offset = attribute(of, "offset", lambda text: number(text, "V"), _written, check=check)
    offset.enter(commands, f"{root}:OFFSet", lambda _: dac.drive())
    slew = attribute(
        of, "slew", _slew, lambda value: "inf" if math.isinf(value) else _written(value)
    )
    slew.enter(commands, f"{root}:SLEW", lambda _: None)
    count = attribute(of, "count", _count, str)
    count.enter(commands, f"{root}:COUNt", lambda _: dac.drive())
    delay = attribute(of, "delay", _within(0.0, 3600.0, "S"), _written)
    delay.enter(commands, f"{root}:DELay", lambda _: None)
    source = attribute(of, "trigger", trigger_source, str)
    source.enter(commands, f"{root}:TRIGger:SOURce", lambda _: None)
    again = ChannelSetting(
        boolean,
        lambda channel, on: of(channel).repeat(on),
        lambda channel: of(channel).continuous,
        lambda on: "1" if on else "0",
    )
    again.enter(commands, f"{root}:INITiate:CONTinuous", lambda _: None)
    for word, name in MARKERS.items():
        marker = ChannelSetting(
            lambda text: integer(text, 0, INTERNAL),
            lambda channel, value, name=name: of(channel).markers.update({name: value}),
            lambda channel, name=name: of(channel).markers.get(name, 0),
            str,
        )
        marker.enter(commands, f"{root}:MARKer:{word}", lambda _: None)

    def initiate(channel: int) -> None:
        of(channel).initiate(dac.now())
        dac.drive()

    def abort(channel: int) -> None:
        of(channel).abort()
        dac.drive()

    commands.add(f"{root}:INITiate[:IMMediate]", acting(initiate), RANGES)
    commands.add(f"{root}:ABORt", acting(abort), RANGES)
    left = telling(lambda channel: str(of(channel).left(dac.now())))
    commands.add(f"{root}:NCLeft?", left, RANGES)


def _period(dac: Qdac2, root: str, of: Of) -> None:
    def check(channel: int, volts: float) -> None:
        if not 0.0 <= volts <= 2.0 * FULL[dac.channel(channel).range]:
            raise ScpiError(-222)

    span = attribute(of, "span", lambda text: number(text, "V"), _written, check=check)
    span.enter(dac.commands, f"{root}:SPAN", lambda _: dac.drive())
    frequency = attribute(of, "frequency", _within(SLOWEST, FASTEST, "HZ"), _written)
    frequency.enter(dac.commands, f"{root}:FREQuency", lambda _: dac.drive())
    period = ChannelSetting(
        _within(1.0 / FASTEST, 1.0 / SLOWEST, "S"),
        lambda channel, seconds: setattr(of(channel), "frequency", 1.0 / seconds),
        lambda channel: of(channel).period,
        _written,
    )
    period.enter(dac.commands, f"{root}:PERiod", lambda _: dac.drive())
    polarity = ChannelSetting(
        keyword("NORMal", "INVerted"),
        lambda channel, word: setattr(of(channel), "inverted", word == "INV"),
        lambda channel: "INV" if of(channel).inverted else "NORM",
        str,
    )
    polarity.enter(dac.commands, f"{root}:POLarity", lambda _: dac.drive())


def _trace_of(dac: Qdac2) -> None:
    """What the AWG of a channel plays, and how high."""

    def of(channel: int) -> Wave:
        return dac.wave(channel, "AWG")

    def known(channel: int, name: str) -> None:
        if name not in dac.traces:
            raise ScpiError(-224)

    define = attribute(of, "name", string, quoted, check=known)
    define.enter(dac.commands, "SOURce#:AWG:DEFine", lambda _: dac.drive())
    scale = attribute(of, "scale", _within(-20.0, 20.0), _written)
    scale.enter(dac.commands, "SOURce#:AWG:SCALe", lambda _: dac.drive())


def _traces(dac: Qdac2) -> None:
    """Traces are the instrument's own, by name: so many values, which are 0 until they are sent."""

    def define(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        name, size = arguments(text, 2, 2)
        count = integer(size, 1, MOST_POINTS)
        dac.traces[_name(name)] = np.zeros(count)

    def fill(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        name, *words = arguments(text, 2, MOST_POINTS + 1)
        trace = dac.traces.get(_name(name))
        if trace is None:
            raise ScpiError(-224)
        values = np.array(numbers(words))
        if values.size != trace.size or not np.isfinite(values).all():
            raise ScpiError(-223 if values.size > trace.size else -220)
        dac.traces[_name(name)] = values
        dac.drive()

    def remove(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        if dac.traces.pop(_name(arguments(text, 1, 1)[0]), None) is None:
            raise ScpiError(-224)
        dac.drive()

    def remove_all(session: ScpiSession) -> None:
        dac.traces.clear()
        dac.drive()

    add = dac.commands.add
    add("TRACe:DEFine", define)
    add("TRACe:DATA", fill)
    add("TRACe:REMove[:NAME]", remove)
    add("TRACe:REMove:ALL", plain(remove_all))
    add("TRACe:CATalog?", plain(lambda session: ",".join(map(quoted, dac.traces))))


def _name(text: str) -> str:
    name = string(text)
    if not name:
        raise ScpiError(-224)
    return name


def _within(low: float, high: float, unit: str = "") -> Callable[[str], float]:
    def read(text: str) -> float:
        special = named(text)
        value = {"MIN": low, "MAX": high}.get(special, math.nan) if special else number(text, unit)
        if not low <= value <= high:
            raise ScpiError(-222)
        return value

    return read


def _slew(text: str) -> float:
    value = number(text)
    if not (math.isinf(value) or 0.01 <= value <= 2e7):
        raise ScpiError(-222)
    return value


def _count(text: str) -> int:
    if text.upper() in ("INF", "INFINITY"):
        return ENDLESS
    count = integer(text, ENDLESS, 1 << 31)
    if not count:
        raise ScpiError(-222)
    return count


def _written(value: float) -> str:
    return f"{value:.8g}"
