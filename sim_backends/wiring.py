"""What is joined to what on a simulated bench: the instruments' ports and the plant's.

Heater channels lead to the plant's heaters, lines of the pattern generator to the boxes' trigger
inputs, the gates and the bank switch, the boxes' outputs to the modulators, the detectors to the
boxes' inputs. The instruments know only their own side. What the detectors show during one frame is
rendered once, for all boxes that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .host.clock import Clock
from .plant.signals import FrameSignals, LineTimeline, SampleGrid, Waveform
from .pulse_streamer.program import Playback
from .red_pitaya.acquisition import RING, Capture
from .red_pitaya.box import RedPitaya

Floats = NDArray[np.float64]
_MARGIN = 0.5e-6
"""s rendered beyond a pattern's end, for what is read a little later than it is sent."""
_IDLE_POINTS = 256
"""Points rendered at first of a capture that no pattern goes with."""


class PlantInterface(Protocol):
    """What the wiring asks of a plant; see `sim_backends.plant.Plant`."""

    def set_volts(self, bank: int, elements: NDArray[np.intp], volts: Floats, at: float) -> None:
        """Heaters of a bank step to `volts` at bench time `at`."""
        ...

    def heater_amps(self, bank: int, elements: NDArray[np.intp], volts: Floats) -> Floats:
        """Currents in A at `volts`."""
        ...

    def render(self, frame: FrameSignals, grids: Sequence[SampleGrid]) -> list[Floats]:
        """Volts at the digitisers, (count, ports) a grid."""
        ...

    def join_light(self, brightness: Callable[[float], float]) -> None:
        """A laser feeds the bench: its power over the nominal one, at bench time."""
        ...

    def join_stage(self, warmth: Callable[[float], float]) -> None:
        """A thermal stage carries the chips: K above where they were surveyed, at bench time."""
        ...


class Heaters:
    """Loads on a heater driver's channels: `bank`, `element` (channels,); bank -1 = open."""

    def __init__(self, wiring: Wiring, bank: NDArray[np.intp], element: NDArray[np.intp]) -> None:
        self._wiring = wiring
        self._bank = bank
        self._element = element
        self._banks = [int(b) for b in np.unique(bank) if b >= 0]

    def drive(self, channels: NDArray[np.intp], volts: Floats) -> None:
        """Channels step to `volts` now."""
        wiring = self._wiring
        wiring.before_change()
        now = wiring.now()
        for bank in self._banks:
            mine = self._bank[channels] == bank
            if mine.any():
                elements = self._element[channels[mine]]
                wiring.plant.set_volts(bank, elements, volts[mine], now)

    def amps(self, channels: NDArray[np.intp], volts: Floats) -> Floats:
        """Currents in A drawn at `volts`; open channels draw none."""
        drawn = np.zeros(volts.shape)
        for bank in self._banks:
            mine = self._bank[channels] == bank
            if mine.any():
                elements = self._element[channels[mine]]
                drawn[mine] = self._wiring.plant.heater_amps(bank, elements, volts[mine])
        return drawn


@dataclass(frozen=True)
class PortWire:
    """One port: the box output that drives its modulator and the input that reads its detector."""

    box: str
    output: int
    input: int


