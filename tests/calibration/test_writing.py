"""What is known of a bench comes back from its record as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.knowledge import Knowledge
from calibration.record import MESH, MICRORING, RecordError
from calibration.record_reading import parse_record, read_record
from calibration.writing import record_document, write_record

NUMBERS = st.floats(-1e3, 1e3, allow_nan=False)


def document_of(knowledge: Knowledge, **more: object) -> dict:
    given = {
        "bench": {"name": "b", "backend": "sim"},
        "created": "2026-01-02T03:04:05+00:00",
        "method": "test",
        "code_version": "0",
        "serials": {"heaters-0": "0001"},
        "steps": [{"name": "dark", "state": "passed", "created": "2026-01-02T03:04:05+00:00"}],
        "complete": True,
        "bench_time": 12.5,
    }
    return record_document(knowledge, **(given | more))  # type: ignore[arg-type]


def drawn(seed: int, ports: int, n_banks: int, core: str) -> Knowledge:
    rng = np.random.default_rng(seed)
    known = Knowledge.nothing(ports, n_banks, 0.02, core)
    for name, value in known.value.items():
        known.value[name] = rng.normal(size=value.shape)
        known.sigma[name] = rng.uniform(0.0, 1.0, value.shape)
    known.crosstalk = rng.uniform(0.1, 2.0, known.crosstalk.shape)
    known.leak = rng.normal(size=(n_banks, n_banks)) + 1j * rng.normal(size=(n_banks, n_banks))
    if core == MICRORING:
        known.spacing = rng.uniform(8.0, 20.0, n_banks)
    return known


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    ports=st.integers(2, 5),
    n_banks=st.integers(1, 3),
    core=st.sampled_from([MESH, MICRORING]),
    saturation=st.none() | st.floats(0.1, 10.0),
    memory=NUMBERS,
    error=NUMBERS,
    rise=st.just(float("nan")) | st.floats(1e-9, 1e-6),
    measured=st.booleans(),
)
def test_a_record_gives_back_what_is_known(
    seed: int,
    ports: int,
    n_banks: int,
    core: str,
    saturation: float | None,
    memory: float,
    error: float,
    rise: float,
    measured: bool,
) -> None:
    known = drawn(seed, ports, n_banks, core)
    known.saturation, known.memory, known.quadrature_error = saturation, memory, error
    known.rise_time, known.tail = rise, (0.01, 0.4)
    known.faults = [{"kind": "dead", "bank": 0, "element": 3, "port": None, "detail": "x"}]
    if measured:
        known.noise, known.bank_delay = np.full(ports, 0.01), np.full(n_banks, -1e-7)
    text = json.dumps(document_of(known), allow_nan=False)
    again = Knowledge.from_record(parse_record(json.loads(text), source="test"), 0.02)
    for name in known.value:
        np.testing.assert_array_equal(again.value[name], known.value[name])
        np.testing.assert_array_equal(again.sigma[name], known.sigma[name])
    np.testing.assert_array_equal(again.crosstalk, known.crosstalk)
    np.testing.assert_array_equal(again.leak, known.leak)
    np.testing.assert_array_equal(again.noise, known.noise)
    np.testing.assert_array_equal(again.bank_delay, known.bank_delay)
    np.testing.assert_array_equal(again.spacing, known.spacing)
    assert (again.saturation, again.memory, again.core) == (saturation, memory, core)
    assert (again.quadrature_error, again.tail) == (error, (0.01, 0.4))
    np.testing.assert_equal(again.rise_time, rise)
    assert again.faults == known.faults


def test_a_record_knows_its_steps_and_serials(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(path, document_of(Knowledge.nothing(2, 1, 0.02)))
    record = read_record(path)
    assert record.kind == "calibration"
    assert record.serials == {"heaters-0": "0001"}
    assert [step["name"] for step in record.steps] == ["dark"]
    assert record.bench_time == 12.5


def test_nan_never_reaches_a_record(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    known = Knowledge.nothing(2, 1, 0.02)
    write_record(path, document_of(known))
    before = path.read_bytes()
    known.value["slope"][0, 1] = np.nan
    with pytest.raises(ValueError, match="JSON"):
        write_record(path, document_of(known))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("steps", {"name": "dark"}, "steps: a list of tables"),
        ("faults", [3], "faults: a list of tables"),
        ("serials", {"a": 1}, "serials: a table of strings"),
        ("bench_time", "late", "bench_time: a number is needed"),
    ],
)
def test_malformed_parts_are_named(key: str, value: object, told: str) -> None:
    document = document_of(Knowledge.nothing(2, 1, 0.02)) | {key: value}
    with pytest.raises(RecordError, match=told):
        parse_record(document, source="test")


@pytest.mark.parametrize("name", ["noise", "bank_delay"])
def test_numbers_of_a_wrong_length_are_named(name: str) -> None:
    document = document_of(Knowledge.nothing(2, 1, 0.02))
    document["machine"][name] = [0.1, 0.2, 0.3]
    with pytest.raises(RecordError, match=f"machine.{name}: shape"):
        parse_record(document, source="test")
