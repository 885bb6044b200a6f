"""`python -m hil.bench`: exit codes, what is written, what is shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hil.bench.__main__ import main
from hil.bench.file import load
from hil.bench.packaged import packaged_names

Captured = pytest.CaptureFixture[str]


def test_new_writes_a_bench_that_loads(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "lab.toml"
    asked = ["new", "--ports", "5", "--banks", "6", "--out", str(path)]
    assert main([*asked, "--description", 'the "odd" one']) == 0
    bench = load(path)
    assert (bench.name, bench.ports, bench.n_banks) == ("lab", 5, 6)
    assert bench.description == 'the "odd" one'
    assert f"wrote {path}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("instruments", "reads"), [("precise", "meter-plus"), ("scopes", "scope-0")]
)
def test_new_writes_for_other_instruments(instruments: str, reads: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    assert main(["new", "--ports", "3", "--instruments", instruments, "--out", str(path)]) == 0
    assert {port.readout for port in load(path).ports_in_order} == {reads}


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
        (
            ["--ports", "4", "--core", "microring", "--instruments", "scopes"],
            "'scopes' is written for mzi-mesh alone; write the file with 'boxes'",
        ),
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
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["relax-mzi-16", "16-port MZI mesh, 2 banks"] in lines


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
    assert "LO quadrature 5" in lines
    assert "bank 0, an element 52.81 mW, 6.5 V" in lines
    assert "points a sample 16" in lines
    assert "settled points 12 (guard 128 ns)" in lines
    assert "samples a frame, most 1024, its header and tail included" in lines
    assert "Elements" not in lines
    assert "Notes" not in lines


def shown(capsys: Captured) -> list[str]:
    """The lines of standard output with single blanks."""
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_show_has_the_power_budget(capsys: Captured) -> None:
    assert main(["show", "relax-mzi-8"]) == 0
    lines = shown(capsys)
    assert lines.index("Optical power budget") > lines.index("Timing")
    for line in [
        "every step 24 h",
        "laser 0.00 dB 13.00 dBm, 19.95 mW",
        "fan-out to 8 ports 10.03 dB -0.04 dBm, 990.6 uW",
        "connectors, to the detector 1.00 dB -13.09 dBm, 49.08 uW",
        "LO branch, to the detector 6.00 dB -6.04 dBm, 248.8 uW",
        "Optical power budget: a reading at one signal unit, in 50 MHz",
        "full scale 198.9 uA 44.17 uA",
        "amplifier's and thermal noise 70.7 nA rms 70.7 nA rms",
        "SNR 65.3 dB, 10.6 bits 55.3 dB, 8.9 bits",
        "SNR of a sample's mean, white 81.2 dB 71.1 dB",
        "detectors are linear up to 8.98 signal units; boxes clip at 3.2",
        # 1 V / (3.2 * 198.9 uA)
        "gain for this detector_range 1.57 kV/A from photocurrent to box",
        "still at defaults all numbers of [optics]: put in your bench's own",
    ]:
        assert line in lines


@pytest.mark.parametrize("name", packaged_names())
def test_packaged_benches_have_nothing_to_note(name: str, capsys: Captured) -> None:
    assert main(["show", name]) == 0
    assert "Notes" not in shown(capsys)


def test_show_names_what_reads_a_detector(capsys: Captured) -> None:
    assert main(["show", "relax-mzi-4-scopes"]) == 0
    (gain,) = [line for line in shown(capsys) if "from photocurrent" in line]
    assert gain.endswith(" from photocurrent to input")  # of an oscilloscope


def test_show_keeps_a_lasers_pin_to_itself(capsys: Captured) -> None:
    assert main(["show", "relax-mzi-4-scopes"]) == 0
    told = capsys.readouterr().out
    assert "pin = ..." in told
    assert "pin = 1234" not in told


def test_show_says_what_of_the_light_is_the_benchs_own(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "own.toml"
    main(["new", "--ports", "8", "--out", str(path)])
    text = path.read_text(encoding="utf-8").replace("responsivity = 0.9 ", "responsivity = 1.0 ")
    text = text.replace("# transimpedance = 3600.0", "transimpedance = 2000.0")
    text = text.replace("ages = {} ", "ages = { dark = 1.5, global = 100.0 } ")
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["show", str(path)]) == 0
    lines = shown(capsys)
    assert "still at defaults 17 numbers of [optics]: put in your bench's own" in lines
    # 221 uA over 2 kV/A
    assert "one signal unit 442 mV at the box, so detector_range 2.26 (the file: 3.2)" in lines
    start = lines.index("Calibration holds for")
    assert lines[start + 1 : start + 4] == ["dark 1.5 h", "global 100 h", "every other step 24 h"]


def test_show_notes_what_spoils_readings(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "bright.toml"
    main(["new", "--ports", "2", "--banks", "1", "--out", str(path)])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("laser_power_dbm = 13.0", "laser_power_dbm = 17.0"), "utf-8")
    capsys.readouterr()
    assert main(["show", str(path)]) == 0
    lines = shown(capsys)
    assert lines[lines.index("Notes") + 1] == (
        "optics.full_scale_current: 0.002 A is below the 0.002374 A of one signal unit "
        "(homodyne), so detectors saturate: take 0.8 dB from optics.laser_power_dbm"
    )


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
