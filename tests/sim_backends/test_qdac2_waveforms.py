"""Waveform generators of the simulated QDAC-II: what the loads see in time, and refusals."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from tests.sim_backends.test_qdevil_qdac2 import Client, virtual

SINE = "SOUR3:SINE:"


def steps(client: Client, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and volts that the load of a channel (from 1) was told."""
    told = [(at, volts) for at, place, volts in client.loads.told if place == channel - 1]
    return np.array([at for at, _ in told]), np.array([volts for _, volts in told])


def test_the_words_of_the_makers_driver_are_taken_and_told() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        for unit in (
            "sour3:sine:trig:sour hold", "sour3:sine:freq 20", "sour3:sine:pol norm",
            "sour3:sine:span 2", "sour3:sine:offs 1.5", "sour3:sine:slew inf", "sour3:sine:del 0",
            "sour3:sine:coun -1", "sour3:sine:trig:sour bus", "sour3:sine:init:cont on",
            "sour4:squ:freq 10", "sour4:squ:dcyc 25", "sour4:squ:typ pos", "sour4:squ:pol inv",
            "sour4:squ:span 0.5", "sour4:squ:slew 100", "sour4:squ:mark:pstart 3",
            "sour5:tri:per 0.02", "sour5:tri:dcyc 50", "sour5:tri:mark:pend 4",
            'trac:def "up",4', 'trac:data "up",0,0.25,0.5,1', 'sour6:awg:def "up"',
            "sour6:awg:scal 2", "sour6:awg:offs 0.5", "sour6:awg:coun 1", "sour6:sine:coun inf",
        ):  # fmt: skip
            assert ask(unit) == "", unit
        assert client.errors() == []
        for query, told in (
            ("SOUR3:SIN:FREQ?", "20"), ("SOUR3:SINE:PER?", "0.05"), ("SOUR3:SINE:SPAN?", "2"),
            ("SOUR3:SINE:SLEW?", "inf"), ("SOUR3:SINE:COUN?", "-1"), ("SOUR3:SINE:POL?", "NORM"),
            ("SOUR3:SINE:TRIG:SOUR?", "BUS"), ("SOUR4:SQU:DCYC?", "25"), ("SOUR4:SQU:TYPE?", "POS"),
            ("SOUR4:SQU:POL?", "INV"), ("SOUR4:SQUARE:MARK:PST?", "3"), ("SOUR5:TRI:FREQ?", "50"),
            ("SOUR6:AWG:DEF?", '"up"'), ("SOUR6:AWG:SCAL?", "2"), ("SOUR6:AWG:COUN?", "1"),
            ("SOUR6:SINE:COUN?", "-1"), ("TRAC:CAT?", '"up"'), ("SOUR4:SQU:NCL?", "0"),
        ):  # fmt: skip
            assert ask(query) == told, query

    virtual(scenario)


def test_a_sine_is_added_to_the_constant_voltage_of_its_channel() -> None:
    async def scenario(client: Client) -> None:
        client.ask("SOUR3:VOLT 2")
        for word in ("FREQ 20", "SPAN 1", "OFFS 0.25", "COUN 2", "INIT"):
            client.ask(SINE + word)
        await asyncio.sleep(0.025)
        assert client.volts(3) == pytest.approx([2.0], abs=1e-6)  # of the DC generator
        assert client.ask(SINE + "NCL?") == "2"
        await asyncio.sleep(0.0375)  # three quarters through the first period of the second
        assert client.device.volts()[2] == pytest.approx(2.75, abs=2e-3)
        assert client.ask(SINE + "NCL?") == "1"
        await asyncio.sleep(0.1)
        at, volts = steps(client, 3)
        playing = (at > 1e-6) & (at < 0.0999)
        wanted = 2.25 + 0.5 * np.sin(2 * np.pi * 20 * at[playing])
        assert np.abs(volts[playing] - wanted).max() < 1e-3
        assert np.diff(at[playing]).max() == pytest.approx(0.05 / 32, rel=1e-3)
        assert volts[-1] == pytest.approx(2.0, abs=1e-6)  # nothing is added after its last period
        assert client.ask(SINE + "NCL?") == "0"

    virtual(scenario)


def test_a_square_steps_at_its_duty_cycle_and_its_markers_start_a_sweep() -> None:
    async def scenario(client: Client) -> None:
        for unit in (
            "SOUR1:SQU:FREQ 10;:SOUR1:SQU:DCYC 25;:SOUR1:SQU:SPAN 2;:SOUR1:SQU:COUN 2",
            "SOUR1:SQU:TYPE POS;:SOUR1:SQU:OFFS 0.5;:SOUR1:SQU:MARK:PST 5",
            "SOUR2:LIST:VOLT 1,2,3;:SOUR2:LIST:TMOD STEP;:SOUR2:VOLT:MODE LIST",
            "SOUR2:DC:TRIG:SOUR INT5;:SOUR2:DC:INIT",
            "SOUR1:SQU:DEL 0.01;:SOUR1:SQU:INIT",
        ):
            assert client.ask(unit) == ""
        assert client.errors() == []
        await asyncio.sleep(0.5)
        at, volts = steps(client, 1)
        assert volts.tolist() == [2.5, 0.5, 2.5, 0.5, 0.0]
        assert at == pytest.approx([0.01, 0.035, 0.11, 0.135, 0.21], abs=1e-6)
        at, volts = steps(client, 2)
        assert volts.tolist() == pytest.approx([1.0, 2.0], abs=1e-6)
        assert at == pytest.approx([0.01, 0.11], abs=1e-6)

    virtual(scenario)


