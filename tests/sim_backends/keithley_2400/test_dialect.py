"""The simulated 2400: spellings, refusals, the error queue, forms of data."""

from __future__ import annotations

import struct

import pytest

from tests.sim_backends.keithley_2400.conftest import READY
from tests.sim_backends.source_meter_client import Client


def test_identity_and_defaults(play) -> None:
    async def scenario(smu: Client, load) -> None:
        assert smu.ask("*IDN?") == (
            "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C34   Feb 14 2012 11:59:45/A02  /J/H"
        )
        for query, reply in [
            (":OUTP?", "0"), (":OUTP:SMOD?", "NORM"), (":SOUR:FUNC?", "VOLT"),
            (":SOUR:VOLT:RANG?", "2.100000E+01"), (":SOUR:VOLT:RANG:AUTO?", "1"),
            (":SOUR:CURR:RANG?", "1.050000E-04"), (":SOUR:DEL:AUTO?", "1"),
            (":SENS:FUNC?", '"CURR:DC"'), (":SENS:CURR:RANG?", "1.050000E-04"),
            (":SENS:CURR:PROT?", "1.050000E-04"), (":SENS:VOLT:PROT?", "2.100000E+01"),
            (":SENS:CURR:NPLC?", "1.00"), (":SENS:AVER:TCON?", "REP"), (":AVER:COUN?", "10"),
            (":SENS:AVER?", "0"), (":SYST:RSEN?", "0"), (":SYST:AZER?", "1"),
            (":ROUT:TERM?", "FRON"), (":ARM:COUN?", "1"), (":TRIG:COUN?", "1"),
            (":ARM:SOUR?", "IMM"), (":TRIG:ILIN?", "1"), (":TRIG:OLIN?", "2"),
            (":FORM?", "ASC"), (":FORM:ELEM?", "VOLT,CURR,RES,TIME,STAT"),
            (":SOUR:CLE:AUTO?", "0"), (":SOUR:VOLT:MODE?", "FIX"), (":SYST:ERR?", '0,"No error"'),
        ]:  # fmt: skip
            assert smu.ask(query) == reply, query

    play(scenario)


def test_one_command_in_many_spellings(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for text in (
            ":SOURce:VOLTage:LEVel:IMMediate:AMPLitude 1.5", "sour1:volt 1.5", "SOUR:VOLT 1500 MV",
            "SOURCE1:VOLTAGE:LEVEL 1.5V", ":SOUR:FUNC VOLT;VOLT 1.5", "*CLS;:SOUR:VOLT:AMPL 15e-1",
        ):  # fmt: skip
            smu.write(":SOUR:VOLT 0")
            assert smu.ask(text) == ""
            assert smu.ask(":SOUR:VOLT?") == "1.500000E+00", text
        assert smu.ask(":FUNC 'VOLT','RES';FUNC?") == '"VOLT:DC","CURR:DC","RES"'
        assert smu.ask(':SENS:FUNC:OFF "voltage:dc";STAT? "VOLT";:SENS:CURR:PROT:LEV? MAX') == (
            "0;1.050000E+00"
        )
        assert smu.ask(":ARM:TIM? MAX;:SOUR:VOLT:RANG? MAX") == "99999.990000;2.100000E+02"
        assert smu.ask(":OUTP:STAT?; :SYST:ERR:COUN?") == "0;0"
        smu.write(":SYSTe:PRESe")
        assert smu.ask(":SYST:ERR?") == '-113,"Undefined header"'

    play(scenario)


def test_a_bad_unit_discards_what_follows(play) -> None:
    async def scenario(smu: Client, load) -> None:
        assert smu.ask(":SOUR:VOLT 1;:SOUR:VOLT 300;:SOUR:VOLT 2;:SOUR:VOLT?") == ""
        assert smu.ask(":SOUR:VOLT?") == "1.000000E+00"
        assert smu.ask(":SYST:ERR?") == '-222,"Parameter data out of range"'

    play(scenario)


def test_the_error_queue_holds_ten(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for _ in range(12):
            smu.write(":NO:SUCH")
        assert smu.ask(":SYST:ERR:COUN?") == "10"
        assert smu.ask(":SYST:ERR:CODE?") == "-113"
        assert smu.ask(":STAT:QUE?") == '-113,"Undefined header"'
        assert smu.ask(":SYST:ERR:ALL?").endswith('-350,"Queue overflow"')
        assert smu.ask(":SYST:ERR:ALL?") == '0,"No error"'
        smu.write(":NO:SUCH")
        assert smu.ask("*STB?;:SYST:CLE;*STB?") == "4;0"

    play(scenario)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (":SENS:CURR:PROT 0.2;:SOUR:VOLT 22", '+826,"Attempt to exceed power limit"'),
        (":SOUR:VOLT 22;:SENS:CURR:PROT 0.2", '+826,"Attempt to exceed power limit"'),
        (":SENS:VOLT:PROT 30;:SOUR:CURR 0.2", '+826,"Attempt to exceed power limit"'),
        (":SENS:CURR:PROT 1e-3;:SENS:CURR:RANG 0.1", '+824,"Cannot exceed compliance range"'),
        (":SENS:CURR:PROT 1e-12", '+822,"Too small for sense range"'),
        (":SOUR:VOLT:RANG 2;:SOUR:VOLT 3", '-222,"Parameter data out of range"'),
        (":SOUR:VOLT 3;:SOUR:VOLT:RANG 2", '-221,"Settings conflict"'),
        (":SOUR:LIST:VOLT 1,2,211", '-222,"Parameter data out of range"'),
        (":SENS:FUNC CURR", '-151,"Invalid string data"'),
        (":SENS:FUNC 'POWER'", '-224,"Illegal parameter value"'),
        (":SENS:CURR:NPLC 11", '-222,"Parameter data out of range"'),
        (":ARM:COUN 100;:TRIG:COUN 26", '-222,"Parameter data out of range"'),
        (":FORM:ELEM POWER", '-224,"Illegal parameter value"'),
        (":FORM REAL,64", '-224,"Illegal parameter value"'),
        (":TRAC:FEED:CONT NEXT;:TRAC:POIN 5", '+800,"Illegal with storage active"'),
        (":SOUR:VOLT", '-109,"Missing parameter"'),
        (":SOUR:VOLT nan", '-121,"Invalid character in number"'),
        (":OUTP ON;:ARM:COUN INF;:READ?", '+830,"Invalid with INFinite ARM:COUNT"'),
        ("*TRG", '-211,"Trigger ignored"'),
    ],
)
def test_what_is_refused(play, text: str, error: str) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(text)
        assert smu.ask(":SYST:ERR?") == error
        assert smu.ask(":SYST:ERR?") == '0,"No error"'

    play(scenario)


