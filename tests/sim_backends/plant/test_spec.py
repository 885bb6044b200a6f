"""Reading the plant's part of a bench document."""

from __future__ import annotations

import pytest

from sim_backends.plant import PlantSpec, PlantSpecError
from sim_backends.plant.numbers import HARSH, IMPERFECTIONS
from tests.sim_backends.plant.documents import bench_document


def test_severity_then_overrides_then_switches() -> None:
    document = bench_document(
        4, 2, severity="harsh", splitter_rms=0.05, switch_off=["crosstalk"], drift_rms=0.1
    )
    numbers = PlantSpec.from_document(document).numbers
    assert numbers.splitter_rms == 0.05
    assert numbers.memory == HARSH["memory"]
    assert numbers.crosstalk_c1 == 0.0
    assert numbers.drift_rms == 0.1


def test_all_switches_everything_off() -> None:
    spec = PlantSpec.from_document(bench_document(4, 2, switch_off=["all"]))
    assert not any(spec.has(name) for name in IMPERFECTIONS)
    with pytest.raises(KeyError, match="nonsense"):
        spec.has("nonsense")


def test_order_of_the_wiring_does_not_matter() -> None:
    document = bench_document(3, 2)
    for i, wire in enumerate(document["wiring"]["elements"]):
        wire["r_nom"] = 700.0 + i
    straight = PlantSpec.from_document(document)
    document["wiring"]["elements"].reverse()
    document["wiring"]["ports"].reverse()
    turned = PlantSpec.from_document(document)
    assert (straight.r_nom == turned.r_nom).all()
    assert straight.r_nom[1, 0] == 709.0


def test_faults_are_told_together_by_path() -> None:
    document = bench_document(4, 2, severity="nasty", drift_rms=-1.0, driftrms=1, adc_bits=0)
    document["plant"]["switch_off"] = ["leek"]
    with pytest.raises(PlantSpecError) as caught:
        PlantSpec.from_document(document)
    for words in ("plant.severity", "plant.drift_rms", "plant.driftrms", "adc_bits", "leek"):
        assert words in str(caught.value)


def test_wiring_faults() -> None:
    document = bench_document(4, 2)
    document["wiring"]["elements"].pop()
    document["wiring"]["ports"].pop()
    document["wiring"]["lines"]["bank_select"] = [3]
    with pytest.raises(PlantSpecError) as caught:
        PlantSpec.from_document(document)
    for words in ("1 of 32 elements", "wiring.ports", "bank_select"):
        assert words in str(caught.value)


def test_a_missing_table_is_named() -> None:
    document = bench_document(4, 2)
    del document["timing"]
    with pytest.raises(PlantSpecError, match="timing"):
        PlantSpec.from_document(document)
