"""The light of a bench: any laser, taps of it, and the fibre switches on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from drivers.errors import LimitError
from drivers.thorlabs_osw12 import ThorlabsOsw12
from drivers.thorlabs_pm100 import ThorlabsPm100
from hil.bench.by_hand import tasks_of
from hil.bench.entry import make_core
from hil.bench.errors import BenchFileError
from hil.bench.file import load
from hil.bench.packaged import packaged_text
from hil.bench.snapshot import snapshot
from hil.bench.states import BenchError
from hil.telemetry.bus import Outlet
from hil.telemetry.events import Fault, Readings
from tests.hil.bench.lit_benches import (
    JOINED,
    LIGHT,
    MAINFRAME,
    MATRIX,
    METER,
    PORT_TAP,
    ROUTE,
    ROUTER,
    TAP,
    instrument,
    tables,
)
from tests.hil.conftest import WriteBench

STEADY = {"switch_off": ["drift", "noise", "memory"]}
USUAL = (LIGHT, TAP, ROUTE, MAINFRAME, METER, ROUTER)


@pytest.fixture
def lit(write_bench: WriteBench) -> Path:
    """A small bench with an 816x, a 1 % tap on a PM100, and an OSW12 on the way."""
    return write_bench(replace=tables(*USUAL))


def swing(bench: hil.Bench) -> float:
    """How far readings go at fixed levels: 0 in the dark."""
    measured = bench.run(0.3 * bench.level_max, np.linspace(-1.0, 1.0, 16).reshape(8, 2)).measured
    return float(np.ptp(measured[:, 0], axis=0).max())


def tapped(bench: hil.Bench) -> float:
    """W at the first tap."""
    return bench.do(bench.core.parts.taps[0].read())


def test_a_bench_with_a_mainframe_laser_opens_and_ends_dark(lit: Path, behind: Any) -> None:
    told: list[str] = []
    with hil.open(lit, tell=told.append) as bench:
        inside = behind(bench).simulated.instruments
        assert inside["laser"].source.power == pytest.approx(10e-3, rel=0.05)
        assert inside["router"].position == 2
        assert inside["tap"].response == pytest.approx(0.25, rel=1e-3)
        order = [
            next(at for at, line in enumerate(told) if line.startswith(start))
            for start in ("heaters 0 ->", "switch router: position 2", "laser laser: on", "signal")
        ]
        assert order == sorted(order)
        assert swing(bench) > 0.1
    assert inside["laser"].source.power == 0.0
    assert inside["router"].position == 2  # a switch keeps its place


def test_a_locked_laser_says_how_to_unlock_it(lit: Path) -> None:
    core = make_core(lit)
    core.simulation._bench.instruments["laser"].lock(True)  # type: ignore[union-attr]
    with pytest.raises(Exception, match=r"locked.*pin"):
        hil.Bench(core)


def test_a_pin_of_the_bench_file_unlocks_it(write_bench: WriteBench) -> None:
    locked = MAINFRAME + 'options = { pin = "4711" }\n'
    with hil.open(write_bench(replace=tables(LIGHT, locked))) as bench:
        assert swing(bench) > 0.1


def test_the_tap_sees_the_lasers_light_and_the_switch_on_its_way(lit: Path, behind: Any) -> None:
    with hil.open(lit, plant=STEADY) as bench:
        inside = behind(bench).simulated.instruments
        usual, full = tapped(bench), swing(bench)
        assert usual == pytest.approx(1e-4, rel=0.01)
        inside["laser"].source.set_level(5e-3)
        bench.do(asyncio.sleep(5.0))
        assert tapped(bench) == pytest.approx(0.5 * usual, rel=0.01)
        assert swing(bench) == pytest.approx(0.5 * full, rel=0.1)
        inside["laser"].source.set_level(10e-3)
        router: Any = bench.core.parts.routes[0].switch
        bench.do(router.select(1))
        assert abs(tapped(bench)) < 1e-8
        assert swing(bench) < 0.01 * full
        bench.do(router.select(2))
        bench.do(asyncio.sleep(5.0))
        assert tapped(bench) == pytest.approx(usual, rel=0.01)
        bench.do(bench.core.parts.laser.off())  # type: ignore[union-attr]
        assert abs(tapped(bench)) < 1e-8
        assert swing(bench) < 0.01 * full


def test_while_a_switch_moves_it_is_dark(lit: Path, behind: Any) -> None:
    with hil.open(lit) as bench:
        inside = behind(bench).simulated
        light = inside.wiring.plant._around

        async def moved() -> list[float]:
            inside.instruments["router"].switch(1)
            inside.instruments["router"].switch(2)
            before = light.brightness(0.0)
            await asyncio.sleep(0.002)
            return [before, light.brightness(0.0)]

        assert bench.do(moved()) == [0.0, pytest.approx(1.0, abs=0.05)]


def test_what_was_seen_before_a_switch_moved_stays_seen(lit: Path, behind: Any) -> None:
    """A frame that boxes recorded is fetched after the light has gone: it shows the light."""
    with hil.open(lit, plant=STEADY) as bench:
        inside = behind(bench).simulated.instruments
        readout = bench.core.parts.readout
        fetch = readout.fetch

        async def late(first: int, count: int) -> Any:
            inside["router"].switch(1)
            await asyncio.sleep(0.01)
            try:
                return await fetch(first, count)
            finally:
                inside["router"].switch(2)
                await asyncio.sleep(0.01)

        usual = swing(bench)
        readout.fetch = late  # type: ignore[method-assign]
        assert swing(bench) == pytest.approx(usual, rel=0.01)


def test_a_tap_of_a_port_sees_heaters_light_and_drive(write_bench: WriteBench, behind: Any) -> None:
    path = write_bench(2, 1, replace=tables(LIGHT, PORT_TAP, MAINFRAME, METER))
    with hil.open(path, plant=STEADY) as bench:
        wiring = behind(bench).simulated.wiring
        laser: Any = behind(bench).simulated.instruments["laser"]

        def seen(share: float, drive: float) -> float:
            """Its mean over a frame, in units of the laser's nominal power."""
            bench.run(share * bench.level_max, np.full((400, 2), drive))
            start, length = wiring.playback.start, wiring.playback.length
            return float(wiring.tapped(1, start, length, 1)[0])

        bright = seen(0.3, 0.8)
        # A port's share of what two full inputs give, 20 dB below the laser.
        assert 1e-5 < bright < 2e-2
        assert seen(0.3, 0.8) == pytest.approx(bright, rel=0.02)
        assert abs(seen(0.6, 0.8) / bright - 1.0) > 0.1
        assert seen(0.3, 0.05) < 0.15 * bright  # markers of a frame are at full drive
        laser.source.set_level(5e-3)
        bench.do(asyncio.sleep(5.0))
        assert seen(0.3, 0.8) == pytest.approx(0.5 * bright, rel=0.02)
        laser.source.drive(False)
        assert tapped(bench) == pytest.approx(0.0, abs=1e-8)
        assert seen(0.3, 0.8) == 0.0


