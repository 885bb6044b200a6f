"""What brings a Red Pitaya to a state in which it plays and records triggered frames."""

from __future__ import annotations

from numbers import Integral

from drivers.arguments import real_number
from drivers.quantity import Quantity
from drivers.red_pitaya import settings


def check(instrument: str, dwell: float, decimation: int) -> None:
    """See that a dwell (s) and a decimation can be had.

    The generator steps a phase of 16384 points at a fixed frequency, so only dwells of whole clock
    ticks are played without jitter. Raises `LimitError` for a dwell that is too short or too long,
    `ValueError` for one off the 8 ns grid and for a decimation that is no power of 2.
    """
    longest = 1.0 / (settings.WAVEFORM_POINTS * settings.FREQUENCY.low)
    least = 1.0 / settings.SAMPLE_CLOCK * (1 - 1e-9)
    limit = f"{1.0 / settings.SAMPLE_CLOCK:g} to {longest:g} s"
    real_number(dwell, least, longest, instrument=instrument, what="dwell", unit="s", limit=limit)
    ticks = dwell * settings.SAMPLE_CLOCK
    if abs(ticks - round(ticks)) > 1e-6 * ticks:
        raise ValueError(
            f"{instrument}: a dwell of {dwell:g} s is no multiple of 8 ns; "
            f"{round(ticks) / settings.SAMPLE_CLOCK:g} s is"
        )
    counts = isinstance(decimation, Integral) and not isinstance(decimation, bool)
    if not counts or decimation not in settings.DECIMATIONS:
        raise ValueError(
            f"{instrument}: decimation {decimation!r} is no power of 2 from 1 to "
            f"{settings.DECIMATIONS[-1]}"
        )


def preparation(
    instrument: str,
    dwell: float,
    decimation: int,
    average: bool,
    *,
    raw: bool,
    debounce: float | None,
    gain: str,
) -> list[str]:
    """The commands, in order, that reset a box and make it play and record triggered frames.

    Both outputs stay off; the first load turns them on, after their data.
    """

    def both(quantity: Quantity, value: float | int | str) -> list[str]:
        return [quantity.setting(value, instrument=instrument, channel=n) for n in (1, 2)]

    def one(quantity: Quantity, value: float | int | bool | str) -> str:
        return quantity.setting(value, instrument=instrument)

    ticks = round(dwell * settings.SAMPLE_CLOCK)
    units = [
        "GEN:RST",
        "ACQ:RST",
        one(settings.FORMAT, "BIN"),
        one(settings.UNITS, "RAW" if raw else "VOLTS"),
        one(settings.DECIMATION, decimation),
        one(settings.AVERAGE, average),
        *both(settings.GAIN, gain),
    ]
    if debounce is not None:
        units += [one(settings.INPUT_DEBOUNCE, debounce), one(settings.OUTPUT_DEBOUNCE, debounce)]
    for quantity, value in (
        (settings.FUNCTION, "ARBITRARY"),
        (settings.FREQUENCY, settings.SAMPLE_CLOCK / (settings.WAVEFORM_POINTS * ticks)),
        (settings.AMPLITUDE, 1.0),
        (settings.OFFSET, 0.0),
        (settings.BURST, "BURST"),
        (settings.CYCLES, 1),
        (settings.REPETITIONS, 1),
        (settings.INITIAL, 0.0),
        (settings.LAST, 0.0),
        (settings.OUTPUT_TRIGGER, "EXT_PE"),
    ):
        units += both(quantity, value)
    return units
