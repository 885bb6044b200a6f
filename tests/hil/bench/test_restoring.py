"""Every setting of a bench moved, and put back from a snapshot."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.errors import InstrumentError
from drivers.instrument import Instrument
from drivers.naming import write
from drivers.quantity import Quantity, Value
from drivers.registry import BUILT_IN
from hil.bench.differing import Untold, Where, differences, same, settings_of
from hil.bench.file import BenchFile, from_document, load
from hil.bench.opening import OpenBench
from hil.bench.restore_plan import Plan, plan, quantities_of
from hil.bench.restore_rules import HELD, KEPT, is_output
from hil.bench.restoring import restore
from hil.bench.snapshot import snapshot
from hil.bench.snapshot_file import read_snapshot, write_snapshot
from hil.bench.visiting import Visit
from hil.bench.waveforms import WAVEFORM, Waveform
from hil.bench.writing import Start, starting_text
from tests.hil.bench import lit_benches as lit
from tests.hil.bench.test_delay_generator import GENERATOR
from tests.hil.port_benches import scopes
from tests.hil.source_meter_bench import bench_text


def with_lights() -> str:
    """Source meters, a delay generator, a laser of a mainframe, a tap, four makes of switches."""
    agiltron = lit.instrument(
        "selector", "agiltron_selfalign", "ASRL/dev/selector::INSTR", "options = { positions = 4 }"
    ) + lit.instrument(
        "asked", "agiltron_ff", "ASRL/dev/asked::INSTR", "options = { positions = 4 }"
    )
    tables = (
        lit.MAINFRAME, lit.METER, lit.ROUTER, lit.MATRIX, agiltron, GENERATOR, lit.LIGHT, lit.TAP,
        lit.ROUTE, lit.JOINED, '\n[[route]]\nswitch = "selector"\nposition = 2\n',
        '\n[[route]]\nswitch = "asked"\nposition = 3\n',
    )  # fmt: skip
    return bench_text("small", 3).replace("\n[wiring]\n", "".join(tables) + "\n[wiring]\n", 1)


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


def bench_file(name: str) -> BenchFile:
    texts = {"lit": with_lights, "scopes": scopes, "dacs": on_dacs}
    if name not in texts:
        return load(name)
    return from_document(tomllib.loads(texts[name]()), source=name)


BENCHES = ("relax-mzi-8", "relax-mzi-8-precise", "lit", "scopes", "dacs")


@pytest.fixture(params=BENCHES)
def here(request: pytest.FixtureRequest) -> Iterator[Visit]:
    with Visit(OpenBench(bench_file(request.param)), lambda line: None) as visit:
        yield visit


def test_the_benches_have_every_registered_instrument() -> None:
    assert {one.driver for name in BENCHES for one in bench_file(name).instruments} == {*BUILT_IN}


def other(quantity: Quantity, value: Any) -> Value:
    """Another value that may be had, near the present one."""
    if quantity.kind is bool:
        return not value
    if quantity.kind is str:
        return quantity.choices[(quantity.choices.index(value) + 1) % len(quantity.choices)]
    if quantity.kind is int:
        return value + 1 if value < quantity.high else value - 1
    near = value * 0.99 if value else 0.001 * min(quantity.high, 1.0)
    return max(near, quantity.low)


def of(instruments: tuple[Instrument, ...], where: Where) -> tuple[Instrument, Quantity | None]:
    (one,) = (one for one in instruments if one.name == where.instrument)
    return one, {quantity.name: quantity for quantity in one.quantities}.get(where.name)


def test_every_setting_comes_back(here: Visit, tmp_path: Path) -> None:
    core = here.core
    write_snapshot(tmp_path / "saved.json", here.do(snapshot(core, waveforms=True)))
    saved = read_snapshot(tmp_path / "saved.json")
    moved: set[Where] = set()
    random = np.random.default_rng(5)
    for where, value in settings_of(saved).items():
        if where.name == WAVEFORM:
            if isinstance(value, Waveform):
                one, _ = of(core.parts.instruments, where)
                here.do(one.write_waveform(where.channel, random.uniform(-1.0, 1.0, 300)))
                moved.add(where)
            continue
        one, quantity = of(core.parts.instruments, where)
        if quantity is None or not quantity.writable or where.name in one.imposed:
            continue
        if isinstance(value, Untold):
            assert (where.instrument, where.name) == ("selector", "position")
            continue
        if where.channel not in ("", "1", "C") or one.name in ("box-1", "box-2", "generator-1"):
            continue
        try:
            here.do(write(one, where.name, other(quantity, value), where.channel))
        except (InstrumentError, ValueError):
            continue  # what it refuses as it is set now
        moved.add(where)
    assert len(moved) > 20
    kinds = quantities_of(core)
    found = differences(saved, here.do(snapshot(core, waveforms=True)), kinds)
    before = {one.where for one in found}
    assert len(before & moved) > 0.7 * len(moved)
    here.drive()
    told: list[str] = []
    outcome = here.do(restore(core, saved, outputs=False, tell=told.append))
    assert outcome.refused == {}
    assert outcome.not_taken == []
    left = differences(saved, here.do(snapshot(core, waveforms=True)), kinds)
    for one in left:
        instrument, quantity = of(core.parts.instruments, one.where)
        assert quantity is not None
        if is_output(quantity):
            # A stage goes on: what it gives is nothing that a restored bench moves unasked.
            assert outcome.held[one.where] == (KEPT if quantity.drives else HELD)
            assert quantity.drives or same(one.after, quantity.safe, quantity)
        else:
            assert one.where.name in instrument.imposed or quantity.follows, one
    # Nothing else is left to do.
    assert not plan(core, saved, here.do(snapshot(core)), outputs=False).steps


@pytest.mark.parametrize("text", [on_dacs(), bench_text("small", 3)], ids=["qdac2", "smus"])
def test_heaters_come_back_whatever_they_hang_on(text: str) -> None:
    file = from_document(tomllib.loads(text), source="small")
    with Visit(OpenBench(file), lambda line: None) as here:
        core = here.core
        here.drive()
        here.do(core.parts.protect())
        levels = np.array([[0.3, 0.0, 0.2, 0.5]]) * core.level_max
        here.do(core.ramp(core.machine.levels, levels, lambda line: None))
        here.do(core.machine.settled())
        saved = json.loads(json.dumps(here.do(snapshot(core))))
        assert here.do(core.off()) == []
        told: list[str] = []
        cold = here.do(snapshot(core))
        assert plan(core, saved, cold, outputs=True).heaters.driven == 3
        assert plan(core, saved, cold, outputs=False).refused == {}
        outcome = here.do(restore(core, saved, outputs=True, tell=told.append))
        assert outcome.refused == {}
        assert outcome.not_taken == []
        assert any("heaters 0 -> " in line for line in told)
        read = here.do(core.parts.banks[0].read_back())
        assert read == pytest.approx(levels[0], rel=0.03, abs=1e-5)
        imposed = {one.name: one.imposed for one in core.parts.instruments}
        left = differences(saved, here.do(snapshot(core)), quantities_of(core))
        assert [one for one in left if one.where.name not in imposed[one.where.instrument]] == []


@pytest.mark.parametrize(
    ("volts", "said"), [(9.0, "9 V makes"), (-3.0, "-3 V: a level is set by volts that are not")]
)
def test_a_level_beyond_a_limit_is_refused_on_a_source_meter(volts: float, said: str) -> None:
    file = from_document(tomllib.loads(bench_text("small", 4)), source="small")
    with Visit(OpenBench(file), lambda line: None) as here:
        saved = here.do(snapshot(here.core))
        saved["instruments"]["smu-2"]["volts"] = [volts]
        refused = plan(here.core, saved, here.do(snapshot(here.core)), outputs=True).refused
        (why,) = refused.values()
        assert list(map(str, refused)) == ["smu-2 volts[0]"]
        assert why.startswith(said)


def test_a_stage_is_moved_to_the_bench_files_set_point_alone() -> None:
    """It goes on in a bench that is off, so that a set point is more than a number there."""
    with Visit(OpenBench(load("relax-mzi-8-precise")), lambda line: None) as here:
        core = here.core
        stage, asked = core.parts.stage, core.file.stage
        assert isinstance(stage, Instrument)
        assert asked is not None
        where = Where(stage.name, "setpoint_celsius")
        first = here.do(snapshot(core))

        def meant(saved: float, now: float, *, outputs: bool) -> Plan:
            taken = [json.loads(json.dumps(first)) for _ in range(2)]
            for one, value in zip(taken, (saved, now), strict=True):
                one["instruments"][stage.name]["settings"][where.name] = value
            return plan(core, taken[0], taken[1], outputs=outputs)

        right = asked.setpoint_celsius
        assert meant(right, 80.0, outputs=False).held[where] == KEPT
        (step,) = meant(right, 80.0, outputs=True).steps
        assert (step.where, step.difference.before) == (where, right)
        refused = meant(80.0, right, outputs=True)
        assert not refused.steps
        assert refused.refused[where].endswith("which every run sets: change it there")
