"""The MEASure subsystem: single numbers of what is on the screen.

What cannot be measured is 9.9E+37: an input that is not shown, a waveform that is clipped, no two
edges for a period. Source: InfiniiVision programmer's guides, ":MEASure Commands".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.session import ScpiSession
from sim_backends.oscilloscope.pulses import Pulses

from .measure_sources import MeasureSources
from .notation import SHORT

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

Floats = NDArray[np.float64]
POINTS = 10_000
"""Points that a measurement looks at, at most."""
HYSTERESIS = 0.1
"""Part of the swing by which a waveform must leave its middle before it crosses it again."""
PULSES: dict[str, Callable[[Pulses], float]] = {
    "VTOP": lambda shown: shown.top,
    "VBASe": lambda shown: shown.base,
    "VAMPlitude": lambda shown: shown.amplitude,
    "OVERshoot": lambda shown: 100.0 * shown.overshoot,
    "PREShoot": lambda shown: 100.0 * shown.preshoot,
    "RISetime": lambda shown: shown.duration(rises=True),
    "FALLtime": lambda shown: shown.duration(rises=False),
    "PWIDth": lambda shown: shown.positive_width,
    "NWIDth": lambda shown: shown.negative_width,
    "DUTYcycle": lambda shown: 100.0 * shown.positive_width / shown.period,
    "NDUTy": lambda shown: 100.0 * shown.negative_width / shown.period,
    "PEDGes": lambda shown: shown.count(rises=True),
    "NEDGes": lambda shown: shown.count(rises=False),
    "SDEViation": lambda shown: float(shown.volts.std()),
}
"""What is told of pulses: V, s, ratios in percent, and numbers of edges."""


def period(volts: Floats, step: float) -> float:
    """Seconds from one rise through the middle of the swing to the next; NaN without two of them.

    `volts` (points,), `step` s apart.
    """
    low, high = float(volts.min()), float(volts.max())
    middle, margin = 0.5 * (low + high), HYSTERESIS * (high - low)
    if not margin:
        return math.nan
    rises: list[float] = []
    below = False
    for at in np.flatnonzero(np.abs(volts - middle) >= margin):
        if volts[at] < middle:
            below = True
        elif below:
            below = False
            before = int(np.flatnonzero(volts[:at] < middle)[-1])
            share = (middle - volts[before]) / (volts[before + 1] - volts[before])
            rises.append((before + share) * step)
            if len(rises) == 2:
                return rises[1] - rises[0]
    return math.nan


def add_measure(scope: KeysightInfiniivision) -> MeasureSources:
    """Enter MEASure:SOURce, VPP, VMAX, VMIN, VAVerage, VRMS, FREQuency, PERiod and `PULSES`."""
    sources = MeasureSources(scope)
    scope.action("MEASure:CLEar", lambda: None)

    def enter(name: str, work_out: Callable[[Floats, float, list[str]], float]) -> None:
        def tell(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
            (channel, *_), options = sources.given(text, 1)
            found = on_screen(scope, channel)
            return SHORT(math.inf if found is None else finite(work_out(*found, options)))

        def show(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            sources.given(text, 1)  # on the screen, which is not simulated

        scope.commands.add(f"MEASure:{name}", show)
        scope.commands.add(f"MEASure:{name}?", tell)

    enter("VPP", lambda volts, step, options: float(np.ptp(volts)))
    enter("VMAX", lambda volts, step, options: float(volts.max()))
    enter("VMIN", lambda volts, step, options: float(volts.min()))
    enter("VAVerage", lambda volts, step, options: float(_cycle(volts, step, options).mean()))
    enter("VRMS", _rms)
    enter("PERiod", lambda volts, step, options: period(volts, step))
    enter("FREQuency", lambda volts, step, options: 1.0 / period(volts, step))
    for name, of in PULSES.items():
        enter(name, lambda volts, step, options, of=of: of(Pulses(volts, step)))
    return sources


def on_screen(scope: KeysightInfiniivision, channel: int) -> tuple[Floats, float] | None:
    """Volts (points,) of an input, or `MATH`, as it is shown, and s between them."""
    acquisition = scope.acquisition
    acquisition.advance()
    if not acquisition.records or not scope.waveform.shows(channel):
        return None
    record = acquisition.records[-1]
    points = min(POINTS, record.plan.points)
    words = scope.waveform.words(record, channel, points)
    if words.min() <= 1 or words.max() == 0xFFFF:
        return None
    return scope.waveform.volts(record, channel, points), record.plan.length / points


def _cycle(volts: Floats, step: float, options: list[str]) -> Floats:
    """The first cycle, where that is asked for and there is one; else all that is shown."""
    if "CYCLE" in options and not math.isnan(length := period(volts, step)):
        return volts[: max(1, round(length / step))]
    return volts


def _rms(volts: Floats, step: float, options: list[str]) -> float:
    shown = _cycle(volts, step, options)
    return float(shown.std() if "AC" in options else np.sqrt(np.mean(shown**2)))


def finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
