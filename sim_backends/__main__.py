"""Simulated instruments for any client: on TCP ports, pseudo-terminals, HTTP, HiSLIP and VXI-11."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from .bench import SimulatedBench
from .bench_file import BenchDocumentError
from .catalogue import MODELS, UnknownModelError, build
from .faults import LinkFaults
from .host.clock import BenchClock
from .host.serving import Address, InstrumentHost, Served
from .instrument import OptionError, Placement
from .ordering import OrderError, parse_order, place
from .readdress import readdressed

_EXAMPLES = """
examples:
  python -m sim_backends serve my-bench.toml
  python -m sim_backends serve my-bench.toml --as-bench served.toml
      and elsewhere: python -m hil.train --bench served.toml --backend real
  python -m sim_backends serve --instrument qontrol_q8 --option modules=2 --option ohms=800
  python -m sim_backends serve my-bench.toml --fault box-0:late=0.5@10 \\
      --fault heaters-0:silence%0.01
"""

PACKAGED = Path("hil/benches")
"""Where a checkout of the repository has the packaged bench files."""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    whole = argparse.ArgumentParser(prog="python -m sim_backends", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve the instruments of a bench file, or one instrument",
        description="Serve simulated instruments until Ctrl-C, and print where each is found.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("bench", type=Path, nargs="?", help="bench file (TOML)")
    serve.add_argument(
        "--instrument", metavar="MODEL", help=f"one instrument alone: {', '.join(sorted(MODELS))}"
    )
    serve.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE",
        help="of that instrument; a wrong one tells which it has",
    )  # fmt: skip
    serve.add_argument("--seed", type=int, default=0, help="of that instrument's noise")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument(
        "--free-ports", action="store_true",
        help="listen on any free ports, not on the instruments' own and those that follow",
    )  # fmt: skip
    serve.add_argument(
        "--fault", action="append", default=[], metavar="NAME:KIND[=VALUE][@SECONDS|%CHANCE]",
        help="order a fault: silence, garbage, late=S, split=N, truncate=N, duplicate, copied=S, "
        "drop, or one of the instrument's own",
    )  # fmt: skip
    serve.add_argument(
        "--as-bench", type=Path, metavar="FILE",
        help="write the bench file anew with these addresses, for `--backend real`",
    )  # fmt: skip
    return whole


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    whole = parser()
    chosen = whole.parse_args(arguments)
    if (chosen.bench is None) == (chosen.instrument is None):
        whole.error("name a bench file, or one instrument with --instrument MODEL")
    if chosen.instrument is None and chosen.option:
        whole.error("--option belongs to --instrument; a bench file has its own options")
    if chosen.bench is None and chosen.as_bench is not None:
        whole.error("--as-bench belongs to a bench file")
    return chosen


def _alone(chosen: argparse.Namespace) -> tuple[list[Served], dict]:
    options: dict[str, str] = {}
    for text in chosen.option:
        key, equals, value = text.partition("=")
        if not equals:
            raise OptionError(f"option {text!r}: write KEY=VALUE")
        options[key] = value
    identity = {key: options.pop(key) for key in ("model", "serial") if key in options}
    try:
        device = build(chosen.instrument, Placement(BenchClock(), chosen.seed, identity, options))
    except OptionError:
        raise
    except ValueError as error:
        if isinstance(error, UnknownModelError):
            raise
        raise OptionError(
            f"{chosen.instrument}: the value of an option cannot be read ({error})"
        ) from None
    return [Served(chosen.instrument, device.doors, faults=LinkFaults(chosen.seed))], {
        chosen.instrument: device
    }


async def _serve(
    served: Sequence[Served],
    chosen: argparse.Namespace,
    orders: Sequence[Callable[[], None]],
    text: str,
) -> None:
    host = InstrumentHost(served, chosen.host, free_ports=chosen.free_ports)
    await host.start()
    try:
        for address in host.addresses:
            about = f"  ({address.door.about})" if address.door.about else ""
            print(f"{address.name}: {address.resource}{about}{_elsewhere(address, host)}")
        if chosen.as_bench is not None:
            chosen.as_bench.write_text(readdressed(text, host.addresses), encoding="utf-8")
            print(f"bench file with these addresses: {chosen.as_bench}")
        for order in orders:
            order()
        print("serving until Ctrl-C", flush=True)
        await asyncio.Event().wait()
    finally:
        await host.close()


def _there_instead(asked: Path) -> str:
    """What to name instead of a bench file that is not there."""
    packaged = PACKAGED / f"{asked.name.removesuffix('.toml')}.toml"
    if packaged.is_file():
        return f"a bench is served by its file's path: {packaged}"
    return f"name a bench file by its path (those that are packaged lie in {PACKAGED})"


def _elsewhere(address: Address, host: InstrumentHost) -> str:
    """What is said of an instrument whose own port something else has; those of one bench lie in a
    row.
    """
    own = address.own
    if own in (None, address.port) or any(one.port == own for one in host.addresses):
        return ""
    return f"  (not on its own port {own}, where another program listens already)"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 2 for what the caller can mend, told in one line."""
    chosen = _arguments(arguments)
    text = ""
    try:
        if chosen.bench is None:
            served, instruments = _alone(chosen)
        else:
            text = chosen.bench.read_text(encoding="utf-8")
            bench = SimulatedBench(tomllib.loads(text))
            served, instruments = bench.served(), bench.instruments
        links = {one.name: one.faults for one in served}
        orders = [place(parse_order(order), instruments, links) for order in chosen.fault]
        asyncio.run(_serve(served, chosen, orders, text))
    except KeyboardInterrupt:
        return 0
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        print(f"{chosen.bench}: not a TOML file: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        mend = ""
        if isinstance(error, FileNotFoundError) and chosen.bench and where == f"{chosen.bench}: ":
            mend = f"; {_there_instead(chosen.bench)}"
        print(f"{where}{error.strerror or error}{mend}", file=sys.stderr)
        return 2
    except (BenchDocumentError, OptionError, OrderError, UnknownModelError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
