"""Work a bench by hand, safely: `python -m hil.operate BENCH`.

It opens cold, at `off`. Whatever ends the session drives the bench off: `quit`, the end of input,
Ctrl-C, SIGTERM, an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hil.bench.by_hand import add_assume_option, by_hand, operator_for
from hil.bench.entry import plant_overlay
from hil.bench.faces import Bench
from hil.bench.file import load
from hil.bench.states import BACKENDS, check_choice
from hil.console import OneLineParser, run_command
from hil.operating.cold import ColdBench
from hil.operating.commands import COMMANDS, Commands
from hil.operating.hand import Hand
from hil.operating.session import Prompt, Script, run_session


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    listed = "\n".join(f"  {one.usage:38s} {one.help}" for one in COMMANDS.values())
    p = OneLineParser(
        prog="python -m hil.operate",
        description="Work a bench by hand: a prompt that shows its state, and refuses what is out "
        "of limits before a byte leaves. The bench opens cold, and goes off whatever ends this.",
        epilog=f"commands:\n{listed}\n\n"
        "examples:\n"
        "  python -m hil.operate relax-mzi-8\n"
        '  python -m hil.operate relax-mzi-8 -c "arm; set 0:12 5 mW; frame 0; off"\n'
        "  python -m hil.operate my-bench.toml --backend real --record record.json < commands.txt",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("bench", metavar="BENCH", help="packaged bench, or a bench file")
    p.add_argument("--backend", default="sim", help=f"{' or '.join(BACKENDS)} (default sim)")
    add_assume_option(p)
    p.add_argument(
        "-c", dest="script", metavar="COMMANDS", help="do these, `;` between them, and leave"
    )
    p.add_argument(
        "--record", type=Path, metavar="FILE", help="calibration record, for values in rad"
    )
    p.add_argument("--plant-seed", type=int, metavar="K", help="which simulated bench")
    return p


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    check_choice("backend", asked.backend, BACKENDS)
    file = load(asked.bench, plant_overlay(plant_seed=asked.plant_seed))
    core = ColdBench(file, backend="real" if asked.backend == "real" else "sim")
    core.operator = operator_for(file, simulated=core.all_simulated, **by_hand(asked))
    record = None if asked.record is None else core.read_record(asked.record)
    interactive = asked.script is None and sys.stdin.isatty()
    source = Prompt() if interactive else Script(asked.script)
    simulated = " (simulated)" if core.all_simulated else ""
    print(f"opening bench {file.name}{simulated}", flush=True)

    def say(line: str) -> None:
        print(line, flush=True)

    def tell(line: str) -> None:
        say(f"  {line}")

    try:
        with Bench(core, tell) as bench:
            try:
                if interactive:
                    say("`help` lists the commands")
                run_session(Commands(Hand(core, tell), record, bench.do, say), source)
            finally:
                say("driving the bench off")
    finally:
        say(f"bench {file.name} is {core.state}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: command(asked))


if __name__ == "__main__":
    sys.exit(main())
