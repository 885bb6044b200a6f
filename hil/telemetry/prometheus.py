"""Metrics for Prometheus, on loopback: `--prometheus PORT`, then http://127.0.0.1:PORT/metrics."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from socketserver import BaseServer
from typing import Any

from hil.telemetry.bus import Bus, Outlet
from hil.telemetry.errors import TelemetryError
from hil.telemetry.event import Severity, Stamped
from hil.telemetry.events import (
    EpochEnded,
    Fault,
    Health,
    RunEnded,
    RunStarted,
    Spent,
    StateChanged,
    Step,
    Watched,
)

LOOPBACK = "127.0.0.1"
STATES = ("off", "idle", "armed", "running", "tripped")
SEVERE = tuple(one for one in Severity if one is not Severity.NONE)


class PrometheusOutlet(Outlet):
    """Serves what a bus tells until it is closed. Nothing is kept but the last values.

    port : of loopback; 0: one that is free, see `port`.
    """

    def __init__(self, bus: Bus, bench: str, port: int) -> None:
        """Begin to serve.

        Raises
        ------
        TelemetryError
            Where prometheus_client is not installed, or the port is taken.
        """
        try:
            import prometheus_client as prometheus
            from prometheus_client import core
        except ImportError:
            raise TelemetryError(
                "--prometheus needs the package prometheus-client: pip install "
                "'hil-photonics[prometheus]'"
            ) from None
        self._metrics = _Metrics(prometheus, bench)
        self._metrics.registry.register(_Drops(core, bus, bench))
        try:
            self._server, self._server_thread = prometheus.start_http_server(
                port, LOOPBACK, self._metrics.registry
            )
        except (OSError, OverflowError) as error:
            raise TelemetryError(
                f"--prometheus {port}: {getattr(error, 'strerror', None) or error}; name another "
                f"port"
            ) from None
        self.port = int(self._server.server_address[1])
        super().__init__("prometheus", self._metrics.take, kinds=_Metrics.KINDS)

    def close(self, patience: float = 5.0) -> bool:
        """Serve no more."""
        handed = super().close(patience)
        _end(self._server, self._server_thread)
        return handed


def _end(server: BaseServer, thread: threading.Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()


class _Metrics:
    """The values, by name; all bear the bench as a label."""

    KINDS = (RunStarted, RunEnded, Step, EpochEnded, Spent, StateChanged, Health, Watched, Fault)

    def __init__(self, prometheus: Any, bench: str) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._bench = bench

        def gauge(name: str, text: str, *labels: str) -> Any:
            return prometheus.Gauge(f"hil_{name}", text, ("bench", *labels), registry=self.registry)

        def counter(name: str, text: str, *labels: str) -> Any:
            return prometheus.Counter(
                f"hil_{name}", text, ("bench", *labels), registry=self.registry
            )

        self.step = gauge("step", "Number of the last batch of the run")
        self.steps = counter("steps", "Batches measured and learnt from")
        self.clamped = counter("clamped_levels", "Levels that were clamped")
        self.loss = gauge("loss_nat", "Mean cross entropy of the last batch")
        self.accuracy = gauge("accuracy_ratio", "Share of the last batch answered right")
        self.residual = gauge("twin_residual", "rms of believed minus measured, signal units")
        self.held_out = gauge("held_out_accuracy_ratio", "Share of held-out items answered right")
        self.running = gauge("run_under_way", "Whether a run is under way")
        self.state = gauge("bench_state", "1 for the state that the bench is in", "state")
        self.light = gauge("light_on", "Whether light is on")
        self.bench_time = gauge("bench_time_seconds", "Bench time since it was opened")
        self.spent = gauge("spent_seconds", "Bench time of the run by category", "category")
        self.passes = gauge("device_passes", "Samples through all slots, by purpose", "purpose")
        self.open = gauge("link_open", "Whether the link to an instrument is open", "instrument")
        self.troubles = counter("troubles", "Faults, and what the watch found", "severity")
        for severity in SEVERE:
            self.troubles.labels(bench, str(severity))

    def take(self, events: Sequence[Stamped]) -> None:
        """Set what some events tell."""
        for one in events:
            self._set(one.event)

    def _set(self, event: Any) -> None:
        bench = self._bench
        match event:
            case Step():
                self.step.labels(bench).set(event.step)
                self.steps.labels(bench).inc()
                self.clamped.labels(bench).inc(event.clamped)
                self.loss.labels(bench).set(event.loss)
                self.accuracy.labels(bench).set(event.accuracy)
                if event.residual is not None:
                    self.residual.labels(bench).set(event.residual)
            case EpochEnded():
                self.held_out.labels(bench).set(event.held_out_accuracy)
            case RunStarted() | RunEnded():
                self.running.labels(bench).set(isinstance(event, RunStarted))
            case StateChanged():
                for state in STATES:
                    self.state.labels(bench, state).set(state == event.state)
                self.light.labels(bench).set(event.light)
            case Spent():
                self.bench_time.labels(bench).set(event.bench_seconds)
                for category, seconds in event.seconds.items():
                    self.spent.labels(bench, category).set(seconds)
                for purpose, number in event.device_passes.items():
                    self.passes.labels(bench, purpose).set(number)
            case Health():
                for name, link in event.links.items():
                    self.open.labels(bench, name).set(bool(link.get("open")))
            case Fault() | Watched() if event.severity in SEVERE:
                self.troubles.labels(bench, str(event.severity)).inc()
            case _:
                pass


class _Drops:
    """What the outlets of a bus have dropped and what waits in them, as it is when asked for."""

    def __init__(self, core: Any, bus: Bus, bench: str) -> None:
        self._core, self._bus, self._bench = core, bus, bench

    def describe(self) -> list[Any]:
        """Nothing is known beforehand."""
        return []

    def collect(self) -> list[Any]:
        """The present values."""
        labels = ("bench", "outlet")
        dropped = self._core.CounterMetricFamily(
            "hil_outlet_dropped", "Events that an outlet dropped", labels=labels
        )
        waiting = self._core.GaugeMetricFamily(
            "hil_outlet_waiting", "Events that wait in an outlet", labels=labels
        )
        for outlet in list(self._bus.outlets):
            dropped.add_metric((self._bench, outlet.name), outlet.dropped)
            waiting.add_metric((self._bench, outlet.name), outlet.waiting)
        return [dropped, waiting]
