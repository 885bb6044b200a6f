"""The 2450 driver against scripted instruments: exact bytes of the manual, replies it refuses."""

from __future__ import annotations

import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.keithley_2450 import (
    FILTER_AMPERES,
    FILTER_COUNT_AMPERES,
    FILTER_COUNT_VOLTS,
    FILTER_VOLTS,
    Keithley2450,
)
from drivers.link_model import LinkModel
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork

LAN = LinkModel(latency=0.001, bytes_per_second=1e6)
OK = b'0,"No error;0;0 0"\n'
IDN = b"KEITHLEY INSTRUMENTS,MODEL 2450,04488850,1.7.3c\n"
HELLO = [(b"*IDN?\n", IDN), (b"SYST:ERR?\n", OK), (b"*LANG?\n", b"SCPI\n")]
STARTED = [
    "ABOR", ("OUTP?", "0"), "OUTP OFF", "SOUR:VOLT 0", "SOUR:CURR 0", "SOUR:FUNC VOLT",
    'SENS:FUNC "CURR";:SENS:CURR:NPLC 1;:SENS:CURR:RSEN OFF;:SENS:CURR:AZER ON;'
    ":SENS:CURR:AVER OFF;:SENS:CURR:RANG:AUTO ON;:SOUR:VOLT:RANG:AUTO ON;:SOUR:VOLT:DEL:AUTO ON",
    "SOUR:VOLT:ILIM 0.02",
    'SENS:FUNC "CURR";:SOUR:VOLT:READ:BACK ON;:SENS:COUN 1;:FORM ASC',
]  # fmt: skip
READ = 'OUTP?;:READ? "defbuffer1",SOUR,READ;:SOUR:VOLT:ILIM:TRIP?'


