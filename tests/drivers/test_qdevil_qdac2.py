"""The QDAC-II driver against scripted instruments: bytes of its sources, limits, ramps, errors."""

from __future__ import annotations

import asyncio
import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.qdevil_qdac2 import QdevilQdac2
from drivers.qdevil_qdac2.settings import (
    AMPS,
    CURRENT_RANGE,
    FILTER,
    RANGE,
    SLEW,
    VOLTS,
    listed,
    parse_values,
    parse_words,
    spelled,
)
from drivers.roles import VoltageOutputs
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork
from drivers.transport.resource import ResourceError
from tests.drivers.conftest import Script, run

LAN = LinkModel(latency=0.001, bytes_per_second=1e6)
IDN = b"QDevil, QDAC-II, 242, 13-1.57\n"
ASK, NONE = b"SYST:ERR?\n", b'0, "No error"\n'
HELLO = [(b"*IDN?\n", IDN), (ASK, NONE)]
ALL = "(@1:24)"


def told(*lines: str, error: bytes = NONE) -> list[tuple[bytes, bytes]]:
    """Commands, each a line, and what the question for errors behind them is answered."""
    said = [("\n".join(lines).encode() + b"\n" + ASK, error)]
    return said + ([(ASK, NONE)] if error != NONE else [])


def asked(query: str, answer: str) -> tuple[bytes, bytes]:
    return query.encode() + b"\n" + ASK, answer.encode() + b"\n" + NONE


def every(value: str, **others: str) -> str:
    """24 answers, some of them (`_3="1"`) others."""
    return ",".join(others.get(f"_{number}", value) for number in range(1, 25))


def play(entries, scenario, *, hello=HELLO, resource="TCPIP::qdac::5025::SOCKET", **options):
    """Run a scenario with an opened driver against a greeting and these entries."""
    server = Script([*hello, *entries], closing=IDN)
    network = MemoryNetwork()
    network.listen(resource, server.serve, stream=True)

    async def opened():
        async with QdevilQdac2("dac", resource, network, link=LAN, **options) as dac:
            return await scenario(dac)

    result = run(opened())
    server.finish()
    return result


def test_opening_identifies_and_reads_old_errors(caplog) -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        assert isinstance(dac, VoltageOutputs)
        assert dac.identity is not None
        assert (dac.identity.maker, dac.identity.model) == ("QDevil", "QDAC-II")
        assert (dac.identity.serial, dac.identity.firmware) == ("242", "13-1.57")

    caplog.set_level("INFO")
    hello = [HELLO[0], (ASK, b'-113, "Undefined header"\n'), (ASK, NONE)]
    play([], scenario, hello=hello, expect={"serial": "242"})
    assert "Undefined header" in caplog.text
    play([], scenario, resource="ASRL/dev/ttyUSB0::INSTR")


def test_others_are_refused() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        raise AssertionError

    with pytest.raises(IdentityError, match="QDAC-II"):
        play([], scenario, hello=[(b"*IDN?\n", b"QDevil, QSwitch, 1, 1.0\n")])
    with pytest.raises(ResourceError, match="gpib"):
        QdevilQdac2("dac", "GPIB0::5::INSTR", MemoryNetwork(), link=LAN)
    for slew in (19.0, 3e7, math.inf, math.nan):
        with pytest.raises(ValueError, match="slew"):
            QdevilQdac2("dac", "TCPIP::a::INSTR", MemoryNetwork(), link=LAN, slew=slew)


