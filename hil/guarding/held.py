"""The guardian as the controller of a bench holds it: started, kept informed, dismissed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.instrument import Identity, Instrument
from hil.bench.file import BenchFile
from hil.bench.states import BenchError
from hil.guarding.line import Line
from hil.guarding.locks import Holder, Locks, take
from hil.guarding.vigil import BEAT, Vigil

Tell = Callable[[str], None]

#: s that a guardian may take to start, on a machine that has much else to do; and to end.
START, END = 60.0, 5.0
#: s from one look at a process to the next.
PAUSE = 0.01
#: s without an answer after which the guardian itself counts as hung.
PATIENCE = 30.0
#: Held, so that none is taken for forgotten: one that has work left outlives its controller.
_left: list[subprocess.Popen[bytes]] = []


def this_command() -> str:
    """What this process is, in words."""
    name = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path("python")
    return f"hil.{name.stem}" if name.parent.name == "hil" else name.name


@dataclass(frozen=True)
class Charge:
    """What a guardian is given: the bench, and which of its instruments no link leads to.

    names : of the instruments whose outputs are driven, by resource.
    """

    file: BenchFile
    simulated: Sequence[str]
    names: Mapping[str, str]

    @property
    def words(self) -> dict[str, Any]:
        """As it is sent."""
        document = {k: v for k, v in self.file.document.items() if k != "plant"}
        return {
            "bench": document,
            "source": self.file.source,
            "simulated": list(self.simulated),
            "pid": os.getpid(),
            "command": this_command(),
        }


class Guardian:
    """A guardian at its work. Use on the loop whose life it watches.

    `trouble` is called once, with a line, when it has gone, hangs, or was asked to end: nobody
    guards the bench any longer.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        line: Line,
        locks: Locks,
        trouble: Callable[[str], None],
    ) -> None:
        self._process = process
        self._line = line
        self._locks = locks
        self._trouble = trouble
        self._loop = asyncio.get_running_loop()
        self._vigil = Vigil(PATIENCE, self._loop.time())
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(line, self._hear)
        self._beat()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def watching(self) -> bool:
        """Whether it is there, and answers."""
        return self._timer is not None and not self._line.gone

    def tell_identities(self, instruments: Sequence[Instrument]) -> None:
        """Tell who answered: others it will not touch."""
        who: dict[str, Identity] = {o.name: o.identity for o in instruments if o.identity}
        self._line.say(
            identities={
                name: [one.maker, one.model, one.serial, one.firmware] for name, one in who.items()
            }
        )

    def tell_folder(self, folder: Path) -> None:
        """Tell where what is under way is kept."""
        self._line.say(folder=str(folder.absolute()))

    async def dismiss(self) -> None:
        """The bench is off, or is meant to stay as it is: the guardian ends and touches nothing."""
        await self._leave(done=True)
        await _within(END, lambda: self._process.poll() is not None)
        self.release()

    async def hand_over(self) -> None:
        """The bench could not be driven off: the guardian goes on trying over links of its own."""
        await self._leave(take=True)
        _left.append(self._process)
        threading.Thread(target=self._process.wait, name="guardian left", daemon=True).start()
        self._locks.release()
        self._line.close()

    def release(self) -> None:
        """Let go of a guardian that has ended, or ends now."""
        self._stop()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._locks.release()
        self._line.close()

    async def _leave(self, **words: Any) -> None:
        self._stop()
        self._line.say(**words)
        await _within(END, lambda: self._line.push() or self._line.gone)

    def _stop(self) -> None:
        self._loop.remove_reader(self._line)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        self._timer = self._loop.call_later(BEAT, self._beat)
        self._line.beat()
        if self._line.gone:
            self._lost(f"the guardian (process {self.pid}) was ended from outside")
        elif self._vigil.look(self._loop.time()) <= 0.0:
            self._lost(f"the guardian (process {self.pid}) hangs: no answer for {PATIENCE:g} s")

    def _hear(self) -> None:
        for word in self._line.hear():
            self._vigil.heard(self._loop.time())
            if "end" in word:
                self._trouble(f"the guardian (process {self.pid}) was asked to end: {word['end']}")
        if self._line.gone:
            self._lost(f"the guardian (process {self.pid}) was ended from outside")

    def _lost(self, why: str) -> None:
        self._stop()
        self._trouble(why)


async def start(charge: Charge, tell: Tell, trouble: Callable[[str], None]) -> Guardian:
    """Take hold of a bench's instruments and start its guardian. Nothing is driven, nothing opened.

    Raises
    ------
    BenchError
        Where another program drives an instrument, or the guardian does not start.
    """
    name = charge.file.name
    locks = await take(charge.names, Holder(name, this_command(), os.getpid()), tell)
    mine, its = socket.socketpair()
    line = Line(mine)
    process: subprocess.Popen[bytes] | None = None
    try:
        with its:
            process = _process(name, its, locks)
        async with asyncio.timeout(START):
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(mine, json.dumps(charge.words, default=str).encode() + b"\n")
            await _ready(line)
        return Guardian(process, line, locks, trouble)
    except BaseException as error:
        if process is not None:
            process.kill()
            process.wait()
        line.close()
        locks.release()
        if not isinstance(error, OSError | _NotReadyError):  # a time-out is an OSError, too
            raise
        why = str(error) or f"not ready after {START:g} s"
        raise BenchError(
            f"the guardian of bench {name}, which drives it off if this program is killed, did not "
            f"start ({why}), so nothing was driven: see what it said above, that there is memory "
            f"and room for a process, and that `{sys.executable} -m hil.guarding` runs here"
        ) from error


async def _within(seconds: float, come: Callable[[], bool]) -> None:
    """Wait until something has come, so many seconds at most."""
    for _ in range(round(seconds / PAUSE)):
        if come():
            return
        await asyncio.sleep(PAUSE)


class _NotReadyError(Exception):
    """A guardian that says that it cannot, or says nothing and ends."""


async def _ready(line: Line) -> None:
    while True:
        for word in line.hear():
            if "failed" in word:
                raise _NotReadyError(str(word["failed"]))
            if "ready" in word:
                return
        if line.gone:
            raise _NotReadyError("it ended")
        await asyncio.sleep(PAUSE)


def _process(name: str, its: socket.socket, locks: Locks) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C at the terminal, and its end, do not reach it."""
    fds = (its.fileno(), *locks.fds)
    search = os.pathsep.join(os.path.abspath(one) for one in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "hil.guarding", name, ",".join(map(str, fds))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=fds,
        # The same code as here. One thread for what little it computes.
        env={**os.environ, "PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1"},
    )