def test_a_triangle_rises_and_falls_and_an_abort_ends_it() -> None:
    async def scenario(client: Client) -> None:
        client.ask("SOUR7:TRI:FREQ 1;:SOUR7:TRI:SPAN 4;:SOUR7:TRI:DCYC 75;:SOUR7:TRI:POL INV")
        client.ask("SOUR7:TRI:INIT")
        await asyncio.sleep(0.375)
        assert client.device.volts()[6] == pytest.approx(0.0, abs=0.01)
        await asyncio.sleep(0.375)
        assert client.device.volts()[6] == pytest.approx(-2.0, abs=0.01)
        client.ask("ABOR")
        assert client.device.volts()[6] == 0.0
        client.ask("SOUR7:TRI:INIT;:SOUR7:ALL:ABOR")
        assert client.device.volts()[6] == 0.0
        client.ask("SOUR7:TRI:INIT;*RST")
        assert client.device.volts()[6] == 0.0
        assert client.ask("SOUR7:TRI:FREQ?") == "1000"

    virtual(scenario)


def test_a_fast_wave_heats_by_its_effective_value_and_the_meter_sees_its_mean() -> None:
    async def scenario(client: Client) -> None:
        client.ask("SOUR1:VOLT 3")
        client.ask("SOUR1:SINE:FREQ 10000;:SOUR1:SINE:SPAN 4;:SOUR1:SINE:INIT")
        before = len(client.loads.told)
        await asyncio.sleep(1.0)
        assert client.device.volts()[0] == pytest.approx(math.sqrt(3**2 + 2), rel=1e-6)
        assert len(client.loads.told) - before < 3  # 20,000 half waves are no events
        amps = float(client.ask("READ1?") or "nan")
        await asyncio.sleep(0.1)
        amps = float(b"".join(client.sent))
        assert amps == pytest.approx(3e-3, abs=2e-5)  # 3 V at 1000 ohm

    virtual(scenario)


def test_an_awg_plays_a_trace_at_a_microsecond_a_value() -> None:
    async def scenario(client: Client) -> None:
        values = np.linspace(0.0, 1.0, 5000, dtype="<f4")
        client.ask('TRAC:DEF "ramp",5000')
        data = values.tobytes()
        head = f'TRAC:DATA "ramp",#5{len(data)}'.encode()
        client.session.receive(head + data + b"\n")
        client.ask('SOUR9:AWG:DEF "ramp";:SOUR9:AWG:SCAL 4;:SOUR9:AWG:COUN 1;:SOUR9:AWG:INIT')
        assert client.errors() == []
        await asyncio.sleep(2.5e-3)
        assert client.device.volts()[8] == pytest.approx(2.0, abs=0.13)
        await asyncio.sleep(2.49e-3)
        assert client.device.volts()[8] == pytest.approx(4.0, abs=0.13)
        await asyncio.sleep(1e-3)
        assert client.device.volts()[8] == 0.0
        client.ask("TRAC:REM:ALL")
        assert client.ask("TRAC:CAT?") == ""

    virtual(scenario)


def test_what_a_generator_is_refused() -> None:
    async def scenario(client: Client) -> None:
        client.ask('TRAC:DEF "a",2')
        client.ask("SOUR2:RANG LOW")
        for text, code in [
            ("SOUR1:SINE:FREQ 0", -222), ("SOUR1:SINE:FREQ 6e5", -222),
            ("SOUR1:SINE:SPAN 21", -222), ("SOUR2:SINE:SPAN 4.1", -222),
            ("SOUR2:SINE:OFFS 2.1", -222), ("SOUR1:SQU:DCYC 0", -222),
            ("SOUR1:SINE:COUN 0", -222), ("SOUR1:SINE:DCYC 50", -113),
            ("SOUR1:SQU:TYPE BOTH", -224), ('SOUR1:AWG:DEF "b"', -224),
            ('TRAC:DATA "b",1,2', -224), ('TRAC:DATA "a",1,2,3', -223), ('TRAC:DATA "a",1', -220),
            ('TRAC:REM "b"', -224), ("SOUR25:SINE:INIT", -114), ("SOUR1:AWG:FREQ 5", -113),
        ]:  # fmt: skip
            assert client.ask(text) == "", text
            assert client.errors() == [code], text

    virtual(scenario)


def test_the_sum_ends_at_the_range() -> None:
    async def scenario(client: Client) -> None:
        client.ask("SOUR1:VOLT 9.5;:SOUR1:SQU:SPAN 4;:SOUR1:SQU:FREQ 1;:SOUR1:SQU:INIT")
        assert client.device.volts()[0] == 10.0

    virtual(scenario)
