"""The 2400 driver against scripted instruments: exact bytes of the manual, replies it refuses."""

from __future__ import annotations

import asyncio
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.keithley_2400 import FILTER, FILTER_COUNT, FILTER_KIND, Keithley2400
from drivers.link_model import LinkModel
from drivers.protocol.scpi_numbers import read_numbers, special_values
from drivers.transport.memory import MemoryNetwork
from drivers.transport.resource import ResourceError

LINE = LinkModel(latency=0.001, bytes_per_second=960.0)
OK = b'0,"No error"\n'
IDN = b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,0854671,C33   Mar 31 2015 09:32:39/A02  /J/H\n"
HELLO = [(b"*IDN?\n", IDN), (b"SYST:ERR?\n", OK)]
STARTED = [
    "ABOR", ("OUTP?", "0"), "OUTP OFF", "SOUR:VOLT 0", "SOUR:CURR 0", "SOUR:FUNC VOLT",
    "SENS:FUNC:CONC ON;:SENS:FUNC 'VOLT','CURR';:SENS:FUNC:OFF 'RES';:SENS:CURR:NPLC 1;"
    ":SYST:RSEN ON;:SYST:AZER ON;:SENS:AVER OFF;:SENS:VOLT:RANG:AUTO ON;:SENS:CURR:RANG:AUTO ON;"
    ":SOUR:VOLT:RANG:AUTO ON;:SOUR:DEL:AUTO ON;:SOUR:CLE:AUTO OFF",
    "SENS:CURR:PROT 0.02",
    "SOUR:VOLT:MODE FIX;:FORM ASC;:FORM:ELEM VOLT,CURR,STAT;:ARM:COUN 1;:ARM:SOUR IMM;"
    ":TRIG:COUN 1;:TRIG:SOUR IMM;:TRIG:DEL 0",
]  # fmt: skip
READING = b"1;+1.000206E+00,+1.000000E-04,+4.813200E+04\n"


