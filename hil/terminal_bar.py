"""A bar on a terminal; where there is none, nothing: lines are printed then instead."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class TerminalBar:
    """What progress on a terminal has in common. Use with `with`.

    console : for lines beside the bar.
    """

    def __init__(self, label: str, total: int | None, *, transient: bool = False) -> None:
        """`total` parts, None where not known yet; `transient`: gone at the end."""
        self.console = Console()
        self._bar: Progress | None = None
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[state]}"),
                console=self.console,
                transient=transient,
            )
            self._task = self._bar.add_task(label, total=total, state="")

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

    def move(self, done: float, state: str, total: int | None = None) -> bool:
        """Show how much is done, and of how much; False where there is no bar."""
        if self._bar is None:
            return False
        self._bar.update(self._task, completed=done, total=total, state=state)
        return True
