"""Steps on the twin between measured ones, and the rates of all."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hil
from calibration.record_reading import read_record
from hil.bench.file import from_document
from hil.control.schedule import Schedule
from hil.learn.digital import DigitalMachine
from hil.learn.digital_steps import digital_loss
from hil.learn.errors import MethodError
from hil.learn.measuring import deploy, measure_logits
from hil.learn.network import Network
from hil.learn.rates import MOST_LATE, Rates
from hil.learn.settings import TrainingSettings
from hil.record.reading import all_events
from hil.tasks import load_task
from hil.telemetry.events import Step
from hil.twin.machine import Twin
from tests.hil.twin.plants import document

STEPS = 10


def _network() -> Network:
    n = 4
    return Network(
        powers=torch.ones(2, n * n, dtype=torch.float64).requires_grad_(),
        gain=torch.ones(2, dtype=torch.float64).requires_grad_(),
        bias=torch.zeros(2, n, dtype=torch.float64).requires_grad_(),
        readout=torch.ones(3, n, dtype=torch.float64).requires_grad_(),
        p_pi=0.02,
    )


def _rates(least: list[float]) -> Rates:
    return Rates(_network(), TrainingSettings(), STEPS, lambda: least[0])


def _step(rates: Rates) -> None:
    """A step that moves nothing, and the rates of the next one."""
    rates.learn(torch.zeros((), dtype=torch.float64, requires_grad=True) * 1.0)
    rates.anneal()


def test_rates_fall_along_their_cosine_but_not_below_what_drift_asks() -> None:
    least = [0.0]
    rates = _rates(least)
    seen = []
    for step in range(STEPS):
        if step == 6:
            least[0] = 0.3
        seen.append(rates.optimiser.param_groups[1]["lr"])
        _step(rates)
    cosine = [0.5 * (1.0 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]
    # What is asked at a step holds from the next one.
    expected = [max(share, 0.3 if step > 6 else 0.0) for step, share in enumerate(cosine)]
    np.testing.assert_allclose(seen, 0.02 * np.array(expected))


def test_drift_keeps_rates_at_half_of_the_first_at_most() -> None:
    rates = _rates([7.0])
    for _ in range(STEPS):
        _step(rates)
    assert rates.optimiser.param_groups[1]["lr"] == pytest.approx(MOST_LATE * 0.02)


def _train(folder: Path, method: str = "pat", **options: Any) -> hil.Result:
    file = from_document(document(4, 2), source="tiny")
    with hil.open(file, path="slot") as bench:
        return hil.train(
            bench, "spirals", method, out=folder, epochs=4, n_steps=3, batch=64, **options
        )


def _between(result: hil.Result) -> int:
    return result.ledger["digital_passes"].get("steps between batches", 0)


def test_they_follow_every_step_or_none_as_asked(tmp_path: Path) -> None:
    usual, three = _train(tmp_path / "usual"), _train(tmp_path / "three", digital_steps=3)
    steps = len(list(all_events(tmp_path / "usual", Step)))
    settings = TrainingSettings()
    assert _between(usual) == steps * settings.digital_steps * settings.digital_batch
    assert _between(three) == steps * 3 * settings.digital_batch
    assert _between(_train(tmp_path / "none", digital_steps=0)) == 0


@pytest.mark.parametrize(
    ("method", "options"), [("pat", {"twin": "fixed"}), ("pat-final", {}), ("frozen", {})]
)
def test_a_twin_that_no_slot_keeps_true_is_not_trained_on(
    tmp_path: Path, method: str, options: dict[str, Any]
) -> None:
    result = _train(tmp_path / "run", method, **options)
    assert _between(result) == 0


def test_the_loss_is_that_of_the_answers_of_the_twin(tmp_path: Path) -> None:
    """A digital machine that is the same twin measures the same."""
    file = from_document(document(4, 2), source="tiny")
    with hil.open(file, path="slot") as bench:
        bench.core.write_as_built("rough", tmp_path / "record.json")
    twin = Twin.from_record(read_record(tmp_path / "record.json"), 0.02)
    network, schedule = Network.start(twin, 3, 0), Schedule(2, 3)
    part = load_task("spirals", 0).held_out
    machine = DigitalMachine(twin)

    async def measured() -> np.ndarray:
        await deploy(machine, network, 0.0)
        return await measure_logits(machine, schedule, network, part.features, "manual")

    logits = torch.from_numpy(asyncio.run(measured()))
    labels = torch.from_numpy(part.labels)
    placed = torch.from_numpy(schedule.place(part.features, twin.ports))
    loss = digital_loss(twin, network, schedule, placed, labels)
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, labels))
    loss.backward()
    assert network.powers.grad is not None
    assert bool((network.powers.grad != 0).any())


def test_numbers_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="0 or more"):
        _train(tmp_path / "run", digital_steps=-1)
    with pytest.raises(MethodError, match="at least two"):
        TrainingSettings(digital_batch=1)
