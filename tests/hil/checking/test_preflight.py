"""A sound bench passes; each kind of fault is found and named; everything is off afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.red_pitaya import RedPitaya
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from hil.bench.writing import Start, starting_text
from hil.checking.preflight import preflight
from hil.checking.report import Report
from sim_backends.plant.electronics import Detectors
from tests.hil.checking.broken import Check, loads, simulated


@pytest.fixture
def bench(write_bench: Callable[..., Path]) -> Path:
    return write_bench(4)


@pytest.mark.parametrize("seed", ["1", "7"])
def test_a_sound_bench_passes_and_is_off(seed: str, bench: Path, check: Check, behind: Any) -> None:
    ended = check(bench, "--plant-seed", seed)
    assert ended.code == 0, ended.out
    assert not ended.lines("FAIL")
    assert [line.split(":")[0] for line in ended.lines("SKIPPED")] == ["temperatures"]
    passed = "\n".join(ended.lines("PASS"))
    for name in ("instrument box-1", "limits of heaters-0", "dark level", "signal gate"):
        assert f"{name}: " in passed
    for name in ("light", "local oscillator", "quadrature step"):
        assert f"{name}, bank 1: " in passed
    assert "heaters on heaters-1: 16 of 16 are " in passed
    assert ended.out.splitlines()[-1].endswith(" PASS, 0 FAIL, 1 SKIPPED; bench small is off")
    assert ended.core is not None
    assert behind(ended.core).is_safe()


def test_a_sound_microring_bench_passes(tmp_path: Path, check: Check, behind: Any) -> None:
    path = tmp_path / "rings.toml"
    path.write_text(starting_text(Start(4, 2, "rings", core="microring")), encoding="utf-8")
    ended = check(path)
    assert ended.code == 0, ended.out
    assert any(line.startswith("modulation, bank 1: ") for line in ended.lines("PASS"))
    assert ended.core is not None
    assert behind(ended.core).is_safe()


def test_without_the_current_test_no_heater_is_driven(bench: Path, check: Check) -> None:
    driven: list[float] = []

    def watch(core: OpenBench) -> None:
        for number in (0, 1):
            chain: Any = simulated(core).instruments[f"heaters-{number}"]
            drive = chain.loads.drive

            def noted(channels: Any, volts: Any, drive: Any = drive) -> None:
                driven.append(float(np.max(volts)))
                drive(channels, volts)

            chain.loads.drive = noted

    ended = check(bench, "--no-iv", spoil=watch)
    assert ended.code == 0, ended.out
    assert ended.lines("SKIPPED")[-1] == "heaters: no I-V test was asked for (--no-iv)"
    assert max(driven, default=0.0) == 0.0
    check(bench, spoil=watch)
    assert max(driven) == pytest.approx(1.0, abs=1e-3)  # and with it no more than the idle bias


def _stuck(core: OpenBench) -> None:
    chain: Any = simulated(core).instruments["heaters-0"]
    chain.stuck[3] = 2.0


def _dead(core: OpenBench) -> None:
    chain: Any = simulated(core).instruments["heaters-0"]
    chain.dead.add(3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda core: loads(core, {3: 0.0}), ("open: ", "for a break")),
        (lambda core: loads(core, {3: 6.0}), ("shorted: 7", "for a bridge")),
        (
            lambda core: loads(core, {3: 500.0}),
            ("shorted: the chassis cut it off at 0.1 V", "for a bridge"),
        ),
        (lambda core: loads(core, {3: 0.6}), ("% from r_nom 800 ohm", "write r_nom = 1")),
        (_dead, ("no voltage: ", "on another channel")),
        (_stuck, ("stuck: reads 2.0", "replace the module")),
    ],
    ids=["open", "shorted", "dead short", "resistance", "dead", "stuck"],
)
def test_a_bad_heater_is_named(
    spoil: Callable[[OpenBench], Any], said: tuple[str, str], bench: Path, check: Check
) -> None:
    ended = check(bench, spoil=spoil)
    assert ended.code == 1, ended.out
    own = [line for line in ended.lines("FAIL") if line.startswith("heater ")]
    assert len(own) == 1, ended.out
    assert own[0].startswith("heater 0:3 (column 0, row 1, phi; heaters-0 0:3): ")
    assert said[0] in own[0]
    assert said[1] in own[0].partition("; mend: ")[2]
    assert any(line.startswith("heaters on heaters-0: 15 of 16") for line in ended.lines("PASS"))


def test_a_heater_that_something_else_feeds_is_not_called_open(bench: Path, check: Check) -> None:
    fault = '\n[[plant.fault]]\nkind = "stuck"\nbank = 0\nelement = 7\nvalue = 3.0\n'
    bench.write_text(bench.read_text(encoding="utf-8") + fault, encoding="utf-8")
    ended = check(bench)
    assert ended.code == 1, ended.out
    (own,) = [line for line in ended.lines("FAIL") if line.startswith("heater ")]
    assert own.startswith("heater 0:7 (")
    assert "stuck: draws 3." in own
    assert own.endswith("follow its wire")


def test_a_channel_that_stays_hot_is_told_at_the_end(bench: Path, check: Check) -> None:
    ended = check(bench, spoil=_stuck)
    told = [line for line in ended.lines("FAIL") if line.startswith("outputs at the end")]
    assert len(told) == 1
    assert "1 channels are hot: heater 0:3 (" in told[0]
    assert told[0].endswith("mend: switch this chassis off by hand")


def test_what_another_program_left_on_is_found_and_driven_off(
    bench: Path, check: Check, behind: Any
) -> None:
    def left_on(core: OpenBench) -> None:
        chain: Any = simulated(core).instruments["heaters-1"]
        chain.volts[5] = 3.0

    ended = check(bench, spoil=left_on)
    assert ended.code == 1
    (failed,) = ended.lines("FAIL")
    assert failed.startswith("outputs as found of heaters-1: 1 channels are hot: heater 1:5 (")
    assert "end that program" in failed
    assert ended.core is not None
    assert behind(ended.core).is_safe()


def test_a_wrong_serial_number_is_named_and_the_rest_is_looked_at(
    write_bench: Callable[..., Path], check: Check, behind: Any
) -> None:
    bench = write_bench(4)

    def other(core: OpenBench) -> None:
        chain: Any = simulated(core).instruments["heaters-1"]
        chain._serial = "0099"

    ended = check(bench, spoil=other)
    assert ended.code == 1
    failed = [line for line in ended.lines("FAIL") if line.startswith("instrument")]
    assert len(failed) == 1
    assert failed[0].startswith("instrument heaters-1: ")
    assert "0099" in failed[0]
    assert "0002" in failed[0]
    assert any(line.startswith("heaters on heaters-0: 16 of 16") for line in ended.lines("PASS"))
    assert any(line.startswith("heaters on heaters-1") for line in ended.lines("SKIPPED"))
    assert ended.core is not None
    assert behind(ended.core).is_safe()


def test_an_instrument_that_does_not_answer_is_named(bench: Path, check: Check) -> None:
    ended = check(bench, spoil=lambda core: simulated(core).faults["box-1"].silence(100_000))
    assert ended.code == 1
    failed = ended.lines("FAIL")
    assert failed[0].startswith("instrument box-1: not reached at TCPIP::rp-1::5000::SOCKET: ")
    skipped = [line.split(":")[0] for line in ended.lines("SKIPPED")]
    assert {"dark level", "signal gate", "light"} <= set(skipped)
    assert any(line.startswith("heaters on heaters-0: 16 of 16") for line in ended.lines("PASS"))


def _blind(core: OpenBench) -> None:
    """Port 2 sees nothing."""
    plant: Any = simulated(core)._plant
    gain = plant.devices.detector_gain.copy()
    gain[2] = 0.0
    plant.detectors = Detectors(plant.spec, replace(plant.devices, detector_gain=gain))


def test_a_port_without_light_is_named(bench: Path, check: Check) -> None:
    ended = check(bench, "--no-iv", spoil=_blind)
    assert ended.code == 1, ended.out
    assert [line.split(":")[0] for line in ended.lines("FAIL")] == [
        "light at port 2, bank 0",
        "light at port 2, bank 1",
    ]
    assert "look at its fibre and its detector" in ended.lines("FAIL")[0]


def test_a_gate_line_that_is_not_the_one_is_found(
    write_bench: Callable[..., Path], check: Check
) -> None:
    """The plant's light hangs on line 1; the file that hil reads says 6."""
    bench = write_bench(4)

    def crossed(core: OpenBench) -> None:
        object.__setattr__(core.parts.form, "signal_mask", 1 << 6)

    ended = check(bench, "--no-iv", spoil=crossed)
    assert ended.code == 1, ended.out
    failed = ended.lines("FAIL")
    assert failed[0].startswith("light, bank 0: no port sees any")
    assert "signal gate" in failed[0]


