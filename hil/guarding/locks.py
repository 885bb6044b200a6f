"""Who drives an instrument holds it, so that no two programs do, nor one beside a guardian.

A file a resource is locked (flock). Controller and guardian hold the same lock: it is free when
both have ended, however they end. In it stands who holds it, for those who come too late.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from drivers.transport.resource import ResourceError, SerialResource, parse
from hil.bench.states import BenchError

#: Environment variable that names the folder of the locks.
VARIABLE = "HIL_LOCKS"
#: Without it, whatever TMPDIR says: all programs of the machine must look in one place.
FOLDER = Path("/tmp/hil-locks")
#: s that a holder may take to end, or to show that it is a guardian at work; s that one may work.
MOMENT, PATIENCE = 2.0, 180.0
#: s from one try to the next.
PAUSE = 0.1


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. at_work : whether it is a guardian that drives the bench off."""

    bench: str
    command: str
    pid: int
    at_work: bool = False

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.command} (process {self.pid}, bench {self.bench})"


class Locks:
    """Locks of resources. `fds` are to be inherited by whoever holds them as well."""

    def __init__(self, fds: tuple[int, ...]) -> None:
        self.fds: tuple[int, ...] = fds

    def sign(self, holder: Holder) -> None:
        """Write who holds them."""
        text = json.dumps(asdict(holder)).encode()
        for fd in self.fds:
            with suppress(OSError):
                os.ftruncate(fd, 0)
                os.pwrite(fd, text, 0)

    def release(self) -> None:
        """Let go here; may be called again."""
        fds, self.fds = self.fds, ()
        for fd in fds:
            os.close(fd)


async def take(names: Mapping[str, str], holder: Holder, tell: Callable[[str], None]) -> Locks:
    """Hold resources; `names` are those of their instruments, by resource.

    Waits for a guardian that is at work.

    Raises
    ------
    BenchError
        Where another program drives one of them, or none can be locked.
    """
    waiting = _Waiting(tell)
    while True:
        locks, name, other = _try(names, fcntl.LOCK_EX)
        if locks is not None:
            locks.sign(holder)
            return locks
        if not waiting.may_end(other):
            who = "another program" if other is None else other.text
            raise BenchError(
                f"{name} is in use by {who}: end that first; two programs that drive one bench "
                f"switch it off in each other's way"
            )
        await asyncio.sleep(PAUSE)


async def wait_for_guardian(names: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """For who only looks: wait for a guardian that is at work; others are none of its business.

    Raises as `take`.
    """
    waiting = _Waiting(tell)
    while True:
        locks, name, other = _try(names, fcntl.LOCK_SH)
        if locks is not None:
            locks.release()
            return
        if other is None or not other.at_work:
            return
        if not waiting.may_end(other):
            raise BenchError(f"{name} is in use by {other.text}, which does not end")
        await asyncio.sleep(PAUSE)


class _Waiting:
    """How long a holder is waited for."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told = False
        self._until = time.monotonic() + MOMENT

    def may_end(self, other: Holder | None) -> bool:
        """Whether the holder may still be expected to end."""
        now = time.monotonic()
        if other is not None and other.at_work and not self._told:
            self._told, self._until = True, now + PATIENCE
            self._tell(f"waiting for the guardian of bench {other.bench}, which drives it off")
        return now <= self._until


def resource_key(resource: str) -> str:
    """The same for all spellings of a resource; of a serial port whatever links lead to it."""
    try:
        parsed = parse(resource)
    except ResourceError:
        return resource
    if isinstance(parsed, SerialResource):
        return f"ASRL{os.path.realpath(parsed.device)}"
    return str(parsed).casefold()


def folder() -> Path:
    """Where the locks lie: one place for all users of this machine."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else FOLDER


def _try(names: Mapping[str, str], how: int) -> tuple[Locks | None, str, Holder | None]:
    """The locks; or none, the instrument that is in use, and by whom."""
    fds: list[int] = []
    by_key = {resource_key(resource): name for resource, name in names.items()}
    try:
        for key, name in by_key.items():
            fds.append(_open(key))
            try:
                fcntl.flock(fds[-1], how | fcntl.LOCK_NB)
            except BlockingIOError:
                other = _holder(fds[-1])
                Locks(tuple(fds)).release()
                return None, name, other
            except OSError as error:
                raise _unusable(error) from error
    except BenchError:
        Locks(tuple(fds)).release()
        raise
    return Locks(tuple(fds)), "", None


def _open(key: str) -> int:
    where = folder()
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", key)[:60]
    path = where / f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    plain = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        if not where.is_dir():
            where.mkdir(parents=True, exist_ok=True)
            with suppress(PermissionError):
                where.chmod(0o1777)  # other users' programs must see the same locks
        try:
            # Not created where it is there: a sticky folder's files of others may be opened only.
            return os.open(path, plain)
        except FileNotFoundError:
            with suppress(FileExistsError):
                fd = os.open(path, plain | os.O_CREAT | os.O_EXCL, 0o666)
                os.fchmod(fd, 0o666)
                return fd
            return os.open(path, plain)
    except OSError as error:
        raise _unusable(error) from error


def _holder(fd: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(fd, 4096, 0)))
    except (OSError, ValueError, TypeError):
        return None


def _unusable(error: OSError) -> BenchError:
    why = error.strerror or errno.errorcode.get(error.errno or 0, str(error))
    return BenchError(
        f"no lock can be had in {folder()} ({why}), so nothing was driven: let this user write "
        f"there, or name another folder in {VARIABLE}"
    )
