"""What a user gets wrong: one line that names it, exit code 2, and nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hil.evaluate
from sim_backends.bench import SimulatedBench

Command = Callable[..., Any]
WriteBench = Callable[..., Path]
#: A job that would run, were it not for the mistake.
JOB = ["--bench", "relax-mzi-8", "--task", "spirals", "--epochs", "1", "--out", "never"]


def check_refused(ended: Any, *said: str) -> None:
    """One `error:` line on stderr, exit code 2."""
    assert ended.code == 2
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("error: ")
    for part in said:
        assert part in lines[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--backend", "lab"], ["no backend 'lab'", "sim, real"]),
        (["--bench", "relax-16"], ["no packaged bench", "relax-mzi-16"]),
        (["--bench", "none.toml"], ["none.toml: no such file", "python -m hil.bench new"]),
        (["--bench", "."], ["bench file .", "packaged"]),
        (["--task", "mnist"], ["no task 'mnist'", "digits, digits-pca, spirals"]),
        (["--method", "sgd"], ["no method 'sgd'", "pat, pat-final, in-silico"]),
        (["--bench", "relax-mrr-16", "--refit", "layered-neural"], ["leave --refit out"]),
        (["--path", "fibre"], ["no path 'fibre'", "wire, slot"]),
        (["--twin", "evil"], ["no twin mode 'evil'", "online, fixed"]),
        (["--severity", "mild"], ["--severity", "'mild'", "std"]),
        (["--converters", "x"], ["--converters", "'x'", "coarse"]),
        (["--epochs", "many"], ["--epochs", "'many'"]),
        (["--epochs", "0"], ["epochs is 0", "at least one"]),
        (["--batch", "1"], ["batch is 1", "at least two"]),
        (
            ["--digital-steps", "some"],
            ["--digital-steps", "'some'", "whole number from 1 on nor off"],
        ),
        (["--seed", "-1"], ["seed is -1"]),
        (["--split-seed", "-3"], ["split_seed is -3"]),
        (["--plant-seed", "-1"], ["plant.seed"]),
        (["--n-banks", "0"], ["n_banks is 0"]),
        (["--n-banks", "33", "--n-steps", "40"], ["33", "32 in binary coding"]),
        (["--n-steps", "1"], ["n_steps (1) is less than n_banks (2)", "--n-steps 2 or more"]),
        (["--n-banks", "4", "--n-steps", "3"], ["n_steps (3)", "n_banks (4)", "--n-steps 4"]),
        (
            ["--task", "digits", "--n-banks", "1", "--n-steps", "1"],
            ["16 features stream into 8 ports over 2 steps", "--n-steps 2 or more"],
        ),
        (["--task", "digits-pca"], ["16 features", "8-port"]),
        (["--as-built", "none.json"], ["none.json", "no such calibration record"]),
        (["--as-built", "."], [".: not a readable calibration record"]),
        (["--backend", "real"], ["as-built classes exist only on a simulated bench"]),
        (["--backend", "real", "--path", "slot"], ["path slot", "use path wire"]),
        (["--nonsense"], ["--nonsense", "--help"]),
    ],
)
def test_a_mistake_in_the_options(options: list[str], said: list[str], command: Command) -> None:
    ended = command([*JOB, *options])
    check_refused(ended, *said)
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("more", [[], ["--compare"]])
def test_a_run_folder_that_exists(more: list[str], command: Command) -> None:
    folder = Path("never")
    folder.mkdir()
    (folder / "precious").write_text("data", encoding="utf-8")
    check_refused(command([*JOB, *more]), "run folder never exists", "--out")
    assert [p.name for p in folder.iterdir()] == ["precious"]


def test_a_comparison_that_cannot_begin_leaves_nothing(command: Command) -> None:
    check_refused(command([*JOB, "--compare", "--as-built", "none.json"]), "none.json")
    assert not Path("never").exists()


def test_a_bench_file_with_several_faults_tells_all_at_once(
    write_bench: WriteBench, command: Command
) -> None:
    path = write_bench(
        replace={
            "dwell = 512e-9": "dwell = 500e-9",
            "coding = ": "codding = ",
            'box = "box-0", output = 2': 'box = "box-7", output = 2',
        }
    )
    ended = command([*JOB, "--bench", str(path)])
    assert ended.code == 2
    head, *faults = ended.err.splitlines()
    assert head == f"error: bench file {path}: {len(faults)} faults"
    assert len(faults) >= 3
    for where in ("timing.dwell", "wiring.lines.coding", "wiring.ports.1.box"):
        assert sum(line.strip().startswith(where) for line in faults) >= 1, faults
    assert not Path("never").exists()


def test_a_bench_file_that_is_no_toml(command: Command) -> None:
    Path("bad.toml").write_text("schema = = 1\n", encoding="utf-8")
    check_refused(command([*JOB, "--bench", "bad.toml"]), "bench file bad.toml", "line 1")


def test_a_fault_of_the_plant_is_told_as_well(write_bench: WriteBench, command: Command) -> None:
    path = write_bench(replace={"drift_tau = 25.0": "drift_tau = -1.0\nwhatever = 3"})
    ended = command([*JOB, "--bench", str(path)])
    assert ended.code == 2
    assert "plant.drift_tau" in ended.err
    assert "plant.whatever" in ended.err
    assert not Path("never").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text[: len(text) // 2], "not a readable calibration record"),
        (lambda text: "[]", "not a calibration record"),
        (lambda text: '{"schema": "else"}', "is this a calibration record?"),
        (lambda text: text.replace('"version": 1', '"version": 99'), "record version 99"),
        (lambda text: text.replace('"name": "small"', '"name": "other"'), "'other', not for"),
        (lambda text: text.replace('"value"', '"valeu"', 1), "phase_offset"),
    ],
)
def test_an_as_built_file_that_will_not_do(
    spoil: Callable[[str], str], said: str, write_bench: WriteBench, command: Command
) -> None:
    import tomllib

    bench = write_bench()
    record = Path("record.json")
    with bench.open("rb") as file:
        SimulatedBench(tomllib.load(file)).write_as_built(record, "rough")
    good = json.dumps(json.loads(record.read_text(encoding="utf-8")))
    record.write_text(spoil(good), encoding="utf-8")
    assert record.read_text(encoding="utf-8") != good
    job = [*JOB, "--bench", str(bench), "--as-built", str(record)]
    check_refused(command(job), "record.json", said)
    assert not Path("never").exists()


def test_an_as_built_file_of_a_larger_bench(write_bench: WriteBench, command: Command) -> None:
    import tomllib

    with write_bench(4, name="large").open("rb") as file:
        SimulatedBench(tomllib.load(file)).write_as_built(Path("large.json"), "best")
    job = [*JOB, "--bench", str(write_bench()), "--as-built", "large.json"]
    check_refused(command(job), "large.json", "made for 4 ports", "this bench has 2")


def test_an_instrument_of_the_wrong_identity(write_bench: WriteBench, command: Command) -> None:
    path = write_bench(replace={'model = "REDPITAYA"': 'model = "STEMlab 250-12"'})
    ended = command([*JOB, "--bench", str(path)])
    check_refused(ended, "box-0", "'STEMlab 250-12' was expected, but 'REDPITAYA' answers")
    assert not Path("never").exists()


def test_real_instruments_that_are_not_there(write_bench: WriteBench, command: Command) -> None:
    import tomllib

    path = write_bench(
        replace={
            "TCPIP::rp-0::5000": "TCPIP::127.0.0.1::9",
            "TCPIP::pulsestreamer": "TCPIP::127.0.0.1",
        }
    )
    with path.open("rb") as file:
        SimulatedBench(tomllib.load(file)).write_as_built(Path("record.json"), "rough")
    job = [*JOB, "--bench", str(path), "--backend", "real", "--as-built", "record.json"]
    check_refused(command(job), "qontrol-0")
    assert not Path("never").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none"], "no run 'none'"),
        (["."], ". is no run folder: it has no events.sqlite"),
        ([".", "--backend", "lab"], "'lab'"),
        ([], "RUN"),
    ],
)
def test_evaluating_what_is_no_run(options: list[str], said: str, command: Command) -> None:
    check_refused(command(options, hil.evaluate.main), said)
