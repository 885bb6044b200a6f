"""The options of `python -m hil.calibrate iv`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from calibration.heater_curve import LEAST_POINTS
from hil.calibrating.folder import ROOT
from hil.calibrating.heaters import ALL

#: Relative to r_nom: how far a heater may be off.
TOLERANCE = 0.2
#: Levels of a heater, usually and at most.
LEVELS, MOST_LEVELS = 12, 1000

_HOW = """\
what it does to the bench:
  opens and identifies every instrument and writes the limits; no light, all heaters at 0 V
  reads the heater's offsets at 0 V, then tries a fiftieth of its volts: a short or a break
    shows there, and is not raised
  steps it up in --levels equal steps of power to its limits (v_max, i_max and p_max of the
    bench file), waits at each, measures volts and amperes, and goes back to 0 V. It ends
    early where the resistance measured says that the next level would be beyond a limit
  drives everything off and closes, whatever happened; Ctrl-C is safe, what is done is kept

what it finds: R = R0 (1 + k P), R0 in ohm, k in 1/W, with standard uncertainties: from the
scatter, the offsets and, of a source meter, the maker's accuracy. A level of a bench is
nominal power, V^2 / r_nom; the table says what power the top level really makes.

with a probe station: --meter NAME, a source meter of the bench file that no element names, is
wired by hand to one heater after the other. The program asks at the terminal each time, and
goes on when told; --assume NAME=on takes it for done (one heater at a time). Two-wire
readings hold the leads' resistance too: four_wire = true in its options.

examples:
  python -m hil.calibrate iv relax-mzi-8 --element 0:3
  python -m hil.calibrate iv relax-mzi-8 --element 0:3 --element 1:0 --levels 20
  python -m hil.calibrate iv my-bench.toml --element all --meter smu --backend real

exit code: 0 all heaters are well, 1 one is open, shorted, stuck or out of tolerance, 2 the
request or the bench file is wrong"""


def add_iv(do: argparse._SubParsersAction, add_bench: Callable[..., None]) -> None:
    """Enter the command."""
    iv = do.add_parser(
        "iv",
        help="a heater's resistance and its growth with power, from volts and amperes",
        description="Measures the I-V curve of heaters, by whatever drives them or by a source "
        "meter that is wired by hand, and fits their law.",
        epilog=_HOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_bench(iv, path=False)
    iv.add_argument(
        "--element", action="append", required=True, metavar="BANK:INDEX",
        help=f"a heater, in element order; may be given again. {ALL}: every one",
    )  # fmt: skip
    iv.add_argument("--meter", default="", metavar="NAME", help="wired by hand; default: the "
                    "instrument that drives the heater")  # fmt: skip
    iv.add_argument(
        "--levels", type=_levels, default=LEVELS, metavar="N",
        help=f"steps of power, {LEAST_POINTS} to {MOST_LEVELS} (default {LEVELS})",
    )  # fmt: skip
    iv.add_argument("--settle", type=_positive, metavar="S", help="s at each level before it is "
                    "measured (default: timing.settle of the bench file)")  # fmt: skip
    iv.add_argument("--tolerance", type=_positive, default=TOLERANCE, metavar="X",
                    help=f"of R0 against r_nom, relative (default {TOLERANCE:g})")  # fmt: skip
    iv.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"default {ROOT}/BENCH/TIME; must not exist"
    )


def _levels(text: str) -> int:
    if not (text.isdecimal() and LEAST_POINTS <= int(text) <= MOST_LEVELS):
        raise argparse.ArgumentTypeError(f"{text!r} is not {LEAST_POINTS} to {MOST_LEVELS}")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value
