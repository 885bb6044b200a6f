"""The bench as a torch module in a network of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hil
from hil.bench.file import from_document
from hil.control import Schedule, ScheduleError
from hil.learn.pat import measured_pass
from hil.twin.machine import Twin
from tests.hil.twin.plants import document

PORTS, BANKS = 4, 2
SCHEDULE = Schedule(BANKS, 3)


@pytest.fixture
def bench() -> Iterator[hil.Bench]:
    """A tiny bench with all its imperfections."""
    with hil.open(from_document(document(PORTS, BANKS), source="tiny"), path="slot") as bench:
        yield bench


def _record(bench: hil.Bench, folder: Path) -> Path:
    bench.core.write_as_built("std", folder / "std.json")
    return folder / "std.json"


@pytest.fixture
def twin(bench: hil.Bench, tmp_path: Path) -> Twin:
    """A twin of the bench from an as-built file."""
    return hil.twin_from_record(bench, _record(bench, tmp_path))


def _points(count: int = 12, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, PORTS, generator=generator, dtype=torch.float64) - 1


def test_forward_is_measured_and_backward_is_the_per_slot_rule(
    bench: hil.Bench, twin: Twin
) -> None:
    slots = hil.Slots(bench, twin, SCHEDULE, skip=0.1)
    x = _points().requires_grad_()
    state = slots(x)
    assert state.shape == (12, PORTS)
    trace = slots.trace
    assert trace is not None
    np.testing.assert_array_equal(state.detach().numpy(), trace.state)
    assert trace.banks == (0, 1, 0)
    (state**2).sum().backward()
    inputs = torch.zeros(12, 3, PORTS, dtype=torch.float64)
    inputs[:, 0] = x.detach()
    copies = [p.detach().clone().requires_grad_() for p in (slots.powers, slots.gain, slots.bias)]
    inputs.requires_grad_()
    powers, gain, bias = copies
    again = measured_pass(twin, powers, gain, bias, 0.1, inputs, trace)
    (again**2).sum().backward()
    for mine, parameter in zip(copies, (slots.powers, slots.gain, slots.bias), strict=True):
        assert mine.grad is not None
        assert parameter.grad is not None
        assert float(parameter.grad.abs().max()) > 1e-3
        torch.testing.assert_close(parameter.grad, mine.grad, rtol=0, atol=0)
    assert x.grad is not None
    assert inputs.grad is not None
    torch.testing.assert_close(x.grad, inputs.grad[:, 0], rtol=0, atol=0)


def test_inputs_may_enter_at_every_step(bench: hil.Bench, twin: Twin) -> None:
    slots = hil.Slots(bench, twin, SCHEDULE)
    x = torch.stack([_points(seed=s) for s in range(3)], dim=1).requires_grad_()
    slots(x).sum().backward()
    assert x.grad is not None
    assert bool((x.grad.abs().amax(dim=(0, 2)) > 1e-4).all())
    with pytest.raises(ValueError, match=r"inputs have shape \(12, 2, 4\); \(batch, 3, 4\)"):
        slots(x[:, :2])


class Hybrid(nn.Module):
    """A digital layer before and behind the optics, as a user would write it."""

    def __init__(self, slots: hil.Slots, classes: int) -> None:
        super().__init__()
        self.front = nn.Linear(2, PORTS, dtype=torch.float64)
        self.optics = slots
        self.head = nn.Linear(PORTS, classes, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.optics(torch.tanh(self.front(x))))


def test_a_network_with_slots_learns_by_a_torch_optimiser(bench: hil.Bench, twin: Twin) -> None:
    torch.manual_seed(0)
    network = Hybrid(hil.Slots(bench, twin, SCHEDULE), 2)
    names = {name for name, _ in network.named_parameters() if name.startswith("optics")}
    assert names == {"optics.powers", "optics.gain", "optics.bias"}
    keep_true = hil.OnlineRefit(twin, hil.RefitSettings(), seed=0)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    generator = torch.Generator().manual_seed(1)
    x = 2 * torch.rand(128, 2, generator=generator, dtype=torch.float64) - 1
    y = (x[:, 0] * x[:, 1] > 0).long()  # exclusive or: no linear model is better than chance
    before = network.optics.powers.detach().clone()
    losses = []
    for _ in range(60):
        loss = nn.functional.cross_entropy(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
        assert network.optics.trace is not None
        keep_true.observe(network.optics.powers, network.optics.trace)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 0.6
    assert losses[-1] < 0.3
    assert float((network.optics.powers.detach() - before).abs().max()) > 0.05
    assert all(parameter.grad is None for parameter in twin.parameters.values())


def test_two_passes_may_share_one_backward(bench: hil.Bench, twin: Twin) -> None:
    slots = hil.Slots(bench, twin, SCHEDULE)
    one, two = slots(_points(seed=1)), slots(_points(seed=2))
    (one.sum() + two.sum()).backward()
    assert slots.powers.grad is not None
    both = slots.powers.grad.clone()
    assert float(both.abs().max()) > 1e-3


def test_slots_may_be_saved_and_restored(bench: hil.Bench, twin: Twin) -> None:
    slots = hil.Slots(bench, twin, SCHEDULE, seed=3)
    other = hil.Slots(bench, twin, SCHEDULE, seed=4)
    assert not torch.equal(slots.powers, other.powers)
    other.load_state_dict(slots.state_dict())
    assert torch.equal(slots.powers, other.powers)
    assert torch.equal(slots.powers, hil.Slots(bench, twin, SCHEDULE, seed=3).powers)


def test_powers_are_clamped_before_the_bench_is_asked(bench: hil.Bench, twin: Twin) -> None:
    slots = hil.Slots(bench, twin, SCHEDULE)
    with torch.no_grad():
        slots.powers[0, 3] = -0.4
        slots.powers[1, 5] = 9.0
    slots(_points())
    largest = float(bench.level_max[1, 5]) / twin.p_pi
    idle = bench.file.chip.idle_voltage**2 / bench.file.bank_elements(0).r_nom[3] / twin.p_pi
    assert idle > 0.0
    assert float(slots.powers.detach()[0, 3]) == pytest.approx(idle)
    assert float(slots.powers.detach()[1, 5]) == largest


def test_a_chips_total_power_is_held_too(tmp_path: Path) -> None:
    """What the bench would refuse: each heater within its own limit, all together not."""
    small = document(PORTS, BANKS)
    small["chip"]["power_max"] = 0.2
    with hil.open(from_document(small, source="tiny"), path="slot") as bench:
        twin = hil.twin_from_record(bench, _record(bench, tmp_path))
        slots = hil.Slots(bench, twin, SCHEDULE)
        assert float(slots.powers.detach()[0].sum()) * twin.p_pi > 0.2
        slots(_points())
        assert float(slots.powers.detach()[0].sum()) * twin.p_pi == pytest.approx(0.2)


def test_fewer_banks_than_the_bench_need_a_twin_of_as_many(
    bench: hil.Bench, tmp_path: Path
) -> None:
    """A twin of all would broadcast the one bank's powers to the others."""
    record = _record(bench, tmp_path)
    one = Schedule(1, 3)
    with pytest.raises(ScheduleError, match=r"uses 1 banks, the twin has 2; .*n_banks=1"):
        hil.Slots(bench, hil.twin_from_record(bench, record), one)
    slots = hil.Slots(bench, hil.twin_from_record(bench, record, n_banks=1), one)
    slots(_points()).sum().backward()
    assert slots.powers.shape == (1, PORTS**2)
    assert slots.powers.grad is not None
    assert bool(slots.powers.grad.any())


def test_a_twin_of_another_bench_is_refused(bench: hil.Bench, tmp_path: Path) -> None:
    with hil.open(from_document(document(3, 1), source="other"), path="slot") as other:
        record = _record(other, tmp_path)
    with pytest.raises(ValueError, match="3 ports and 1 banks; this bench has 4 and 2"):
        hil.twin_from_record(bench, record)
