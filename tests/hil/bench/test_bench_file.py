"""What the loaded file tells the rest of the system."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hil.bench.file import from_document, load
from hil.bench.layout import Place


def test_sixteen_ports_are_eight_chassis_and_eight_boxes() -> None:
    bench = load("relax-mzi-16")
    held = bench.bank_elements(1)
    assert len(held) == 256
    assert sorted(set(held.chassis)) == ["heaters-4", "heaters-5", "heaters-6", "heaters-7"]
    np.testing.assert_array_equal(held.channel, np.tile(np.arange(64), 4))
    assert [one.box for one in bench.ports_in_order[:3]] == ["box-0", "box-0", "box-1"]
    np.testing.assert_array_equal(bench.port_array("drive_gain"), np.full(16, 4.5))
    assert bench.instrument("pattern").identity.expect == {
        "model": "Pulse Streamer 8/2",
        "serial": "00:26:32:f0:00:01",
    }
    assert bench.instrument("box-0").identity.expect == {"model": "REDPITAYA"}


def test_elements_come_in_element_order_however_the_file_has_them(document: dict[str, Any]) -> None:
    straight = from_document(document, source="test").bank_elements(0)
    elements = document["wiring"]["elements"]
    np.random.default_rng(1).shuffle(elements)
    document["wiring"]["ports"].reverse()
    bench = from_document(document, source="test")
    mixed = bench.bank_elements(0)
    assert mixed.chassis == straight.chassis
    np.testing.assert_array_equal(mixed.channel, straight.channel)
    assert bench.bank_wiring(1)[2].place == Place(0, 1, "theta")
    assert [one.port for one in bench.ports_in_order] == [0, 1, 2, 3]


def test_numbers_stay_with_their_element(document: dict[str, Any]) -> None:
    one = next(
        one
        for one in document["wiring"]["elements"]
        if (one["bank"], one["column"], one["row"], one["kind"]) == (1, 1, 0, "phi")
    )
    one.update(r_nom=900.0, v_max=5.0, i_max=0.004, p_max=0.05, module=5, channel=3)
    held = from_document(document, source="test").bank_elements(1)
    index = 5  # column 0 has two cells, so four elements; then theta and phi of column 1
    assert held.channel[index] == 43
    assert held.r_nom[index] == 900.0
    assert held.level_max[index] == pytest.approx(0.004**2 * 900.0)
    assert np.delete(held.level_max, index) == pytest.approx(6.5**2 / 800.0)


def test_level_and_volts_invert_each_other() -> None:
    held = load("relax-mzi-8").bank_elements(0)
    level = np.linspace(0.0, 0.05, len(held))
    np.testing.assert_allclose(held.level(held.volts(level)), level, rtol=1e-14, atol=1e-18)


def test_arrays_cannot_be_changed() -> None:
    held = load("relax-mzi-8").bank_elements(0)
    with pytest.raises(ValueError, match="read-only"):
        held.level_max[0] = 1.0
    with pytest.raises(ValidationError, match="frozen"):
        load("relax-mzi-8").ports = 3  # type: ignore[misc]


def test_timing_in_points() -> None:
    bench = load("relax-mzi-16")
    assert bench.point_duration == pytest.approx(32e-9)
    assert (bench.points_per_sample, bench.guard_points, bench.settled_points) == (16, 4, 12)
    assert bench.max_samples == 1024
    fast = load("relax-mzi-16", {"timing": {"dwell": 64e-9, "guard": 9e-9, "decimation": 1}})
    assert (fast.points_per_sample, fast.guard_points, fast.max_samples) == (8, 2, 2048)


@pytest.mark.parametrize("decimation", [1, 2, 4, 8, 16, 64, 1024])
def test_a_guard_of_whole_points_is_no_point_more(decimation: int) -> None:
    point = decimation / 125e6
    for points in (2, 3, 16, 100):
        timing = {"dwell": points * point, "guard": (points - 1) * point, "decimation": decimation}
        bench = load("relax-mzi-8", {"timing": timing})
        assert bench.points_per_sample == points
        assert bench.settled_points == 1


def test_select_masks() -> None:
    assert [load("relax-mzi-8").select_mask(bank) for bank in (0, 1)] == [0b01000, 0b10000]
    lines = {"bank_select": [6, 3], "coding": "binary"}
    binary = load("relax-mzi-8", {"wiring": {"lines": lines}})
    assert [binary.select_mask(bank) for bank in (0, 1)] == [0, 1 << 6]
    assert binary.wiring.lines.select_mask(2) == 1 << 3
    with pytest.raises(IndexError, match="no bank 2"):
        binary.select_mask(2)
    with pytest.raises(ValueError, match="banks 0 to 3"):
        binary.wiring.lines.select_mask(4)


def test_the_line_of_the_quadrature_step(document: dict[str, Any]) -> None:
    assert load("relax-mzi-8").wiring.lines.lo_quadrature == 5
    del document["wiring"]["lines"]["lo_quadrature"]
    bench = from_document(document, source="test")
    assert bench.wiring.lines.lo_quadrature is None
    assert bench.notes == (
        "wiring.lines.lo_quadrature: none, so the phases of a bank cannot be told fully: "
        "line 5 is free for it",
    )


def test_ages_of_a_calibration_in_seconds(document: dict[str, Any]) -> None:
    del document["calibration"]
    assert from_document(document, source="test").calibration.max_age("dark") == 86400.0
    document["calibration"] = {"max_age_hours": 12, "ages": {"dark": 0.5, "global": 48.0}}
    held = from_document(document, source="test").calibration
    assert [held.max_age(step) for step in ("dark", "global", "verify")] == [1800, 172800, 43200]


def test_optics_are_si_beyond_the_edge() -> None:
    optics = load("relax-mzi-8", {"optics": {"common_mode_rejection_db": 20.0}}).optics
    assert optics.laser_power == pytest.approx(19.9526e-3, rel=1e-5)
    assert optics.rin == pytest.approx(1e-15)
    assert optics.rejection == pytest.approx(0.1)


def test_what_is_not_there_is_named() -> None:
    bench = load("relax-mzi-8")
    with pytest.raises(IndexError, match="banks 0 to 1"):
        bench.bank_elements(2)
    with pytest.raises(KeyError, match="heaters-0, heaters-1, pattern"):
        bench.instrument("nope")


def test_an_overlay_replaces_values_and_keeps_the_rest() -> None:
    plain = load("relax-mzi-8")
    bench = load("relax-mzi-8", {"plant": {"severity": "harsh", "switch_off": ["drift"]}})
    assert bench.document["plant"]["severity"] == "harsh"
    assert bench.document["plant"]["seed"] == plain.document["plant"]["seed"]
    assert bench.plant == bench.document["plant"]
    assert bench.wiring == plain.wiring
    assert plain.plant["severity"] == "std"


def test_the_plant_table_is_opaque_and_may_be_absent(document: dict[str, Any]) -> None:
    document["plant"] = {"anything": {"at": ["all"]}}
    assert from_document(document, source="test").plant == {"anything": {"at": ["all"]}}
    del document["plant"]
    assert from_document(document, source="test").plant == {}
