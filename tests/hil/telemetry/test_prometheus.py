"""Metrics for Prometheus: as it reads them, on loopback, and not a moment longer than the bus."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hil.telemetry.bus import Bus
from hil.telemetry.errors import TelemetryError
from hil.telemetry.event import Severity
from hil.telemetry.events import Fault, Health, Spent, StateChanged, Step
from hil.telemetry.prometheus import PrometheusOutlet


def _scrape(port: int) -> dict[tuple[str, ...], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5.0) as answer:
        text = answer.read().decode()
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [value for name, value in sample.labels.items() if name != "bench"]
            found[(sample.name, *labels)] = sample.value
    return found


STEP = Step(
    step=7,
    epoch=1,
    loss=1.25,
    accuracy=0.5,
    residual=None,
    clamped=3,
    measured_on="bench",
    seconds=0.1,
)


def test_what_a_run_tells_is_served(eventually: Callable[..., Any]) -> None:
    bus = Bus()
    outlet = PrometheusOutlet(bus, "b", 0)
    bus.add(outlet)
    bus.publish(StateChanged(state="running", light=True))
    bus.publish(STEP)
    bus.publish(STEP)
    bus.publish(
        Spent(
            bench_seconds=9.0,
            seconds={"write": 1.5},
            device_passes={"training": 128},
            counts={"frames": 2},
        )
    )
    bus.publish(Health(links={"pattern": {"open": True}}, outlets={}))
    bus.publish(Fault(source="box", text="silent", severity=Severity.MAJOR))
    eventually(lambda: _scrape(outlet.port).get(("hil_troubles_total", "major")) == 1.0)
    found = _scrape(outlet.port)
    assert found[("hil_step",)] == 7.0
    assert found[("hil_steps_total",)] == 2.0
    assert found[("hil_clamped_levels_total",)] == 6.0
    assert found[("hil_loss_nat",)] == 1.25
    assert found[("hil_bench_state", "running")] == 1.0
    assert found[("hil_bench_state", "off")] == 0.0
    assert found[("hil_spent_seconds", "write")] == 1.5
    assert found[("hil_device_passes", "training")] == 128.0
    assert found[("hil_link_open", "pattern")] == 1.0
    assert found[("hil_outlet_dropped_total", "prometheus")] == 0.0
    assert ("hil_twin_residual",) not in found  # none was told
    assert outlet._server.server_address[0] == "127.0.0.1"
    bus.close()
    with pytest.raises(OSError, match="refused"):
        _scrape(outlet.port)


def test_a_taken_port_is_told() -> None:
    outlet = PrometheusOutlet(Bus(), "b", 0)
    try:
        with pytest.raises(TelemetryError, match="in use; name another port"):
            PrometheusOutlet(Bus(), "b", outlet.port)
    finally:
        outlet.close()
    with pytest.raises(TelemetryError, match="name another port"):
        PrometheusOutlet(Bus(), "b", 70_000)
