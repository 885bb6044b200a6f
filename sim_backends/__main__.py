"""`python -m sim_backends serve BENCH.toml`: a simulated bench for any client, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tomllib
from pathlib import Path

from .bench import SimulatedBench
from .bench_file import BenchDocumentError
from .endpoints import RPC_PORT, SCPI_PORT, UPLOAD_PORT
from .host.serving import BenchHost, Ports


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim_backends", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the instruments of a bench file")
    serve.add_argument("bench", type=Path, help="bench file (TOML)")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument(
        "--scpi-port", type=int, default=SCPI_PORT, help="of the first box; 0: any free ports"
    )
    serve.add_argument(
        "--rpc-port", type=int, default=RPC_PORT, help="of the pattern generator's JSON-RPC"
    )
    serve.add_argument("--upload-port", type=int, default=UPLOAD_PORT, help="of its binary upload")
    return parser.parse_args(arguments)


async def _serve(bench: SimulatedBench, host: str, ports: Ports) -> None:
    served = BenchHost(bench, host, ports)
    await served.start()
    try:
        for name, address in served.addresses:
            print(f"{name}: {address}")
        print("serving until Ctrl-C", flush=True)
        await asyncio.Event().wait()
    finally:
        await served.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 2 for what the caller can mend, told in one line."""
    chosen = _arguments(arguments)
    ports = Ports(chosen.scpi_port, chosen.rpc_port, chosen.upload_port)
    try:
        document = tomllib.loads(chosen.bench.read_text(encoding="utf-8"))
        bench = SimulatedBench(document)
        asyncio.run(_serve(bench, chosen.host, ports))
    except KeyboardInterrupt:
        return 0
    except tomllib.TOMLDecodeError as error:
        print(f"{chosen.bench}: not a TOML file: {error}", file=sys.stderr)
        return 2
    except (BenchDocumentError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
