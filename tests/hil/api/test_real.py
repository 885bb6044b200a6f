"""`backend="real"`: the same bench over real TCP sockets and pseudo-terminals, on the real clock.

The instruments at the other end are the simulated ones, served from a thread of their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.bench.states import BenchError
from hil.bench.writing import Start, starting_text
from tests.hil.port_benches import mixed, scopes
from tests.hil.served_bench import Served, quick

Data = tuple[Any, Any]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(text, only)`: serve a bench file's instruments until the test ends."""
    served: list[Served] = []

    def begin(text: str, only: set[str] | None = None) -> Served:
        served.append(Served(text, only))
        return served[-1]

    yield begin
    for one in served:
        one.close()


def test_an_epoch_over_real_links(serve: Serve, tmp_path: Path, data: Data, behind: Any) -> None:
    text = quick(starting_text(Start(4, 2, "lab")))
    served = serve(text)
    path = tmp_path / "lab.toml"
    path.write_text(served.joined(text), encoding="utf-8")
    record = tmp_path / "record.json"
    served.bench.write_as_built(record, "std")
    told: list[str] = []
    with hil.open(path, backend="real", tell=told.append) as bench:
        assert not bench.core.all_simulated
        assert behind(served.bench).volts.any()
        with pytest.raises(BenchError, match="only on a simulated bench"):
            hil.train(bench, data, out=tmp_path / "never")
        result = hil.train(
            bench, data, epochs=1, batch=32, n_steps=2, as_built=record, out=tmp_path / "run"
        )
    assert behind(served.bench).is_safe()
    assert result.summary["backend"] == "real"
    assert not (tmp_path / "never").exists()
    assert any("at ASRL/dev/pts/" in line for line in told)
    ledger = json.loads((tmp_path / "run" / "ledger.json").read_text(encoding="utf-8"))
    assert sum(ledger["seconds"].values()) == pytest.approx(ledger["bench_seconds"], rel=1e-6)
    assert result.accuracy > 0.0


def test_real_links_measure_what_the_simulated_ones_do(serve: Serve, tmp_path: Path) -> None:
    text = quick(starting_text(Start(2, 2, "lab")))
    text = text.replace("switch_off = []", 'switch_off = ["noise", "drift", "thermal_tail"]')
    served = serve(text)
    path = tmp_path / "lab.toml"
    path.write_text(served.joined(text), encoding="utf-8")
    x = np.random.default_rng(0).uniform(-1.5, 1.5, (9, 2))
    found = {}
    for backend in ("real", "sim"):
        with hil.open(path, backend=backend) as bench:
            found[backend] = bench.run(bench.core.idle_levels(), x)
    step = 3.2 * 2.0 / 2**14
    assert np.abs(found["real"].measured - found["sim"].measured).max() <= 4 * step


@pytest.mark.parametrize("kind", [scopes, mixed])
def test_ports_of_every_kind_over_real_links(
    kind: Callable[[], str], serve: Serve, tmp_path: Path
) -> None:
    """Generators, oscilloscopes, a box and a power meter take the same trigger in real time."""
    text = quick(kind()).replace(
        "switch_off = []", 'switch_off = ["noise", "drift", "thermal_tail"]'
    )
    path = tmp_path / "lab.toml"
    path.write_text(serve(text).joined(text), encoding="utf-8")
    x = np.random.default_rng(0).uniform(-1.5, 1.5, (9, 4))
    found = {}
    for backend in ("real", "sim"):
        with hil.open(path, backend=backend) as bench:
            levels = bench.core.idle_levels()
            bench.run(levels, x)
            found[backend] = bench.run(levels, x).measured
    assert np.abs(found["sim"]).max() > 0.3
    code = 20e-3  # signal units of an oscilloscope; some 60 samples of it make a reading
    assert np.abs(found["real"] - found["sim"]).max() < 0.7 * code


def test_the_wrong_chassis_behind_a_port_is_refused(
    serve: Serve, tmp_path: Path, behind: Any
) -> None:
    text = quick(starting_text(Start(2, 2, "lab")))
    served = serve(text)
    joined = served.joined(text)
    path = tmp_path / "lab.toml"
    path.write_text(joined.replace('serial = "0002"', 'serial = "00A2"'), encoding="utf-8")
    with pytest.raises(Exception, match=r"heaters-1: serial '00A2' was expected, but '0002'"):
        hil.open(path, backend="real")
    assert behind(served.bench).is_safe()


@pytest.mark.parametrize("real", ["heaters-0", "box-0"])
def test_a_mixed_bench_runs_on_the_real_clock(
    real: str, serve: Serve, tmp_path: Path, behind: Any
) -> None:
    text = quick(starting_text(Start(4, 2, "mixed")))
    served = serve(text, {real})
    joined = served.joined(text).replace(
        f'name = "{real}"\n', f'name = "{real}"\nbackend = "real"\n'
    )
    path = tmp_path / "mixed.toml"
    path.write_text(joined, encoding="utf-8")
    told: list[str] = []
    with hil.open(path, tell=told.append) as bench:
        inside = behind(bench)
        assert set(inside.simulated.instruments) == {
            one.name for one in bench.file.instruments if one.name != real
        }
        assert f"mixed bench: the simulation sees the wires of {real} (real) as idle" in told
        with pytest.raises(BenchError, match="only on a simulated bench"):
            bench.core.check_as_built()
        if real == "heaters-0":
            trace = bench.run(bench.core.idle_levels(), np.full((2, 4), 0.7))
            assert np.abs(trace.measured).max() > 0.1
            assert behind(served.bench).volts.any()
    assert inside.is_safe()
    if real == "heaters-0":
        assert not behind(served.bench).volts.any()
