"""Messages as the makers' programming guides write them: none is refused, and the answers fit.

Long and short forms, units, header paths, optional nodes: what clients that have read the manual
send, whatever our own drivers say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sim_backends import catalogue
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Placement

Said = list[tuple[str, str]]
"""Messages and their answers, in an order."""

GENERATOR: Said = [
    ("*RST;*CLS;:OUTP1:LOAD INF;:SOUR1:FUNC SIN;FREQ 1.5 KHZ;VOLT 0.5 VPP;VOLT:OFFS 100 MV", ""),
    ("SOURce1:APPLy:SINusoid 1 KHZ, 3.0 VPP, -2.5 V", ""),
    ("APPL:SIN DEF", ""),
    ("SOUR1:FREQ 1E+05HZ;:SOUR1:FREQ?", "+1.000000000000000E+05"),
    ("SOURCE2:FUNCTION:SHAPE SQUARE;:SOUR2:FUNC?", "SQU"),
    ("FUNC:SQU:DCYC 20 PCT;DCYC?", "+2.000000000000000E+01"),
    ("VOLT:HIGH 1.0;LOW -1.0;:VOLT?;:VOLT:OFFS?", "+2.000000000000000E+00;+0.000000000000000E+00"),
    ("OUTP:POL INV;POL?;POL NORM", "INV"),
    ("BURS:MODE TRIG;NCYC 3;INT:PER 10 MS;:BURS:PHAS 90;STAT ON", ""),
    ("BURS:NCYC INF;NCYC?", "+9.900000000000000E+37"),
    ("TRIG:DEL 5 MS;DEL?", "+5.000000000000000E-03"),
    ("OUTP:SYNC ON;:OUTP:SYNC:SOUR CH1;:OUTP:SYNC:MODE NORM", ""),
    ("FUNC:ARB:SRAT 1E6;SRAT?", "+1.000000000000000E+06"),
    ("FORM:BORD NORM;BORD?;BORD SWAP", "NORM"),
    ("DISP:TEXT 'Test \"running\"';TEXT?", '"Test ""running"""'),
    ("SYST:VERS?;*OPT?", "1999.0;010"),
    ("STAT:QUES:ENAB 1;ENAB?;:STAT:OPER:COND?;:STAT:PRES", "1;0"),
    ('DATA:ATTR:POIN? "INT:\\BUILTIN\\SINC.ARB"', "+100"),
    ("VOLT:LIM:HIGH 2;LOW -2;STAT ON;STAT?;STAT OFF", "1"),
    ("*SAV 1;:MEM:STAT:VAL? 1;:MEM:NST?", "1;+5"),
]  # fmt: skip
SOURCE_METER: Said = [
    ("*rst;*cls;:sour:func volt;:sour:volt:mode fixed;:sour:volt:rang 20;:sour:volt:lev 10", ""),
    (":SYST:ERR?;ERR:ALL?", '0,"No error";0,"No error"'),
    (":SOUR:VOLT:RANG UP;RANG?", "2.100000E+02"),
    (":SENS:CURR:RANG DOWN", ""),
    (":SOUR:DEL 100 ms;DEL?", "0.100000"),
    (":SENS:CURR:NPLC DEF;NPLC?;NPLC? MIN", "1.00;0.01"),
    (":SENS:FUNC:OFF:ALL;:SENS:FUNC:ON:ALL;:SENS:FUNC:ON:COUN?", "3"),
    (":SENSe1:FUNCtion:CONCurrent OFF;:SENS:FUNC 'VOLT:DC';:SENS:FUNC:STAT? 'VOLT'", "1"),
    (":SYST:RSEN ON;RSEN?;:SYST:RSEN OFF", "1"),
    (":ROUT:TERM REAR;TERM?;TERM FRON", "REAR"),
    (":SOUR:SWE:SPAC LIN;POIN 11;DIR UP;RANG AUTO", ""),
    (":SOUR:VOLT:STAR 0;STOP 5;STEP 0.5;:SOUR:VOLT:MODE SWE", ""),
    (":SOUR:LIST:VOLT 1,2,3;VOLT:APP 4;POIN?", "4"),
    ("*ESE #HFF;*ESE?;*ESE #B100100;*ESE?;*ESE #Q44;*ESE?", "255;36;36"),
    ("*SRE 255;*SRE?", "191"),
    (":FORM:SREG HEX;*ESE?;:FORM:SREG ASC", "#H24"),
    (':DISP:WIND1:TEXT:DATA "Hello";STAT ON;:DISP:TEXT:STAT OFF', ""),
    (":TRAC:POIN 10;FEED SENS;FEED:CONT NEXT;:TRAC:CLE", ""),
    (":SOUR:CURR:LEV:IMM:AMPL 1 MA;AMPL?", "1.000000E-03"),
    ("*OPC;*WAI;*OPC?", "1"),
    ("*SAV 2;*RCL 2", ""),
]  # fmt: skip
TOUCH_SOURCE_METER: Said = [
    ('*RST;:SENS:FUNC "CURR";:SENS:CURR:RANG:AUTO ON;:SENS:CURR:RSEN OFF', ""),
    (":SOUR:FUNC VOLT;:SOUR:VOLT:RANG 20;:SOUR:VOLT 5;:SOUR:VOLT:ILIM 0.01", ""),
    (":SOUR:VOLT:ILIM:TRIP?", "0"),
    (":SENS:CURR:NPLC 1;NPLC?;NPLC? MAX", "1.000000E+00;1.000000E+01"),
    (":SENSe:COUNt 3;COUN?", "3"),
    (":SENS:CURR:AVER:TCON REP;COUN 10;:SENS:CURR:AVER ON", ""),
    (":SENS:CURR:UNIT OHM;UNIT?;UNIT AMP", "OHM"),
    (':TRAC:MAKE "my",100;:TRAC:POIN? "my";:TRAC:ACT? "my"', "100;0"),
    (':TRAC:CLE "my";:TRAC:DEL "my"', ""),
    (":SOUR:SWE:VOLT:LIN 0,1,5,0.01", ""),
    (":SOUR:SWE:VOLT:LIN:STEP 0,1,0.25,10e-3", ""),
    (":SOUR:LIST:VOLT 1,2,3;:SOUR:LIST:VOLT:POIN?", "3"),
    (":SOUR:VOLT:READ:BACK ON;BACK?", "1"),
    (":SOUR:VOLT:PROT PROT20;PROT?", "PROT20"),
    (":ROUT:TERM REAR;TERM?;:ROUT:TERM FRON", "REAR"),
    (":OUTP:CURR:SMOD HIMP;:OUTP:VOLT:SMOD?", "NORM"),
    (":DISP:SCR HOME;:DISP:LIGH:STAT ON75;:DISP:CURR:DIG 5", ""),
    (":FORM:DATA ASC;:FORM:ASC:PREC 6;PREC?", "6"),
    (":SYST:BEEP 500,0.1;:SYST:EVEN:COUN? ALL", "0"),
    ('*LANG?;:TRIG:LOAD "Empty";:TRIG:STAT?', "SCPI;EMPTY;EMPTY;0"),
]  # fmt: skip
POWER_METER: Said = [
    (":SENS1:POW:UNIT DBM;UNIT?", "+0"),
    ("sens1:chan1:pow:wav 1550NM;wav?", "+1.55000000E-006"),
    (":SENS2:POW:ATIM 100MS;ATIM?", "+1.00000000E-001"),
    ("SENSe3:CHANnel:POWer:RANGe:UPPer -20DBM;:SENS3:POW:RANG?", "-2.00000000E+001"),
    (":SENS3:POW:RANG:AUTO 1;AUTO?", "+1"),
    (":SENS1:FUNC:PAR:LOGG 10,1MS;:SENS1:FUNC:PAR:LOGG?", "+10,+1.00000000E-003"),
    (":SENS1:FUNC:STAT LOGG,STOP", ""),
    ("SENS1:POW:REF TOREF,-10DBM;REF? TOREF", "-1.00000000E+001"),
    (":SENS1:POW:REF:STAT ON;STAT?;:SENS1:POW:REF:STAT OFF", "+1"),
    (":TRIG1:INP SME;INP?;:TRIG1:INP IGN", "SME"),
    (":TRIG:CONF 3;CONF?;CONF DEF", "LOOP"),
    (":SENS1:CORR 1DB;CORR?;CORR 0", "+1.00000000E+000"),
    (":INIT1:CONT ON;CONT?", "+1"),
    ("*OPC?;*STB?", "1;0"),
    (":SLOT:EMPT?", "+0"),
    (":SYST:VERS?", "1995.0"),
    (":SENS1:CORR:COLL:ZERO?", "+0"),
    ("*SRE 255;*SRE?;*ESE 60;*ESE?", "191;60"),
]  # fmt: skip
OSCILLOSCOPE: Said = [
    ("*RST;*CLS", ""),
    (":CHANnel1:SCALe 500mV;:CHAN1:SCAL?", "+5.00000E-01"),
    (":CHAN1:RANG 8.0V;:CHAN1:SCAL?", "+1.00000E+00"),
    (":CHAN1:OFFS 0.1;OFFS?", "+1.00000E-01"),
    (":CHAN1:BWL ON;:CHAN1:BWLimit?", "1"),
    (':CHAN1:LAB "ONE";LAB?', '"ONE"'),
    (":TIMebase:MODE MAIN;RANG 1E-3;REF CENT;POS 0", ""),
    (":TIM:SCAL 100us;SCAL?", "+1.00000E-04"),
    (":TRIGger:MODE EDGE;:TRIG:EDGE:SOUR CHAN1;LEV 0.25;SLOP POS", ""),
    (":TRIG:SWE NORM;:TRIG:SWE?", "NORM"),
    (":TRIG:HOLD 1us;HOLD?", "+1.00000E-06"),
    (":ACQ:TYPE AVER;COUN 8;TYPE?;COUN?", "AVER;+8"),
    (":ACQuire:COMPlete 100;:ACQ:MODE?", "RTIM"),
    (":WAV:SOUR CHAN1;FORM WORD;BYT LSBF;UNS 0;POIN:MODE RAW", ""),
    (":MEAS:SOUR CHAN1;SOUR?", "CHAN1,NONE"),
    (":OPEE 8;:OPEE?", "+8"),
    (":VIEW CHAN2;:STAT? CHAN2;:BLAN CHAN2", "1"),
    ("*SAV 9;*RCL 9;*OPT?", "0"),
    (":STOP;:SING;:RUN;:STOP", ""),
]  # fmt: skip
MODELS: dict[str, Said] = {
    "keysight_33600a": GENERATOR, "keithley_2400": SOURCE_METER,
    "keithley_2450": TOUCH_SOURCE_METER, "keysight_n7744a": POWER_METER,
    "keysight_infiniivision": OSCILLOSCOPE,
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_what_a_manual_shows(model: str, run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        instrument = catalogue.build(model, Placement(clock=BenchClock(), seed=1, options={}))
        door = next(one for one in instrument.doors if one.kind in ("tcp", "message"))
        sent: list[bytes] = []
        client: Any = door.converse(sent.append)

        def ask(text: str) -> str:
            sent.clear()
            client.receive(text.encode("latin-1") + b"\n")
            return b"".join(sent).decode("latin-1").rstrip("\r\n")

        for message, answer in MODELS[model]:
            told = ask(message)
            assert ask("SYST:ERR?").lstrip("+").startswith("0,"), message
            assert told.replace("; ", ";") == answer, message
            await asyncio.sleep(0.0)

    run(scenario())
