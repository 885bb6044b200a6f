"""A network trains alike whatever drives the heaters: a Qontrol chassis, a DAC, source meters."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import hil
from hil.bench.writing import Start, starting_text
from tests.hil.source_meter_bench import bench_text

Data = tuple[NDArray[np.float64], NDArray[np.int64]]
#: What differs from run to run is the bench's own, then: steps of the outputs, times of the links.
QUIET = {"switch_off": ["drift", "noise"]}


def chassis() -> str:
    """2 ports, 1 bank, four heaters on a Qontrol chassis."""
    return starting_text(Start(2, 1, "small"))


def dac() -> str:
    """The same on a QDAC-II."""
    text, made = re.subn(
        r'driver = "qontrol_q8"\nresource = .*\nidentity = .*\nlink = .*\noptions = .*\n',
        'driver = "qdevil_qdac2"\nresource = "TCPIP::dac::5025::SOCKET"\n'
        "link = { latency = 0.001, bytes_per_second = 1.0e6 }\n",
        chassis(),
    )
    assert made == 1
    return text.replace("i_max = 0.012", "i_max = 0.010")  # all that such an output gives


def meters() -> str:
    """The same on four source meters, 2400s and 2450s."""
    return bench_text("small")


def trained(text: str, where: Path, data: Data) -> hil.Result:
    """Two epochs on the wire path."""
    where.mkdir()
    file = where / "small.toml"
    file.write_text(text, encoding="utf-8")
    with hil.open(file, plant=QUIET) as bench:
        return hil.train(
            bench, data, epochs=2, batch=16, n_steps=2, as_built="rough", out=where / "run"
        )


@pytest.mark.parametrize("kind", [dac, meters])
def test_training_ends_where_it_does_on_a_chassis(
    kind: Callable[[], str], tmp_path: Path, data: Data
) -> None:
    usual = trained(chassis(), tmp_path / "chassis", data)
    other = trained(kind(), tmp_path / "other", data)
    losses = [[epoch.loss for epoch in one.epochs] for one in (usual, other)]
    assert losses[1][-1] < losses[1][0]
    np.testing.assert_allclose(losses[1], losses[0], atol=0.03)
    assert other.accuracy == pytest.approx(usual.accuracy, abs=0.1)  # two of some 20 items
