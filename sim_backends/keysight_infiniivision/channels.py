"""CHANnel and EXTernal: how the inputs are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr3
from sim_backends.oscilloscope.device import number_of

from .notation import SHORT, add_pair

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

Suffixes = tuple[int, ...]
MOST = 5.0
"""V/div at the connector; an input is switched on at it."""


def add_channels(scope: KeysightInfiniivision) -> None:
    """Enter the settings of every input. Volts are those at its probe's tip."""
    settings = scope.settings
    ranges = ((1, scope.model.inputs),)

    def probe(suffixes: Suffixes) -> float:
        return settings.value("probe", *suffixes)

    def changed(_: Suffixes) -> None:
        scope.changed()

    def farthest(suffixes: Suffixes) -> float:
        factor = probe(suffixes)
        return factor * (2.0 if settings.value("scale", *suffixes) < 0.2 * factor else 50.0)

    settings.boolean("display", "CHANnel#:DISPlay", False, ranges=ranges, changed=changed)
    settings["display", 1] = True
    settings.choice(
        "coupling", "CHANnel#:COUPling", ("AC", "DC"), "DC", ranges=ranges, changed=changed
    )
    settings.choice("impedance", "CHANnel#:IMPedance", ("ONEMeg",), "ONEMeg", ranges=ranges)
    settings.number(
        "probe", "CHANnel#:PROBe", 0.1, 10_000.0, 1.0, ranges=ranges, form=nr3(3),
        changed=lambda suffixes: _probed(scope, *suffixes),
    )  # fmt: skip
    settings.number(
        "scale", "CHANnel#:SCALe", lambda s: 1e-3 * probe(s), lambda s: MOST * probe(s),
        lambda s: MOST * probe(s), unit="V", form=SHORT, ranges=ranges, changed=changed,
    )  # fmt: skip
    add_pair(
        scope.commands, "CHANnel#:RANGe", "V", ranges,
        lambda s: 8.0 * settings.value("scale", *s),
        lambda s, value: _set_scale(scope, s[0], value / 8.0),
    )  # fmt: skip
    settings.number(
        "offset", "CHANnel#:OFFSet", lambda s: -farthest(s), farthest, 0.0, unit="V",
        form=SHORT, ranges=ranges, changed=changed,
    )  # fmt: skip
    settings.boolean("bandwidth", "CHANnel#:BWLimit", False, ranges=ranges)
    settings.boolean("invert", "CHANnel#:INVert", False, ranges=ranges, changed=changed)
    settings.choice("units", "CHANnel#:UNITs", ("VOLT", "AMPere"), "VOLT", ranges=ranges)
    settings.number(
        "skew", "CHANnel#:PROBe:SKEW", -100e-9, 100e-9, 0.0, unit="S", form=nr3(2), ranges=ranges
    )
    settings.text("label", "CHANnel#:LABel", ranges=ranges)

    def whole(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
        return _as_commands(settings, *suffixes)

    scope.commands.add("CHANnel#?", whole, ranges)

    def show(on: bool) -> Command:
        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            # Without a source the guide lets BLANk switch off all of them.
            words = scope.words if not on and not text.strip() else arguments(text, 1, 1)
            for word in words:
                settings["display", number_of(choice(word, scope.words))] = on
            scope.changed()

        return run

    scope.commands.add("VIEW", show(True))
    scope.commands.add("BLANk", show(False))
    scope.commands.add("STATus?", lambda session, suffixes, text: _is_shown(scope, text))


def _is_shown(scope: KeysightInfiniivision, text: str) -> str:
    """STATus? <input>: whether it is shown."""
    number = number_of(choice(arguments(text, 1, 1)[0], scope.words))
    return str(int(scope.settings.on("display", number)))


def add_external(settings: Settings) -> None:
    """Enter the settings of the external trigger input."""
    settings.number("external probe", "EXTernal:PROBe", 0.1, 10_000.0, 1.0, form=nr3(3))
    settings.number("external range", "EXTernal:RANGe", 1.6, 8.0e4, 8.0, unit="V", form=nr3(0))
    settings.choice("external units", "EXTernal:UNITs", ("VOLT", "AMPere"), "VOLT")
    settings.boolean("external bandwidth", "EXTernal:BWLimit", False)


def _set_scale(scope: KeysightInfiniivision, n: int, value: float) -> None:
    probe = scope.settings.value("probe", n)
    if not 1e-3 * probe <= value <= MOST * probe:
        raise ScpiError(-222)
    scope.settings["scale", n] = value
    scope.changed()


def _probed(scope: KeysightInfiniivision, n: int) -> None:
    """Scale, offset and level go with the probe's factor."""
    settings = scope.settings
    factor = scope.probed(n)
    scale = settings.value("scale", n)
    # The scale's default goes with the factor by itself.
    if abs(scale - MOST * settings.value("probe", n)) > 1e-12 * scale:
        settings["scale", n] = scale * factor
    for name in ("offset", "level"):
        settings[name, n] = settings.value(name, n) * factor
    scope.changed()


def _as_commands(settings: Settings, n: int) -> str:
    """All settings of an input in one answer."""
    names = (("OFFS", "offset", SHORT), ("PROB", "probe", nr3(3)), ("PROB:SKEW", "skew", nr3(2)))
    numbers = {name: form(settings.value(key, n)) for name, key, form in names}
    flags = {
        name: "1" if settings.on(key, n) else "0"
        for name, key in (("DISP", "display"), ("BWL", "bandwidth"), ("INV", "invert"))
    }
    label = settings.word("label", n) or str(n)
    return (
        f":CHAN{n}:RANG {SHORT(8.0 * settings.value('scale', n))};OFFS {numbers['OFFS']};"
        f"COUP {settings.word('coupling', n)};IMP {settings.word('impedance', n)};"
        f"DISP {flags['DISP']};BWL {flags['BWL']};INV {flags['INV']};"
        f'LAB "{label}";UNIT {settings.word("units", n)};PROB {numbers["PROB"]};'
        f"PROB:SKEW {numbers['PROB:SKEW']};STYP SING"
    )
