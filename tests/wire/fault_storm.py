"""A storm of faults over one driver and its simulated instrument: the rules, for any model.

Before each operation a fault is ordered for one of its replies. The operation must end in what is
true of the simulated instrument, or in a typed error in time; the next one, without a fault, must
do what it is for. Truth is asked of the instrument itself, past link and driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from drivers.errors import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.registry import load
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from sim_backends import catalogue, faults
from sim_backends.faults import Fate, LinkFaults, Trouble
from sim_backends.host.clock import BenchClock
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.instrument import Placement
from sim_backends.virtual_time import VirtualTimeLoop

COPY_BYTES = 24
"""Bytes of an acknowledgement, where all are alike: those of text are no longer."""

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
TYPED = (InstrumentError, LinkError, LimitError)
TIMEOUT = 1.0
CONFLICT = "-221,"
"""SCPI's refusal of a setting that another one forbids: no fault of anybody's."""
OUT_OF_RANGE = "-222,"
"""SCPI's refusal of a value out of range."""
SPOKEN = 0.1
"""s after which what was asked has been answered."""
DRAWS = 12
"""Values that a quantity must take before it is one that takes any."""
DEEPEST = 4
"""Replies of an operation among which the one that suffers is drawn."""

Operation = Callable[["Storm"], Awaitable[None]]
"""Does something with the driver; raises `AssertionError` where what it ends in is not true."""
Place = tuple[Quantity, int | str]
"""A quantity of a channel."""


@dataclass(frozen=True)
class Plan:
    """What is drawn for one model, beside its declared quantities.

    `skip`: quantities that are left alone, since `operations` do what they are for. `patience`: s
    of virtual time that an operation may take at most. `narrowed`: quantities whose range another
    setting narrows, so that a value may be refused. `rounding`: of what is told, a share of it.
    `tells_copies`: whether the driver tells a copy of a reply from the next one, whenever it comes
    and whatever else goes wrong.
    """

    operations: Sequence[Operation] = ()
    options: dict[str, Any] = field(default_factory=dict)
    simulated: dict[str, Any] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()
    narrowed: frozenset[str] = frozenset()
    rounding: float = 1e-6
    begin: Operation | None = None
    outputs: Callable[[Storm], None] = lambda storm: None
    safe: Callable[[Storm], None] = lambda storm: None
    truth: Callable[[Storm, Quantity, int | str], Value] | None = None
    patience: float = 20.0
    tells_copies: bool = False


