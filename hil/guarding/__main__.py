"""The guardian process: `python -m hil.guarding BENCH FDS`, started by whoever opens a bench.

It ends when the bench needs it no longer, or when it has driven the bench off; in any case some
time after its controller has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from drivers.instrument import Identity, Instrument
from drivers.transport.link import ByteLink, LinkClosed
from drivers.transport.real import RealConnector
from drivers.transport.resource import link_kind, parse
from hil.bench.assembly import assemble
from hil.bench.by_hand import tasks_of
from hil.bench.file import BenchFile, from_document
from hil.guarding.line import Line
from hil.guarding.locks import Holder, Locks
from hil.guarding.making_safe import LAST, make_safe
from hil.guarding.telling import Teller
from hil.guarding.watching import Watch

#: s beyond the ramp and all tries after which the guardian ends, whatever it has come to.
LIMIT = LAST + 60.0
#: s that telling so may take then.
END_TELLING = 2.0
#: s that a controller may take to say what is to be guarded.
HANDSHAKE = 30.0
#: Kinds of links that go through VISA.
VISA = frozenset({"usb", "gpib", "vxi11", "hislip"})
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE)
EXIT_SAFE, EXIT_UNSAFE, EXIT_NOT_STARTED = 0, 1, 2


class NoLinks:
    """To instruments in the memory of the controller, which no link leads to."""

    async def serial(self, device: str, baud: int) -> ByteLink:
        """Refuse."""
        raise LinkClosed(f"{device}: simulated, in the controller's memory")

    async def tcp(self, host: str, port: int) -> ByteLink:
        """Refuse."""
        raise LinkClosed(f"{host}:{port}: simulated, in the controller's memory")

    async def visa(self, resource: str) -> ByteLink:
        """Refuse."""
        raise LinkClosed(f"{resource}: simulated, in the controller's memory")


def load_visa(instruments: Iterable[Instrument]) -> None:
    """Load what VISA links need, where there are any: it takes long, and memory."""
    if any(link_kind(parse(one.resource)) in VISA & set(one.links) for one in instruments):
        import drivers.transport.visa  # noqa: F401

        with suppress(ImportError):  # another VISA library serves them
            import pyvisa_py  # noqa: F401


def charged(line: Line) -> dict[str, Any] | None:
    """What is to be guarded; None where the controller has gone."""
    until = time.monotonic() + HANDSHAKE
    while time.monotonic() < until and not line.gone:
        for word in line.hear():
            if "bench" in word:
                return word
        time.sleep(0.01)
    return None


def guard(line: Line, locks: Locks, charge: dict[str, Any]) -> int:
    """Watch, and drive off where it is due; gives the exit code."""
    try:
        file = from_document(charge["bench"], source=charge["source"])
        real, none = RealConnector(), NoLinks()
        simulated = frozenset(charge["simulated"])
        connectors = {o.name: none if o.name in simulated else real for o in file.instruments}
        # All is loaded now, not when it is too late.
        parts = assemble(file, connectors)
        load_visa(one for one in parts.instruments if one.name not in simulated)
    except Exception as error:
        line.say(failed=f"{type(error).__name__}: {error}")
        return EXIT_NOT_STARTED
    tell = Teller(file.name)

    def tell_there(text: str) -> None:
        tell.folder = watch.folder
        tell(text)

    watch = Watch(line, charge["pid"], file.guardian.patience, file.chip.ramp_time, tell_there)
    signal.signal(signal.SIGTERM, lambda number, frame: setattr(watch, "asked", True))
    line.say(ready=True)
    why = watch.until_due()
    if not why:
        tell.finish()
        return EXIT_SAFE
    _end_in_any_case(tell, file.chip.ramp_time)
    tell.folder = watch.folder
    locks.sign(Holder(file.name, "its guardian", os.getpid(), at_work=True))
    tell(f"{why}; driving the bench off")
    for one in parts.instruments:
        if one.name in watch.identities:
            one.identity = Identity(*watch.identities[one.name])
    failed = asyncio.new_event_loop().run_until_complete(
        make_safe(parts, file.chip, tell, lambda one: one.name not in simulated)
    )
    conclude(file, tell, why, failed)
    tell.finish()
    return EXIT_UNSAFE if failed else EXIT_SAFE


def conclude(file: BenchFile, tell: Teller, why: str, failed: list[str]) -> None:
    """Say and enter what became of the bench, and what is left to do by hand."""
    for failure in failed:
        tell(f"FAILED to make safe: {failure}")
    if failed:
        tell(f"bench {file.name} is NOT safe: switch off by hand what is named above")
    else:
        tell(f"bench {file.name} is off")
    for task in tasks_of(file).values():
        tell(f"BY HAND, now that the bench is off: {task.name}: {task.undo}")
    tell.record(why, failed)


def _end_in_any_case(tell: Teller, ramp_time: float) -> None:
    def end() -> None:
        tell("FAILED to make safe in time; the guardian ends: switch the bench off by hand")
        tell.finish(END_TELLING)
        os._exit(EXIT_UNSAFE)

    timer = threading.Timer(LIMIT + 2.0 * ramp_time, end)
    timer.daemon = True
    timer.start()


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point. Ends without waiting for threads: one may be stuck in a port."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)  # what drivers log is told by what they raise
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) != 2:
        sys.exit("hil.guarding is started by what opens a bench; see docs/safety.md")
    end, *held = (int(fd) for fd in words[1].split(","))
    line, locks = Line(socket.socket(fileno=end)), Locks(tuple(held))
    charge = charged(line)
    os._exit(EXIT_NOT_STARTED if charge is None else guard(line, locks, charge))


if __name__ == "__main__":
    main()