def test_binary_and_byte_order(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:FORM:ELEM VOLT,CURR")
        volts, amperes = map(float, (await smu.wait(":READ?")).split(","))
        for text, layout in ((":FORM REAL,32", ">2f"), (":FORM:BORD SWAP", "<2f")):
            smu.ask(f"{text};:FETC?")
            assert smu.sent[:2] == b"#0"
            assert smu.sent[10:] == b"\n"
            assert struct.unpack(layout, smu.sent[2:10]) == pytest.approx((volts, amperes))
        line = Client(smu.device, 0)
        line.write(":FORM SRE")
        assert line.ask(":FORM ASC;:SYST:ERR?") == '+701,"ASCII only with RS-232"'

    play(scenario)


def test_line_ends_and_control_characters(play) -> None:
    async def scenario(smu: Client, load) -> None:
        line = Client(smu.device, 0)
        line.session.receive(b":OUTP?\r")
        line.session.receive(b":OUTP?\r\n:OUTP?\n")
        assert line.sent == b"0\r\n" * 3
        line.sent = b""
        line.write(READY + ";:TRIG:COUN 100;:READ?")
        line.session.receive(b"\x03:OUTP?\r")
        assert line.sent == b"1\r\n"

    play(scenario, line_end=b"\r\n")


def test_registers_in_four_bases(play) -> None:
    """FORMat:SREGister goes for all status registers, and nothing else (user's manual, 18)."""

    async def scenario(client, load) -> None:
        client.write("*ESE 36;*SRE 191;:STAT:MEAS:ENAB 512;:STAT:OPER:ENAB 10")
        for word, told in {
            "HEX": "#H24;#HBF;#H200;#HA", "OCT": "#Q44;#Q277;#Q1000;#Q12",
            "BINary": "#B100100;#B10111111;#B1000000000;#B1010", "ASC": "36;191;512;10",
        }.items():  # fmt: skip
            client.write(f":FORM:SREG {word}")
            assert client.ask("*ESE?;*SRE?;:STAT:MEAS:ENAB?;:STAT:OPER:ENAB?") == told
            assert client.ask(":TRIG:COUN?") == "1"
        assert client.ask(":SYST:ERR:COUN?") == "0"

    play(scenario)


def test_the_protection_tells_its_ends(play) -> None:
    async def scenario(smu: Client, load) -> None:
        assert smu.ask(":SOUR:VOLT:PROT 35") == ""
        for query, reply in [
            (":SOUR:VOLT:PROT?", "4.000000E+01"), (":SOUR:VOLT:PROT? MIN", "2.000000E+01"),
            (":SOUR:VOLT:PROT? MAXimum", "2.100000E+02"),
            (":SOUR:VOLT:PROT:LEV? DEF", "2.100000E+02"),
        ]:  # fmt: skip
            assert smu.ask(query) == reply
        assert smu.ask(":SOUR:VOLT:PROT? 5") == ""
        assert smu.ask(":SYST:ERR?").startswith("-224")

    play(scenario)
