"""Conversations with a Qontrol chain: collecting replies, getting back into step, introductions.

The chain answers in order, an error line may come anywhere, and how many lines an answer has
depends on the modules that there are. Source: Qontrol API 1.1.20 and its transcripts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError, OutputFault
from drivers.protocol import qontrol
from drivers.protocol.qontrol import ChainEntry, Fault
from drivers.transport.link import ByteLink, LinkTimeout

QUIET = 0.1
"""Seconds without a byte after which the chain has said all (the USB bridge holds bytes 16 ms)."""
SYNCHRONISING_TRIES = 4


NO_POWER = (
    "its modules have lost their power, and with it all voltages and limits: see to the supply of "
    "the backplane, its fuse and its plug, then start again"
)
NOISE = (
    "noise on its serial line, or another program at the same port: see to cable and USB hub, end "
    "the other program"
)
UNKNOWN_FAULT = "read its error log, and power the backplane off and on; see the maker's manual"
_MENDS: tuple[tuple[frozenset[int], str], ...] = (
    (frozenset({3, 90}), NO_POWER),
    (
        frozenset({1, 2}),
        "a channel tripped (counted within its module): check load, IMAX and VMAX",
    ),
    (
        frozenset({4, 5}),
        "an output does not come to what it is set to: check its load, take it out of the bench "
        "file if it comes again",
    ),
    (
        frozenset({14}),
        "the line is too long for this firmware: lower the option vector_words",
    ),
    (frozenset({12}), "check the option modules against what the backplane holds"),
    (frozenset({15}), NOISE),
    (
        frozenset({10, 11, 13}),
        "a garbled command, or one that this firmware does not know: see to the cable, and compare "
        "its firmware with the one that this driver is for (docs/instruments/qontrol_q8.md)",
    ),
)
"""Codes, and what an operator does about them: the first that fits."""


@dataclass(frozen=True)
class Introduction:
    """What a chain tells of itself: firmware of the first module, and the modules in order."""

    firmware: str
    chain: tuple[ChainEntry, ...]


async def collect(link: ByteLink, lines: int, faults: list[Fault], timeout: float) -> list[bytes]:
    """Read `lines` reply lines, cleaned; fault lines between them are added to `faults`.

    Returns early, with fewer lines, when a fault comes in place of a reply. Raises `LinkTimeout`
    and `LinkClosed`.
    """
    replies: list[bytes] = []
    while len(replies) < lines:
        cleaned = qontrol.clean(await link.read_until(b"\n", timeout))
        fault = qontrol.parse_fault(cleaned)
        if fault is not None:
            faults.append(fault)
            if not fault.unasked:
                return replies
        elif cleaned:
            replies.append(cleaned)
    return replies


@dataclass
class Told:
    """What a chain says from a frame to the answer to the question behind it: lines, cleaned."""

    closing: bytes
    """That answer."""
    begun: bytes = b""
    """What was read already of the first line, or of one whose end is lost."""
    replies: list[bytes] = field(default_factory=list[bytes])
    faults: list[Fault] = field(default_factory=list[Fault])
    mixed: bool = False
    """Whether the first line may be of two: what it replies is not known."""

    def suffices(self, lines: int) -> bool:
        """Whether there are all `lines` replies, or what stands for one."""
        refused = any(not fault.unasked for fault in self.faults)
        return len(self.replies) >= lines or refused or self.mixed

    async def until_closed(self, link: ByteLink, lines: int, timeout: float) -> None:
        """Read until the closing answer ends a line behind `lines` replies (or a refusal).

        An earlier one is a copy of that of another exchange. There may be more replies than `lines`
        then: some came twice. Raises `LinkTimeout` and `LinkClosed`; what came before is kept.
        """
        while True:
            line = self._line(await link.read_until(b"\n", timeout))
            if line.endswith(self.closing):
                if self.suffices(lines):
                    return
                continue
            fault = qontrol.parse_fault(line)
            if fault is not None:
                self.faults.append(fault)
            elif line:
                self.replies.append(line)

    def _line(self, read: bytes) -> bytes:
        """The line that was read, cleaned: with its begin, or alone, whichever has a known form."""
        if not self.begun:
            return qontrol.clean(read)
        whole, alone, self.begun = qontrol.clean(self.begun + read), qontrol.clean(read), b""
        for line in (whole, alone):
            if line == b"OK" or line.endswith(self.closing) or qontrol.parse_fault(line):
                return line
        self.mixed = True
        return b""


async def until_quiet(link: ByteLink, first: float = QUIET) -> bool:
    """Discard input until none comes for a while; True when there was any."""
    heard = bool(await link.drain_input())
    wait = first
    while True:
        try:
            await link.read_exactly(1, wait)
        except LinkTimeout:
            return heard
        heard = True
        wait = QUIET
        await link.drain_input()


async def synchronise(link: ByteLink, timeout: float) -> None:
    """Make sure that the next reply belongs to the next question.

    The chain answers in order, so all before the answer to a marker question is old; silence after
    it shows that the answer was not that of an earlier marker. Raises `LinkTimeout`.
    """
    for _ in range(SYNCHRONISING_TRIES):
        await until_quiet(link)
        await link.write(b"\n" + qontrol.ask("firmware"))
        while not qontrol.ends_in_firmware(qontrol.clean(await link.read_until(b"\n", timeout))):
            pass  # noise and the begin of a line may stand before it
        if not await until_quiet(link):
            return
    raise LinkTimeout(f"{link.name} does not stop talking; power it off and on")


async def introduce(link: ByteLink, name: str, timeout: float) -> Introduction:
    """Get into step and ask the chain who it is.

    A chain that has not been numbered since power-up is numbered; outputs are left as they are.
    Raises `InstrumentError` for answers that make no sense, `LinkTimeout`, `LinkClosed`.
    """
    await synchronise(link, timeout)
    firmware = (await _ask(link, name, "firmware", 1, timeout))[0]
    if not qontrol.is_firmware(firmware):
        raise InstrumentError(
            name, "firmware?", firmware.decode("latin-1"),
            "firmware before 2 repeats each command, which this driver does not follow",
        )  # fmt: skip
    chain = await list_modules(link, name, timeout)
    if [entry.index for entry in chain] != list(range(len(chain))):
        await renumber(link, timeout)
        chain = await list_modules(link, name, timeout)
    if not chain or [entry.index for entry in chain] != list(range(len(chain))):
        shown = ", ".join(f"{entry.model}-{entry.serial}: {entry.index}" for entry in chain)
        raise InstrumentError(name, "NUPALL?", shown, "check the backplane's daisy chain")
    return Introduction(firmware.decode("latin-1"), tuple(chain))


async def full_scales(
    link: ByteLink, name: str, modules: int, timeout: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Full scales of the modules in V and A, (modules,) each. Raises as `introduce`."""
    scales: list[NDArray[np.float64]] = []
    for command, unit in (("VFULL", "V"), ("IFULL", "A")):
        lines = await _ask(link, name, command, modules, timeout, "ALL")
        try:
            scales.append(np.array([qontrol.parse_value(line, unit) for line in lines]))
        except ValueError as error:
            shown = b", ".join(lines).decode("latin-1")
            raise InstrumentError(name, f"{command}ALL?", shown, str(error)) from None
    return scales[0], scales[1]


