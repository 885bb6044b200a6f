"""Reading calibration records: what is there, and all that is wrong with a damaged one."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.record import CalibrationRecord, RecordError, check_fits
from calibration.record_reading import parse_record, read_record
from sim_backends.as_built import as_built_document
from sim_backends.plant import Plant
from tests.calibration.records import sound_record
from tests.hil.twin.plants import document


def _faults(damaged: dict[str, Any]) -> str:
    with pytest.raises(RecordError) as caught:
        parse_record(damaged, source="here.json")
    text = str(caught.value)
    assert text.startswith("here.json: ")
    return text


def _put(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the entry at a dotted path replaced."""
    changed = copy.deepcopy(record)
    at: Any = changed
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        at = at[key]
    at[last] = value
    return changed


def test_a_sound_record_is_read_whole(tmp_path: Path) -> None:
    document = sound_record(3, 2)
    document["banks"][1]["slope"]["sigma"] = list(range(9))
    path = tmp_path / "record.json"
    path.write_text(json.dumps(document))
    record = read_record(path)
    assert (record.bench_name, record.ports, len(record.banks)) == ("tiny", 3, 2)
    assert (record.kind, record.method) == ("as-built", "as-built rough")
    for bank, written in zip(record.banks, document["banks"], strict=True):
        for name in ("phase_offset", "slope", "curvature", "splitter_a", "cell_loss_db"):
            np.testing.assert_array_equal(bank.array(name), written[name]["value"])
        crosstalk = (bank.crosstalk_c1, bank.crosstalk_d0, bank.crosstalk_cg)
        assert crosstalk == tuple(written["crosstalk"][name] for name in ("c1", "d0", "cg"))
    np.testing.assert_array_equal(record.banks[1].estimates["slope"].sigma, range(9))
    np.testing.assert_array_equal(record.banks[0].estimates["slope"].sigma, np.full(9, 6.0))
    for name, written in document["ports"].items():
        np.testing.assert_array_equal(record.port_array(name), written["value"])
    machine = document["machine"]
    assert (record.saturation, record.memory, record.lo_phase) == (3.0, 0.01, 0.1)
    np.testing.assert_array_equal(record.leak, machine["leak"])


@pytest.mark.parametrize("quality", ["best", "bad"])
def test_the_as_built_file_is_such_a_record(quality: str) -> None:
    plant = Plant.from_document(document(5, 3))
    record = parse_record(as_built_document(plant, quality), source="as built")
    check_fits(record, ports=5, n_banks=3, names=["tiny-5"], source="as built")
    assert record.saturation is None
    np.testing.assert_array_equal(record.port_array("modulator_gain"), np.ones(5))


