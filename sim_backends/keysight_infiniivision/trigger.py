"""TRIGger: the edge that starts a record. Each source keeps a level of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.session import ScpiSession
from sim_backends.oscilloscope.device import number_of
from sim_backends.oscilloscope.inputs import EXTERNAL

from .notation import SHORT

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

Suffixes = tuple[int, ...]
SLOPES = ("POSitive", "NEGative", "EITHer", "ALTernate")


def add_trigger(scope: KeysightInfiniivision) -> None:
    """Enter TRIGger."""
    settings = scope.settings

    def changed(_: Suffixes) -> None:
        scope.changed()

    settings.choice("trigger mode", "TRIGger:MODE", ("EDGE", "GLITch", "PATTern", "TV"), "EDGE")
    settings.choice(
        "source", "TRIGger[:EDGE]:SOURce", (*scope.words, "EXTernal", "LINE", "WGEN"), "CHANnel1",
        changed=changed,
    )  # fmt: skip
    settings.choice("slope", "TRIGger[:EDGE]:SLOPe", SLOPES, "POSitive", changed=changed)
    settings.choice("trigger coupling", "TRIGger[:EDGE]:COUPling", ("DC", "AC", "LFReject"), "DC")
    settings.choice("sweep", "TRIGger:SWEep", ("AUTO", "NORMal"), "AUTO", changed=changed)
    settings.number(
        "holdoff", "TRIGger:HOLDoff", 40e-9, 10.0, 40e-9, unit="S", form=SHORT, changed=changed
    )
    settings.boolean("noise reject", "TRIGger:NREJect", False)
    settings.boolean("high frequency reject", "TRIGger:HFReject", False)
    _add_level(scope)


def _add_level(scope: KeysightInfiniivision) -> None:
    settings = scope.settings

    def source_of(words: list[str]) -> int:
        """The source that is named, or the one that triggers."""
        if not words:
            return scope.source
        return number_of(choice(words[0], (*scope.words, "EXTernal")))

    def keep(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        words = arguments(text, 1, 2)
        found = scope.commands.find(f"TRIG:LEV:SOUR{source_of(words[1:])}")
        assert found is not None
        found.handler(session, found.suffixes, words[0])
        scope.changed()

    def tell(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
        return SHORT(settings.value("level", source_of(arguments(text, 0, 1) if text else [])))

    # 0 is the external input.
    settings.number(
        "level", "TRIGger:LEVel:SOURce#", lambda s: _around(scope, *s)[0],
        lambda s: _around(scope, *s)[1], 0.0, unit="V", form=SHORT,
        ranges=((EXTERNAL, scope.model.inputs),),
    )  # fmt: skip
    scope.commands.add("TRIGger[:EDGE]:LEVel", keep)
    scope.commands.add("TRIGger[:EDGE]:LEVel?", tell)


def _around(scope: KeysightInfiniivision, source: int) -> tuple[float, float]:
    """Lowest and highest trigger level of a source: 6 divisions from the screen's middle."""
    if source == EXTERNAL:
        most = scope.settings.value("external range")
        return -most, most
    middle = scope.settings.value("offset", source)
    reach = 6.0 * scope.settings.value("scale", source)
    return middle - reach, middle + reach
