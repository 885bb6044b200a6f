"""Steers a replay: pause, place, speed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from hil.monitor.feed import Feed
from hil.monitor.replay import Replay

PLACES = 1000
STEP = 0.02
FACTOR = 2.0


class ReplayBar(QWidget):
    """Shown where a finished run is replayed."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed
        self.hold = QPushButton("Hold (Space)")
        self.hold.clicked.connect(self.toggle)
        self.place = QSlider(Qt.Orientation.Horizontal)
        self.place.setRange(0, PLACES)
        self.place.sliderReleased.connect(self._seek)
        self.place.actionTriggered.connect(lambda _: self._seek())
        slower, faster = QPushButton("slower (-)"), QPushButton("faster (+)")
        slower.clicked.connect(lambda: self.faster(1.0 / FACTOR))
        faster.clicked.connect(lambda: self.faster(FACTOR))
        self.speed = QLabel()
        self.speed.setMinimumWidth(150)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 2)
        row.addWidget(QLabel("REPLAY"))
        row.addWidget(self.hold)
        row.addWidget(self.place, 1)
        for one in (slower, faster, self.speed):
            row.addWidget(one)

    def show_replay(self, replay: Replay) -> None:
        """Say where it is."""
        if not self.place.isSliderDown():
            self.place.blockSignals(True)
            self.place.setValue(round(PLACES * replay.share))
            self.place.blockSignals(False)
        end = ", at its end" if replay.share >= 1.0 else ""
        self.speed.setText(f"{replay.speed:g} times{', held' if replay.paused else ''}{end}")

    def toggle(self) -> None:
        """Hold or go on."""
        self._feed.steer(lambda replay: replay.pause(not replay.paused))

    def faster(self, factor: float) -> None:
        """Change the speed."""
        self._feed.steer(lambda replay: replay.set_speed(replay.speed * factor))

    def go(self, by: float) -> None:
        """Go on or back by a share of the whole."""
        self._feed.steer(lambda replay: replay.seek(replay.share + by))

    def _seek(self) -> None:
        share = self.place.sliderPosition() / PLACES
        self._feed.steer(lambda replay: replay.seek(share))