class BoxJoint:
    """One box's surroundings: the trigger line, and the detectors at its inputs."""

    def __init__(self, wiring: Wiring, name: str) -> None:
        self._wiring = wiring
        self._name = name

    def now(self) -> float:
        """Bench time, s."""
        return self._wiring.now()

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Next edge of the trigger line, bench time in s."""
        wiring = self._wiring
        return wiring.playback.next_edge(wiring.trigger_line, after, rising)

    def quiet(self) -> bool:
        """Whether no edge is to come until the lines play something else."""
        return self._wiring.now() > self._wiring.playback.end

    def before_change(self) -> None:
        """An output of the box is about to change."""
        self._wiring.before_change()

    def observe(self, capture: Capture, first: int, count: int) -> None:
        """Make `capture.points` cover points `first` after the trigger and on."""
        self._wiring.observe(self._name, capture, first, count)


class Wiring:
    """Joins instruments and plant. `ports` in port order; `trigger_line` leads to every box's
    DIO0_P.
    """

    def __init__(
        self, plant: PlantInterface, clock: Clock, ports: Sequence[PortWire], trigger_line: int
    ) -> None:
        self.plant = plant
        self.now = clock.now
        self.trigger_line = trigger_line
        self.playback = Playback.constant(0, 0, 0.0)
        self._ports = tuple(ports)
        self._boxes: dict[str, RedPitaya] = {}
        self._inputs: dict[str, tuple[tuple[int, int], ...]] = {}
        """box -> (port, column) of the inputs that see a detector"""
        self._settling = False

    def join_box(self, name: str, box: RedPitaya) -> None:
        """Plug in a box."""
        self._boxes[name] = box
        self._inputs[name] = tuple(
            (port, wire.input - 1) for port, wire in enumerate(self._ports) if wire.box == name
        )

    # -- the lines (what the pattern generator sees) ----------------------------------------------

    def before_change(self) -> None:
        """Settle the past before anything physical changes: triggers taken, captures rendered."""
        if self._settling:
            return
        self._settling = True
        try:
            for box in self._boxes.values():
                box.advance()
            now = self.now()
            for name, box in self._boxes.items():
                capture = box.acquisition.capture
                if capture is not None and capture.points is None and capture.start <= now:
                    self._render(name, capture, 0, 1, now)
        finally:
            self._settling = False

    def play(self, playback: Playback) -> None:
        """The lines play this from now on."""
        self.playback = playback
        for box in self._boxes.values():
            box.stir()

    # -- the detectors ----------------------------------------------------------------------------

    def observe(self, name: str, capture: Capture, first: int, count: int) -> None:
        """Make a capture's points cover `count` of them from `first` after the trigger on."""
        if capture.points is None:
            self._render(name, capture, first, count, self.now())
        begin, end = capture.first, capture.first + _rendered(capture)
        if first < begin:
            more = self._render_one(name, capture, first, begin - first)
            capture.points = np.concatenate([more, _points(capture)])
            capture.first = first
        if first + count > end:
            more = self._render_one(name, capture, end, first + count - end)
            capture.points = np.concatenate([_points(capture), more])

    def _render(self, name: str, capture: Capture, first: int, count: int, now: float) -> None:
        """Render a capture, and with it every other box's of the same frame."""
        for box in self._boxes.values():
            box.advance()
        origin = self._origin(capture)
        group: list[tuple[str, Capture, int, int]] = []
        for other, box in self._boxes.items():
            held = box.acquisition.capture
            if other == name or (
                held is not None
                and held.points is None
                and held.start <= now
                and self._origin(held) == origin
            ):
                if other != name and held is not None:
                    chosen, begin, size = held, 0, 1
                else:
                    chosen, begin, size = capture, first, count
                begin, size = self._window(chosen, origin, begin, size, now)
                group.append((other, chosen, begin, size))
        grids = [
            SampleGrid(
                tuple(port for port, _ in self._inputs[box]),
                held.start + begin * held.step - origin,
                held.step,
                size,
                held.average,
            )
            for box, held, begin, size in group
        ]
        for (box, held, begin, _), volts in zip(group, self._look(origin, grids), strict=True):
            held.points = self._columns(box, volts)
            held.first = begin

    def _render_one(self, name: str, capture: Capture, first: int, count: int) -> Floats:
        origin = self._origin(capture)
        start = capture.start + first * capture.step - origin
        ports = tuple(port for port, _ in self._inputs[name])
        grid = SampleGrid(ports, start, capture.step, count, capture.average)
        return self._columns(name, self._look(origin, [grid])[0])

    def _window(
        self, capture: Capture, origin: float, first: int, count: int, now: float
    ) -> tuple[int, int]:
        """Points to render: those asked for, and the pattern's length as far as it is past."""
        begin, end = min(first, 0), first + count
        length = self.playback.length if origin == self.playback.start else 0.0
        length = min(length, RING * capture.step)
        span = int((length + _MARGIN) / capture.step) + 1 if length else _IDLE_POINTS
        past = int((now - capture.start) / capture.step + 1e-6)
        end = max(end, min(span, capture.after, RING, past))
        return begin, end - begin

    def _origin(self, capture: Capture) -> float:
        """The instant that a capture's times are counted from: the pattern's start, if it was
        during one.
        """
        playback = self.playback
        during = playback.start <= capture.start <= playback.end + 1e-3
        return playback.start if playback.length and during else capture.start

    def _look(self, origin: float, grids: list[SampleGrid]) -> list[Floats]:
        begin = min(grid.start for grid in grids)
        end = max(grid.start + grid.step * grid.count for grid in grids)
        drives = tuple(
            self._drive(wire, origin, origin + begin, origin + end) for wire in self._ports
        )
        shift = self.playback.start - origin
        times, masks = self.playback.transitions(min(begin, 0.0) - shift, end - shift)
        frame = FrameSignals(origin, drives, LineTimeline(times + shift, masks))
        return self.plant.render(frame, grids)

    def _drive(self, wire: PortWire, origin: float, begin: float, end: float) -> Waveform:
        box = self._boxes.get(wire.box)
        if box is None:
            # The box is not simulated: to the plant its wire is idle.
            return Waveform(0.0, 1.0, np.zeros(1), 0.0, 0.0)
        return box.outputs[wire.output - 1].waveform(origin, begin, end)

    def _columns(self, name: str, volts: Floats) -> Floats:
        """(count, 2) of a box from the columns of its ports; an open input sees 0 V."""
        inputs = self._inputs[name]
        if [column for _, column in inputs] == [0, 1]:
            return volts
        out = np.zeros((volts.shape[0], 2))
        for source, (_, column) in enumerate(inputs):
            out[:, column] = volts[:, source]
        return out


def _points(capture: Capture) -> Floats:
    assert capture.points is not None
    return capture.points


def _rendered(capture: Capture) -> int:
    return _points(capture).shape[0]
