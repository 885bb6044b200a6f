"""A snapshot tells what the instruments say of themselves, and is told apart from another's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from drivers.transport.link import LinkError
from hil.bench.file import from_document
from hil.bench.snapshot import exchanged, snapshot
from hil.record.folder import RunFolder, RunFolderError
from tests.hil.twin.plants import document


def _bench() -> hil.Bench:
    return hil.open(from_document(document(4, 2), source="tiny"))


def _first(core: Any, driver: str) -> Any:
    return next(one for one in core.parts.instruments if type(one).__name__ == driver)


def test_it_tells_who_answers_and_how_it_is_set() -> None:
    levels = np.full((2, 16), 0.01)
    levels[0, 3] = 0.02
    with _bench() as bench:
        bench.run(levels, np.zeros((4, 4)))
        core = bench.core
        taken = bench.do(snapshot(core))
        read = taken["instruments"]
        assert set(read) == {one.name for one in core.parts.instruments}
        assert not any("failed" in one for one in read.values())
        chassis = _first(core, "QontrolQ8")
        told = read[chassis.name]
        assert told["identity"]["serial"] == chassis.identity.serial
        held = core.file.bank_elements(0)
        mine = [i for i in range(16) if held.chassis[i] == chassis.name]
        volts = np.array(told["readings"]["volts"])[held.channel[mine]]
        np.testing.assert_allclose(volts, held.volts(levels[0])[mine], atol=0.05)
        box = read[_first(core, "RedPitaya").name]["settings"]
        assert box["burst"] == {"1": "BURST", "2": "BURST"}
        assert box["output"] == {"1": True, "2": True}
        assert box["decimation"] == core.file.timing.decimation
        assert not [name for name, value in box.items() if "refused" in str(value)]
        pattern = read[_first(core, "PulseStreamer").name]
        assert pattern["readings"]["has_sequence"] is True
        # What is only read is no setting; what is set is no reading.
        assert set(told["settings"]) == {
            "volts_max", "amps_max", "led", "safe", "adc_time", "adc_average",
        }  # fmt: skip
        assert set(pattern["settings"]) == {"trigger_start", "trigger_rearm", "clock"}
        assert not read[_first(core, "RedPitaya").name]["readings"]
        # Reading changed nothing: the same frame still runs without an upload of its settings.
        bench.run(levels, np.zeros((4, 4)))
        assert bench.do(snapshot(core))["instruments"][chassis.name]["identity"] == told["identity"]


def test_a_link_that_fails_ends_nothing() -> None:
    with _bench() as bench:
        box = _first(bench.core, "RedPitaya")

        async def broken() -> dict[str, Any]:
            raise LinkError(f"{box.resource}: the peer has gone")

        box.read_settings = broken
        read = bench.do(snapshot(bench.core))["instruments"]
    assert "the peer has gone" in read[box.name]["failed"]
    assert sum("settings" in one for one in read.values()) == len(read) - 1


def test_an_exchanged_instrument_is_named() -> None:
    with _bench() as bench:
        taken = bench.do(snapshot(bench.core))
        assert exchanged(taken, bench.core) == []
        chassis = _first(bench.core, "QontrolQ8")
        was = chassis.identity.serial
        chassis.identity = replace(chassis.identity, serial="9999")
        assert exchanged(taken, bench.core) == [
            f"{chassis.name} had serial {was!r}, now '9999' answers"
        ]


def test_a_run_is_not_resumed_on_other_instruments(tmp_path: Path) -> None:
    from hil.telemetry.commands import Stopped
    from tests.hil.learn.test_resuming import OPTIONS, _Asks

    with _bench() as bench:
        with pytest.raises(Stopped):
            hil.train(bench, "spirals", out=tmp_path / "run", watcher=_Asks(bench, 2), **OPTIONS)
    folder = RunFolder(tmp_path / "run")
    taken = folder.read_json("snapshot-start.json")
    chassis = next(n for n, one in taken["instruments"].items() if one["driver"] == "QontrolQ8")
    taken["instruments"][chassis]["identity"]["serial"] = "0815"
    folder.write_json("snapshot-start.json", taken)
    file = from_document(document(4, 2), source="tiny")
    with hil.open(file, start_time=1e3) as bench:
        with pytest.raises(RunFolderError, match="had serial '0815'"):
            hil.train(bench, resume=tmp_path / "run")