def test_bytes_of_the_sources() -> None:
    """As the maker's driver, pyHegel and qkit spell them, but for case."""

    async def scenario(dac: QdevilQdac2) -> None:
        assert await dac.get(VOLTS, 2) == 1.2345655
        assert await dac.get(AMPS, 2) == 0.001
        assert await dac.get(RANGE, 24) == "LOW"
        assert await dac.get(FILTER, 3) == "MED"
        assert await dac.get(FILTER, 3) == "MED"
        assert await dac.get(SLEW, 1) == math.inf
        await dac.set(CURRENT_RANGE, "LOW", 9)
        await dac.set(SLEW, 20.0, 1)
        await dac.set(FILTER, "DC", 7)
        await dac.set_aperture(0.02)

    play(
        [
            asked("SOUR2:VOLT?", "1.2345655"),
            asked("READ2?", "0.001"),
            asked("SOUR24:RANG?", "LOW"),
            asked("SOUR3:FILT?", "med"),
            asked("SOUR3:FILT?", "MEDIUM"),
            asked("SOUR1:VOLT:SLEW?", "inf"),
            *told("SENS9:RANG LOW"),
            *told("SOUR1:VOLT:SLEW 20"),
            asked("SOUR7:VOLT?", "0"),
            *told("SOUR7:FILT DC"),
            *told(f"SENS:APER 0.02,{ALL}"),
        ],
        scenario,
    )


def test_writing_sends_what_differs_and_waits_for_the_ramp() -> None:
    async def scenario(dac: QdevilQdac2) -> tuple[float, ...]:
        now = asyncio.get_running_loop().time
        began = now()
        assert await dac.write_volts(np.array([0, 1, 4]), np.array([1.5, 0.25, 2e-7])) == 3
        first = now() - began
        assert await dac.write_volts(np.array([1, 0]), np.array([0.25, 1.5])) == 0
        began = now()
        assert await dac.write_volts(np.array([0, 1]), np.array([1.3, 0.3])) == 2
        return first, now() - began

    first, second = play(
        [
            *told(
                "SOUR:VOLT:MODE FIX,(@1:2,5)", "SOUR:VOLT:SLEW 100,(@1:2,5)", "SOUR1:VOLT 1.5",
                "SOUR2:VOLT 0.25", "SOUR5:VOLT 0",
            ),
            *told("SOUR1:VOLT 1.3", "SOUR2:VOLT 0.3"),
        ],
        scenario, slew=100.0,
    )  # fmt: skip
    assert first == pytest.approx(0.1, rel=0.1)  # it might have been at 10 V
    assert second == pytest.approx(0.2 / 100.0, rel=0.1)


def test_nothing_beyond_a_limit_leaves() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        limits = np.full(24, 6.5)
        limits[3] = 1.0000004
        dac.set_limits(limits, np.full(24, 0.5))
        assert dac.i_max[0] == 0.01
        for channel, volts, words in [
            (3, 1.00001, "output 4: .* 0 to 1.0000004 V"), (0, 6.51, "output 1: 6.51 V"),
            (0, -0.1, "-0.1 V"), (0, math.nan, "nan"), (0, math.inf, "inf"),
            (24, 0.0, "outputs 1 to 24"), (-1, 0.0, "outputs 1 to 24"),
        ]:  # fmt: skip
            with pytest.raises(LimitError, match=words):
                await dac.write_volts(np.array([channel]), np.array([volts]))
        with pytest.raises(LimitError, match=r"6\.6"):
            await dac.set(VOLTS, 6.6, 1)
        with pytest.raises(LimitError, match=r"10\.5"):
            await dac.set(VOLTS, 10.5, 1)
        with pytest.raises(LimitError):
            await dac.set_aperture(2.0)
        for channels, volts in (([1, 1], [0.0, 0.0]), ([1], [0.0, 0.0]), ([[1]], [[0.0]])):
            with pytest.raises(ValueError, match="channel"):
                await dac.write_volts(np.array(channels), np.array(volts))
        for channel in (0, 25, "", "two"):
            with pytest.raises(ValueError, match="no output, 1 to 24"):
                await dac.set(VOLTS, 0.0, channel)
        for wrong in (np.zeros(8), np.full(24, -1.0), np.full(24, math.nan)):
            with pytest.raises(ValueError, match=r"shape|v_max"):
                dac.set_limits(wrong, np.zeros(24))
        # to the microvolt, and never rounded over the limit
        await dac.write_volts(np.array([3]), np.array([1.0000004]))
        dac.set_limits(np.full(24, 0.9999996), np.full(24, 0.01))
        await dac.write_volts(np.array([3]), np.array([0.9999996]))

    play(
        [
            *told("SOUR:VOLT:MODE FIX,(@4)", "SOUR:VOLT:SLEW 1000,(@4)", "SOUR4:VOLT 1"),
            *told("SOUR4:VOLT 0.999999"),
        ],
        scenario,
    )


