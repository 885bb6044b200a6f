"""Red Pitaya: what its outputs hold is told in either format, and put back; exact bytes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drivers.errors import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.red_pitaya import RedPitaya
from drivers.red_pitaya.waveforms import parse, setting
from drivers.transport.memory import MemoryNetwork

OK = b'0,"No error"\r\n'
HELLO = [(b"*IDN?\r\n", b"REDPITAYA,INSTR,2026-07-01,2.07-abc\r\n"), (b"SYST:ERR?\r\n", OK)]
ASK = [b"ACQ:DATA:FORMAT?;:SOUR%d:TRAC:DATA:DATA?;:SYST:ERR?\r\n" % n for n in (1, 2)]
LAN = LinkModel(latency=0.0007, bytes_per_second=5e5)


@pytest.fixture
def play(virtual: Any, script: Any) -> Callable[..., Any]:
    def _play(entries: list, scenario: Callable[[RedPitaya], Any]) -> Any:
        network = MemoryNetwork()
        server = script([*HELLO, *entries], closing=HELLO[0][1])
        network.listen("TCPIP::rp::5000::SOCKET", server.serve)

        async def opened() -> Any:
            async with RedPitaya("box", "TCPIP::rp::5000::SOCKET", network, link=LAN) as box:
                return await scenario(box)

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_it_is_told_as_text_and_as_a_block(play: Callable[..., Any]) -> None:
    block = np.array([0.5, -0.25, 1.0], dtype=">f4").tobytes()
    told = play(
        [
            (ASK[0], b"ASCII;{0.500000,-1.000000};" + OK),
            (ASK[1], b"BIN;#212" + block + b";" + OK),
        ],
        lambda box: box.read_waveforms(),
    )
    assert {channel: one.tolist() for channel, one in told.items()} == {
        "1": [0.5, -1.0],
        "2": [0.5, -0.25, 1.0],
    }


def test_it_is_put_back(play: Callable[..., Any]) -> None:
    line = b"SOUR2:TRAC:DATA:DATA 0.5,-0.123457,1;:SYST:ERR?\r\n"
    play([(line, OK)], lambda box: box.write_waveform("2", np.array([0.5, -0.123457, 1.0])))


@pytest.mark.parametrize(
    ("channel", "samples", "error"),
    [
        ("1", [0.5, 1.01], LimitError),
        ("1", [math.nan], LimitError),
        ("1", [-math.inf], LimitError),
        ("2", [], LimitError),
        ("2", [0.0] * 16385, LimitError),
        ("3", [0.0], ValueError),
        ("", [0.0], ValueError),
        ("1", [[0.0]], ValueError),
    ],
)
def test_what_it_cannot_play_never_leaves(
    channel: str, samples: list, error: type[Exception], play: Callable[..., Any]
) -> None:
    async def scenario(box: RedPitaya) -> None:
        with pytest.raises(error):
            await box.write_waveform(channel, np.array(samples, dtype=float))

    play([], scenario)


@pytest.mark.parametrize(
    "told", [b"ASCII;{0.5,-1.0", b"ASCII;{0.5,x}", b"ASCII;{0.5,2.0}", b"BIN;#15abcde", b"ODD;{0}"]
)
def test_a_damaged_answer_is_an_error(told: bytes, play: Callable[..., Any]) -> None:
    async def scenario(box: RedPitaya) -> None:
        with pytest.raises(InstrumentError):
            await box.read_waveforms()

    play([(ASK[0], told + b";" + OK)], scenario)


@given(hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(-1.0, 1.0)))
def test_what_is_told_comes_back(samples: np.ndarray) -> None:
    text = "{" + ",".join(f"{value:f}" for value in samples.tolist()) + "}"
    told = parse(text.encode(), binary=False)
    np.testing.assert_allclose(told, samples, atol=5.1e-7)
    sent = setting("box", "1", told).removeprefix("SOUR1:TRAC:DATA:DATA ")
    again = "{" + ",".join(f"{float(part):f}" for part in sent.split(",")) + "}"
    assert again.replace("-0.000000", "0.000000") == text.replace("-0.000000", "0.000000")
    block = parse(samples.astype(">f4").tobytes(), binary=True)
    np.testing.assert_array_equal(block, samples.astype(">f4").astype(float))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_waveform_or_an_error(told: bytes, binary: bool) -> None:
    try:
        samples = parse(told, binary=binary)
    except ValueError:
        return
    assert 1 <= samples.size <= 16384
    assert (np.abs(samples) <= 1.0).all()


def test_a_frame_is_set_up_anew_after_it(play: Callable[..., Any]) -> None:
    """What was armed is gone: nothing of it is fetched."""

    async def scenario(box: RedPitaya) -> None:
        await box.write_waveform("1", np.zeros(2))
        with pytest.raises(InstrumentError, match="not armed"):
            await box.fetch(0, 1)
        await asyncio.sleep(0)

    play([(b"SOUR1:TRAC:DATA:DATA 0,0;:SYST:ERR?\r\n", OK)], scenario)
