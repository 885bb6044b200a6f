"""Write something down in a run's record: `python -m hil.note RUN "fibre re-aligned"`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hil.console import OneLineParser, run_command
from hil.record.finding import find_run
from hil.record.folder import RunFolderError
from hil.record.reading import add_note

#: Characters of a note at most: a longer one would not be read back.
LONGEST = 100_000


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.note",
        description="Write a note into a run's record, while the run goes on or after.",
        epilog='example: python -m hil.note newest "fibre re-aligned"',
    )
    p.add_argument(
        "run", metavar="RUN", help="run folder, its name, the start of its id, or newest"
    )
    p.add_argument("text", metavar="TEXT", nargs="+", help="the note; - reads it from the input")
    p.add_argument("--author", help="who writes (default: the login name)")
    return p


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    folder = find_run(asked.run)
    text = sys.stdin.read() if asked.text == ["-"] else " ".join(asked.text)
    text = text.strip()
    if not text:
        raise RunFolderError(f"an empty note for {folder}; nothing was written")
    if len(text) > LONGEST:
        raise RunFolderError(f"a note of {len(text)} characters; {LONGEST} are the most")
    add_note(folder, text, asked.author)
    print(f"noted in {folder}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: command(asked))


if __name__ == "__main__":
    sys.exit(main())
