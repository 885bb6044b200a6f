"""Commands of the generator: SOUR, OUTPUT, GEN (Red Pitaya scpi-server source, generate.cpp,
scpi-commands.cpp).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, choice, integer, number
from sim_backends.engine.session import Command, Reply, ScpiSession

from .board_commands import reset_generator
from .generator import BUFFER, Output
from .session import BoxSession, channel, lacking, out_of_range

if TYPE_CHECKING:
    from .box import RedPitaya

_FUNCTIONS = ("SINE", "SQUARE", "TRIANGLE", "SAWU", "SAWD", "DC", "PWM", "ARBITRARY", "DC_NEG")
_SOURCES = ("INT", "EXT_PE", "EXT_NE", "GATED")
_MODES = ("CONTINUOUS", "BURST", "STREAM")
_MOST_DEAD_US = 8 * 2**20 / 125.0


def _one(text: str) -> str:
    return arguments(text, 1, 1)[0]


def _ranged(
    box: RedPitaya, name: str, attribute: str, low: float, high: float, unit: str = ""
) -> Command:
    """A command that sets a number of an output within low..high."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        output = box.outputs[channel(suffixes)]
        value = number(_one(text), unit)
        if not low <= value <= high:
            raise out_of_range(name)
        box.before_change()
        setattr(output, attribute, value)

    return run


def _level(box: RedPitaya, attribute: str) -> Command:
    """Amplitude or offset: together they must stay within full scale."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        output = box.outputs[channel(suffixes)]
        value = number(_one(text), "V")
        other = output.offset if attribute == "amplitude" else output.amplitude
        low = 0.0 if attribute == "amplitude" else -1.0
        if not low <= value <= 1.0 or abs(value) + abs(other) > 1.0 + 1e-9:
            raise out_of_range(attribute)
        box.before_change()
        setattr(output, attribute, value)

    return run


def _counted(box: RedPitaya, name: str, attribute: str, low: int, high: int) -> Command:
    """A command that sets a whole number of an output."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        output = box.outputs[channel(suffixes)]
        value = integer(_one(text), -(2**31), 2**32 - 1)
        if not low <= value <= high:
            raise out_of_range(name)
        setattr(output, attribute, value)

    return run


def _chosen(box: RedPitaya, attribute: str, words: tuple[str, ...]) -> Command:
    """A command that sets a keyword of an output."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        output = box.outputs[channel(suffixes)]
        word = choice(_one(text), words)
        box.before_change()
        setattr(output, attribute, word)

    return run


def _asked(box: RedPitaya, answer: Callable[[Output], str]) -> Command:
    """A query of an output's setting."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        return answer(box.outputs[channel(suffixes)])

    return run


def _waveform(box: RedPitaya) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        output = box.outputs[channel(suffixes)]
        if not text:
            raise ScpiError(-109)
        try:
            values = list(map(float, text.split(",")))
        except ValueError:
            raise ScpiError(-104) from None
        if len(values) > BUFFER:
            raise out_of_range("arbitrary waveform data")
        if not math.isfinite(sum(values)):
            raise ScpiError(-104)
        if output.mode != "BURST":
            box.before_change()
        output.upload(np.array(values))

    return run


def _waveform_query(box: RedPitaya) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        assert isinstance(session, BoxSession)
        return session.floats(box.outputs[channel(suffixes)].table)

    return run


def _state(box: RedPitaya) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        output = box.outputs[channel(suffixes)]
        on = boolean(_one(text))
        box.before_change()
        output.enable(on, box.now())

    return run


def _both_states(box: RedPitaya) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        on = boolean(_one(text))
        box.before_change()
        for output in box.outputs:
            output.enable(on, box.now())

    return run


def _dead_time(box: RedPitaya) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        value = number(_one(text))
        if not 0.0 <= value <= _MOST_DEAD_US:
            raise out_of_range("debouncer")
        box.generator_debouncer.dead_time = value * 1e-6

    return run


def _trigger_one(box: RedPitaya) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        box.trigger_outputs((channel(suffixes),))

    return run