def test_bias_voltages_may_be_negative() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        await dac.write_volts(np.array([23]), np.array([-1.25]))
        with pytest.raises(LimitError, match="-10 to 10 V"):
            await dac.write_volts(np.array([23]), np.array([-10.1]))

    lines = ("SOUR:VOLT:MODE FIX,(@24)", "SOUR:VOLT:SLEW 1000,(@24)", "SOUR24:VOLT -1.25")
    play(told(*lines), scenario, bipolar=True)


def test_a_refusal_makes_the_voltages_unknown() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        one, volts = np.array([0]), np.array([1.0])
        await dac.write_volts(one, volts)
        with pytest.raises(InstrumentError, match="Data out of range"):
            await dac.write_volts(one, np.array([5.0]))
        assert await dac.write_volts(one, volts) == 1

    play(
        [
            *told("SOUR:VOLT:MODE FIX,(@1)", "SOUR:VOLT:SLEW 1000,(@1)", "SOUR1:VOLT 1"),
            *told("SOUR1:VOLT 5", error=b'-222, "Data out of range"\n'),
            *told("SOUR1:VOLT 1"),
        ],
        scenario,
    )


def test_limits_choose_the_range_at_zero_volts() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        v_max = np.full(24, 6.5)
        v_max[1:4] = 1.5
        dac.set_limits(v_max, np.full(24, 0.008))
        await dac.apply_limits()

    play(
        [
            asked(f"SOUR:RANG:LOW:MAX? {ALL}", every("1.999")),
            asked(f"SOUR:RANG? {ALL}", every("HIGH", _3="LOW", _9="LOW")),
            asked(f"SOUR:VOLT? {ALL}", every("3", _2="0", _4="0.5")),
            *told(
                "SOUR:VOLT:MODE FIX,(@2,4,9)", "SOUR:VOLT:SLEW 1000,(@2,4,9)",
                "SOUR:VOLT 0,(@2,4,9)",
            ),
            asked(f"SOUR:VOLT? {ALL}", every("3", _2="0", _4="0", _9="0.00002")),
            *told("SOUR:RANG LOW,(@2,4)", "SOUR:RANG HIGH,(@9)", f"SENS:RANG HIGH,{ALL}"),
        ],
        scenario,
    )  # fmt: skip


def test_range_and_filter_only_at_zero_volts() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        with pytest.raises(LimitError, match=r"output 2: 0.5 V .* 0 V while its range is changed"):
            await dac.set(RANGE, "LOW", 2)
        with pytest.raises(LimitError, match="filter"):
            await dac.set(FILTER, "DC", 2)

    play([asked("SOUR2:VOLT?", "0.5"), asked("SOUR2:VOLT?", "-0.5")], scenario)


OFF = (
    "ABOR", f"SOUR:VOLT:MODE FIX,{ALL}", f"SOUR:VOLT:SLEW 1000,{ALL}", f"SOUR:VOLT 0,{ALL}",
)  # fmt: skip


def test_off_ramps_to_zero_and_looks() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        await dac.off()
        assert await dac.write_volts(np.array([5]), np.zeros(1)) == 0
        with pytest.raises(InstrumentError, match=r"output 3 1.5 V.*by hand"):
            await dac.off()
        with pytest.raises(InstrumentError, match="Undefined header"):
            await dac.off()

    zeros = asked(f"SOUR:VOLT? {ALL}", every("0", _7="-0.0000003"))
    play(
        [
            *told(*OFF), zeros,
            *told(*OFF), asked(f"SOUR:VOLT? {ALL}", every("0", _3="1.5")),
            *told(*OFF, error=b'-113, "Undefined header"\n'), zeros,
        ],
        scenario,
    )  # fmt: skip


