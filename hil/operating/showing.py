"""Tables, and plots made of text, of what a bench told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hil.bench.file import BenchFile
from hil.control.machine import Reading
from hil.operating.dither import Answer
from hil.operating.hand import Electrical, Hand
from hil.operating.request import ElementName

Floats = NDArray[np.float64]
#: Characters of a bar, either way.
HALF = 24


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, columns aligned to the right."""
    whole = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    for row in whole:
        cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()


def bar(value: float, most: float) -> str:
    """A bar to the left or right of a middle line, full at +-`most`."""
    length = round(HALF * min(abs(value) / most, 1.0)) if most > 0.0 else 0
    left, right = (length, 0) if value < 0.0 else (0, length)
    return f"{'#' * left:>{HALF}}|{'#' * right:<{HALF}}"


def shown_frame(reading: Reading) -> Iterator[str]:
    """What a frame sent and measured: a table, and a bar for every port."""
    samples, ports = reading.measured.shape
    star = np.where(reading.clipped, "*", "")
    if samples == 1:
        most = float(np.abs(reading.measured).max())
        yield from table(
            ("port", "sent (V_pi)", "measured", f"{-most:<{HALF}.3g}|{most:>+{HALF}.3g}"),
            [
                (
                    str(port),
                    f"{reading.sent[0, port]:+.4f}",
                    f"{reading.measured[0, port]:+.4f}{star[0, port]}",
                    bar(float(reading.measured[0, port]), most),
                )
                for port in range(ports)
            ],
        )
    else:
        yield "  measured, signal units: a row a sample, a column a port"
        yield from table(
            ("sample", *(f"port {port}" for port in range(ports))),
            [
                (
                    str(sample),
                    *(
                        f"{reading.measured[sample, port]:+.4f}{star[sample, port]}"
                        for port in range(ports)
                    ),
                )
                for sample in range(samples)
            ],
        )
        yield "  rms over the samples, and the sample that a port answers to most"
        rms = np.sqrt((reading.measured**2).mean(axis=0))
        strongest = np.abs(reading.measured).argmax(axis=0)
        for port in range(ports):
            filled = "#" * round(2 * HALF * rms[port] / rms.max()) if rms.max() > 0.0 else ""
            told = f"  port {port:2d}  {rms[port]:.4f}  sample {strongest[port]:2d}  {filled}"
            yield told.rstrip()
    if reading.clipped.any():
        yield "  * clipped: a point stood at the converter's end"


def shown_dither(answer: Answer) -> Iterator[str]:
    """The response of every port, and the input that shows it most."""
    total, error = (1e-3 * numbers for numbers in answer.of_ports())
    most = float(total.max())
    yield "  response of each port, signal units per mW, each input in turn at 1 V_pi"
    rows = []
    for port, size in enumerate(total.tolist()):
        strongest = int(np.abs(answer.response[port]).argmax())
        value = 1e-3 * float(answer.response[port, strongest])
        filled = "#" * round(HALF * size / most) if most > 0.0 else ""
        uncertain = f"{error[port]:.5f}" if np.isfinite(error[port]) else "?"
        rows.append((str(port), f"{size:.5f}", uncertain, f"{value:+.5f}", str(strongest), filled))
    head = ("port", "response", "+-", "most", "from input", "")
    yield from table(head, [(*row[:-1], f"{row[-1]:<{HALF}}") for row in rows])
    if answer.clipped:
        yield "  samples clipped: the response is too small where they did"


def shown_read(
    hand: Hand, read: Electrical, banks: Sequence[int], one: ElementName | None
) -> Iterator[str]:
    """Read-back of banks, a row an element; of one element only where it is given."""
    rows = []
    for bank in banks:
        wires = hand.file.bank_wiring(bank)
        for element, wire in enumerate(wires):
            if one is not None and (bank, element) != (one.bank, one.element):
                continue
            rows.append(
                (
                    f"{bank}:{element}",
                    f"{wire.column},{wire.row},{wire.kind}",
                    f"{wire.chassis} {wire.module}:{wire.channel}",
                    f"{1e3 * hand.levels[bank, element]:.3f}",
                    f"{1e3 * read.levels[bank, element]:.3f}",
                    f"{read.volts[bank, element]:.4f}",
                    f"{1e3 * read.amps[bank, element]:.4f}",
                )
            )
    head = ("element", "place", "channel", "asked (mW)", "read (mW)", "V", "mA")
    yield from table(head, rows)


def summed_read(hand: Hand, read: Electrical) -> Iterator[str]:
    """Read-back of all banks, a row a bank."""
    rows = [
        (
            str(bank),
            f"{hand.levels[bank].sum():.4f}",
            f"{read.levels[bank].sum():.4f}",
            f"{(read.volts[bank] * read.amps[bank]).sum():.4f}",
            f"{read.volts[bank].min():.3f} to {read.volts[bank].max():.3f}",
            f"{1e3 * read.amps[bank].min():.3f} to {1e3 * read.amps[bank].max():.3f}",
        )
        for bank in range(hand.file.n_banks)
    ]
    head = ("bank", "asked (W)", "read (W)", "V times A (W)", "V", "mA")
    yield from table(head, rows)


def shown_status(hand: Hand, file: BenchFile) -> Iterator[str]:
    """State, time, power and what is not at the idle levels."""
    core, idle = hand.core, hand.core.idle_levels()
    yield f"  state {core.state}, bench time {core.now():.3f} s"
    yield f"  lines: {hand.lines}"
    for bank in range(file.n_banks):
        levels = hand.levels[bank]
        moved = np.flatnonzero(levels != idle[bank]) if levels.any() else []
        told = ", ".join(f"{bank}:{e} {1e3 * levels[e]:.4g} mW" for e in moved[:8])
        if len(moved) > 8:
            told += f" and {len(moved) - 8} more"
        where = (told or "all at the idle levels") if levels.any() else "all at 0"
        yield f"  bank {bank}: {levels.sum():.4g} of at most {file.chip.power_max:g} W; {where}"
