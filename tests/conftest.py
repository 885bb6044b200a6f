"""What holds for the whole suite: other people's clients really try the simulated instruments."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The same examples every time: a change must not fail for what it did not touch. Others are drawn
# with `--hypothesis-profile drawn`, now and then, and what they find becomes a test of its own.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("drawn", derandomize=False, print_blob=True)
settings.load_profile("fixed")

PEERS = "tests/peers/"
#: Files of peers' tests from which on a run counts as one of all of them.
ALL = 5


class PeersTried:
    """Fails a run in which every peer's test was skipped: then nothing was proved."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.ran = self.skipped = self.left_out = 0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests, skipped as a whole where its client is not installed."""
        if report.nodeid.startswith(PEERS) and report.nodeid.endswith(".py"):
            self.files.add(report.nodeid)
            self.skipped += report.skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test, skipped or not."""
        if report.nodeid.startswith(PEERS):
            self.skipped += report.skipped
            self.ran += report.when == "call" and not report.skipped

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Tests that were not asked for (-k, -m)."""
        self.left_out += sum(item.nodeid.startswith(PEERS) for item in items)

    @property
    def complaint(self) -> str:
        """What is wrong, if anything is."""
        if len(self.files) < ALL or self.ran or self.left_out or not self.skipped:
            return ""
        return "all tests of other people's clients were skipped; install them: pip install .[test]"

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Turn a success into a failure."""
        if (
            self.complaint
            and exitstatus == pytest.ExitCode.OK
            and not session.config.option.collectonly
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why."""
        if self.complaint and not terminalreporter.config.option.collectonly:
            terminalreporter.write_line(f"FAILED: {self.complaint}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the peers."""
    config.pluginmanager.register(PeersTried(), "peers-tried")
