"""Settings of a bench kept, compared and put back, as a person at it does."""

from __future__ import annotations

import io
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil.bench.restoring
import hil.snapshot
from drivers.transport.memory import MemoryLink
from hil.bench.simulated import Simulation
from hil.snapshot import main as snapshot
from sim_backends.bench import SimulatedBench
from tests.hil.conftest import Behind

WriteBench = Callable[..., Path]
Change = Callable[[SimulatedBench], None]


class Lab:
    """The simulated benches that commands open, and what is done to them by hand before.

    `sent`: what was sent over the links of the last one, by resource. `bench`: the last one.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench: SimulatedBench | None = None
        self.sent: list[tuple[str, bytes]] = []
        self.by_hand: list[Change] = []
        network, write = Simulation.network, MemoryLink.write

        def opened(simulation: Simulation) -> Any:
            held: Any = simulation
            self.bench = held._bench
            self.sent.clear()
            for change in self.by_hand:
                change(held._bench)
            return network(simulation)

        async def heard(link: MemoryLink, data: bytes) -> None:
            self.sent.append((link.name, data))
            await write(link, data)

        monkeypatch.setattr(Simulation, "network", opened)
        monkeypatch.setattr(MemoryLink, "write", heard)

    def box(self, name: str = "box-0") -> Any:
        assert self.bench is not None
        return self.bench.instruments[name]

    @property
    def settings_sent(self) -> list[bytes]:
        """What was sent to boxes that is no question."""
        units = [
            unit.strip()
            for name, data in self.sent
            if "5000" in name
            for unit in data.replace(b"\n", b";").split(b";")
        ]
        return [unit for unit in units if unit and b"?" not in unit]

    @property
    def is_safe(self) -> bool:
        assert self.bench is not None
        return Behind(self.bench).is_safe()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(monkeypatch)


@pytest.fixture
def run(command: Callable[..., Any]) -> Callable[..., Any]:
    """`run("diff", ...)`: the command, in an empty folder."""
    return lambda *words: command([str(word) for word in words], main=snapshot)


def decimated(bench: SimulatedBench) -> None:
    """Somebody has played with a box."""
    box: Any = bench.instruments["box-0"]
    box.acquisition.decimation = 64
    box.outputs[1].frequency = 2500.0


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    taken = json.loads(path.read_text(encoding="utf-8"))
    change(taken["instruments"])
    path.write_text(json.dumps(taken), encoding="utf-8")


def test_a_round_trip(lab: Lab, run: Callable[..., Any], write_bench: WriteBench) -> None:
    bench = write_bench()
    saved = run("save", bench, "--out", "monday.json")
    assert saved.code == 0
    assert saved.out.splitlines()[-1].startswith("wrote monday.json: ")
    assert not list(Path.cwd().glob("*.part"))
    assert not lab.settings_sent
    same = run("diff", "monday.json")
    assert (same.code, same.out.splitlines()[-1]) == (0, "no setting differs")

    lab.by_hand.append(decimated)
    differs = run("diff", "monday.json")
    assert differs.code == 1
    changes = [
        "box-0 frequency[2]: 1000 Hz -> 2500 Hz",
        "box-0 decimation: 1 -> 64",
    ]
    assert differs.out.splitlines()[-2:] == changes
    assert not lab.settings_sent
    # Two files tell the same; without the drivers' declarations they tell no unit.
    assert run("save", bench, "--out", "tuesday.json").code == 0
    files = run("diff", "monday.json", "tuesday.json")
    assert files.code == 1
    assert files.out.splitlines()[-2:] == [line.replace(" Hz", "") for line in changes]

    dry = run("restore", "monday.json", "--dry-run")
    assert dry.code == 0
    assert "  box-0 decimation: 64 -> 1" in dry.out.splitlines()
    assert dry.out.splitlines()[-1] == "dry run: nothing was set, nothing was driven"
    assert not lab.settings_sent
    assert lab.box().acquisition.decimation == 64

    done = run("restore", "monday.json", "--yes")
    assert done.code == 0, done.out + done.err
    assert lab.box().acquisition.decimation == 1
    assert lab.box().outputs[1].frequency == 1000.0
    assert "2 set, 0 refused, 0 did not take, 256 held" in done.out
    assert done.out.splitlines()[-1] == "bench small is off"
    assert lab.is_safe


def test_looking_drives_nothing_off(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def lit(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        instruments["box-0"].outputs[0].enabled = True
        instruments["heaters-0"].volts[0] = 3.0

    lab.by_hand.append(lit)
    for words in (["save", write_bench(), "--out", "a.json"], ["diff", "a.json"]):
        assert run(*words).code == 0
        assert lab.box("heaters-0").v_max[0] == pytest.approx(12.0)
        assert lab.box().outputs[0].enabled
        assert lab.box("heaters-0").volts[0] == 3.0
    assert run("restore", "a.json", "--yes").code == 0  # nothing differs
    assert lab.box().outputs[0].enabled


def test_outputs_stay_safe_unless_asked_for(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def driving(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        instruments["box-0"].outputs[0].enabled = True
        for output in instruments["box-0"].outputs:
            output.amplitude = 0.05  # beside which an offset has room
        instruments["box-0"].outputs[0].offset = 0.25
        instruments["box-0"].outputs[1].offset = 0.9
        instruments["heaters-0"].volts[:3] = 3.0, 2.0, 0.0
        instruments["heaters-0"].volts[3] = 9.0  # a limit that the bench file does not allow

    bench = write_bench(replace={"drive_gain = 4.5": "drive_gain = 9.0"})
    lab.by_hand.append(driving)
    assert run("save", bench, "--out", "on.json").code == 0
    lab.by_hand[:] = [decimated]

    held = run("restore", "on.json", bench, "--yes")
    assert held.code == 0, held.out + held.err
    assert "box-0 output[1]: an output, kept at its safe value" in held.out
    assert lab.is_safe
    assert lab.box().outputs[0].offset == 0.0
    assert lab.box().acquisition.decimation == 1

    forced = run("restore", "on.json", bench, "--yes", "--outputs")
    assert forced.code == 1
    assert "REFUSED box-0 offset[2]: 0.9 V is beyond +-0.5 V, 1.5 V_pi of its port" in forced.out
    assert re.search(  # as the chassis measured it
        r"REFUSED heaters-0 volts\[3\]: [89][.\d]* V makes .* W, the limit", forced.out
    )
    assert lab.is_safe  # something was refused: it ends off, as ever

    def allowed(instruments: dict[str, Any]) -> None:
        instruments["box-0"]["settings"]["offset"]["2"] = 0.0
        instruments["heaters-0"]["readings"]["volts"][3] = 0.0

    edited(Path("on.json"), allowed)
    done = run("restore", "on.json", bench, "--yes", "--outputs")
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[-1] == "bench small is left with its outputs as set"
    assert lab.box().outputs[0].enabled
    assert lab.box().outputs[0].offset == pytest.approx(0.25)
    np.testing.assert_allclose(lab.box("heaters-0").volts[:5], [3, 2, 0, 0, 0], atol=0.06)
    # The switch comes after its level, and the heaters up the ramp.
    told = done.out.splitlines()
    order = [
        next(at for at, line in enumerate(told) if line.startswith(f"  {what}"))
        for what in ("heaters 0 -> ", "set box-0 offset[1]", "set box-0 output[1]")
    ]
    assert order == sorted(order)


def test_what_is_refused_is_named_and_stops_nothing(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0

    def spoil(instruments: dict[str, Any]) -> None:
        instruments["heaters-0"]["settings"]["volts_max"][0] = 11.0
        instruments["pattern"]["settings"]["getTriggerStart"] = 4
        box = instruments["box-0"]["settings"]
        box["frequency"]["1"] = 1e9
        box["function"]["1"] = "NOISE"
        box["cycles"]["1"] = 2.5
        box["average"] = "maybe"
        box["units"] = {"refused": "-113"}
        box["gone"] = 1.0

    edited(Path("a.json"), spoil)
    lab.by_hand.append(decimated)
    ended = run("restore", "a.json", "--yes")
    assert ended.code == 1
    refused = {
        line.split(": ")[0].removeprefix("REFUSED "): line
        for line in ended.out.splitlines()
        if line.startswith("REFUSED ")
    }
    assert set(refused) == {
        "pattern getTriggerStart", "box-0 frequency[1]",
        "box-0 function[1]", "box-0 cycles[1]", "box-0 average", "box-0 units", "box-0 gone",
    }  # fmt: skip
    assert "held: heaters-0 volts_max[0]: a limit, kept as the bench file has it" in ended.out
    assert lab.box("heaters-0").v_max[0] == pytest.approx(6.5, abs=1e-3)
    assert "the limit is 1 to 62500000 Hz" in refused["box-0 frequency[1]"]
    assert "neither True nor False" in refused["box-0 average"]
    assert lab.box().acquisition.decimation == 1
    assert lab.box().outputs[0].frequency == 1000.0
    assert lab.is_safe


def test_what_an_instrument_does_not_take_is_told(
    lab: Lab,
    run: Callable[..., Any],
    write_bench: WriteBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0

    class Stuck:
        """A converter whose decimation cannot be changed any more."""

        def __get__(self, one: Any, kind: Any) -> Any:
            return 64

        def __set__(self, one: Any, value: Any) -> None:
            del one, value

    from sim_backends.red_pitaya.acquisition import Acquisition

    monkeypatch.setattr(Acquisition, "decimation", Stuck(), raising=False)
    lab.by_hand.append(decimated)
    ended = run("restore", "a.json", "--yes")
    assert ended.code == 1
    (told,) = (line for line in ended.out.splitlines() if "TAKE" in line)
    assert told == "DID NOT TAKE box-0 decimation: reads 64, not 1"
    assert lab.box().outputs[1].frequency == 1000.0


def test_another_instrument_is_refused_unless_any_will_do(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0
    edited(Path("a.json"), lambda one: one["heaters-0"]["identity"].update(serial="0815"))
    lab.by_hand.append(decimated)
    ended = run("restore", "a.json", "--yes")
    assert ended.code == 2
    assert "heaters-0 had serial '0815', now" in ended.err
    assert "--any-instrument" in ended.err
    assert not lab.settings_sent
    assert run("diff", "a.json").code == 1
    assert run("restore", "a.json", "--yes", "--any-instrument").code == 0
    assert lab.box().acquisition.decimation == 1


def test_channels_that_changed_alike_are_one_line(
    run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0
    Path("b.json").write_text(Path("a.json").read_text(encoding="utf-8"), encoding="utf-8")

    def change(instruments: dict[str, Any]) -> None:
        for channel in (0, 2, 3, 4, 6):
            instruments["heaters-0"]["settings"]["volts_max"][channel] = 5.0
        instruments["heaters-0"]["settings"]["volts_max"][5] = 4.0

    edited(Path("b.json"), change)
    assert run("diff", "a.json", "b.json").out.splitlines()[1:] == [
        "heaters-0 volts_max[0, 2 to 4]: 12 -> 5",
        "heaters-0 volts_max[5]: 12 -> 4",
        "heaters-0 volts_max[6]: 12 -> 5",
    ]


def test_mistakes(lab: Lab, run: Callable[..., Any], write_bench: WriteBench) -> None:
    bench, other = write_bench(), write_bench(name="other")
    assert run("save", bench, "--out", "a.json").code == 0
    whole = Path("a.json").read_text(encoding="utf-8")
    broken = {
        "cut.json": whole[: len(whole) // 2],
        "list.json": "[]",
        "deep.json": "[" * 100_000,
        "other.json": '{"schema": "something"}',
        "old.json": whole.replace('"version": 2', '"version": 1'),
        "flat.json": whole.replace('"settings": {', '"settings": 3, "was": {', 1),
        "odd.json": whole.replace('"decimation": 1', '"decimation": null'),
        "bytes.json": "\0",
    }
    for name, text in broken.items():
        assert text != whole, name
        Path(name).write_text(text, encoding="utf-8")
        for words in (["show", name], ["diff", name], ["restore", name, "--yes"]):
            ended = run(*words)
            assert ended.code == 2, words
            assert ended.err.startswith("error: "), words
            assert name in ended.err
            assert len(ended.err.splitlines()) == 1
    for words, said in (
        (["save", bench, "--out", "a.json"], "a.json exists"),
        (["save", bench, "--out", "nowhere/a.json"], "cannot be written"),
        (["save", "no-such-bench"], "no packaged bench"),
        (["save", bench, "--backend", "lab"], "no backend 'lab'"),
        (["diff", "none.json"], "none.json cannot be read"),
        (["diff", "a.json", other], "is of bench small, this one is other"),
        (["restore", "a.json", other, "--yes"], "is of bench small, this one is other"),
        (["restore"], "FILE"),
    ):
        ended = run(*words)
        assert ended.code == 2, words
        assert said in ended.err, ended.err
    assert Path("a.json").read_text(encoding="utf-8") == whole


def test_it_asks_once_at_a_terminal_and_nobody_else(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(decimated)
    for answer, code, left in (("n\n", 1, 64), ("", 1, 64), ("y\n", 0, 1)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        ended = run("restore", "a.json")
        assert ended.code == code, answer
        assert ended.out.count("go on? [y/N]") == 1
        assert lab.box().acquisition.decimation == left
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    ended = run("restore", "a.json")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert lab.box().acquisition.decimation == 64


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_an_interruption_midway_leaves_the_bench_safe(
    number: signal.Signals,
    code: int,
    lab: Lab,
    run: Callable[..., Any],
    write_bench: WriteBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def driving(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        for output in instruments["box-0"].outputs:
            output.enabled, output.offset = True, 0.2
        instruments["heaters-0"].volts[:4] = 3.0

    lab.by_hand.append(driving)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    lab.by_hand[:] = [decimated]
    write = hil.bench.restoring.write
    seen: list[bool] = []

    async def interrupted(one: Any, name: str, value: Any, channel: str = "") -> None:
        await write(one, name, value, channel)
        if name == "output":  # the first output is on, the second is not yet
            seen.append(not lab.is_safe)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(hil.bench.restoring, "write", interrupted)
    ended = run("restore", "on.json", "--yes", "--outputs")
    assert ended.code == code, ended.out + ended.err
    assert seen
    assert all(seen)
    assert "the bench is off" in ended.err
    assert lab.is_safe


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("words", [["diff"], ["restore", "--dry-run"], ["restore", "--yes"]])
def test_an_interruption_before_anything_was_set_leaves_the_bench_as_it_was(
    words: list[str],
    lab: Lab,
    run: Callable[..., Any],
    write_bench: WriteBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lit(bench: SimulatedBench) -> None:
        box: Any = bench.instruments["box-0"]
        box.outputs[0].enabled = True

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(lit)
    take = hil.snapshot.snapshot

    async def interrupted(bench: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return await take(bench)

    monkeypatch.setattr(hil.snapshot, "snapshot", interrupted)
    ended = run(words[0], "a.json", *words[1:])
    assert ended.code == 130
    assert ended.err == "interrupted; nothing was set, nothing was driven\n"
    assert lab.box().outputs[0].enabled
    assert not lab.settings_sent


def test_a_file_is_shown(lab: Lab, run: Callable[..., Any], write_bench: WriteBench) -> None:
    assert run(write_bench()).code == 0  # a bench alone is saved
    (path,) = Path.cwd().glob("snapshot-small-*.json")
    lab.bench = None
    ended = run("show", path)
    assert ended.code == 0
    assert lab.bench is None
    lines = ended.out.splitlines()
    assert lines[0].startswith("bench small (simulated), ")
    assert "  decimation = 1" in lines
    assert "  frequency[1 to 2] = 1000" in lines
    assert any(line.startswith("  volts[") and line.endswith(", read") for line in lines)


def test_what_no_instrument_tells_is_named(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    saved = run("save", write_bench(), "--out", "a.json")
    said = "pattern mask, analog_0, analog_1, square_wave: it can be set, not asked for"
    assert f"not told, so not in it: {said}" in saved.out.splitlines()
    shown = run("show", "a.json").out.splitlines()
    assert f"  not told: {said.removeprefix('pattern ')}" in shown
    assert "  not told: waveform: the samples in its memory are not asked for" in shown
    lab.by_hand.append(decimated)
    done = run("restore", "a.json", "--yes")
    assert f"not restored: {said}" in done.out.splitlines()
    assert done.code == 0


def test_a_dry_run_tells_every_step(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def lit(bench: SimulatedBench) -> None:
        decimated(bench)
        box: Any = bench.instruments["box-0"]
        box.outputs[0].enabled = True

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(lit)
    told = run("restore", "a.json", "--dry-run").out.splitlines()
    first = told.index("drives the bench off: signal light off, every line of pattern low")
    assert told[first + 1 : first + 9] == [
        "  box-0: outputs off",
        "  heaters down in 0.5 s, then every channel of heaters-0, heaters-1 to 0 V",
        "writes the bench file's limits to heaters-0, heaters-1",
        "sees that these are at their safe values:",
        "  box-0 output[1]: ON -> OFF",
        "then sets, in this order:",
        "  box-0 frequency[2]: 2500 Hz -> 1000 Hz",
        "  box-0 decimation: 64 -> 1",
    ]
    assert not lab.settings_sent


def test_limits_of_the_bench_file_are_no_difference(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def limited(bench: SimulatedBench) -> None:
        chassis: Any = bench.instruments["heaters-0"]
        chassis.v_max[:] = 5.0

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(limited)
    same = run("diff", "a.json")
    assert same.code == 0
    assert "limit, as the bench file decides: heaters-0 volts_max[0 to 63]: 12 V -> 5" in same.out


def test_an_output_is_not_switched_on_beyond_the_drive_of_its_port(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def driving(bench: SimulatedBench) -> None:
        box: Any = bench.instruments["box-0"]
        box.outputs[0].enabled = box.outputs[1].enabled = True
        box.outputs[0].amplitude = 0.4
        box.outputs[1].amplitude = 0.8

    lab.by_hand.append(driving)
    bench = write_bench(replace={"drive_gain = 4.5": "drive_gain = 9.0"})
    assert run("save", bench, "--out", "on.json").code == 0
    lab.by_hand.clear()
    done = run("restore", "on.json", bench, "--yes", "--outputs")
    assert done.code == 1
    assert "REFUSED box-0 output[2]: 0.8 V is beyond +-0.5 V, 1.5 V_pi of its port" in done.out
    assert "output[1]" not in "".join(x for x in done.out.splitlines() if "REFUSED" in x)
    assert lab.is_safe
