"""The options of `python -m hil.calibrate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from calibration.procedures import steps_of
from hil.bench.by_hand import add_assume_option
from hil.bench.states import BACKENDS, PATHS
from hil.calibrating.folder import ROOT
from hil.calibrating.heater_options import add_iv
from hil.console import OneLineParser


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.calibrate",
        description="Find out what a bench really does, and keep it in a calibration record that "
        "training starts from.",
        epilog="examples:\n"
        "  python -m hil.calibrate run relax-mzi-8\n"
        "  python -m hil.calibrate run relax-mzi-8 --only offsets   # renews the newest record\n"
        "  python -m hil.calibrate check relax-mzi-8\n"
        "  python -m hil.calibrate identify relax-mzi-8\n"
        "  python -m hil.calibrate configure relax-mzi-8 --target haar:1 --target haar:2\n"
        "  python -m hil.calibrate iv relax-mzi-8 --element 0:3\n"
        "  python -m hil.calibrate show relax-mzi-8\n"
        "  python -m hil.train --bench relax-mzi-8 --as-built calibrations/relax-mzi-8/TIME/record"
        ".json\n\n"
        "exit code: 0 every gate passed, 1 one did not, 2 the request or a record is wrong",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    do = p.add_subparsers(dest="what", required=True, metavar="COMMAND", parser_class=OneLineParser)
    _add_run(do)
    _add_check(do)
    _add_identify(do)
    _add_configure(do)
    add_iv(do, _add_bench)
    show = do.add_parser("show", help="a record in lines: steps, gates, costs, quantities")
    show.add_argument("record", metavar="RECORD|BENCH", help="record, its folder, or a bench: "
                      "its newest")  # fmt: skip
    diff = do.add_parser("diff", help="what two records differ by, against their uncertainties")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B")
    report = do.add_parser("report", help="one page with the plots that an operator looks at")
    report.add_argument("record", metavar="FOLDER|BENCH")
    report.add_argument("--out", type=Path, metavar="FILE", help="default: report.html beside it")
    return p


def bench_words(asked: argparse.Namespace) -> list[str]:
    """The bench as it was asked for, and the options that say which it is, to be typed again."""
    words = [str(asked.bench)]
    for name, usual in (("backend", "sim"), ("path", "wire"), ("severity", None)):
        if (value := getattr(asked, name)) not in (usual, None):
            words += [f"--{name}", value]
    if asked.plant_seed is not None:
        words += ["--plant-seed", str(asked.plant_seed)]
    return words


def _add_bench(p: argparse.ArgumentParser, *, path: bool = True) -> None:
    p.add_argument("bench", metavar="BENCH", help="packaged bench, or a bench file")
    p.add_argument("--backend", choices=BACKENDS, default="sim", help="default sim")
    add_assume_option(p)
    if path:
        p.add_argument("--path", choices=PATHS, default="wire", help="wire (default) or slot")
    p.add_argument("--severity", choices=("std", "harsh"), help="of the simulated bench")
    p.add_argument("--plant-seed", type=int, metavar="K", help="which simulated bench")


def _add_run(do: argparse._SubParsersAction) -> None:
    run = do.add_parser(
        "run",
        help="sweep, fit, gate and record, step by step",
        description="Runs the steps of the bench's core in their order. Every sweep keeps to the "
        "limits and ramps of the bench file and ends at the idle bias. Ctrl-C is safe: finished "
        "sweeps are kept, and --resume goes on from there.",
        epilog="\n\n".join(
            f"steps of {what}:\n"
            + "\n".join(f"  {step.name:11s} {step.summary}" for step in steps_of(core))
            for what, core in (("a mesh", "mzi-mesh"), ("microring banks", "microring"))
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_bench(run)
    run.add_argument("--only", action="append", default=[], metavar="STEP", help="these steps only")
    run.add_argument("--skip", action="append", default=[], metavar="STEP", help="not these steps")
    run.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="RECORD",
        help="begin with what a record knows (default: with nothing but the design; with --only, "
        "with the bench's newest record)",
    )
    run.add_argument("--resume", type=Path, metavar="FOLDER", help="go on where it was interrupted")
    run.add_argument("--keep-going", action="store_true", help="run what stands on a failed step")
    run.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"default {ROOT}/BENCH/TIME; must not exist"
    )


def _add_check(do: argparse._SubParsersAction) -> None:
    check = do.add_parser(
        "check",
        help="does a record still hold? fresh settings, predicted and then seen",
        description="Refuses a stale or foreign record with the reason; else predicts a few fresh "
        "settings from it, measures them on the bench, and says how well they agree.",
    )
    _add_bench(check)
    check.add_argument("--record", type=Path, metavar="RECORD", help="default: the newest")
    check.add_argument("--accept-stale", action="store_true", help="look at it all the same")


def _add_identify(do: argparse._SubParsersAction) -> None:
    identify = do.add_parser(
        "identify",
        help="which heater hangs on which channel? small steps against the wiring",
        description="Before a chip is calibrated for the first time, or after a cable was moved: "
        "measures the heaters' currents, then steps each element by at most 0.2 P_pi above the "
        "idle bias, sees which light moves, and compares that with the bench file. Names what is "
        "swapped, dead, open, shorted, stuck, reversed or dark, and proposes corrections. Nothing "
        "need be known of the chip. Writes nothing without --apply.",
        epilog="exit code: 0 all is as the file says, 1 something is not, 2 the request is wrong",
    )
    _add_bench(identify)
    identify.add_argument(
        "--apply", action="store_true",
        help="exchange the channels of swapped elements in the bench file (what it was is kept "
        "beside it as FILE.before); a packaged bench is written to BENCH.toml here",
    )  # fmt: skip


def _add_configure(do: argparse._SubParsersAction) -> None:
    configure = do.add_parser(
        "configure",
        help="make a mesh a target unitary, by what is measured of it",
        description="Self-configuration: programs the levels that the record says, looks at the "
        "matrix, and mends what is missing, some times over; so errors that the record leaves fall "
        "out. Writes the levels and what was reached, and drives the bench off.",
        epilog="exit code: 0 every bank reached the gate, 1 one did not, 2 the request is wrong",
    )
    _add_bench(configure)
    configure.add_argument(
        "--target",
        action="append",
        required=True,
        metavar="U",
        help="a .npy file of a complex N x N unitary, identity, or haar:SEED (a random one); once "
        "for all banks, or once for each in their order",
    )
    configure.add_argument("--record", type=Path, metavar="RECORD", help="default: the newest")
    configure.add_argument("--accept-stale", action="store_true", help="use it all the same")
    configure.add_argument(
        "--iterations",
        type=int,
        default=8,
        metavar="N",
        help="times that it is mended (default 8); 0: the record's model alone",
    )
    configure.add_argument(
        "--out", type=Path, metavar="FILE", help="default BENCH-levels.json; must not exist"
    )
