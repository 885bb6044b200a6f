"""TIMebase and ACQuire: how long is looked, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.writing import nr1_signed
from sim_backends.oscilloscope.acquisition import Plan

from .notation import SHORT, add_pair

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

Suffixes = tuple[int, ...]
DIVISIONS = 10


def add_time_base(scope: KeysightInfiniivision) -> None:
    """Enter TIMebase."""
    settings = scope.settings

    def changed(_: Suffixes) -> None:
        scope.changed()

    def keep(_: Suffixes, value: float) -> None:
        if not 2e-9 <= value <= 50.0:
            raise ScpiError(-222)
        settings["time range"] = DIVISIONS * value
        scope.changed()

    settings.number(
        "time range", "TIMebase[:MAIN]:RANGe", 2e-8, 500.0, 1e-3, unit="S", form=SHORT,
        changed=changed,
    )  # fmt: skip
    add_pair(
        scope.commands, "TIMebase[:MAIN]:SCALe", "S", (),
        lambda _: settings.value("time range") / DIVISIONS, keep,
    )  # fmt: skip
    settings.number(
        "position", "TIMebase:POSition", -500.0, 500.0, 0.0, unit="S", form=SHORT, changed=changed
    )
    settings.choice(
        "reference", "TIMebase:REFerence", ("LEFT", "CENTer", "RIGHt"), "CENTer", changed=changed
    )
    settings.choice("time mode", "TIMebase:MODE", ("MAIN", "WINDow", "XY", "ROLL"), "MAIN")
    scope.query(
        "TIMebase",
        lambda _: (
            f":TIM:MODE {settings.word('time mode')};REF {settings.word('reference')};"
            f"MAIN:RANG {SHORT(settings.value('time range'))};"
            f"POS {SHORT(settings.value('position'))}"
        ),
    )


def add_memory(scope: KeysightInfiniivision) -> None:
    """Enter ACQuire."""
    settings = scope.settings

    def changed(_: Suffixes) -> None:
        scope.changed()

    def check_type(suffixes: Suffixes, word: str) -> None:
        if word == "AVER" and scope.segments > 1:
            raise ScpiError(-221)

    def check_mode(suffixes: Suffixes, word: str) -> None:
        if word == "SEGM" and settings.word("acquire type") == "AVER":
            raise ScpiError(-221)

    def planned() -> Plan:
        """Of what was acquired, or, while it runs, of what will be."""
        records = scope.acquisition.records
        return records[-1].plan if records and not scope.acquisition.running else scope.plan()

    settings.choice(
        "acquire type", "ACQuire:TYPE", ("NORMal", "AVERage", "HRESolution", "PEAK"), "NORMal",
        changed=changed, check=check_type,
    )  # fmt: skip
    settings.number(
        "averages", "ACQuire:COUNt", 2, 65536, 8, whole=True, form=nr1_signed, changed=changed
    )
    settings.number("complete", "ACQuire:COMPlete", 100, 100, 100, whole=True, form=nr1_signed)
    modes = ("RTIMe", "SEGMented") if scope.model.segmented else ("RTIMe",)
    settings.choice(
        "acquire mode", "ACQuire:MODE", modes, "RTIMe", changed=changed, check=check_mode
    )
    if scope.model.segmented:
        settings.number(
            "segments", "ACQuire:SEGMented:COUNt", 2, 1000, 2, whole=True, form=nr1_signed,
            changed=changed,
        )  # fmt: skip
    settings.number(
        "segment", "ACQuire:SEGMented:INDex", 1,
        lambda _: max(1, len(scope.acquisition.records)), 1, whole=True, form=nr1_signed,
    )  # fmt: skip
    scope.query("ACQuire:SRATe", lambda _: SHORT(planned().rate))
    scope.query("ACQuire:POINts", lambda _: nr1_signed(planned().points))
