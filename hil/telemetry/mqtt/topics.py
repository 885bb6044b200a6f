"""Topics of one bench: `hil/v1/<bench>/…`; see docs/telemetry.md."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "hil/v1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_name(text: str) -> bool:
    """Whether a text may be a level of a topic: a bench, an issuer, a command's id."""
    return _NAME.fullmatch(text) is not None


def as_name(text: str) -> str:
    """The nearest name that may be a level of a topic."""
    found = re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("-._")[:64]
    return found or "unnamed"


@dataclass(frozen=True)
class Topics:
    """The topics of a bench, whose name `is_name`."""

    bench: str

    def __post_init__(self) -> None:
        """Refuse names that would reach into other topics."""
        if not is_name(self.bench):
            raise ValueError(f"{self.bench!r} cannot be a level of a topic")

    @property
    def root(self) -> str:
        """Of all."""
        return f"{ROOT}/{self.bench}"

    @property
    def state(self) -> str:
        """Life of the controller: retained, and the will's."""
        return f"{self.root}/state"

    @property
    def meta(self) -> str:
        """What is told here: retained."""
        return f"{self.root}/meta"

    @property
    def now(self) -> str:
        """Events that still hold, for who comes late: retained."""
        return f"{self.root}/now"

    @property
    def batch(self) -> str:
        """All events but those of `arrays`."""
        return f"{self.root}/batch"

    @property
    def arrays(self) -> str:
        """Levels and slots of steps, so many a second at most."""
        return f"{self.root}/arrays"

    @property
    def event(self) -> str:
        """What happens now and then, readable."""
        return f"{self.root}/event"

    def alarm(self, id_: str) -> str:
        """An alarm: retained while it stands."""
        return f"{self.root}/alarm/{id_}"

    def ack(self, id_: str) -> str:
        """Answer to a command."""
        return f"{self.root}/ack/{id_}"

    def command(self, verb: str, issuer: str) -> str:
        """A command; the issuer is a level, so that a broker's access list can vouch for it."""
        return f"{self.root}/cmd/{verb}/{issuer}"

    def below(self, topic: str) -> list[str]:
        """Levels of a topic below the root; none where it is not below it."""
        start = f"{self.root}/"
        return topic[len(start) :].split("/") if topic.startswith(start) else []
