"""Commands of modulation and sweeps.

One of them, or bursts, is on at a time: what is switched on switches the others off, with -221.
Defaults are those of a 33622A as a laboratory's script has read them; limits and the texts of
conflicts are the 33220A's, an older model of the family.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import number

from .modulation import HEADERS, SWEPT, unable
from .notation import SOURCE, Suffixes, bounded, form, on_channel, told

if TYPE_CHECKING:
    from .channel import Channel
    from .generator import Keysight33600A

SHAPE_WORDS = (
    "SINusoid", "SQUare", "RAMP", "NRAMp", "TRIangle", "NOISe", "PRBS", "ARBitrary",
)  # fmt: skip
SLOWEST = 1e-6


def add_modulation(generator: Keysight33600A) -> None:
    """Enter them."""
    settings, every = generator.settings, generator.every

    def restart(at: Suffixes) -> None:
        generator.channel(at).restart()

    def amount(name: str, pattern: str, low: float, high: float, start: float, unit: str) -> None:
        settings.number(
            name, f"{SOURCE}{pattern}", low, high, start, unit=unit, form=form, ranges=every,
            changed=restart,
        )  # fmt: skip

    top = generator.model.top_frequency
    amount("am_amount", "AM:DEPTh", 0, 120, 100, "")
    amount("fm_amount", "FM:DEViation", SLOWEST, top, 100, "HZ")
    amount("pm_amount", "PM:DEViation", 0, 360, 180, "DEG")
    amount("pwm_amount", "PWM:DEViation", 0, 1e6, 10e-6, "S")
    amount("sum_amount", "SUM:AMPLitude", 0, 100, 0.1, "")
    amount("fsk_amount", "FSKey:FREQuency", SLOWEST, top, 100, "HZ")
    amount("bpsk_amount", "BPSK:PHASe", 0, 360, 180, "DEG")
    settings.boolean("am_dssc", f"{SOURCE}AM:DSSC", False, ranges=every, changed=restart)
    for mode, rate in (("AM", 100.0), ("FM", 10.0), ("PM", 10.0), ("PWM", 10.0), ("SUM", 100.0)):
        low = mode.lower()
        amount(f"{low}_frequency", f"{mode}:INTernal:FREQuency", SLOWEST, top, rate, "HZ")
        settings.choice(
            f"{low}_shape", f"{SOURCE}{mode}:INTernal:FUNCtion[:SHAPe]", SHAPE_WORDS, "SINusoid",
            ranges=every, changed=restart,
        )  # fmt: skip
        others = tuple(f"CH{number}" for number in range(1, generator.model.channels + 1))
        settings.choice(
            f"{low}_source", f"{SOURCE}{mode}:SOURce", ("INTernal", "EXTernal", *others),
            "INTernal", ranges=every, changed=restart, check=_other(mode),
        )  # fmt: skip
    for mode in ("FSK", "BPSK"):
        low, word = mode.lower(), HEADERS[mode]
        amount(f"{low}_frequency", f"{word}:INTernal:RATE", 1.25e-4, 1e6, 10, "HZ")
        settings.choice(
            f"{low}_source", f"{SOURCE}{word}:SOURce", ("INTernal", "EXTernal"), "INTernal",
            ranges=every, changed=restart,
        )  # fmt: skip
    for mode, word in HEADERS.items():
        settings.boolean(
            f"{mode.lower()}", f"{SOURCE}{word}:STATe", False, ranges=every,
            check=_able(generator, mode), changed=_alone(generator, mode),
        )  # fmt: skip
    _sweep(generator, amount, restart)


def _other(mode: str) -> Callable[[Suffixes, str], None]:
    def check(at: Suffixes, word: str) -> None:
        if word == f"CH{at[0]}":
            raise ScpiError(-221, f"Settings conflict; {mode} of a channel by itself")

    return check


def _able(generator: Keysight33600A, mode: str) -> Callable[[Suffixes, bool], None]:
    def check(at: Suffixes, on: bool) -> None:
        channel = generator.channel(at)
        refusal = unable(mode, channel.function, channel.sequence is not None)
        if on and refusal is not None:
            raise refusal

    return check


def _alone(generator: Keysight33600A, mode: str) -> Callable[[Suffixes], None]:
    def changed(at: Suffixes) -> None:
        channel = generator.channel(at)
        late = switch_off_others(channel, mode) if channel.modes.on(mode) else None
        if mode == SWEPT:
            generator.settings["frequency_mode", at[0]] = "SWE" if channel.modes.on(mode) else "CW"
        channel.restart()
        if late is not None:
            raise late

    return changed


def switch_off_others(channel: Channel, mode: str) -> ScpiError | None:
    """Let one mode (a modulation, SWEEP or BURST) be on alone; what it has switched off."""
    late = None
    for other in (*HEADERS, SWEPT, "BURST"):
        if other != mode and channel.modes.on(other):
            channel.modes.switch_off(other)
            text = f"{other.lower() if other in (SWEPT, 'BURST') else other} turned off by"
            late = ScpiError(
                -221, f"Settings conflict; {text} selection of other mode or modulation"
            )
    return late


def sweep_by_mode(channel: Channel) -> None:
    """FREQuency:MODE switches the sweep as SWEep:STATe does."""
    settings, number = channel.generator.settings, channel.number
    on = channel.word("frequency_mode") == "SWE"
    refusal = unable(SWEPT, channel.function, channel.sequence is not None)
    if on and refusal is not None:
        settings["frequency_mode", number] = "CW"
        raise refusal
    settings["sweep", number] = on
    late = switch_off_others(channel, SWEPT) if on else None
    channel.restart()
    if late is not None:
        raise late


def _sweep(
    generator: Keysight33600A,
    amount: Callable[[str, str, float, float, float, str], None],
    restart: Callable[[Suffixes], None],
) -> None:
    settings, commands, every = generator.settings, generator.commands, generator.every
    top = generator.model.top_frequency
    amount("sweep_start", "FREQuency:STARt", SLOWEST, top, 100, "HZ")
    amount("sweep_stop", "FREQuency:STOP", SLOWEST, top, 1000, "HZ")
    amount("sweep_time", "SWEep:TIME", 1e-3, 250e3, 1, "S")
    amount("sweep_hold", "SWEep:HTIMe", 0, 3600, 0, "S")
    amount("sweep_return", "SWEep:RTIMe", 0, 3600, 0, "S")
    settings.choice(
        "sweep_spacing", f"{SOURCE}SWEep:SPACing", ("LINear", "LOGarithmic"), "LINear",
        ranges=every, changed=restart,
    )  # fmt: skip
    settings.boolean(
        "sweep", f"{SOURCE}SWEep:STATe", False, ranges=every, check=_able(generator, SWEPT),
        changed=_alone(generator, SWEPT),
    )  # fmt: skip

    def ends(channel: Channel) -> tuple[float, float]:
        return channel.value("sweep_start"), channel.value("sweep_stop")

    def keep(channel: Channel, start: float, stop: float) -> None:
        if not (SLOWEST <= start <= top and SLOWEST <= stop <= top):
            raise ScpiError(-222, "Data out of range")
        settings["sweep_start", channel.number] = start
        settings["sweep_stop", channel.number] = stop
        channel.restart()

    def hertz(word: str) -> float:
        return number(word, "HZ")

    def set_centre(channel: Channel, text: str) -> None:
        start, stop = ends(channel)
        centre = bounded(text, SLOWEST, top, 550.0, hertz)
        keep(channel, centre - 0.5 * (stop - start), centre + 0.5 * (stop - start))

    def set_span(channel: Channel, text: str) -> None:
        centre = 0.5 * sum(ends(channel))
        span = bounded(text, -top, top, 900.0, hertz)
        keep(channel, centre - 0.5 * span, centre + 0.5 * span)

    for word, change, tell, default in (
        ("CENTer", set_centre, lambda start, stop: 0.5 * (start + stop), 550.0),
        ("SPAN", set_span, lambda start, stop: stop - start, 900.0),
    ):
        header = f"{SOURCE}FREQuency:{word}"
        commands.add(header, on_channel(generator, change), every)

        def answer(
            channel: Channel, text: str, tell: Callable[[float, float], float] = tell,
            default: float = default,
        ) -> str:  # fmt: skip
            return told(text, tell(*ends(channel)), SLOWEST, top, default)

        commands.add(f"{header}?", on_channel(generator, answer), every)
