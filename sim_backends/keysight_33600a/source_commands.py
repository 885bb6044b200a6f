"""Commands of the output: function, frequency, shape, phase, pulses, sync."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import number

from .apply_commands import add_apply
from .channel import Channel
from .level_commands import add_level
from .modulation_commands import add_modulation, sweep_by_mode
from .notation import SOURCE, Suffixes, bounded, form, on_channel, told

if TYPE_CHECKING:
    from .generator import Keysight33600A

FUNCTIONS = (
    "SINusoid", "SQUare", "TRIangle", "RAMP", "PULSe", "PRBS", "NOISe", "ARBitrary", "DC",
)  # fmt: skip


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
        for settle in (channel.settle_burst, channel.settle_modes, channel.settle_level):
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
    # frequency lists are not simulated
    settings.choice(
        "frequency_mode", f"{SOURCE}FREQuency:MODE", ("CW", "FIXed", "SWEep"), "CW", ranges=every,
        changed=lambda at: sweep_by_mode(generator.channel(at)),
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
        "square_duty", f"{SOURCE}FUNCtion:SQUare:DCYCle", 0.01, 99.99, 50, unit="PCT", form=form,
        ranges=every,
        changed=restart,
    )  # fmt: skip
    settings.number(
        "ramp_symmetry", f"{SOURCE}FUNCtion:RAMP:SYMMetry", 0, 100, 100, unit="PCT", form=form,
        ranges=every,
        changed=restart,
    )  # fmt: skip
    _add_pulse(generator, restart)
    add_level(generator)
    add_modulation(generator)
    _add_sync(generator)
    generator.commands.add(
        f"{SOURCE}PHASe:SYNChronize", on_channel(generator, lambda c, text: _synchronise(generator))
    )
    generator.commands.add("PHASe:SYNChronize", lambda s, n, text: _synchronise(generator))
    add_apply(generator, FUNCTIONS)


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
    square = f"{SOURCE}FUNCtion:SQUare:PERiod"
    generator.commands.add(square, on_channel(generator, set_period), every)
    generator.commands.add(f"{square}?", on_channel(generator, tell_period), every)

    def set_deviation(channel: Channel, text: str) -> None:
        value = bounded(text, 0.0, 100.0, 1.0, number)
        _set(generator, f"SOUR{channel.number}:PWM:DEV", 0.01 * value * period(channel))

    def tell_deviation(channel: Channel, text: str) -> str:
        return told(text, 100.0 * channel.value("pwm_amount") / period(channel), 0.0, 100.0, 1.0)

    header = f"{SOURCE}PWM:DEViation:DCYCle"
    generator.commands.add(header, on_channel(generator, set_deviation), every)
    generator.commands.add(f"{header}?", on_channel(generator, tell_deviation), every)


def _set(generator: Keysight33600A, header: str, value: float) -> None:
    """Set another setting by its own command, with its own limits."""
    found = generator.commands.find(header)
    assert found is not None
    session = generator.converse(lambda data: None)
    found.handler(session, found.suffixes, repr(value))


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
