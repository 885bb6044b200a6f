"""Qontrol chains: limits are there before volts are, and nothing leaves beyond them."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.instrument import InstrumentError, LimitError
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.memory import MemoryNetwork
from tests.drivers.qontrol_q8.conftest import (
    DEVICE,
    driver,
    greeting,
    volts_frame,
)


def test_limits_are_written_again_after_lost_power(play) -> None:
    v_max = bytes.fromhex("82 02 000000 0010") + bytes.fromhex("8000") * 16
    i_max = bytes.fromhex("82 03 000000 0010") + bytes.fromhex("ffff") * 16

    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.5))
        await heaters.apply_limits()
        with pytest.raises(InstrumentError, match="E03:00"):
            await heaters.write_volts(np.array([0]), np.array([1.0]))
        await heaters.write_volts(np.array([0]), np.array([0.0]))

    word = 5461
    play(
        [
            (v_max, b"OK\nOK\n"),
            (i_max, b"OK\nOK\n"),
            (volts_frame(0, [word]), b"E03:00\nOK\n"),
            (v_max, b"OK\nOK\n"),
            (i_max, b"OK\nOK\n"),
            (volts_frame(0, [0]), b"OK\n"),
        ],
        scenario,
    )


def test_limits_are_written_as_vectors(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.5))
        await heaters.apply_limits()
        assert heaters.v_max.tolist() == [6.0] * 16

    def limits(code: str, word: int) -> bytes:
        return bytes.fromhex(f"82 {code} 000000 0010") + word.to_bytes(2, "big") * 16

    play(
        [(limits("02", 32768), b"OK\nOK\n"), (limits("03", 65535), b"OK\nOK\n")],
        scenario,
    )


def test_limits_are_written_again_before_volts_after_a_lost_connection(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.5))
        await heaters.apply_limits()
        await asyncio.sleep(0.1)  # the cable is out meanwhile
        assert await heaters.write_volts(np.array([0]), np.array([0.0])) == 1

    def unplug(writer) -> None:
        writer.write(b"OK\nOK\n")
        asyncio.get_running_loop().call_later(0.05, writer.close)

    v_max = bytes.fromhex("82 02 000000 0010") + bytes.fromhex("8000") * 16
    i_max = bytes.fromhex("82 03 000000 0010") + bytes.fromhex("ffff") * 16
    play(
        [
            (v_max, b"OK\nOK\n"),
            (i_max, unplug),
            *greeting(),
            (v_max, b"OK\nOK\n"),
            (i_max, b"OK\nOK\n"),
            (volts_frame(0, [0]), b"OK\n"),
        ],
        scenario,
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1e-9, 6.0001, 12.5])
def test_no_byte_leaves_for_a_bad_value(play, bad: float) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.01))
        with pytest.raises(LimitError) as refused:
            await heaters.write_volts(np.array([2, 9]), np.array([1.0, bad]))
        assert refused.value.instrument == "heaters-0"
        assert refused.value.channel == 9
        assert "0 to 6 V" in str(refused.value)

    play([], scenario)


def test_no_byte_leaves_for_a_bad_channel(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        for channels in ([16], [-1]):
            with pytest.raises(LimitError, match="channels 0 to 15"):
                await heaters.write_volts(np.array(channels), np.array([1.0]))
        with pytest.raises(ValueError, match="twice"):
            await heaters.write_volts(np.array([1, 1]), np.array([1.0, 2.0]))
        with pytest.raises(ValueError, match="do not match"):
            await heaters.write_volts(np.array([1, 2]), np.array([1.0]))
        with pytest.raises(ValueError, match="shape"):
            heaters.set_limits(np.ones(3), np.ones(16))
        with pytest.raises(LimitError, match="v_max"):
            heaters.set_limits(np.full(16, np.nan), np.ones(16))

    play([], scenario)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_sequence_of_calls_leaves_the_limits(virtual, data: st.DataObject) -> None:
    """Whatever is asked for, every word that reaches the wire is within its channel's limit."""
    v_max = np.array(data.draw(st.lists(st.floats(0.0, 12.0), min_size=8, max_size=8)))
    seen: list[tuple[int, int]] = []

    async def chain(reader: asyncio.StreamReader, writer) -> None:
        answers = dict(greeting(1))
        while byte := await reader.read(1):
            if byte[0] < 0x80:
                line = byte + (b"" if byte == b"\n" else await reader.readline())
                writer.write(answers.get(line, b"Q8iv-0001\n" if line == b"ID?\n" else b""))
                continue
            code, _, high, low = await reader.readexactly(4)
            assert code == 0
            count = 1
            if byte[0] & 2:
                count = int.from_bytes(await reader.readexactly(2), "big")
            words = np.frombuffer(await reader.readexactly(2 * count), dtype=">u2")
            first = high << 8 | low
            seen.extend(zip(range(first, first + count), words.tolist(), strict=True))
            writer.write(b"OK\n")

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen_serial(DEVICE, chain)
        heaters = driver(network, modules=1)
        await heaters.open()
        heaters.set_limits(v_max, np.full(8, 0.01))
        held = np.full(8, np.nan)
        for _ in range(data.draw(st.integers(1, 4))):
            channels = np.array(data.draw(st.lists(st.integers(-1, 8), max_size=8, unique=True)))
            volts = np.array(
                data.draw(
                    st.lists(
                        st.floats(-1.0, 13.0) | st.floats(), min_size=channels.size,
                        max_size=channels.size,
                    )
                )
            )  # fmt: skip
            try:
                await heaters.write_volts(channels.astype(int), volts)
            except LimitError:
                continue
            held[channels.astype(int)] = heaters.quantise(volts)
        last = dict(seen)
        for channel in np.flatnonzero(np.isfinite(held)):
            assert last[int(channel)] * 12 / 65535 == pytest.approx(held[channel])

    virtual(scenario())
    for channel, word in seen:
        assert word * 12 / 65535 <= v_max[channel] + 12 / 65535 / 2
