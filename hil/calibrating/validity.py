"""Whether a calibration record still holds for a bench: its age, and whose it is.

Age is that of the wall clock, step by step, against `[calibration]` of the bench file. A record is
foreign when the bench's name, sizes or core differ (`calibration.record.check_fits`), when it was
made on a simulated bench of another [plant] table or on one for a real one, or when an instrument
that is open has another serial number than the record's. As-built files have no steps and no
serials: they are what a foundry told, and do not age.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

from calibration.record import CalibrationRecord, RecordError
from hil.bench.file import BenchFile
from hil.bench.opening import OpenBench
from hil.bench.sections import StepName

_MEND = "; calibrate again (python -m hil.calibrate run), or use it all the same: --accept-stale"


def bench_table(core: OpenBench) -> dict[str, Any]:
    """What tells a bench from others in a record, beside its sizes."""
    backends = {i.backend or core.backend for i in core.file.instruments}
    table = {"name": core.file.name, "backend": "mixed" if len(backends) > 1 else backends.pop()}
    if core.all_simulated:
        # What [plant] says is not for hil to read: only whether it is the same.
        plant = json.dumps(core.file.document.get("plant", {}), sort_keys=True, default=str)
        table["plant"] = hashlib.sha256(plant.encode()).hexdigest()[:16]
    return table


def why_stale(record: CalibrationRecord, file: BenchFile, now: datetime) -> list[str]:
    """Steps of a record that are older than the bench file allows, a line each."""
    told = []
    for step in record.steps:
        name = str(step.get("name"))
        if name not in get_args(StepName):
            continue
        limit = file.calibration.max_age(cast("StepName", name))
        age = (now - _time(step.get("created"))).total_seconds()
        if not age <= limit:
            told.append(
                f"{name} is {age / 3600.0:.1f} h old, the bench file allows {limit / 3600.0:g} h"
            )
    return told


def _time(created: Any) -> datetime:
    """A time of a record; the dawn of time where it is none."""
    try:
        time = datetime.fromisoformat(str(created))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def why_foreign(
    record: CalibrationRecord, bench: Mapping[str, Any], serials: Mapping[str, str]
) -> list[str]:
    """What says that a record is another bench's, a line each."""
    if not record.steps:
        return []
    return _another(record, bench) + _exchanged(record, serials)


def check_same_bench(record: CalibrationRecord, core: OpenBench, source: str) -> None:
    """Refuse to go on with a calibration that was begun on another bench, or over another backend.

    Serial numbers are those that open instruments have told.

    Raises
    ------
    RecordError
        With every reason.
    """
    told = _another(record, bench_table(core)) + _exchanged(record, _serials(core))
    if told:
        raise RecordError(
            f"{source}: {'; '.join(told)}; go on with the options of the first run, or begin anew"
        )


def _another(record: CalibrationRecord, bench: Mapping[str, Any]) -> list[str]:
    """What says that a record was made on another bench, or over another backend."""
    made = record.raw.get("bench", {})
    backend = made.get("backend")
    if backend is not None and backend != bench["backend"]:
        return [f"made on a bench whose backend was {backend}, not {bench['backend']}"]
    if "plant" in bench and made.get("plant") not in (None, bench["plant"]):
        return ["made on another simulated bench: its [plant] table was not the same"]
    return []


def _exchanged(record: CalibrationRecord, serials: Mapping[str, str]) -> list[str]:
    """Instruments that are not those of a record, a line each."""
    return [
        f"{name} had serial number {record.serials[name]}, now it has {serial}"
        for name, serial in serials.items()
        if name in record.serials and record.serials[name] != serial
    ]


def _serials(core: OpenBench) -> dict[str, str]:
    """Serial numbers that open instruments have told, by the instruments' names."""
    told = {i.name: i.identity for i in core.parts.instruments}
    return {name: who.serial for name, who in told.items() if who is not None and who.serial}


def failed_steps(record: CalibrationRecord) -> list[str]:
    """Names of the steps whose gate a record did not pass."""
    return [str(step.get("name")) for step in record.steps if step.get("state") == "failed"]


def check_holds(
    record: CalibrationRecord,
    core: OpenBench,
    source: str,
    *,
    accept_stale: bool = False,
    now: datetime | None = None,
) -> list[str]:
    """Refuse a stale or foreign record; give what was wrong where that is accepted.

    Serial numbers are those that open instruments have told.

    Raises
    ------
    RecordError
        With every reason, and the mend.
    """
    reasons = why_foreign(record, bench_table(core), _serials(core))
    reasons += why_stale(record, core.file, now or datetime.now(UTC))
    if reasons and not accept_stale:
        raise RecordError(f"{source}: {'; '.join(reasons)}{_MEND}")
    return reasons
