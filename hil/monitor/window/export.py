"""A panel as a picture or a table: PNG, SVG, CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from hil.monitor.window.panel import Panel

KINDS = ("png", "svg", "csv")


class ExportError(ValueError):
    """Something that cannot be written: says why."""


def export(panel: Panel, path: Path) -> None:
    """Write a panel in the form that the name's ending asks for.

    Raises
    ------
    ExportError
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in KINDS:
        raise ExportError(f"{path.name}: no {kind or 'ending'}; {', '.join(KINDS)} can be written")
    try:
        if kind == "png":
            picture(panel, path)
        elif kind == "svg":
            _drawing(panel, path)
        else:
            _table(panel, path)
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error


def picture(widget: QWidget, path: Path) -> None:
    """Write a widget as it looks, as a PNG."""
    if not widget.grab().save(str(path), "PNG"):
        raise ExportError(f"{path} cannot be written")


def _drawing(panel: Panel, path: Path) -> None:
    path.touch()
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(QSize(panel.width(), panel.height()))
    generator.setViewBox(QRect(0, 0, panel.width(), panel.height()))
    generator.setTitle(panel.title)
    painter = QPainter(generator)
    try:
        panel.render(painter, QPoint())
    finally:
        painter.end()


def _table(panel: Panel, path: Path) -> None:
    """One row a point: plot, curve, x, y, and the value where it is a map."""
    rows = [row for plot in panel.plots() for row in _points(plot)]
    if not rows:
        raise ExportError(f"{panel.title} has no plot with points in it")
    with path.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(["plot", "x axis", "y axis", "curve", "x", "y", "value"])
        write.writerows(rows)


def _points(plot: Any) -> list[list[Any]]:
    bottom, left = (plot.getAxis(side).labelText for side in ("bottom", "left"))
    rows: list[list[Any]] = []
    for number, item in enumerate(plot.items):
        head = [f"{left} over {bottom}", bottom, left, _name(item, number)]
        if isinstance(item, (pg.PlotDataItem, pg.ScatterPlotItem)):
            x, y = item.getData()
            if x is None or y is None:
                continue
            rows += [[*head, _cell(a), _cell(b), ""] for a, b in zip(x, y, strict=True)]
        elif isinstance(item, pg.ImageItem) and item.image is not None:
            rows += _cells(item, head)
        elif isinstance(item, pg.BarGraphItem):
            rows += _bars(item, head)
        elif isinstance(item, pg.InfiniteLine) and item.isVisible():
            rows.append([*head, "", _cell(item.value()), ""])
    return rows


def _cells(item: Any, head: list[Any]) -> list[list[Any]]:
    """Middle of each cell, and its value."""
    values = np.asarray(item.image)
    middles = item.mapRectToParent(item.boundingRect())
    wide, high = middles.width() / values.shape[0], middles.height() / values.shape[1]
    return [
        [
            *head,
            _cell(middles.left() + (i + 0.5) * wide),
            _cell(middles.top() + (j + 0.5) * high),
            _cell(values[i, j]),
        ]
        for i in range(values.shape[0])
        for j in range(values.shape[1])
    ]


def _bars(item: Any, head: list[Any]) -> list[list[Any]]:
    opts = item.opts
    if opts.get("x0") is not None:  # lying bars: where they begin, and how long they are
        x0, width = np.atleast_1d(opts["x0"]), np.atleast_1d(opts["width"])
        y = np.atleast_1d(opts["y"])
        return [[*head, _cell(a), _cell(b), _cell(c)] for a, b, c in zip(x0, y, width, strict=True)]
    x, height = np.atleast_1d(opts["x"]), np.atleast_1d(opts["height"])
    return [[*head, _cell(a), _cell(b), ""] for a, b in zip(x, height, strict=True)]


def _name(item: Any, number: int) -> str:
    name = item.name() if callable(getattr(item, "name", None)) else None
    return str(name) if name else f"{type(item).__name__} {number}"


def _cell(value: Any) -> str:
    return f"{float(value):.9g}"
