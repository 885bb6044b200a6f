"""Commands of the output: function, frequency, level, shape, phase, load, sync; and APPLy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice, named, number
from sim_backends.engine.session import Command, Reply, ScpiSession
from sim_backends.engine.settings import short
from sim_backends.engine.writing import nr3

from .channel import Channel
from .level import Level

if TYPE_CHECKING:
    from .generator import Keysight33600A

_FIFTEEN = nr3(15)
SOURCE = "[SOURce#:]"
FUNCTIONS = (
    "SINusoid", "SQUare", "TRIangle", "RAMP", "PULSe", "PRBS", "NOISe", "ARBitrary", "DC",
)  # fmt: skip
Suffixes = tuple[int, ...]


def form(value: float) -> str:
    """How all numbers are told: `+1.000000000000000E+03`."""
    return "+9.900000000000000E+37" if math.isinf(value) else _FIFTEEN(value)


def on_channel(generator: Keysight33600A, act: Callable[[Channel, str], Reply]) -> Command:
    """A command of one channel, given the text of its parameters."""

    def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
        return act(generator.channel(suffixes), text)

    return run


def bounded(
    text: str, least: float, most: float, default: float, read: Callable[[str], float]
) -> float:
    """A number, or MIN, MAX or DEF."""
    (word,) = arguments(text, 1, 1)
    special = named(word)
    return {"MIN": least, "MAX": most, "DEF": default}[special] if special else read(word)


def told(text: str, value: float, least: float, most: float, default: float) -> str:
    """The answer of a query that takes MIN, MAX or DEF."""
    if not text.strip():
        return form(value)
    special = named(arguments(text, 1, 1)[0])
    if not special:
        raise ScpiError(-224)
    return form({"MIN": least, "MAX": most, "DEF": default}[special])


def add_source(generator: Keysight33600A) -> None:
    """Enter them."""
    settings, every = generator.settings, generator.every

    def restart(at: Suffixes) -> None:
        generator.channel(at).restart()

    def function_changed(at: Suffixes) -> None:
        channel = generator.channel(at)
        late: ScpiError | None = None
        channel.adopt_rate()
        if channel.value("frequency") > channel.top_frequency():
            settings["frequency", at[0]] = channel.top_frequency()
            late = ScpiError(-221, "Settings conflict; frequency reduced for this function")
        for settle in (channel.settle_burst, channel.settle_level):
            try:
                settle()
            except ScpiError as failure:
                late = failure
        channel.restart()
        if late is not None:
            raise late

    def frequency_changed(at: Suffixes) -> None:
        channel = generator.channel(at)
        late: ScpiError | None = None
        frequency = channel.value("frequency")
        if channel.function == "ARB":
            rate = min(frequency * channel.points(), channel.top_rate())
            settings["sample_rate", at[0]] = rate
            channel.adopt_rate()
        elif channel.value("pulse_width") * frequency > 0.999:
            settings["pulse_width", at[0]] = 0.5 / frequency
            if channel.function == "PULS":
                late = ScpiError(-221, "Settings conflict; pulse width decreased due to period")
        channel.restart()
        if late is not None:
            raise late

    settings.choice(
        "function", f"{SOURCE}FUNCtion[:SHAPe]", FUNCTIONS, "SINusoid", ranges=every,
        changed=function_changed,
    )  # fmt: skip
    settings.number(
        "frequency", f"{SOURCE}FREQuency[:CW]", 1e-6,
        lambda at: generator.channel(at).top_frequency(), 1e3, unit="HZ", form=form, ranges=every,
        changed=frequency_changed,
    )  # fmt: skip
    settings.number(
        "phase", f"{SOURCE}PHASe[:ADJust]", -360, 360, 0, unit="DEG", form=form, ranges=every,
        changed=restart,
    )  # fmt: skip
    settings.boolean("output", "OUTPut#[:STATe]", False, ranges=every, changed=restart)
    settings.choice(
        "polarity", "OUTPut#:POLarity", ("NORMal", "INVerted"), "NORMal", ranges=every,
        changed=restart,
    )  # fmt: skip
    settings.choice("output_mode", "OUTPut#:MODE", ("NORMal", "GATed"), "NORMal", ranges=every)
    settings.number(
        "square_duty", f"{SOURCE}FUNCtion:SQUare:DCYCle", 0.01, 99.99, 50, form=form, ranges=every,
        changed=restart,
    )  # fmt: skip
    settings.number(
        "ramp_symmetry", f"{SOURCE}FUNCtion:RAMP:SYMMetry", 0, 100, 100, form=form, ranges=every,
        changed=restart,
    )  # fmt: skip
    _add_pulse(generator, restart)
    _add_level(generator)
    _add_sync(generator)
    generator.commands.add(
        f"{SOURCE}PHASe:SYNChronize", on_channel(generator, lambda c, text: _synchronise(generator))
    )
    generator.commands.add("PHASe:SYNChronize", lambda s, n, text: _synchronise(generator))
    for name in FUNCTIONS:
        generator.commands.add(
            f"{SOURCE}APPLy:{name}",
            on_channel(generator, lambda c, text, name=name: _apply(generator, c, name, text)),
            every,
        )
    generator.commands.add(f"{SOURCE}APPLy?", on_channel(generator, _applied), every)


def _add_pulse(generator: Keysight33600A, restart: Callable[[Suffixes], None]) -> None:
    settings, every = generator.settings, generator.every
    least = 16e-9 if generator.model.bits == 16 else 5e-9
    edge = 8.4e-9 if generator.model.bits == 16 else 2.9e-9

    def period(channel: Channel) -> float:
        return 1.0 / channel.value("frequency")

    settings.number(
        "pulse_width", f"{SOURCE}FUNCtion:PULSe:WIDTh", least,
        lambda at: max(least, 0.9999 * period(generator.channel(at))), 100e-6,
        unit="S", form=form, ranges=every, changed=restart,
    )  # fmt: skip
    settings.choice(
        "pulse_hold", f"{SOURCE}FUNCtion:PULSe:HOLD", ("WIDTh", "DCYCle"), "WIDTh", ranges=every
    )
    for name, pattern in (
        ("pulse_edges", "TRANsition[:BOTH]"),
        ("pulse_leading", "TRANsition:LEADing"),
        ("pulse_trailing", "TRANsition:TRAiling"),
    ):
        settings.number(
            name, f"{SOURCE}FUNCtion:PULSe:{pattern}", edge, 1e-6, 10e-9, unit="S", form=form,
            ranges=every,
        )  # fmt: skip

    def set_period(channel: Channel, text: str) -> None:
        value = bounded(text, 1.0 / channel.top_frequency(), 1e6, 1e-3, lambda w: number(w, "S"))
        frequency = 1.0 / value if value > 0.0 else math.inf
        _set(generator, f"SOUR{channel.number}:FREQ", frequency)

    def set_duty(channel: Channel, text: str) -> None:
        value = bounded(text, 0.01, 99.99, 10.0, number)
        _set(generator, f"SOUR{channel.number}:FUNC:PULS:WIDT", 0.01 * value * period(channel))

    def tell_period(channel: Channel, text: str) -> str:
        return told(text, period(channel), 1.0 / channel.top_frequency(), 1e6, 1e-3)

    def tell_duty(channel: Channel, text: str) -> str:
        duty = 100.0 * channel.value("pulse_width") / period(channel)
        return told(text, duty, 0.01, 99.99, 10.0)

    for pattern, keep, tell in (
        ("PERiod", set_period, tell_period),
        ("DCYCle", set_duty, tell_duty),
    ):
        header = f"{SOURCE}FUNCtion:PULSe:{pattern}"
        generator.commands.add(header, on_channel(generator, keep), every)
        generator.commands.add(f"{header}?", on_channel(generator, tell), every)


def _set(generator: Keysight33600A, header: str, value: float) -> None:
    """Set another setting by its own command, with its own limits."""
    found = generator.commands.find(header)
    assert found is not None
    session = generator.converse(lambda data: None)
    found.handler(session, found.suffixes, repr(value))


def _add_level(generator: Keysight33600A) -> None:
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

    root = f"{SOURCE}VOLTage"
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


def _add_sync(generator: Keysight33600A) -> None:
    settings, every = generator.settings, generator.every
    sources = tuple(f"CH{number}" for number in range(1, generator.model.channels + 1))
    settings.boolean("sync", "OUTPut:SYNC[:STATe]", True)
    settings.choice("sync_source", "OUTPut:SYNC:SOURce", sources, "CH1")
    settings.choice(
        "sync_mode", "OUTPut#:SYNC:MODE", ("NORMal", "CARRier", "MARKer"), "NORMal", ranges=every
    )
    settings.choice(
        "sync_polarity", "OUTPut#:SYNC:POLarity", ("NORMal", "INVerted"), "NORMal", ranges=every
    )
    settings.boolean("trigger_out", "OUTPut:TRIGger[:STATe]", False)
    settings.choice(
        "trigger_out_slope", "OUTPut:TRIGger:SLOPe", ("POSitive", "NEGative"), "POSitive"
    )
    settings.choice("trigger_out_source", "OUTPut:TRIGger:SOURce", sources, "CH1")


def _synchronise(generator: Keysight33600A) -> None:
    """Start all channels together. With sequences on all of them that nothing triggers, a 33600A
    falls silent.
    """
    for channel in generator.channels:
        channel.restart()
    running = [c for c in generator.channels if c.sequence is not None and c.source == "IMM"]
    if len(running) == 2:
        for channel in generator.channels:
            channel.output.stalled = True


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
