"""A guardian beside a controller on real links: killed, stopped, hung, ended, and ended in order.

Few tests, as each starts processes. What is so is asked of the simulated instruments themselves.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.bench.states import BenchError
from hil.bench.writing import Start, starting_text
from hil.browsing.facts import State, read_facts
from hil.guarding import held
from hil.guarding.telling import log_file
from tests.hil.served_bench import Served, quick

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
ROOT = Path(hil.__file__).parents[1]
#: s on the wall that something may take on a machine that has much else to do.
PATIENCE = 120.0
#: A controller that opens its bench and does nothing more, as a notebook may.
IDLE = """
import sys, hil
bench = hil.open(sys.argv[1], backend="real", tell=lambda line: print(line, flush=True))
print("open", flush=True)
sys.stdin.read()
"""


class Bench:
    """A served bench, its file, and what its instruments really do."""

    def __init__(self, path: Path, served: Served, inside: Any) -> None:
        self.path, self.served, self.inside = path, served, inside
        self.told: list[str] = []

    def open(self) -> hil.Bench:
        """Open it in this process."""
        return hil.open(self.path, backend="real", tell=self.told.append)

    @property
    def guardian(self) -> int:
        """The guardian's process, as told."""
        (line,) = [line for line in self.told if line.startswith("guardian: process")]
        return int(line.split()[2])