def test_taps_are_told_with_laser_and_stage(lit: Path, behind: Any) -> None:
    heard: list[Any] = []
    with hil.open(lit) as bench:
        take = lambda told: heard.extend(one.event for one in told)  # noqa: E731
        bench.core.bus.add(Outlet("ear", take, kinds=(Readings, Fault)))
        bench.do(bench.core.between_steps())
        bench.do(asyncio.sleep(11.0))
        behind(bench).simulated.instruments["tap"].plug(None)
        bench.do(bench.core.between_steps())
        bench.core.bus.close()
    assert [(one.source, type(one)) for one in heard] == [
        ("laser", Readings), ("tap", Readings), ("laser", Readings), ("tap", Fault),
    ]  # fmt: skip
    assert heard[1].role == "tap"
    assert heard[1].values["power"] == pytest.approx(1e-4, rel=0.05)
    assert heard[1].units == {"power": "W"}


def test_snapshots_hold_switch_and_meter(lit: Path) -> None:
    with hil.open(lit) as bench:
        taken = bench.do(snapshot(bench.core))["instruments"]
    assert taken["router"]["settings"] == {"position": 2}
    assert taken["tap"]["settings"]["wavelength"] == pytest.approx(1.55e-6)
    assert taken["laser"]["settings"]["power_dbm"]["0"] == pytest.approx(10.0)


# -- a matrix -------------------------------------------------------------------------------------


@pytest.fixture
def joined(write_bench: WriteBench) -> Path:
    """A small bench whose light goes by a 16x16 matrix, from input 1 to output 17."""
    return write_bench(replace=tables(LIGHT, TAP, JOINED, MAINFRAME, METER, MATRIX))


def test_a_matrix_is_joined_and_parted_and_others_are_left_alone(joined: Path, behind: Any) -> None:
    core = make_core(joined)
    device: Any = behind(core).simulated.instruments["matrix"]
    device.joined = {1: 20, 3: 18}  # what was left of yesterday, and what somebody else needs
    device.ways = dict(device.joined)
    bench = hil.Bench(core)
    try:
        assert device.joined == {1: 17, 3: 18}
        assert tapped(bench) == pytest.approx(1e-4, rel=0.05)
        assert swing(bench) > 0.1
    finally:
        assert bench.close() == []
    assert device.joined == {3: 18}