def add_generate(commands: CommandTable[Command], box: RedPitaya) -> None:
    """Enter the commands. `OUTPUT:STATE` and `SOUR:TRig:INT` without a number mean both outputs."""
    add = commands.add
    add("GEN:RST", plain(lambda session: reset_generator(box)))
    for header in ("SOUR#:LOAD", "SOUR#:LOAD?"):  # of the 250-12 alone
        add(header, lacking("set generate load"))
    add("PHAS:ALIGN", plain(lambda session: None))
    add("OUTPUT:STATE", _both_states(box))
    add("OUTPUT#:STATE", _state(box))
    add("OUTPUT#:STATE?", _asked(box, lambda output: "ON" if output.enabled else "OFF"))
    for header in ("SOUR:TRig:INT", "SOUR:TRig:INT:ONLY"):
        add(header, plain(lambda session: box.trigger_outputs((0, 1))))
    for header in ("SOUR#:TRig:INT", "SOUR#:TRig:INT:ONLY"):
        add(header, _trigger_one(box))
    for header in ("SOUR#:FREQ:FIX", "SOUR#:FREQ:FIX:Direct"):
        add(header, _ranged(box, "frequency", "frequency", 1.0, 62.5e6, "HZ"))
    add("SOUR#:FREQ:FIX?", _asked(box, lambda output: f"{output.frequency:.9g}"))
    add("SOUR#:FUNC", _chosen(box, "function", _FUNCTIONS))
    add("SOUR#:FUNC?", _asked(box, lambda output: output.function))
    add("SOUR#:VOLT", _level(box, "amplitude"))
    add("SOUR#:VOLT?", _asked(box, lambda output: f"{output.amplitude:g}"))
    add("SOUR#:VOLT:OFFS", _level(box, "offset"))
    add("SOUR#:VOLT:OFFS?", _asked(box, lambda output: f"{output.offset:g}"))
    add("SOUR#:PHAS", _ranged(box, "phase", "phase", -360.0, 360.0))
    add("SOUR#:PHAS?", _asked(box, lambda output: f"{output.phase:g}"))
    add("SOUR#:DCYC", _ranged(box, "duty cycle", "duty", 0.0, 1.0))
    add("SOUR#:DCYC?", _asked(box, lambda output: f"{output.duty:g}"))
    add("SOUR#:TRAC:DATA:DATA", _waveform(box))
    add("SOUR#:TRAC:DATA:DATA?", _waveform_query(box))
    add("SOUR#:BURS:STAT", _chosen(box, "mode", _MODES))
    add("SOUR#:BURS:STAT?", _asked(box, lambda output: output.mode))
    add("SOUR#:BURS:NCYC", _counted(box, "burst count", "cycles", 1, 65536))
    add("SOUR#:BURS:NCYC?", _asked(box, lambda output: str(output.cycles)))
    add("SOUR#:BURS:NOR", _counted(box, "burst repetitions", "repetitions", 1, 65536))
    add("SOUR#:BURS:NOR?", _asked(box, lambda output: str(output.repetitions)))
    add("SOUR#:BURS:INT:PER", _counted(box, "burst period", "period_us", 1, 500_000_000))
    add("SOUR#:BURS:INT:PER?", _asked(box, lambda output: str(output.period_us)))
    add(
        "SOUR#:BURS:LASTValue",
        _ranged(box, "burst last value", "last_value", -1.0, 1.0, "V"),
    )
    add("SOUR#:BURS:LASTValue?", _asked(box, lambda output: f"{output.last_value:g}"))
    for header in ("SOUR#:BURS:INITValue", "SOUR#:INITValue"):
        add(header, _ranged(box, "init value", "initial_value", -1.0, 1.0, "V"))
        add(f"{header}?", _asked(box, lambda output: f"{output.initial_value:g}"))
    add("SOUR#:TRig:SOUR", _chosen(box, "source", _SOURCES))
    add("SOUR#:TRig:SOUR?", _asked(box, lambda output: output.source))
    add("SOUR:TRig:EXT:DEBouncer[:US]", _dead_time(box))
    add(
        "SOUR:TRig:EXT:DEBouncer[:US]?",
        plain(lambda session: f"{box.generator_debouncer.dead_time * 1e6:.15g}"),
    )
