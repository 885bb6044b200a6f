"""A map: numbers of a grid as colours, with a bar that says what the colours mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGraphicsItem

from hil.monitor.window.axis import Axis
from hil.monitor.window.panel import new_plot
from hil.monitor.window.scales import steady, steady_span
from hil.monitor.window.theme import Theme


class ColourMap:
    """One image in a plot of its own, (columns, rows) values, row 0 on top.

    Parameters
    ----------
    bottom, left : names of the axes with units. unit : of the values, beside the bar.
    centred : whether nothing lies in the middle of the colours. bar_room : pixels beside the bar,
    for its numbers and the unit.
    """

    def __init__(
        self,
        view: Any,
        row: int,
        column: int,
        bottom: str,
        left: str,
        unit: str,
        *,
        centred: bool = False,
        bar: bool = True,
        bar_room: int = 50,
        **place: int,
    ) -> None:
        self.plot = new_plot(view, row, column, bottom, left, **place)
        self.plot.invertY(True)
        self.plot.setMouseEnabled(x=False, y=False)
        self.image = pg.ImageItem(axisOrder="col-major")
        self.plot.addItem(self.image)
        self.centred = centred
        self.values: NDArray[Any] | None = None
        self._bar: Any = None
        self.bar_axis: Any = None
        if bar:
            self._bar = pg.ColorBarItem(values=(0.0, 1.0), width=13, interactive=False)
            axis = self.bar_axis = self._bar.axis = Axis("right")
            self._bar.setAxisItems({"right": axis})
            axis.unlinkFromView()  # it shows the values of the colours, not places on the bar
            axis.setRange(*self._bar.levels())
            self._bar.setImageItem(self.image, insert_in=self.plot)
            axis.setWidth(bar_room)
            axis.enableAutoSIPrefix(False)
            font = QFont()
            font.setPixelSize(12)
            axis.setStyle(tickFont=font, hideOverlappingLabels=True)
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.unit = unit

    def show(
        self,
        values: NDArray[Any],
        rect: tuple[float, float, float, float],
        levels: tuple[float, float] | None = None,
        across: tuple[float, float] | None = None,
        padding: float = 0.0,
    ) -> None:
        """Show values (columns, rows) over (left, top, width, height) of the axes.

        across : ends of the x axis; None: those of the values. padding : free share around them.
        """
        self.values = values
        seen = values[np.isfinite(values)]
        if levels is None:
            low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
            if self.centred:
                high = steady(max(abs(low), abs(high)))
                levels = (-high, high)
            else:
                levels = steady_span(low, high)
        self.image.setImage(values, autoLevels=False, levels=levels)
        self.image.setRect(*rect)
        if self._bar is not None and self._bar.levels() != levels:
            self._bar.setLevels(levels)
        x, y, width, height = rect
        self.plot.setRange(xRange=across or (x, x + width), yRange=(y, y + height), padding=padding)

    def name(self, unit: str) -> None:
        """Say another unit beside the bar, from the next `dress` on."""
        self.unit = unit

    def dress(self, theme: Theme) -> None:
        """Take on a theme."""
        colours = theme.differences if self.centred else theme.sequential
        if self._bar is None:
            self.image.setColorMap(colours)
            return
        self._bar.setColorMap(colours)
        axis = self._bar.axis
        axis.setPen(pg.mkPen(theme.line))
        axis.setTextPen(pg.mkPen(theme.text))
        axis.setLabel(self.unit, **{"color": theme.text, "font-size": "12px"})