def test_off_over_a_broken_link_still_sends_the_zeros() -> None:
    zeros = ("\n".join(OFF).encode() + b"\n" + ASK, None)  # silence: then once more, blind
    server = Script(
        [*HELLO, zeros, ("".join(f"{line}\n" for line in OFF).encode(), None)], closing=IDN
    )
    network = MemoryNetwork()
    network.listen("TCPIP::qdac::5025::SOCKET", server.serve, stream=True)

    async def opened() -> None:
        dac = QdevilQdac2("dac", "TCPIP::qdac::5025::SOCKET", network, link=LAN)
        await dac.open()
        with pytest.raises(LinkTimeout):
            await dac.off()
        await asyncio.sleep(0.1)
        await dac.close()

    run(opened())
    server.finish()


@pytest.mark.parametrize("answer", ["1,2,3", every("x"), every("1") + ",1", every("nan"), ""])
def test_an_answer_that_cannot_be_read_is_an_error(answer: str) -> None:
    """And the link is in doubt: the next exchange connects anew."""

    async def scenario(dac: QdevilQdac2) -> None:
        with pytest.raises(InstrumentError):
            await dac.read_volts()
        assert (await dac.read_amps())[2] == pytest.approx(-1e-3)

    play(
        [
            asked(f"SOUR:VOLT? {ALL}", answer),
            *HELLO,
            asked(f"READ? {ALL}", every("1.5e-6", _3="-0.001")),
        ],
        scenario,
    )


def test_currents_above_the_limit_are_told() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        dac.set_limits(np.full(24, 6.5), np.full(24, 0.008))
        await dac.check_faults()
        with pytest.raises(InstrumentError, match=r"output 5 9.000 mA \(limit 8 mA\)"):
            await dac.check_faults()

    play(
        [
            asked(f"READ? {ALL}", every("0.008")),
            asked(f"READ? {ALL}", every("0.001", _5="0.009")),
        ],
        scenario,
    )


def test_settings_are_read_a_list_at_a_time() -> None:
    async def scenario(dac: QdevilQdac2) -> None:
        found = await dac.read_settings()
        assert found["volts"]["2"] == 0.5
        assert found["range"]["24"] == "HIGH"
        assert found["mode"]["1"] == "FIX"
        assert found["filter"] == {"refused": '-113, "no such thing"'.replace(", ", ",")}
        assert set(found["slew"].values()) == {math.inf}

    play(
        [
            asked(f"SOUR:VOLT? {ALL}", every("0", _2="0.5")),
            asked(f"SOUR:VOLT:LAST? {ALL}", every("0")),
            asked(f"SOUR:VOLT:SLEW? {ALL}", every("inf")),
            asked(f"SOUR:VOLT:MODE? {ALL}", every("FIX")),
            asked(f"SOUR:RANG? {ALL}", every("HIGH")),
            (f"SOUR:FILT? {ALL}\n".encode() + ASK, b'-113, "no such thing"\n'),
            (ASK, NONE),
            asked(f"SENS:RANG? {ALL}", every("LOW")),
            asked(f"SENS:APER? {ALL}", every("0.02")),
        ],
        scenario,
    )  # fmt: skip


def test_planned_times() -> None:
    dac = QdevilQdac2("dac", "TCPIP::a::INSTR", MemoryNetwork(), link=LAN)
    assert dac.planned_write(0) == 0.0
    assert 0.001 < dac.planned_write(1) < dac.planned_write(24) < 0.002


@given(st.lists(st.integers(1, 24), unique=True, min_size=1))
def test_lists_name_each_channel_once(numbers: list[int]) -> None:
    found: list[int] = []
    for part in listed(numbers)[2:-1].split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    assert found == numbers


@given(st.floats(-10, 10))
def test_voltages_are_spelled_to_the_microvolt(volts: float) -> None:
    text = spelled(volts)
    assert "e" not in text
    assert float(text) == pytest.approx(volts, abs=5.1e-7)
    assert text != "-0"


@given(
    st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1"))), st.integers(1, 24)
)
def test_any_answer_is_read_or_refused(text: str, count: int) -> None:
    try:
        values = parse_values(text, count)
    except ValueError:
        pass
    else:
        assert len(values) == count
        assert all(map(math.isfinite, values))
    for quantity in (RANGE, SLEW, VOLTS, FILTER):
        with contextlib.suppress(ValueError):
            assert len(parse_words(quantity, text, count)) == count