def test_an_output_that_serves_another_is_not_taken(joined: Path, behind: Any) -> None:
    core = make_core(joined)
    device: Any = behind(core).simulated.instruments["matrix"]
    device.joined = {3: 17}
    device.ways = dict(device.joined)
    with pytest.raises(BenchError, match=r"matrix: input 3 is joined to output 17.*for input 1"):
        hil.Bench(core)
    assert device.joined == {3: 17}
    assert behind(core).is_safe()


@pytest.mark.parametrize("pair", ["[17, 1]", "[1, 16]", "[1, 33]", "[40, 17]"])
def test_a_port_that_there_is_not_is_refused_before_a_byte_leaves(
    pair: str, write_bench: WriteBench, behind: Any
) -> None:
    route = JOINED.replace("[1, 17]", pair)
    core = make_core(write_bench(replace=tables(LIGHT, route, MAINFRAME, MATRIX)))
    device: Any = behind(core).simulated.instruments["matrix"]
    changes: list[Any] = []
    device._change = changes.append
    with pytest.raises(LimitError, match=r"matrix"):
        hil.Bench(core)
    assert not changes
    assert core.state == "off"


def test_a_matrix_that_cannot_be_parted_is_said(joined: Path, behind: Any) -> None:
    bench = hil.open(joined)
    inside = behind(bench).simulated
    inside.faults["matrix"].silence(10_000)
    failed = bench.close()
    assert any(line.startswith("matrix parted: ") for line in failed)
    assert inside.instruments["laser"].source.power == 0.0
    assert behind(bench).is_safe()


# -- others ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["agiltron_ff", "agiltron_selfalign"])
def test_a_switch_of_many_ways(write_bench: WriteBench, behind: Any, model: str) -> None:
    router = instrument("router", model, "ASRL/dev/router::INSTR", "options = { positions = 4 }")
    route = ROUTE.replace("2", "3")
    path = write_bench(replace=tables(LIGHT, TAP, route, MAINFRAME, METER, router))
    with hil.open(path) as bench:
        assert behind(bench).simulated.instruments["router"].position == 3
        assert tapped(bench) == pytest.approx(1e-4, rel=0.05)
    many = write_bench(
        name="many", replace=tables(LIGHT, ROUTE.replace("2", "5"), MAINFRAME, router)
    )
    with pytest.raises(BenchFileError, match=r"route\.0\.position: must be 1 to 4, not 5"):
        make_core(many)


def test_a_switch_that_does_not_move_is_said(lit: Path, behind: Any) -> None:
    core = make_core(lit)
    behind(core).simulated.instruments["router"].stuck = True
    with pytest.raises(Exception, match=r"router.*not switched"):
        hil.Bench(core)
    assert behind(core).simulated.instruments["laser"].source.power == 0.0


def test_a_spare_input_of_a_power_meter_is_a_tap(write_bench: WriteBench) -> None:
    meter = instrument("tap", "keysight_n7744a", "TCPIP::tap::5025::SOCKET")
    tap = TAP.replace("input = 1", "input = 4") + PORT_TAP.replace("input = 1", "input = 2")
    with hil.open(write_bench(replace=tables(LIGHT, tap, MAINFRAME, meter))) as bench:
        assert tapped(bench) == pytest.approx(1e-4, rel=0.01)
        assert bench.core.parts.taps[1].table.label == "tap input 2"
    far = TAP.replace("input = 1", "input = 9")
    with pytest.raises(BenchFileError, match=r"tap\.0\.input: must be 1 to 8, not 9"):
        make_core(write_bench(name="far", replace=tables(LIGHT, far, MAINFRAME, meter)))


def test_ways_by_hand_are_asked_for(write_bench: WriteBench) -> None:
    by_hand = '\n[[route]]\nkind = "manual"\nswitch = "patch"\nposition = 2\n'
    told = '\n[[route]]\nkind = "manual"\nswitch = "fibre"\ndo = "plug A into B"\nundo = "cap B"\n'
    path = write_bench(replace=tables(LIGHT, by_hand, told, MAINFRAME))
    tasks = tasks_of(load(path))
    assert tasks["patch"].do == "let the light go its way: position 2"
    assert (tasks["fibre"].do, tasks["fibre"].undo) == ("plug A into B", "cap B")
    heard: list[str] = []
    with hil.open(path, tell=heard.append) as bench:
        assert swing(bench) > 0.1
    assert [line for line in heard if line.startswith("by hand")] == [
        "by hand: patch: let the light go its way: position 2 (the simulation)",
        "by hand: fibre: plug A into B (the simulation)",
    ]


