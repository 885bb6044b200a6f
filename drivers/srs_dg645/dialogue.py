"""How a DG645 is spoken to: in step, every exchange ended by the question for the last error.

Commands are short words, not SCPI; a query that fails has no other answer than its error. On raw
TCP and on serial ports, who it is is asked behind all that: the number of replies before its
identity is known, so a reply that comes twice, however late, is one too many. Sources: see
`settings`. Not relied upon: `;` between commands, and the case of letters.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import ClassVar

from drivers.instrument import (
    ANY_IDENTITY,
    Identity,
    IdentityError,
    Instrument,
    InstrumentError,
)
from drivers.link_model import LinkModel
from drivers.srs_dg645 import settings
from drivers.transport.link import ByteLink, Connector, LinkTimeout
from drivers.transport.resource import ResourceError, link_kind, parse

logger = logging.getLogger(__name__)

END = b"\r\n"
MAKER = "Stanford Research Systems"
QUIET = 0.1
"""Seconds without a byte after which nothing old is on its way."""
TRIES = 4
MOST_ERRORS = 64
"""Errors read before the queue is taken to be endless (one client says that it holds 20)."""


class Dg645Dialogue(Instrument):
    """Queries and settings of a DG645 as text; who it is."""

    models = ("DG645",)
    links: ClassVar[tuple[str, ...]] = ("tcp", "serial", "gpib", "vxi11")
    greeting = "*IDN?"

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
        """A raw socket is `TCPIP::host::5025::SOCKET`. Raises `ResourceError` for other links."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        kind = link_kind(parse(resource))
        if kind not in self.links:
            raise ResourceError(
                f"{name}: {resource!r} is {kind}; a DG645 has {', '.join(self.links)}"
            )
        self._link = self._guard(
            lambda: connector.visa(resource),
            self._greet,
            self._synchronise,
        )
        self._closing = b""
        """Its identity as it comes, which closes each exchange on a stream of bytes."""

    @classmethod
    def parse_identity(cls, text: str) -> Identity:
        """Read the answer to `*IDN?`. Raises `ValueError`."""
        parts = text.split(",")
        if len(parts) != 4 or not parts[0].startswith(MAKER):
            raise ValueError(f"{text!r} is no identity of {MAKER}")
        serial, firmware = parts[2].removeprefix("s/n"), parts[3].removeprefix("ver")
        return Identity(parts[0], parts[1], serial, firmware)

    @classmethod
    def serves(cls, identity: Identity) -> bool:
        """True for the models that this driver is for."""
        return identity.model in cls.models

    async def _ask(self, command: str) -> str:
        """A query's answer. The question for errors behind it shows that it was the right one."""
        async with self._link.exchange("query") as link:
            await self._empty(link)
            if link.stream:
                told = await self._closed(link, f"{command}\nLERR?\n", 32)
                if len(told) == 1:
                    raise self._refused_query(command, told[0])
                if len(told) != 2:
                    raise self._miscounted(command, told)
                answer, code = told
            else:
                data = f"{command}\nLERR?\n".encode("ascii")
                await link.write(data)
                answer = await self._line(link, self._deadline(len(data), 32))
                try:
                    code = await self._line(link, self.timeout)
                except LinkTimeout:
                    raise self._refused_query(command, answer) from None
            if code != "0":
                hint = f"{answer!r} before it; it is out of step"
                raise InstrumentError(self.name, "LERR?", code, hint)
        return answer

    async def _tell(self, command: str) -> None:
        """Send a setting and read the errors that it made."""
        async with self._link.exchange("write") as link:
            await self._empty(link)
            errors = await self._errors(link, command)
        if errors:
            raise self._refusal(command, errors)

    async def _errors(self, link: ByteLink, command: str = "") -> list[int]:
        """The codes in the error queue, after a command if there is one."""
        errors: list[int] = []
        asking = f"{command}\nLERR?\n" if command else "LERR?\n"
        while True:
            if link.stream:
                told = await self._closed(link, asking, 8)
                if len(told) != 1:
                    raise self._miscounted(command or "LERR?", told)
                text = told[0]
            else:
                await link.write(asking.encode("ascii"))
                text = await self._line(link, self._deadline(len(asking), 8))
            try:
                code = settings.parse_integer(text)
            except ValueError as error:
                raise InstrumentError(self.name, "LERR?", text, str(error)) from None
            if code == 0:
                return errors
            errors.append(code)
            if len(errors) > MOST_ERRORS:
                raise InstrumentError(self.name, "LERR?", text, "its errors do not end")
            asking = "LERR?\n"

    async def _closed(self, link: ByteLink, asking: str, received: int) -> list[str]:
        """What is told before the identity, which is asked for behind it: lines."""
        data = f"{asking}*IDN?\n".encode("ascii")
        await link.write(data)
        deadline = self._deadline(len(data), received + len(self._closing))
        said = (await link.read_until(self._closing, deadline)).removesuffix(self._closing)
        *lines, rest = said.split(END)
        if rest:
            shown = said[-60:].decode("latin-1")
            raise InstrumentError(self.name, asking.strip(), shown, "its identity is garbled")
        return [line.decode("latin-1").strip() for line in lines]

    def _miscounted(self, command: str, told: list[str]) -> InstrumentError:
        shown = " ".join(told)[:80]
        return InstrumentError(self.name, command, shown, f"{len(told)} replies: too many, too few")

    def _refused_query(self, command: str, answer: str) -> InstrumentError:
        try:
            return self._refusal(command, [settings.parse_integer(answer)])
        except ValueError:
            return InstrumentError(self.name, command, answer, "LERR? was not answered")

    def _refusal(self, command: str, errors: list[int]) -> InstrumentError:
        said = ", ".join(f"{code} ({settings.ERRORS.get(code, 'not known')})" for code in errors)
        return InstrumentError(self.name, command, said)

    async def _line(self, link: ByteLink, timeout: float) -> str:
        return (await link.read_until(END, timeout)).removesuffix(END).decode("latin-1").strip()

    async def _empty(self, link: ByteLink) -> None:
        """Nothing may lie in the input before anything is asked."""
        stray = await link.drain_input()
        if stray:
            logger.warning("%s: unasked input %r; resynchronising", self.name, stray)
            await self._synchronise(link)

    async def _synchronise(self, link: ByteLink) -> None:
        await self._identify(link)

    async def _identify(self, link: ByteLink) -> str:
        """Ask who it is until nothing comes but the answer; the first may be lost after power-up.

        Raises `LinkTimeout`, `LinkClosed`.
        """
        for attempt in range(TRIES):
            await link.drain_input()
            await link.write(b"*IDN?\n")
            try:
                while not (line := await link.read_until(END, self.timeout)).startswith(
                    MAKER.encode()
                ):
                    pass
            except LinkTimeout:
                if attempt:
                    raise
                continue
            try:
                await link.read_exactly(1, QUIET)
            except LinkTimeout:
                self._closing = line
                return line.decode("latin-1").strip()
        raise LinkTimeout(f"{link.name} does not stop talking; power it off and on")

    async def _greet(self, link: ByteLink) -> None:
        answer = await self._identify(link)
        try:
            identity = self.parse_identity(answer)
        except ValueError as error:
            raise InstrumentError(self.name, "*IDN?", answer, str(error)) from None
        if not self.serves(identity):
            raise IdentityError(self.name, "model", "DG645", identity.model)
        self._recognise(identity)
        errors = await self._errors(link)
        if errors:
            logger.warning("%s: errors from before: %s", self.name, errors)
