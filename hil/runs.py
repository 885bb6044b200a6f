"""Runs that are kept: `python -m hil.runs list | show | compare | export`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from hil.bench.tables import plain
from hil.browsing.facts import State
from hil.browsing.listing import KEYS, Catalogue, Choice, catalogue, since, table
from hil.console import OneLineParser, run_command
from hil.record.finding import RUNS, VARIABLE, find_run, roots

_RUN = "run folder, its name, the start of its id, or newest"
FORMATS = ("csv", "bluesky")
#: Runs of which a list shows how far it is.
MANY = 300
ARRAYS = ("levels", "slots", "believed")


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.runs",
        description=f"Look through the runs under {RUNS}/ and the folders that {VARIABLE} names.",
        epilog="examples:\n"
        "  python -m hil.runs list --task digits --since 7d\n"
        "  python -m hil.runs show newest\n"
        "  python -m hil.runs compare 3fa2 newest\n"
        "  python -m hil.runs export newest --format csv --out tables",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    do = p.add_subparsers(dest="what", required=True, metavar="list|show|compare|export")
    listed = do.add_parser("list", help="all runs, one a line")
    listed.add_argument("places", nargs="*", type=Path, metavar="DIR", help="default: as above")
    for name in ("task", "method", "bench", "backend"):
        listed.add_argument(f"--{name}", help=f"only runs of this {name}")
    listed.add_argument("--state", choices=tuple(State), help="only runs in this state")
    listed.add_argument(
        "--since", type=_since, metavar="WHEN", help="2026-05-01, 2026-05-01T12:00 (UTC), 12h, 7d"
    )
    listed.add_argument("--sort", choices=tuple(KEYS), default="time", help="default time")
    listed.add_argument("--json", action="store_true", help="for programs, in SI units")
    show = do.add_parser("show", help="one run: configuration, figures, events, notes, provenance")
    show.add_argument("run", metavar="RUN", help=_RUN)
    compare = do.add_parser(
        "compare", help="what runs differ by, and whether what they reached does"
    )
    compare.add_argument("runs", metavar="RUN", nargs="+", help=_RUN)
    export = do.add_parser("export", help="tables (CSV), or Bluesky event-model documents")
    export.add_argument("run", metavar="RUN", help=_RUN)
    export.add_argument("--format", choices=FORMATS, default="csv", help="default csv")
    export.add_argument(
        "--arrays",
        nargs="+",
        choices=ARRAYS,
        default=[],
        metavar="KIND",
        help=f"also {', '.join(ARRAYS)}: as NPZ beside the tables, or within the documents",
    )
    export.add_argument(
        "--levels-csv", action="store_true", help="levels as a table, a column a heater"
    )
    export.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="new folder of the tables, or new file of the documents (default: by the run's name)",
    )
    return p


def _since(text: str) -> float:
    try:
        return since(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, nor 12h, 7d or 4w") from None


def list_(asked: argparse.Namespace) -> int:
    """The catalogue."""
    choice = Choice(asked.task, asked.method, asked.bench, asked.backend, asked.state, asked.since)
    places = asked.places or roots()
    found = catalogue(places, choice, asked.sort, reading)
    if asked.json:
        print(json.dumps([run.as_row() for run in found.runs], indent=2, allow_nan=False))
    elif found.runs:
        for line in list(plain([table(found.runs)]))[1:]:
            print(line)
    else:
        such = "runs" if choice == Choice() else "such runs"
        print(f"no {such} under {', '.join(str(place) for place in places)}")
    for line in remarks(found):
        print(line, file=sys.stderr)
    return 0


def reading(folders: Sequence[Path]) -> Iterable[Path]:
    """Folders one after the other, with a bar on a terminal: of thousands it takes seconds."""
    console = Console(stderr=True)
    shown = console.is_terminal and len(folders) > MANY
    return track(folders, "reading runs", console=console, transient=True, disable=not shown)


def remarks(found: Catalogue) -> Iterator[str]:
    """What could not be read, and what is there twice."""
    if found.others:
        yield f"left out, {len(found.others)} in all:"
        yield from (f"  {path}: {why}" for path, why in found.others)
    for runs in found.copies():
        yield f"copies of one run: {', '.join(str(run.path) for run in runs)}"


def show(asked: argparse.Namespace) -> int:
    """One run."""
    from hil.browsing.showing import tables
    from hil.browsing.story import read_story

    for line in plain(tables(read_story(find_run(asked.run)))):
        print(line)
    return 0


def compare(asked: argparse.Namespace) -> int:
    """Runs side by side."""
    from hil.browsing.comparing import tables
    from hil.browsing.story import read_story

    for line in plain(tables([read_story(find_run(run)) for run in asked.runs])):
        print(line)
    return 0


def export(asked: argparse.Namespace) -> int:
    """A run for other programs."""
    from hil.browsing import documents, exporting
    from hil.browsing.story import read_story

    story = read_story(find_run(asked.run))
    kinds = [exporting.ARRAYS[name] for name in asked.arrays]
    if asked.format == "bluesky":
        path = asked.out or Path(f"{story.facts.name}.jsonl")
        print(documents.export_documents(story, path, kinds))
        return 0
    out = exporting.new_folder(asked.out or Path(f"{story.facts.name}-export"))
    for path in exporting.export_csv(story, out):
        print(path)
    if asked.levels_csv:
        print(exporting.export_levels(story, out))
    for kind in kinds:
        print(exporting.export_arrays(story, kind, out))
    return 0


COMMANDS = {"list": list_, "show": show, "compare": compare, "export": export}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: COMMANDS[asked.what](asked))


if __name__ == "__main__":
    sys.exit(main())
