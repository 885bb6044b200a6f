"""`python -m hil.bench`: write a starting bench file, show one, list the packaged ones."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hil.bench.cores import DETECTION, MESH
from hil.bench.errors import BenchFileError
from hil.bench.file import load, parse
from hil.bench.kits import KITS, USUAL
from hil.bench.packaged import packaged_names
from hil.bench.showing import tables
from hil.bench.tables import Table, plain
from hil.bench.writing import Start, starting_text

REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code: 0, or 2 where the request or the file is refused."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except BenchFileError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; what is still buffered must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hil.bench", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    new = commands.add_parser("new", help="write a starting bench file to edit")
    new.add_argument("--ports", type=int, required=True, metavar="N", help="2 to 64, odd too")
    new.add_argument("--banks", type=int, default=2, metavar="K", help="1 to 32; default 2")
    new.add_argument(
        "--core", choices=tuple(DETECTION), default=MESH, help=f"of the banks; default {MESH}"
    )
    new.add_argument(
        "--instruments",
        choices=tuple(KITS),
        default=USUAL,
        help="boxes: Red Pitayas play and read, heaters on Qontrol chassis (default). precise: "
        "33600A generators, balanced N7745A power meters, TSL-570 laser, TEC-1091 stage, Qontrol. "
        "scopes: 33600A generators, InfiniiVision oscilloscopes, 816x laser, heaters on QDAC-II",
    )
    new.add_argument("--out", type=Path, required=True, metavar="FILE", help="must not exist")
    new.add_argument("--name", help="of the bench; default: the file's name")
    new.add_argument("--description", default="", help="one line")
    new.set_defaults(command=_new)

    show = commands.add_parser("show", help="check a bench file and show what it says")
    show.add_argument("bench", metavar="FILE|NAME", help="a .toml file, or a packaged bench")
    show.add_argument("--elements", action="store_true", help="with a row for every heater")
    show.set_defaults(command=_show)

    listed = commands.add_parser("list", help="list the packaged benches")
    listed.set_defaults(command=_list)
    return parser


def _new(asked: argparse.Namespace) -> int:
    out: Path = asked.out
    try:
        name = asked.name or out.stem
        start = Start(
            asked.ports, asked.banks, name, asked.description,
            core=asked.core, instruments=asked.instruments,
        )  # fmt: skip
        text = starting_text(start)
        # What is written must be a bench file: a name it cannot bear is refused here.
        bench = parse(text, source=str(out))
    except BenchFileError:
        raise
    except ValueError as error:
        print(f"cannot write {out}: {error}", file=sys.stderr)
        return REFUSED
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        print(f"{out} exists; move it away or choose another --out", file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"cannot write {out}: {error.strerror}", file=sys.stderr)
        return REFUSED
    print(
        f"wrote {out}: {bench.ports} ports, {bench.n_banks} banks, "
        f"{len(bench.instruments)} instruments; edit it, then `python -m hil.bench show {out}`"
    )
    return 0


def _show(asked: argparse.Namespace) -> int:
    shown = tables(load(asked.bench), elements=asked.elements)
    if sys.stdout.isatty() and _rich(shown):
        return 0
    for line in plain(shown):
        print(line)
    return 0


def _list(asked: argparse.Namespace) -> int:
    names = packaged_names()
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:{width}}  {load(name).description}")
    return 0


def _rich(shown: Sequence[Table]) -> bool:
    """Print with rich; give False where it is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text
    except ImportError:
        return False
    console = Console()
    for table in shown:
        drawn = RichTable(
            title=Text(table.title, style="bold"),
            title_justify="left",
            show_header=bool(table.head),
            box=None,
            padding=(0, 2, 0, 0),
        )
        for place in range(max([len(table.head), *map(len, table.rows)])):
            drawn.add_column(table.head[place] if table.head else "", overflow="fold")
        for row in table.rows:
            # As Text: a "[" of the file must not be read as markup.
            drawn.add_row(*map(Text, row))
        console.print(drawn)
        console.print()
    return True


if __name__ == "__main__":
    sys.exit(main())
