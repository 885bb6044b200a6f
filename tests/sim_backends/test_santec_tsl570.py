"""The simulated TSL-570: both command sets, light, sweeps, triggers, and what a CR LF does."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.santec_tsl570 import SantecTsl570
from sim_backends.tunable_source import Emission


class Client:
    """A laser and a session with it."""

    def __init__(self, **options: Any) -> None:
        self.laser = SantecTsl570(self._now, **options)
        self.sent: list[bytes] = []
        self.session = self.laser.converse(self.sent.append)

    @staticmethod
    def _now() -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0

    def ask(self, text: str) -> str:
        """What is answered, without its CR."""
        return self.bytes(text).decode("latin-1").removesuffix("\r")

    def bytes(self, text: str) -> bytes:
        """The answer as it comes."""
        self.sent.clear()
        self.session.receive(text.encode() + b"\r")
        return b"".join(self.sent)

    def errors(self) -> list[str]:
        """The queue, emptied."""
        found = []
        while (entry := self.ask("SYST:ERR?")) != '0,"No error"':
            found.append(entry)
        return found


@pytest.fixture
def lit(run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a scenario with a laser that has light."""

    def go(scenario: Callable[[Client], Any], **options: Any) -> Any:
        async def main() -> Any:
            client = Client(**options)
            client.ask("POW:STAT 1;SHUT 0")
            await asyncio.sleep(5.0)
            return await scenario(client)

        return run(main())

    return go


