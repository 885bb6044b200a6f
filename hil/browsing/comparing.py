"""Runs side by side: what they differ by, and whether what they reached differs.

An accuracy is measured on a finite test part. Of two runs that answered the same items, only those
count that one answered right and the other wrong (McNemar, Psychometrika 12, 153 (1947)); else the
errors of both accuracies add up.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, norm

from hil.bench.tables import Table
from hil.browsing.flat import flattened, written
from hil.browsing.listing import duration
from hil.browsing.story import Story
from hil.telemetry.events import EpochEnded

#: What chance alone does more often than this decides nothing.
LEVEL = 0.05
#: Differences that are decided on one test part, but smaller than what other seeds would change.
SMALL = 0.02
#: Rows of differing configuration that are shown of one file.
MOST = 40
#: What says nothing of how a run was set up.
_BESIDE = {"schema", "id", "versions"}


@dataclass(frozen=True)
class Difference:
    """Accuracy of a second run less that of a first.

    error : its standard error, for want of more test items. chance : how often no difference would
    show as large a one. paired : whether both answered the same items, of which `won` and `lost`
    the second one alone answered right and wrong.
    """

    value: float
    error: float
    chance: float
    paired: bool
    won: int = 0
    lost: int = 0

    @property
    def text(self) -> str:
        """For a person, who is not to read a difference where there is none."""
        points = f"{100.0 * self.value:+.1f} points (+- {100.0 * self.error:.1f})"
        how = f", {self.won} items won and {self.lost} lost" if self.paired else ", not paired"
        if self.chance > LEVEL:
            verdict = "undecided"
        elif abs(self.value) < SMALL:
            verdict = "decided on these items, but smaller than what seeds change"
        else:
            verdict = "better" if self.value > 0 else "worse"
        return f"{points}{how}: {verdict} (by chance alone {self.chance:.2g})"


def difference(first: Story, second: Story) -> Difference | None:
    """How accuracies differ; None where one was not measured, or tasks differ."""
    a, b = first.facts, second.facts
    if a.started.task != b.started.task or math.isnan(a.accuracy) or math.isnan(b.accuracy):
        return None
    value = b.accuracy - a.accuracy
    if same_items(first, second):
        assert first.answers is not None
        assert second.answers is not None
        one, other = first.answers.right, second.answers.right
        won, lost = int((other & ~one).sum()), int((one & ~other).sum())
        error = math.sqrt(max(won + lost - (won - lost) ** 2 / len(one), 0.0)) / len(one)
        chance = binomtest(won, won + lost).pvalue if won + lost else 1.0
        return Difference(value, error, float(chance), True, won, lost)
    error = math.hypot(first.sampling_error, second.sampling_error)
    if not error > 0.0:
        return None
    return Difference(value, error, float(2.0 * norm.sf(abs(value) / error)), False)


def same_items(first: Story, second: Story) -> bool:
    """Whether two runs answered the same test items, as far as what is kept shows."""
    if first.answers is None or second.answers is None:
        return False
    seeds = {story.configuration.get("split_seed") for story in (first, second)}
    data = {story.configuration.get("data") for story in (first, second)}
    same = np.array_equal(first.answers.labels, second.answers.labels)
    return len(seeds) == 1 and len(data) == 1 and same


def tables(stories: Sequence[Story]) -> Iterator[Table]:
    """Everything by which runs differ; differences of accuracy are from the first one."""
    names = labels(stories)
    rows = differing([configured(story) for story in stories])
    yield Table(
        "Configuration: what differs", ("", *names), rows or (("nothing", *[""] * len(names)),)
    )
    for title, found in (
        ("Bench file", [flattened(story.bench) for story in stories]),
        ("Calibration record", [_calibrated(story) for story in stories]),
        ("Versions", [_versions(story) for story in stories]),
    ):
        if rows := differing(found):
            shown = rows[:MOST]
            more = f" ({len(rows)} rows, the first {MOST})" if len(rows) > MOST else ""
            yield Table(f"{title}: what differs{more}", ("", *names), shown)
    yield Table("Figures", ("", *names), tuple(figures(stories)))
    pairs = list(verdicts(stories))
    if pairs:
        yield Table("Accuracy, from the first run", (), tuple(pairs))


def labels(stories: Sequence[Story]) -> list[str]:
    """A short name of each run that no other has."""
    names = [story.facts.name for story in stories]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({story.facts.id[:8]})" for name, story in zip(names, stories, strict=True)]


def configured(story: Story) -> Mapping[str, Any]:
    """The configuration by dotted names."""
    return flattened({k: v for k, v in story.configuration.items() if k not in _BESIDE})


def differing(found: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    """Rows of (name, value in each) where values differ."""
    names = dict.fromkeys(name for one in found for name in one)
    return tuple(
        (name, *(_brief(written(one[name])) if name in one else "" for one in found))
        for name in names
        if any(one.get(name, _NONE) != found[0].get(name, _NONE) for one in found)
    )


_NONE = object()
_DIGEST = re.compile("[0-9a-f]{64}")


def _brief(text: str) -> str:
    """Of a digest the first digits: side by side they are there to differ."""
    return f"{text[:12]}…" if _DIGEST.fullmatch(text) else text


def verdicts(stories: Sequence[Story]) -> Iterator[tuple[str, str]]:
    """Each later run against the first."""
    names = labels(stories)
    for name, story in zip(names[1:], stories[1:], strict=True):
        found = difference(stories[0], story)
        if found is not None:
            yield name, found.text
    if any(difference(stories[0], story) for story in stories[1:]):
        yield "", "one run each says little: repeat with other seeds (--seed, --split-seed)"


def figures(stories: Sequence[Story]) -> Iterator[tuple[str, ...]]:
    """Figures of each run, a row each."""
    epochs = [story.last_of(EpochEnded) for story in stories]
    error = [story.sampling_error for story in stories]
    yield "state", *(str(story.facts.state) for story in stories)
    yield "accuracy", *(
        "-" if math.isnan(s.facts.accuracy)
        else f"{s.facts.accuracy:.4f}" + ("" if math.isnan(e) else f" +- {e:.4f}")
        for s, e in zip(stories, error, strict=True)
    )  # fmt: skip
    yield "test items", *(written(story.test_items) for story in stories)
    yield "measured on", *(story.facts.measured_on for story in stories)
    yield "epochs", *(f"{s.facts.epochs}/{s.facts.planned}" for s in stories)
    for name, key in (
        ("held-out, last epoch", "held_out_accuracy"),
        ("training, last epoch", "train_accuracy"),
        ("loss, nat", "loss"),
        ("twin residual, signal units", "residual"),
        ("clamped levels", "clamped"),
        ("alarms", "alarms"),
    ):
        yield name, *(_figure(None if one is None else getattr(one, key)) for one in epochs)
    yield "bench time", *(duration(story.facts.bench_seconds) for story in stories)
    for key, of in (("device_passes", "passes: "), ("counts", "")):
        tables_ = [story.ledger.get(key, {}) for story in stories]
        for name in dict.fromkeys(name for table in tables_ for name in table):
            yield f"{of}{name}", *(str(table.get(name, 0)) for table in tables_)


def _figure(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _calibrated(story: Story) -> Mapping[str, Any]:
    record = story.calibration
    told = {name: record.get(name) for name in ("kind", "method") if name in record}
    # An as-built record is written anew for each run: it is the same if it says the same.
    said = json.dumps({k: v for k, v in record.items() if k != "created"}, sort_keys=True)
    told["content, SHA-256"] = hashlib.sha256(said.encode()).hexdigest()[:12]
    steps = {f"step {one.get('name')}": one.get("state") for one in record.get("steps", [])}
    return told | steps


def _versions(story: Story) -> Mapping[str, Any]:
    return story.configuration.get("versions", {})
