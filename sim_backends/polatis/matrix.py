"""The switch: what is joined, what the light does meanwhile, ports that are off or broken.

Sources: the fact sheet (public clients, several of which quote the manual), and the clients again
for the reply of a port that is joined to none (`""`), `*OPC?`, the boot mode and the CR LF that
ends replies. Our own choice, since they do not say: numbers of refusals, what becomes of a port
that is joined already (`in_use`), the time a change takes, that the state told is the one asked for
while it still goes on, and that parting ports which are not joined does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from sim_backends.engine.common import add_all_errors, plain
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, channel_list, integer
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.instrument import Door, OwnFault

PORT = 5025
SWITCH = "OXC:SWITch"
Suffixes = tuple[int, ...]


class Fibres(Protocol):
    """What the light goes through."""

    def routed(self, ways: Mapping[int, int]) -> None:
        """From now on light goes these ways, input to output; all else is dark."""
        ...


class Dark:
    """No light anywhere."""

    def routed(self, ways: Mapping[int, int]) -> None:
        """Nobody sees it."""


class Polatis(ScpiDevice):
    """A matrix of `inputs` by `outputs`: ports 1 to inputs, and from there on.

    `ways` is what light goes through at this moment: a port on its way to another is dark.
    """

    dialect = Dialect(reply_end=b"\r\n", common_resets_path=False, queue_depth=32)

    def __init__(
        self,
        now: Callable[[], float],
        inputs: int = 16,
        outputs: int = 16,
        *,
        serial: str = "002414",
        firmware: str = "6.5.2.18",
        switching_time: float = 0.025,
        in_use: Literal["moves", "refused"] = "moves",
        fibres: Fibres | None = None,
    ) -> None:
        """`switching_time`: s of a change; `in_use`: what becomes of a port joined already."""
        model = f"I-OST-{inputs}x{outputs}-LU1-DMHNS"
        super().__init__(now, f"Polatis,{model},{serial},{firmware}")
        self.inputs, self.outputs = inputs, outputs
        self.joined: dict[int, int] = {}
        self.ways: dict[int, int] = {}
        self.disabled: set[int] = set()
        self.failed: set[int] = set()
        self._time = switching_time
        self._in_use = in_use
        self.fibres: Fibres = Dark() if fibres is None else fibres
        self.settings.choice("boot", "OXC:BOOT:MODE", ("DARK", "RESTore", "AUTosave"), "DARK")
        self._enter()

    @property
    def doors(self) -> tuple[Door, ...]:
        """A raw socket."""
        return (Door("tcp", PORT, self.converse),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`broken`: a port fails, by its number; its light goes out, and it cannot be joined."""

        def make(value: str) -> Callable[[], None]:
            if not value.isdigit() or not 1 <= int(value) <= self.inputs + self.outputs:
                raise ValueError(f"{value!r} is no port, 1 to {self.inputs + self.outputs}")
            return lambda: self._break(int(value))

        return {"broken": make}

    def reset(self) -> None:
        """*RST: nothing joined."""
        super().reset()
        self._change({})

    def _break(self, port: int) -> None:
        self.failed.add(port)
        self._change({a: b for a, b in self.joined.items() if port not in (a, b)})

    def _change(self, joined: dict[int, int]) -> None:
        """Join these and no others; what is new is dark until the mirrors have moved."""
        if joined == self.joined:
            return
        self.joined = joined
        self._lit({a: b for a, b in self.ways.items() if joined.get(a) == b})
        if any(pair not in self.ways.items() for pair in joined.items()):
            self.operations.begin_for(self._time, lambda: self._arrive(joined))

    def _arrive(self, joined: dict[int, int]) -> None:
        if joined is self.joined:  # else it was changed again meanwhile
            self._lit(dict(joined))

    def _lit(self, ways: dict[int, int]) -> None:
        if ways != self.ways:
            self.ways = ways
            self.fibres.routed(ways)

    # -- commands ---------------------------------------------------------------------------------

    def _enter(self) -> None:
        add = self.commands.add
        add(f"{SWITCH}:SIZE?", plain(lambda session: f"{self.inputs},{self.outputs}"))
        add(f"{SWITCH}:CONNect:ADD", lambda s, n, text: self._add(text))
        add(f"{SWITCH}:CONNect:ONLY", lambda s, n, text: self._only(text))
        add(f"{SWITCH}:CONNect:SUB", lambda s, n, text: self._sub(text))
        add(f"{SWITCH}:CONNect:STATe?", plain(lambda session: self._state()))
        add(f"{SWITCH}:CONNect:PORT?", self._partner)
        add(f"{SWITCH}:DISConnect:ALL", plain(lambda session: self._change({})))
        add(f"{SWITCH}:PORT:STATe?", self._port_states)
        add(f"{SWITCH}:PORT:DISable", lambda s, n, text: self._disable(self._ports(text)))
        add(f"{SWITCH}:PORT:ENABle", lambda s, n, text: self._enable(self._ports(text)))
        add("SYSTem:COMMunicate:NETWork:ADDRess?", plain(lambda session: ADDRESS))
        add_all_errors(self.commands)

    def _ports(self, text: str) -> list[int]:
        (one,) = arguments(text, 1, 1)
        return channel_list(one, 1, self.inputs + self.outputs)

    def _pairs(self, text: str) -> dict[int, int]:
        """The pairs of two lists. Raises `ScpiError`."""
        first, second = arguments(text, 2, 2)
        inputs = channel_list(first, 1, self.inputs)
        outputs = channel_list(second, self.inputs + 1, self.inputs + self.outputs)
        if len(inputs) != len(outputs):
            raise ScpiError(-226)
        if len(set(inputs)) != len(inputs) or len(set(outputs)) != len(outputs):
            raise ScpiError(-221)
        for port in (*inputs, *outputs):
            if port in self.failed:
                raise ScpiError(-240)
            if port in self.disabled:
                raise ScpiError(-221)
        return dict(zip(inputs, outputs, strict=True))

    def _add(self, text: str) -> None:
        pairs = self._pairs(text)
        ends = set(pairs.values())
        old = {a: b for a, b in self.joined.items() if (a in pairs or b in ends)}
        if self._in_use == "refused" and any(pairs.get(a) != b for a, b in old.items()):
            raise ScpiError(-221)
        kept = {a: b for a, b in self.joined.items() if a not in old}
        self._change(kept | pairs)

    def _only(self, text: str) -> None:
        self._change(self._pairs(text))

    def _sub(self, text: str) -> None:
        first, second = arguments(text, 2, 2)
        inputs = channel_list(first, 1, self.inputs)
        outputs = channel_list(second, self.inputs + 1, self.inputs + self.outputs)
        if not outputs:  # `(@1,2),(@)`: whatever they are joined to
            self._change({a: b for a, b in self.joined.items() if a not in inputs})
            return
        if len(inputs) != len(outputs):
            raise ScpiError(-226)
        gone = dict(zip(inputs, outputs, strict=True))
        self._change({a: b for a, b in self.joined.items() if gone.get(a) != b})

    def _state(self) -> str:
        pairs = sorted(self.joined.items())
        first = ",".join(str(a) for a, _ in pairs)
        second = ",".join(str(b) for _, b in pairs)
        return f"(@{first}),(@{second})"

    def _partner(self, session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
        port = integer(arguments(text, 1, 1)[0], 1, self.inputs + self.outputs)
        both_ways = self.joined | {b: a for a, b in self.joined.items()}
        return f'"{both_ways.get(port, "")}"'

    def _port_states(self, session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
        ports = list(range(1, self.inputs + self.outputs + 1))
        if text.strip():
            ports = self._ports(text)
        return f"({','.join(map(self._letter, ports))})"

    def _letter(self, port: int) -> str:
        if port in self.failed:
            return "F"
        return "D" if port in self.disabled else "E"

    def _disable(self, ports: list[int]) -> None:
        self.disabled.update(ports)
        self._change({a: b for a, b in self.joined.items() if a not in ports and b not in ports})

    def _enable(self, ports: list[int]) -> None:
        self.disabled.difference_update(ports)


ADDRESS = 'IP="192.168.1.1" Gateway="0.0.0.0" Mask="255.255.255.0" Broadcast="192.168.1.255"'
