"""The preflight says of each instrument what that one can do: cut off, hold, measure volts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.bench.opening import OpenBench
from hil.bench.writing import Start, starting_text
from tests.hil.checking.broken import Check, loads
from tests.hil.source_meter_bench import bench_text


def on_dacs() -> str:
    """A bench of 2 ports and 1 bank, its heaters on a QDAC-II."""
    text, made = re.subn(
        r'driver = "qontrol_q8"\nresource = .*\nidentity = .*\nlink = .*\noptions = .*\n',
        'driver = "qdevil_qdac2"\nresource = "TCPIP::dac::5025::SOCKET"\n'
        "link = { latency = 0.001, bytes_per_second = 1.0e6 }\n",
        starting_text(Start(2, 1, "small")),
    )
    assert made == 1
    return text.replace("i_max = 0.012", "i_max = 0.01")  # full scale of its current meters


@pytest.fixture(params=["dac", "smu"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def other(kind: str, tmp_path: Path) -> Path:
    path = tmp_path / "other.toml"
    path.write_text(on_dacs() if kind == "dac" else bench_text("small", 4), encoding="utf-8")
    return path


def test_what_protects_an_output_is_said(kind: str, other: Path, check: Check) -> None:
    ended = check(other)
    assert ended.code == 0, ended.out
    limits = [line for line in ended.lines("PASS") if line.startswith("limits of ")]
    said = {
        "dac": "NO output is cut off at a current: only its largest voltage protects it",
        "smu": "an output gives no more than its largest current by itself",
    }[kind]
    assert any(said in line for line in limits), ended.out
    found = [line for line in ended.lines("PASS") if line.startswith("outputs as found of ")]
    assert found
    assert all(("measures none" in line) == (kind == "dac") for line in found), ended.out


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda core: loads(core, {3: 0.0}),
            {"dac": "does not measure its volts: the output may be dead", "smu": "open: "},
        ),
        (
            lambda core: loads(core, {3: 500.0}),
            {
                "dac": "shorted: ",
                "smu": "shorted: it took all the current that it may have, and was switched off",
            },
        ),
    ],
    ids=["open", "short"],
)
def test_a_bad_heater_is_named_in_its_terms(
    spoil: Callable[[OpenBench], Any], said: dict[str, str], kind: str, other: Path, check: Check
) -> None:
    ended = check(other, spoil=spoil)
    assert ended.code == 1, ended.out
    own = [line for line in ended.lines("FAIL") if line.startswith("heater ")]
    assert len(own) == 1, ended.out
    assert own[0].startswith("heater 0:3 (")
    assert said[kind] in own[0]
    assert "the chassis cut it off" not in ended.out
