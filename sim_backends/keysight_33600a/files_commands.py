"""Commands of the disk, the display and the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.common import store as whole
from sim_backends.engine.parameters import arguments, string

from .channel import Channel
from .memory import Arb
from .notation import on_channel

if TYPE_CHECKING:
    from .generator import Keysight33600A


def add_files(generator: Keysight33600A) -> None:
    """Enter them."""
    commands, every = generator.commands, generator.every

    def path(text: str) -> str:
        return string(arguments(text, 1, 1)[0])

    def store(channel: Channel, text: str) -> None:
        generator.files.store(path(text), channel.entry())

    def load(channel: Channel, text: str) -> None:
        channel.memory.add_file(path(text))

    def listing() -> str:
        files = [
            f'"{name},{"ARB" if isinstance(entry, Arb) else "SEQ"},{_size(entry)}"'
            for name, entry in generator.files.listed()
        ]
        used = sum(_size(entry) for _, entry in generator.files.listed())
        return ",".join([f"{used:+d}", f"{64_000_000 - used:+d}", *files])

    commands.add("MMEMory:STORe:DATA#", on_channel(generator, store), every)
    commands.add("MMEMory:LOAD:DATA#", on_channel(generator, load), every)
    commands.add("MMEMory:CATalog:DATA:ARBitrary?", plain(lambda session: listing()))
    commands.add("MMEMory:DELete", lambda s, n, text: generator.files.delete(path(text)))
    generator.settings.text("display", "DISPlay:TEXT")
    generator.settings.boolean("display_on", "DISPlay[:STATe]", True)

    def wipe() -> None:
        generator.settings["display"] = ""

    commands.add("DISPlay:TEXT:CLEar", plain(lambda session: wipe()))
    commands.add("SYSTem:BEEPer[:IMMediate]", plain(lambda session: None))
    generator.settings.boolean("beeper", "SYSTem:BEEPer:STATe", True)
    commands.add("SYSTem:VERSion?", plain(lambda session: "1999.0"))
    commands.add("*OPT?", plain(lambda session: _options(generator)))
    # Whether a power-on clears enables: kept by a reset, and asked by generic clients.
    clears = [1]
    commands.add("*PSC", whole(lambda session, value: clears.__setitem__(0, value), most=1))
    commands.add("*PSC?", plain(lambda session: str(clears[0])))


def _size(entry: object) -> int:
    return 2 * entry.values.size if isinstance(entry, Arb) else 256


def _options(generator: Keysight33600A) -> str:
    larger = generator.channels[0].memory.free > generator.model.memory
    return "010,MEM" if larger else "010"
