"""The gradient of physics-aware training against the plant's own, and its identities."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

import hil
from hil.bench.file import from_document
from hil.control import Electronics, Schedule, Trace, run_schedule
from hil.control.machine import Machine
from hil.learn.digital import DigitalMachine
from hil.learn.loop import believed_final
from hil.learn.pat import measured_pass, twin_pass
from hil.twin.machine import Twin
from sim_backends.plant import Plant
from tests.hil.twin.plants import OUTSIDE_THE_LAW, document, exact_twin

P_PI = 0.020
BATCH, CLASSES = 6, 3
SCHEDULE = Schedule(2, 5)
SKIP = 0.2
Variables = dict[str, torch.Tensor]


def _variables(ports: int, seed: int = 0) -> Variables:
    """Powers, gain, bias, read-out, and inputs at every step; some drives are clipped."""
    rng = np.random.default_rng([ports, seed])
    shapes = {
        "powers": rng.uniform(0.4, 1.6, (2, ports**2)),
        "gain": rng.uniform(1.2, 1.8, 2),
        "bias": rng.normal(0.0, 0.2, (2, ports)),
        "readout": rng.normal(0.0, 1.0, (CLASSES, ports)),
        "inputs": rng.normal(0.0, 0.6, (BATCH, SCHEDULE.n_steps, ports)),
    }
    return {name: torch.tensor(value).requires_grad_() for name, value in shapes.items()}


_LABELS = torch.arange(BATCH) % CLASSES


def _trace(machine: Machine, v: Variables, skip: float = SKIP) -> Trace:
    held = {name: value.detach().numpy() for name, value in v.items()}
    electronics = Electronics(held["gain"], held["bias"], skip)
    run = run_schedule(machine, SCHEDULE, held["powers"] * P_PI, electronics, held["inputs"])
    return asyncio.run(run)


def _pat_state(twin: Twin, v: Variables, trace: Trace) -> torch.Tensor:
    return measured_pass(twin, v["powers"], v["gain"], v["bias"], SKIP, v["inputs"], trace)


def _loss(state: torch.Tensor, v: Variables) -> torch.Tensor:
    return functional.cross_entropy(state @ v["readout"].T, _LABELS)


@contextmanager
def _exact_bench(ports: int) -> Iterator[tuple[Machine, Twin]]:
    """A slot-path bench that does not round at all, and the twin that is its plant."""
    decoded = document(ports, 2, severity="harsh", off=OUTSIDE_THE_LAW)
    with hil.open(from_document(decoded, source="tiny"), path="slot") as bench:
        with pytest.MonkeyPatch.context() as patch:
            # The last rounding: the control side plays what the boxes' 14 bits can.
            patch.setattr(bench.core.parts.source, "quantise", lambda volts: volts)
            yield bench.core.machine, exact_twin(Plant.from_document(decoded))


def _numeric(
    machine: Machine, v: Variables, name: str, entries: NDArray[np.intp], step: float
) -> NDArray[np.float64]:
    """Central differences of the plant's own loss in some entries of one variable."""

    def loss(shift: float, entry: int) -> float:
        moved = {key: value.detach().clone() for key, value in v.items()}
        moved[name].view(-1)[entry] += shift
        state = torch.from_numpy(_trace(machine, moved).state)
        return float(_loss(state, moved))

    return np.array([(loss(step, i) - loss(-step, i)) / (2 * step) for i in entries])


@pytest.mark.parametrize("ports", [4, 8])
def test_the_gradient_is_that_of_the_plants_own_loss(ports: int) -> None:
    """With twin = plant, to 1e-5 of each variable's gradient.

    The central difference itself errs by step^2 times a third derivative of order one, 1e-9, and
    by 1e-16 / step = 3e-12 of rounding.
    """
    with _exact_bench(ports) as (machine, twin):
        v = _variables(ports)
        trace = _trace(machine, v)
        assert (np.abs(trace.sent) == 1.5).any()
        assert not trace.clipped.any()
        _loss(_pat_state(twin, v, trace), v).backward()
        for name, value in v.items():
            some = np.random.default_rng(1).permutation(value.numel())[:40]
            numeric = _numeric(machine, v, name, some, step=3e-5)
            assert value.grad is not None
            analytic = value.grad.view(-1)[torch.from_numpy(some)].numpy()
            scale = np.linalg.norm(numeric)
            assert scale > 1e-3
            assert np.linalg.norm(analytic - numeric) < 1e-5 * scale, name


def test_a_wrong_twin_gives_another_gradient() -> None:
    """The comparison above can fail: 0.05 rad in one phase is seen."""
    with _exact_bench(4) as (machine, twin):
        v = _variables(4)
        twin.parameters["offset"][0, 0] += 0.05
        _loss(_pat_state(twin, v, _trace(machine, v)), v).backward()
        some = np.arange(16)
        numeric = _numeric(machine, v, "powers", some, step=3e-5)
        assert v["powers"].grad is not None
        analytic = v["powers"].grad.view(-1)[:16].numpy()
        assert np.linalg.norm(analytic - numeric) > 1e-3 * np.linalg.norm(numeric)


@contextmanager
def _noisy_bench() -> Iterator[tuple[hil.Bench, Twin]]:
    """A bench with everything on, and an unrelated twin."""
    decoded = document(4, 2, severity="harsh")
    with hil.open(from_document(decoded, source="tiny"), path="slot") as bench:
        yield bench, exact_twin(Plant.from_document(document(4, 2, seed=9)))


@pytest.mark.parametrize("skip", [0.0, 0.3])
def test_forward_is_what_was_measured_to_the_last_digit(skip: float) -> None:
    with _noisy_bench() as (bench, twin):
        v = _variables(4)
        trace = _trace(bench.core.machine, v, skip)
    state = measured_pass(twin, v["powers"], v["gain"], v["bias"], skip, v["inputs"], trace)
    np.testing.assert_array_equal(state.detach().numpy(), trace.state)


