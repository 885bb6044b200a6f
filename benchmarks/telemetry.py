"""What telling costs a step, whatever the broker does: python benchmarks/telemetry.py

One training run on the simulated bench; the outlet on its bus changes every few steps, so that what
else the machine does falls on all alike. Ratios of one run carry over, milliseconds do not.

none: no outlet. live: a broker that works, with a subscriber. stalled: one that takes the
connection and then reads and answers nothing more. killed: one that is killed in the run, so that
the outlet tries again and again. The record is kept throughout.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import hil
from hil.bench.opening import OpenBench
from hil.learn.api import Quiet
from hil.learn.reports import StepReport
from hil.telemetry.event import Event
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.broker import EmbeddedBroker
from hil.telemetry.mqtt.outlet import MqttOutlet

BLOCK = 12
SUBSCRIBER = """
import sys
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
client = paho.Client(CallbackAPIVersion.VERSION2)
client.connect("127.0.0.1", int(sys.argv[1]))
client.subscribe("hil/v1/#", qos=1)
client.loop_forever()
"""


class Stall:
    """Passes bytes on to a broker, until it is told to stall: then it reads no more."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._stalled = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._meet, daemon=True).start()

    def stall(self) -> None:
        """Take connections, and nothing more."""
        self._stalled.set()

    def _meet(self) -> None:
        kept: list[socket.socket] = []  # whoever comes later finds the connection open, and silent
        while True:
            near, _ = self._server.accept()
            kept.append(near)
            if not self._stalled.is_set():
                far = socket.create_connection(("127.0.0.1", self._to))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        while not self._stalled.is_set() and (data := source.recv(65536)):
            sink.sendall(data)
        threading.Event().wait()


class Turns(Quiet):
    """Changes the outlet every few steps, and times the steps between."""

    def __init__(self, bench: OpenBench, outlets: dict[str, MqttOutlet | None]) -> None:
        self.bench, self.outlets = bench, outlets
        self.steps: dict[str, list[float]] = defaultdict(list)
        self.publishes: dict[str, list[float]] = defaultdict(list)
        self.killed_after: EmbeddedBroker | None = None
        self.now = "none"
        self._count = 0
        self._before = time.perf_counter()
        self._epoch = 0
        self._publish = bench.bus.publish
        bench.bus.publish = self._timed  # type: ignore[method-assign]

    def _timed(self, event: Event) -> None:
        began = time.perf_counter()
        self._publish(event)
        self.publishes[self.now].append(time.perf_counter() - began)

    def step(self, report: StepReport) -> None:
        """Time the step; after a block, the next one's turn."""
        took = time.perf_counter() - self._before
        # The first of a block or an epoch has other work in it.
        if self._count % BLOCK and report.epoch == self._epoch:
            self.steps[self.now].append(took)
        self._epoch = report.epoch
        self._count += 1
        if self._count % BLOCK == 0:
            self._turn()
        self._before = time.perf_counter()

    def _turn(self) -> None:
        names = list(self.outlets)
        before = self.outlets[self.now]
        if before is not None:
            self.bench.bus.remove(before)
        self.now = names[(names.index(self.now) + 1) % len(names)]
        outlet = self.outlets[self.now]
        if outlet is not None:
            self.bench.bus.add(outlet)
        if self.now == "killed" and self.killed_after is not None:
            self.killed_after.process.kill()
            self.killed_after = None


def outlet_at(bench: OpenBench, port: int, name: str) -> MqttOutlet:
    """A connected outlet that is not on the bus."""
    address = Address("127.0.0.1", port, tls=False, bench=name)
    outlet = MqttOutlet(address, Access(), bench.bus, bench.desk, name)
    outlet.connect()
    return outlet


def run(epochs: int) -> Turns:
    """Train, with all the outlets in turn."""
    live, killed = EmbeddedBroker(0), EmbeddedBroker(0)
    port = str(live.address.port)
    with (
        subprocess.Popen([sys.executable, "-P", "-c", SUBSCRIBER, port]) as subscriber,
        tempfile.TemporaryDirectory() as folder,
        hil.open("relax-mzi-16") as bench,
    ):
        stall = Stall(live.address.port)
        outlets: dict[str, MqttOutlet | None] = {
            "none": None,
            "live": outlet_at(bench.core, live.address.port, "live"),
            "stalled": outlet_at(bench.core, stall.port, "stalled"),
            "killed": outlet_at(bench.core, killed.address.port, "killed"),
        }
        stall.stall()
        turns = Turns(bench.core, outlets)
        turns.killed_after = killed
        hil.train(bench, epochs=epochs, out=Path(folder) / "run", watcher=turns)
        for outlet in outlets.values():
            if outlet is not None:
                outlet.close(0.5)
        subscriber.terminate()
    live.stop()
    killed.stop()
    return turns


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    turns = run(parser.parse_args().epochs)
    base = statistics.median(turns.steps["none"])
    tail = statistics.quantiles(turns.steps["none"], n=20)[-1]
    print(f"{'broker':9s} steps  median step  19 of 20 within  longest publish  dropped  sent")
    for name, outlet in turns.outlets.items():
        steps = turns.steps[name]
        middle, high = statistics.median(steps), statistics.quantiles(steps, n=20)[-1]
        longest = max(turns.publishes[name])
        dropped = 0 if outlet is None else outlet.dropped
        sent = 0 if outlet is None else outlet.counts["messages"]
        print(
            f"{name:9s} {len(steps):5d}  x{middle / base:<11.3f} x{high / tail:<15.3f} "
            f"{1e3 * longest:9.2f} ms     {dropped:7d}  {sent:4d}"
        )
    print(f"a step without an outlet: {1e3 * base:.1f} ms of this machine")


if __name__ == "__main__":
    main()
