"""What is joined to what on a simulated bench: the instruments' ports and the plant's.

Heater channels lead to the plant's heaters, lines of the pattern generator to the trigger inputs,
the gates and the bank switch, outputs to the modulators, the detectors to inputs. The instruments
know only their own side. What the detectors show during one frame is rendered once, for all boxes
that read it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .host.clock import Clock
from .plant.signals import FrameSignals, LineTimeline, SampleGrid, Waveform
from .pulse_streamer.program import Playback
from .red_pitaya.acquisition import Capture
from .red_pitaya.box import RedPitaya
from .trigger_lines import PatternLine, TriggerWire
from .wired import PlantInterface, Player, PortWire, Reader, Tapping

Floats = NDArray[np.float64]
_MARGIN = 0.5e-6
"""s rendered beyond a pattern's end, for what is read a little later than it is sent."""
_IDLE_POINTS = 256
"""Points rendered at first of a capture that no pattern goes with."""


class Wiring:
    """Joins instruments and plant. `ports` in port order; `trigger_line` leads to every trigger
    input (a box's DIO0_P) that no delay generator feeds.
    """

    def __init__(
        self, plant: PlantInterface, clock: Clock, ports: Sequence[PortWire], trigger_line: int
    ) -> None:
        self.plant = plant
        self.now = clock.now
        self.trigger_line = trigger_line
        self.playback = Playback.constant(0, 0, 0.0)
        self._ports = tuple(ports)
        self._trigger: TriggerWire = PatternLine(self)
        self._delayed: dict[str, TriggerWire] = {}
        self._boxes: dict[str, RedPitaya] = {}
        self._players: dict[str, Player] = {}
        self._taps: Tapping | None = None
        self._readers: list[Reader] = []
        self._looks: deque[tuple[tuple[float, float, float, int, bool], Floats]] = deque(maxlen=8)
        self._inputs: dict[str, tuple[tuple[int, int], ...]] = {}
        """box -> (port, column) of the inputs that see a detector"""
        self._settling = False

    def feed(self, name: str, wire: TriggerWire) -> None:
        """Let an instrument's trigger input hang on something else than the trigger line."""
        self._delayed[name] = wire

    def trigger_of(self, name: str) -> TriggerWire:
        """What leads to an instrument's trigger input."""
        return self._delayed.get(name, self._trigger)

    def join_box(self, name: str, box: RedPitaya) -> None:
        """Plug in a box."""
        self._boxes[name] = box
        self._inputs[name] = tuple(
            (port, wire.input - 1) for port, wire in enumerate(self._ports) if wire.readout == name
        )

    def join_player(self, name: str, player: Player) -> None:
        """Plug in an instrument that only plays."""
        self._players[name] = player

    def join_reader(self, reader: Reader) -> None:
        """Plug in an instrument that reads by `watts` or by `volts`."""
        self._readers.append(reader)

    def ports_at(self, name: str) -> dict[int, int]:
        """The ports whose detectors lead to an instrument's inputs, by the inputs' numbers."""
        return {wire.input: port for port, wire in enumerate(self._ports) if wire.readout == name}

    def join_taps(self, taps: Tapping) -> None:
        """Let some inputs of power meters see taps of the light."""
        self._taps = taps

    def join_listener(self, listener: Reader) -> None:
        """Plug in an instrument that takes triggers, and must have taken them before a change."""
        self._readers.append(listener)

    # -- the lines (what the pattern generator sees) ----------------------------------------------

    def before_change(self) -> None:
        """Settle the past before anything physical changes: triggers taken, captures rendered."""
        if self._settling:
            return
        self._settling = True
        try:
            for box in self._boxes.values():
                box.advance()
            for player in self._players.values():
                player.advance()
            for reader in self._readers:
                reader.settle()
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
        for player in self._players.values():
            player.advance()
        origin = self._origin(capture.start)
        group: list[tuple[str, Capture, int, int]] = []
        for other, box in self._boxes.items():
            held = box.acquisition.capture
            if other == name or (
                held is not None
                and held.points is None
                and held.start <= now
                and self._origin(held.start) == origin
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
        origin = self._origin(capture.start)
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
        length = min(length, capture.most * capture.step)
        span = int((length + _MARGIN) / capture.step) + 1 if length else _IDLE_POINTS
        past = int((now - capture.start) / capture.step + 1e-6)
        end = max(end, min(span, capture.most, past))
        return begin, end - begin

    def _origin(self, start: float) -> float:
        """The instant that the times of what is read from `start` on are counted from: the
        pattern's start, if it was during one.
        """
        playback = self.playback
        during = playback.start <= start <= playback.end + 1e-3
        return playback.start if playback.length and during else start

    # -- optical power, and volts at instants -----------------------------------------------------

    def watts(self, name: str, number: int, start: float, step: float, count: int) -> Floats:
        """Mean optical power in W, (count,), at an input in windows of `step` s from `start` on.

        The two halves of a balanced pair share a mean, and differ by what the detector of a port
        would read; an input that neither a port nor a tap leads to is dark.
        """
        for port, wire in enumerate(self._ports):
            if (wire.readout, wire.input) == (name, number):
                sign = 1.0
            elif wire.minus == (name, number):
                sign = -1.0
            else:
                continue
            seen = self._seen(start, step, count, True)[:, port]
            if wire.minus is None:
                return np.maximum(seen, 0.0)
            common = self.plant.pair_power(port, start)
            return np.maximum(common + 0.5 * sign * seen, 0.0)
        if self._taps is not None:
            return self._taps.watts(name, number, start, step, count)
        return np.zeros(count)

    def tapped(self, port: int, start: float, step: float, count: int) -> Floats:
        """Mean light (count,) on its way to a port's detector in windows of `step` s from bench
        time `start` on, over the laser's nominal power.
        """
        for one in (*self._boxes.values(), *self._players.values()):
            one.advance()
        origin = self._origin(start)
        grid = SampleGrid((port,), start - origin, step, count, True)
        return self.plant.tapped(self._frame(origin, [grid]), [grid])[0][:, 0]

    def volts(self, start: float, step: float, count: int) -> Floats:
        """What all ports' detectors show at instants `step` s apart, (count, ports)."""
        return self._seen(start, step, count, False)

    def _seen(self, start: float, step: float, count: int, average: bool) -> Floats:
        """What all ports' detectors read, (count, ports); rendered once for all inputs."""
        key = (start, step, float(self.playback.start), count, average)
        for known, seen in self._looks:
            if known == key:
                return seen
        for box in self._boxes.values():
            box.advance()
        for player in self._players.values():
            player.advance()
        origin = self._origin(start)
        grid = SampleGrid(tuple(range(len(self._ports))), start - origin, step, count, average)
        # Who reads beside others has noise of its own.
        others = () if average and not self._boxes else (1 + average,)
        (seen,) = self._look(origin, [grid], *others)
        self._looks.append((key, seen))
        return seen

    def _look(self, origin: float, grids: list[SampleGrid], *more: int) -> list[Floats]:
        frame = self._frame(origin, grids)
        seen = iter(self.plant.render(frame, [grid for grid in grids if grid.ports], *more))
        return [next(seen) if grid.ports else np.zeros((grid.count, 0)) for grid in grids]

    def _frame(self, origin: float, grids: list[SampleGrid]) -> FrameSignals:
        """All that drives the optics, as far as it matters to these grids."""
        begin = min(grid.start for grid in grids)
        end = max(grid.start + grid.step * grid.count for grid in grids)
        drives = tuple(
            self._drive(wire, origin, origin + begin, origin + end) for wire in self._ports
        )
        shift = self.playback.start - origin
        times, masks = self.playback.transitions(min(begin, 0.0) - shift, end - shift)
        return FrameSignals(origin, drives, LineTimeline(times + shift, masks))

    def _drive(self, wire: PortWire, origin: float, begin: float, end: float) -> Waveform:
        box = self._boxes.get(wire.source)
        if box is not None:
            return box.outputs[wire.output - 1].waveform(origin, begin, end)
        player = self._players.get(wire.source)
        if player is not None:
            return player.waveform(wire.output, origin, begin, end)
        # What drives it is not simulated: to the plant its wire is idle.
        return Waveform(0.0, 1.0, np.zeros(1), 0.0, 0.0)

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
