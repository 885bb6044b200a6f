"""Sets of instruments that a starting bench file can be written for, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hil.bench.kits.boxes import BOXES
from hil.bench.kits.kit import Kit
from hil.bench.kits.precise import PRECISE
from hil.bench.kits.scopes import SCOPES

USUAL = "boxes"
KITS: Mapping[str, Kit] = {USUAL: BOXES, "precise": PRECISE, "scopes": SCOPES}
