"""Laser and thermal stage of a bench: in their order, waited for, and told of; or by hand."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import hil
import hil.evaluate
import hil.train
from calibration.knowledge import Knowledge
from calibration.setup import Detection, Shot
from calibration.step import Outcome
from drivers.errors import InstrumentError
from drivers.quantity import Quantity
from drivers.registry import BUILT_IN
from drivers.registry import load as load_driver
from hil.bench.beside import STAGE_UNITS, told
from hil.bench.calibration_setup import BenchSetup
from hil.bench.opening import OpenBench
from hil.bench.states import BenchError
from hil.calibrating.folder import CalibrationFolder
from hil.calibrating.running import Calibration, Runner
from hil.control.feedback import run_schedule
from hil.learn import measuring, methods
from hil.telemetry.bus import Outlet
from hil.telemetry.events import Fault, Readings, Severity
from tests.hil.conftest import WriteBench

TABLES = """
[light]
laser = "laser"
power_dbm = 10.0
wavelength = 1.55e-6

[stage]
controller = "tec"
setpoint_celsius = 25.0
patience = 90.0

[[instrument]]
name = "laser"
driver = "santec_tsl570"
resource = "TCPIP::tsl::5000::SOCKET"
link = { latency = 0.002, bytes_per_second = 5.0e5 }

[[instrument]]
name = "tec"
driver = "meerstetter_tec1091"
resource = "ASRL/dev/tec::INSTR"
link = { latency = 0.016, bytes_per_second = 5760.0 }

