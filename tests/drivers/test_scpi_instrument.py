"""The base of SCPI drivers against scripted instruments: settings, answers, refusals, blocks."""

from __future__ import annotations

import math

import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.protocol import scpi
from tests.drivers.supply import (
    AMPS,
    ASK,
    CASES,
    KEY,
    NONE,
    VOLTS,
    Supply,
    play,
    said,
)


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_setting_and_getting(model: type[Supply], resource: str, stream: bool) -> None:
    async def scenario(supply: Supply) -> None:
        await supply.set(VOLTS, 2.5, 1)
        assert await supply.get(VOLTS, 2) == 2.5
        await supply.tell("OUTP ON", "*WAI", kind="start")
        assert await supply.ask("A?", "B?") == [b"1", b"two;words".replace(b";", b"_")]
        assert await supply.ask_text("*OPC?", wait=10.0) == "1"
        assert supply.exchanges == 5
        assert set(supply.busy) == {"set", "read", "start"}

    def talk(*units, **replies):
        return said(model, stream, *units, **replies)

    play(
        [
            *talk(b"SOUR1:VOLT 2.5"),
            *talk(b"SOUR2:VOLT?", answer=b"+2.50000E+00"),
            *talk(b"OUTP ON", b"*WAI"),
            *talk(b"A?", b":B?", answer=b"1;two_words"),
            *talk(b"*OPC?", answer=b"1"),
        ],
        scenario,
        model=model,
        resource=resource,
        stream=stream,
    )


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_refused_commands_name_all_that_was_queued(model, resource, stream) -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError) as refused:
            await supply.set(VOLTS, 5.0, 1)
        assert str(refused.value) == (
            "ps: 'SOUR1:VOLT 5' was answered by "
            """'-222,"Data out of range; voltage";-221,"Settings, conflict"'"""
        ).replace(";-221", "; -221")
        await supply.set(VOLTS, 1.0, 1)  # the link is in step

    play(
        [
            *said(model, stream, b"SOUR1:VOLT 5", error=b'-222,"Data out of range; voltage"\n'),
            (ASK, b'-221,"Settings, conflict"\n'),
            (ASK, NONE),
            *said(model, stream, b"SOUR1:VOLT 1"),
        ],
        scenario,
        model=model,
        resource=resource,
        stream=stream,
    )


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_blocks_both_ways(model, resource, stream) -> None:
    data = bytes(range(256)) * 40

    async def scenario(supply: Supply) -> None:
        await supply.tell("OUTP OFF", scpi.block_unit("DATA:ARB a,", b"\n;#"), "*WAI")
        assert await supply.ask("DATA?", received=len(data)) == [data]
        assert await supply.ask("TRAC?", size=4) == [b"\n\n\r\n"]
        assert await supply.ask("A?", "DATA?", "B?") == [b"1", b"\n", b"2"]

    def talk(*units, **replies):
        return said(model, stream, *units, **replies)

    play(
        [
            *talk(b"OUTP OFF", b":DATA:ARB a,#13\n;#", b"*WAI"),
            *talk(b"DATA?", answer=scpi.definite_block(data)),
            *talk(b"TRAC?", answer=b"#0\n\n\r\n"),
            *talk(b"A?", b":DATA?", b":B?", answer=b"1;#11\n;2"),
        ],
        scenario,
        model=model,
        resource=resource,
        stream=stream,
    )


def test_read_settings() -> None:
    async def scenario(supply: Supply) -> None:
        assert await supply.read_settings() == {
            "volts": {"1": 1.5, "2": {"refused": '-241,"Hardware missing"'}},
            "enable": True,
        }

    play(
        [
            (b"SOUR1:VOLT?\n" + ASK, b"1.5\n" + NONE),
            (b"SOUR2:VOLT?\n" + ASK, b'-241,"Hardware missing"\n'),
            (ASK, NONE),
            (b"OUTP?\n" + ASK, b"1\n" + NONE),
        ],
        scenario,
    )


def test_off_goes_through_all_outputs_whatever_refuses() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match="-241"):
            await supply.off()

    play(
        [
            (b"SOUR1:VOLT 0\n" + ASK, b'-241,"Hardware missing"\n'), (ASK, NONE),
            (b"SOUR2:VOLT 0\n" + ASK, NONE),
            (b"OUTP OFF\n" + ASK, NONE),
        ],
        scenario,
    )  # fmt: skip


def test_no_byte_leaves_for_what_cannot_be() -> None:
    async def scenario(supply: Supply) -> None:
        for bad in (-0.1, 5.1, math.nan, math.inf, -math.inf):
            with pytest.raises(LimitError, match="ps channel 1"):
                await supply.set(VOLTS, bad, 1)
        with pytest.raises(ValueError, match="amps can only be read"):
            await supply.set(AMPS, 0.5)
        with pytest.raises(ValueError, match="key can only be set"):
            await supply.get(KEY)
        with pytest.raises(ValueError, match="line ends"):
            await supply.tell("OUTP ON\nOUTP OFF")

    play([], scenario)


@pytest.mark.parametrize(
    ("told", "value"),
    [(b"9.9E37", math.inf), (b"-9.900000E+37", -math.inf), (b"+9.91E+37", math.nan)],
)
def test_numbers_that_are_none(told: bytes, value: float) -> None:
    async def scenario(supply: Supply) -> float:
        return float(await supply.get(AMPS))

    got = play([(b"MEAS:CURR?\n" + ASK, told + b"\n" + NONE)], scenario)
    assert got == value or (math.isnan(got) and math.isnan(value))
