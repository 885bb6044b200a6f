"""Quantities by name, for people at a bench: reading one, checking and setting one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from drivers.instrument import Instrument
from drivers.quantity import Quantity, Value
from drivers.scpi_instrument import ScpiInstrument


class NamingError(Exception):
    """A quantity or channel that there is not, or cannot be set; the message says which are."""


def find(driver: type[Instrument], name: str) -> Quantity:
    """The declared quantity of this name. Raises `NamingError` naming those that there are."""
    known = {quantity.name: quantity for quantity in driver.quantities}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise NamingError(
        f"{driver.__name__} has no quantity {name!r}{meant}; it has {', '.join(known)}"
    )


def value_of(quantity: Quantity, text: str) -> Value:
    """A value as it is typed: a number in the SI unit, ON or OFF, or one of the words.

    Raises `ValueError`. Limits are not looked at.
    """
    if quantity.kind is bool:
        if text.upper() not in ("ON", "OFF", "1", "0", "TRUE", "FALSE"):
            raise ValueError(f"{quantity.name}: {text!r} is neither ON nor OFF")
        return text.upper() in ("ON", "1", "TRUE")
    if quantity.kind is str:
        return text
    try:
        number = float(text)
    except ValueError:
        raise ValueError(
            f"{quantity.name}: {text!r} is no number; write it in {quantity.unit or 'digits'}, "
            f"without the unit"
        ) from None
    return int(number) if quantity.kind is int and number.is_integer() else number


async def read(instrument: Instrument, name: str, channel: str = "") -> Any:
    """What the instrument tells of a quantity, in its SI unit; without a channel, of all it has.

    Raises `NamingError`, and as the driver's own reading.
    """
    declared = {quantity.name for quantity in instrument.quantities}
    if isinstance(instrument, ScpiInstrument):
        told = {} if name in declared else await instrument.read_settings()
        if name in told:
            return _part(told[name], name, channel) if channel else told[name]
        quantity = find(type(instrument), name)
        if not quantity.has_channels:
            return await instrument.get(quantity)
        if channel:
            return await instrument.get(quantity, _channel(instrument, quantity, channel))
        channels = instrument.channels_of(quantity)
        return {str(one): await instrument.get(quantity, one) for one in channels}
    own = getattr(instrument, "get", None)
    if own is not None and name in declared:
        quantity = find(type(instrument), name)
        if quantity.channels and not channel:
            return {str(one): await own(quantity, one) for one in quantity.channels}
        return await own(quantity, channel)
    told = await instrument.read_settings()
    if name not in told:
        if name in declared:
            raise NamingError(f"{instrument.name} does not tell {name}; it tells {', '.join(told)}")
        find(type(instrument), name)
    return _part(told[name], name, channel) if channel else told[name]


async def write(instrument: Instrument, name: str, value: Value, channel: str = "") -> None:
    """Set a quantity. Raises `NamingError`, and as the driver's own setting."""
    quantity = find(type(instrument), name)
    if not quantity.writable:
        raise NamingError(f"{name} can only be read ({quantity.doc})")
    if isinstance(instrument, ScpiInstrument):
        if quantity.has_channels:
            await instrument.set(quantity, value, _channel(instrument, quantity, channel))
        else:
            await instrument.set(quantity, value)
        return
    own = getattr(instrument, "set", None)
    if own is None:
        raise NamingError(
            f"{type(instrument).__name__} is set by methods of its own; use it from Python"
        )
    await own(quantity, value, channel)


def _channel(instrument: ScpiInstrument, quantity: Quantity, text: str) -> int | str:
    for channel in instrument.channels_of(quantity):
        if str(channel) == text:
            return channel
    there = ", ".join(map(str, instrument.channels_of(quantity)))
    raise NamingError(f"{quantity.name} has no channel {text!r}; name one of {there}")


def _part(value: Any, name: str, channel: str) -> Any:
    """One channel's share of a setting."""
    if isinstance(value, Mapping) and channel in value:
        return value[channel]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if channel.isdecimal() and int(channel) < len(value):
            return value[int(channel)]
        raise NamingError(f"{name} has no channel {channel!r}; it has 0 to {len(value) - 1}")
    raise NamingError(f"{name} has no channel {channel!r}")
