"""CHANnel: how the inputs are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, number
from sim_backends.engine.session import ScpiSession

from .notation import sci

if TYPE_CHECKING:
    from .scope import RigolDs1000z

Suffixes = tuple[int, ...]
VERTICAL = 8
"""Divisions of the screen, up."""
PROBES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def add_channels(scope: RigolDs1000z) -> None:
    """Enter the settings of every input. Volts are those at its probe's tip."""
    settings = scope.settings
    ranges = ((1, scope.model.inputs),)

    def probe(suffixes: Suffixes) -> float:
        return settings.value("probe", *suffixes)

    def changed(_: Suffixes) -> None:
        scope.changed()

    def probed(suffixes: Suffixes) -> None:
        """Scale and offset go with the probe's factor."""
        (n,) = suffixes
        factor = scope.probed(n)
        for name in ("scale", "offset"):
            settings[name, n] = settings.value(name, n) * factor
        scope.changed()

    def farthest(suffixes: Suffixes) -> float:
        factor = probe(suffixes)
        return factor * (100.0 if settings.value("scale", *suffixes) >= 0.5 * factor else 2.0)

    settings.boolean(
        "display", "CHANnel#:DISPlay", False, ranges=ranges, changed=lambda _: scope.shared_anew()
    )
    settings["display", 1] = True
    settings.choice(
        "coupling", "CHANnel#:COUPling", ("AC", "DC", "GND"), "DC", ranges=ranges, changed=changed
    )
    settings.number(
        "probe", "CHANnel#:PROBe", 0.01, 1000.0, 1.0, ranges=ranges, form=sci,
        check=_check_probe, changed=probed,
    )  # fmt: skip
    settings.number(
        "scale", "CHANnel#:SCALe", lambda s: 1e-3 * probe(s), lambda s: 10.0 * probe(s),
        1.0, unit="V", form=sci, ranges=ranges, changed=changed,
    )  # fmt: skip
    _add_range(scope, ranges)
    settings.number(
        "offset", "CHANnel#:OFFSet", lambda s: -farthest(s), farthest, 0.0, unit="V", form=sci,
        ranges=ranges, changed=changed,
    )  # fmt: skip
    settings.choice("bandwidth", "CHANnel#:BWLimit", ("OFF", "20M"), "OFF", ranges=ranges)
    settings.boolean("vernier", "CHANnel#:VERNier", False, ranges=ranges)
    settings.number(
        "deskew", "CHANnel#:TCAL", -100e-9, 100e-9, 0.0, unit="S", form=sci, ranges=ranges
    )
    settings.boolean("invert", "CHANnel#:INVert", False, ranges=ranges, changed=changed)
    settings.choice(
        "units", "CHANnel#:UNITs", ("VOLTage", "WATT", "AMPere", "UNKNown"), "VOLTage",
        ranges=ranges,
    )  # fmt: skip


def _add_range(scope: RigolDs1000z, ranges: tuple[tuple[int, int], ...]) -> None:
    """RANGe: the scale in other words, of the whole screen (the package rigol1000z sets it so)."""

    def keep(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        volts = number(arguments(text, 1, 1)[0], "V")
        scale = scope.commands.find(f"CHAN{suffixes[0]}:SCAL")
        assert scale is not None
        scale.handler(session, suffixes, repr(volts / VERTICAL))

    def tell(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
        arguments(text, 0, 0)
        return sci(VERTICAL * scope.settings.value("scale", *suffixes))

    scope.commands.add("CHANnel#:RANGe", keep, ranges)
    scope.commands.add("CHANnel#:RANGe?", tell, ranges)


def _check_probe(suffixes: Suffixes, value: float) -> None:
    if not any(abs(value - one) < 1e-9 for one in PROBES):
        raise ScpiError(-224)
