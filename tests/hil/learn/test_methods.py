"""Every method runs on a tiny bench and is what the table of methods says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hil
from calibration.record_reading import read_record
from hil.bench.cores import MICRORING
from hil.bench.file import from_document
from hil.learn import loop
from hil.learn.compare import comparison_table
from hil.learn.errors import MethodError
from hil.learn.limits import Limits
from hil.learn.network import Network
from hil.learn.results import Result
from hil.learn.settings import Method, TrainingSettings
from hil.record.folder import CHECKPOINT, TWIN, RunFolder
from hil.tasks import Task, load_task
from hil.twin.machine import Twin
from tests.hil.twin.plants import document

P_PI = 0.020
EPOCHS, N_STEPS, BATCH = 2, 3, 64
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Run:
    """What one run left."""

    result: Result
    weights: Tensors
    twin: Tensors
    start_twin: Twin

    def passes(self, purpose: str) -> int:
        """Device passes entered under a purpose."""
        return self.result.ledger["device_passes"].get(purpose, 0)


def _run(
    folder: Path,
    method: str,
    task: str | Task = "spirals",
    *,
    plant: dict[str, Any] | None = None,
    **options: Any,
) -> Run:
    file = from_document(document(4, 2, **(plant or {})), source="tiny")
    given: dict[str, Any] = {"epochs": EPOCHS, "n_steps": N_STEPS, "batch": BATCH, **options}
    with hil.open(file, path="slot") as bench:
        result = hil.train(bench, task, method, out=folder, **given)
    kept = RunFolder.existing(folder)
    start = Twin.from_record(read_record(kept.record), P_PI)
    weights, twin = (kept.read_tensors(name)[0] for name in (CHECKPOINT, TWIN))
    return Run(result, weights, twin, start)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of each method at the same seed, and `pat` with a fixed twin."""
    folder = tmp_path_factory.mktemp("methods")
    done = {str(method): _run(folder / method, method) for method in Method}
    done["pat fixed"] = _run(folder / "fixed", "pat", twin="fixed")
    return done


def _start(twin: Twin, seed: int = 0) -> Tensors:
    return Network.start(twin, 3, seed).tensors()


def _equal(one: Tensors, other: Tensors) -> dict[str, bool]:
    return {name: torch.equal(value, other[name]) for name, value in one.items()}


#: Training items: eleven whole batches and one of 56.
PER_EPOCH = len(load_task("spirals", 0).train)


def test_every_method_ends_with_a_measured_accuracy(runs: dict[str, Run]) -> None:
    for name, run in runs.items():
        result = run.result
        assert 0.2 < result.accuracy <= 1.0, name
        assert len(result.epochs) == (10 if name == "in-silico-refit" else EPOCHS)
        assert np.isfinite([report.loss for report in result.epochs]).all()
        assert result.summary["measured_on"] == ("twin" if name == "ideal" else "bench")
        assert all(bool(torch.isfinite(value).all()) for value in run.weights.values())
        assert result.baselines["logistic regression"] < 0.6


def test_what_each_method_trains(runs: dict[str, Run]) -> None:
    start = _start(runs["pat"].start_twin)
    for name, run in runs.items():
        same = _equal(run.weights, start)
        assert same.pop("powers") == (name == "frozen"), name
        assert not any(same.values()), name


