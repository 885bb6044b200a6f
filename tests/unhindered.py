"""How long something takes by itself, on a machine that may be busy with other things.

Two measures, for a bound that a busy machine keeps and a program that is too slow does not: the
time that a process computes, and the time on the wall in which nothing had to wait for a processor.
A wait that is longer than it need be shows in the second, too much work in the first.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

#: Where Linux tells for how long anything has waited for a processor, if it keeps account of that.
_PRESSURE = Path("/proc/pressure/cpu")


def unhindered() -> float:
    """Give s on a clock that stands still while anything on this machine waits for a processor.

    Where the system does not tell, it never stands still.
    """
    try:
        some = _PRESSURE.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return time.monotonic()
    return time.monotonic() - 1e-6 * int(some.rpartition("total=")[2])


class Ending:
    """The end of a child process, from now on: `taken` is to be read when it was waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
        # User and system time; the name before them may have spaces and brackets in it.
        user, system = fields.rpartition(")")[2].split()[11:13]
        self._spent = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        self._children = _computed_by_children()
        self._began = unhindered()

    @property
    def taken(self) -> float:
        """s: of the time it computed and the time it took unhindered, the longer one."""
        computed = _computed_by_children() - self._children - self._spent
        return max(computed, unhindered() - self._began)


def _computed_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