def test_all_faults_are_told_at_once_each_with_its_path() -> None:
    damaged = sound_record()
    del damaged["banks"][0]["slope"]
    damaged["banks"][0]["curvature"]["value"] = [1.0, 2.0]
    damaged["banks"][1]["splitter_a"]["value"][2] = math.nan
    damaged["banks"][1]["crosstalk"]["c1"] = "much"
    damaged["ports"]["detector_gain"] = 1.0
    damaged["machine"]["leak"] = "none"
    damaged["machine"]["memory"] = True
    told = _faults(damaged)
    for path in (
        "banks.0.slope",
        "banks.0.curvature.value",
        "banks.1.splitter_a.value",
        "banks.1.crosstalk.c1",
        "ports.detector_gain",
        "machine.leak",
        "machine.memory",
    ):
        assert path in told
    assert told.count(";") == 6
    assert "\n" not in told


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("schema", "other", "is this a calibration record"),
        ("version", 2, "version 2"),
        ("bench", [], "bench"),
        ("bench.ports", math.nan, "bench.ports"),
        ("bench.ports", math.inf, "bench.ports"),
        ("bench.ports", 3.5, "bench.ports"),
        ("bench.ports", -3, "bench.ports"),
        ("bench.ports", 10**9, "bench.ports"),
        ("bench.n_banks", -2, "bench.n_banks"),
        ("bench.n_banks", 10**9, "bench.n_banks"),
        ("bench.n_banks", 3, "banks"),
        ("banks", {}, "banks"),
        ("banks.0", "none", "banks.0"),
        ("banks.1.slope.value.4", 10**400, "banks.1.slope"),
        ("banks.1.slope.value.4", "157.0", "banks.1.slope"),
        ("banks.1.slope.value.4", None, "banks.1.slope"),
        ("banks.1.slope.sigma", 10**400, "banks.1.slope.sigma"),
        ("banks.1.slope.sigma", -0.1, "banks.1.slope.sigma"),
        ("banks.1.crosstalk.d0", 0.0, "banks.1.crosstalk.d0"),
        ("banks.1.crosstalk.d0", -1.0, "banks.1.crosstalk.d0"),
        ("machine.saturation", 0.0, "machine.saturation"),
        ("machine.saturation", -3.0, "machine.saturation"),
        ("machine.saturation", "soft", "machine.saturation"),
        ("machine.leak", [[0.0, 0.0]], "machine.leak"),
    ],
)
def test_one_fault_is_one_line_with_its_path(path: str, value: Any, told: str) -> None:
    line = _faults(_put(sound_record(), path, value))
    assert told in line
    assert "\n" not in line


def _paths(node: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        node.items() if isinstance(node, dict) else enumerate(node) if type(node) is list else ()
    )
    return [before, *(path for key, value in inner for path in _paths(value, (*before, key)))]


_SOUND = sound_record(2, 2)
_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(where=st.sampled_from(_paths(_SOUND)[1:]), junk=_JUNK, drop=st.booleans())
def test_damage_is_told_or_harmless_and_nothing_else(
    where: tuple[Any, ...], junk: Any, drop: bool
) -> None:
    """Whatever stands in a file: a record of finite numbers, or a RecordError."""
    damaged = copy.deepcopy(_SOUND)
    at: Any = damaged
    for key in where[:-1]:
        at = at[key]
    if drop:
        del at[where[-1]]
    else:
        at[where[-1]] = junk
    told = ""
    try:
        _all_finite(parse_record(damaged, source="here.json"))
    except RecordError as error:
        told = str(error)
    assert re.fullmatch("(here.json: .+)?", told)
    if "value" in where[:-1] and drop:
        assert told, "an array that is too short was taken"


def _all_finite(record: CalibrationRecord) -> None:
    arrays = [part.value for bank in record.banks for part in bank.estimates.values()]
    arrays += [part.sigma for bank in record.banks for part in bank.estimates.values()]
    arrays += [part.value for part in record.port_estimates.values()]
    arrays += [record.leak, np.array([record.memory, record.lo_phase])]
    assert all(np.isfinite(part).all() for part in arrays)
    assert record.saturation is None or record.saturation > 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000]
)
def test_a_file_that_is_no_record(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"record\.json: not a"):
        read_record(path)


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"none\.json: no such calibration record; calibrate"):
        read_record(tmp_path / "none.json")
    with pytest.raises(RecordError, match="not a readable"):
        read_record(tmp_path)


def test_a_record_of_another_bench_is_refused() -> None:
    record = parse_record(sound_record(3, 2), source="r")
    check_fits(record, ports=3, n_banks=2, names=["other", "tiny"], source="r")
    with pytest.raises(RecordError, match="r: made for 3 ports and 2 banks; this bench has 4 and"):
        check_fits(record, ports=4, n_banks=2, names=["tiny"], source="r")
    with pytest.raises(RecordError, match="this bench has 3 and 1"):
        check_fits(record, ports=3, n_banks=1, names=["tiny"], source="r")
    with pytest.raises(RecordError, match="for the bench 'tiny', not for 'big'"):
        check_fits(record, ports=3, n_banks=2, names=["big"], source="r")