# -- the wavelength -------------------------------------------------------------------------------


def test_the_wavelength_turns_phases_and_nothing_at_the_nominal_one(lit: Path) -> None:
    def read(bench: hil.Bench) -> np.ndarray:
        bench.do(bench.core.machine.rest(60.0))  # slow tails are gone
        return bench.run(0.3 * bench.level_max, np.full((8, 2), 0.6)).measured.mean(axis=0)

    with hil.open(lit, plant=STEADY) as bench:
        laser = bench.core.parts.laser
        assert laser is not None
        read(bench)
        usual = read(bench)
        bench.do(laser.set_wavelength(1.555e-6))
        tuned = read(bench)
        bench.do(laser.set_wavelength(1.55e-6))
        back = read(bench)
    assert np.abs(tuned - usual).max() > 0.02
    np.testing.assert_allclose(back, usual, atol=2e-3)


def test_without_instruments_nothing_is_told_of_them(lit: Path) -> None:
    heard: list[Any] = []
    with hil.open(lit, path="slot") as bench:
        bench.core.bus.add(Outlet("ear", heard.extend, kinds=(Readings, Fault)))
        bench.do(bench.core.between_steps())
        bench.core.bus.close()
    assert heard == []


# -- a meter that reads ports, too ----------------------------------------------------------------


def precise(tmp_path: Path, meter_options: str) -> Path:
    """The packaged bench of power meters, port 7 on a third one; input 8 of meter-plus a tap."""
    text = packaged_text("relax-mzi-8-precise")
    old = 'readout = "meter-plus", input = 8, minus = "meter-minus", minus_input = 8'
    new = 'readout = "meter-more", input = 1, minus = "meter-more", minus_input = 2'
    assert old in text
    text = text.replace(old, new)
    more = instrument(
        "meter-more", "keysight_n7744a", "TCPIP::meter-more::5025::SOCKET",
        "options = { range_dbm = 0.0, ports = [1, 2] }",
    )  # fmt: skip
    place = text.index('name = "meter-plus"')
    options = "options = { range_dbm = 0.0 }"
    head, tail = text[:place], text[place:].replace(options, meter_options, 1)
    tap = '\n[[tap]]\nmeter = "meter-plus"\ninput = 8\nshare = 0.02\n'
    text = (head + tail).replace("\n[wiring]\n", f"{more}{tap}\n[wiring]\n", 1)
    path = tmp_path / "precise.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_input_that_frames_log_is_no_tap(tmp_path: Path) -> None:
    path = precise(tmp_path, "options = { range_dbm = 0.0 }")
    with pytest.raises(BenchFileError) as caught:
        make_core(path)
    assert caught.value.lines == [
        "tap.0.input: input 8 of 'meter-plus' is logged in frames; give that instrument options = "
        "{ ports = [1, 2, 3, 4, 5, 6, 7] }"
    ]


def test_a_spare_input_is_read_between_frames(tmp_path: Path) -> None:
    path = precise(tmp_path, "options = { range_dbm = 0.0, ports = [1, 2, 3, 4, 5, 6, 7] }")
    with hil.open(path, plant=STEADY) as bench:
        levels, x = 0.3 * bench.level_max, np.linspace(-1.0, 1.0, 64).reshape(8, 8)
        before = bench.run(levels, x).measured
        assert tapped(bench) == pytest.approx(2e-4, rel=0.02)
        after = bench.run(levels, x).measured
        assert tapped(bench) == pytest.approx(2e-4, rel=0.02)
    assert np.ptp(before[..., 7]) > 0.05
    np.testing.assert_allclose(after, before, atol=0.02)


def test_a_driver_that_says_more_than_it_can_is_named(
    lit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As other packages' may: its roles are names, and only what it has tells."""
    monkeypatch.delattr(ThorlabsPm100, "read_input")
    monkeypatch.delattr(ThorlabsOsw12, "select")
    with pytest.raises(BenchFileError, match=r"tap\.0\.meter: the driver of 'tap' has not all"):
        make_core(lit)
    without = lit.with_name("without.toml")
    without.write_text(lit.read_text(encoding="utf-8").replace(TAP, ""), encoding="utf-8")
    with pytest.raises(BenchFileError, match=r"route\.0\.switch: .*drivers\.roles\.OpticalSwitch"):
        make_core(without)
