"""One self-contained page of a calibration: verdicts, costs, and the plots that are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from calibration.phases import place_name
from calibration.record import MESH, CalibrationRecord
from hil.calibrating.folder import CalibrationFolder
from hil.calibrating.ring_plots import ring_plots
from hil.calibrating.showing import record_lines, step_lines
from hil.plots.svg import Series, bars, chart, heat_map

#: Fringes shown: heaters spread over the chip.
FRINGES = 6
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 24px; color: #222; background: #fff }
h1 { font-size: 22px } h2 { font-size: 17px; margin-top: 28px }
table { border-collapse: collapse } td, th { padding: 3px 10px; border-bottom: 1px solid #ddd;
text-align: left; vertical-align: top } .num { text-align: right }
.passed { color: #006b4f; font-weight: bold } .failed { color: #b33c00; font-weight: bold }
.skipped { color: #666 } svg { margin: 6px 14px 6px 0 } pre { background: #f6f6f6; padding: 10px;
overflow-x: auto; font-size: 12px }
"""


def report_page(record: CalibrationRecord, folder: CalibrationFolder) -> str:
    """The page as HTML text."""
    good = all(row["state"] != "failed" for row in record.steps)
    verdict = "every gate passed" if good else "NOT every gate passed"
    body = [
        f"<h1>Calibration of {escape(record.bench_name)}</h1>",
        f'<p class="{"passed" if good else "failed"}">{verdict}</p>',
        f"<p>{escape(record.core)}, {record.ports} ports, {len(record.banks)} banks; "
        f"{escape(record.created)}; {escape(record.method)}</p>",
        "<h2>Steps</h2>",
        _steps(record),
    ]
    plots = list(_plots(record, folder))
    body += ["<h2>Plots</h2>", *plots] if plots else []
    lines = "\n".join(record_lines(record, str(folder.record)))
    body += ["<h2>Record</h2>", f"<pre>{escape(lines)}</pre>"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Calibration of '
        f"{escape(record.bench_name)}</title><style>{_STYLE}</style></head><body>"
        f"{''.join(body)}</body></html>\n"
    )


def _steps(record: CalibrationRecord) -> str:
    rows = []
    for row in record.steps:
        state = str(row["state"])
        told = "<br>".join(escape(line.strip()) for line in list(step_lines(row))[1:])
        if state == "skipped":
            told = escape("; ".join(row["notes"]))
        cost = [str(row.get(key, "")) for key in ("frames", "samples", "writes")]
        seconds = f"{row['bench_seconds']:.3g}" if "bench_seconds" in row else ""
        cells = "".join(f'<td class="num">{cell}</td>' for cell in (*cost, seconds))
        rows.append(
            f'<tr><td>{escape(row["name"])}</td><td class="{state}">{state}</td>{cells}'
            f"<td>{told}</td></tr>"
        )
    return (
        "<table><tr><th>step</th><th>verdict</th><th>frames</th><th>samples</th>"
        "<th>heater writes</th><th>bench s</th><th>gates, faults, notes</th></tr>"
        f"{''.join(rows)}</table>"
    )


def _plots(record: CalibrationRecord, folder: CalibrationFolder) -> Iterator[str]:
    if record.core == MESH:
        yield from _fringes(record, folder)
        yield from _crosstalk(folder)
    else:
        yield from ring_plots(record, folder)
    yield from _fidelity(record, folder)
    yield from _skew(record)
    yield from _residuals(folder)


def _fringes(record: CalibrationRecord, folder: CalibrationFolder) -> Iterator[str]:
    """Some heaters' sweeps, at the output that turns most, with the fitted law."""
    raw = folder.raw("phases")
    bank, p_pi = record.banks[0], float(record.raw.get("bench", {}).get("p_pi", 0.02))
    elements = sorted(
        int(name.removeprefix("element-")) for name in raw if name.startswith("element-")
    )
    for element in elements[:: max(1, len(elements) // FRINGES)][:FRINGES]:
        sweep = raw[f"element-{element}"]
        levels = sweep["levels"][:, 0]
        seen = np.real(sweep["seen"][:, 0].reshape(len(levels), -1)).astype(np.float64)
        shown = seen[:, int(seen.std(axis=0).argmax())]

        def turned(at: np.ndarray, element: int = element) -> np.ndarray:
            slope, bend = bank.array("slope")[element], bank.array("curvature")[element]
            return slope * at * (1.0 + bend * at)

        def basis(at: np.ndarray) -> np.ndarray:
            phase = turned(at)
            return np.stack([np.ones_like(at), np.cos(phase), np.sin(phase)], axis=1)

        fitted = np.asarray(np.linalg.lstsq(basis(levels), shown, rcond=None)[0], dtype=np.float64)
        fine = np.linspace(levels.min(), levels.max(), 120)
        yield chart(
            f"element {element}: {place_name(record.ports, element).replace('the cell on ', '')}",
            f"level, mW (p_pi {1e3 * p_pi:g} mW)",
            "signal, 1",
            [
                Series(1e3 * fine, basis(fine) @ fitted, line=True, label="fit", colour=0),
                Series(1e3 * levels, shown, label="measured", colour=1),
            ],
        )


def _crosstalk(folder: CalibrationFolder) -> Iterator[str]:
    found = folder.raw("crosstalk").get("found", {})
    for bank, matrix in enumerate(found.get("matrix", ())):
        yield heat_map(
            f"crosstalk of bank {bank}", "aggressor, element", "victim, element", matrix, "rad/rad"
        )


def _fidelity(record: CalibrationRecord, folder: CalibrationFolder) -> Iterator[str]:
    found = folder.raw("verify").get("found", {})
    for key, name in (
        ("matrix_fidelity", "matrix fidelity"),
        ("amplitude_fidelity", "amplitude fidelity"),
    ):
        if key in found:
            mean = found[key].mean(axis=0)
            floor = max(0.0, float(np.floor(20.0 * (mean.min() - 0.01)) / 20.0))
            names = [f"bank {k}" for k in range(len(mean))]
            yield bars(f"{name}, fresh settings", f"{name}, 1", names, mean, floor)


def _skew(record: CalibrationRecord) -> Iterator[str]:
    delay = record.beyond.bank_delay
    if delay is not None:
        names = [f"bank {k}" for k in range(len(delay))]
        late = 1e9 * delay
        yield bars("bank switch after the samples", "delay, ns", names, late, float(late.min()) - 5)


def _residuals(folder: CalibrationFolder) -> Iterator[str]:
    """What the global fit left of the last setting's matrices."""
    found = folder.raw("global").get("found", {})
    if {"believed", "seen"} <= found.keys():
        left = np.sort(np.abs(found["seen"] - found["believed"]).ravel())
        share = np.arange(1, left.size + 1) / left.size
        yield chart(
            "residuals of the global fit, last setting",
            "left of an entry, signal units",
            "share of entries below, 1",
            [Series(left, share, line=True)],
        )
