"""Polatis optical matrix switch: any input joined to any output, over SCPI on TCP port 5025.

Ports are counted as the switch counts them: inputs from 1, outputs after the inputs (of a 16x16:
17 to 32). Source: the fact sheet, that is, public clients, several of which quote the manual (which
was not at hand), and those clients again for what the sheet leaves open.

Sure, by two or more: the port, CR LF taken and sent, set commands that answer nothing, `SIZE?`,
`CONN:ADD`, `ONLY`, `SUB`, `STAT?`, `PORT?`, `DISC:ALL`, inputs before outputs. By one, and used:
`PORT:STAT?` with its letters D, E, F, `PORT:DIS`, `PORT:ENAB`, the empty string that `PORT?` has
for a port joined to none, `BOOT:MODE` with DARK, RESTore and AUTosave (what they join is not said).
Not known, and not relied upon: what `ADD` does to a port that is joined already (it is refused here
before it leaves), several commands in a message, whether `*OPC?` waits for the mirrors, how long
they take (`settle_time` is the bench file's; data sheets of such switches say some tens of ms), the
serial port. `SYST:ERR?` is SCPI's; the clients ask `SYST:ERR:ALL?`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, TypeVar

from drivers.errors import InstrumentError, LimitError
from drivers.instrument import ANY_IDENTITY, Identity
from drivers.link_model import LinkModel
from drivers.quantity import Quantity
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import ByteLink, Connector, LinkError

T = TypeVar("T")
PortState = Literal["enabled", "disabled", "failed"]
_STATES: dict[str, PortState] = {"E": "enabled", "D": "disabled", "F": "failed"}
_PAIRS = re.compile(r"\(\s*@([\d\s,]*)\)\s*,\s*\(\s*@([\d\s,]*)\)", re.ASCII)
_LETTERS = re.compile(r"\(([A-Z](?:\s*,\s*[A-Z])*)\)")
_QUOTED = re.compile(r"\"(\d*)\"", re.ASCII)
_SIZE = re.compile(r"(\d{1,5})\s*,\s*(\d{1,5})", re.ASCII)

BOOT_MODE = Quantity(
    "boot_mode", ":OXC:BOOT:MODE", "Control what is joined when the switch is switched on.",
    kind=str, choices=("DARK", "RESTORE", "AUTOSAVE"),
    words={"RESTORE": "RESTore", "AUTOSAVE": "AUTosave"},
)  # fmt: skip
QUANTITIES = (BOOT_MODE,)


class Polatis(ScpiInstrument):
    """A matrix switch, as `OpticalMatrix`. Every change is read back before it counts.

    `size` (inputs, outputs) is known once it is open. `off` parts everything: the fibres are dark.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = QUANTITIES
    models: ClassVar[tuple[str, ...]] = (r".*-\d+x\d+-.*",)
    links: ClassVar[tuple[str, ...]] = ("tcp",)
    roles = ("OpticalMatrix", "OpticalSwitch")
    default_port: ClassVar[int | None] = 5025

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        settle_time: float = 0.1,
    ) -> None:
        """`settle_time`: s after a change until the light goes the new way."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not 0.0 <= settle_time < float("inf"):
            raise ValueError(f"{name}: settle_time = {settle_time!r} s must be finite, 0 or more")
        self.settle_time = settle_time
        self.size = (0, 0)

    @classmethod
    def serves(cls, identity: Identity) -> bool:
        """True for a Polatis whose model tells its size (`I-OST-24x24-LU1-DMHNS`)."""
        return identity.maker.casefold() == "polatis" and super().serves(identity)

    async def connections(self) -> dict[int, int]:
        """What is joined: input to output. Raises `InstrumentError`, `LinkError`."""
        return await self._ask(":OXC:SWIT:CONN:STAT?", parse_pairs)

    async def partner(self, port: int) -> int | None:
        """The port that one is joined to, None where it is none. Raises `LimitError`."""
        self._check([port], 1, sum(self.size))
        return await self._ask(f":OXC:SWIT:CONN:PORT? {port}", parse_partner)

    def check(self, pairs: Mapping[int, int]) -> None:
        """Refuse pairs as `connect` would, without sending anything.

        Raises `LimitError` for ports that there are not, `ValueError` for an output given twice.
        """
        inputs, outputs = self.size
        self._check(list(pairs), 1, inputs)
        self._check(list(pairs.values()), inputs + 1, inputs + outputs)

    async def connect(self, pairs: Mapping[int, int]) -> None:
        """Join inputs to outputs; what is joined already stays.

        Raises `LimitError` before a byte leaves for ports that there are not, `ValueError` for an
        output given twice, `InstrumentError` for a port that is joined to another one (nothing is
        changed then), and where the switch does not tell what was asked for.
        """
        self.check(pairs)
        if not pairs:
            return
        before = await self.connections()
        taken = {b: a for a, b in before.items()}
        for a, b in pairs.items():
            if before.get(a, b) != b or taken.get(b, a) != a:
                found = f"{a} to {before[a]}" if before.get(a, b) != b else f"{taken[b]} to {b}"
                hint = "disconnect() it first, or use only()"
                raise InstrumentError(self.name, f"join {a} to {b}", f"{found} is joined", hint)
        new = {a: b for a, b in pairs.items() if a not in before}
        if new:
            await self._change(f":OXC:SWIT:CONN:ADD {_listed(new)}", before | new)

    async def only(self, pairs: Mapping[int, int]) -> None:
        """Join these inputs to these outputs, and nothing else. Raises as `connect`."""
        self.check(pairs)
        if pairs:
            await self._change(f":OXC:SWIT:CONN:ONLY {_listed(pairs)}", dict(pairs))
        else:
            await self.off()

    async def disconnect(self, inputs: Iterable[int]) -> None:
        """Part these inputs from their outputs; those joined to none stay so. Raises `LimitError`.

        The others stay joined; `InstrumentError` where the switch tells otherwise.
        """
        inputs = list(inputs)
        self._check(inputs, 1, self.size[0])
        before = await self.connections()
        gone = {a: before[a] for a in inputs if a in before}
        if gone:
            rest = {a: b for a, b in before.items() if a not in gone}
            await self._change(f":OXC:SWIT:CONN:SUB {_listed(gone)}", rest)

    async def off(self) -> None:
        """Nothing joined: dark. Sent once more, unacknowledged, when the link is out of order."""
        command = ":OXC:SWIT:DISC:ALL"
        try:
            await self._change(command, {}, kind="off")
        except LinkError:
            await self._link.blurt(command.encode() + self.end_out)
            raise

    async def port_states(self, ports: Iterable[int]) -> dict[int, PortState]:
        """Which ports are enabled, disabled, or have failed. Raises `LimitError`."""
        ports = list(ports)
        self._check(ports, 1, sum(self.size))
        if not ports:
            return {}
        query = f":OXC:SWIT:PORT:STAT? {_list(ports)}"
        states = await self._ask(query, lambda text: parse_states(text, len(ports)))
        return dict(zip(ports, states, strict=True))

    async def enable(self, ports: Iterable[int]) -> None:
        """Let ports be joined again. Raises `LimitError`; `InstrumentError` for one that fails."""
        await self._switch_ports("ENAB", list(ports), "enabled")

    async def disable(self, ports: Iterable[int]) -> None:
        """Let ports no longer be joined. Raises as `enable`."""
        await self._switch_ports("DIS", list(ports), "disabled")

    async def read_settings(self) -> dict[str, Any]:
        """Size, what is joined, the state of every port, and what is joined when switched on."""
        everything = range(1, sum(self.size) + 1)
        joined = await self.connections()
        states = await self.port_states(everything)
        return {
            "size": list(self.size),
            "connections": {str(a): b for a, b in joined.items()},
            "ports": {str(port): state for port, state in states.items()},
            BOOT_MODE.name: await self._setting(BOOT_MODE, ""),
        }

    async def _switch_ports(self, word: str, ports: list[int], wanted: PortState) -> None:
        self._check(ports, 1, sum(self.size))
        if not ports:
            return
        command = f":OXC:SWIT:PORT:{word} {_list(ports)}"
        await self.tell(command)
        states = await self.port_states(ports)
        if wrong := {port: state for port, state in states.items() if state != wanted}:
            raise InstrumentError(self.name, command, str(wrong), f"not {wanted}")

    async def _change(self, command: str, wanted: dict[int, int], kind: str = "set") -> None:
        await self.tell(command, kind=kind)
        found = await self.connections()
        if found != wanted:
            shown = ", ".join(f"{a} to {b}" for a, b in found.items()) or "nothing"
            hint = "see port_states(); something else may command the switch too"
            raise InstrumentError(self.name, command, f"{shown} is joined", hint)

    async def _ask(self, query: str, parse: Callable[[str], T]) -> T:
        (reply,) = await self.ask(query, answers=1, received=4 * sum(self.size) + 16)
        text = reply.decode("latin-1").strip()
        try:
            return parse(text)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, str(error)) from None

    def _check(self, ports: list[int], low: int, high: int) -> None:
        for port in ports:
            if isinstance(port, bool) or not isinstance(port, int):
                raise TypeError(f"{self.name}: port {port!r} is no whole number")
            if not low <= port <= high:
                raise LimitError(self.name, "port", port, f"ports {low} to {high}")
        if len(set(ports)) != len(ports):
            raise ValueError(f"{self.name}: a port is given twice in {ports}")

    async def _greet(self, link: ByteLink) -> None:
        await super()._greet(link)
        query = ":OXC:SWIT:SIZE?"
        timeout = self._deadline(len(query), 16)
        replies, errors = await self._dialogue.converse(
            link, [query], 1, timeout, closing=self._closing
        )
        text = replies[0].decode("latin-1") if replies else "; ".join(map(str, errors))
        match = _SIZE.fullmatch(text)
        if match is None or errors:
            raise InstrumentError(self.name, query, text, "two numbers were due")
        self.size = (int(match[1]), int(match[2]))


def parse_pairs(text: str) -> dict[int, int]:
    """Read `(@1,2),(@17,18)`; `(@),(@)` is none. Raises `ValueError`."""
    match = _PAIRS.fullmatch(text)
    if match is None:
        raise ValueError("two lists of ports were due")
    first, second = (_numbers(part) for part in match.groups())
    if len(first) != len(second) or len(set(first)) != len(first):
        raise ValueError("the two lists do not go together")
    if len(set(second)) != len(second):
        raise ValueError("an output is joined twice")
    return dict(zip(first, second, strict=True))


def parse_partner(text: str) -> int | None:
    """Read `"18"`; `""` is None. Raises `ValueError`."""
    match = _QUOTED.fullmatch(text)
    if match is None:
        raise ValueError("a port in quotes was due")
    return int(match[1]) if match[1] else None


def parse_states(text: str, count: int) -> list[PortState]:
    """Read `(D,E,F)`. Raises `ValueError`, also for another number of letters."""
    match = _LETTERS.fullmatch(text)
    letters = [] if match is None else [letter.strip() for letter in match[1].split(",")]
    if len(letters) != count or not set(letters) <= set(_STATES):
        raise ValueError(f"{count} letters D, E or F in brackets were due")
    return [_STATES[letter] for letter in letters]


def _numbers(text: str) -> list[int]:
    if not text.strip():
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise ValueError("a list of ports has a gap")
    return [int(part) for part in parts]


def _list(ports: Iterable[int]) -> str:
    return f"(@{','.join(map(str, ports))})"


def _listed(pairs: Mapping[int, int]) -> str:
    return f"{_list(pairs)},{_list(pairs.values())}"
