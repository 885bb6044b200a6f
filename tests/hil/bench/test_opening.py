"""Opening and making safe, checked on the simulated instruments themselves."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.transport.link import LinkError
from hil.bench.entry import make_core
from hil.bench.errors import BenchFileError
from hil.bench.states import BenchError, BenchState

WriteBench = Callable[..., Path]
Told = list[str]


def run_something(bench: hil.Bench) -> hil.Trace:
    return bench.run(bench.core.idle_levels(), np.full((3, bench.ports), 0.5))


def test_opening_warms_the_chips_and_closing_makes_all_safe(
    write_bench: WriteBench, behind: Any
) -> None:
    told: Told = []
    with hil.open(write_bench(), tell=told.append) as bench:
        inside = behind(bench)
        assert bench.state == "idle"
        assert (inside.volts[:4] > 3.0).all()  # 20 mW in 800 ohm
        assert not inside.volts[4:64].any()  # channels without a heater
        run_something(bench)
        assert bench.state == "running"
        assert inside.lines
        assert inside.outputs_on
    assert inside.is_safe()
    assert bench.state == "off"
    assert any(line.startswith("heaters-0: Q8iv 0001 at ASRL/dev/qontrol-0") for line in told)
    assert told[-1].startswith("heaters 0.16 -> 0 W in 10 steps")
    assert bench.close() == []


def test_heaters_never_jump(write_bench: WriteBench, behind: Any) -> None:
    core = make_core(write_bench())
    plant_steps: list[float] = []
    chain = behind(core).simulated.instruments["heaters-0"]
    drive = chain.loads.drive

    def noted(channels: np.ndarray, volts: np.ndarray) -> None:
        plant_steps.append(float(np.square(chain.volts[:4]).sum() / 800.0))
        drive(channels, volts)

    chain.loads.drive = noted
    bench = hil.Bench(core)
    bench.close()
    steps = np.abs(np.diff([0.0, *plant_steps]))
    assert max(plant_steps) == pytest.approx(0.08, rel=0.01)
    assert steps.max() <= 0.08 / 10 * 1.05
    assert plant_steps[-1] == 0.0


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_the_block_the_bench_goes_off(
    error: type[BaseException], write_bench: WriteBench, behind: Any
) -> None:
    inside: list[Any] = []

    def work() -> None:
        with hil.open(write_bench()) as bench:
            inside.append(behind(bench))
            run_something(bench)
            raise error

    with pytest.raises(error):
        work()
    assert inside[0].is_safe()


@pytest.mark.parametrize(
    ("name", "fault"),
    [("heaters-0", "drop"), ("box-0", "drop"), ("pattern", "drop"), ("box-0", "garbage")],
)
def test_a_link_that_fails_leaves_everything_safe(
    name: str, fault: str, write_bench: WriteBench, behind: Any
) -> None:
    inside: list[Any] = []

    def work() -> None:
        with hil.open(write_bench(4)) as bench:
            inside.append(behind(bench))
            run_something(bench)
            getattr(inside[0].simulated.faults[name], fault)()
            bench.run(0.5 * bench.core.idle_levels(), np.zeros((2, 4)))

    with pytest.raises((LinkError, InstrumentError)):
        work()
    assert inside[0].is_safe()


def test_an_instrument_that_stays_silent_does_not_stop_the_others(
    write_bench: WriteBench, behind: Any
) -> None:
    told: Told = []
    inside: list[Any] = []

    def work() -> None:
        with hil.open(write_bench(), tell=told.append) as bench:
            inside.append(behind(bench))
            run_something(bench)
            for name in ("box-0", "heaters-0"):
                inside[0].simulated.faults[name].silence(10_000)

    with pytest.raises(BenchError, match=r"is NOT safe, switch it off by hand: .*heaters-0 off"):
        work()
    failed = [line for line in told if line.startswith("FAILED to make safe: ")]
    assert any("box-0" in line for line in failed)
    assert not inside[0].volts[64:].any()  # those of heaters-1
    assert inside[0].lines == 0


def test_a_chassis_that_only_listens_is_sent_its_zeros_all_the_same(
    write_bench: WriteBench, behind: Any
) -> None:
    with hil.open(write_bench()) as bench:
        inside = behind(bench)
        inside.simulated.faults["heaters-0"].silence(10_000)
        failed = bench.do(bench.core.off())
        assert any(line.startswith("heaters-0 off: ") for line in failed)
        assert bench.state == "tripped"
        bench.do(asyncio.sleep(0.1))  # bench time: the bytes are on their way
        assert not inside.volts.any()
        inside.simulated.faults["heaters-0"].clear()  # it can be heard again
    assert bench.state == "off"


def test_the_error_under_way_is_not_hidden_by_what_could_not_be_made_safe(
    write_bench: WriteBench, behind: Any
) -> None:
    def work() -> None:
        with hil.open(write_bench()) as bench:
            behind(bench).simulated.faults["box-0"].silence(10_000)
            raise LookupError("the user's own")

    with pytest.raises(LookupError, match="the user's own"):
        work()


def test_a_cancelled_close_still_gets_to_off(write_bench: WriteBench, behind: Any) -> None:
    core = make_core(write_bench())
    loop = core.new_loop()

    async def impatient() -> None:
        await core.open()
        closing = asyncio.ensure_future(core.close())
        for _ in range(5):
            await asyncio.sleep(0.05)  # bench time: half-way down the ramp
            closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    loop.run_until_complete(impatient())
    assert behind(core).is_safe()
    assert core.state is BenchState.OFF
    assert not any(one.is_open for one in core.parts.instruments)
    loop.close()


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_on_the_way_down_does_not_stop_it(write_bench: WriteBench, behind: Any) -> None:
    def impatient(line: str) -> None:
        if "-> 0 W" in line:
            ctrl_c()

    bench = hil.open(write_bench(), tell=impatient)
    with pytest.raises(KeyboardInterrupt):
        bench.close()
    assert behind(bench).is_safe()
    assert bench.state == "off"


@pytest.mark.parametrize("moment", ["during", "after"])
def test_ctrl_c_while_opening_leaves_nothing_on(
    moment: str, write_bench: WriteBench, behind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(write_bench())
    opening = core.open

    async def interrupted(tell: Callable[[str], None]) -> None:
        if moment == "during":
            ctrl_c()
        await opening(tell)
        if moment == "after":
            ctrl_c()

    monkeypatch.setattr(core, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hil.Bench(core)
    assert behind(core).is_safe()
    assert not any(one.is_open for one in core.parts.instruments)


def test_an_opening_that_fails_half_way_leaves_nothing_on(
    write_bench: WriteBench, behind: Any
) -> None:
    path = write_bench(
        4, replace={'identity = { model = "REDPITAYA" }': 'identity = { model = "X" }'}
    )
    core = make_core(path)
    told: Told = []
    with pytest.raises(IdentityError, match=r"box-0: model 'X' was expected, but 'REDPITAYA'"):
        hil.Bench(core, told.append)
    assert behind(core).is_safe()
    assert not any(one.is_open for one in core.parts.instruments)
    assert core.state is BenchState.OFF


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.nan, "nan W is refused, only finite values are sent"),
        (np.inf, "inf W is refused, only finite values are sent"),
        (-1e-6, "-1e-06 W is refused"),
        (0.054, "0.054 W is refused, the limit is 0 to 0.053 W"),
    ],
)
@pytest.mark.parametrize("path", ["wire", "slot"])
def test_a_level_out_of_limits_is_refused_before_a_byte_leaves(
    value: float, said: str, path: str, write_bench: WriteBench, behind: Any
) -> None:
    with hil.open(write_bench(), path=path) as bench:
        levels = bench.core.idle_levels()
        levels[1, 2] = value
        before = [one.exchanges for one in bench.core.parts.instruments]
        volts = behind(bench).volts
        with pytest.raises(LimitError, match=said) as caught:
            bench.run(levels, np.zeros((1, 2)))
        assert str(caught.value).startswith("bank 1 element 2 (heaters-1 channel 2)")
        assert [one.exchanges for one in bench.core.parts.instruments] == before
        np.testing.assert_array_equal(behind(bench).volts, volts)
        run_something(bench)  # and the bench is as good as before


@pytest.mark.parametrize("path", ["wire", "slot"])
def test_the_chips_total_power_is_a_limit(path: str, write_bench: WriteBench) -> None:
    small = write_bench(replace={"power_max = 12.0": "power_max = 0.1"})
    with hil.open(small, path=path) as bench:
        assert bench.core.idle_levels().sum(axis=1).max() < 0.1
        levels = np.full((2, 4), 0.024)
        bench.run(levels, np.zeros((1, 2)))
        levels[1] = 0.026
        with pytest.raises(LimitError, match=r"bank 1 total power: 0\.104 W .* 0\.1 W"):
            bench.run(levels, np.zeros((1, 2)))


@pytest.mark.parametrize("x", [np.full((2, 2), np.nan), np.full((2, 2), np.inf)])
def test_inputs_that_are_not_finite_are_refused(x: np.ndarray, write_bench: WriteBench) -> None:
    with hil.open(write_bench()) as bench:
        before = [one.exchanges for one in bench.core.parts.instruments]
        with pytest.raises(ValueError, match="NaN or infinity; nothing was sent"):
            bench.run(bench.core.idle_levels(), x)
        assert [one.exchanges for one in bench.core.parts.instruments] == before


def test_inputs_beyond_the_drive_limit_are_clipped_digitally(write_bench: WriteBench) -> None:
    with hil.open(write_bench()) as bench:
        trace = bench.run(bench.core.idle_levels(), np.array([[9.0, -9.0]]))
    np.testing.assert_allclose(trace.sent[0, 0], [1.5, -1.5], atol=2e-4)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"backend": "x"}, r"no backend 'x'; there are sim, real"),
        ({"path": "x"}, r"no path 'x'; there are wire, slot"),
        ({"backend": "real", "path": "slot"}, "path slot has no instruments"),
    ],
)
def test_unknown_ways_to_open_are_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        hil.open("relax-mzi-8", **how)


def test_a_closed_bench_says_so(write_bench: WriteBench) -> None:
    bench = hil.open(write_bench())
    bench.close()
    with pytest.raises(BenchError, match="bench small is closed; open it again"):
        run_something(bench)
    with pytest.raises(BenchError, match="bench small is not open"):
        _ = make_core(write_bench()).machine


def test_real_instruments_that_do_not_answer_are_named(write_bench: WriteBench) -> None:
    nobody = {
        "TCPIP::rp-0::5000": "TCPIP::127.0.0.1::9",
        "TCPIP::pulsestreamer": "TCPIP::127.0.0.1",
    }
    with pytest.raises(
        LinkError, match=r"^(\w+-\d|pattern): .*(127\.0\.0\.1|/dev/qontrol-0).*hil\.check"
    ):
        hil.open(write_bench(replace=nobody), backend="real")


def test_an_option_of_another_type_is_a_fault_of_the_file(write_bench: WriteBench) -> None:
    """`"no"` would count as on: what was meant to keep outputs above 0 V would let them below."""
    spare = """
[[instrument]]
name = "bias"
driver = "qdevil_qdac2"
resource = "TCPIP::bias::5025::SOCKET"
link = { latency = 0.002, bytes_per_second = 1.0e6 }
options = { bipolar = "no" }

[wiring]
"""
    path = write_bench(replace={"\n[wiring]\n": spare})
    with pytest.raises(BenchFileError, match=r"\(bias\): option bipolar = 'no' is not true or"):
        hil.open(path)
