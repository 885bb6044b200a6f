"""The MARKer subsystem: two cursors on the time axis and two on the volt axis.

In the mode WAVeform the Y markers lie on the waveforms where the X markers are; a position that is
set while the markers are off puts them into the mode MANual. Source: InfiniiVision programmer's
guides, ":MARKer Commands". A choice here: the positions after *RST (0), that what has no waveform
to lie on is told as 9.9E+37, and that a Y marker of the modes WAVeform and MEASurement is not set
(-221). Of the mode MEASurement, where the markers show what was measured last, only the name is
there: positions stay as they are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments
from sim_backends.engine.session import ScpiSession
from sim_backends.oscilloscope.device import number_of

from .notation import SHORT

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

MODES = ("OFF", "MEASurement", "MANual", "WAVeform")
FARTHEST = 1e6
"""s or V at which a marker can be, at most."""


class Markers:
    """The markers X1, Y1 of one source and X2, Y2 of another."""

    def __init__(self, scope: KeysightInfiniivision) -> None:
        self._scope = scope
        settings = scope.settings
        settings.choice("marker mode", "MARKer:MODE", MODES, "OFF")
        for n in (1, 2):
            settings.choice(f"marker {n}", f"MARKer:X{n}Y{n}source", scope.words, "CHANnel1")
            for axis, unit in (("X", "S"), ("Y", "V")):
                self._enter(f"{axis}{n}", unit)
        scope.query("MARKer:XDELta", lambda _: SHORT(self._apart("X")))
        scope.query("MARKer:YDELta", lambda _: SHORT(self._apart("Y")))

    def _enter(self, name: str, unit: str) -> None:
        pattern = f"MARKer:{name}Position"
        self._scope.settings.number(
            f"marker {name}", pattern, -FARTHEST, FARTHEST, 0.0, unit=unit, form=SHORT,
            check=self._check_volts if unit == "V" else None, changed=self._show,
        )  # fmt: skip

        def tell(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
            arguments(text, 0, 0)
            return SHORT(self._at(name))

        self._scope.commands.replace(f"{pattern}?", tell)

    def _check_volts(self, suffixes: tuple[int, ...], value: float) -> None:
        if self._scope.settings.word("marker mode") in ("MEAS", "WAV"):
            raise ScpiError(-221)

    def _show(self, suffixes: tuple[int, ...]) -> None:
        settings = self._scope.settings
        if settings.word("marker mode") == "OFF":
            settings["marker mode"] = "MAN"

    def _at(self, name: str) -> float:
        """Where a marker is, s or V; infinite where it has no waveform to lie on."""
        settings = self._scope.settings
        if name[0] == "Y" and settings.word("marker mode") == "WAV":
            return self._on_waveform(int(name[1]))
        return settings.value(f"marker {name}")

    def _apart(self, axis: str) -> float:
        apart = self._at(f"{axis}2") - self._at(f"{axis}1")
        return apart if math.isfinite(apart) else math.inf

    def _on_waveform(self, n: int) -> float:
        scope = self._scope
        channel = number_of(scope.settings.word(f"marker {n}"))
        acquisition = scope.acquisition
        acquisition.advance()
        if not acquisition.records or not scope.settings.on("display", channel):
            return math.inf
        record = acquisition.records[-1]
        plan = record.plan
        after_first = scope.settings.value(f"marker X{n}") - plan.delay + plan.before / plan.rate
        index = round(after_first * plan.rate)
        if not 0 <= index < plan.points:
            return math.inf
        word = float(scope.waveform.words(record, channel, plan.points)[index])
        step = 8.0 * scope.settings.value("scale", channel) / 65536.0
        return (word - 32768.0) * step + scope.settings.value("offset", channel)
