"""What two snapshots of a bench differ by: settings, never readings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.quantity import Quantity
from hil.bench.waveforms import WAVEFORM, Waveform, unpacked

#: Relative: values are compared as the wire told them, so only a conversion can set them apart.
#: The finest setting of all, a laser's 0.01 pm, is ten times as much.
TOLERANCE = 1e-9
#: What the volts of outputs for heaters are called in a snapshot.
HEATER = "volts"


@dataclass(frozen=True, order=True)
class Where:
    """A setting: of which instrument, by what name, of which channel (empty: it has none)."""

    instrument: str
    name: str
    channel: str = ""

    def __str__(self) -> str:
        channel = f"[{self.channel}]" if self.channel else ""
        return f"{self.instrument} {self.name}{channel}"


@dataclass(frozen=True)
class Untold:
    """In the place of a value: why the instrument does not tell it."""

    why: str

    def __str__(self) -> str:
        return f"not told ({self.why})"


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same in two snapshots."""

    where: Where
    before: Any
    after: Any

    def told(self, unit: str = "") -> str:
        """One line: what it was, and what it is."""
        return f"{self.where}: {self.change(unit)}"

    def change(self, unit: str = "") -> str:
        """What it was, and what it is."""
        if isinstance(self.before, Waveform) and isinstance(self.after, Waveform):
            return self.before.change(self.after)
        return f"{shown(self.before, unit)} -> {shown(self.after, unit)}"


def shown(value: Any, unit: str = "") -> str:
    """A value for a person, in its SI unit."""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, int | float):
        return f"{value:.12g} {unit}".rstrip()
    return str(value)


def settings_of(taken: Mapping[str, Any], of: str = "settings") -> dict[Where, Any]:
    """Every setting of a snapshot that is told, channel by channel; what is refused as `Untold`.

    Waveforms are among them, by the name `WAVEFORM`.
    """
    found: dict[Where, Any] = {}
    for instrument, one in taken["instruments"].items():
        for name, value in one.get(of, {}).items():
            for channel, part in _parts(value):
                found[Where(instrument, name, channel)] = part
        if of == "settings":
            for channel, entry in one.get("waveforms", {}).items():
                found[Where(instrument, WAVEFORM, channel)] = unpacked(entry)
    return found


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Channel and value of a setting as drivers tell it: by channel, as a list, or as one value."""
    if isinstance(value, Mapping):
        if set(value) == {"refused"}:
            yield "", Untold(str(value["refused"]))
            return
        for channel, part in value.items():
            yield from ((str(channel), one) for _, one in _parts(part))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for channel, part in enumerate(value):
            yield str(channel), part
    else:
        yield "", value


def is_setting(value: Any) -> bool:
    """A value, a list of them, or values by channel."""
    if isinstance(value, dict):
        return all(_is_plain(part) or _is_refusal(part) for part in value.values())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return _is_plain(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)


def _is_refusal(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"refused"}


def same(before: Any, after: Any, quantity: Quantity | None = None) -> bool:
    """Whether two values are one setting: as the wire would spell them, or to nine digits."""
    if isinstance(before, Untold) or isinstance(after, Untold):
        return type(before) is type(after)
    if isinstance(before, Waveform) and isinstance(after, Waveform):
        return before.same(after)
    if isinstance(before, bool | str | Waveform) or isinstance(after, bool | str | Waveform):
        return type(before) is type(after) and before == after
    if before is None or after is None:
        return before is after
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) and math.isnan(after)
    if math.isclose(before, after, rel_tol=TOLERANCE):
        return True
    finite = math.isfinite(before) and math.isfinite(after)
    return quantity is not None and finite and quantity.text(before) == quantity.text(after)


def differences(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    quantities: Mapping[str, Mapping[str, Quantity]],
) -> list[Difference]:
    """Settings that differ, of the instruments that both snapshots read; waveforms where both did.

    Parameters
    ----------
    quantities : declared ones by the drivers' class names, then by their own.
    """
    read = {name for name, _, _ in _both(before, after)}
    shaped = {
        n for n, one, other in _both(before, after) if "waveforms" in one and "waveforms" in other
    }
    first = {where: v for where, v in settings_of(before).items() if where.instrument in read}
    second = {where: v for where, v in settings_of(after).items() if where.instrument in read}
    found = []
    missing = Untold("no such setting")
    for where in dict.fromkeys([*first, *second]):
        if where.name == WAVEFORM and where.instrument not in shaped:
            continue
        declared = quantities.get(str(after["instruments"][where.instrument].get("driver")), {})
        was, now = first.get(where, missing), second.get(where, missing)
        if not same(was, now, declared.get(where.name)):
            found.append(Difference(where, was, now))
    return found


def strangers(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Instruments that cannot be compared, or are others than they were; a line each."""
    told = []
    a, b = before["instruments"], after["instruments"]
    told += [f"{name} is only in the first" for name in a if name not in b]
    told += [f"{name} is only in the second" for name in b if name not in a]
    for name in (name for name in a if name in b):
        for one, which in ((a[name], "first"), (b[name], "second")):
            if "settings" not in one:
                why = one.get("failed", "it was not open")
                told.append(f"{name} was not read in the {which}: {why}")
    for name, one, other in _both(before, after):
        was, now = one.get("identity") or {}, other.get("identity") or {}
        for part in ("model", "serial", "firmware"):
            if was.get(part) != now.get(part):
                told.append(f"{name}: {part} {was.get(part)!r} -> {now.get(part)!r}")
    return told


def not_compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Instruments whose waveforms only one of two snapshots holds; a line each."""
    return [
        f"{name} waveforms are only in the {'first' if 'waveforms' in one else 'second'}: not "
        f"compared"
        for name, one, other in _both(before, after)
        if ("waveforms" in one) != ("waveforms" in other)
    ]


def _both(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Name and entries of the instruments that both snapshots read."""
    for name, one in before["instruments"].items():
        other = after["instruments"].get(name, {})
        if "settings" in one and "settings" in other:
            yield name, one, other
