"""Query and block rates of our links against others': python benchmarks/links.py

All clients talk to the same servers on the loopback, in a process of their own: a raw TCP server as
quick as it can be, and a simulated instrument served over HiSLIP. Turns are interleaved. A ratio
is taken in each round, of two turns a moment apart, by the clock and by this process's CPU time;
shown is the median with its interval of 95 % (by order statistics), and the ratio of the best
turns. Absolute rates of shared machines mean little; ratios between lines of one run carry over.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from link_clients import (
    BATCH,
    BareHislip,
    Batches,
    Driver,
    Joined,
    Ours,
    Raw,
    Streams,
    Visa,
)
from link_servers import SIZE, serve_hislip, serve_raw, started
from numpy.typing import NDArray
from scipy.stats import binom

from drivers.link_model import LinkModel
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.real import RealConnector

Turn = Callable[[], Awaitable[None]]
Times = NDArray[np.float64]
"""Seconds (rounds, 2) of a client's turns: by the clock, and of CPU."""


async def taken(turns: dict[str, Turn], rounds: int) -> dict[str, Times]:
    """What the turns of each took, in rounds."""
    found = {name: np.empty((rounds, 2)) for name in turns}
    for turn in turns.values():
        await turn()
    for number in range(rounds):
        for name, turn in turns.items():
            gc.collect()
            began, busy = time.perf_counter(), time.process_time()
            await turn()
            found[name][number] = time.perf_counter() - began, time.process_time() - busy
    return found


def median(ratios: Times) -> tuple[float, float, float]:
    """The median and the ends of its interval of 95 %; six rounds at least."""
    order = np.sort(ratios)
    rank = max(1, int(binom.ppf(0.025, len(order), 0.5)))
    return float(np.median(order)), float(order[rank - 1]), float(order[-rank])


def show(title: str, times: dict[str, Times], yardstick: str, rate: Callable[[float], str]) -> None:
    """A line each: how many times as long as the yardstick it takes, its CPU time, its rate."""
    print(f"\n{title}, in times of {yardstick}")
    print(f"{'':40} {'clock, median':>20} {'best':>6} {'CPU':>6}   best rate here")
    unit = times[yardstick]
    for name, one in times.items():
        middle, low, high = median(one[:, 0] / unit[:, 0])
        least, most = one.min(axis=0), unit.min(axis=0)
        clock, busy = least / most
        shown = f"{middle:.2f} ({low:.2f}-{high:.2f})"
        print(f"{name:40} {shown:>20} {clock:6.2f} {busy:6.2f}   {rate(least[0])}")


def queries(clients: dict[str, Any]) -> dict[str, Turn]:
    """Their turns of queries."""
    return {name: one.queries for name, one in clients.items()}


def blocks(clients: dict[str, Any]) -> dict[str, Turn]:
    """Their turns of a block, of those that have one."""
    return {name: one.block for name, one in clients.items() if hasattr(one, "block")}


async def measure(rounds: int) -> None:
    """Both tables on raw TCP and on HiSLIP."""
    raw_port, hislip_port = started(serve_raw), started(serve_hislip)
    where = f"TCPIP::127.0.0.1::{raw_port}::SOCKET"
    message = f"TCPIP::127.0.0.1::hislip0,{hislip_port}::INSTR"
    connector, model = RealConnector(), LinkModel(latency=0.0, bytes_per_second=1e6)
    streams, bare = Streams(raw_port), BareHislip(hislip_port)
    apart = ScpiInstrument("apart", where, connector, link=model)
    joined = Joined("joined", where, connector, link=model)
    far = Joined("far", message, connector, link=model)
    for one in (streams, bare, apart, joined, far):
        await one.open()
    tcp = {
        "raw socket": Raw(raw_port),
        "asyncio": streams,
        "our socket link": Ours(await connector.visa(where)),
        "our driver, error queue in the message": Driver(joined),
        "our driver, error queue in its own": Driver(apart),
        "our driver, eight sent ahead": Batches(apart),
        "pyvisa-py SOCKET": Visa(where),
    }
    slow = {
        "asyncio, HiSLIP by hand": bare,
        "pyvisa-py HiSLIP": Visa(message),
        "our VISA link": Ours(await connector.visa(message)),
        "our driver": Driver(far),
    }
    for title, clients, yardstick in (
        ("raw TCP", tcp, "asyncio"),
        ("HiSLIP", slow, "pyvisa-py HiSLIP"),
    ):
        show(
            f"a query on {title}", await taken(queries(clients), 5 * rounds), yardstick,
            lambda s: f"{BATCH / s:8.0f} /s",
        )  # fmt: skip
        clients.pop("our driver, error queue in the message", None)  # its block is the other's
        show(
            f"a block of {SIZE / 1e6:.0f} MB on {title}", await taken(blocks(clients), rounds),
            yardstick, lambda s: f"{SIZE / 1e6 / s:8.0f} MB/s",
        )  # fmt: skip
    for one in (apart, joined, far):
        await one.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Query and block rates of links.")
    parser.add_argument("--rounds", type=int, default=8, help="turns of blocks (default: 8)")
    warnings.simplefilter("ignore")  # of pyvisa-py, about optional packages
    asyncio.run(measure(max(6, parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