class Storm:
    """One model, its simulated instrument, and the dice."""

    def __init__(self, model: str, plan: Plan, seed: int) -> None:
        self.model = model
        self.plan = plan
        self.dice = random.Random(crc32(f"{model} {seed}".encode()))
        self.faults = LinkFaults(self.dice.randrange(2**32))
        self.befallen = 0
        self.right = 0
        self.refused = 0
        self.due = 0.0
        self.copies_due = 0.0
        self.network = MemoryNetwork()
        placement = Placement(clock=BenchClock(), seed=1, options=plan.simulated)
        self.device: Any = catalogue.build(model, placement)
        self.readable: list[Place] = []
        self.settable: list[Place] = []
        timing = LinkTiming(1e-3, 1e5)
        links = load(model).links
        resource = ""
        # A serial port, where there is one: the link on which most can go wrong.
        for door in sorted(self.device.doors, key=lambda door: door.kind != "serial"):
            if door.kind == "udp":  # asks who is there, no more
                continue
            where, kinds = _WHERE[door.kind]
            if door.kind == "message" and "hislip" not in links:
                where = "GPIB0::12::INSTR" if "gpib" in links else _USB
            where = where.format(port=door.port)
            connected = client_connected(door.converse, timing, self.faults)
            self.network.listen(where, connected, stream=door.kind != "message")
            if not resource and set(kinds) & set(links):
                resource, self.door = where, door
        assert resource, f"the simulated {model} has no door that its driver knows"
        self.driver: Any = load(model)(
            "thing", resource, self.network, link=LINK, timeout=TIMEOUT, **plan.options
        )

    # -- what is true ------------------------------------------------------------------------------

    def ask(self, question: bytes) -> bytes:
        """What the instrument says to a client of its own, whose link is in order."""
        said = bytearray()
        client = self.door.converse(said.extend)
        client.receive(question)
        client.close()
        return bytes(said)

    def truth(self, quantity: Quantity, channel: int | str) -> Value:
        """The quantity as the instrument has it."""
        if self.plan.truth is not None:
            return self.plan.truth(self, quantity, channel)
        assert isinstance(self.driver, ScpiInstrument)
        question = quantity.query(channel).encode("ascii") + self.driver.end_out
        return quantity.parse(self.ask(question).decode("latin-1"))

    async def survey(self) -> None:
        """Find what can be read and set in this state, by doing it without faults."""
        if self.plan.truth is None and not isinstance(self.driver, ScpiInstrument):
            return
        for quantity in self.driver.quantities:
            if quantity.name in self.plan.skip or quantity.measured:
                continue
            for channel in self._channels(quantity):
                place = (quantity, channel)
                try:
                    if quantity.readable and self.same(
                        await self.driver.get(*place), self.truth(*place)
                    ):
                        self.readable.append(place)
                        if quantity.writable and await self._keeps(place):
                            self.settable.append(place)
                except InstrumentError:
                    pass  # not in this state

    def _channels(self, quantity: Quantity) -> Sequence[int | str]:
        if not quantity.has_channels:
            return ("",)
        if quantity.channels:
            return quantity.channels
        return getattr(self.driver, "channels", ("",))

    async def _keeps(self, place: Place) -> bool:
        """Whether it takes drawn values as they are: some are rounded, or depend on others."""
        quantity, channel = place
        before = self.truth(*place)
        drawn = [self.value(quantity) for _ in range(DRAWS)]
        if quantity.kind is bool or quantity.choices:  # all of them, not four times the same
            drawn += (True, False) if quantity.kind is bool else quantity.choices
        try:
            for value in drawn:
                await self.driver.set(quantity, value, channel)
                if not self.same(self.truth(*place), value):
                    return False
        except (InstrumentError, ValueError):
            return False
        finally:
            with contextlib.suppress(LimitError):  # narrower than what it had
                await self.driver.set(quantity, before, channel)
        return True

    def value(self, quantity: Quantity) -> Value:
        """A legal value, hardly ever the same twice."""
        if quantity.kind is bool:
            return self.dice.random() < 0.5
        if quantity.choices:
            return self.dice.choice(quantity.choices)
        if quantity.kind is int:
            return self.dice.randint(int(quantity.low), int(quantity.high))
        return round(self.dice.uniform(quantity.low, quantity.high), 3)

    # -- what is done ------------------------------------------------------------------------------

    async def read(self) -> None:
        """Read a quantity."""
        place = self.dice.choice(self.readable)
        told = await self.driver.get(*place)
        assert self.same(told, self.truth(*place)), f"{place[0].name} {place[1]} read as {told!r}"

    async def write(self) -> None:
        """Set a quantity, and read it."""
        place = quantity, channel = self.dice.choice(self.settable)
        before, value = self.truth(*place), self.value(quantity)
        try:
            await self.driver.set(quantity, value, channel)
        except TYPED:
            has = self.truth(*place)
            assert self.same(has, value) or self.same(has, before), (
                f"{quantity.name} became {has!r}"
            )
            raise
        has = self.truth(*place)
        assert self.same(has, value), (
            f"{quantity.name} {channel} was set to {value!r} and is {has!r}"
        )
        told = await self.driver.get(*place)
        assert self.same(told, value), f"{quantity.name} {channel} is {value!r} and reads {told!r}"

    async def off(self) -> None:
        """Everything off."""
        await self.driver.off()
        self.plan.safe(self)

    async def settings(self) -> None:
        """All settings at once: each is true, or a refusal."""
        told = await self.driver.read_settings()
        for quantity, channel in self.readable:
            one = told[quantity.name]
            if channel != "":
                one = one[str(channel)]
            if not isinstance(one, dict):
                assert self.same(one, self.truth(quantity, channel)), (
                    f"{quantity.name} told as {one!r}"
                )

    def same(self, told: Any, true: Any) -> bool:
        """Whether two values are one, as this model tells them."""
        return same(told, true, self.plan.rounding)

    def trouble(self, alone: bool) -> Trouble:
        """One of all that can befall a reply.

        A copy only where nothing else goes wrong: an answer lost and an acknowledgement doubled
        make a whole exchange again, which nobody can tell where replies carry no number.
        """
        dice = self.dice
        noise = bytes(dice.randrange(0x80, 0x100) for _ in range(dice.randint(1, 8)))
        kinds = [
            faults.silence(), faults.garbage(), faults.garbage(noise), faults.late(0.3),
            faults.late(dice.uniform(0.9, 1.5)), faults.late(3.0),
            torn(dice.random(), 0.2), torn(dice.random(), 1.5),
            faults.truncate(dice.randint(0, 12)), replaced(noise), replaced(noise + b"\r\n"),
            faults.drop(),
        ]  # fmt: skip
        if self.plan.tells_copies:
            kinds += [faults.duplicate(), faults.duplicate(dice.choice((1e-3, 0.02, 0.3)))] * 2
        elif alone and self.door.kind == "serial":
            kinds += [faults.duplicate()] * 2
        elif alone and self.door.kind in ("tcp", "http"):  # by an instrument that says it twice
            kinds += [lambda reply: Fate(((reply * 2, 0.0),))] * 2
        if alone and self.door.kind in ("serial", "tcp", "http"):
            kinds += [faults.copied(10.0 ** dice.uniform(-3.5, 0.3)) for _ in range(4)]
        befalls = dice.choice(kinds)

        def counted(reply: bytes) -> Fate:
            self.befallen += 1
            fate = befalls(reply)
            owed = sum(delay for _, delay in fate.parts)
            if len(reply) > COPY_BYTES and len(fate.parts) > 1:
                owed = 3.0  # a long copy comes bit by bit in truth, here all at its end
            now = asyncio.get_running_loop().time()
            self.due = max(self.due, now + owed)
            self.copies_due = max([self.copies_due, *(now + delay for _, delay in fate.copies)])
            return fate

        return counted

    def order(self) -> None:
        """Mostly one fault for one reply; now and then several, or any reply by chance."""
        if self.dice.random() < 0.1:
            self.faults.by_chance(0.3, self.trouble(False))
            return
        for _ in range(self.dice.randrange(DEEPEST)):
            self.faults.order(lambda reply: Fate(((reply, 0.0),)))
        count = self.dice.choice((1, 1, 1, 2))
        for _ in range(count):
            self.faults.order(self.trouble(count == 1))

    async def step(self, operation: Operation) -> None:
        """One operation in trouble, and one without."""
        self.order()
        try:
            await self.in_time(operation)
            self.right += 1
        except TYPED as error:
            self.refused += 1
            if isinstance(error, LinkError):
                told = str(error)
                assert told.startswith("thing"), f"no instrument is named: {told}"
                assert "; " in told, f"no mend is named: {told}"
        self.plan.outputs(self)
        self.faults.clear()
        await self.until_copies_came()
        owed = self.due - asyncio.get_running_loop().time()
        if owed > 0.9 * TIMEOUT:  # no link can be used before what it owes has come
            await asyncio.sleep(owed + 0.1)
        elif self.dice.random() < 0.3:
            await asyncio.sleep(self.dice.choice((1e-3, 0.05, 2.5)))
        try:
            await self.in_time(self.dice.choice(self.operations))
        except LimitError:
            pass  # what it holds now forbids what was drawn
        except InstrumentError as error:
            if CONFLICT not in error.reply and not self._narrowed(error):
                raise
        self.plan.outputs(self)

    def _narrowed(self, error: InstrumentError) -> bool:
        """Whether a value was refused whose range another setting has narrowed."""
        names = self.plan.narrowed
        heads = [q.header() for q in self.driver.quantities if q.name in names]
        return OUT_OF_RANGE in error.reply and any(error.command.startswith(f"{head} ")
                                                   for head in heads)  # fmt: skip

    async def until_copies_came(self) -> None:
        """Until no copy is on its way, nor what one stood for: it may have been taken for the
        end of an exchange. What is done meanwhile may meet one: right, or refused.
        """
        loop = asyncio.get_running_loop()
        while (left := self.copies_due - loop.time()) > -SPOKEN:
            if self.dice.random() < 0.3 or left < 0.0:
                await asyncio.sleep(left + SPOKEN)
                return
            with contextlib.suppress(*TYPED):
                await self.in_time(self.dice.choice(self.operations))
            self.plan.outputs(self)

    async def in_time(self, operation: Operation) -> None:
        """Do it, in time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(10.0 * self.plan.patience):  # a hang ends here
            await operation(self)
        took = loop.time() - began
        assert took < self.plan.patience, f"it took {took:g} s"

    @property
    def operations(self) -> list[Operation]:
        """All that is drawn from; switching off is none where that says nothing to the instrument,
        since no link recovers by it.
        """
        mute = type(self.driver).off is ScpiInstrument.off and not any(
            quantity.safe is not None for quantity in self.driver.quantities
        )
        every: list[Operation] = [] if mute else [Storm.off]
        if self.readable:
            every += [Storm.read] * 4
        if self.settable:
            every += [Storm.write] * 4
        return every + list(self.plan.operations) * 2

    async def rage(self, count: int) -> None:
        """Until `count` faults have befallen."""
        try:
            async with self.driver:
                await self.survey()
                if self.plan.begin is not None:
                    await self.plan.begin(self)
                step = 0
                while self.befallen < count:
                    step += 1
                    operation = self.dice.choice(self.operations)
                    try:
                        await self.step(operation)
                    except BaseException as error:
                        error.add_note(f"{self.model}: step {step}, {operation.__name__}")
                        raise
        finally:
            await self.network.close()


def torn(where: float, pause: float) -> Trouble:
    """It comes in two pieces, neither of them empty."""

    def tear(reply: bytes) -> Fate:
        return faults.split(max(1, int(where * len(reply))), pause)(reply)

    return tear


def replaced(reply: bytes) -> Trouble:
    """Something else comes instead."""
    return lambda _: Fate(((reply, 0.0),))


def same(told: Any, true: Any, rounding: float = 1e-6) -> bool:
    """Whether two values are one, but for rounding."""
    if isinstance(told, bool | str) or isinstance(true, bool | str):
        return told == true
    return math.isclose(told, true, rel_tol=rounding, abs_tol=1e-13)


def rage(model: str, plan: Plan, count: int, seed: int = 0) -> Storm:
    """Let a storm of `count` faults rage in virtual time."""
    storm: list[Storm] = []

    async def whole() -> None:
        storm.append(Storm(model, plan, seed))
        await storm[0].rage(count)

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(whole())
    return storm[0]


_USB = "USB::0x1313::0x8078::P1::0::INSTR"
_WHERE: dict[str, tuple[str, tuple[str, ...]]] = {
    "serial": ("ASRL/dev/instrument::INSTR", ("serial",)),
    "tcp": ("TCPIP::instrument::{port}::SOCKET", ("tcp",)),
    "http": ("TCPIP::instrument::{port}::SOCKET", ("tcp",)),
    "message": ("TCPIP::instrument::hislip0::INSTR", ("hislip", "usb", "gpib")),
}
