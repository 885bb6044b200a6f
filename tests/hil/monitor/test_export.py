"""Any panel can be taken away as a picture, a drawing or a table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hil.monitor.feed import Feed
from hil.monitor.state.run_state import RunState
from hil.monitor.window.application import take_picture
from hil.monitor.window.export import ExportError, export
from tests.hil.monitor.windows import Open, whole


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_any_plot_can_be_taken_away(open_window: Open, tmp_path: Path, kind: str) -> None:
    window = open_window(whole())
    for key, panel in window.panels.items():
        window.show_panel(key)
        window.tick()
        QApplication.processEvents()
        path = tmp_path / f"{key}.{kind}"
        if kind == "csv" and not panel.plots():
            with pytest.raises(ExportError, match="no plot"):
                export(panel, path)
            continue
        window.export_panel(key, path)
        content = path.read_bytes()
        begins = {"png": b"\x89PNG", "svg": b"<?xml", "csv": b"plot,x axis"}[kind]
        assert content.startswith(begins), key
        assert len(content) > 300, key


def test_a_table_holds_what_the_plot_shows(open_window: Open, tmp_path: Path) -> None:
    window = open_window(whole())
    path = tmp_path / "learning.csv"
    export(window.panels["learning"], path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [r for r in rows if r["curve"] == "batch" and r["y axis"] == "loss / nat"]
    assert [(float(r["x"]), float(r["y"])) for r in losses] == [
        (float(n), pytest.approx(2.0 / n)) for n in range(1, 21)
    ]
    window.show_panel("twin")
    window.tick()
    export(window.panels["twin"], path)
    with path.open(encoding="utf-8", newline="") as file:
        cells = [r for r in csv.DictReader(file) if r["value"]]
    assert len(cells) == 3 * 4
    residual = window.feed.state.twin.residual
    assert residual is not None
    for r in cells:
        assert float(r["value"]) == pytest.approx(residual[int(float(r["x"])), int(float(r["y"]))])


def test_what_cannot_be_written_is_told(open_window: Open, tmp_path: Path) -> None:
    window = open_window(whole())
    for name in ("learning.xls", "no/such/folder/learning.csv", "no/such/folder/x.png"):
        window.export_panel("learning", tmp_path / name)
        assert "not exported" in window.statusBar().currentMessage()


def test_a_picture_is_taken_of_the_whole_run(qtbot: QtBot, tmp_path: Path) -> None:
    feed = Feed(whole, RunState()).open()
    try:
        path = tmp_path / "run.png"
        assert take_picture(feed, path, (1280, 800), "light", ["heaters"]) == 0
    finally:
        feed.close()
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000
