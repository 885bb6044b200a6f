"""Commands of bursts and their triggers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, named, number
from sim_backends.engine.session import ScpiSession

from .channel import Channel
from .modulation_commands import switch_off_others
from .notation import SOURCE, Suffixes, form, on_channel, told

if TYPE_CHECKING:
    from .generator import Keysight33600A

MOST_CYCLES = 1e8


def add_trigger(generator: Keysight33600A) -> None:
    """Enter them."""
    settings, commands, every = generator.settings, generator.commands, generator.every

    def restart(at: Suffixes) -> None:
        generator.channel(at).restart()

    def check_state(at: Suffixes, on: bool) -> None:
        channel = generator.channel(at)
        channel.check_burst(burst=on, mode=channel.word("burst_mode"), function=channel.function)

    def check_mode(at: Suffixes, mode: str) -> None:
        channel = generator.channel(at)
        channel.check_burst(burst=channel.bursting, mode=mode, function=channel.function)

    def set_cycles(channel: Channel, text: str) -> None:
        (word,) = arguments(text, 1, 1)
        special = named(word)
        value = {"MIN": 1.0, "MAX": MOST_CYCLES, "DEF": 1.0}[special] if special else number(word)
        taken = math.inf if value > 9e37 else min(max(float(round(value)), 1.0), MOST_CYCLES)
        channel.cycles = taken
        channel.restart()
        if value > 9e37 or 0.5 <= value <= MOST_CYCLES:
            return
        which = "upper" if value > taken else "lower"
        raise ScpiError(-222, f"Data out of range; value clipped to {which} limit")

    root = f"{SOURCE}BURSt"
    settings.choice(
        "burst_mode", f"{root}:MODE", ("TRIGgered", "GATed"), "TRIGgered", ranges=every,
        check=check_mode, changed=restart,
    )  # fmt: skip

    def burst_changed(at: Suffixes) -> None:
        channel = generator.channel(at)
        late = switch_off_others(channel, "BURST") if channel.bursting else None
        channel.restart()
        if late is not None:
            raise late

    settings.boolean(
        "burst", f"{root}[:STATe]", False, ranges=every, check=check_state, changed=burst_changed
    )
    commands.add(f"{root}:NCYCles", on_channel(generator, set_cycles), every)
    commands.add(
        f"{root}:NCYCles?",
        on_channel(generator, lambda c, text: told(text, c.cycles, 1.0, MOST_CYCLES, 1.0)),
        every,
    )
    settings.number(
        "burst_phase", f"{root}:PHASe", -360, 360, 0, unit="DEG", form=form, ranges=every
    )
    settings.choice(
        "gate_polarity", f"{root}:GATE:POLarity", ("NORMal", "INVerted"), "NORMal", ranges=every
    )
    settings.number(
        "burst_period", f"{root}:INTernal:PERiod", 1e-6, 8000, 10e-3, unit="S", form=form,
        ranges=every, changed=restart,
    )  # fmt: skip
    settings.choice(
        "trigger_source", "TRIGger#:SOURce", ("IMMediate", "EXTernal", "TIMer", "BUS"),
        "IMMediate", ranges=every, changed=restart,
    )  # fmt: skip
    settings.choice(
        "trigger_slope", "TRIGger#:SLOPe", ("POSitive", "NEGative"), "POSitive", ranges=every
    )
    settings.number(
        "trigger_timer", "TRIGger#:TIMer", 1e-6, 8000, 1, unit="S", form=form, ranges=every,
        changed=restart,
    )  # fmt: skip
    settings.number(
        "trigger_delay", "TRIGger#:DELay", 0, 1000, 0, unit="S", form=form, ranges=every
    )
    if generator.model.name != "33521A":
        settings.number(
            "trigger_count", "TRIGger#:COUNt", 1, 1e6, 1, form=form, whole=True, ranges=every
        )
    if generator.model.level:
        settings.number(
            "trigger_level", "TRIGger#:LEVel", 0.9, 3.8, 1.65, unit="V", form=form, ranges=every
        )

    def start(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        if text.strip():
            raise ScpiError(-108)
        generator.before_change()
        generator.channel(suffixes).software(generator.now())

    commands.add("TRIGger#[:IMMediate]", start, every)
    commands.add("ABORt", lambda s, n, text: _abort(generator))


def _abort(generator: Keysight33600A) -> None:
    for channel in generator.channels:
        channel.restart()