@pytest.mark.parametrize("moment", ["instrument", "heated"])
def test_a_preflight_that_is_cut_short_ends_off(moment: str, bench: Path, behind: Any) -> None:
    """Cancelled while it looks at instruments, and while heaters are warm."""
    core = make_core(bench)
    loop = core.new_loop()
    reached = asyncio.Event()
    report = Report(lambda line: reached.set() if moment in line else None)
    chain: Any = simulated(core).instruments["heaters-1"]
    drive = chain.loads.drive

    def noted(channels: Any, volts: Any) -> None:
        drive(channels, volts)
        if moment == "heated" and np.max(volts) > 0.5:
            reached.set()

    chain.loads.drive = noted

    async def cut() -> None:
        task = asyncio.ensure_future(preflight(core, report, iv=True))
        await reached.wait()
        if moment == "heated":
            assert behind(core).volts.any()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    loop.run_until_complete(cut())
    loop.close()
    assert behind(core).is_safe()
    assert core.state == "off"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.toml"], "no such file"),
        (["relax-mzi-8", "--backend", "fake"], "backend"),
        (["relax-mzi-8", "--loud"], "--loud"),
    ],
)
def test_bad_requests_end_with_one_line(options: list[str], said: str, check: Check) -> None:
    ended = check(options[0], *options[1:])
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_a_box_knows_no_temperature_and_one_that_does_is_asked(
    bench: Path, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def warm(self: RedPitaya) -> float:
        return 81.0 if self.name == "box-0" else 44.0

    monkeypatch.setattr(RedPitaya, "temperature", warm, raising=False)
    ended = check(bench, "--no-iv")
    (failed,) = ended.lines("FAIL")
    assert failed.startswith("temperature of box-0: 81.0 C (limit 70 C)")
    assert any(line.startswith("temperature of box-1: 44.0 C") for line in ended.lines("PASS"))