@pytest.fixture
def bench(tmp_path: Path, behind: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    text = quick(starting_text(Start(2, 2, "small")))
    served = Served(text)
    path = tmp_path / "small.toml"
    path.write_text(served.joined(text), encoding="utf-8")
    try:
        yield Bench(path, served, behind(served.bench))
    finally:
        served.close()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start(*arguments)`: Python with these arguments, ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        started.append(
            subprocess.Popen(
                [sys.executable, "-u", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": search, "OMP_NUM_THREADS": "1"},
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def until(come: Callable[[], bool]) -> None:
    """Wait for something, with patience."""
    end = time.monotonic() + PATIENCE
    while not come():
        assert time.monotonic() < end
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether no such process is left; a child of this one is not, once it has been waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] == "Z"
    except OSError:
        return True


def read_to(process: subprocess.Popen[str], end: str) -> list[str]:
    """Lines up to one that has `end` in it."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if end in line:
            return lines
    raise AssertionError(f"{lines}{process.stderr.read() if process.stderr else ''}")


def pid_in(lines: list[str]) -> int:
    """The guardian's process, as told."""
    return next(int(line.split()[2]) for line in lines if "guardian: process" in line)


def test_a_training_that_is_killed_leaves_nothing_on(
    bench: Bench, tmp_path: Path, start: Any
) -> None:
    record, run = tmp_path / "record.json", tmp_path / "run"
    bench.served.bench.write_as_built(record, "std")
    training = start(
        *("-m", "hil.train", "--bench", str(bench.path), "--backend", "real", "--task", "spirals"),
        *("--record", str(record), "--epochs", "100000", "--out", str(run)),
    )
    guardian = pid_in(read_to(training, "epoch"))
    assert bench.inside.volts.any()
    training.kill()
    # The end of standard error: of the guardian, too, which writes there.
    _, err = training.communicate(timeout=PATIENCE)
    assert bench.inside.is_safe()
    until(lambda: gone(guardian))
    assert "controller is gone (killed, or crashed); driving the bench off" in err
    assert "guardian of bench small: bench small is off" in err
    assert "bench small is off" in log_file().read_text(encoding="utf-8")
    assert "bench small is off" in (run / "guardian.log").read_text(encoding="utf-8")
    facts = read_facts(run)
    assert facts.state is State.KILLED
    assert facts.why.startswith("driven off by the guardian: its controller is gone")
    with bench.open():  # nobody holds it any more
        pass


def impatient(bench: Bench) -> str:
    """The bench file, with a guardian that waits for 4 s."""
    text = bench.path.read_text(encoding="utf-8")
    bench.path.write_text(
        text.replace("[chip]", "[guardian]\npatience = 4.0\n\n[chip]", 1), encoding="utf-8"
    )
    return str(bench.path)


def test_a_controller_that_is_stopped_is_ended(bench: Bench, start: Any) -> None:
    """It does not handle SIGTERM, so that the guardian has all to do."""
    controller = start("-c", IDLE, impatient(bench))
    read_to(controller, "open")
    controller.send_signal(signal.SIGSTOP)
    # Its input is not closed: on its way again, it would end by that, and drive off itself.
    assert controller.wait(PATIENCE) == -signal.SIGTERM
    err = controller.stderr.read()  # until the guardian, too, has ended
    assert bench.inside.is_safe()
    assert "its controller hangs: no heartbeat of its loop for 4 s" in err
    assert "bench small is off" in err


def test_a_calibration_that_is_stopped_has_it_in_its_folder(
    bench: Bench, tmp_path: Path, start: Any
) -> None:
    """Why it ended, though it found its own way off."""
    words = ("run", impatient(bench), "--backend", "real", "--out", str(tmp_path / "cal"))
    controller = start("-m", "hil.calibrate", *words)
    read_to(controller, "PASS    dark")
    controller.send_signal(signal.SIGSTOP)
    assert controller.wait(PATIENCE) == 143
    controller.stderr.read()  # until the guardian, too, has ended
    assert bench.inside.is_safe()
    told = (tmp_path / "cal" / "guardian.log").read_text(encoding="utf-8")
    assert "its controller hangs: no heartbeat of its loop for 4 s" in told


def test_a_command_that_is_stopped_finds_its_own_way_off(bench: Bench, start: Any) -> None:
    """As by Ctrl-Z at a prompt."""
    controller = start("-m", "hil.operate", impatient(bench), "--backend", "real")
    controller.stdin.write("arm\n")
    controller.stdin.flush()
    read_to(controller, "signal light on")
    controller.send_signal(signal.SIGSTOP)
    # Its input is not closed: that, too, would end it.
    assert controller.wait(PATIENCE) == 143
    assert bench.inside.is_safe()
    err = controller.stderr.read()
    assert "is asked to end (SIGTERM)" in err
    assert "terminated; the bench is off" in err
    assert "driving the bench off" not in err  # not by the guardian


def test_a_bench_that_is_closed_is_let_be(bench: Bench) -> None:
    with bench.open() as opened:
        opened.run(opened.core.idle_levels(), np.zeros((2, 2)))
        assert not gone(bench.guardian)
    assert bench.inside.is_safe()
    assert gone(bench.guardian)
    assert not log_file().exists()
    with bench.open():  # nobody holds it
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_who_ends_the_guardian_ends_the_work(number: signal.Signals, bench: Bench) -> None:
    opened = bench.open()
    os.kill(bench.guardian, number)
    until(lambda: opened.state == "off")
    assert bench.inside.is_safe()
    until(lambda: gone(bench.guardian))
    assert any(line.startswith("UNGUARDED: the guardian") for line in bench.told)
    with pytest.raises(BenchError, match="unguarded, the bench was driven off; open the bench"):
        opened.do(opened.core.arm())
    assert bench.inside.is_safe()
    assert opened.close() == []


def test_work_that_is_under_way_ends_with_the_reason(bench: Bench) -> None:
    opened = bench.open()
    os.kill(bench.guardian, signal.SIGKILL)
    machine: Any = opened.core.machine
    with pytest.raises(BenchError, match="unguarded, the bench was driven off: start again"):
        opened.do(machine.rest(PATIENCE))
    assert opened.close() == []
    assert bench.inside.is_safe()


def test_a_guardian_that_does_not_start_stops_the_opening(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held.sys, "executable", "/bin/false")
    with pytest.raises(BenchError, match=r"guardian of bench small.* did not start .*nothing was"):
        bench.open()
    assert len(bench.told) == 0  # no instrument was opened
    assert bench.inside.is_safe()


def test_what_the_controller_cannot_switch_off_the_guardian_does(bench: Bench) -> None:
    opened = bench.open()

    async def fails() -> None:
        raise OSError("the line was cut")

    for part in (*opened.core.parts.chassis, opened.core.parts.switch):
        part.off = fails  # type: ignore[method-assign]
    failed = opened.close()
    assert any("the line was cut" in line for line in failed)
    assert any("goes on trying" in line for line in bench.told)
    until(bench.inside.is_safe)
    until(lambda: gone(bench.guardian))
    assert "its controller could not drive it off" in log_file().read_text(encoding="utf-8")


def test_two_programs_do_not_drive_one_bench(bench: Bench, start: Any) -> None:
    with bench.open():
        second = start("-m", "hil.check", str(bench.path), "--backend", "real", "--no-iv")
        _, err = second.communicate(timeout=PATIENCE)
        assert second.returncode == 2
        assert "is in use by" in err
        assert f"process {os.getpid()}, bench small" in err
        assert bench.inside.volts.any()


def test_a_guardian_is_small() -> None:
    code = (
        "import json, sys; import hil.guarding.__main__; "
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(told.stdout))
    assert "numpy" in loaded
    assert not loaded & {
        "torch",
        "scipy",
        "sklearn",
        "PySide6",
        "pyqtgraph",
        "sim_backends",
        "h5py",
    }
