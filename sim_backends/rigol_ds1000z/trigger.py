"""TRIGger, and what starts and ends an acquisition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.oscilloscope.inputs import EXTERNAL

from .notation import sci

if TYPE_CHECKING:
    from .scope import RigolDs1000z

Suffixes = tuple[int, ...]


def add_trigger(scope: RigolDs1000z) -> None:
    """Enter TRIGger, RUN, STOP, SINGle, TFORce, CLEar, AUToscale."""
    settings = scope.settings

    def changed(_: Suffixes) -> None:
        scope.changed()

    def swept(_: Suffixes) -> None:
        if scope.acquisition.running:
            scope.acquisition.start(single=settings.word("sweep") == "SING")

    settings.choice("trigger mode", "TRIGger:MODE", ("EDGE", "PULSe", "SLOPe", "VIDeo"), "EDGE")
    sources = (*scope.words, "AC", *(("EXT",) if scope.model.external else ()))
    settings.choice(
        "source", "TRIGger:EDGe:SOURce", sources, "CHANnel1",
        changed=lambda _: scope.shared_anew(),
    )  # fmt: skip
    settings.choice(
        "slope", "TRIGger:EDGe:SLOPe", ("POSitive", "NEGative", "RFALl"), "POSitive",
        changed=changed,
    )  # fmt: skip
    settings.number(
        "level", "TRIGger:EDGe:LEVel", lambda _: _around(scope)[0], lambda _: _around(scope)[1],
        0.0, unit="V", form=sci, changed=changed,
    )  # fmt: skip
    settings.choice("sweep", "TRIGger:SWEep", ("AUTO", "NORMal", "SINGle"), "AUTO", changed=swept)
    settings.choice(
        "trigger coupling", "TRIGger:COUPling", ("AC", "DC", "LFReject", "HFReject"), "DC"
    )
    settings.number(
        "holdoff", "TRIGger:HOLDoff", 16e-9, 10.0, 16e-9, unit="S", form=sci, changed=changed
    )
    settings.boolean("noise reject", "TRIGger:NREJect", False)
    scope.query("TRIGger:STATus", lambda _: scope.acquisition.state)
    _add_control(scope)


def _around(scope: RigolDs1000z) -> tuple[float, float]:
    """Lowest and highest trigger level: 5 divisions from the screen's middle."""
    source = scope.source
    if source == EXTERNAL:
        return -5.0, 5.0
    middle = -scope.settings.value("offset", source)
    reach = 5.0 * scope.settings.value("scale", source)
    return middle - reach, middle + reach


def _add_control(scope: RigolDs1000z) -> None:
    acquisition = scope.acquisition

    def run() -> None:
        if scope.settings.word("sweep") == "SING":
            scope.settings["sweep"] = "AUTO"
        acquisition.start(single=False)

    def single() -> None:
        scope.settings["sweep"] = "SING"
        acquisition.start(single=True)

    scope.action("RUN", run)
    scope.action("STOP", acquisition.stop)
    scope.action("SINGle", single)
    scope.action("TFORce", acquisition.force)
    scope.action("CLEar", acquisition.discard)
    scope.action("AUToscale", run)
