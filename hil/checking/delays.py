"""Do delay generators stand as the file says, and do the frames' triggers reach them?"""

from __future__ import annotations

from hil.bench.assembly import Assembled
from hil.bench.delaying import told
from hil.checking.report import Report


async def check_delays(report: Report, parts: Assembled) -> None:
    """One item a generator that has been set up: whether it tells what the file says."""
    for one in parts.delays:
        name = f"delay generator {one.table.generator}"
        with report.looking_at(name):
            if faults := await one.faults():
                report.failed(name, "; ".join(faults), "see what else commands it")
            else:
                outputs = "; ".join(told(output) for output in one.table.outputs)
                report.passed(name, f"waits for {one.waits_for}; {outputs}")


async def check_triggers(report: Report, parts: Assembled) -> None:
    """One item a generator after some frames: whether it took their triggers, and all of them."""
    for one in parts.delays:
        name = f"triggers of {one.table.generator}"
        with report.looking_at(name):
            events = await one.generator.read_events()
            if not events.triggered:
                report.failed(
                    name,
                    "no trigger has reached it",
                    "see that the trigger line leads to its trigger input, and to `threshold` in "
                    "the bench file",
                )
            elif events.too_soon:
                report.failed(
                    name,
                    "it was triggered while it was busy, and left out a trigger",
                    "see to noise on its trigger input, and to `threshold` in the bench file",
                )
            else:
                report.passed(name, "taken, none of them too soon")
