"""Calibrate a bench, and look at what is known of it: `python -m hil.calibrate run BENCH`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from calibration.knowledge import Knowledge
from calibration.procedures import steps_of
from calibration.record import CalibrationRecord, check_fits
from calibration.record_reading import read_record
from calibration.step import Step
from hil.bench.by_hand import by_hand
from hil.bench.entry import make_core, plant_overlay
from hil.bench.faces import Bench
from hil.bench.file import load
from hil.bench.opening import OpenBench
from hil.calibrating.errors import CalibrationError
from hil.calibrating.folder import RAW, CalibrationFolder, newest_record
from hil.calibrating.heater_command import iv
from hil.calibrating.identifying import (
    BiasedBench,
    apply,
    exchanges,
    lines,
    look_at_currents,
    look_at_light,
)
from hil.calibrating.options import bench_words, parser
from hil.calibrating.running import Calibration, Runner, begin_time
from hil.calibrating.showing import difference_lines, record_lines, step_lines
from hil.calibrating.targeting import (
    new_file,
    reach,
    reached_lines,
    targets_of,
    write_levels,
)
from hil.calibrating.validity import check_holds, check_same_bench
from hil.calibrating.watching import StepWatch
from hil.console import MENDABLE, run_command

EXIT_FAILED = 1


def chosen_steps(core: str, only: Sequence[str], skip: Sequence[str]) -> list[Step]:
    """The steps asked for, in their order.

    Raises
    ------
    CalibrationError
        Naming a step that there is none of.
    """
    steps = steps_of(core)
    names = [step.name for step in steps]
    for name in (*only, *skip):
        if name not in names:
            raise CalibrationError(f"no step {name!r} of a {core}; there are {', '.join(names)}")
    taken = [s for s in steps if (not only or s.name in only) and s.name not in skip]
    if not taken:
        raise CalibrationError("no step is left to run: look at --only and --skip")
    return taken


def record_path(asked: str) -> Path:
    """A record by its file, its folder, or a bench (by name or file: its newest)."""
    path = Path(asked)
    if path.is_dir():
        return CalibrationFolder(path).record
    if path.suffix == ".toml":
        return newest_record(load(asked).name, asked=shlex.quote(asked))
    return path if path.suffix == ".json" else newest_record(asked)


def _newest(core: OpenBench, asked: argparse.Namespace) -> Path:
    return newest_record(core.file.name, asked=shlex.join(bench_words(asked)))


def _core(asked: argparse.Namespace, start_time: float = 0.0) -> OpenBench:
    file = load(asked.bench, plant_overlay(asked.severity, asked.plant_seed))
    return make_core(
        file, backend=asked.backend, path=asked.path, start_time=start_time, **by_hand(asked)
    )


def _fitting(path: Path, core: OpenBench) -> CalibrationRecord:
    """A record that is the bench's own by name, core and sizes."""
    return core.read_record(path)


def run(asked: argparse.Namespace) -> int:
    """Calibrate."""
    core = _core(asked)
    steps = chosen_steps(core.file.core, asked.only, asked.skip)
    start: Path | None = asked.start
    resumed: CalibrationFolder | None = None
    if asked.resume is not None:
        resumed = CalibrationFolder.existing(asked.resume)
        start = resumed.record if resumed.record.is_file() else None
    elif start is None and asked.only:
        start = _newest(core, asked)
    record = None if start is None else _fitting(start, core)
    if record is not None and resumed is not None:
        check_same_bench(record, core, str(start))
    if begin := begin_time(core, record, resumed):
        core = _core(asked, begin)
    calibration = _begin(core, record, start)
    if resumed is None:
        folder = CalibrationFolder.create(core.file.name, asked.out)
        return _run_in(core, folder, calibration, steps, asked, None)
    done = [row["name"] for row in calibration.steps if row["state"] == "passed"]
    steps = [step for step in steps if step.name not in done]
    print(f"going on in {resumed.path}; done already: {', '.join(done) or 'nothing'}")
    if not steps:
        print("nothing is left to do")
        return 0
    return _run_in(core, resumed, calibration, steps, asked, record)


def _begin(core: OpenBench, record: CalibrationRecord | None, start: Path | None) -> Calibration:
    file = core.file
    if record is None:
        nothing = Knowledge.nothing(file.ports, file.n_banks, file.chip.p_pi, file.core)
        return Calibration(nothing, [], "calibration from the design")
    known = Knowledge.from_record(record, file.chip.p_pi)
    method = record.method if record.steps else f"calibration from {record.method or start}"
    return Calibration(known, [dict(row) for row in record.steps], method)


def _run_in(
    core: OpenBench,
    folder: CalibrationFolder,
    calibration: Calibration,
    steps: Sequence[Step],
    asked: argparse.Namespace,
    begun: CalibrationRecord | None,
) -> int:
    """Run steps into a folder; `begun` is the record that the folder holds already."""
    simulated = " (simulated)" if core.all_simulated else ""
    print(f"calibrating bench {core.file.name}{simulated}, path {core.path}, into {folder.path}")
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    runner = Runner(core, folder, calibration, tell, keep_going=asked.keep_going)
    core.keep_in(folder.path)
    begins = False
    try:
        with Bench(core, lambda line: tell(f"  {line}")) as bench:
            if begun is not None:
                check_same_bench(begun, core, str(folder.record))
            begins = True
            good = bench.do(runner.run(steps))
            seconds = core.ledger_table()["bench_seconds"]
    except (KeyboardInterrupt, *MENDABLE) as error:
        if begins and folder.record.is_file():
            stopped = "interrupted" if isinstance(error, KeyboardInterrupt) else "broken off"
            print(
                f"\n{stopped}; finished sweeps are kept: go on with\n"
                f"  python -m hil.calibrate run {_as_asked(asked)} "
                f"--resume {shlex.quote(str(folder.path))}"
            )
        else:
            folder.discard()
        raise
    print(f"\nrecord {folder.record}; raw sweeps in {folder.path / RAW}")
    verdict = "every gate passed" if good else "NOT every gate passed"
    print(f"{verdict}; {seconds:.1f} s of bench time")
    return 0 if good else EXIT_FAILED


