"""A run proves nothing about other people's clients if it skips all of them: then it fails.

The tests are counted where they run: in this process, or in each of the worker processes among
which pytest-xdist shares them out. A worker hands its count to the process that controls it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

PEERS = "tests/peers/"
#: Files of peers' tests from which on a run counts as one of all of them.
ALL = 5
#: Options that ask for a part of the tests, or for none: such a run need not try the peers.
PARTS = ("keyword", "markexpr", "deselect", "lf", "collectonly")
#: Name of a worker's count among what it hands over when it ends.
HANDED = "peers"


@dataclass
class Count:
    """What became of the peers' tests of one process, or of all."""

    files: list[str] = field(default_factory=list)
    ran: int = 0
    skipped: int = 0

    def add(self, other: Count) -> None:
        """Take in what another process counted. Every worker collects, each runs its share."""
        self.files = sorted({*self.files, *other.files})
        self.ran += other.ran
        self.skipped += other.skipped

    @property
    def complaint(self) -> str:
        """What is wrong, if anything is."""
        if len(self.files) < ALL or self.ran or not self.skipped:
            return ""
        return "all tests of other people's clients were skipped; install them: pip install .[test]"


class Counting:
    """Counts in a process that runs tests."""

    def __init__(self, count: Count) -> None:
        self.count = count

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests, skipped as a whole where its client is not installed."""
        if report.nodeid.startswith(PEERS) and report.nodeid.endswith(".py"):
            self.count.files.append(report.nodeid)
            self.count.skipped += report.skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test, skipped or not."""
        if report.nodeid.startswith(PEERS):
            self.count.skipped += report.skipped
            self.count.ran += report.when == "call" and not report.skipped


class HandingOver(Counting):
    """Counts in a worker, which gives its count away."""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """The last chance of a worker to say anything."""
        worker: Any = session.config
        worker.workeroutput[HANDED] = asdict(self.count)


class Gathering:
    """Adds up what workers counted."""

    def __init__(self, count: Count) -> None:
        self.count = count

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended; one that crashed hands nothing over, and fails the run anyway."""
        handed = getattr(node, "workeroutput", {}).get(HANDED)
        if handed is not None:
            self.count.add(Count(**handed))


class Judging:
    """Fails the run in the process whose exit status is that of the run."""

    def __init__(self, count: Count) -> None:
        self.count = count

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Turn a success into a failure."""
        if self.count.complaint and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why."""
        if self.count.complaint:
            terminalreporter.write_line(f"FAILED: {self.count.complaint}", red=True)


def watch(config: pytest.Config) -> None:
    """Count in this process, or see to it that what is counted elsewhere arrives."""
    count = Count()
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(HandingOver(count), "peers-counted")
        return
    shared_out = getattr(config.option, "tx", None)
    config.pluginmanager.register(Gathering(count) if shared_out else Counting(count), "peers")
    if not any(getattr(config.option, one, None) for one in PARTS):
        config.pluginmanager.register(Judging(count), "peers-tried")