def entries(*parts: str | tuple[str, str]):
    """What is sent, each with the question for the error queue behind it, and what comes back."""
    for part in parts:
        unit, reply = part if isinstance(part, tuple) else (part, "")
        answer = f"{reply}\n".encode() if reply else b""
        yield f"{unit}\nSYST:ERR?\n".encode(), answer + OK


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened meter against a greeting and these entries."""

    def _play(parts, scenario, **options):
        server = script([*HELLO, *parts], closing=IDN)
        network = MemoryNetwork()
        network.listen_serial("/dev/ttyS0", server.serve)

        async def opened():
            smu = Keithley2400(
                "smu", "ASRL/dev/ttyS0::INSTR", network, link=LINE, four_wire=True, **options
            )
            await smu.open()
            result = await scenario(smu)
            await smu.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_opening_only_identifies(play) -> None:
    async def scenario(smu: Keithley2400) -> None:
        assert smu.identity is not None
        assert (smu.identity.model, smu.identity.serial) == ("2400", "0854671")
        assert smu.identity.firmware.startswith("C33")

    play([], scenario, expect={"model": "2400"})


def test_averages_are_these_bytes(play) -> None:
    async def scenario(smu: Keithley2400) -> None:
        await smu.set(FILTER_KIND, "MOV")
        assert await smu.get(FILTER_KIND) == "MOV"
        await smu.set(FILTER_COUNT, 100)
        await smu.set(FILTER, value=True)
        sent = smu.exchanges
        for wrong in (0, 101):
            with pytest.raises(LimitError):
                await smu.set(FILTER_COUNT, wrong)
        with pytest.raises(ValueError, match="REP"):
            await smu.set(FILTER_KIND, "MEDIAN")
        assert smu.exchanges == sent

    play(
        entries(
            "SENS:AVER:TCON MOV", ("SENS:AVER:TCON?", "MOV"), "SENS:AVER:COUN 100", "SENS:AVER ON"
        ),
        scenario,
    )


def test_another_model_is_refused(virtual, script) -> None:
    server = script([(b"*IDN?\n", IDN.replace(b"2400", b"2410"))])
    network = MemoryNetwork()
    network.listen_serial("/dev/ttyS0", server.serve)

    async def scenario() -> None:
        with pytest.raises(IdentityError, match="2410"):
            await Keithley2400("smu", "ASRL/dev/ttyS0::INSTR", network, link=LINE).open()

    virtual(scenario())


def test_a_source_of_volts_is_these_bytes(play) -> None:
    async def scenario(smu: Keithley2400) -> None:
        await smu.source_volts(0.02)
        await smu.on()
        await smu.set_level(2.5)
        found = await smu.measure()
        assert (found.volts, found.amperes, found.limited) == (1.000206, 1e-4, False)
        await smu.off()

    play(
        entries(
            *STARTED, ("OUTP?", "0"), "SOUR:VOLT 0", "OUTP ON",
            # 50 V/s in ticks of 20 ms
            ("SOUR:VOLT?", "0.000000E+00"), "SOUR:VOLT 0.8333333333333334",
            "SOUR:VOLT 1.6666666666666667", "SOUR:VOLT 2.5",
            ("OUTP?;:READ?", READING.decode().strip()),
            "ABOR", ("OUTP?", "1"), ("SOUR:FUNC?", "VOLT"), ("SOUR:VOLT?", "+2.500000E+00"),
            "SOUR:VOLT 1.6666666666666665", "SOUR:VOLT 0.8333333333333333", "SOUR:VOLT 0",
            "OUTP OFF", "SOUR:VOLT 0", "SOUR:CURR 0",
        ),
        scenario,
    )  # fmt: skip


def test_a_sweep_is_these_bytes(play) -> None:
    async def scenario(smu: Keithley2400) -> None:
        await smu.source_volts(0.02)
        table = await smu.sweep_volts(0.0, 1.0, 3, 0.25)
        assert table.tolist() == [[0.0, 0.0], [0.5, 5e-4], [1.0, 1e-3]]

    play(
        entries(
            *STARTED, ("OUTP?", "1"), ("SOUR:VOLT?", "0.5"), ("SOUR:VOLT?", "0.5"), "SOUR:VOLT 0",
            "SOUR:VOLT:STAR 0;:SOUR:VOLT:STOP 1;:SOUR:SWE:POIN 3;:SOUR:SWE:SPAC LIN;"
            ":SOUR:SWE:DIR UP;:SOUR:SWE:RANG BEST;:SOUR:SWE:CAB NEV;:SOUR:VOLT:MODE SWE;"
            ":TRIG:COUN 3;:TRIG:DEL 0.25",
            ("READ?", "+0.000000E+00,+0.000000E+00,+4.813200E+04,+5.000000E-01,+5.000000E-04,"
             "+4.813200E+04,+1.000000E+00,+1.000000E-03,+4.813200E+04"),
            ("SOUR:FUNC?", "VOLT"), STARTED[-1], ("OUTP?", "1"), ("SOUR:VOLT?", "0"),
            "SOUR:VOLT 0.5",
        ),
        scenario,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "match"),
    [
        ("1;+1.0E+00,+1.0E-04", "whole rows of 3"),
        ("1;+1.0E+00,+1.0E-04,+4.8E+04,+1.0E+00,+1.0E-04,+4.8E+04", "1 readings were due"),
        ("1;+1.0E+00,nan,+4.8E+04", "no number"),
        ("1;1_0,1,1", "no number"),
        ("1;+9.91E37,+1.0E-04,+4.8E+04", "not measured"),
        ("1;+1.0E+00,+9.9E37,+4.8E+04", "out of the meter's range"),
        ("1;+1.0E+00,+1.0E-04,+9.91E37", "1 readings were due"),
        ("0;+1.0E+00,+1.0E-04,+4.8E+04", r"call on\(\)"),
        ("+1.0E+00,+1.0E-04,+4.8E+04", "1 answers of 2"),
    ],
)
def test_a_reading_that_is_none_is_an_error(play, reply: str, match: str) -> None:
    async def scenario(smu: Keithley2400) -> None:
        await smu.source_volts(0.02)
        with pytest.raises(InstrumentError, match=match):
            await smu.measure()

    play(entries(*STARTED, ("OUTP?;:READ?", reply)), scenario)


def test_compliance_is_in_the_status_word(play) -> None:
    async def scenario(smu: Keithley2400) -> None:
        await smu.source_volts(0.02)
        for bit in (3, 4, 16):
            assert (await smu.measure()).limited, bit
        assert not (await smu.measure()).limited

    replies = [
        ("OUTP?;:READ?", f"1;+1.0E+00,+1.0E-04,+{1 << bit | 4:.6E}") for bit in (3, 4, 16, 5)
    ]
    play(entries(*STARTED, *replies), scenario)


def test_off_goes_on_when_a_step_is_refused(play) -> None:
    async def scenario(smu: Keithley2400) -> None:
        with pytest.raises(InstrumentError, match="-222"):
            await smu.off()

    refused = b'-222,"Parameter data out of range"\n'
    play(
        [
            *entries("ABOR", ("OUTP?", "1"), ("SOUR:FUNC?", "CURR"), ("SOUR:CURR?", "1E-3")),
            (b"SOUR:CURR 0\nSYST:ERR?\n", refused), (b"SYST:ERR?\n", OK),
            *entries("OUTP OFF"),
        ],
        scenario,
    )  # fmt: skip


def test_off_says_so_even_to_one_that_answers_nothing(virtual, script) -> None:
    """The last resort: an abort and the output off, sent without waiting for anything."""
    silent = b"ABOR\nSYST:ERR?\n*IDN?\n:ABOR\n*IDN?\n:ABOR\n:OUTP OFF\n"
    server = script([*HELLO, (silent, None)], closing=IDN)
    network = MemoryNetwork()
    network.listen_serial("/dev/ttyS0", server.serve)

    async def scenario() -> None:
        smu = Keithley2400("smu", "ASRL/dev/ttyS0::INSTR", network, link=LINE)
        await smu.open()
        with pytest.raises(Exception, match="no end of message"):
            await smu.off()
        await asyncio.sleep(1.0)
        await smu.close()

    virtual(scenario())
    server.finish()


def test_links_and_options() -> None:
    network = MemoryNetwork()
    with pytest.raises(ResourceError, match="tcp"):
        Keithley2400("smu", "TCPIP::smu::5025::SOCKET", network, link=LINE)
    for wrong in (
        {"nplc": 0.001}, {"nplc": math.nan}, {"max_volts": 0.0}, {"max_amperes": 2.0},
        {"ramp_volts": math.nan}, {"line_frequency": 400.0}, {"ramp_amperes": -1.0},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="smu"):
            Keithley2400("smu", "GPIB0::24::INSTR", network, link=LINE, **wrong)


def test_floats_of_a_block() -> None:
    block = struct.pack(">3f", 1.5, 9.91e37, -9.9e37)
    found = special_values(np.frombuffer(block, dtype=">f4"))
    assert found[0] == 1.5
    assert math.isnan(found[1])
    assert found[2] == -math.inf


@given(st.lists(st.tuples(*[st.floats(-1e30, 1e30)] * 3), min_size=1, max_size=20))
def test_what_the_instrument_writes_is_read(rows) -> None:
    text = ",".join(f"{value:+.6E}" for row in rows for value in row)
    assert read_numbers(text, 3) == pytest.approx(np.array(rows), rel=1e-6)


@given(st.text(max_size=60), st.integers(1, 5))
def test_any_text_is_read_or_refused(text: str, columns: int) -> None:
    try:
        found = read_numbers(text, columns)
    except ValueError:
        return
    assert found.shape[1] == columns
    assert found.size == text.count(",") + 1
    assert len(text.strip()) > 0


@pytest.mark.parametrize("value", [np.int64(6), np.float32(6.0), np.float64(6.0), 6])
def test_the_limit_of_a_bench_holds_for_every_kind_of_number(play, value) -> None:
    async def scenario(smu: Keithley2400) -> None:
        sent = smu.exchanges
        with pytest.raises(LimitError, match="-5 to 5 V on this bench"):
            await smu.set(smu.volts, value)
        assert smu.exchanges == sent

    play([], scenario, max_volts=5.0)


@pytest.mark.parametrize("channels", [np.array([0.5]), np.array([True]), np.array(["0"])])
def test_a_channel_is_a_whole_number(play, channels) -> None:
    async def scenario(smu: Keithley2400) -> None:
        with pytest.raises(TypeError, match="no whole numbers"):
            await smu.write_volts(channels, np.array([1.0]))

    play([], scenario)
