"""A bench that is opened and left cold."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hil.bench.opening import OpenBench

logger = logging.getLogger(__name__)


class ColdBench(OpenBench):
    """A bench whose `open` ends at `off`: identified, its limits written, nothing driven."""

    async def open(self, tell: Callable[[str], None] = logger.info) -> None:
        """As `OpenBench.connect`."""
        await self.connect(tell)
