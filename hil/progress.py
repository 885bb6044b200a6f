"""Progress of a training run on a terminal, or in lines where there is none."""

from __future__ import annotations

import sys

from hil.learn.network import Network
from hil.learn.reports import EpochReport, StepReport
from hil.terminal_bar import TerminalBar
from hil.twin.protocol import SlotTwin

#: Without a terminal a line is printed for about so many epochs of a run.
LINES = 10


def describe(report: EpochReport) -> str:
    """An epoch in one line."""
    residual = "fixed" if report.residual is None else f"{report.residual:.4f}"
    return (
        f"loss {report.loss:.3f}  {report.measured_on} accuracy {report.held_out_accuracy:.3f}  "
        f"twin residual {residual}  bench {report.bench_seconds:.1f} s"
    )


class ConsoleProgress(TerminalBar):
    """A bar on a terminal; a line now and then elsewhere. Use with `with`."""

    def __init__(self, label: str, epochs: int) -> None:
        self._label = label
        super().__init__(label, epochs)
        self._last = ""

    def step(self, report: StepReport) -> None:
        """Move the bar by a batch."""
        done = report.epoch - 1 + (report.index + 1) / report.batches
        self.move(round(done, 2), self._last or f"loss {report.loss:.3f}")

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """Show an epoch's figures."""
        self._last = describe(report)
        for event in report.events:
            if event["kind"] in ("alarm", "action"):
                self.console.print(f"batch {event['batch']}: {event['kind']}: {event['text']}")
        if self.move(report.epoch, self._last):
            return
        every = max(1, report.epochs // LINES)
        if report.epoch % every == 0 or report.epoch in (1, report.epochs):
            print(
                f"{self._label}  epoch {report.epoch:3d}/{report.epochs}  {self._last}",
                file=sys.stdout,
                flush=True,
            )
