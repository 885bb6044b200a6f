"""Look at a bench before it is used: `python -m hil.check BENCH`.

Read-only but for two things, which it tells: it plays frames, light on, and it puts the idle bias
on the heaters to see their current (not with --no-iv). It changes no weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hil.bench.by_hand import add_assume_option, by_hand
from hil.bench.entry import make_core
from hil.bench.loop_thread import LoopThread
from hil.bench.states import BACKENDS, BenchError, BenchState
from hil.checking.preflight import preflight
from hil.checking.report import Report
from hil.console import OneLineParser, run_command

EXIT_FAILED = 1


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.check",
        description="Preflight of a bench: one line an item, PASS, FAIL or SKIPPED, with its "
        "number, its limit and, where it fails, the mend.",
        epilog="what it does to the bench, in order:\n"
        "  opens and identifies every instrument, and reads back the heater channels: no output\n"
        "    is touched\n"
        "  plays frames with the signal light off and on, all heaters at 0 V: dark level, light,\n"
        "    local oscillator. Modulators are driven by +-1/3 V_pi\n"
        "  I-V test: a tenth of the idle bias (idle_voltage of the bench file, 1 V as a rule) on\n"
        "    each heater, then the idle bias; before it the limits are written to the chassis.\n"
        "    --no-iv leaves this out, and no heater is driven at all\n"
        "  drives everything off, whatever happened, and reads that back\n"
        "\n"
        "exit code: 0 nothing failed, 1 something did, 2 the request or the bench file is wrong\n"
        "\n"
        "examples:\n"
        "  python -m hil.check relax-mzi-8\n"
        "  python -m hil.check my-bench.toml --backend real --no-iv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("bench", metavar="BENCH", help="packaged bench, or a bench file")
    p.add_argument("--backend", default="sim", help=f"{' or '.join(BACKENDS)} (default sim)")
    add_assume_option(p)
    p.add_argument("--no-iv", action="store_true", help="drive no heater: no I-V test")
    p.add_argument("--plant-seed", type=int, metavar="K", help="which simulated bench")
    return p


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    core = make_core(
        asked.bench, backend=asked.backend, plant_seed=asked.plant_seed, **by_hand(asked)
    )
    simulated = " (simulated)" if core.all_simulated else ""
    print(f"checking bench {core.file.name}{simulated}", flush=True)
    report = Report(lambda line: print(line, flush=True))
    thread = LoopThread(core.new_loop(), core.file.name)
    try:
        thread.call(preflight(core, report, iv=not asked.no_iv))
    except KeyboardInterrupt as error:
        if core.state is BenchState.TRIPPED:
            raise BenchError(
                f"bench {core.file.name} is NOT safe, switch it off by hand"
            ) from error
        raise
    finally:
        thread.stop()
    print(f"{report.summary}; bench {core.file.name} is {core.state}")
    return 0 if report.sound else EXIT_FAILED


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: command(asked))


if __name__ == "__main__":
    sys.exit(main())