def _as_asked(asked: argparse.Namespace) -> str:
    """BENCH and the options that hold when it is gone on with, as typed again."""
    words = bench_words(asked)
    for name in ("assume", "only", "skip"):
        for value in getattr(asked, name):
            words += [f"--{name}", value]
    if asked.keep_going:
        words.append("--keep-going")
    return shlex.join(words)


def check(asked: argparse.Namespace) -> int:
    """Verify a record against the live bench."""
    core = _core(asked)
    path = asked.record or _newest(core, asked)
    record = _fitting(path, core)
    if core.all_simulated:
        core = _core(asked, record.bench_time)
    last = steps_of(record.core)[-1]
    warned = check_holds(record, core, str(path), accept_stale=asked.accept_stale)
    print(f"checking {path} against bench {core.file.name}")
    calibration = _begin(core, record, path)
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    with Bench(core, lambda line: tell(f"  {line}")) as bench:
        warned = check_holds(record, core, str(path), accept_stale=asked.accept_stale)
        runner = Runner(core, CalibrationFolder(path.parent), calibration, tell)
        row = bench.do(runner.look(last))
    for line in (*(f"accepted: {reason}" for reason in warned), *step_lines(row)):
        print(line)
    return 0 if row["state"] == "passed" else EXIT_FAILED


def configure(asked: argparse.Namespace) -> int:
    """Make each bank a target unitary."""
    core = _core(asked)
    path = asked.record or _newest(core, asked)
    record = _fitting(path, core)
    targets = targets_of(asked.target, core.file)
    out = new_file(asked.out or Path(f"{core.file.name}-levels.json"))
    if core.all_simulated:
        core = _core(asked, record.bench_time)
    check_holds(record, core, str(path), accept_stale=asked.accept_stale)
    print(f"configuring bench {core.file.name} by {path}")
    with (
        Bench(core, lambda line: print(f"  {line}", flush=True)) as bench,
        StepWatch("configure", None, core.now) as watch,
    ):
        check_holds(record, core, str(path), accept_stale=asked.accept_stale)
        reached = bench.do(reach(core, record, targets, watch, asked.iterations))
    write_levels(out, core.file, asked.target, str(path), reached)
    for line in reached_lines(reached):
        print(line)
    print(f"levels {out}")
    return 0 if reached.good else EXIT_FAILED


def identify(asked: argparse.Namespace) -> int:
    """Compare what small steps show with the wiring."""
    core = _core(asked)
    file = core.file
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    simulated = " (simulated)" if core.all_simulated else ""
    tell(f"identifying bench {file.name}{simulated}, path {core.path}")
    broken = look_at_currents(core, tell) if core.path == "wire" else []
    if any("shorted" in item.found for item in broken):
        tell("the bench cannot be warmed with a shorted heater on it: mend that, then try again")
        return EXIT_FAILED
    operator, core = core.operator, BiasedBench(file, backend=core.backend, path=core.path)
    core.operator = operator
    with (
        Bench(core, lambda line: tell(f"  {line}")) as bench,
        StepWatch("identify", None, core.now) as watch,
    ):
        found = bench.do(look_at_light(core, watch))
        table = core.ledger_table()
    for line in lines(file, found):
        tell(line)
    counts = table["counts"]
    tell(
        f"{counts['frames']} frames, {counts['slow writes']} heater writes, "
        f"{table['bench_seconds']:.1f} s of bench time"
    )
    pairs = exchanges(found)
    if asked.apply and pairs:
        tell(f"wrote {apply(file, asked.bench, pairs)}")
        if core.all_simulated:
            tell("a simulated bench is wired by this file: take its [[plant.fault]] out as well")
    elif pairs:
        tell("nothing was written; --apply writes what is proposed")
    return EXIT_FAILED if broken or found.findings else 0


def show(asked: argparse.Namespace) -> int:
    """A record in lines."""
    path = record_path(asked.record)
    for line in record_lines(read_record(path), str(path)):
        print(line)
    return 0


def diff(asked: argparse.Namespace) -> int:
    """What two records differ by."""
    first, second = record_path(asked.a), record_path(asked.b)
    a, b = read_record(first), read_record(second)
    check_fits(
        b,
        ports=a.ports,
        n_banks=len(a.banks),
        names=[a.bench_name],
        source=str(second),
        core=a.core,
    )
    print(f"from {first} ({a.created}) to {second} ({b.created})")
    for line in difference_lines(a, b):
        print(line)
    return 0


def report(asked: argparse.Namespace) -> int:
    """One page with plots."""
    from hil.calibrating.report import report_page

    path = record_path(asked.record)
    out = asked.out or path.with_name("report.html")
    out.write_text(report_page(read_record(path), CalibrationFolder(path.parent)), encoding="utf-8")
    print(f"report {out}")
    return 0


COMMANDS = {
    "run": run,
    "check": check,
    "identify": identify,
    "configure": configure,
    "iv": iv,
    "show": show,
    "diff": diff,
    "report": report,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: COMMANDS[asked.what](asked))


if __name__ == "__main__":
    sys.exit(main())
