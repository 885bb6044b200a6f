"""A twin from a calibration record believes what the record's document says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibration.record_reading import parse_record
from hil.bench.layout import places, upper_mode
from hil.twin.machine import Twin
from hil.twin.parameters import LEAST_SOFTNESS, MEANING, describe_parameters
from tests.calibration.records import sound_record

P_PI = 0.018


def test_phases_follow_the_documented_law() -> None:
    """Each bank has its own crosstalk: c1, d0 and cg."""
    written = sound_record(4, 3)
    twin = Twin.from_record(parse_record(written, source="r"), P_PI)
    rng = np.random.default_rng(0)
    levels = rng.uniform(0.0, 0.04, (3, 16))
    where = [
        (2 * place.column + (place.kind == "phi"), place.row)
        if place.kind == "out"
        else (2 * place.column + (place.kind == "phi"), upper_mode(place.column, place.row))
        for place in places(4)
    ]
    expected = np.empty((3, 16))
    for k, bank in enumerate(written["banks"]):
        offset, slope, bend = (
            np.array(bank[name]["value"]) for name in ("phase_offset", "slope", "curvature")
        )
        law = bank["crosstalk"]
        for i in range(16):
            p = levels[k, i]
            expected[k, i] = offset[i] + slope[i] * p * (1 + bend[i] * p)
            for j in range(16):
                if j != i:
                    d = np.hypot(*np.subtract(where[i], where[j]))
                    c = law["c1"] * np.exp(-(d - 1) / law["d0"]) + law["cg"]
                    expected[k, i] += c * slope[j] * levels[k, j]
    found = twin.phases(torch.tensor(levels / P_PI)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    several = twin.phases(torch.tensor(np.stack([levels, levels]) / P_PI))
    np.testing.assert_allclose(several[1].numpy(), expected, rtol=0, atol=1e-12)


def test_ports_and_machine_of_the_record() -> None:
    written = sound_record(3, 2)
    twin = Twin.from_record(parse_record(written, source="r"), P_PI)
    q = twin.parameters
    assert set(q) == set(MEANING) == set(describe_parameters())
    for name, key in {
        "kappa": "modulator_gain",
        "bias": "modulator_bias",
        "gain": "detector_gain",
        "zero": "detector_offset",
    }.items():
        np.testing.assert_array_equal(q[name].numpy(), written["ports"][key]["value"])
    machine = written["machine"]
    assert float(q["softness"]) == pytest.approx(1 / 9)
    assert (float(q["memory"]), float(q["lo_phase"])) == (0.01, 0.1)
    np.testing.assert_array_equal(q["leak"].reshape(-1, 2).numpy(), machine["leak"])
    assert all(value.dtype == torch.float64 for value in q.values())


def test_an_unknown_saturation_starts_where_it_can_be_learnt() -> None:
    written = sound_record()
    written["machine"]["saturation"] = None
    twin = Twin.from_record(parse_record(written, source="r"), P_PI)
    assert float(twin.parameters["softness"]) == LEAST_SOFTNESS


def test_a_twin_of_the_first_banks_only() -> None:
    record = parse_record(sound_record(3, 3), source="r")
    whole, part = Twin.from_record(record, P_PI), Twin.from_record(record, P_PI, 2)
    assert (part.n_banks, part.ports) == (2, 3)
    powers = torch.rand(3, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(part.phases(powers[:2]), whole.phases(powers)[:2])
    torch.testing.assert_close(part.parameters["leak"], whole.parameters["leak"][:2, :2])


def test_the_prior_is_a_copy_that_nothing_moves() -> None:
    twin = Twin.from_record(parse_record(sound_record(), source="r"), P_PI)
    before = twin.prior["offset"].clone()
    twin.parameters["offset"] += 1.0
    assert torch.equal(twin.prior["offset"], before)
