"""TIMebase and ACQuire: how long is looked, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, integer, number
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr1

from .models import DIVISIONS, SCALES
from .notation import sci

if TYPE_CHECKING:
    from .scope import RigolDs1000z

Suffixes = tuple[int, ...]
COUNTS = tuple(2**power for power in range(1, 11))


def add_time_base(scope: RigolDs1000z) -> None:
    """Enter TIMebase."""
    settings = scope.settings
    settings.number(
        "time scale", "TIMebase[:MAIN]:SCALe", SCALES[0], SCALES[-1], 1e-6, unit="S", form=sci,
        read=_near, changed=lambda _: scope.changed(),
    )  # fmt: skip
    settings.number(
        "time offset", "TIMebase[:MAIN]:OFFSet",
        lambda _: -DIVISIONS / 2 * settings.value("time scale"), 5000.0, 0.0, unit="S",
        form=sci, changed=lambda _: scope.changed(),
    )  # fmt: skip
    settings.choice("time mode", "TIMebase:MODE", ("MAIN", "XY", "ROLL"), "MAIN")
    # The delayed sweep magnifies a part on the screen, which is not simulated: no record changes.
    settings.boolean("delayed", "TIMebase:DELay:ENABle", False)
    settings.number(
        "delayed scale", "TIMebase:DELay:SCALe", SCALES[0],
        lambda _: settings.value("time scale"), 500e-9, unit="S", form=sci,
    )  # fmt: skip
    settings.number(
        "delayed offset", "TIMebase:DELay:OFFSet",
        lambda _: settings.value("time offset") - _beside(settings),
        lambda _: settings.value("time offset") + _beside(settings), 0.0, unit="S", form=sci,
    )  # fmt: skip


def _beside(settings: Settings) -> float:
    """Seconds by which the middle of the delayed sweep can be beside the middle of the main one."""
    spare = settings.value("time scale") - settings.value("delayed scale")
    return DIVISIONS / 2 * max(0.0, spare)


def _near(text: str, unit: str) -> float:
    """The time scale that there is nearest to what is asked for."""
    value = number(text, unit)
    near = min(SCALES, key=lambda one: abs(one - value))
    return near if SCALES[0] <= value <= SCALES[-1] else value


def add_memory(scope: RigolDs1000z) -> None:
    """Enter ACQuire."""
    settings = scope.settings
    settings.choice(
        "acquire type", "ACQuire:TYPE", ("NORMal", "AVERages", "PEAK", "HRESolution"), "NORMal",
        changed=lambda _: scope.changed(),
    )  # fmt: skip
    settings.number(
        "averages", "ACQuire:AVERages", COUNTS[0], COUNTS[-1], COUNTS[0], whole=True, form=nr1,
        check=_power_of_two, changed=lambda _: scope.changed(),
    )  # fmt: skip

    def keep(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        (word,) = arguments(text, 1, 1)
        if not scope.acquisition.running:
            raise ScpiError(-221)  # only when it runs
        if word.upper() == "AUTO":
            scope.depth = None
        else:
            depth = integer(word, 1, 24_000_000)
            if depth not in scope.depths:
                raise ScpiError(-224)
            scope.depth = depth
        scope.changed()

    scope.commands.add("ACQuire:MDEPth", keep)
    scope.query("ACQuire:MDEPth", lambda _: "AUTO" if scope.depth is None else str(scope.depth))
    scope.query("ACQuire:SRATe", lambda _: sci(scope.memory()[1]))


def _power_of_two(suffixes: Suffixes, value: float) -> None:
    if value not in COUNTS:
        raise ScpiError(-224)
