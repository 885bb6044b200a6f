"""Steps, as the arrow keys of the panel make them: their sizes (`SS..`), and one up or down
(`SP..`).

Words and ranges after the maker's package srsinst.dg645; sizes after `*RST` are our own choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .generator import FIRST, LAST, OUTPUTS

if TYPE_CHECKING:
    from .parsing import Parsed
    from .port import PortConversation

Handler = Callable[["PortConversation", "Parsed"], str | None]
_OUTPUT = OUTPUTS - 1
_SETTINGS = {
    # step: (setting, largest step, decimals told (None: whole))
    "HD": ("HOLD", 1000.0, 12), "TR": ("TRAT", 1e6, 6), "TL": ("TLVL", 3.5, 2),
    "BC": ("BURC", 2.0**31 - 1, None), "BD": ("BURD", 2000.0, 12), "BP": ("BURP", 2000.0, 12),
}  # fmt: skip
_INDEXED = {"PS": ("PRES", 0), "PH": ("PHAS", 1)}
"""Step: setting, first output."""
ACTIONS = (*(f"SP{step}" for step in (*_SETTINGS, *_INDEXED)), "SPDL", "SPLA", "SPLO")
"""Commands that make one step: they cannot be asked."""


def sizes() -> dict[str, float]:
    """Sizes of all steps after `*RST`."""
    return {
        "SSHD": 1e-9, "SSTR": 1.0, "SSTL": 0.1, "SSBC": 1, "SSBD": 1e-9, "SSBP": 1e-9,
        **{f"SSPS{i}": 1 for i in range(OUTPUTS)},
        **{f"SSPH{i}": 1 for i in range(1, OUTPUTS)},
        **{f"SSDL{i}": 1e-9 for i in range(FIRST, LAST + 1)},
        **{f"SSLA{i}": 0.1 for i in range(OUTPUTS)},
        **{f"SSLO{i}": 0.1 for i in range(OUTPUTS)},
    }  # fmt: skip


def _size(high: float, digits: int | None, indices: tuple[int, int] | None = None) -> Handler:
    """The size of a step, told with so many decimals; of an index, where it has some."""

    def handle(port: PortConversation, command: Parsed) -> str | None:
        place = int(indices is not None)
        command.count(place if command.asks else place + 1)
        key = command.word if indices is None else f"{command.word}{command.integer(0, *indices)}"
        values = port.device.state.values
        if command.asks:
            return str(int(values[key])) if digits is None else f"{values[key]:+.{digits}f}"
        if digits is None:
            values[key] = command.integer(place, 1, int(high))
        else:
            values[key] = command.number(place, 0.0, high)
        return None

    return handle


def _sign(command: Parsed, place: int) -> int:
    return 1 if command.integer(place, 0, 1) else -1


def _step(setting: str, first: int | None = None) -> Handler:
    """One step of a setting, carried out as the command that sets it."""

    def handle(port: PortConversation, command: Parsed) -> None:
        from .commands import carry_out  # it knows this file's commands

        place = int(first is not None)
        command.count(place + 1)
        index = "" if first is None else str(command.integer(0, first, _OUTPUT))
        values = port.device.state.values
        size = values[f"SS{command.word[2:]}{index}"]
        value = values[setting + index] + _sign(command, place) * size
        text = str(int(value)) if setting in ("BURC", *_NAMES) else f"{value:.12f}"
        carry_out(port, f"{setting} {index},{text}" if index else f"{setting} {text}")

    return handle


def _step_delay(port: PortConversation, command: Parsed) -> None:
    command.count(2)
    channel = command.integer(0, FIRST, LAST)
    state = port.device.state
    step = state.values[f"SSDL{channel}"] * _sign(command, 1)
    port.device.set_delay(channel, state.references[channel], state.delays[channel] + step)


def _step_level(port: PortConversation, command: Parsed) -> None:
    command.count(2)
    output = command.integer(0, 0, OUTPUTS - 1)
    kind = "LAMP" if command.word == "SPLA" else "LOFF"
    values = port.device.state.values
    step = values[f"SS{command.word[2:]}{output}"] * _sign(command, 1)
    port.device.set_level(kind, output, values[f"{kind}{output}"] + step)


_NAMES = tuple(name for name, _ in _INDEXED.values())
COMMANDS: dict[str, Handler] = {
    **{f"SS{step}": _size(high, digits) for step, (_, high, digits) in _SETTINGS.items()},
    **{f"SP{step}": _step(name) for step, (name, _, _) in _SETTINGS.items()},
    **{f"SS{step}": _size(32767, None, (first, _OUTPUT)) for step, (_, first) in _INDEXED.items()},
    **{f"SP{step}": _step(name, first) for step, (name, first) in _INDEXED.items()},
    "SSDL": _size(2000.0, 12, (FIRST, LAST)),
    "SSLA": _size(5.0, 2, (0, _OUTPUT)),
    "SSLO": _size(5.0, 2, (0, _OUTPUT)),
    "SPDL": _step_delay,
    "SPLA": _step_level,
    "SPLO": _step_level,
}
"""What each word does."""
