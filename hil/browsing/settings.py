"""Which settings of instruments changed between the start and the end of a run."""

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


def _of_one(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
    for when, found in (("start", before), ("end", after)):
        if "settings" not in found:
            why = str(found.get("failed", "not in the snapshot"))
            first, last = (why, "") if when == "start" else ("", why)
            yield name, f"not read at the {when}", first, last
            return
    was, now = before["settings"], after["settings"]
    for key in dict.fromkeys([*was, *now]):
        one, other = was.get(key, _NONE), now.get(key, _NONE)
        if one == other:
            continue
        if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) > 1:
            moved = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
            said = f"{key}, {len(moved)} of {len(one)} channels"
            yield name, said, _some(one, moved), _some(other, moved)
        else:
            yield name, key, _written(one), _written(other)


def _some(values: Sequence[Any], which: Sequence[int]) -> str:
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
