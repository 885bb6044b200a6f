"""Ctrl-C and SIGTERM in a process of its own: off, quickly, with a readable run folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors

import hil
import hil.evaluate
from hil.console import run_command
from hil.record.reading import all_events
from hil.telemetry.events import Fault, RunEnded, StateChanged
from tests.unhindered import Ending

ROOT = Path(hil.__file__).parents[1]
#: s that a process may take by itself from the signal to its end, interpreter and all: it takes a
#: quarter of one. And s on the wall, after which it hangs, however busy the machine is.
PATIENCE, HUNG = 5.0, 120.0


def start(bench: Path, out: Path, hash_seed: str) -> subprocess.Popen[str]:
    """A training that would go on for hours."""
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    # Where `nohup` has the tests ignore it, a run that they start must hear it all the same.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        return subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-m", "hil.train", "--bench", str(bench)),
                *("--task", "spirals", "--epochs", "100000", "--out", str(out)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": search,
                "OMP_NUM_THREADS": "1",
                "PYTHONHASHSEED": hash_seed,
            },
        )
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_ends_a_run_safely_and_two_runs_are_the_same(
    write_bench: Callable[..., Path], tmp_path: Path
) -> None:
    bench = write_bench()
    cases = {
        "int": (signal.SIGINT, 130, "interrupted; the bench is off"),
        "term": (signal.SIGTERM, 143, "terminated; the bench is off"),
        "hup": (signal.SIGHUP, 129, "the terminal has gone; the bench is off"),
    }
    rows: dict[str, list[str]] = {}
    for seed, (name, (number, code, said)) in enumerate(cases.items(), start=1):
        # One after the other: each would compute on while another one is looked at.
        process = start(bench, tmp_path / name, str(seed))
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "epoch" in line:
                    break
            ending = Ending(process)
            process.send_signal(number)
            out, err = process.communicate(timeout=HUNG)
            taken = ending.taken
            assert process.returncode == code, err
            assert err.splitlines()[-1] == said
            assert "Traceback" not in err
            assert "-> 0 W in 10 steps" in out
            assert "FAILED" not in out
            assert taken < PATIENCE
            folder = tmp_path / name
            assert not list(folder.glob("*.part"))
            json.loads((folder / "configuration.json").read_text(encoding="utf-8"))
            json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
            with safetensors.safe_open(folder / "checkpoint.safetensors", framework="np") as file:
                assert file.get_tensor("powers").shape == (2, 4)
            rows[name] = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            assert not (folder / "summary.json").exists()
            (ended,) = [e.event for e in all_events(folder, RunEnded)]
            assert isinstance(ended, RunEnded)
            assert (ended.outcome, ended.why[:9]) == ("interrupted", "by Ctrl-C")
            assert hil.evaluate.main([str(folder)]) == 0
        finally:
            process.kill()
            process.communicate()
    # Other hash seeds, other moments of interruption: the same run, to the last digit.
    common = min(len(kept) for kept in rows.values())
    assert common >= 1
    assert rows["int"][:common] == rows["term"][:common]


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_leaves_does_not_keep_a_bench_from_its_ramp(
    write_bench: Callable[..., Path], tmp_path: Path
) -> None:
    """As with `| head -1`, or a log that is full: telling fails, driving off does not."""
    process = start(write_bench(), tmp_path / "run", "1")
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        with process.stderr:
            err = process.stderr.read()
        assert process.wait(timeout=HUNG) == 141
    finally:
        process.kill()
        process.wait()
    assert err == ""
    states = [e.event for e in all_events(tmp_path / "run", StateChanged, Fault)]
    last = states[-1]
    assert isinstance(last, StateChanged)
    assert (last.state, last.why) == ("off", "")


def test_what_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under nohup a terminal that goes ends nothing."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_command(lambda: int(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)) == 1
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