def entries(*parts: str | tuple[str, str]):
    """What is sent, each with the question for the error queue behind it, and what comes back."""
    for part in parts:
        unit, reply = part if isinstance(part, tuple) else (part, "")
        answer = f"{reply}\n".encode() if reply else b""
        yield f"{unit}\nSYST:ERR?\n".encode(), answer + OK


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened meter against a greeting and these entries."""

    def _play(parts, scenario, hello=HELLO, **options):
        server = script([*hello, *parts], closing=hello[0][1])
        network = MemoryNetwork()
        network.listen_tcp("smu", 5025, server.serve)

        async def opened():
            smu = Keithley2450("smu", "TCPIP::smu::INSTR", network, link=LAN, **options)
            await smu.open()
            result = await scenario(smu)
            await smu.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


@pytest.mark.parametrize("maker", [b"KEITHLEY INSTRUMENTS", b"KEITHLEY INSTRUMENTS INC."])
def test_opening_only_identifies_and_asks_for_the_language(play, maker: bytes) -> None:
    async def scenario(smu: Keithley2450) -> None:
        assert smu.identity is not None
        assert (smu.identity.model, smu.identity.serial) == ("2450", "04488850")

    hello = [(b"*IDN?\n", IDN.replace(b"KEITHLEY INSTRUMENTS", maker)), *HELLO[1:]]
    play([], scenario, hello, expect={"model": "2450", "firmware": "1.7.3c"})


@pytest.mark.parametrize("language", ["SCPI2400", "TSP"])
def test_another_language_is_refused(play, language: str) -> None:
    # in TSP the question for the error queue is a mistake that nothing answers
    errors = (b"SYST:ERR?\n", None if language == "TSP" else OK)
    hello = [HELLO[0], errors, (b"*LANG?\n", f"{language}\n".encode())]
    with pytest.raises(InstrumentError, match=rf"'{language}'; choose SCPI with \*LANG SCPI"):
        play([], lambda smu: None, hello)


def test_one_that_is_silent_is_told_as_that(play) -> None:
    hello = [HELLO[0], (b"SYST:ERR?\n", None), (b"*LANG?\n", None)]
    with pytest.raises(LinkTimeout):
        play([], lambda smu: None, hello)


def test_a_source_of_volts_is_these_bytes(play) -> None:
    async def scenario(smu: Keithley2450) -> None:
        await smu.source_volts(0.02)
        await smu.on()
        await smu.set_level(0.5)
        found = await smu.measure()
        assert (found.volts, found.amperes, found.limited) == (0.500123, 6.25e-4, False)
        assert (await smu.measure()).limited
        await smu.off()

    play(
        entries(
            *STARTED, ("OUTP?", "0"), "SOUR:VOLT 0", "OUTP ON", ("SOUR:VOLT?", "0"),
            "SOUR:VOLT 0.5",
            (READ, "1;5.001230E-01,6.250000E-04;0"), (READ, "1;4.000000E-01,2.000000E-02;1"),
            "ABOR", ("OUTP?", "1"), ("SOUR:FUNC?", "VOLT"), ("SOUR:VOLT?", "5.000000E-01"),
            "SOUR:VOLT 0", "OUTP OFF", "SOUR:VOLT 0", "SOUR:CURR 0",
        ),
        scenario,
    )  # fmt: skip


def test_filters_are_these_bytes_and_are_waited_for(play) -> None:
    async def scenario(smu: Keithley2450) -> None:
        await smu.source_volts(0.02)
        plain = smu.reading_seconds()
        await smu.set(FILTER_COUNT_AMPERES, 100)
        assert smu.reading_seconds() == plain  # it is off
        await smu.set(FILTER_AMPERES, value=True)
        assert smu.reading_seconds() > 50.0 * (smu.nplc / smu.line_frequency)
        await smu.set(FILTER_VOLTS, value=False)
        await smu.set(FILTER_COUNT_VOLTS, 10)
        sent = smu.exchanges
        for wrong in (0, 101):
            with pytest.raises(LimitError):
                await smu.set(FILTER_COUNT_VOLTS, wrong)
        assert smu.exchanges == sent

    play(
        entries(
            *STARTED, "SENS:CURR:AVER:COUN 100", "SENS:CURR:AVER ON", "SENS:VOLT:AVER OFF",
            "SENS:VOLT:AVER:COUN 10",
        ),
        scenario,
    )  # fmt: skip


def test_a_source_of_amperes_is_these_bytes(play) -> None:
    async def scenario(smu: Keithley2450) -> None:
        await smu.source_amperes(5.0)
        found = await smu.measure()
        assert (found.volts, found.amperes, found.limited) == (0.8, 1e-3, True)

    units = [
        "ABOR", ("OUTP?", "0"), "OUTP OFF", "SOUR:VOLT 0", "SOUR:CURR 0", "SOUR:FUNC CURR",
        'SENS:FUNC "VOLT";:SENS:VOLT:NPLC 1;:SENS:VOLT:RSEN ON;:SENS:VOLT:AZER ON;'
        ":SENS:VOLT:AVER OFF;:SENS:VOLT:RANG:AUTO ON;:SOUR:CURR:RANG:AUTO ON;"
        ":SOUR:CURR:DEL:AUTO ON",
        "SOUR:CURR:VLIM 5",
        'SENS:FUNC "VOLT";:SOUR:CURR:READ:BACK ON;:SENS:COUN 1;:FORM ASC',
        (READ.replace("VOLT:ILIM", "CURR:VLIM"), "1;1.0E-03,8.0E-01;1"),
    ]  # fmt: skip
    play(entries(*units), scenario, four_wire=True)


def test_a_sweep_is_these_bytes(play) -> None:
    async def scenario(smu: Keithley2450) -> None:
        await smu.source_volts(0.02)
        table = await smu.sweep_volts(0.0, 1.0, 3)
        assert table.tolist() == [[0.0, 0.0], [0.5, 5e-4], [1.0, 1e-3]]

    play(
        entries(
            *STARTED, ("OUTP?", "1"), ("SOUR:VOLT?", "0.5"), ("SOUR:VOLT?", "0.5"), "SOUR:VOLT 0",
            'SOUR:SWE:VOLT:LIN 0,1,3,0,1,BEST,OFF,OFF,"defbuffer1"', "INIT;*WAI",
            ('TRAC:DATA? 1,3,"defbuffer1",SOUR,READ',
             "0.000000E+00,0.000000E+00,5.000000E-01,5.000000E-04,1.000000E+00,1.000000E-03"),
            ("SOUR:FUNC?", "VOLT"), STARTED[-1],
            # the sweep has switched it off
            ("OUTP?", "0"), "SOUR:VOLT 0", "OUTP ON", ("SOUR:VOLT?", "0"), "SOUR:VOLT 0.5",
        ),
        scenario,
    )  # fmt: skip


def test_queued_errors_are_raised_with_their_time(play) -> None:
    async def scenario(smu: Keithley2450) -> None:
        with pytest.raises(InstrumentError, match=r"-109.*Missing parameter;1;2015/05/06"):
            await smu.tell("SOUR:VOLT")

    entry = b'-109,"Missing parameter;1;2015/05/06 12:55:33.648"\n'
    play([(b"SOUR:VOLT\nSYST:ERR?\n", entry), (b"SYST:ERR?\n", OK)], scenario)


@pytest.mark.parametrize(
    ("reply", "match"),
    [
        ("1;1.0E+00,1.0E-04,1.0;0", "whole rows of 2"),
        ("1;1.0E+00,1.0E-04,1.0,1.0;0", "one reading was due"),
        ("1;1.0E+00,ON;0", "no number"),
        ("1;1.0E+00,9.9E37;0", "out of the meter's range"),
        ("1;1.0E+00,1.0E-04;2", "one reading was due"),
        ("0;1.0E+00,1.0E-04;0", r"call on\(\)"),
        ("1;1.0E+00,1.0E-04", "2 answers of 3"),
    ],
)
def test_a_reading_that_is_none_is_an_error(play, reply: str, match: str) -> None:
    async def scenario(smu: Keithley2450) -> None:
        await smu.source_volts(0.02)
        with pytest.raises(InstrumentError, match=match):
            await smu.measure()

    play(entries(*STARTED, (READ, reply)), scenario)


def test_too_few_rows_of_a_sweep(play) -> None:
    async def scenario(smu: Keithley2450) -> None:
        await smu.source_volts(0.02)
        with pytest.raises(InstrumentError, match="3 readings were due"):
            await smu.sweep_volts(0.0, 1.0, 3)

    play(
        entries(
            *STARTED, ("OUTP?", "1"), ("SOUR:VOLT?", "0"), ("SOUR:VOLT?", "0"), "SOUR:VOLT 0",
            'SOUR:SWE:VOLT:LIN 0,1,3,0,1,BEST,OFF,OFF,"defbuffer1"', "INIT;*WAI",
            ('TRAC:DATA? 1,3,"defbuffer1",SOUR,READ', "0,0,0.5,5E-4"),
        ),
        scenario,
    )  # fmt: skip
