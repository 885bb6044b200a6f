"""The TSL-570 driver: exact bytes of both command sets, and replies that are none."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError
from drivers.santec_tsl570 import SantecTsl570
from drivers.santec_tsl570.quantities import (
    MODULATION_SOURCE,
    POWER_DBM,
    TRIGGER_STEP,
    WAVELENGTH,
)
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from drivers.transport.resource import ResourceError
from drivers.wavelength_sweep import WavelengthSweep
from tests.drivers.conftest import LINK, Script, run

RESOURCE = "TCPIP::laser::5000::SOCKET"
IDN = b"SANTEC,TSL-570,21020001,0001.0000.0001\r"
FINE = b"0,No error\r"


def said(command: str, reply: bytes = b"") -> tuple[bytes, bytes]:
    """A command with the question for the error queue right behind it, and what comes."""
    return command.encode() + b"\rSYST:ERR?\r", reply + FINE


def greeting(scpi: bool) -> list[tuple[bytes, bytes]]:
    """What opening says."""
    return [
        (b"*IDN?\r", IDN),
        (b"SYST:ERR?\r", FINE),
        said("SYST:COMM:COD?", b"+1\r" if scpi else b"0\r"),
    ]


def scripted(entries: list[Any], scenario: Any, *, scpi: bool = True) -> None:
    """Run a scenario with an opened driver against exactly these bytes."""

    async def main() -> None:
        network = MemoryNetwork()
        script = Script([*greeting(scpi), *entries], closing=IDN)
        network.listen_tcp("laser", 5000, script.serve)
        laser = SantecTsl570("laser", RESOURCE, network, link=LINK)
        await laser.open()
        await scenario(laser)
        await laser.close()
        await network.close()
        script.finish()

    run(main())


def test_light_in_the_scpi_set() -> None:
    async def scenario(laser: SantecTsl570) -> None:
        assert laser.command_set == "SCPI"
        assert laser.identity is not None
        assert laser.identity.serial == "21020001"
        await laser.set_wavelength(1550e-9)
        assert await laser.read_wavelength() == 1.55e-6
        await laser.set_power_dbm(10.0)
        assert await laser.read_power_dbm() == 10.0
        await laser.on()
        assert await laser.read_power() == pytest.approx(9.12e-3, rel=1e-3)
        await laser.off()

    scripted(
        [
            said("WAV? MIN", b"+1.48000000E-006\r"), said("WAV? MAX", b"+1.64000000E-006\r"),
            said("WAV 1.55000000E-06"), said("*OPC?", b"1\r"),
            said("WAV?", b"+1.55000000E-006\r"),
            said("POW 10.00DBM"),
            said("POW?", b"+1.00000000E+001\r"), said("POW:UNIT?", b"+0\r"),
            said("POW:STAT 1"), said("POW:SHUT 0"), said("WAV:SWE?", b"+0\r"),
            said("*OPC?", b"1\r"), said("POW:STAT?", b"+1\r"), said("POW:SHUT?", b"+0\r"),
            said("POW:STAT?", b"+1\r"), said("POW:SHUT?", b"+0\r"),
            said("POW:ACT?", b"+9.60000000E+000\r"), said("POW:UNIT?", b"+0\r"),
            said("POW:SHUT 1"), said("POW:STAT 0"), said("WAV:SWE?", b"+0\r"),
            said("POW:STAT?", b"+0\r"),
        ],
        scenario,
    )  # fmt: skip


def test_light_in_the_legacy_set_and_milliwatts() -> None:
    async def scenario(laser: SantecTsl570) -> None:
        assert laser.command_set == "Legacy"
        await laser.set_wavelength(1550.5e-9)
        assert await laser.read_wavelength() == 1550.5e-9
        await laser.set_power(5e-3)
        assert await laser.read_power_dbm() == pytest.approx(6.98970, abs=1e-4)
        await laser.set_power_dbm(-3.0)
        await laser.set(TRIGGER_STEP, 1e-12)
        assert await laser.get(MODULATION_SOURCE) == "frequency"
        await laser.set(MODULATION_SOURCE, "intensity")

    scripted(
        [
            said("WAV:MIN?", b"1480.0000\r"), said("WAV:MAX?", b"1640.0000\r"),
            said("WAV 1550.5000"), said("*OPC?", b"1\r"), said("WAV?", b"1550.5000\r"),
            said("POW:UNIT?", b"1\r"), said("POW 5.00"),
            said("POW?", b"5.00\r"), said("POW:UNIT?", b"1\r"),
            said("POW:UNIT?", b"0\r"), said("POW -3.00"),
            said("TRIG:OUTP:STEP 0.0010"),
            said("AM:SOUR?", b"3\r"), said("AM:SOUR 1"),
        ],
        scenario,
        scpi=False,
    )  # fmt: skip


def test_a_sweep_and_blocks_of_either_set() -> None:
    async def scenario(laser: SantecTsl570) -> None:
        sweep = WavelengthSweep(1550e-9, 1551e-9, 10e-9, 0.5e-9)
        await laser.sweep.set_up(sweep, begin="software")
        for _ in range(4):
            wavelengths, powers = await laser.sweep.read_log()
            assert wavelengths == pytest.approx([1550e-9, 1550.5e-9, 1551e-9])
            assert powers == pytest.approx([1e-3, 2e-3, 1e-2], rel=1e-3)

    wide = struct.pack("<3d", 1550e-9, 1550.5e-9, 1551e-9)
    tenths = np.array([15500000, 15505000, 15510000], "<i4").tobytes()
    dbm = (0.0, 3.0103, 10.0)
    scripted(
        [
            said("WAV? MIN", b"+1.48000000E-006\r"), said("WAV? MAX", b"+1.64000000E-006\r"),
            said("WAV:SWE:STAR 1.55000000E-06"), said("WAV:SWE:STOP 1.55100000E-06"),
            said("WAV:SWE:SPE 10"), said("WAV:SWE:MOD 1"), said("TRIG:OUTP:STEP 5.00000000E-10"),
            said("TRIG:OUTP:SETT 0"), said("TRIG:OUTP 3"), said("TRIG:INP:STAN 1"),
            said("TRIG:INP:EXT 0"),
            said("READ:POIN?", b"+3\r"), said("READ:DAT?", b"#224" + wide + b"\r"),
            said("READ:DAT:POW?", b"#212" + struct.pack("<3f", *dbm) + b"\r"),
            said("READ:POIN?", b"3\r"), said("READ:DAT?", b"#212" + tenths + b"\r"),
            said("READ:DAT:POW?", b"#224" + struct.pack("<3d", *dbm) + b"\r"),
            # without a CR behind the block, as clients on LAN have it
            said("READ:POIN?", b"3\r"), said("READ:DAT?", b"#212" + tenths),
            said("READ:DAT:POW?", b"#212" + struct.pack("<3f", *dbm)),
            # a TSL-775's powers, in mdBm
            said("READ:POIN?", b"+3\r"), said("READ:DAT?", b"#224" + wide),
            said("READ:DAT:POW?", b"#212" + struct.pack("<3i", 0, 3010, 10000)),
        ],
        scenario,
    )  # fmt: skip


def test_a_refusal_names_command_and_error() -> None:
    async def scenario(laser: SantecTsl570) -> None:
        with pytest.raises(InstrumentError, match=r"COHC.*-200.*Execution error"):
            await laser.tell("COHC 1")

    entry = b"-200,Execution error\r"
    scripted([(b"COHC 1\rSYST:ERR?\r", entry), (b"SYST:ERR?\r", FINE)], scenario)


def test_another_laser_and_another_link_are_refused() -> None:
    async def main() -> None:
        network = MemoryNetwork()
        network.listen_tcp("laser", 5000, Script([(b"*IDN?\r", b"SANTEC,TSL-550,1,2\r")]).serve)
        laser = SantecTsl570("laser", "TCPIP::laser::INSTR", network, link=LINK)
        with pytest.raises(IdentityError, match="TSL-570"):
            await laser.open()
        await network.close()

    run(main())
    with pytest.raises(ResourceError):
        SantecTsl570("laser", "ASRL/dev/ttyUSB0::INSTR", MemoryNetwork(), link=LINK)


def test_a_command_set_that_cannot_be_read_keeps_it_closed() -> None:
    async def main() -> None:
        network = MemoryNetwork()
        script = Script([*greeting(True)[:2], said("SYST:COMM:COD?", b"2\r")], closing=IDN)
        network.listen_tcp("laser", 5000, script.serve)
        laser = SantecTsl570("laser", RESOURCE, network, link=LINK)
        with pytest.raises(InstrumentError, match="SYST:COMM:COD"):
            await laser.open()
        assert not laser.is_open
        await network.close()

    run(main())


@given(st.floats(1e-13, 1e-5))
def test_lengths_survive_either_set(metres: float) -> None:
    assert WAVELENGTH.parse(WAVELENGTH.text(metres)) == pytest.approx(metres, rel=1e-8)
    legacy = WAVELENGTH.in_legacy()
    assert "E" not in legacy.text(metres)
    assert WAVELENGTH.parse(legacy.text(metres)) == pytest.approx(metres, abs=5.1e-14)


@given(st.text(max_size=30))
def test_any_text_is_a_length_or_a_value_error(text: str) -> None:
    for quantity in (WAVELENGTH, POWER_DBM):
        with contextlib.suppress(ValueError):
            assert isinstance(quantity.parse(text), float)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(["read_wavelength", "read_power", "lit", "log"]))
def test_any_reply_is_a_value_or_a_typed_error(reply: bytes, what: str) -> None:
    async def main() -> None:
        network = MemoryNetwork()

        async def serve(reader: asyncio.StreamReader, writer: Any) -> None:
            answers = {
                b"*IDN?": IDN, b"SYST:ERR?": FINE, b"SYST:COMM:COD?": b"+1\r",
                b"POW:UNIT?": b"+0\r", b"READ:POIN?": b"+3\r",
            }  # fmt: skip
            while line := await reader.read(4096):
                for command in line.split(b"\r")[:-1]:
                    if command.endswith(b"?"):
                        writer.write(answers.get(command, reply + b"\r"))

        network.listen_tcp("laser", 5000, serve)
        laser = SantecTsl570("laser", RESOURCE, network, link=LINK)
        await laser.open()
        try:
            if what == "log":
                wavelengths, _ = await laser.sweep.read_log()
                assert wavelengths.shape == (3,)
            else:
                assert isinstance(await getattr(laser, what)(), float | bool)
        except (InstrumentError, LinkError):
            pass
        await laser.close()
        await network.close()

    run(main())
