"""One page of a run, or of several: `python -m hil.report RUN [RUN...]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hil.browsing.story import read_story
from hil.console import OneLineParser, run_command
from hil.record.finding import find_run
from hil.record.folder import RunFolderError
from hil.reporting.page import page


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.report",
        description="Write one HTML page of a run, or of several; needs no network to be read.",
        epilog="example: python -m hil.report newest -o newest.html",
    )
    p.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="run folder, its name, the start of its id, or newest; may go on still",
    )
    p.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help="default: report.html, in the run folder of a single run, else here",
    )
    return p


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    stories = [read_story(find_run(run)) for run in asked.runs]
    folder = stories[0].folder if len(stories) == 1 else Path()
    out = asked.out or folder / "report.html"
    text = page(stories)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunFolderError(
            f"{out} cannot be written: {error.strerror}; name another (-o)"
        ) from error
    print(f"report {out}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: command(asked))


if __name__ == "__main__":
    sys.exit(main())
