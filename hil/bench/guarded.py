"""A bench whose guardian drives it off should its controller be killed or hang."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.bench.assembly import Assembled
from hil.bench.driving_off import unfailing
from hil.bench.file import BenchFile
from hil.guarding.held import Charge, Guardian, start
from hil.guarding.making_safe import outputs_of
from hil.guarding.telling import log_file

logger = logging.getLogger(__name__)


class Guarded:
    """The part of a bench that has to do with its guardian.

    Attributes
    ----------
    simulated_names : instruments that are in this process's memory.
    """

    file: BenchFile
    parts: Assembled
    all_simulated: bool
    simulated_names: frozenset[str]
    _guardian: Guardian | None = None
    _folder: Path | None = None
    _tell: Callable[[str], None] = staticmethod(logger.info)

    async def guard(self, tell: Callable[[str], None]) -> None:
        """Have a process of its own drive the bench off should this one be killed or hang; before
        anything is driven. A bench that is all in this process's memory needs none.

        Raises
        ------
        BenchError
            When it does not start, or another program drives an instrument of the bench.
        """
        if self._guardian is not None or not self.driven:
            return
        self._tell = tell = unfailing(tell)
        charge = Charge(self.file, sorted(self.simulated_names), self.driven)
        guardian = self._guardian = await start(charge, tell, self.unguarded)
        tell(
            f"guardian: process {guardian.pid} drives the bench off if this one is killed, or "
            f"hangs for {self.file.guardian.patience:g} s"
        )
        if self._folder is not None:
            guardian.tell_folder(self._folder)

    async def unguard(self, failed: Sequence[str] = ()) -> None:
        """Dismiss the guardian; where something is not off it is left to try."""
        guardian, self._guardian = self._guardian, None
        if guardian is None:
            return
        if failed and guardian.watching:
            await guardian.hand_over()
            self._tell(
                f"the guardian (process {guardian.pid}) goes on trying; its log: {log_file()}"
            )
        else:
            await guardian.dismiss()

    def unguarded(self, why: str) -> None:
        """Told that nobody guards the bench any longer."""
        logger.error("%s", why)

    def keep_in(self, folder: Path) -> None:
        """Say where what is done now is kept: there the guardian enters what it does."""
        self._folder = folder
        if self._guardian is not None:
            self._guardian.tell_folder(folder)

    def tell_identities(self) -> None:
        """Tell the guardian who answered: others it will not touch."""
        if self._guardian is not None:
            self._guardian.tell_identities(self.parts.instruments)

    @property
    def driven(self) -> dict[str, str]:
        """Instruments on links whose outputs are driven, by resource."""
        return {
            one.resource: one.name
            for one in outputs_of(self.parts)
            if one.name not in self.simulated_names
        }
