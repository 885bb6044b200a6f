"""A list of findings, told as they come: one line an item, with its number, limit and mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from drivers.errors import InstrumentError, LimitError
from drivers.transport.link import LinkError
from hil.bench.states import BenchError

#: What an instrument may answer with, or a bench say of it; all else is a fault of this program.
TROUBLE = (InstrumentError, LinkError, LimitError, BenchError)


class Verdict(StrEnum):
    """How an item came out."""

    PASS = "PASS"
    FAIL = "FAIL"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Item:
    """One line of the list. `found` holds the number and its limit, `mend` what to do."""

    verdict: Verdict
    name: str
    found: str
    mend: str = ""

    @property
    def line(self) -> str:
        """The item as it is printed."""
        mend = f"; mend: {self.mend}" if self.mend else ""
        return f"{self.verdict:7s}  {self.name}: {self.found}{mend}"


class Report:
    """Collects items and tells each at once, so that an interrupted preflight has told its own."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.items: list[Item] = []

    def add(self, verdict: Verdict, name: str, found: str, mend: str = "") -> None:
        """Enter an item and tell it."""
        item = Item(verdict, name, found, mend)
        self.items.append(item)
        self.tell(item.line)

    def passed(self, name: str, found: str) -> None:
        """Enter what is as it should be."""
        self.add(Verdict.PASS, name, found)

    def failed(self, name: str, found: str, mend: str) -> None:
        """Enter what is not, and what to do about it."""
        self.add(Verdict.FAIL, name, found, mend)

    def skipped(self, name: str, why: str) -> None:
        """Enter what was not looked at."""
        self.add(Verdict.SKIPPED, name, why)

    @contextmanager
    def looking_at(self, name: str) -> Iterator[None]:
        """Take trouble with an instrument inside for a failure of this item, and go on."""
        try:
            yield
        except TROUBLE as error:
            self.failed(name, str(error), "see that the instrument is on and connected; try again")

    @property
    def sound(self) -> bool:
        """Whether nothing failed."""
        return not any(item.verdict is Verdict.FAIL for item in self.items)

    @property
    def summary(self) -> str:
        """How many items came out how."""
        count = Counter(item.verdict for item in self.items)
        return ", ".join(f"{count[verdict]} {verdict}" for verdict in Verdict)