def test_on_its_own_machine_it_is_plain_backpropagation() -> None:
    twin = exact_twin(Plant.from_document(document(4, 2, severity="harsh")))
    v = _variables(4)
    trace = _trace(DigitalMachine(twin), v)
    _loss(_pat_state(twin, v, trace), v).backward()
    slotwise = {name: value.grad for name, value in v.items()}
    plain = _variables(4)
    dark = torch.from_numpy(trace.after_dark)
    state = twin_pass(
        twin,
        plain["powers"],
        plain["gain"],
        plain["bias"],
        SKIP,
        plain["inputs"],
        trace.banks,
        dark,
    )
    np.testing.assert_allclose(state.detach().numpy(), trace.state, rtol=0, atol=1e-14)
    _loss(state, plain).backward()
    for name, value in plain.items():
        assert slotwise[name] is not None
        assert value.grad is not None
        assert float(value.grad.abs().max()) > 1e-3
        torch.testing.assert_close(slotwise[name], value.grad, rtol=0, atol=1e-14)


@pytest.mark.parametrize("rule", ["measured", "final"])
def test_the_tasks_gradient_never_reaches_the_twins_parameters(rule: str) -> None:
    twin = exact_twin(Plant.from_document(document(4, 2, severity="harsh")))
    v = _variables(4)
    trace = _trace(DigitalMachine(twin), v)
    for parameter in twin.parameters.values():
        parameter.requires_grad_()
    if rule == "measured":
        state = _pat_state(twin, v, trace)
    else:
        dark = torch.from_numpy(trace.after_dark)
        state = twin_pass(
            twin, v["powers"], v["gain"], v["bias"], SKIP, v["inputs"], trace.banks, dark
        )
    _loss(state, v).backward()
    assert all(parameter.grad is None for parameter in twin.parameters.values())
    assert v["powers"].grad is not None


def test_rounding_is_straight_through() -> None:
    """The gradient at the drive that was asked for is the twin's at the drive that was played."""
    twin = exact_twin(Plant.from_document(document(4, 2)))
    asked = torch.tensor([[0.31, -0.72, 1.2, 0.05], [0.3, 0.3, -0.3, 0.9]], dtype=torch.float64)
    asked.requires_grad_()
    coarse = np.round(asked.detach().numpy() / 0.25) * 0.25
    powers = torch.ones(2, 16, dtype=torch.float64)
    one = Trace(
        sent=coarse[:, None],
        measured=np.full((2, 1, 4), 0.123),
        clipped=np.zeros((2, 1, 4), dtype=bool),
        state=np.zeros((2, 4)),
        after_dark=np.array([True, False]),
        banks=(1,),
        times=np.zeros(1),
    )
    gain = torch.ones(2, dtype=torch.float64)
    bias = torch.zeros(2, 4, dtype=torch.float64)
    state = measured_pass(twin, powers, gain, bias, 0.0, asked[:, None], one)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    (state @ weights).sum().backward()
    played = torch.tensor(coarse, requires_grad=True)
    dark = torch.from_numpy(one.after_dark)
    believed = twin_pass(twin, powers, gain, bias, 0.0, played[:, None], (1,), dark)
    (believed @ weights).sum().backward()
    assert asked.grad is not None
    torch.testing.assert_close(asked.grad, played.grad, rtol=0, atol=1e-14)
    # A sample reaches the one behind it through the memory.
    assert float(asked.grad[0].abs().max()) > 0.1


def test_a_drive_is_clamped_at_one_and_a_half_v_pi_and_has_no_slope_beyond() -> None:
    with _noisy_bench() as (bench, twin):
        v = _variables(4)
        with torch.no_grad():
            v["inputs"][:, 0] = torch.tensor([1.8, -7.0, 1.4, 0.0], dtype=torch.float64)
        trace = _trace(bench.core.machine, v)
    # One step of the 14 bits over +-1 V that stand for +-1.5 V_pi; the upper end is a step short.
    step = 1.5 / 2**13
    np.testing.assert_allclose(trace.sent[0, 0], [1.5, -1.5, 1.4, 0.0], rtol=0, atol=1.01 * step)
    state = measured_pass(twin, v["powers"], v["gain"], v["bias"], 0.0, v["inputs"], trace)
    _loss(state, v).backward()
    assert v["inputs"].grad is not None
    slope = v["inputs"].grad[:, 0].abs().max(dim=0).values
    assert bool((slope[:2] == 0.0).all())
    assert bool((slope[2:] > 1e-6).all())


def test_final_only_takes_the_measured_value_and_the_twins_own_gradient() -> None:
    with _noisy_bench() as (bench, twin):
        v = _variables(4)
        trace = _trace(bench.core.machine, v)
    dark = torch.from_numpy(trace.after_dark)
    terms = (v["powers"], v["gain"], v["bias"], SKIP, v["inputs"], trace.banks, dark)
    believed = twin_pass(twin, *terms)
    state = believed_final(torch.from_numpy(trace.state), believed)
    np.testing.assert_allclose(state.detach().numpy(), trace.state, rtol=0, atol=1e-14)
    assert float((believed - state).detach().abs().max()) > 0.05
    upstream = torch.randn(
        state.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    (found,) = torch.autograd.grad(state, v["powers"], upstream, retain_graph=True)
    (own,) = torch.autograd.grad(believed, v["powers"], upstream)
    assert torch.equal(found, own)
    slotwise = measured_pass(twin, *terms[:5], trace)
    (measured,) = torch.autograd.grad(slotwise, v["powers"], upstream)
    assert float((found - measured).abs().max()) > 1e-3
