"""Commands of arbitrary waveforms and sequences: DATA, FUNCtion:ARBitrary, FORMat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, block, block_end, number, string
from sim_backends.engine.writing import nr1_signed, quoted

from .channel import Channel
from .memory import FULL_SCALE, Arb, Floats, valid_name
from .notation import SOURCE, Suffixes, bounded, form, on_channel, told
from .sequence import parse

if TYPE_CHECKING:
    from .generator import Keysight33600A


def add_arb(generator: Keysight33600A) -> None:
    """Enter them."""
    commands, every = generator.commands, generator.every
    generator.settings.choice("byte_order", "FORMat:BORDer", ("NORMal", "SWAPped"), "NORMal")
    _add_playing(generator)
    sequences = generator.model.name != "33521A"
    for root in (f"{SOURCE}DATA", f"{SOURCE}TRACe"):
        for pattern, as_codes in (("ARBitrary[1]", False), ("ARBitrary[1]:DAC", True)):
            commands.add(
                f"{root}:{pattern}",
                on_channel(
                    generator, lambda c, text, codes=as_codes: _upload(generator, c, text, codes)
                ),
                every,
            )
        if sequences:
            commands.add(
                f"{root}:SEQuence",
                on_channel(generator, lambda c, text: _upload_sequence(generator, c, text)),
                every,
            )
        commands.add(
            f"{root}:VOLatile:CLEar",
            on_channel(generator, lambda c, text: _clear(generator, c, text)),
            every,
        )
        commands.add(f"{root}:VOLatile:CATalog?", on_channel(generator, _catalogue), every)
        commands.add(f"{root}:VOLatile:FREE?", on_channel(generator, _free), every)
        for name, value in (
            ("POINts", lambda c, name: nr1_signed(_points(c, name))),
            ("AVERage", lambda c, name: form(float(_values(c, name).mean()))),
            ("CFACtor", lambda c, name: form(_crest(_values(c, name)))),
            ("PTPeak", lambda c, name: form(float(np.ptp(_values(c, name))))),
        ):
            commands.add(
                f"{root}:ATTRibute:{name}?",
                on_channel(
                    generator, lambda c, text, value=value: value(c, _bare(text) or c.selected)
                ),
                every,
            )


def _add_playing(generator: Keysight33600A) -> None:
    settings, commands, every = generator.settings, generator.commands, generator.every
    root = f"{SOURCE}FUNCtion:ARBitrary"

    def rate_changed(at: Suffixes) -> None:
        channel = generator.channel(at)
        channel.adopt_rate()
        channel.restart()

    def filter_changed(at: Suffixes) -> None:
        channel = generator.channel(at)
        late = channel.value("sample_rate") > channel.top_rate()
        if late:
            settings["sample_rate", at[0]] = channel.top_rate()
        rate_changed(at)
        if late:
            raise ScpiError(-221, "Settings conflict; sample rate reduced due to filter")

    def set_frequency(channel: Channel, text: str) -> None:
        most = channel.top_rate() / channel.points()
        value = bounded(text, 1e-6, most, 1e3, lambda word: number(word, "HZ"))
        _set_rate(generator, channel, value * channel.points())

    def set_period(channel: Channel, text: str) -> None:
        least = channel.points() / channel.top_rate()
        value = bounded(text, least, 1e6, 1e-3, lambda word: number(word, "S"))
        _set_rate(generator, channel, channel.points() / value if value > 0.0 else math.inf)

    def frequency(channel: Channel) -> float:
        return channel.value("sample_rate") / channel.points()

    def set_peak_to_peak(channel: Channel, text: str) -> None:
        value = bounded(text, 1e-3, 20.0, 0.1, lambda word: number(word, "V"))
        channel.peak_to_peak = value
        if generator.model.bits == 16:  # on a 33600A it is taken and does not act
            generator.before_change()
            channel.output.level.set_amplitude(value)

    def peak_to_peak(channel: Channel) -> float:
        kept, acting = channel.peak_to_peak, generator.model.bits == 16
        return channel.output.level.amplitude if acting or kept is None else kept

    settings.number(
        "sample_rate", f"{root}:SRATe", 1e-6, lambda at: generator.channel(at).top_rate(), 40e3,
        form=form, ranges=every, changed=rate_changed,
    )  # fmt: skip
    settings.choice(
        "filter", f"{root}:FILTer", ("NORMal", "STEP", "OFF"), "NORMal", ranges=every,
        changed=filter_changed,
    )  # fmt: skip
    settings.choice(
        "advance", f"{root}:ADVance", ("TRIGger", "SRATe"), "SRATe", ranges=every,
        changed=rate_changed,
    )  # fmt: skip
    commands.add(root, on_channel(generator, _select), every)
    commands.add(f"{root}?", on_channel(generator, lambda c, text: quoted(c.selected)), every)
    commands.add(
        f"{root}:POINts?", on_channel(generator, lambda c, text: nr1_signed(c.points())), every
    )
    for name, keep, tell in (
        ("FREQuency", set_frequency, lambda c, t: told(t, frequency(c), 1e-6, c.top_rate(), 1e3)),
        ("PERiod", set_period, lambda c, t: told(t, 1.0 / frequency(c), 1e-9, 1e6, 1e-3)),
        ("PTPeak", set_peak_to_peak, lambda c, t: told(t, peak_to_peak(c), 1e-3, 20.0, 0.1)),
    ):
        commands.add(f"{root}:{name}", on_channel(generator, keep), every)
        commands.add(f"{root}:{name}?", on_channel(generator, tell), every)


def _set_rate(generator: Keysight33600A, channel: Channel, rate: float) -> None:
    top = channel.top_rate()
    generator.settings["sample_rate", channel.number] = min(max(rate, 1e-6), top)
    channel.adopt_rate()
    channel.restart()
    if not 1e-6 <= rate <= top * (1.0 + 1e-12):
        which = "upper" if rate > top else "lower"
        raise ScpiError(-222, f"Data out of range; value clipped to {which} limit")


def _bare(text: str) -> str:
    text = text.strip()
    return string(text) if text[:1] in ('"', "'") else text


def _select(channel: Channel, text: str) -> None:
    (word,) = arguments(text, 1, 1)
    name = _bare(word)
    entry = channel.memory.find(name)
    before, channel.selected = channel.selected, name if "\\" in name else entry.name
    try:
        channel.settle_burst()
    except ScpiError:
        channel.selected = before
        raise
    finally:
        channel.adopt_rate()
        channel.restart()


def _upload(generator: Keysight33600A, channel: Channel, text: str, codes: bool) -> None:
    """DATA:ARBitrary[:DAC] <name>,<values or block>."""
    name, comma, rest = text.partition(",")
    if not comma or not rest.strip():
        raise ScpiError(-109)
    rest = rest.lstrip()
    most, scale = (32768.0, FULL_SCALE) if codes else (1.0, 1.0)
    if rest.startswith("#"):
        values = _binary(rest, codes, big=generator.settings.word("byte_order") == "NORM")
    else:
        try:
            values = np.array(rest.split(","), dtype=np.float64)
        except ValueError:
            raise ScpiError(-104) from None
    with np.errstate(invalid="ignore"):
        if not bool((np.abs(values) <= most).all()):
            raise ScpiError(-222)
    channel.memory.add_values(valid_name(_bare(name)), np.maximum(values / scale, -1.0))
    _take_in(generator, len(rest))


def _binary(text: str, codes: bool, big: bool) -> Floats:
    end = block_end(text, 0)
    if end is not None and end > 0 and not text[end:].strip():
        text = text[:end]
    data = block(text)
    size = 2 if codes else 4
    if len(data) % size:
        raise ScpiError(800, "Block length must be even")
    kind = f"{'>' if big else '<'}{'i2' if codes else 'f4'}"
    return np.frombuffer(data, dtype=kind).astype(np.float64)


def _upload_sequence(generator: Keysight33600A, channel: Channel, text: str) -> None:
    """DATA:SEQuence <block>."""
    text = text.lstrip()
    end = block_end(text, 0)
    if end is not None and end > 0 and not text[end:].strip():
        text = text[:end]
    sequence = parse(block(text).decode("latin-1").strip())
    valid_name(sequence.name)
    channel.memory.add_sequence(sequence)
    _take_in(generator, len(text))


def _take_in(generator: Keysight33600A, size: int) -> None:
    """What *OPC? waits for after an upload."""
    if not math.isinf(generator.upload_rate):
        generator.operations.begin_for(size / generator.upload_rate)


def _clear(generator: Keysight33600A, channel: Channel, text: str) -> None:
    """DATA:VOLatile:CLEar: the default waveform is chosen where a volatile one was."""
    if text.strip():
        raise ScpiError(-108)
    channel.memory.clear()
    channel.selected = channel.memory.names[0]
    channel.adopt_rate()
    channel.restart()


def _catalogue(channel: Channel, text: str) -> str:
    return ",".join(map(quoted, channel.memory.names))


def _free(channel: Channel, text: str) -> str:
    return nr1_signed(channel.memory.free)


def _points(channel: Channel, name: str) -> int:
    entry = channel.memory.find(name)
    if isinstance(entry, Arb):
        return entry.values.size
    return sum(channel.memory.arb(step.arb).values.size for step in entry.steps)


def _values(channel: Channel, name: str) -> Floats:
    return channel.memory.arb(name).values


def _crest(values: Floats) -> float:
    rms = float(np.sqrt(np.mean(np.square(values))))
    return float(np.abs(values).max()) / rms if rms else 1.0
