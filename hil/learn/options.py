"""What `python -m hil.train` can be asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

from hil.bench.by_hand import add_assume_option
from hil.bench.states import BACKENDS
from hil.console import OneLineParser
from hil.learn.api import AS_BUILT
from hil.learn.settings import Method, TwinMode
from hil.tasks import TASKS
from hil.telemetry.options import add_telemetry_options
from hil.twin.refitting import KINDS

#: The bench of a newcomer.
BENCH = "relax-mzi-16"


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.train",
        description="Train a ReLaX-Net (time-multiplexed photonic network) with the bench in the "
        "loop.",
        epilog="examples:\n"
        "  python -m hil.train --backend sim\n"
        "  python -m hil.train --backend sim --path slot --task digits-pca --severity harsh\n"
        "  python -m hil.train --backend sim --path slot --compare\n"
        "  python -m hil.train --backend sim --dry-run --n-steps 9\n"
        "  python -m hil.train --backend real --bench my-bench.toml --as-built record.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = p.add_argument_group("bench")
    where.add_argument("--backend", default="sim", help=f"{' or '.join(BACKENDS)} (default sim)")
    add_assume_option(where)
    where.add_argument(
        "--bench",
        metavar="NAME|FILE",
        help=f"packaged bench, or a bench file (default {BENCH}; see python -m hil.bench list)",
    )
    where.add_argument(
        "--path",
        default="wire",
        help="wire: drivers and bytes (default); slot: the simulated plant directly, for sweeps",
    )
    where.add_argument(
        "--severity", choices=("std", "harsh"), help="imperfection of the simulated bench"
    )
    where.add_argument("--plant-seed", type=int, metavar="K", help="which simulated bench")
    where.add_argument(
        "--converters",
        choices=("own", "coarse"),
        default="own",
        help="simulated converters: the instruments' own 16/14 bits (default), or coarse: 12-bit "
        "heater DAC and 8-bit ADC (6-bit when harsh)",
    )
    what = p.add_argument_group("network and task")
    what.add_argument("--task", default="digits", help=f"{', '.join(TASKS)} (default digits)")
    what.add_argument("--n-banks", type=int, metavar="K", help="weight banks used (default: all)")
    what.add_argument("--n-steps", type=int, default=6, metavar="T", help="slots (default 6)")
    how = p.add_argument_group("training")
    how.add_argument("--method", default="pat", help=f"{', '.join(Method)} (default pat)")
    how.add_argument("--twin", default="online", help=f"{' or '.join(TwinMode)} (default online)")
    how.add_argument(
        "--as-built",
        default="rough",
        metavar="CLASS|FILE",
        help=f"what the twin starts from: {', '.join(AS_BUILT)} (default rough), or a record file",
    )
    how.add_argument(
        "--record",
        metavar="FILE|newest",
        help="the same from a calibration record (python -m hil.calibrate run), or the bench's "
        "newest one under calibrations/; refused where it is stale or another bench's",
    )
    how.add_argument(
        "--accept-stale", action="store_true", help="use a stale or foreign record all the same"
    )
    how.add_argument(
        "--drift-watch",
        type=_every,
        metavar="K|off",
        help="look at reference inputs every K batches, sound an alarm when the bench has moved, "
        "and put the twin right (default 10: about 2 %% of passes and of bench time)",
    )
    how.add_argument(
        "--refit",
        choices=KINDS,
        help="how the twin of a mesh is kept true: layered (default; Kalman filters, which follow "
        "fast drift), layered-neural (and a small neural residual for what physics leaves), or "
        "adam (simpler, half the work, for drift of 0.03 rad or less)",
    )
    how.add_argument(
        "--digital-steps",
        type=_every,
        metavar="K|off",
        help="follow each measured step of pat by K on the online twin alone, from other training "
        "items (default 2: no bench time, about 7 ms of computing; off: as in the literature)",
    )
    how.add_argument(
        "--gate",
        type=_every,
        metavar="K|off",
        help="check the twin's gradient on the bench every K batches, by a small step to either "
        "side, and after each repair (default 300: under 1 %% of passes and of bench time)",
    )
    how.add_argument("--epochs", type=int, default=40)
    how.add_argument("--batch", type=int, default=64)
    how.add_argument("--seed", type=int, default=0, help="start and order of training")
    how.add_argument("--split-seed", type=int, default=0, help="split of the data")
    add_telemetry_options(p)
    out = p.add_argument_group("output")
    out.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a run that was stopped or killed, from its last checkpoint; of the other "
        "options only --bench (where its file has moved) and --accept-stale count then",
    )
    out.add_argument(
        "--traces",
        type=_every,
        default=1,
        metavar="K|off",
        help="keep what was sent and measured of every K-th step (default 1: of all, some 50 kB a "
        "step of 16 ports), or of none",
    )
    out.add_argument(
        "--compare", action="store_true", help="run every method on the same bench; one table"
    )
    out.add_argument(
        "--dry-run", action="store_true", help="print schedule and planned bench time; open nothing"
    )
    out.add_argument(
        "--monitor", action="store_true", help="open the live window on this run (docs/monitor.md)"
    )
    out.add_argument("--out", type=Path, metavar="DIR", help="run folder (default under runs/)")
    return p


def _every(text: str) -> int:
    """How many, or every so many: a whole number from 1 on, or 0 for `off`."""
    if text == "off":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number from 1 on nor off")
    return int(text)
