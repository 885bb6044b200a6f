"""`python -m hil.calibrate iv`: the laws of heaters, measured, told and kept."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from calibration.heater_sweep import HeaterSweep
from hil.bench.by_hand import by_hand
from hil.bench.entry import make_core, plant_overlay
from hil.bench.file import load
from hil.bench.loop_thread import LoopThread
from hil.bench.states import BenchError, BenchState
from hil.calibrating.folder import CalibrationFolder
from hil.calibrating.heater_report import (
    CURVES,
    OK,
    READINGS,
    Measured,
    table_lines,
    verdict,
    write_files,
)
from hil.calibrating.heaters import (
    Measuring,
    check_assumed,
    check_meter,
    heaters_asked,
    measure_heaters,
)
from hil.checking.channels import WiredHeater
from hil.console import MENDABLE

EXIT_BAD = 1


def iv(asked: argparse.Namespace) -> int:
    """Measure the law of heaters by their current and voltage."""
    how = by_hand(asked)
    assumed = how["assume"]
    how["assume"] = tuple(name for name in assumed if name != asked.meter)
    file = load(asked.bench, plant_overlay(asked.severity, asked.plant_seed))
    heaters = heaters_asked(file, asked.element)
    core = make_core(file, backend=asked.backend, **how)
    check_meter(core, asked.meter)
    check_assumed(asked.meter, heaters, assumed)
    settle = file.timing.settle if asked.settle is None else asked.settle
    measuring = Measuring(asked.levels, settle, asked.meter)
    folder = CalibrationFolder.create(file.name, asked.out, sweeps=False)
    core.keep_in(folder.path)
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    simulated = " (simulated)" if core.all_simulated else ""
    tell(
        f"measuring {len(heaters)} heaters of bench {file.name}{simulated}, {asked.levels} levels "
        f"each, all others at 0 V, into {folder.path}"
    )
    done: list[Measured] = []

    def keep(heater: WiredHeater, found: HeaterSweep) -> None:
        done.append((heater, found))
        write_files(folder.path, file, done, asked.tolerance, asked.meter)

    thread = LoopThread(core.new_loop(), file.name)
    try:
        thread.call(
            measure_heaters(core, heaters, measuring, assumed, lambda line: tell(f"  {line}"), keep)
        )
    except (KeyboardInterrupt, *MENDABLE) as error:
        stopped = "interrupted" if isinstance(error, KeyboardInterrupt) else "broken off"
        if done:
            tell(f"\n{stopped}; {len(done)} of {len(heaters)} heaters are kept in {folder.path}")
        else:
            folder.discard()
        if core.state is BenchState.TRIPPED and not isinstance(error, BenchError):
            why = f" ({error})" if str(error) else ""
            raise BenchError(f"bench {file.name} is NOT safe, switch it off by hand{why}") from None
        raise
    finally:
        thread.stop()
    for line in table_lines(done, asked.tolerance):
        tell(line)
    bad = [one for one in done if verdict(*one, asked.tolerance) != OK]
    tell(f"\n{len(done) - len(bad)} of {len(done)} heaters are as they should be")
    tell(f"laws {folder.path / CURVES}; readings {folder.path / READINGS}")
    return EXIT_BAD if bad else 0