def test_powers_stay_within_limits(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert float(run.weights["powers"].min()) >= 0.0
        assert float(run.weights["powers"].max()) * P_PI <= 0.053 + 1e-12


def test_device_passes(runs: dict[str, Run]) -> None:
    """A pass is one sample through all slots, entered under what it was for."""
    for name in ("pat", "pat fixed", "pat-final", "frozen"):
        assert runs[name].passes("training") == EPOCHS * PER_EPOCH, name
        assert runs[name].passes("validation") == EPOCHS * 200
        digital = runs[name].result.ledger["digital_passes"]
        assert set(digital) == ({"steps between batches"} if name == "pat" else set()), name
    for name in ("in-silico", "ideal", "in-silico-refit"):
        on_bench = 8 if name == "in-silico-refit" else 0
        assert runs[name].passes("training") == on_bench * PER_EPOCH, name
        assert runs[name].passes("validation") == on_bench * 200
        digital = runs[name].result.ledger["digital_passes"]
        assert digital == {f"{name} training": EPOCHS * (PER_EPOCH + 200)}
    for name, run in runs.items():
        assert run.passes("evaluation") == (0 if name == "ideal" else 240), name


def test_only_an_online_twin_moves(runs: dict[str, Run]) -> None:
    for name, run in runs.items():
        if name == "ideal":
            continue
        still = _equal(run.twin, run.start_twin.parameters)
        if name in ("pat", "pat-final", "frozen"):
            # The phase of the local oscillator is the gauge's; the laws of the levels have no error
            # to be fitted to where phases are tracked (see `hil.twin.slow`).
            kept = {"lo_phase", "slope", "curvature", "crosstalk"}
            assert {key for key, value in still.items() if value} == kept, name
            assert run.result.epochs[-1].residual is not None
        else:
            assert all(still.values()), name
            assert run.result.epochs[-1].residual is None


def test_in_silico_refit_changes_gain_bias_and_readout_on_the_bench_and_no_power(
    runs: dict[str, Run],
) -> None:
    digital, refitted = runs["in-silico"].weights, runs["in-silico-refit"].weights
    assert _equal(digital, refitted) == {
        "powers": True,
        "gain": False,
        "bias": False,
        "readout": False,
    }


def test_the_ideal_twin_is_the_textbook_mesh(runs: dict[str, Run]) -> None:
    ideal, start = runs["ideal"].twin, runs["ideal"].start_twin.parameters
    assert torch.equal(ideal["offset"], start["offset"])
    for name, value in {"slope": torch.pi, "kappa": 1.0, "gain": 1.0}.items():
        assert torch.equal(ideal[name], torch.full_like(ideal[name], value))
    for name in ("curvature", "crosstalk", "alpha", "beta", "loss_db", "leak", "bias", "zero"):
        assert not ideal[name].any()
    assert not any(float(ideal[name]) for name in ("softness", "memory", "lo_phase"))


@pytest.mark.parametrize("method", ["ideal", "in-silico"])
def test_what_is_trained_digitally_does_not_know_the_benchs_noise(
    runs: dict[str, Run], tmp_path: Path, method: str
) -> None:
    """Nor its drift, nor its converters."""
    quiet = {"off": ("noise", "drift", "quantisation", "memory", "leak")}
    other = _run(tmp_path / "quiet", method, plant=quiet)
    assert all(_equal(other.weights, runs[method].weights).values())
    if method == "ideal":
        assert other.result.accuracy == runs[method].result.accuracy
        assert other.result.held_out_accuracy == runs[method].result.held_out_accuracy


def test_pat_does_know_the_bench(runs: dict[str, Run], tmp_path: Path) -> None:
    quiet = _run(tmp_path / "quiet", "pat", plant={"off": ("noise",)})
    assert not any(_equal(quiet.weights, runs["pat"].weights).values())


def test_the_same_seed_is_the_same_run_to_the_last_digit(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    again = _run(tmp_path / "again", "pat")
    assert all(_equal(again.weights, runs["pat"].weights).values())
    assert all(_equal(again.twin, runs["pat"].twin).values())
    assert again.result.accuracy == runs["pat"].result.accuracy
    assert again.result.bench_time == runs["pat"].result.bench_time
    other = _run(tmp_path / "other", "pat", seed=1)
    assert not any(_equal(other.weights, runs["pat"].weights).values())


@pytest.mark.parametrize(
    ("method", "unused"),
    [("pat", "twin_pass"), ("frozen", "twin_pass"), ("pat-final", "measured_pass")],
)
def test_which_backward_pass_a_method_believes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, unused: str
) -> None:
    def never(*_: object) -> None:
        raise AssertionError(f"{method} asked for {unused}")

    monkeypatch.setattr(loop, unused, never)
    _run(tmp_path / "run", method, epochs=1)


@pytest.mark.parametrize("seed", [0, 1])
def test_pat_beats_frozen_optics(tmp_path: Path, seed: int) -> None:
    """Same plant, start, data and budget. Over seeds 0 to 4 the gain is 0.14 to 0.39."""
    accuracy = {
        method: _run(
            tmp_path / method, method, seed=seed, epochs=5, n_steps=4, batch=32
        ).result.accuracy
        for method in ("pat", "frozen")
    }
    assert accuracy["pat"] > accuracy["frozen"] + 0.08


def test_short_batches_are_trained_and_refitted(tmp_path: Path) -> None:
    """760 items in batches of 22 leave 12, a batch of their own; in batches of 23 only one."""
    for batch, used in ((22, 760), (23, 759)):
        run = _run(tmp_path / str(batch), "pat", batch=batch, epochs=1)
        assert run.passes("training") == used
        assert run.result.epochs[-1].residual is not None
        assert np.isfinite(run.result.epochs[-1].residual)


def test_levels_are_clamped_before_they_are_asked_for_and_counted(tmp_path: Path) -> None:
    """Heaters that bear half of what the network starts with."""
    weak = document(4, 2)
    for element in weak["wiring"]["elements"]:
        element["p_max"] = 0.016
    with hil.open(from_document(weak, source="tiny"), path="slot") as bench:
        result = hil.train(bench, "spirals", out=tmp_path / "run", epochs=1, n_steps=3)
    powers = RunFolder.existing(tmp_path / "run").read_tensors(CHECKPOINT)[0]["powers"]
    assert float(powers.max()) <= 0.8 + 1e-12
    assert result.epochs[-1].clamped > 5
    assert result.summary["clamped_levels"] == result.epochs[-1].clamped


def test_clamping_powers() -> None:
    powers = torch.tensor([[-0.5, 0.3, 5.0, 0.7], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)
    largest = torch.full((2, 4), 2.0, dtype=torch.float64)
    nothing = torch.zeros((2, 4), dtype=torch.float64)
    assert Limits(nothing, largest, total=100.0).clamp(powers) == 2
    torch.testing.assert_close(
        powers[0], torch.tensor([0.0, 0.3, 2.0, 0.7], dtype=torch.float64), rtol=0, atol=0
    )
    # The first chip gives 3.0 where 1.5 is borne: all of it at half power, the other as it was.
    tight = Limits(nothing, largest, total=1.5)
    assert tight.clamp(powers) == 4
    expected = torch.tensor([[0.0, 0.15, 1.0, 0.35], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)
    torch.testing.assert_close(powers, expected)
    assert tight.clamp(powers) == 0


def test_powers_keep_the_idle_bias_also_where_a_chip_must_be_cooled() -> None:
    smallest = torch.full((1, 3), 0.1, dtype=torch.float64)
    largest = torch.full((1, 3), 2.0, dtype=torch.float64)
    limits = Limits(smallest, largest, total=1.0)
    powers = torch.tensor([[0.0, 0.8, 1.1]], dtype=torch.float64)
    assert limits.clamp(powers) == 1 + 3
    assert float(powers.sum()) == pytest.approx(1.0)
    assert float(powers.min()) == pytest.approx(0.1)
    assert limits.clamp(powers) == 0


def test_the_table_of_a_comparison_names_all_it_compares(runs: dict[str, Run]) -> None:
    text, data = comparison_table({name: run.result for name, run in runs.items()})
    for name, run in runs.items():
        assert data[name]["accuracy"] == run.result.accuracy
        assert any(
            line.startswith(name) and f"{run.result.accuracy:.4f}" in line
            for line in text.splitlines()
        )
    assert data["logistic regression"]["accuracy"] < 0.6
    assert len(text.splitlines()) == len(runs) + 3


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 1}, "batch is 1"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(MethodError, match=told):
        TrainingSettings(**settings)


def test_unknown_methods_and_twins_are_refused_with_nothing_done(tmp_path: Path) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"method": "path"}, "no method 'path'; there are pat, pat-final"),
        ({"twin": "often"}, "no twin mode 'often'; there are online, fixed"),
    ]
    for options, told in refused:
        with hil.open(from_document(document(4, 2), source="tiny"), path="slot") as bench:
            with pytest.raises(MethodError, match=told):
                hil.train(bench, "spirals", out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["ideal", "in-silico", "in-silico-refit", "frozen", "pat-final"])
def test_every_method_runs_on_microring_banks(tmp_path: Path, method: str) -> None:
    file = from_document(document(4, 2, core=MICRORING), source="rings")
    with hil.open(file, path="slot") as bench:
        result = hil.train(bench, "spirals", method, out=tmp_path / "run", epochs=2, n_steps=3)
    assert all(np.isfinite(e.loss) for e in result.epochs)
    assert result.accuracy > 0.2
