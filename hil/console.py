"""What all commands share: one line for a user's mistake, exit codes, safe Ctrl-C."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from calibration.record import RecordError
from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.transport.link import LinkError
from hil.bench.errors import BenchFileError, SimulationError
from hil.bench.states import BenchError
from hil.calibrating.errors import CalibrationError
from hil.control.schedule import ScheduleError
from hil.learn.errors import MethodError
from hil.record.folder import RunFolderError
from hil.tasks.task import TaskError
from hil.telemetry.bus import OutletFailed
from hil.telemetry.commands import Stopped
from hil.telemetry.errors import TelemetryError
from hil.twin.errors import RefitError

#: What a user can mend: told in one line, exit code 2.
MENDABLE = (
    BenchError,
    BenchFileError,
    CalibrationError,
    IdentityError,
    InstrumentError,
    LimitError,
    LinkError,
    MethodError,
    OutletFailed,
    RecordError,
    RefitError,
    RunFolderError,
    ScheduleError,
    SimulationError,
    TaskError,
    TelemetryError,
)

EXIT_MENDABLE = 2
EXIT_STOPPED = 3
EXIT_HUNG_UP = 129
EXIT_INTERRUPTED = 130
EXIT_NO_READER = 141
EXIT_TERMINATED = 143


class OneLineParser(argparse.ArgumentParser):
    """Answers wrong options as every other mistake: by one line, and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Leave, saying what was wrong."""
        self.exit(EXIT_MENDABLE, f"error: {message}; see {self.prog} --help\n")


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C: the bench is driven off on the way out."""


class HungUp(KeyboardInterrupt):
    """SIGHUP, the terminal has gone; taken like Ctrl-C."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise HungUp if number == signal.SIGHUP else Terminated


def run_command(command: Callable[[], int]) -> int:
    """Run a command's body; mistakes and interruptions become messages and exit codes."""
    taken = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        taken.append(signal.SIGHUP)
    before = {number: signal.signal(number, _terminate) for number in taken}
    try:
        return command()
    except MENDABLE as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_MENDABLE
    except Stopped as error:
        print(f"{error}; the bench is off", file=sys.stderr)
        return EXIT_STOPPED
    except BrokenPipeError:
        # As with `| head`. Nor can the interpreter write what is left when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NO_READER
    except HungUp:
        print("the terminal has gone; the bench is off", file=sys.stderr)
        return EXIT_HUNG_UP
    except Terminated:
        print("terminated; the bench is off", file=sys.stderr)
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        print("interrupted; the bench is off", file=sys.stderr)
        return EXIT_INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        # The last collection at exit walks a million objects of torch: over a second for nothing.
        gc.freeze()
