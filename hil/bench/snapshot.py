"""What the instruments of an open bench are and how they are set: at the start and end of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from drivers.errors import InstrumentError, OutputFault
from drivers.instrument import Instrument
from drivers.roles import VoltageOutputs
from drivers.transport.link import LinkError
from hil.bench.connection import Connection
from hil.bench.differing import HEATER, is_setting
from hil.bench.waveforms import WAVEFORM, packed
from hil.people import login_name

SCHEMA, VERSION = "hil-instrument-snapshot", 3
#: s between two words of a reading that takes long.
SAY = 2.0


async def snapshot(
    bench: Connection, *, waveforms: bool = False, tell: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Identity, firmware and all settings of every instrument, by name; sets nothing.

    What can only be read (measured, or a state) stands under `readings`, apart from `settings`. The
    slot path has no instruments. `volts` are those of what heaters hang on, channel by channel,
    where they do not stand under another name; `untold` names what is set and cannot be asked for,
    and why. What cannot be read is told under `failed`: that ends no run. `waveforms`: read
    waveform memories too, which takes longer than all else (a run plays its own, and keeps them in
    its record). `tell` hears, every 2 s, how many instruments have been read.

    Raises
    ------
    OutputFault
        Where an instrument tells meanwhile that an output has tripped or lost its power.
    """
    with bench.ledger.span("state"):
        read = await _heard(
            [asyncio.ensure_future(_one(one, waveforms)) for one in bench.parts.instruments], tell
        )
        await asyncio.gather(*(_volts(one, dict(read)[one.name]) for one in bench.parts.chassis))
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": login_name(),
        "bench": bench.file.name,
        "source": bench.file.source,
        "simulated": bench.all_simulated,
        "bench_time": bench.now(),
        "instruments": dict(read),
    }


async def _heard(
    reading: list[asyncio.Future[tuple[str, dict[str, Any]]]], tell: Callable[[str], None] | None
) -> list[tuple[str, dict[str, Any]]]:
    """What all have read, told now and then how far they are."""
    try:
        waiting: set[asyncio.Future[Any]] = set(reading)
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=SAY)
            if waiting and tell is not None:
                done = len(reading) - len(waiting)
                tell(f"reading settings: {done} of {len(reading)} instruments done")
        return [one.result() for one in reading]
    finally:
        for one in reading:
            one.cancel()  # of a reading that is interrupted; nothing, of one that is done
        await asyncio.gather(*reading, return_exceptions=True)


async def _one(instrument: Instrument, waveforms: bool) -> tuple[str, dict[str, Any]]:
    found: dict[str, Any] = {"driver": type(instrument).__name__, "resource": instrument.resource}
    if instrument.identity is not None:
        found["identity"] = asdict(instrument.identity)
    if not instrument.is_open:
        return instrument.name, found
    try:
        told = await instrument.read_settings()
    except OutputFault:
        raise
    except (InstrumentError, LinkError) as error:
        found["failed"] = str(error)
        return instrument.name, found
    read = instrument.readings
    found["settings"] = {
        name: value
        if is_setting(value)
        else {"refused": f"told as {value!r}, which no snapshot holds"}
        for name, value in told.items()
        if name not in read
    }
    found["readings"] = {name: value for name, value in told.items() if name in read}
    untold = dict(instrument.untold)
    if waveforms:
        await _add_waveforms(instrument, found, untold)
    elif type(instrument).read_waveforms is not Instrument.read_waveforms:
        untold[WAVEFORM] = "not read here; `hil.snapshot save` reads it"
    if untold:
        found["untold"] = untold
    return instrument.name, found


async def _add_waveforms(
    instrument: Instrument, found: dict[str, Any], untold: dict[str, str]
) -> None:
    try:
        told = await instrument.read_waveforms()
    except (InstrumentError, LinkError) as error:
        untold[WAVEFORM] = str(error)
        return
    if told:
        found["waveforms"] = {channel: packed(one) for channel, one in told.items()}


async def _volts(chassis: VoltageOutputs, found: dict[str, Any]) -> None:
    """Add the volts of every channel, unless they are among what was read."""
    if "settings" in found and HEATER not in {**found["settings"], **found["readings"]}:
        try:
            found[HEATER] = (await chassis.read_volts()).tolist()
        except OutputFault:
            raise
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
