"""Which settings of instruments changed from the start to the end of a run, and which readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hil.bench.tables import Table
from hil.browsing.flat import written

Row = tuple[str, str, str, str]
_NONE = object()
#: Values of a setting that is told channel by channel which are written out.
FEW = 4


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    """A row a setting that changed, or one that says none did.

    before, after : instruments by name, as snapshots tell them (docs/run-folder.md).
    """
    head = ("instrument", "setting", "at the start", "at the end")
    rows = [row for name in dict.fromkeys([*before, *after])
            for row in _of_one(name, before.get(name, {}), after.get(name, {}))]  # fmt: skip
    title = "Settings that changed from the start to the end"
    return Table(title, head, tuple(rows) or (("none", "", "", ""),))


def readings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    """A row a reading, of those in both snapshots, that was another at the end; maybe none."""
    head = ("instrument", "reading", "at the start", "at the end")
    rows = [
        row
        for name in before
        if name in after
        for row in _differing(
            name, before[name].get("readings", {}), after[name].get("readings", {})
        )
    ]
    return Table("Readings of instruments that were others at the end", head, tuple(rows))


def _of_one(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
    for when, found in (("start", before), ("end", after)):
        if "settings" not in found:
            why = str(found.get("failed", "not in the snapshot"))
            first, last = (why, "") if when == "start" else ("", why)
            yield name, f"not read at the {when}", first, last
            return
    yield from _differing(name, before["settings"], after["settings"])


def _differing(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Row]:
    for key in dict.fromkeys([*was, *now]):
        one, other = was.get(key, _NONE), now.get(key, _NONE)
        if one == other:
            continue
        first, last = _by_channel(one), _by_channel(other)
        if len(first) > 1 and list(first) == list(last):
            moved = [n for n in first if first[n] != last[n]]
            said = f"{key}, {len(moved)} of {len(first)} channels"
            yield name, said, _some(first, moved), _some(last, moved)
        else:
            yield name, key, _written(one), _written(other)


def _by_channel(value: Any) -> Mapping[Any, Any]:
    """The values of a setting's channels by their names or numbers; none where it has none."""
    if isinstance(value, list):
        return dict(enumerate(value))
    return value if isinstance(value, dict) else {}


def _some(values: Mapping[Any, Any], which: Sequence[Any]) -> str:
    """The values of some channels: one where all are alike, a range where there are many."""
    some = [values[number] for number in which]
    if all(one == some[0] for one in some):
        return _written(some[0])
    if len(some) > FEW and all(isinstance(one, int | float) for one in some):
        return f"{min(some):.5g} to {max(some):.5g}"
    text = ", ".join(f"{n}: {_written(values[n])}" for n in which[:FEW])
    return f"{text}, and more" if len(some) > FEW else text


def _written(value: Any) -> str:
    return "not told" if value is _NONE else written(value)