def test_the_two_command_sets_of_the_sheet(run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        client = Client()
        ask = client.ask
        assert ask("*IDN?") == "SANTEC,TSL-570,21020001,0001.0000.0001"
        assert ask(":SYST:COMM:COD?") == "0"
        ask(":WAV 1550")
        assert [ask(":WAV?"), ask(":WAV? MIN"), ask(":WAV:MAX?")] == [
            "1550.0000", "1480.0000", "1640.0000",
        ]  # fmt: skip
        ask(":FREQ 200")
        assert ask(":FREQ?") == "200"
        assert [ask(":POW?"), ask(":POW:SHUT?"), ask(":POW:STAT?"), ask(":WAV:SWE:SPE?")] == [
            "0.00", "1", "0", "100.0",
        ]  # fmt: skip
        ask(":SYST:COMM:COD 1")
        assert [ask(":SYST:COMM:COD?"), ask(":FREQ?"), ask(":POW:SHUT?")] == [
            "+1", "+2.00000000E+014", "+1",
        ]  # fmt: skip
        for spelling in (
            ":WAV 1550nm",
            ":WAV 1550E-9",
            ":wavelength 1.55 UM",
            "SOUR1:CHAN:WAV 1550NM",
        ):
            ask(":WAV 1500nm")
            ask(spelling)
            assert ask(":WAV?") == "+1.55000000E-006", spelling
        ask(":FREQ 200THZ")
        assert ask(":WAV:FREQ?") == "+2.00000000E+014"
        assert ask(":WAV? NM MIN") == "+1.48000000E+003"
        assert ask("SYST:COD?") == "C-480640-P-F-AP-00-1"
        assert client.errors() == []

    run(scenario())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (":WAV 1550nm", -138), (":WAV 1.55E3", -121), (":WAV 1479.9", -222), (":POW 10dBm", -138),
        (":POW 13.5", -222), (":WAV:SWE:SPE 3", -222), (":POW:SHUT 2", -222), (":COHC ON", -138),
        (":TRIG:OUTP 4", -222), (":AM:SOUR 2", -222), (":WAVE 1550", -113), (":POW:STAT", -109),
    ],
)  # fmt: skip
def test_what_the_legacy_set_refuses(text: str, code: int, run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        client = Client()
        assert client.ask(text) == ""
        assert [int(entry.split(",")[0]) for entry in client.errors()] == [code]

    run(scenario())


def test_a_line_feed_garbles_the_next_command(run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        client = Client()
        client.session.receive(b"*IDN?\r\n")
        assert client.sent == [b"SANTEC,TSL-570,21020001,0001.0000.0001\r"]
        assert client.ask(":WAV?") == ""
        assert client.errors() == ['-101,"Invalid character"']
        client.laser.hangs = True
        client.session.receive(b"\n")
        assert [client.ask(":WAV?"), client.ask("SYST:ERR?")] == ["", ""]
        other = client.laser.converse(client.sent.append)
        other.receive(b"SYST:ERR?\r")
        assert client.sent == [b'-101,"Invalid character"\r']

    run(scenario())


def test_light_needs_the_diode_and_the_open_shutter(run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        client = Client()
        told: list[Emission] = []
        client.laser.source.listeners.append(told.append)
        client.ask(":POW 10;:POW:STAT 1")
        assert client.ask("*OPC?") == ""  # it warms up
        await asyncio.sleep(5.0)
        assert client.sent == [b"1\r"]
        assert float(client.ask(":POW:ACT?")) == pytest.approx(10.0, abs=0.05)
        assert client.laser.source.power == 0.0
        client.ask(":POW:SHUT 0")
        assert told[-1].on
        assert told[-1].power == pytest.approx(0.01, rel=1e-3)
        client.laser.interlock(True)
        assert told[-1] == (0.0, told[-1].wavelength, False)
        assert [client.ask("SYST:LOCK?"), client.ask("POW:STAT?")] == ["1", "0"]
        client.ask("POW:STAT 1")
        assert client.errors() == ['-200,"Execution error"']

    run(scenario())


def test_a_linked_shutter_is_the_diode_switch(run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        client = Client(linked=True)
        assert client.ask("POW:SHUT 0;STAT?;SHUT?;STAT 0;STAT?;SHUT?") == "1;0;0;1"

    run(scenario())


def test_power_follows_within_tenths_of_a_second_and_in_its_unit(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.ask("POW:UNIT 1;:POW 2.5")
        assert client.ask("POW?") == "2.50"
        await asyncio.sleep(0.05)
        assert 1e-3 < client.laser.source.power < 2.4e-3
        await asyncio.sleep(1.0)
        assert client.laser.source.power == pytest.approx(2.5e-3, rel=1e-3)
        client.ask("SYST:COMM:COD 1;:POW 500uW;:POW:UNIT 0")
        assert client.ask("POW?") == "-3.01029996E+000"
        client.ask("POW:ATT:AUT 0;:POW:ATT 20")
        await asyncio.sleep(1.0)
        assert client.laser.source.power == pytest.approx(2e-4, rel=0.05)

    lit(scenario)


def sweep_settings(client: Client) -> None:
    client.ask(":WAV:SWE:STAR 1500;STOP 1510;SPE 10;MOD 1;:TRIG:OUTP 3;:TRIG:OUTP:STEP 0.5")
    assert client.errors() == []


def test_a_sweep_from_standby_with_its_log(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        sweep_settings(client)
        edges: list[np.ndarray] = []
        client.laser.sweep.trigger_outputs.append(edges.append)
        client.ask("TRIG:INP:STAN 1;:WAV:SWE 1")
        assert client.ask("WAV:SWE?") == "4"
        await asyncio.sleep(2.0)
        assert client.ask("WAV:SWE?") == "3"
        client.ask("TRIG:INP:SOFT")
        began = client.laser.now()
        assert client.ask("WAV:SWE?;:READ:POIN?") == "1;0"
        client.ask("READ:DAT?")
        client.ask("WAV 1520")
        assert client.errors() == ['-230,"Data corrupt or stale"', '-221,"Settings conflict"']
        await asyncio.sleep(0.5)
        assert client.laser.source.wavelength == pytest.approx(1505e-9, abs=2e-11)
        await asyncio.sleep(0.6)
        assert client.ask("WAV:SWE:STAT?;COUN?;:READ:POIN?;:WAV?") == "0;1;21;1510.0000"
        assert edges[0] == pytest.approx(began + np.arange(21) * 0.05)
        expected = np.linspace(1500e-9, 1510e-9, 21)
        legacy = client.bytes("READ:DAT?")
        assert legacy[:4] == b"#284"
        tenths = np.frombuffer(legacy[4:], "<i4")
        assert tenths * 1e-13 == pytest.approx(expected, abs=1e-11)
        powers = np.frombuffer(client.bytes("READ:DAT:POW?")[4:], "<f4")
        assert powers == pytest.approx(np.zeros(21), abs=0.1)
        client.ask("SYST:COMM:COD 1")
        block = client.bytes("READ:DAT?")
        assert block[:5] == b"#3168"
        assert struct.unpack("<21d", block[5:]) == pytest.approx(expected, abs=1e-11)

    lit(scenario)


def test_trigger_input_polarity_and_closed_shutter(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        sweep_settings(client)
        client.ask("TRIG:INP:EXT 1;:TRIG:INP:ACT 1;:WAV:SWE 1")
        await asyncio.sleep(2.0)
        client.laser.sweep.trigger_in(rising=True)
        assert client.ask("WAV:SWE?") == "3"
        client.laser.sweep.trigger_in(rising=False)
        assert client.ask("WAV:SWE?") == "1"
        client.ask("WAV:SWE 0")
        assert client.ask("WAV:SWE?") == "0"
        client.ask("POW:SHUT 1;:WAV:SWE 1")
        assert client.errors() == ['-200,"Execution error"']

    lit(scenario)


def test_steps_repeats_both_ways_and_opc(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        sweep_settings(client)
        client.ask("WAV:SWE:MOD 2;STEP 5;DWEL 0.1;CYCL 2;DEL 0.5;REP")
        assert client.ask("*OPC?") == ""
        await asyncio.sleep(20.0)
        assert client.sent == [b"1\r"]
        assert client.ask("WAV:SWE:COUN?;:READ:POIN?") == "2;12"
        tenths = np.frombuffer(client.bytes("READ:DAT?")[4:], "<i4")
        there = [1500, 1505, 1510, 1510, 1505, 1500]
        assert np.rint(tenths / 1e4).tolist() == there + there

    lit(scenario)


def test_the_range_shrinks_with_the_speed(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.ask("WAV:SWE:SPE 200")
        assert client.ask("WAV:SWE:RANG:MIN?;MAX?") == "1482.0000;1638.0000"
        client.ask("WAV:SWE:STAR 1480;STOP 1500;:WAV:SWE 1")
        assert client.errors() == ['-221,"Settings conflict"']
        client.laser.silent_range = True
        assert client.ask("WAV:SWE:RANG:MIN?") == ""

    lit(scenario)


def test_reset_is_dark(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.ask("WAV 1600;*RST")
        assert client.ask("POW:STAT?;SHUT?;:WAV?;:SYST:COMM:COD?") == "0;1;1560.0000;0"
        assert client.laser.source.power == 0.0

    lit(scenario)


def test_made_from_the_catalogue() -> None:
    made = build(
        "santec_tsl570",
        Placement(BenchClock(), options={"product": "C-260360-P-F-AP-00-1", "commands": "scpi"}),
    )
    assert isinstance(made, SantecTsl570)
    assert (made.doors[0].kind, made.doors[0].port) == ("tcp", 5000)
    assert (made.source.low, made.source.high) == pytest.approx((1260e-9, 1360e-9))
    for wrong in ({"product": "X"}, {"commands": "both"}, {"colour": "red"}):
        with pytest.raises(OptionError):
            build("santec_tsl570", Placement(BenchClock(), options=wrong))


@given(st.binary(max_size=60))
def test_any_bytes_leave_it_alive(data: bytes) -> None:
    async def scenario() -> None:
        client = Client()
        client.session.receive(data)
        client.session.clear()
        client.ask("*CLS")
        assert client.ask("*IDN?").startswith("SANTEC,TSL-570")

    asyncio.run(scenario())


def test_addresses_on_the_network_are_kept_and_told(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        for header in ("IPADdress", "SMASk", "DGATeway"):
            assert client.ask(f":SYST:COMM:ETH:{header} 192.168.7.9") == ""
            assert client.ask(f":SYSTem:COMMunicate:ETHernet:{header}?") == "192.168.7.9"
            client.ask(f"SYST:COMM:ETH:{header} 192.168.7.256")
            assert client.errors() == ['-222,"Data out of range"']
            assert client.ask(f"SYST:COMM:ETH:{header}?") == "192.168.7.9"

    lit(scenario)


def test_faults_of_its_own(lit: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        faults = client.laser.own_faults
        assert client.ask("SYST:ALER?") == "No alerts."
        faults["alert"]("over-temperature")()
        assert client.ask("SYST:ALER?") == "No20.,over-temperature"
        faults["alert"]("")()
        assert client.ask("SYST:ALER?") == "No alerts."
        faults["interlock"]("1")()
        assert client.laser.source.power == 0.0
        faults["interlock"]("0")()
        assert client.laser.source.power == 0.0  # it is not lit again by itself
        client.ask("POW:STAT 1")
        await asyncio.sleep(5.0)
        assert client.laser.source.power > 0.0
        faults["silent-range"]("")()
        assert client.ask("WAV:SWE:RANG:MAX?") == ""
        faults["hang"]("")()
        client.session.receive(b"*IDN?\r\n*IDN?\r*IDN?\r")
        assert client.ask("*IDN?") == ""

    lit(scenario)
