"""Measuring a network that is not being trained: its answers, and how many of them are right."""

from __future__ import annotations

import numpy as np

from hil.control.feedback import run_schedule
from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.learn.network import Network
from hil.tasks.task import Split


async def measure_logits(
    machine: Machine, schedule: Schedule, network: Network, features: np.ndarray, purpose: str
) -> np.ndarray:
    """Logits (items, classes) MEASURED on the machine."""
    with machine.ledger.purpose(purpose):
        trace = await run_schedule(
            machine,
            schedule,
            network.levels(),
            network.electronics(),
            schedule.place(features, machine.ports),
        )
    return trace.state @ network.readout.detach().numpy().T


async def deploy(machine: Machine, network: Network, warm_up: float) -> None:
    """Write a network's levels and wait `warm_up` s, until the chip has followed to the last."""
    await machine.program(network.levels())
    await machine.rest(warm_up)


async def measure_accuracy(
    machine: Machine, schedule: Schedule, network: Network, part: Split, purpose: str
) -> float:
    """Share of right answers on `part`, measured on the machine."""
    logits = await measure_logits(machine, schedule, network, part.features, purpose)
    return float(np.mean(logits.argmax(axis=1) == part.labels))


def confusion(labels: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """How many items of each class (rows) were answered as each class (columns)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts
