"""Keep all settings of a bench, and put them back: `python -m hil.snapshot save BENCH`.

`save`, `diff` and `show` set nothing and drive nothing. `restore` drives the bench off first, and
sets what differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.quantity import Quantity
from hil.bench.differing import differences, not_compared, settings_of, strangers
from hil.bench.entry import plant_overlay
from hil.bench.file import load
from hil.bench.opening import OpenBench
from hil.bench.operator_limits import check_limits, limits_of
from hil.bench.restore_plan import as_off, plan, quantities_of
from hil.bench.restoring import restore
from hil.bench.snapshot import exchanged, snapshot
from hil.bench.snapshot_file import SnapshotError, read_snapshot, write_snapshot
from hil.bench.snapshot_text import (
    change_lines,
    has_work,
    outcome_lines,
    plan_lines,
    snapshot_lines,
    untold_lines,
)
from hil.bench.states import BACKENDS, check_choice
from hil.bench.visiting import Visit
from hil.console import (
    EXIT_HUNG_UP,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    HungUp,
    OneLineParser,
    Terminated,
    run_command,
)

EXIT_DIFFERS = 1
COMMANDS = ("save", "diff", "show", "restore")


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.snapshot",
        description="Keep the settings of all instruments of a bench, see what has changed, and "
        "put them back.",
        epilog="exit code: 0; 1 where settings differ (diff), or not all are as in the snapshot\n"
        "(restore); 2 where the request, a file or the bench is wrong\n\n"
        "examples:\n"
        "  python -m hil.snapshot save relax-mzi-8 --out monday.json\n"
        "  python -m hil.snapshot diff monday.json\n"
        "  python -m hil.snapshot restore monday.json --dry-run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(
        required=True, metavar="COMMAND", dest="command", parser_class=OneLineParser
    )

    one = commands.add_parser("save", help="read all settings into a file; sets nothing")
    one.add_argument("bench", metavar="BENCH", help="packaged bench, or a bench file")
    one.add_argument(
        "--out", type=Path, metavar="FILE", help="default: snapshot-BENCH-TIME.json, here"
    )
    _add_bench_options(one)
    one.set_defaults(run=save)

    one = commands.add_parser(
        "diff", help="which settings differ: of two files, or of a file and the bench as it is"
    )
    one.add_argument("a", type=Path, metavar="A", help="snapshot")
    one.add_argument(
        "b", nargs="?", metavar="B|BENCH", help="another (.json), or a bench; default: A's bench"
    )
    _add_bench_options(one)
    one.set_defaults(run=diff)

    one = commands.add_parser("show", help="what a file holds; opens nothing")
    one.add_argument("file", type=Path, metavar="FILE", help="snapshot")
    one.set_defaults(run=show)

    one = commands.add_parser("restore", help="drive the bench off, and set what differs")
    one.add_argument("file", type=Path, metavar="FILE", help="snapshot")
    one.add_argument("bench", nargs="?", metavar="BENCH", help="default: the snapshot's")
    one.add_argument("--dry-run", action="store_true", help="say what would be done; set nothing")
    one.add_argument("--yes", action="store_true", help="do not ask: for scripts")
    one.add_argument(
        "--outputs",
        action="store_true",
        help="set outputs too, within the bench file's limits, and LEAVE THEM SO; else they end "
        "at their safe values",
    )
    one.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="OUTPUT=VALUE",
        help="with --outputs: the most of an output that the bench file has no limit for, such as "
        "bias:volts:17=2.5 (with bias:amps:17=0.005); again for each",
    )
    one.add_argument(
        "--any-instrument",
        action="store_true",
        help="also onto another model or serial number than was read",
    )
    _add_bench_options(one)
    one.set_defaults(run=put_back)
    return p


def _add_bench_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("--backend", default="sim", help=f"{' or '.join(BACKENDS)} (default sim)")
    p.add_argument("--plant-seed", type=int, metavar="K", help="which simulated bench")


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def tell(line: str) -> None:
    """Print a line of what the bench does."""
    say(f"  {line}")


def visit(asked: argparse.Namespace, name: str) -> Visit:
    """The bench that is meant, to be opened."""
    check_choice("backend", asked.backend, BACKENDS)
    file = load(name, plant_overlay(plant_seed=asked.plant_seed))
    core = OpenBench(file, backend="real" if asked.backend == "real" else "sim")
    simulated = " (simulated)" if core.all_simulated else ""
    say(f"opening bench {file.name}{simulated}")
    asked.visit = Visit(core, tell)
    return asked.visit


def save(asked: argparse.Namespace) -> int:
    """Read the settings of a bench into a file."""
    if asked.out is not None and asked.out.exists():
        raise SnapshotError(f"{asked.out} exists; name another with --out, or move it away")
    with visit(asked, asked.bench) as here:
        taken = here.do(snapshot(here.core, waveforms=True, tell=tell))
        name = here.core.file.name
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    out = asked.out or Path(f"snapshot-{name}-{time}.json")
    write_snapshot(out, taken)
    failed = [n for n, one in taken["instruments"].items() if "settings" not in one]
    for instrument in failed:
        say(f"NOT READ: {instrument}: {taken['instruments'][instrument].get('failed')}")
    for line in untold_lines(taken):
        say(f"not told, so not in it: {line}")
    count = len(settings_of(taken))
    say(f"wrote {out}: {count} settings of {len(taken['instruments'])} instruments")
    return EXIT_DIFFERS if failed else 0


def diff(asked: argparse.Namespace) -> int:
    """Which settings differ."""
    first = read_snapshot(asked.a)
    quantities: Mapping[str, Mapping[str, Quantity]] = {}
    imposed: Mapping[str, frozenset[str]] = {}
    if asked.b is not None and _is_snapshot(asked.b):
        check_choice("backend", asked.backend, BACKENDS)
        second = read_snapshot(Path(asked.b))
        _check_bench(first, asked.a, str(second.get("bench", "")), asked.b)
    else:
        with visit(asked, asked.b or _source(first, asked.a)) as here:
            _check_bench(first, asked.a, here.core.file.name)
            second = here.do(snapshot(here.core, waveforms=True, tell=tell))
            quantities = quantities_of(here.core)
            imposed = {one.name: one.imposed for one in here.core.parts.instruments}
    say(f"from {asked.a} ({first['taken']}) to {asked.b or 'the bench'} ({second['taken']})")
    told = strangers(first, second)
    for line in (*told, *not_compared(first, second)):
        say(line)
    for line in untold_lines(second):
        say(f"not told, so not compared: {line}")
    every = differences(first, second, quantities)
    found = [one for one in every if one.where.name not in imposed.get(one.where.instrument, ())]
    for line in change_lines([one for one in every if one not in found], second, quantities):
        say(f"limit, as the bench file decides: {line}")
    for line in change_lines(found, second, quantities):
        say(line)
    if not found:
        say("no setting differs")
    return EXIT_DIFFERS if found or told else 0


def show(asked: argparse.Namespace) -> int:
    """What a file holds."""
    taken = read_snapshot(asked.file, to_show=True)
    for line in snapshot_lines(taken):
        say(line)
    return 0


def put_back(asked: argparse.Namespace) -> int:
    """Set what differs from a snapshot."""
    saved = read_snapshot(asked.file)
    limits = limits_of(asked.limit)
    if limits and not asked.outputs:
        raise SnapshotError("--limit is of outputs that are set; give --outputs with it")
    with visit(asked, asked.bench or _source(saved, asked.file)) as here:
        core = here.core
        _check_bench(saved, asked.file, core.file.name)
        strange = exchanged(saved, core)
        if strange and not asked.any_instrument:
            raise SnapshotError(
                f"{'; '.join(strange)}; nothing was set (--any-instrument sets it all the same)"
            )
        check_limits(core, limits)
        now = here.do(snapshot(core, waveforms=True, tell=tell))
        meant = plan(core, saved, now, outputs=asked.outputs, limits=limits)
        if asked.outputs and has_work(meant, outputs=True):
            # The bench goes off first, so that outputs which are as in the snapshot are set again.
            cold = plan(core, saved, as_off(core, now), outputs=True, limits=limits)
            meant = replace(cold, first=meant.first)
        if saved.get("simulated") and not core.all_simulated:
            say("note: the snapshot is of the simulated bench, this one is real")
        for line in plan_lines(meant, outputs=asked.outputs, ramp_time=core.file.chip.ramp_time):
            say(line)
        for line in not_compared(saved, now):
            say(line)
        for line in untold_lines(now):
            say(f"not restored: {line}")
        if not has_work(meant, outputs=asked.outputs):
            say("nothing to set; nothing was driven")
            return EXIT_DIFFERS if meant.refused else 0
        if asked.dry_run:
            say("dry run: nothing was set, nothing was driven")
            return EXIT_DIFFERS if meant.refused else 0
        if not (asked.yes or _agreed()):
            say("nothing was set, nothing was driven")
            return EXIT_DIFFERS
        here.drive()
        outcome = here.do(restore(core, saved, outputs=asked.outputs, tell=tell, limits=limits))
        # What was not asked to stay on ends as every other command leaves a bench.
        here.driven = not (asked.outputs and outcome.whole)
        for line in outcome_lines(outcome):
            say(line)
        left_on = not here.driven
    state = "is left with its outputs as set" if left_on else f"is {core.state}"
    say(f"bench {core.file.name} {state}")
    return 0 if outcome.whole else EXIT_DIFFERS


def _agreed() -> bool:
    """Ask at the terminal; without one, refuse."""
    if not sys.stdin.isatty():
        raise SnapshotError("nobody can be asked here, and nothing was set; give --yes")
    try:
        return input("go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def _is_snapshot(name: str) -> bool:
    return Path(name).suffix == ".json"


def _source(taken: dict[str, Any], path: Path) -> str:
    """The bench of a snapshot, as it was named."""
    if not (source := taken.get("source")):
        raise SnapshotError(f"snapshot {path} does not say of which bench it is; name the BENCH")
    return str(source)


def _check_bench(taken: dict[str, Any], path: Path, name: str, of: str = "") -> None:
    was = taken.get("bench", name)
    if name and was != name:
        other = f"{of} of {name}" if of else f"this one is {name}"
        raise SnapshotError(f"snapshot {path} is of bench {was}, {other}")


def command(asked: argparse.Namespace) -> int:
    """Do what was asked; interrupted before anything was set, say that the bench is as it was."""
    asked.visit = None
    try:
        return asked.run(asked)
    except KeyboardInterrupt as error:
        if asked.visit is not None and asked.visit.touched:
            raise
        print("interrupted; nothing was set, nothing was driven", file=sys.stderr)
        codes = {HungUp: EXIT_HUNG_UP, Terminated: EXIT_TERMINATED}
        return codes.get(type(error), EXIT_INTERRUPTED)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; a BENCH without a command is saved."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] not in COMMANDS and not words[0].startswith("-"):
        words.insert(0, "save")
    asked = parser().parse_args(words)
    return run_command(lambda: command(asked))


if __name__ == "__main__":
    sys.exit(main())
