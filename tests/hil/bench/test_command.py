"""`python -m hil.bench`: exit codes, what is written, what is shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hil.bench.__main__ import main
from hil.bench.file import load

Captured = pytest.CaptureFixture[str]


def test_new_writes_a_bench_that_loads(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "lab.toml"
    asked = ["new", "--ports", "5", "--banks", "6", "--out", str(path)]
    assert main([*asked, "--description", 'the "odd" one']) == 0
    bench = load(path)
    assert (bench.name, bench.ports, bench.n_banks) == ("lab", 5, 6)
    assert bench.description == 'the "odd" one'
    assert f"wrote {path}" in capsys.readouterr().out


def test_new_never_overwrites(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "lab.toml"
    path.write_text("precious", encoding="utf-8")
    assert main(["new", "--ports", "4", "--out", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == "precious"
    assert "exists; move it away or choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["--ports", "65"], "65 is not in 2..64"),
        (["--ports", "4", "--banks", "33"], "5 banks one-hot and 32 in binary coding"),
        (["--ports", "4", "--name", "a b"], "name: must be letters"),
    ],
)
def test_new_refuses_and_leaves_nothing(
    asked: list[str], expected: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "lab.toml"
    assert main(["new", "--out", str(path), *asked]) == 2
    assert expected in capsys.readouterr().err
    assert not path.exists()


def test_new_into_no_folder(tmp_path: Path, capsys: Captured) -> None:
    assert main(["new", "--ports", "4", "--out", str(tmp_path / "no" / "lab.toml")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [[], ["new"], ["show"], ["new", "--ports", "x"], ["nope"]])
def test_bad_arguments_exit_2(asked: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(asked)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_list_names_the_packaged_benches(capsys: Captured) -> None:
    assert main(["list"]) == 0
    assert "relax-mzi-16  16-port MZI mesh, 2 banks" in capsys.readouterr().out


def test_show_says_what_an_operator_asks(capsys: Captured) -> None:
    assert main(["show", "relax-mzi-16"]) == 0
    text = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Bench relax-mzi-16: 16-port MZI mesh, 2 banks" in lines
    assert (
        "heaters-3 qontrol_q8 ASRL/dev/qontrol-3::INSTR as asked Q8iv 0004 "
        "16 ms, 11.52 kB/s modules = 8"
    ) in lines
    assert "0 heaters-3 0-63 64 columns 12-15, output phases 0-15" in lines
    assert "3 box-1 out 2 box-1 in 2 +1 3 V 4.5 +-1.5 V_pi 3.2" in lines
    assert "bank 1 3 low, 4 high" in lines
    assert "bank 0, an element 52.81 mW, 6.5 V" in lines
    assert "points a sample 16" in lines
    assert "settled points 12 (guard 128 ns)" in lines
    assert "samples a frame, most 1024, its header and tail included" in lines
    assert "Elements" not in lines
    assert "Notes" not in lines


def test_show_elements_has_a_row_for_every_heater(capsys: Captured) -> None:
    assert main(["show", "relax-mzi-8", "--elements"]) == 0
    text = capsys.readouterr().out
    rows = text[text.index("\nElements") :].strip().splitlines()[2:]
    assert len(rows) == 128
    assert rows[-1].split()[:7] == ["1", "63", "8", "7", "out", "heaters-1", "7:7"]


def test_show_notes_what_is_odd(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "odd.toml"
    main(["new", "--ports", "2", "--banks", "1", "--out", str(path)])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("guard = 128e-9", "guard = 100e-9"), encoding="utf-8")
    capsys.readouterr()
    assert main(["show", str(path)]) == 0
    assert "100 ns is 3.125 points" in capsys.readouterr().out


def test_show_prints_every_fault_and_exits_2(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "bad.toml"
    main(["new", "--ports", "2", "--banks", "1", "--out", str(path)])
    text = path.read_text(encoding="utf-8")
    text = text.replace("guard = 128e-9", "guard = 1.0").replace('"box-0", output', '"x", output')
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["show", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "3 faults" in shown.err
    assert "timing.guard: " in shown.err
    assert "wiring.ports.0.box: no instrument named 'x'" in shown.err


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Say that this is one."""
        return True


def test_show_on_a_terminal_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    terminal = _Terminal()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(["show", "relax-mzi-8"]) == 0
    text = terminal.getvalue()
    assert "ASRL/dev/qontrol-1::INSTR" in text
    assert "3 low, 4 high" in text
