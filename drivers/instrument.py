"""What every instrument driver has: open and close, an identity, and a clock of its exchanges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.errors import IdentityError, InstrumentError, LimitError, TriggerTimeout
from drivers.exchange import ExchangeClock, GuardedLink
from drivers.link_model import LinkModel
from drivers.quantity import Quantity
from drivers.roles.ports import PlayFacts, ReadFacts
from drivers.transport.link import ByteLink, Connector

__all__ = [
    "ANY_IDENTITY",
    "Identity",
    "IdentityError",
    "Instrument",
    "InstrumentError",
    "LimitError",
    "TriggerTimeout",
]

ANY_IDENTITY: Mapping[str, str] = MappingProxyType({})
"""Expect nothing in particular of what answers."""


@dataclass(frozen=True)
class Identity:
    """Who answers. A part that the instrument does not tell is empty."""

    maker: str
    model: str
    serial: str
    firmware: str


class Instrument(ABC):
    """An instrument on one or more links. The constructor does no I/O; `open` does the first.

    `busy` holds the seconds (of the running loop's time) spent in exchanges by kind, `exchanges`
    their number. `timeout` is what an answer may take beyond what the link model predicts.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = ()
    """All declared settings and readings."""
    models: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of the model names, as instruments tell them, that this driver serves."""
    links: ClassVar[tuple[str, ...]] = ()
    """Kinds of links that the models have: tcp, serial, usb, gpib, vxi11, hislip."""
    roles: ClassVar[tuple[str, ...]] = ()
    """Names of the protocols in `drivers.roles` that it fills, by itself or among others."""
    plays: ClassVar[PlayFacts] = PlayFacts.nothing()
    """Of an `InputSource`: what the wiring of a bench's ports is checked by."""
    reads: ClassVar[ReadFacts] = ReadFacts.nothing()
    """Of a `Readout`: likewise."""
    shown: ClassVar[Mapping[str, Quantity]] = MappingProxyType({})
    """What a bench's monitor shows of it, by the name it has there: in the declared unit."""
    greeting: ClassVar[str] = ""
    """What `open` asks first, in words, where that does no harm to an instrument of another kind;
    empty where it may, or where it is `*IDN?`."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
    ) -> None:
        """`expect` may hold any of maker, model, serial and firmware.

        Raises `ValueError` for an unknown part, or a time-out that is not positive.
        """
        known = {field.name for field in fields(Identity)}
        if unknown := sorted(set(expect) - known):
            raise ValueError(f"{name}: identity knows {sorted(known)}, not {unknown}")
        if not timeout > 0.0:
            raise ValueError(f"{name}: timeout {timeout!r} s must be positive")
        self.name = name
        self.resource = resource
        self.link = link
        self.timeout = timeout
        self.identity: Identity | None = None
        self._expect = dict(expect)
        self._clock = ExchangeClock()
        self._links: list[GuardedLink] = []

    @classmethod
    def plays_with(cls, options: Mapping[str, Any]) -> PlayFacts:
        """What `plays` is with these options of the constructor; may raise for wrong ones."""
        del options
        return cls.plays

    @classmethod
    def reads_with(cls, options: Mapping[str, Any]) -> ReadFacts:
        """What `reads` is with these options of the constructor; may raise for wrong ones."""
        del options
        return cls.reads

    @property
    def busy(self) -> dict[str, float]:
        """Seconds of loop time spent in exchanges, by kind."""
        return self._clock.busy

    @property
    def exchanges(self) -> int:
        """Number of exchanges so far."""
        return self._clock.count

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`."""
        return bool(self._links) and all(link.is_open for link in self._links)

    async def open(self) -> None:
        """Connect, identify, compare with what is expected, empty the error queue. No more.

        Opening again does nothing. Raises `LinkError`, `InstrumentError` or `IdentityError`, and
        leaves the instrument closed then.
        """
        try:
            for link in self._links:
                await link.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the links; outputs stay as they are. May be called again."""
        for link in self._links:
            await link.close()

    async def __aenter__(self) -> Any:
        """Open for a `with` block."""
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close at the end of a `with` block."""
        await self.close()

    @property
    def readings(self) -> frozenset[str]:
        """Names in `read_settings` that can only be read: measured, or a state; no settings."""
        return frozenset()

    @property
    def imposed(self) -> frozenset[str]:
        """Names in `read_settings` that a bench file decides: limits, not for others to move."""
        return frozenset()

    @property
    def untold(self) -> Mapping[str, str]:
        """What is set in it and cannot be asked for, by name, and why: no snapshot holds it."""
        return {
            one.name: "it can be set, not asked for"
            for one in self.quantities
            if one.writable and not one.readable
        }

    async def read_settings(self) -> dict[str, Any]:
        """All settings that the instrument tells, as plain data by name; sets nothing.

        A setting that it does not tell is given as its refusal, `{"refused": text}`. Raises
        `LinkError` where the link fails.
        """
        return {}

    async def read_waveforms(self) -> dict[str, NDArray[np.float64] | str]:
        """What is in its waveform memory, by channel (`""`: it has none); sets nothing.

        Samples (n,) as fractions of full scale, where it tells them, so that `write_waveform` puts
        them back; else what it says of a waveform, in words. Raises `InstrumentError`, `LinkError`.
        """
        return {}

    async def write_waveform(self, channel: str, samples: NDArray[np.float64]) -> None:
        """Put samples (n,) back that `read_waveforms` told; switches no output.

        Raises `ValueError` where it takes none or has no such channel, `LimitError` before a byte
        leaves, `InstrumentError`, `LinkError`.
        """
        raise ValueError(f"{self.name}: no waveform is put back into it (channel {channel!r})")

    @abstractmethod
    async def off(self) -> None:
        """Drive every output to its safe value, whatever is believed to be set."""

    def _guard(
        self,
        connect: Callable[[], Awaitable[ByteLink]],
        greet: Callable[[ByteLink], Awaitable[None]],
        resynchronise: Callable[[ByteLink], Awaitable[None]] | None = None,
    ) -> GuardedLink:
        """Declare a link; without `resynchronise` it is made anew where one is needed."""
        link = GuardedLink(self.name, self.resource, self._clock, connect, greet, resynchronise)
        self._links.append(link)
        return link

    def _deadline(self, sent: int, received: int = 0) -> float:
        """Seconds to wait for the answer of an exchange of this size."""
        return self.timeout + self.link.cost(sent, received)

    def _recognise(self, identity: Identity) -> None:
        """Compare who answers with what is expected, and with who answered before.

        Raises `IdentityError`.
        """
        for part, expected in self._expect.items():
            found = str(getattr(identity, part))
            if found.casefold() != expected.casefold():
                raise IdentityError(self.name, part, expected, found)
        before = self.identity
        if before is not None and (before.model, before.serial) != (
            identity.model,
            identity.serial,
        ):
            was = f"{before.model} {before.serial}"
            now = f"{identity.model} {identity.serial}"
            raise IdentityError(self.name, "instrument", was, now)
        self.identity = identity
