"""Keysight 33600A: the names in its waveform memory are told, its points are not."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.errors import InstrumentError
from tests.drivers.keysight_33600a.conftest import ASK, OK, SINGLE, asked

ATTRIBUTES = ("POIN", "AVER", "PTP", "CFAC")


def of(name: bytes, *values: bytes) -> list:
    return [
        asked(b'SOUR1:DATA:ATTR:%b? "%b"' % (header.encode(), name), value)
        for header, value in zip(ATTRIBUTES, values, strict=False)
    ]


def test_it_tells_what_is_chosen_and_what_is_held(play) -> None:
    entries = [
        asked(b"SOUR1:FUNC:ARB?", b'"FRAME"'),
        asked(b"SOUR1:DATA:VOL:CAT?", b'"INT:\\BUILTIN\\EXP_RISE.ARB","FRAME"'),
        *of(b"FRAME", b"+32", b"+1.25E-01", b"+2.0E+00", b"+1.5E+00"),
    ]

    async def scenario(awg) -> None:
        assert await awg.read_waveforms() == {
            "1": "FRAME (32 points, mean 0.125, peak to peak 2, crest factor 1.5); in memory: "
            "INT:\\BUILTIN\\EXP_RISE.ARB, FRAME"
        }
        assert "points are not" in awg.untold["waveform points"]
        with pytest.raises(ValueError, match="no waveform is put back"):
            await awg.write_waveform("1", np.zeros(32))

    play(entries, scenario, SINGLE)


def test_of_a_sequence_it_tells_the_name(play) -> None:
    refused = b'+785,"Specified arb waveform does not exist"\n'
    entries = [
        asked(b"SOUR1:FUNC:ARB?", b'"TRIGGERED"'),
        asked(b"SOUR1:DATA:VOL:CAT?", b'"REST","TRIGGERED"'),
        (b'SOUR1:DATA:ATTR:POIN? "TRIGGERED"\n' + ASK, refused),
        (ASK, OK),
    ]

    async def scenario(awg) -> None:
        told = await awg.read_waveforms()
        assert told == {"1": "TRIGGERED; in memory: REST, TRIGGERED"}

    play(entries, scenario, SINGLE)


def test_what_is_no_number_is_an_error(play) -> None:
    entries = [
        asked(b"SOUR1:FUNC:ARB?", b'"FRAME"'),
        asked(b"SOUR1:DATA:VOL:CAT?", b'"FRAME"'),
        *of(b"FRAME", b"many"),
    ]

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match="POIN"):
            await awg.read_waveforms()

    play(entries, scenario, SINGLE)