[wiring]
"""
STEADY = {"switch_off": ["drift", "noise", "memory"]}


@pytest.fixture
def beside(write_bench: WriteBench) -> Path:
    """A small bench with laser and thermal stage."""
    return write_bench(replace={"\n[wiring]\n": TABLES})


def test_the_stage_is_first_the_laser_last_and_first_to_go(beside: Path, behind: Any) -> None:
    told: list[str] = []
    with hil.open(beside, tell=told.append) as bench:
        inside = behind(bench).simulated.instruments
        assert inside["laser"].source.power == pytest.approx(10e-3, rel=0.05)
        assert inside["tec"].stage.object_celsius == pytest.approx(25.0, abs=0.1)
        order = [
            next(at for at, line in enumerate(told) if line.startswith(start))
            for start in ("thermal stage tec: to 25 °C", "thermal stage tec: stable after",
                          "heaters 0 ->", "laser laser: on, 10 dBm at 1550 nm", "signal light on")
        ]  # fmt: skip
        assert order == sorted(order)
    assert not inside["laser"].source.shutter_open
    assert inside["laser"].source.power == 0.0
    assert inside["tec"].driving  # a chip kept at its temperature drifts least


def test_light_and_temperature_reach_the_chip(beside: Path, behind: Any) -> None:
    with hil.open(beside, plant=STEADY) as bench:
        inside = behind(bench).simulated.instruments
        levels, x = 0.3 * bench.level_max, np.full((8, 2), 0.6)

        def read() -> Any:
            return bench.run(levels, x).measured[:, 0].mean(axis=0)

        usual = read()
        inside["laser"].source.set_level(5e-3)
        bench.do(asyncio.sleep(5.0))
        half = read()
        inside["laser"].source.set_level(10e-3)
        inside["tec"].settings[3000, 1] = 27.0
        bench.do(asyncio.sleep(120.0))
        warm = read()
    # Offsets stay, signals are halved; saturation bends that a little.
    assert np.ptp(half) == pytest.approx(0.5 * np.ptp(usual), rel=0.1)
    assert np.abs(warm - usual).max() > 0.05


def test_what_they_measure_is_told_every_few_seconds(beside: Path) -> None:
    heard: list[Readings] = []
    with hil.open(beside) as bench:
        ear = Outlet(
            "ear", lambda told: heard.extend(one.event for one in told),  # type: ignore[misc]
            kinds=(Readings,),
        )  # fmt: skip
        bench.core.bus.add(ear)
        for _ in range(3):
            bench.do(bench.core.between_steps())
        bench.do(asyncio.sleep(11.0))
        bench.do(bench.core.between_steps())
        bench.core.bus.close()
    assert [one.source for one in heard] == ["tec", "laser"] * 2
    stage, laser = heard[:2]
    assert stage.values["actual"] == pytest.approx(25.0, abs=0.1)
    assert stage.values["stable"] == 1.0
    assert laser.values["power"] == pytest.approx(10e-3, rel=0.05)
    assert set(stage.units) == set(stage.values)


def test_a_stage_that_does_not_settle_is_said_and_nothing_stays_on(
    beside: Path, behind: Any
) -> None:
    core = hil.bench.entry.make_core(beside)  # type: ignore[attr-defined]
    inside = core.simulation._bench.instruments
    inside["tec"].faults.sensor_open = True
    with pytest.raises(Exception, match=r"tec"):
        hil.Bench(core)
    assert not inside["laser"].source.shutter_open


@pytest.mark.parametrize(
    ("name", "fault", "said"),
    [
        ("tec", ("hot", "95"), r"^tec: 'status' .*the controller is too hot.*; mend its cause"),
        ("tec", ("sensor", "open"), r"^tec: 'status' .*; mend its cause, then reset"),
        ("laser", ("interlock", "1"), r"^laser laser gives -100\.0 dBm and not 10 dBm: see to its"),
    ],
)
def test_what_stops_in_mid_run_ends_the_run(
    beside: Path, behind: Any, name: str, fault: tuple[str, str], said: str
) -> None:
    """Chips at another temperature, or in the dark, are not what is trained; a break in a link
    that is over at the next look ends nothing.
    """
    heard: list[Fault] = []
    with hil.open(beside) as bench:
        ear = Outlet(
            "ear", lambda told: heard.extend(one.event for one in told),  # type: ignore[misc]
            kinds=(Fault,),
        )  # fmt: skip
        bench.core.bus.add(ear)
        behind(bench).simulated.faults[name].silence()
        bench.do(bench.core.between_steps())
        bench.do(asyncio.sleep(11.0))
        kind, value = fault
        behind(bench).simulated.instruments[name].own_faults[kind](value)()
        bench.do(asyncio.sleep(11.0))
        with pytest.raises((InstrumentError, BenchError), match=said):
            bench.do(bench.core.between_steps())
        bench.core.bus.close()
    assert [one.severity for one in heard] == [Severity.MINOR, Severity.MAJOR]
    assert [one.source for one in heard] == [name, name]


STOPS = [
    ("tec", ("hot", "95"), r"tec: 'status' .*the controller is too hot.*; mend its cause"),
    ("laser", ("interlock", "1"), r"laser laser gives -100\.0 dBm and not 10 dBm: see to its"),
]
IDS = [name for name, _, _ in STOPS]


@pytest.mark.parametrize(("name", "fault", "said"), STOPS, ids=IDS)
def test_what_stops_in_a_calibration_ends_it(
    beside: Path, behind: Any, name: str, fault: tuple[str, str], said: str
) -> None:
    """Before anything is fitted to chips in the dark, or at another temperature."""
    with hil.open(beside) as bench:
        setup = BenchSetup(bench.core)
        shots = [Shot(0, np.zeros((4, 2)), Detection.HOMODYNE)]
        bench.do(setup.observe(shots))
        kind, value = fault
        behind(bench).simulated.instruments[name].own_faults[kind](value)()
        bench.do(setup.rest(11.0))
        with pytest.raises((InstrumentError, BenchError), match=f"^{said}"):
            bench.do(setup.observe(shots))


class Dark:
    """A step that keeps a sweep every 4 s; `trip` is called behind the fourth."""

    name, needs, summary = "dark", (), "of a test"

    def __init__(self, trip: Any) -> None:
        self._trip = trip

    async def run(self, setup: Any, knowledge: Any, watch: Any) -> Outcome:
        del knowledge
        for number in range(9):
            await setup.observe([Shot(0, np.zeros((4, 2)), Detection.HOMODYNE)])
            watch.keep(f"part-{number}", seen=np.zeros(2))
            if number == 3:
                self._trip()
            await setup.rest(4.0)
        raise AssertionError("nobody looked")


def test_sweeps_since_the_last_good_look_are_not_gone_on_with(
    beside: Path, behind: Any, tmp_path: Path
) -> None:
    """The looks are 12 s apart here: of those kept since, nobody knows which saw light."""
    folder = CalibrationFolder.create("small", tmp_path / "cal")
    with hil.open(beside) as bench:
        laser = behind(bench).simulated.instruments["laser"]
        known = Calibration(Knowledge.nothing(2, 2, 0.02), [], "test")
        runner = Runner(bench.core, folder, known, lambda line: None)
        with pytest.raises(BenchError, match="see to its key, interlock"):
            bench.do(runner.run([Dark(lambda: laser.interlock(True))]))
    kept = sorted(path.stem for path in (tmp_path / "cal" / "raw" / "dark").glob("*.h5"))
    assert kept == ["part-0", "part-1", "part-2"]


@pytest.mark.parametrize(("name", "fault", "said"), STOPS, ids=IDS)
def test_figures_of_a_test_in_the_dark_are_not_believed(
    beside: Path, behind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], name: str, fault: tuple[str, str], said: str,
) -> None:  # fmt: skip
    """Of `hil.train` and of `hil.evaluate`: one line, exit 2."""
    opened: list[Any] = []
    connect = OpenBench.connect

    async def noted(core: OpenBench, *of: Any) -> None:
        opened.append(core)
        await connect(core, *of)

    async def measured(machine: Any, *of: Any) -> Any:
        trace = await run_schedule(machine, *of)
        if stops:
            kind, value = fault
            behind(opened[-1]).simulated.instruments[name].own_faults[kind](value)()
        return trace

    async def last(assembly: Any, trained: Any) -> Any:
        stops.append(True)
        return await real(assembly, trained)

    stops: list[bool] = []
    real = methods.Assembly.test_logits
    monkeypatch.setattr(OpenBench, "connect", noted)
    job = ["--bench", str(beside), "--task", "spirals", "--epochs", "1"]
    assert hil.train.main([*job, "--out", str(tmp_path / "good")]) == 0
    monkeypatch.setattr(measuring, "run_schedule", measured)
    monkeypatch.setattr(methods.Assembly, "test_logits", last)
    commands = (
        (hil.train.main, [*job, "--out", str(tmp_path / "run")]),
        (hil.evaluate.main, [str(tmp_path / "good")]),
    )
    for main, words in commands:
        capsys.readouterr()
        assert main(words) == 2
        told = capsys.readouterr()
        assert re.search(said, told.err.splitlines()[-1]), told.err
        assert "accuracy" not in told.out.splitlines()[-1]
    assert not (tmp_path / "run" / "summary.json").exists()


def test_a_stage_that_stops_while_it_is_waited_for_is_said_at_once(beside: Path) -> None:
    """Not after all the patience, and by its cause."""
    core = hil.bench.entry.make_core(beside)  # type: ignore[attr-defined]
    stage = core.simulation._bench.instruments["tec"]
    told: list[float] = []

    def tell(line: str) -> None:
        if line == "thermal stage tec: to 25 °C":
            told.append(core.now())
            stage.own_faults["hot"]("95")()

    async def opens() -> None:
        with pytest.raises(InstrumentError, match=r"^tec: 'status' .*the controller is too hot"):
            await core.open(tell)
        told.append(core.now())

    with asyncio.Runner(loop_factory=core.new_loop) as runner:
        runner.run(opens())
    assert told[1] - told[0] < 10.0


def test_a_laser_behind_an_interlock_is_said(beside: Path) -> None:
    core = hil.bench.entry.make_core(beside)  # type: ignore[attr-defined]
    inside = core.simulation._bench.instruments
    inside["laser"].interlock(True)
    with pytest.raises(Exception, match=r"laser") as caught:
        hil.Bench(core)
    assert "interlock" in str(caught.value).lower()
    assert core.state == "off"


class Kelvin:
    """A stage whose driver declares another unit than usual, and nothing of its output."""

    shown: ClassVar[dict[str, Quantity]] = {
        "set": Quantity("setpoint", "T", "Control it in K (0 to 400).", unit="K", low=0, high=400),
        "length": Quantity("length", "L", "Measure a length in m.", unit="m"),
    }


def test_what_is_shown_of_an_instrument_is_in_the_units_that_its_driver_declares() -> None:
    values = {"set": 300.0, "current": 1.0, "length": 2e-9}
    said = told("tec", "thermal stage", Kelvin(), values, {"set": "degC", "current": "A"})
    assert dict(said.units) == {"set": "K", "current": "A", "length": "nm"}
    assert dict(said.values) == {"set": 300.0, "current": 1.0, "length": pytest.approx(2.0)}
    assert (dict(said.lowest), dict(said.highest)) == ({"set": 0.0}, {"set": 400.0})
    for driver in map(load_driver, BUILT_IN):
        assert set(driver.shown.values()) <= set(driver.quantities), driver.__name__
    stage = load_driver("meerstetter_tec1091")
    assert {name: one.unit for name, one in stage.shown.items()} == STAGE_UNITS
