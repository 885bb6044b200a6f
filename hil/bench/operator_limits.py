"""What an operator allows by `--limit`: outputs for which the bench file knows no limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from hil.bench.connection import Connection
from hil.bench.differing import HEATER, Where
from hil.bench.states import BenchError

#: Largest magnitudes, by output; of one that heaters could hang on also in A, by the name `AMPS`.
Limits = Mapping[Where, float]
AMPS = "amps"
NONE: Limits = {}


def limits_of(texts: Iterable[str]) -> dict[Where, float]:
    """Limits as they are typed, `INSTRUMENT:NAME[:CHANNEL]=VALUE` in the SI unit.

    Raises
    ------
    BenchError
        Naming the text that cannot be read.
    """
    found: dict[Where, float] = {}
    for text in texts:
        place, equals, number = text.partition("=")
        parts = place.split(":")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        whole = equals and len(parts) in (2, 3) and all(parts)
        if not (whole and math.isfinite(value) and value > 0.0):
            raise BenchError(
                f"--limit {text!r} is not INSTRUMENT:NAME[:CHANNEL]=VALUE with a value above 0, "
                f"such as bias:volts:17=2.5"
            )
        found[Where(parts[0], parts[1], parts[2] if len(parts) == 3 else "")] = value
    return found


def check_limits(bench: Connection, limits: Limits) -> None:
    """Refuse limits of what the bench has not, and those that would widen a bench file's own.

    Raises
    ------
    BenchError
    """
    chassis = {one.name: one for one in bench.parts.chassis}
    instruments = {one.name: one for one in bench.parts.instruments}
    for where in limits:
        if where.instrument not in instruments:
            raise BenchError(
                f"--limit {where}: bench {bench.file.name} has no instrument {where.instrument!r}; "
                f"it has {', '.join(instruments)}"
            )
        names = {one.name for one in instruments[where.instrument].quantities}
        if where.instrument in chassis:
            names = {HEATER, AMPS}
        if where.name not in names:
            raise BenchError(
                f"--limit {where}: {where.instrument} has no {where.name!r}; name one of "
                f"{', '.join(sorted(names))}"
            )
