"""One run as tables of text."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from hil.bench.tables import Table
from hil.browsing.facts import State
from hil.browsing.flat import flattened, written
from hil.browsing.listing import duration, moment, size
from hil.browsing.settings import changed, readings
from hil.browsing.story import Story, Told
from hil.telemetry.events import (
    Baselines,
    CommandAnswered,
    EpochEnded,
    Fault,
    Noted,
    StateChanged,
    Watched,
)

#: Events of one kind that are shown at most, the newest ones.
MOST = 20


def tables(story: Story) -> Iterator[Table]:
    """Everything there is to say about a run."""
    yield head(story)
    yield figures(story)
    yield Table("Configuration", (), tuple(_pairs(configured(story))))
    if story.twin:
        yield twin(story)
    yield from ledger(story)
    yield from happened(story)
    yield from instruments(story)
    yield Table("Provenance", (), tuple(provenance(story)))


def head(story: Story) -> Table:
    """What it was, and how it stands."""
    run = story.facts
    started = run.started
    rows = [
        ("id", run.id),
        ("folder", f"{run.path} ({size(run.size)})"),
        ("state", run.state.text + (f": {run.why}" if run.why else "")),
        ("began", f"{moment(run.began)} UTC, on {run.host or 'a machine that is not named'}"),
        ("last event", f"{moment(run.last)} UTC, after {duration(run.last - run.began)} of wall"),
        ("job", f"{started.task} by {started.method}, {started.n_banks} banks, "
                f"{started.n_steps} steps"),
        ("bench", f"{started.bench}, {started.backend}/{started.path}, {started.ports} ports"),
        ("epochs", f"{run.epochs} of {run.planned}"),
    ]  # fmt: skip
    return Table(f"Run {run.name}", (), tuple(rows))


def accuracy_text(story: Story) -> str:
    """The accuracy with what a finite test part leaves open, and where it was measured."""
    run = story.facts
    if math.isnan(run.accuracy):
        why = "not yet" if run.state is State.RUNNING else "never: the run did not come so far"
        return f"not measured ({why})"
    items = f" on {story.test_items} test items" if story.test_items else ""
    error = f" +- {story.sampling_error:.4f}" if not math.isnan(story.sampling_error) else ""
    return f"{run.accuracy:.4f}{error}{items}, measured on the {run.measured_on}"


def figures(story: Story) -> Table:
    """What it reached."""
    rows = [("accuracy", accuracy_text(story))]
    epoch = story.last_of(EpochEnded)
    if epoch is not None:
        rows += [
            ("held-out", f"{epoch.held_out_accuracy:.4f}, last epoch"),
            ("training", f"{epoch.train_accuracy:.4f}, loss {epoch.loss:.4f} nat, last epoch"),
            ("twin", _twin_line(epoch)),
            ("clamped levels", str(epoch.clamped)),
        ]
    baselines = story.last_of(Baselines)
    if baselines is not None:
        rows += [(name, f"{value:.4f}") for name, value in baselines.accuracy.items()]
    classes = story.configuration.get("classes")
    if classes:
        rows.append(("chance", f"{1.0 / classes:.4f}, of {classes} classes alike"))
    return Table("Figures", (), tuple(rows))


def _twin_line(epoch: EpochEnded) -> str:
    if epoch.residual is None:
        return "not refitted"
    back = f"; {epoch.fallbacks} times back to the last good one" if epoch.fallbacks else ""
    return f"residual {epoch.residual:.4f} signal units rms over one slot{back}"


def configured(story: Story) -> Mapping[str, Any]:
    """The configuration by dotted names, without versions and what `head` says."""
    told = {"schema", "version", "versions", "bench", "backend", "path", "task", "id"}
    return flattened({k: v for k, v in story.configuration.items() if k not in told})


def twin(story: Story) -> Table:
    """What the twin had come to, a parameter a row."""
    rows = []
    for name, value in story.twin.items():
        said = story.meaning.get(name, {})
        rows.append(
            (
                name,
                " x ".join(map(str, value.shape)) or "1",
                f"{np.mean(value):.4g}",
                f"{np.std(value):.3g}" if value.size > 1 else "",
                f"{value.min():.4g}",
                f"{value.max():.4g}",
                str(said.get("unit", "")),
                str(said.get("meaning", "")),
            )
        )
    names = ("name", "shape", "mean", "spread", "least", "most", "unit", "meaning")
    return Table("Effective parameters of the twin", names, tuple(rows))


def ledger(story: Story) -> Iterator[Table]:
    """What it cost."""
    found = story.ledger
    if not found:
        return
    total = float(found.get("bench_seconds", 0.0))
    rows = [("bench time", duration(total), "")]
    for name, seconds in found.get("seconds", {}).items():
        share = f"{100.0 * seconds / total:.1f} %" if total else ""
        rows.append((f"  {name}", duration(seconds), share))
    yield Table("Ledger", (), tuple(rows))
    for title, key in (("Device passes (samples through all slots)", "device_passes"),
                       ("Digital passes", "digital_passes"), ("Counts", "counts")):  # fmt: skip
        if found.get(key):
            yield Table(title, (), tuple((k, str(n)) for k, n in found[key].items()))


def happened(story: Story) -> Iterator[Table]:
    """Alarms, faults, commands, states and notes."""
    watched = story.all_of(Watched)
    if watched:
        rows = [
            (_when(one), f"batch {one.event.step}", one.event.what, one.event.text)
            for one in watched
        ]
        yield _newest("Drift watch and trust gate", ("when", "batch", "what", ""), rows)
    faults = [(_when(one), one.event.severity, one.event.source, one.event.text)
              for one in story.all_of(Fault)]  # fmt: skip
    if faults:
        yield _newest("Faults", ("when", "severity", "source", ""), faults)
    commands = [
        (_when(one), one.event.verb, one.event.issuer,
         f"{'accepted' if one.event.accepted else 'REFUSED'}: {one.event.text}")
        for one in story.all_of(CommandAnswered)
    ]  # fmt: skip
    if commands:
        yield _newest("Commands", ("when", "command", "by", ""), commands)
    states = [(_when(one), one.event.state, "light on" if one.event.light else "dark",
               one.event.why) for one in story.all_of(StateChanged)]  # fmt: skip
    if states:
        yield _newest("States of the bench", ("when", "state", "light", "why"), states)
    notes = [(f"{moment(one.wall_time)} UTC", one.event.author, one.event.text.replace("\n", " / "))
             for one in story.all_of(Noted)]  # fmt: skip
    if notes:
        yield Table("Notes", ("when", "by", ""), tuple(notes))


def _newest(title: str, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    if len(rows) > MOST:
        title += f" (the newest {MOST} of {len(rows)})"
    return Table(title, names, tuple(rows[-MOST:]))


def _when(told: Told) -> str:
    return f"bench {told.bench_time:.1f} s"


def instruments(story: Story) -> Iterator[Table]:
    """Which instruments answered at the start, what of their settings and readings changed."""
    if not story.instruments:
        return
    rows = []
    for name, one in story.instruments.items():
        identity = one.get("identity") or {}
        said = (str(identity.get(key) or "-") for key in ("maker", "model", "serial", "firmware"))
        rows.append((name, str(one.get("resource", "-")), *said))
    head = ("name", "resource", "maker", "model", "serial", "firmware")
    yield Table("Instruments, as they answered at the start", head, tuple(rows))
    if story.at_end:
        yield changed(story.instruments, story.at_end)
        read = readings(story.instruments, story.at_end)
        if read.rows:
            yield read


def provenance(story: Story) -> Iterator[tuple[str, str]]:
    """Where it comes from: code, packages, bench file, calibration record, seeds."""
    run = story.facts
    settings = story.configuration.get("settings", {})
    yield "code version", run.started.code_version
    for name, value in story.configuration.get("versions", {}).items():
        if name != "hil-photonics":
            yield name, str(value)
    yield (
        "seeds",
        (
            f"training {settings.get('seed', '-')}, split of the data "
            f"{story.configuration.get('split_seed', '-')}"
        ),
    )
    text = json.dumps(story.bench, sort_keys=True)
    yield "bench file", f"{run.started.bench}, SHA-256 {hashlib.sha256(text.encode()).hexdigest()}"
    plant = story.bench.get("plant", {})
    if run.started.backend == "sim" and plant:
        named = ", ".join(f"{k} {v}" for k, v in plant.items() if isinstance(v, str | int | float))
        yield "simulated bench", named
    yield from calibrated(story)


def calibrated(story: Story) -> Iterator[tuple[str, str]]:
    """The calibration record that the twin started from, its age and its steps."""
    record = story.calibration
    if not record:
        yield "calibration record", "none is left in the folder"
        return
    yield "calibration record", f"{record.get('kind', '?')}: {record.get('method', '?')}"
    yield "  made", str(record.get("created", "unknown")) + _age(record, story.facts.began)
    for step in record.get("steps", []):
        yield f"  {step.get('name', '?')}", str(step.get("state", "?"))


def _age(record: Mapping[str, Any], began: float) -> str:
    """How old a record was when the run began, where it says when it was made."""
    try:
        made = datetime.fromisoformat(str(record.get("created"))).timestamp()
    except ValueError:
        return ""
    return f" ({duration(max(began - made, 0.0))} before the run)"


def _pairs(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        yield name, written(value)
