"""What the instruments of an open bench are and how they are set: at the start and end of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from drivers.errors import InstrumentError
from drivers.instrument import Instrument
from drivers.roles import VoltageOutputs
from drivers.transport.link import LinkError
from hil.bench.connection import Connection
from hil.bench.differing import HEATER
from hil.people import login_name


async def snapshot(bench: Connection) -> dict[str, Any]:
    """Identity, firmware and all settings of every instrument, by name; sets nothing.

    What can only be read (measured, or a state) stands under `readings`, apart from `settings`. The
    slot path has no instruments. `volts` are those of what heaters hang on, channel by channel,
    where they do not stand under another name; `untold` names what is set and cannot be asked for,
    and why. What cannot be read is told under `failed`: a snapshot ends no run.
    """
    with bench.ledger.span("state"):
        read = await asyncio.gather(*(_one(one) for one in bench.parts.instruments))
        await asyncio.gather(*(_volts(one, dict(read)[one.name]) for one in bench.parts.chassis))
    return {
        "schema": "hil-instrument-snapshot",
        "version": 2,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": login_name(),
        "bench": bench.file.name,
        "source": bench.file.source,
        "simulated": bench.all_simulated,
        "bench_time": bench.now(),
        "instruments": dict(read),
    }


async def _one(instrument: Instrument) -> tuple[str, dict[str, Any]]:
    found: dict[str, Any] = {"driver": type(instrument).__name__, "resource": instrument.resource}
    if instrument.identity is not None:
        found["identity"] = asdict(instrument.identity)
    if not instrument.is_open:
        return instrument.name, found
    try:
        told = await instrument.read_settings()
    except (InstrumentError, LinkError) as error:
        found["failed"] = str(error)
        return instrument.name, found
    read = instrument.readings
    found["settings"] = {name: value for name, value in told.items() if name not in read}
    found["readings"] = {name: value for name, value in told.items() if name in read}
    if instrument.untold:
        found["untold"] = dict(instrument.untold)
    return instrument.name, found


async def _volts(chassis: VoltageOutputs, found: dict[str, Any]) -> None:
    """Add the volts of every channel, unless they are among what was read."""
    if "settings" in found and HEATER not in {**found["settings"], **found["readings"]}:
        try:
            found[HEATER] = (await chassis.read_volts()).tolist()
        except (InstrumentError, LinkError) as error:
            found.update(failed=str(error))


def exchanged(before: Mapping[str, Any], bench: Connection) -> list[str]:
    """Instruments that are not those of a snapshot, a line each."""
    told = []
    for one in bench.parts.instruments:
        was = before["instruments"].get(one.name, {}).get("identity")
        if was is None or one.identity is None:
            continue
        for part in ("model", "serial"):
            now = getattr(one.identity, part)
            if was.get(part) != now:
                told.append(f"{one.name} had {part} {was.get(part)!r}, now {now!r} answers")
    return told
