"""As-built knowledge: the stated fidelities, the schema, and nothing the class does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_backends.as_built import QUALITIES, as_built_document, write_as_built
from sim_backends.plant import Plant
from sim_backends.plant.layout import crosstalk_matrix
from sim_backends.plant.mesh import mesh_matrix
from tests.sim_backends.plant.documents import bench_document

SEEDS = range(1, 13)
FIDELITY = {
    8: {"best": 0.993, "std": 0.968, "rough": 0.931, "poor": 0.52, "bad": 0.03},
    16: {"best": 0.986, "std": 0.905, "rough": 0.823, "poor": 0.24, "bad": 0.006},
}


def believed_matrix(bank: dict[str, Any], levels: np.ndarray, ports: int) -> np.ndarray:
    """What a record says of a bank's matrix at `levels` in W."""

    def value(name: str) -> np.ndarray:
        return np.array(bank[name]["value"])

    law = bank["crosstalk"]
    driven = value("slope") * levels
    phases = (
        value("phase_offset")
        + driven * (1.0 + value("curvature") * levels)
        + crosstalk_matrix(ports, law["c1"], law["d0"], law["cg"]) @ driven
    )
    return mesh_matrix(phases, value("splitter_a"), value("splitter_b"), value("cell_loss_db"))


def fidelity(one: np.ndarray, other: np.ndarray) -> float:
    """|Tr(A^+ B)|^2 / (Tr(A^+ A) Tr(B^+ B))."""
    overlap = abs(np.vdot(one, other)) ** 2
    return float(overlap / (np.vdot(one, one).real * np.vdot(other, other).real))


@pytest.mark.parametrize("ports", [8, 16])
def test_fidelities_of_the_classes(ports: int) -> None:
    found: dict[str, list[float]] = {quality: [] for quality in QUALITIES}
    for seed in SEEDS:
        document = bench_document(ports, 2, seed=seed, switch_off=["heater_dynamics"])
        plant = Plant.from_document(document)
        records = {quality: as_built_document(plant, quality) for quality in QUALITIES}
        rng = np.random.default_rng(seed)
        for bank in (0, 1):
            for _ in range(3):
                levels = 0.020 * rng.uniform(0.4, 1.6, ports**2)
                # Long before t = 0: no drift yet, and no slow tail left.
                plant = Plant.from_document({**document})
                plant.set_volts(bank, np.arange(ports**2), np.sqrt(levels * 800.0), at=-100.0)
                truth = plant.matrix(bank, at=0.0)
                for quality, record in records.items():
                    believed = believed_matrix(record["banks"][bank], levels, ports)
                    found[quality].append(fidelity(truth, believed))
    for quality, expected in FIDELITY[ports].items():
        assert np.mean(found[quality]) == pytest.approx(expected, abs=0.03), quality


def test_written_file_is_complete_and_repeatable(tmp_path: Path) -> None:
    document = bench_document(5, 2)
    for name in ("a.json", "b.json"):
        plant = Plant.from_document(document)
        write_as_built(plant, "rough", tmp_path / name, created="2026-01-01T00:00:00+00:00")
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text == (tmp_path / "b.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["schema"] == "hil-calibration-record"
    assert record["version"] == 1
    assert record["kind"] == "as-built"
    assert record["method"] == "as-built rough"
    assert record["bench"] == {"name": "test-mzi-5", "core": "mzi-mesh", "ports": 5, "n_banks": 2}
    assert record["serials"]["heaters-0"] == "0001"
    assert "box-0" not in record["serials"]
    assert len(record["banks"]) == 2
    for bank in record["banks"]:
        for name, size in {
            "phase_offset": 25,
            "slope": 25,
            "curvature": 25,
            "splitter_a": 10,
            "splitter_b": 10,
            "cell_loss_db": 10,
        }.items():
            assert len(bank[name]["value"]) == size
            assert bank[name]["sigma"] >= 0
        assert bank["crosstalk"] == {"c1": 0.0, "d0": 1.0, "cg": 0.0, "known": False}
        assert set(bank["splitter_a"]["value"]) == {0.0}
        assert set(bank["curvature"]["value"]) == {0.0}
        assert set(bank["cell_loss_db"]["value"]) == {0.15}
    for name in ("modulator_gain", "detector_gain"):
        assert record["ports"][name]["value"] == [1.0] * 5
    for name in ("modulator_bias", "detector_offset"):
        assert record["ports"][name]["value"] == [0.0] * 5
    assert record["machine"] == {
        "saturation": None,
        "memory": 0.0,
        "leak": [[0.0, 0.0]] * 4,
        "lo_phase": 0.0,
    }


def test_best_knows_splitters_crosstalk_and_curvature() -> None:
    plant = Plant.from_document(bench_document(4, 1))
    bank = as_built_document(plant, "best")["banks"][0]
    np.testing.assert_array_equal(bank["splitter_a"]["value"], plant.devices.alpha[0])
    assert bank["crosstalk"] == {"c1": 0.01, "d0": 1.0, "cg": 2e-4, "known": True}
    # Rise of resistance 5 % and excess phase 3 % at P_pi: the law bends by about -2 %.
    assert np.mean(bank["curvature"]["value"]) * 0.020 == pytest.approx(-0.02, abs=0.006)


def test_sizes_of_the_errors() -> None:
    plant = Plant.from_document(bench_document(32, 1, switch_off=["all"]))
    for name, quality in QUALITIES.items():
        bank = as_built_document(plant, name)["banks"][0]
        slope = np.array(bank["slope"]["value"]) * 0.020
        at_reference = np.array(bank["phase_offset"]["value"]) + slope
        phase_error = at_reference - plant.devices.phase[0] - np.pi
        assert phase_error.std() == pytest.approx(quality.phase, rel=0.08)
        assert (slope / np.pi - 1).std() == pytest.approx(quality.slope, rel=0.08)


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    plant = Plant.from_document(bench_document(2, 1))
    with pytest.raises(ValueError, match=r"'perfect'.*best, std, rough, poor, bad"):
        write_as_built(plant, "perfect", tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()
