"""What all commands share: one line for a user's mistake, exit codes, safe Ctrl-C."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from calibration.record import RecordError
from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.transport.link import LinkError
from hil.bench.errors import BenchFileError
from hil.bench.simulated import SimulationError
from hil.bench.states import BenchError
from hil.calibrating.errors import CalibrationError
from hil.control.schedule import ScheduleError
from hil.learn.settings import MethodError
from hil.record.folder import RunFolderError
from hil.tasks.task import TaskError
from hil.telemetry.commands import Stopped
from hil.telemetry.errors import TelemetryError
from hil.twin.refitting import RefitError

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
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class OneLineParser(argparse.ArgumentParser):
    """Answers wrong options as every other mistake: by one line, and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Leave, saying what was wrong."""
        self.exit(EXIT_MENDABLE, f"error: {message}; see {self.prog} --help\n")


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C: the bench is driven off on the way out."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def run_command(command: Callable[[], int]) -> int:
    """Run a command's body; mistakes and interruptions become messages and exit codes."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return command()
    except MENDABLE as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_MENDABLE
    except Stopped as error:
        print(f"{error}; the bench is off", file=sys.stderr)
        return EXIT_STOPPED
    except Terminated:
        print("terminated; the bench is off", file=sys.stderr)
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        print("interrupted; the bench is off", file=sys.stderr)
        return EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
        # The last collection at exit walks a million objects of torch: over a second for nothing.
        gc.freeze()
