"""A bench whose triggers go through a delay generator: as good as without, and inhibited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from drivers.errors import InstrumentError, LimitError
from drivers.srs_dg645 import settings as dg
from drivers.srs_dg645.pulses import SrsDg645
from drivers.transport.link import LinkError
from hil.bench.entry import make_core
from hil.bench.errors import BenchFileError
from hil.bench.snapshot import snapshot
from hil.bench.states import BenchError
from hil.control.demultiplex import lateness
from hil.telemetry.bus import Outlet
from hil.telemetry.events import Fault
from sim_backends.srs_dg645.generator import INSERTION, SINGLE_SHOT
from tests.hil.delayed_benches import SCOPES, delayed, players
from tests.hil.port_benches import mixed, scopes

STEADY = {"switch_off": ["noise", "drift", "memory"]}
#: Signal units: a step of the oscilloscopes' 8 bits at a detector range of 3.2.
STEP = 0.026
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str, name: str = "delayed") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def device_of(bench: Any) -> Any:
    """The simulated generator."""
    core = bench if hasattr(bench, "simulation") else bench.core
    return core.simulation._bench.instruments["delays"]


def driver_of(bench: hil.Bench) -> SrsDg645:
    one = bench.core.parts.delays[0].generator
    assert isinstance(one, SrsDg645)
    return one


def read(bench: hil.Bench) -> np.ndarray:
    x = np.linspace(-1.0, 1.0, 32).reshape(8, 4)
    return bench.run(0.3 * bench.level_max, x).measured


def read_of(path: Path) -> np.ndarray:
    with hil.open(path, plant=STEADY) as bench:
        return read(bench)


@pytest.fixture
def usual(write: Write) -> np.ndarray:
    """What the bench of scopes reads when its trigger line leads everywhere."""
    return read_of(write(scopes(), "usual"))


WAYS = {
    "readouts": (SCOPES,),
    "sources a little": (players(1e-6),),
    "sources for 50 points": (players(20e-6),),
    "both": (SCOPES.replace("75e-9", "5.1e-6"), players(5e-6)),
    "by the falling edge": (SCOPES.replace("75e-9", "0.0"),),
    "one by T0": (
        'output = "T0", feeds = ["scope-0"], amplitude = 2.5, v_max = 5.0',
        SCOPES.replace('"scope-0", ', ""),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_trace_is_that_of_the_bench_without(way: str, write: Write, usual: np.ndarray) -> None:
    edge = 'trigger_source = "external falling"\nthreshold = 1.2' if "falling" in way else None
    text = delayed(scopes(), *WAYS[way], **({"more": edge} if edge else {}))
    np.testing.assert_allclose(read_of(write(text)), usual, atol=STEP)


def test_boxes_meters_and_oscilloscopes_are_delayed_alike(write: Write) -> None:
    usual = read_of(write(mixed(), "usual"))
    feeds = 'feeds = ["box-0", "generator-0", "scope-1", "meter-0"]'
    out = f'output = "GH", {feeds}, delay = 30e-6, width = 1e-6, amplitude = 3.0, v_max = 3.0'
    path = write(delayed(mixed(), out))
    assert make_core(path).parts.form.latency == pytest.approx(160e-9 + 85e-9 + 30e-6)
    np.testing.assert_allclose(read_of(path), usual, atol=0.03)


def test_it_enters_the_plan_of_a_frame(write: Write) -> None:
    direct = make_core(write(scopes(), "usual")).parts
    delayed_both = make_core(write(delayed(scopes(), players(20e-6)))).parts
    assert direct.form.latency == pytest.approx(160e-9)
    assert delayed_both.form.latency == pytest.approx(160e-9 + 85e-9 + 20e-6)
    # 50 points of 0.4 us pass before the first sample comes: recorded, and left out.
    assert direct.readout.max_points - delayed_both.readout.max_points == 50
    more = delayed_both.readout.planned_arm(100) - direct.readout.planned_arm(100)
    assert more >= 0.0


def test_a_delay_that_is_wrong_by_hand_shifts_the_trace(write: Write, usual: np.ndarray) -> None:
    """The instrument acts: what is recorded begins as much later as it is delayed more."""
    with hil.open(write(delayed(scopes(), SCOPES)), plant=STEADY) as bench:
        records: list[np.ndarray] = []
        readout, form = bench.core.parts.readout, bench.core.parts.form
        fetch = readout.fetch

        async def kept(first: int, count: int) -> np.ndarray:
            records.append(await fetch(first, count))
            return records[-1]

        readout.fetch = kept  # type: ignore[method-assign]
        np.testing.assert_allclose(read(bench), usual, atol=STEP)
        device, late = device_of(bench), lateness(records[0], form.points)
        device.set_delay(2, 0, 75e-9 + 2 * 0.4e-6)
        # Two points are within what frames allow for.
        np.testing.assert_allclose(read(bench), usual, atol=STEP)
        shifted = lateness(records[-1], form.points)
        np.testing.assert_allclose(late - shifted, 2.0, atol=0.1)
        device.set_delay(2, 0, 75e-9 + 4e-6)
        assert np.abs(read(bench) - usual).max() > 0.3  # a whole sample is not


def test_it_is_set_up_before_the_light_and_inhibited_at_the_end(write: Write) -> None:
    told: list[str] = []
    core = make_core(write(delayed(scopes(), SCOPES)))
    device = device_of(core)
    # As somebody may have left it: long, chained, in bursts, prescaled, at its own rate.
    device.set_delay(2, 0, 3.0)
    device.set_delay(4, 3, 1.0)
    device.set_delay(7, 4, -0.5)
    device.state.values |= {"TSRC": 0, "BURM": 1, "ADVT": 1, "PRES1": 7, "LAMP4": 5.0, "LOFF2": 1.0}
    with hil.Bench(core, told.append):
        values = device.state.values
        assert device.times()[2:4] == pytest.approx([75e-9, 1.075e-6], abs=6e-12)
        assert device.times()[4:] == [0.0] * 6
        assert (values["TSRC"], values["TLVL"], values["BURM"], values["ADVT"]) == (1, 1.5, 0, 0)
        assert (values["LAMP1"], values["LAMP4"], values["LOFF2"]) == (2.5, 0.5, 0.0)
        at = [line.startswith("delay generator") for line in told].index(True)
        assert told[at] == (
            "delay generator delays: AB to scope-0, scope-1: 75 ns late, 1 us long, 0 to 2.5 V"
        )
        assert told[at + 1] == "local oscillator on"
    assert device.state.values["TSRC"] == SINGLE_SHOT
    assert [device.volts(output, False) for output in range(5)] == [0.0] * 5


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_every_exit_inhibits_it(write: Write, error: type[BaseException]) -> None:
    seen: list[Any] = []

    def use() -> None:
        with hil.open(write(delayed(scopes(), SCOPES))) as bench:
            seen.append(device_of(bench))
            assert seen[0].state.values["TSRC"] == 1
            raise error

    with pytest.raises(error):
        use()
    assert seen[0].state.values["TSRC"] == SINGLE_SHOT


def test_a_bench_that_fails_to_open_inhibits_it(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(write(delayed(scopes(), SCOPES)))

    async def broken() -> None:
        assert device_of(core).state.values["TSRC"] == 1
        raise RuntimeError("no light")

    monkeypatch.setattr(core.parts.light, "on", broken)
    with pytest.raises(RuntimeError, match="no light"):
        hil.Bench(core)
    assert device_of(core).state.values["TSRC"] == SINGLE_SHOT


def test_one_that_does_not_answer_keeps_nothing_else_from_going_off(
    write: Write, behind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(write(delayed(scopes(), SCOPES)))
    bench = hil.Bench(core)

    async def silent() -> None:
        raise LinkError("nothing came")

    monkeypatch.setattr(core.parts.delays[0].generator, "off", silent)
    assert bench.close() == ["delays off: nothing came"]
    assert not behind(core).volts.any()
    assert not behind(core).lines


def test_what_it_tells_otherwise_stops_the_bench(write: Write) -> None:
    core = make_core(write(delayed(scopes(), SCOPES)))
    device = device_of(core)
    before = device.set_delay

    def stuck(channel: int, reference: int, seconds: float) -> None:
        before(channel, reference, min(seconds, 50e-9))

    device.set_delay = stuck
    with pytest.raises(BenchError, match=r"delays tells AB: 50 ns late.*not 75 ns late, 1 us long"):
        hil.Bench(core)
    assert device.state.values["TSRC"] == SINGLE_SHOT


def test_its_refusals_are_raised_with_their_code(write: Write) -> None:
    core = make_core(write(delayed(scopes(), SCOPES)))
    device = device_of(core)

    def refuse(channel: int, reference: int, seconds: float) -> None:
        device.errors.put(12)

    device.set_delay = refuse
    with pytest.raises(InstrumentError, match=r"DLAY.*12 \(illegal delay\)"):
        hil.Bench(core)


def test_the_files_limits_hold_for_whoever_asks(write: Write) -> None:
    """Of an input of 1 Mohm, where levels are twice what they are into 50 ohm."""
    out = SCOPES.replace("v_max = 5.0", "load = 1e6, v_max = 5.1")
    with hil.open(write(delayed(scopes(), out))) as bench:
        driver, device = driver_of(bench), device_of(bench)
        for quantity, value in ((dg.AMPLITUDE, 2.6), (dg.OFFSET, 0.1), (dg.OFFSET, -0.1)):
            with pytest.raises(LimitError, match=r"delays output AB: .* 0 to 2\.55 V"):
                bench.do(driver.set(quantity, value, "AB"))
        bench.do(driver.set(dg.AMPLITUDE, 2.6, "CD"))
        assert device.state.values["LAMP1"] == 2.5


def test_the_snapshot_knows_it(write: Write) -> None:
    with hil.open(write(delayed(scopes(), SCOPES))) as bench:
        found = bench.do(snapshot(bench.core))["instruments"]["delays"]["settings"]
    assert found["trigger_source"] == "external rising"
    assert (found["delay_from"]["A"], found["delay_from"]["B"]) == ("T0", "A")
    assert found["delay"]["A"] == pytest.approx(75e-9, abs=6e-12)
    assert found["delay"]["B"] == pytest.approx(1e-6, abs=6e-12)
    assert found["amplitude"]["AB"] == 2.5


def test_lost_triggers_are_told_once(write: Write) -> None:
    heard: list[Any] = []
    with hil.open(write(delayed(scopes(), SCOPES))) as bench:
        core, device = bench.core, device_of(bench)
        take = lambda told: heard.extend(one.event for one in told)  # noqa: E731
        core.bus.add(Outlet("ear", take, kinds=(Fault,)))
        read(bench)
        bench.do(core.between_steps())

        async def twice() -> None:
            device.external_edge(True, 3.3)
            device.external_edge(True, 3.3)

        bench.do(twice())
        for _ in range(2):
            bench.do(asyncio.sleep(11.0))
            bench.do(core.between_steps())
        core.bus.close()
    assert [fault.source for fault in heard] == ["delays"]
    assert "triggered while it was busy" in heard[0].text


def test_t0_comes_as_late_as_the_option_says(write: Write) -> None:
    text = delayed(scopes(), SCOPES)
    told = text.replace(
        'serial = "008012" }', 'serial = "008012" }\noptions = { insertion_delay = 9e-8 }'
    )
    assert INSERTION == 85e-9
    for source, late in ((text, 160e-9), (told, 165e-9)):
        arrives = make_core(write(source)).file.trigger_arrivals
        assert arrives == pytest.approx({"scope-0": late, "scope-1": late})


def test_a_driver_that_says_more_than_it_can_is_named(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(SrsDg645, "shape")
    with pytest.raises(BenchFileError, match=r"delay\.0\.generator: .*drivers\.roles\.DelayGen"):
        make_core(write(delayed(scopes(), SCOPES)))


def test_on_the_slot_path_there_is_none(write: Write) -> None:
    with hil.open(write(delayed(scopes(), SCOPES)), path="slot", plant=STEADY) as bench:
        assert np.isfinite(read(bench)).all()
