"""`python -m hil.calibrate identify`: what is wired wrongly, and the corrected bench file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.bench.errors import BenchFileError
from hil.bench.file import load
from hil.bench.rewiring import CHANNEL, exchanged
from hil.bench.writing import Start, starting_text
from tests.hil.api.test_real import Served, quick
from tests.hil.calibrating.conftest import Calibrate

RINGS = Start(4, 1, "rings", core="microring")


def faulty(start: Start, **fault: Any) -> str:
    table = "\n".join(f"{key} = {value!r}".replace("'", '"') for key, value in fault.items())
    return f"{starting_text(start)}\n[[plant.fault]]\n{table}\n"


@pytest.fixture
def bench(tmp_path: Path, calibrate: Calibrate, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`bench(**fault)`: writes a bench file of 4 ports and 2 banks in an empty folder, with it."""
    monkeypatch.chdir(tmp_path)

    def write(**fault: Any) -> str:
        text = faulty(Start(4, 2, "wired"), **fault) if fault else starting_text(
            Start(4, 2, "wired")
        )  # fmt: skip
        Path("wired.toml").write_text(text, encoding="utf-8")
        return "wired.toml"

    return write


def test_a_sound_bench_passes_on_the_wire(calibrate: Calibrate, bench: Any) -> None:
    ended = calibrate("identify", bench())
    assert ended.code == 0, ended.err
    assert "32 of 32 elements answer at their places; 0 findings" in ended.out
    # Warmed no further than the idle bias, 1.25 mW a heater.
    assert "heaters 0 -> 0.04 W" in ended.out


def test_swapped_channels_are_proposed_and_applied_only_when_asked(
    calibrate: Calibrate, bench: Any
) -> None:
    file = bench(kind="swapped", bank=0, element=2, other=9)
    before = Path(file).read_text(encoding="utf-8")
    ended = calibrate("identify", file, "--path", "slot")
    assert ended.code == 1
    assert "SWAPPED" in ended.out
    assert "proposed: bank 0, column 0, row 1, theta to heaters-0, module 1, channel 1" in ended.out
    assert "nothing was written" in ended.out
    assert Path(file).read_text(encoding="utf-8") == before

    ended = calibrate("identify", file, "--path", "slot", "--apply")
    assert ended.code == 1
    assert Path("wired.toml.before").read_text(encoding="utf-8") == before
    new = load(file)
    wires = new.bank_wiring(0)
    assert [getattr(wires[2], key) for key in CHANNEL] == ["heaters-0", 1, 1]
    assert [getattr(wires[9], key) for key in CHANNEL] == ["heaters-0", 0, 2]

    again = calibrate("identify", file, "--path", "slot", "--apply")
    assert again.code == 2
    assert "wired.toml.before exists" in again.err


def test_the_corrected_file_is_right_about_the_bench_behind_the_links(
    calibrate: Calibrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bench that is served has its own wiring: only there is the swap gone by the file alone."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "wired.toml"
    served = Served(quick(faulty(Start(2, 2, "wired"), kind="swapped", bank=1, element=0, other=3)))
    try:
        path.write_text(served.joined(quick(starting_text(Start(2, 2, "wired")))), encoding="utf-8")
        first = calibrate("identify", str(path), "--backend", "real", "--apply")
        assert first.code == 1, first.out + first.err
        assert first.out.count("SWAPPED") == 1
        again = calibrate("identify", str(path), "--backend", "real")
        assert again.code == 0, again.out + again.err
        assert "8 of 8 elements answer at their places; 0 findings" in again.out
    finally:
        served.close()


def test_currents_name_an_open_heater_and_refuse_to_warm_a_short(
    calibrate: Calibrate, bench: Any
) -> None:
    ended = calibrate("identify", bench(kind="open", bank=0, element=5))
    assert ended.code == 1
    assert "open: " in ended.out
    assert "OPEN      element 0:5 (column 1, row 0, phi; heaters-0 0:5)" in ended.out

    ended = calibrate("identify", bench(kind="short", bank=1, element=3))
    assert ended.code == 1
    assert "shorted" in ended.out
    assert "cannot be warmed" in ended.out
    assert "signal light on" not in ended.out


def test_rings_are_found_by_their_codes(
    calibrate: Calibrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rings.toml").write_text(
        faulty(RINGS, kind="swapped", bank=0, element=1, other=14), encoding="utf-8"
    )
    ended = calibrate("identify", "rings.toml", "--path", "slot")
    assert ended.code == 1, ended.err
    assert "SWAPPED" in ended.out
    assert "element 0:1 " in ended.out
    assert "14 of 16 elements answer" in ended.out


def test_only_the_channels_of_a_file_change(tmp_path: Path) -> None:
    path = tmp_path / "wired.toml"
    text = starting_text(Start(4, 2, "wired"))
    path.write_text(text, encoding="utf-8")
    new = exchanged(load(path), text, [((0, 3), (1, 7))])
    changed = [(a, b) for a, b in zip(text.splitlines(), new.splitlines(), strict=True) if a != b]
    assert len(changed) == 2
    assert all('chassis = "heaters-1"' in b for a, b in changed if "bank = 0" in a)
    path.write_text(new, encoding="utf-8")
    assert exchanged(load(path), new, [((0, 3), (1, 7))]) == text


def test_a_file_that_is_written_otherwise_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "wired.toml"
    lines = starting_text(Start(2, 1, "wired")).splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("  { bank = 0"))
    lines[first] = lines[first].rstrip("\n")
    text = "".join(lines)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchFileError, match="by hand"):
        exchanged(load(path), text, [((0, 0), (0, 1))])
