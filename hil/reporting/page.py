"""One page of a run, or of several: nothing is loaded, nothing runs, and it prints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

import numpy as np

from hil.bench.tables import Table
from hil.browsing import comparing, showing
from hil.browsing.facts import State
from hil.browsing.flat import written
from hil.browsing.listing import moment
from hil.browsing.listing import table as catalogue_table
from hil.browsing.story import Story
from hil.plots.svg import COLOURS, Series, chart, stacked
from hil.reporting import figures
from hil.telemetry.events import EpochEnded

#: Runs that one chart tells apart.
MOST = len(COLOURS)
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 24px auto; padding: 0 16px; color: #222;
background: #fff; max-width: 1000px }
h1 { font-size: 22px; margin-bottom: 6px } h2 { font-size: 18px; margin: 30px 0 6px;
border-bottom: 2px solid #222 } h3 { font-size: 14px; margin: 18px 0 4px }
table { border-collapse: collapse; font-size: 13px } td, th { padding: 2px 12px 2px 0;
border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; overflow-wrap: break-word }
th { white-space: nowrap; color: #555 } td:first-child { white-space: nowrap }
.state { display: inline-block; padding: 2px 10px; border: 2px solid; font-weight: bold }
.good { color: #006b4f } .bad { color: #b33c00 } .open { color: #0050a0 }
svg { margin: 6px 10px 6px 0; max-width: 100%; height: auto; break-inside: avoid }
footer { color: #666; font-size: 12px; margin-top: 30px }
.wide { overflow-x: auto } .wide table:has(th:nth-child(9)) { font-size: 11px }
@media print { @page { margin: 14mm } body { margin: 0; padding: 0; max-width: none }
h1, h2, h3 { break-after: avoid } tr { break-inside: avoid } .wide { overflow: visible }
td:last-child { overflow-wrap: anywhere } .wide table { font-size: 10px }
* { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""
_LOOKS = {State.FINISHED: "good", State.RUNNING: "open", State.UNKNOWN: "open"}


def page(stories: Sequence[Story]) -> str:
    """The page as HTML text."""
    names = comparing.labels(stories)
    title = f"Run {names[0]}" if len(stories) == 1 else f"{len(stories)} runs"
    body = [f"<h1>{escape(title)}</h1>"]
    if len(stories) > 1:
        body += overview(stories)
    for name, story in zip(names, stories, strict=True):
        body += one_run(story, name if len(stories) > 1 else "")
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    body.append(f"<footer>Made {made} UTC by python -m hil.report. Times are UTC.</footer>")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
        f"</head><body>{''.join(body)}</body></html>\n"
    )


def overview(stories: Sequence[Story]) -> Iterator[str]:
    """Several runs in one table and one chart each of what can be laid over each other."""
    letters = [chr(ord("A") + number % 26) for number in range(len(stories))]
    rows = catalogue_table([story.facts for story in stories])
    yield html_table(
        Table("", ("", *rows.head), tuple((a, *r) for a, r in zip(letters, rows.rows, strict=True)))
    )
    shown = list(zip(letters, stories, strict=True))[:MOST]
    if len(stories) > MOST:
        yield f"<p>Charts show the first {MOST} of {len(stories)} runs.</p>"
    held, losses = [], []
    for number, (letter, story) in enumerate(shown):
        epochs = [one.event for one in story.all_of(EpochEnded)]
        x = np.arange(1.0, len(epochs) + 1.0)
        values = np.array([one.held_out_accuracy for one in epochs])
        held.append(Series(x, values, True, letter, number, dashed=bool(number % 2)))
        loss = np.array([one.loss for one in epochs])
        losses.append(Series(x, loss, True, letter, number, dashed=bool(number % 2)))
    if any(len(one.x) for one in held):
        lines = figures.baselines(stories[0]) if _one_task(stories) else []
        yield chart("accuracy on held-out items", "epoch", "share answered right, 1", held, lines)
        yield chart("loss", "epoch", "mean cross entropy, nat", losses)
    spent = [(letter, story.ledger.get("seconds", {})) for letter, story in shown]
    yield stacked("where bench time went, all together below", "bench time, s", spent, "s")
    for table in comparing.tables(stories):
        yield html_table(table)


def one_run(story: Story, name: str) -> Iterator[str]:
    """All sections of a run."""
    if name:
        yield f"<h1>{escape(name)}</h1>"
    run = story.facts
    look = _LOOKS.get(run.state, "bad")
    yield f'<p><span class="state {look}">{escape(str(run.state).upper())}</span> '
    yield f"{escape(_standing(story))}</p>"
    if run.started.backend == "sim":
        yield "<p>Measured on a SIMULATED bench: accuracies and bench times are its own.</p>"
    yield html_table(showing.head(story))
    yield "<h2>What it reached</h2>"
    yield html_table(showing.figures(story))
    yield from figures.curves(story)
    yield from figures.confusion(story)
    yield from section("Twin beside the bench", figures.twin(story), "No twin was looked at.")
    yield from section("Heaters", figures.heaters(story), "No levels were measured at.")
    drifting = list(figures.drift(story))
    yield from section("Drift", drifting, "No twin was refitted, and no health visit made.")
    yield from section("Where bench time went", figures.time_bar(story), "Nothing was told of it.")
    for table in list(showing.ledger(story))[1:]:
        yield html_table(table)
    yield "<h2>Faults, interlocks, watch and notes</h2>"
    happened = list(showing.happened(story))
    quiet = not any(table.title.startswith("Faults") for table in happened)
    yield "<p>No fault was told.</p>" if quiet else ""
    yield "".join(map(html_table, happened))
    yield "<h2>Provenance</h2>"
    yield html_table(Table("", (), tuple(showing.provenance(story))))
    yield from map(html_table, showing.instruments(story))
    if story.twin:
        yield html_table(showing.twin(story))
    pairs = tuple((key, written(value)) for key, value in showing.configured(story).items())
    yield html_table(Table("Configuration", (), pairs))


def section(title: str, shown: Iterator[str] | Sequence[str], nothing: str) -> Iterator[str]:
    """A heading with figures, or what it means that there are none."""
    drawn = list(shown)
    yield f"<h2>{escape(title)}</h2>"
    yield "".join(drawn) if drawn else f"<p>{escape(nothing)}</p>"


def html_table(table: Table) -> str:
    """A table; all text is escaped: a note may hold anything."""
    title = f"<h3>{escape(table.title)}</h3>" if table.title else ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    top = f"<tr>{head}</tr>" if table.head else ""
    return f'{title}<div class="wide"><table>{top}{rows}</table></div>'


def _standing(story: Story) -> str:
    run = story.facts
    said = showing.accuracy_text(story)
    text = f"accuracy {said}" if not math.isnan(run.accuracy) else f"accuracy {said}."
    if run.state is State.RUNNING:
        text += f" This page shows the run as it was at {moment(run.last)}; it goes on."
    elif run.state is not State.FINISHED:
        text += f" The run did not finish: {run.state.text}"
        text += f", {run.why}." if run.why else "."
    return text


def _one_task(stories: Sequence[Story]) -> bool:
    return len({story.facts.started.task for story in stories}) == 1
