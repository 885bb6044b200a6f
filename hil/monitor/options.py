"""What may be asked of `python -m hil.monitor`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from hil.console import OneLineParser

PANELS = (
    "learning",
    "slots",
    "twin",
    "heaters",
    "power",
    "ports",
    "drift",
    "time",
    "bench",
    "links",
    "log",
)


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.monitor",
        description="Watch a run: live from its folder or from a broker, or a finished one again. "
        "The run does not notice: open, close or kill this at any time. Keys: F1 in the window.",
        epilog="examples:\n"
        "  python -m hil.monitor                                 # the newest run under runs/\n"
        "  python -m hil.monitor runs/20261126T170000-digits-pat-seed0\n"
        "  python -m hil.monitor --text                          # in a terminal, over ssh\n"
        "  python -m hil.monitor RUN --replay 10                 # ten times as fast as it was\n"
        "  python -m hil.monitor RUN --screenshot run.png --show heaters --theme light\n"
        "  python -m hil.monitor mqtts://broker.lab/relax-mzi-16\n"
        "\n"
        "Without a display: --text, or ssh -X. See docs/monitor.md.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="run folder, the name of one under runs/, or the first digits of a run's id (python "
        "-m hil.runs list); or mqtt://HOST/BENCH or mqtts://HOST/BENCH (default: the newest run)",
    )
    p.add_argument("--text", action="store_true", help="in the terminal, without a window")
    p.add_argument(
        "--replay",
        type=_speed,
        metavar="SPEED",
        help="show a run again from its beginning, SPEED times as fast as it was",
    )
    p.add_argument("--theme", choices=("dark", "light"), help="default: as last time, or dark")
    p.add_argument(
        "--show",
        action="append",
        default=[],
        choices=PANELS,
        metavar="PANEL",
        help=f"bring a panel to the front ({', '.join(PANELS)}); may be given again",
    )
    p.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE.png",
        help="write the window as a picture of the run as it is now, and end; needs no display",
    )
    p.add_argument(
        "--size",
        type=_size,
        default=(1280, 800),
        metavar="WxH",
        help="of the picture, in pixels (default 1280x800)",
    )
    p.add_argument(
        "--insecure",
        action="store_true",
        help="allow a plain connection to a broker on another machine (docs/telemetry.md)",
    )
    p.add_argument("--wait", action="store_true", help="for the record of a run that begins now")
    return p


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0.0):
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; a number above 0 is wanted")
    return speed


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; WxH is wanted, as 1280x800")
    size = int(width), int(height)
    if not (640 <= size[0] <= 7680 and 480 <= size[1] <= 4320):
        raise argparse.ArgumentTypeError(f"{text} is not between 640x480 and 7680x4320")
    return size
