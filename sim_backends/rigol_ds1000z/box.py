"""What does not concern measuring: the generator's switch, pictures of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.parameters import arguments, boolean, choice
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import nr1

from .waveform import write_block9

if TYPE_CHECKING:
    from .scope import RigolDs1000z

SMALLEST_BITMAP = (
    b"BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00"
    b"\x01\x00\x00\x00\x01\x00\x18\x00" + bytes(24) + bytes(4)
)
"""A black point: what the screen shows is not simulated."""


def add_box(scope: RigolDs1000z) -> None:
    """Enter SOURce:OUTPut (of models with a generator), DISPlay, SYSTem."""
    if scope.model.outputs:
        ranges = ((1, scope.model.outputs), (1, scope.model.outputs))
        scope.settings.boolean("output", "SOURce#:OUTPut#[:STATe]", False, ranges=ranges)
    settings = scope.settings
    settings.choice("drawing", "DISPlay:TYPE", ("VECTors", "DOTS"), "VECTors")
    settings.choice("grid", "DISPlay:GRID", ("FULL", "HALF", "NONE"), "FULL")
    settings.choice(
        "persistence", "DISPlay:GRADing:TIME",
        ("MIN", "0.1", "0.2", "0.5", "1", "5", "10", "INFinite"), "MIN",
    )  # fmt: skip
    for name in ("WBRightness", "GBRightness"):
        settings.number(name, f"DISPlay:{name}", 0, 100, 50, whole=True, form=nr1)
    settings.boolean("beeper", "SYSTem:BEEPer", False)
    settings.boolean("locked", "SYSTem:LOCKed", False)
    scope.commands.add("DISPlay:DATA?", _picture)
    scope.action("DISPlay:CLEar", scope.acquisition.discard)


def _picture(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> bytes:
    words = [word.strip("[] ") for word in arguments(text, 0, 3)] if text.strip() else []
    if len(words) == 3:
        boolean(words[0])
        boolean(words[1])
    if words:
        choice(words[-1], ("BMP24", "BMP8", "PNG", "JPEG", "TIFF"))
    return write_block9(SMALLEST_BITMAP)