def fault_error(name: str, command: str, faults: list[Fault]) -> InstrumentError:
    """The error that names the faults of an exchange, and what to look at."""
    codes = {fault.code for fault in faults}
    hint = next((mend for of, mend in _MENDS if codes & of), UNKNOWN_FAULT)
    kind = OutputFault if any(fault.unasked for fault in faults) else InstrumentError
    return kind(name, command, ", ".join(map(str, faults)), hint)


async def lines_until_quiet(link: ByteLink, timeout: float, begun: bytes = b"") -> list[bytes]:
    """The lines of an answer whose length is not known, cleaned; of the first one, `begun` was read
    already. Raises `LinkClosed`.
    """
    lines: list[bytes] = []
    while True:
        try:
            line = await link.read_until(b"\n", QUIET if lines else timeout)
        except LinkTimeout:
            return lines
        lines.append(qontrol.clean(begun + line))
        begun = b""


async def renumber(link: ByteLink, timeout: float) -> None:
    """Number the modules of the chain anew, from 0; outputs are left as they are."""
    await link.write(b"NUP=0\n")
    await until_quiet(link, first=timeout)


async def list_modules(link: ByteLink, name: str, timeout: float) -> list[ChainEntry]:
    """The answer to `NUPALL?`. Raises `InstrumentError`, `LinkClosed`."""
    await link.write(qontrol.ask("NUP", "ALL"))
    lines = await lines_until_quiet(link, timeout)
    try:
        return [qontrol.parse_chain_entry(line) for line in lines]
    except ValueError as error:
        shown = b", ".join(lines).decode("latin-1")
        raise InstrumentError(name, "NUPALL?", shown, str(error)) from None


async def _ask(
    link: ByteLink, name: str, command: str, lines: int, timeout: float, channel: str = ""
) -> list[bytes]:
    faults: list[Fault] = []
    await link.write(qontrol.ask(command, channel))
    replies = await collect(link, lines, faults, timeout)
    if faults:
        raise fault_error(name, f"{command}{channel}?", faults)
    return replies
