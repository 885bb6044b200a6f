"""A run's reports become events on the bus."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hil.bench.health import health
from hil.bench.opening import OpenBench
from hil.learn.loop import BELIEVED
from hil.learn.network import Network
from hil.learn.reports import EpochReport, StepReport, Watcher
from hil.learn.trust import Event as Happened
from hil.record.arrays import Room
from hil.telemetry.bus import Bus
from hil.telemetry.event import Event, Severity
from hil.telemetry.events import (
    Believed,
    BenchDescribed,
    Cusum,
    EpochEnded,
    Levels,
    Slots,
    Spent,
    Step,
    Watched,
)
from hil.twin.protocol import SlotTwin

#: Steps from one event on links and outlets to the next.
HEALTH_EVERY = 10


class Publisher:
    """Publishes what training reports, and passes it on to another watcher.

    A record that can be kept no longer ends the run: what it went on to measure would be lost.
    """

    def __init__(self, bench: OpenBench, next_watcher: Watcher) -> None:
        self._bench = bench
        self._bus: Bus = bench.bus
        self._next = next_watcher
        self._before = bench.now()

    def step(self, report: StepReport) -> None:
        """A step, its levels and slots, and what the watch had to tell."""
        now = self._bench.now()
        if self._bus.heard:
            self._bus.check()
            self._bus.publish(*self._told(report, now - self._before))
        self._before = now
        self._next.step(report)

    def _told(self, report: StepReport, seconds: float) -> Iterator[Event]:
        trace, number = report.trace, report.number
        yield Step(
            step=number,
            epoch=report.epoch,
            loss=report.loss,
            accuracy=report.accuracy,
            residual=report.residual,
            clamped=report.clamped,
            measured_on=report.measured_on,
            seconds=seconds,
        )
        if number % HEALTH_EVERY == 0:
            yield health(self._bench)
        if report.measured_on != "bench":
            return  # what a twin computed was neither programmed nor measured
        yield Levels(step=number, levels=report.powers.numpy() * self._bench.file.chip.p_pi)
        yield Slots(
            step=number,
            banks=np.array(trace.banks),
            times=trace.times,
            sent=trace.sent,
            measured=trace.measured,
            clipped=trace.clipped,
            dark=np.zeros(0) if trace.dark is None else trace.dark,
        )
        if report.believed is not None:
            shown = trace.measured[: len(report.believed)]
            banks = np.array(trace.banks)
            yield Believed(step=number, banks=banks, believed=report.believed, measured=shown)
        if (sums := report.sums) is not None:
            yield Cusum(step=number, whole=sums.whole, new=sums.new, element=sums.element)
        for event in report.events:
            yield Watched(
                step=event.batch,
                what=event.kind,
                text=event.text,
                severity=severity(event),
                data=event.data,
            )

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """The epoch's figures, and the ledger."""
        if self._bus.heard:
            self._bus.publish(
                EpochEnded(
                    epoch=report.epoch,
                    loss=report.loss,
                    train_accuracy=report.train_accuracy,
                    held_out_accuracy=report.held_out_accuracy,
                    measured_on=report.measured_on,
                    residual=report.residual,
                    fallbacks=report.fallbacks,
                    clamped=report.clamped,
                    alarms=report.alarms,
                )
            )
            self._bus.publish(spent(self._bench))
        self._next.epoch(report, network, twin)


def spent(bench: OpenBench) -> Spent:
    """The ledger of a bench, so far."""
    table = bench.ledger_table()
    names = ("bench_seconds", "seconds", "device_passes", "counts")
    return Spent(**{name: table[name] for name in names})


def array_room(batch: int, n_steps: int, n_banks: int, ports: int) -> Room:
    """What the arrays of a run of these sizes need of its record."""
    slots, some = (batch, n_steps, ports), (BELIEVED, n_steps, ports)
    return {
        Levels: {"levels": (n_banks, ports**2)},
        Slots: {
            "banks": (n_steps,),
            "times": (n_steps,),
            "sent": slots,
            "measured": slots,
            "clipped": slots,
            "dark": (ports,),
        },
        Believed: {"banks": (n_steps,), "believed": some, "measured": some},
    }


def described(bench: OpenBench, n_banks: int) -> BenchDescribed:
    """The bench of a run on its first banks."""
    file = bench.file
    banks = [file.bank_elements(k) for k in range(n_banks)]
    return BenchDescribed(
        bench=file.name,
        core=file.core,
        ports=file.ports,
        n_banks=n_banks,
        p_pi=file.chip.p_pi,
        power_max=file.chip.power_max,
        level_max=np.stack([one.level_max for one in banks]),
        resistance=np.stack([one.r_nom for one in banks]),
        full_scale=file.port_array("detector_range"),
        instruments={
            one.name: {
                "driver": one.driver,
                "resource": one.resource,
                "backend": one.backend or bench.backend,
            }
            for one in file.instruments
        },
    )


def severity(event: Happened) -> Severity:
    """How bad it is what a watch tells: an alarm is minor, what could not be put right is major."""
    if event.kind == "alarm":
        return Severity.MINOR
    if event.kind == "gate" and event.data.get("verdict") == "failed":
        return Severity.MAJOR
    if event.kind == "action" and event.data.get("action") == "accept":
        return Severity.MAJOR
    return Severity.NONE
