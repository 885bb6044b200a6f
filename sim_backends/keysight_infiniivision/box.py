"""What does not concern measuring: set-ups, pictures of the screen."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, block, choice
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import write_block

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

MAGIC = b"setup\n"


def add_box(scope: KeysightInfiniivision) -> None:
    """Enter SYSTem:PRESet, SYSTem:SETup, SYSTem:LOCK, DISPlay: DATA?, CLEar, LABel."""
    scope.commands.add("SYSTem:PRESet", plain(lambda session: scope.reset()))
    scope.commands.add("SYSTem:SETup?", plain(lambda session: write_block(_setup(scope))))
    scope.commands.add(
        "SYSTem:SETup", lambda session, suffixes, text: _restore(scope, session, text)
    )
    # The set-up with the command that brings it back.
    scope.commands.add("*LRN?", plain(lambda session: b":SYST:SET " + write_block(_setup(scope))))
    scope.commands.add("*OPT?", plain(lambda session: "0"))
    scope.commands.add("SERial?", plain(lambda session: scope.identity.split(",")[2]))
    scope.settings.boolean("locked", "SYSTem:LOCK", False)
    scope.settings.boolean("labels", "DISPlay:LABel", False)
    scope.commands.add("DISPlay:DATA?", _picture)
    scope.commands.add("DISPlay:CLEar", plain(lambda session: scope.acquisition.discard()))


def _setup(scope: KeysightInfiniivision) -> bytes:
    """The set-up as commands; the real block is a secret of its maker."""
    values = scope.settings
    units = [
        f":TIM:RANG {values.value('time range')!r}",
        f":TIM:POS {values.value('position')!r}",
        f":ACQ:TYPE {values.word('acquire type')}",
    ]
    for n in range(1, scope.model.inputs + 1):
        units += [
            f":CHAN{n}:PROB {values.value('probe', n)!r}",
            f":CHAN{n}:SCAL {values.value('scale', n)!r}",
            f":CHAN{n}:OFFS {values.value('offset', n)!r}",
            f":CHAN{n}:DISP {int(values.on('display', n))}",
        ]
    return MAGIC + ";".join(units).encode("ascii")


def _restore(scope: KeysightInfiniivision, session: ScpiSession, text: str) -> None:
    data = block(text)
    if not data.startswith(MAGIC):
        raise ScpiError(-161)
    for unit in data[len(MAGIC) :].decode("ascii").split(";"):
        header, _, value = unit[1:].partition(" ")
        found = scope.commands.find(header)
        if found is None:
            raise ScpiError(-161)
        found.handler(session, found.suffixes, value)


def _picture(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> bytes:
    words = arguments(text, 0, 2) if text.strip() else []
    form = choice(words[0], ("PNG", "BMP", "BMP8bit")) if words else "PNG"
    if len(words) == 2:
        choice(words[1], ("COLor", "GRAYscale"))
    data = _png() if form == "PNG" else _bmp()
    return b"#8%08d" % len(data) + data


def _png() -> bytes:
    """A black point: what the screen shows is not simulated."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x00")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def _bmp() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + header + bytes(4)
