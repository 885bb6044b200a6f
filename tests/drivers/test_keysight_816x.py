"""The Keysight laser driver: exact bytes, and replies that are none."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import InstrumentError
from drivers.keysight_816x import Keysight816x
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from drivers.wavelength_sweep import WavelengthSweep
from tests.drivers.conftest import LINK, Script, run

RESOURCE = "TCPIP::laser::5025::SOCKET"
IDN = b"Keysight Technologies,N7776C,MY59700220,V2.022\n"
FINE = b'+0,"No error"\n'


def said(command: str, reply: bytes = b"") -> tuple[bytes, bytes]:
    """A command with the question for the error queue right behind it, and what comes."""
    return command.encode() + b"\nSYST:ERR?\n", reply + FINE


def scripted(entries: list[Any], scenario: Any, **options: Any) -> None:
    """Run a scenario with an opened driver against exactly these bytes."""

    async def main() -> None:
        network = MemoryNetwork()
        script = Script([(b"*IDN?\n", IDN), (b"SYST:ERR?\n", FINE), *entries], closing=IDN)
        network.listen_tcp("laser", 5025, script.serve)
        laser = Keysight816x("laser", RESOURCE, network, link=LINK, **options)
        await laser.open()
        await scenario(laser)
        await laser.close()
        await network.close()
        script.finish()

    run(main())


RANGE = [
    said("SOUR0:WAV? MIN", b"+1.48000000E-006\n"), said("SOUR0:WAV? MAX", b"+1.62000000E-006\n"),
]  # fmt: skip


def test_light() -> None:
    async def scenario(laser: Keysight816x) -> None:
        await laser.set_wavelength(1550e-9)
        assert await laser.read_wavelength() == 1.55e-6
        await laser.set_power_dbm(6.0)
        assert await laser.read_power_dbm() == pytest.approx(6.0206, abs=1e-4)
        await laser.on()
        assert await laser.read_power() == pytest.approx(4e-3)
        await laser.off()

    scripted(
        [
            *RANGE, said("SOUR0:WAV 1550.0000NM"), said("*OPC?", b"1\n"),
            said("SOUR0:WAV?", b"+1.55000000E-006\n"),
            said("SOUR0:POW 6.000DBM"),
            said("SOUR0:POW?", b"+4.00000000E-003\n"), said("SOUR0:POW:UNIT?", b"+1\n"),
            said("LOCK?", b"1\n"), said("LOCK 0,1234"), said("LOCK?", b"+0\n"),
            said("SOUR0:POW:STAT 1"), said("SOUR0:WAV:SWE?", b"+0\n"), said("*OPC?", b"1\n"),
            said("SOUR0:POW:STAT?", b"1\n"), said("LOCK?", b"0\n"),
            said("SOUR0:POW:STAT?", b"+1\n"), said("LOCK?", b"+0\n"),
            said("SOUR0:POW?", b"+4.00000000E-003\n"), said("SOUR0:POW:UNIT?", b"+1\n"),
            said("SOUR0:POW:STAT 0"), said("SOUR0:WAV:SWE?", b"+0\n"),
            said("SOUR0:POW:STAT?", b"+0\n"),
        ],
        scenario,
        pin="1234",
    )  # fmt: skip


def test_the_order_of_a_triggered_sweep() -> None:
    async def scenario(laser: Keysight816x) -> None:
        sweep = WavelengthSweep(1550e-9, 1551e-9, 40e-9, 500e-12)
        assert await laser.sweep.set_up(sweep, "software", to_modules=True) == 3
        await laser.sweep.start()
        await laser.sweep.trigger()
        await laser.sweep.finish()
        assert await laser.sweep.read_log() == pytest.approx([1550e-9, 1550.5e-9, 1551e-9])

    block = b"#224" + struct.pack("<3d", 1550e-9, 1550.5e-9, 1551e-9) + b"\n"
    chec = b"SOUR0:WAV:SWE:CHEC?\nSYST:ERR?\n"
    scripted(
        [
            *RANGE, said("SOUR0:WAV:SWE:STAR 1550.0000NM"), said("SOUR0:WAV:SWE:STOP 1551.0000NM"),
            said("SOUR0:WAV:SWE:MODE CONTinuous"), said("SOUR0:WAV:SWE:STEP 500.0PM"),
            said("SOUR0:WAV:SWE:SPE 40.000NM/S"), said("SOUR0:WAV:SWE:CYCL 1"),
            said("SOUR0:WAV:SWE:REP ONEWay"), said("TRIG0:OUTP STFinished"),
            said("TRIG0:INP SWStart"), said("TRIG:CONF LOOPback"), said("SOUR0:WAV:SWE:LLOG 1"),
            # `0,OK` has the form of an error: the identity tells that it is an answer.
            (chec, b"0,OK\n" + FINE),
            said("SOUR0:WAV:SWE:EXP?", b"+3\n"),
            said("SOUR0:POW:STAT?", b"+1\n"), said("LOCK?", b"+0\n"), said("SOUR0:WAV:SWE 1"),
            said("SOUR0:WAV:SWE:FLAG?", b"+0\n"), said("SOUR0:WAV:SWE:FLAG?", b"+1\n"),
            said("SOUR0:WAV:SWE:SOFT"),
            said("SOUR0:WAV:SWE?", b"+1\n"), said("SOUR0:WAV:SWE?", b"+0\n"),
            said("SOUR0:READ:POIN? LLOG", b"+3\n"), said("SOUR0:READ:DATA? LLOG", block),
        ],
        scenario,
    )  # fmt: skip


def test_sweep_parameters_that_do_not_fit() -> None:
    async def scenario(laser: Keysight816x) -> None:
        with pytest.raises(InstrumentError, match=r"371.*step or speed"):
            await laser.sweep._check()

    chec = b"SOUR0:WAV:SWE:CHEC?\nSYST:ERR?\n"
    scripted([(chec, b"371,triggerFreq too large\n" + FINE)], scenario)


@pytest.mark.parametrize(
    ("options", "match"),
    [({"slot": 18}, "slot"), ({"slot": -1}, "slot"), ({"warm_up": 0.0}, "warm")],
)
def test_wrong_options(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Keysight816x("laser", RESOURCE, MemoryNetwork(), link=LINK, **options)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=40),
    st.sampled_from(["read_wavelength", "read_power", "lit", "log", "check", "state"]),
)
def test_any_reply_is_a_value_or_a_typed_error(reply: bytes, what: str) -> None:
    async def main() -> None:
        network = MemoryNetwork()

        async def serve(reader: asyncio.StreamReader, writer: Any) -> None:
            answers = {
                b"*IDN?": IDN, b"SYST:ERR?": FINE, b"SOUR0:POW:UNIT?": b"+0\n",
                b"SOUR0:READ:POIN? LLOG": b"+3\n", b"LOCK?": b"+0\n",
            }  # fmt: skip
            while line := await reader.read(4096):
                for command in line.split(b"\n")[:-1]:
                    if b"?" in command:
                        writer.write(answers.get(command, reply + b"\n"))

        network.listen_tcp("laser", 5025, serve)
        laser = Keysight816x("laser", RESOURCE, network, link=LINK)
        await laser.open()
        try:
            if what == "log":
                assert (await laser.sweep.read_log()).shape == (3,)
            elif what == "check":
                await laser.sweep._check()
                assert reply.strip().lstrip(b"+").partition(b",")[0].strip() == b"0"
            elif what == "state":
                assert await laser.sweep.state() in (0, 1, 2)
            else:
                assert isinstance(await getattr(laser, what)(), float | bool)
        except (InstrumentError, LinkError):
            pass
        await laser.close()
        await network.close()

    run(main())
