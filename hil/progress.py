"""Progress of a training run on a terminal, or in lines where there is none."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hil.learn.network import Network
from hil.learn.reports import EpochReport, StepReport
from hil.twin.protocol import SlotTwin

#: Without a terminal a line is printed for about so many epochs of a run.
LINES = 10


def describe(report: EpochReport) -> str:
    """An epoch in one line."""
    residual = "fixed" if report.residual is None else f"{report.residual:.4f}"
    return (
        f"loss {report.loss:.3f}  {report.measured_on} accuracy {report.held_out_accuracy:.3f}  "
        f"twin residual {residual}  bench {report.bench_time:.1f} s"
    )


class ConsoleProgress:
    """A bar on a terminal; a line now and then elsewhere. Use with `with`."""

    def __init__(self, label: str, epochs: int) -> None:
        self._label = label
        self._console = Console(stderr=False)
        self._bar: Progress | None = None
        self._last = ""
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[state]}"),
                console=self._console,
            )
            self._task = self._bar.add_task(label, total=epochs, state="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, report: StepReport) -> None:
        """Move the bar by a batch."""
        if self._bar is not None:
            done = report.epoch - 1 + (report.index + 1) / report.batches
            state = self._last or f"loss {report.loss:.3f}"
            self._bar.update(self._task, completed=round(done, 2), state=state)

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """Show an epoch's figures."""
        self._last = describe(report)
        for event in report.events:
            if event["kind"] in ("alarm", "action"):
                self._console.print(f"batch {event['batch']}: {event['kind']}: {event['text']}")
        if self._bar is not None:
            self._bar.update(self._task, completed=report.epoch, state=self._last)
            return
        every = max(1, report.epochs // LINES)
        if report.epoch % every == 0 or report.epoch in (1, report.epochs):
            print(
                f"{self._label}  epoch {report.epoch:3d}/{report.epochs}  {self._last}",
                file=sys.stdout,
                flush=True,
            )
