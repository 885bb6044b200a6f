"""What a bench file says of delayed triggers, as tables to read; nothing where it says nothing."""

from __future__ import annotations

from hil.bench.delay_times import Timed, shortest_frame
from hil.bench.file import BenchFile
from hil.bench.tables import Table, si


def delay_tables(bench: BenchFile) -> list[Table]:
    """One table a delay generator: its outputs, and when their pulses begin."""
    frame = shortest_frame(bench.first_sample, bench.timing.dwell)
    return [_table(one, frame, bench.early_points) for one in bench.timed_delays]


def _table(one: Timed, frame: float, early: dict[str, int]) -> Table:
    table = one.table
    rows: list[tuple[str, ...]] = []
    for output in table.outputs:
        low, high = output.levels
        fed = [f"{name}{_left_out(early.get(name, 0))}" for name in output.feeds]
        rows.append(
            (
                output.output,
                ", ".join([*fed, *([output.what] if output.what else [])]),
                f"{si(one.arrives(output), 's')}",
                "the cycle" if output.width is None else si(output.width, "s"),
                f"{low:.3g} to {high:.3g} V, {output.polarity}",
                f"{output.v_min:g} to {output.v_max:g} V",
            )
        )
    title = (
        f"Delayed triggers: {table.generator}, by {table.edge} edges of the trigger line through "
        f"{table.threshold:g} V; ready again after {si(one.ready, 's')}, the shortest frame is "
        f"{si(frame, 's')}"
    )
    head = ("output", "feeds", "after the line's edge", "width", "levels", "what it feeds bears")
    return Table(title, head, tuple(rows))


def _left_out(points: int) -> str:
    return f" ({points} points before the first sample)" if points else ""
