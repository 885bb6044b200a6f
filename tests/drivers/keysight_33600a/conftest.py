"""A scripted 33600A: what it is told when it is opened, prepared, and loaded."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.keysight_33600a import Keysight33600A
from drivers.link_model import LinkModel
from drivers.transport.memory import MemoryNetwork

LAN = LinkModel(latency=1e-3, bytes_per_second=1e7)
RESOURCE = "TCPIP::awg::5025::SOCKET"
OK = b'+0,"No error"\n'
ASK = b"SYST:ERR?\n"
SMALL = b"Agilent Technologies,33522B,MY50005619,2.03-1.19-2.00-52-00\n"
LARGE = b"Keysight Technologies,33622A,MY53800001,A.02.03-3.15-03-64-02\n"
SINGLE = b"Keysight Technologies,33511B,MY53800002,5.03-3.15-2.00-52-00\n"


def told(*messages: bytes) -> list:
    """Messages without an answer, each followed by the question for the error queue."""
    return [(message + b"\n" + ASK, OK) for message in messages]


def asked(message: bytes, reply: bytes) -> tuple:
    return (message + b"\n" + ASK, reply + b"\n" + OK)


def prepared(channels: int = 2, load: bytes = b"50", bus: bool = True) -> list:
    """What brings a generator to a known state, 2 Vpp into 50 ohm."""
    off = b";:".join(b"OUTP%d OFF" % n for n in range(1, channels + 1))
    modes = [
        b";:".join(b"SOUR%d:%b:STAT OFF" % (n, mode) for n in range(1, channels + 1))
        for mode in (b"AM", b"FM", b"PM", b"FSK", b"SWE")
    ]
    entries = told(off, *modes, b"FORM:BORD SWAP")
    for n in range(1, channels + 1):
        entries += told(
            b"TRIG%d:SOUR BUS" % n, b"SOUR%d:BURS:STAT OFF" % n, b"SOUR%d:VOLT:UNIT VPP" % n,
            b"OUTP%d:LOAD %b" % (n, load), b"SOUR%d:VOLT:OFFS 0" % n, b"SOUR%d:FUNC SIN" % n,
            b"SOUR%d:VOLT 2" % n, b"SOUR%d:VOLT:OFFS 0" % n,
            b"SOUR%d:FUNC:ARB:SRAT 1000000" % n, b"SOUR%d:FUNC:ARB:FILT OFF" % n,
            b"OUTP%d:POL NORM" % n, b"OUTP%d:MODE NORM" % n, b"SOUR%d:FUNC:ARB:ADV SRAT" % n,
            b"SOUR%d:BURS:MODE TRIG" % n, b"SOUR%d:BURS:NCYC 1" % n, b"TRIG%d:SLOP POS" % n,
            b"TRIG%d:DEL 0" % n,
        )  # fmt: skip
        shown = b"+9.900000000000000E+37" if load == b"INF" else b"+5.000000000000000E+01"
        entries += [
            asked(b"SOUR%d:VOLT?" % n, b"+2.000000000000000E+00"),
            asked(b"SOUR%d:VOLT:OFFS?" % n, b"+0.000000000000000E+00"),
            asked(b"OUTP%d:LOAD?" % n, shown),
        ]
    return entries


def chosen(*channels: int, name: bytes = b"FRAME", rate: bytes = b"1000000", burst: bytes = b"ON",
           shown: bytes = b"+1.000000000000000E+06") -> tuple:  # fmt: skip
    units = []
    for n in channels:
        units += [
            b"SOUR%d:FUNC:ARB %b" % (n, name), b"SOUR%d:FUNC ARB" % n,
            b"SOUR%d:FUNC:ARB:SRAT %b" % (n, rate), b"SOUR%d:BURS:STAT %b" % (n, burst),
            b"OUTP%d ON" % n,
        ]  # fmt: skip
    units += [b"SOUR%d:FUNC:ARB:SRAT?" % n for n in channels]
    return asked(b";:".join(units), b";".join([shown] * len(channels)))


def uploaded(channel: int, words, name: bytes = b"FRAME", head: bytes | None = None) -> tuple:
    data = np.asarray(words, dtype="<i2").tobytes()
    length = str(len(data)).encode()
    clear = b"TRIG%d:SOUR BUS;:SOUR%d:DATA:VOL:CLE;:" % (channel, channel)
    head = clear if head is None else head
    block = b"#%d%b%b" % (len(length), length, data)
    return asked(head + b"SOUR%d:DATA:ARB:DAC %b,%b;*OPC?" % (channel, name, block), b"1")


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, idn: bytes = SMALL, **options):
        server = script([(b"*IDN?\n", idn), (ASK, OK), *entries], closing=idn)
        network = MemoryNetwork()
        network.listen_tcp("awg", 5025, server.serve)

        async def opened():
            awg = Keysight33600A("awg", RESOURCE, network, link=LAN, **options)
            await awg.open()
            try:
                return await scenario(awg)
            finally:
                await awg.close()

        result = virtual(opened())
        server.finish()
        return result

    return _play
