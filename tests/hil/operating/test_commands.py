"""Sessions of `python -m hil.operate`: what is typed, what is said, and how the bench is left."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hil
import hil.operate
from hil.bench.writing import Start, starting_text

Operate = Callable[..., Any]
ROOT = Path(hil.__file__).parents[1]


@pytest.fixture
def bench(write_bench: Callable[..., Path]) -> Path:
    return write_bench(4, replace={"switch_off = []": 'switch_off = ["noise", "drift"]'})


def test_a_session_from_arm_to_off(bench: Path, operate: Operate, behind: Any) -> None:
    script = "status; arm; set 0:5 5 mW; set 0:6 1.5V; dither 0:5 0.5 2; hold 1; frame 0; read; off"
    ended = operate(bench, "-c", script)
    assert ended.code == 0, ended.err
    assert ended.err == ""
    lines = ended.out.splitlines()
    for said in (
        "small [off]> status",
        "  heaters 0 -> 0.64 W in 10 steps over 0.5 s",
        "  element 0:5: 20 -> 5 mW in 8 steps of at most 2 mW over 0.4 s",
        "small [armed]> dither 0:5 0.5 2",
        "element 0:5: +-0.5 mW about 5 mW, 2 periods",
        "  bank 1 held, signal light and local oscillator on; modulators at 0 V, their null",
        "  measured, signal units: a row a sample, a column a port",
        "  the bench is off",
    ):
        assert said in lines
    assert lines[-1] == "bench small is off"
    assert behind(ended.cores[0]).is_safe()


def test_a_frame_of_one_sample_is_drawn_as_bars(bench: Path, operate: Operate) -> None:
    ended = operate(bench, "-c", "arm; frame 0 0.5 -0.5 0 0")
    rows = [line.split() for line in ended.out.splitlines() if line.startswith("     ")]
    drawn = [row for row in rows if row and row[0].isdecimal()]
    assert [row[0] for row in drawn] == ["0", "1", "2", "3"]
    assert [float(row[1]) for row in drawn] == pytest.approx([0.5, -0.5, 0.0, 0.0], abs=1e-3)
    assert any("#" in row[-1] for row in drawn)


def test_a_script_stops_at_its_first_mistake(bench: Path, operate: Operate, behind: Any) -> None:
    ended = operate(bench, "-c", "arm; set 0:5 99 mW; frame 0")
    assert ended.code == 2
    assert "frame" not in ended.out
    assert ended.err.strip() == (
        "error: element 0:5 (column 1, row 0, phi; heaters-0 0:5): 99 mW is refused, the limit is "
        "0 to 52.8125 mW"
    )
    assert ended.out.splitlines()[-1] == "bench small is off"
    assert behind(ended.cores[0]).is_safe()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("warm", "no command 'warm'; there are help, status, arm, set"),
        ("set 0:5", "write set BANK:ELEMENT VALUE mW|rad|V"),
        ("set 0:5 1 rad", "a phase needs a calibration record: start with --record FILE"),
        ("frame 0 1 2", "2 values for 4 ports"),
        ("frame 0 1.6", "1.6 V_pi is refused"),
        ("frame", "write frame BANK"),
        ("dither 0:5 1 V", "an amplitude is in mW, not in V"),
        ("dither 0:5 1 mW 2 3", "write dither"),
        ("hold 2", "no bank '2'; there are 0 to 1"),
        ("read 0:99", "no element '99'"),
        ("frame 0 'x", "No closing quotation"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    command: str, said: str, bench: Path, operate: Operate
) -> None:
    ended = operate(bench, "-c", f"arm; {command}")
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out.splitlines()[-1] == "bench small is off"


class Typed(io.StringIO):
    """Lines as from a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_person_goes_on_after_a_mistake(
    bench: Path, operate: Operate, behind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed("arm\nset 0:5 99 mW\n\nset 0:5 5 mW\nquit\nframe 0\n"))
    ended = operate(bench)
    assert ended.code == 0, ended.err
    assert "refused: element 0:5 (" in ended.out
    assert "  element 0:5: 20 -> 5 mW in 8 steps" in ended.out
    assert "measured" not in ended.out  # what follows `quit` is not done
    assert behind(ended.cores[0]).is_safe()


@pytest.mark.parametrize("text", ["", "arm\n", "arm\nset 0:5 5 mW  # lower\n\n"])
def test_the_end_of_piped_input_ends_off(
    text: str, bench: Path, operate: Operate, behind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    ended = operate(bench)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "bench small is off"
    assert behind(ended.cores[0]).is_safe()


def test_a_phase_is_set_by_the_record(bench: Path, operate: Operate, tmp_path: Path) -> None:
    from hil.bench.file import load
    from sim_backends.bench import SimulatedBench

    record = tmp_path / "record.json"
    SimulatedBench(load(bench).document).write_as_built(record, "best")
    ended = operate(bench, "--record", str(record), "-c", "arm; set 0:5 100 rad")
    assert ended.code == 2
    assert "100 rad is refused, the limit is " in ended.err
    assert "turns from it, can be had" in ended.err


def test_a_ring_has_no_phase_and_no_oscillator(tmp_path: Path, operate: Operate) -> None:
    path = tmp_path / "rings.toml"
    path.write_text(starting_text(Start(2, 1, "rings", core="microring")), encoding="utf-8")
    ended = operate(path, "-c", "arm; hold 0; frame 0 0.2; set 0:1 1 rad")
    assert ended.code == 2
    assert "is a ring, which has no phase to set; set it in mW or V" in ended.err
    assert "oscillator" not in ended.out
    assert "  bank 0 held, signal light on; modulators at 0 V, their quadrature" in ended.out


def test_trouble_with_an_instrument_drives_the_bench_off(
    bench: Path, operate: Operate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chassis that falls silent: told by name, and that it may still be warm."""
    from hil.operating.hand import Hand

    sound = Hand.arm

    async def then_silent(self: Hand) -> None:
        await sound(self)
        held: Any = self.core.simulation
        held._bench.faults["heaters-0"].silence(100_000)

    monkeypatch.setattr(Hand, "arm", then_silent)
    ended = operate(bench, "-c", "arm; set 0:5 5 mW")
    assert ended.code != 0
    assert "ASRL/dev/qontrol-0::INSTR: no end of message" in ended.err
    assert "tripped" in ended.out.splitlines()[-1]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_end_a_session_off(bench: Path) -> None:
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "hil.operate", str(bench)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": search, "OMP_NUM_THREADS": "1"},
        )
        for _ in range(2)
    ]
    try:
        cases = ((signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"))
        for process, (number, code, said) in zip(running, cases, strict=True):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("arm\nstatus\n")
            process.stdin.flush()
            for line in process.stdout:
                if "bank 1: " in line:
                    break
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
            assert process.returncode == code, err
            assert err.strip() == f"{said}; the bench is off"
            assert "  heaters 0.64 -> 0 W in 10 steps over 0.5 s" in out
            assert out.splitlines()[-1] == "bench small is off"
    finally:
        for process in running:
            process.kill()
            process.communicate()
