"""Whatever bytes come, at every door of every simulated instrument: it goes on, and answers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends import catalogue
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Placement
from sim_backends.virtual_time import VirtualTimeLoop

WORDS = st.sampled_from(
    [b"*IDN?", b"*RST", b"*CLS", b":", b";", b"?", b" ", b",", b"1", b"-1E99", b"NAN", b"#", b"#15",
     b"#0", b"'", b'"', b"(@", b")", b"MIN", b"\n", b"\r", b"\r\n", b"!", b"/", b"=", b"INP",
     b"VOLT", b"SOUR", b"SYST:ERR?", b"OUTP ON", b"MEAS?", b"POST ",
     b"HTTP/1.1\r\n", b"Content-Length: 3", b"\x82", b"\x01\x35\x00", b"SIPS", b"LERR?"]
)  # fmt: skip
PIECES = st.lists(st.one_of(WORDS, st.binary(max_size=12)), max_size=12).map(b"".join)


@pytest.mark.parametrize("model", sorted(catalogue.MODELS))
@settings(max_examples=40, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4), st.integers(0, 7))
def test_any_bytes_are_survived(model: str, pieces: list[bytes], which: int) -> None:
    async def scenario() -> None:
        device = catalogue.build(model, Placement(clock=BenchClock(), seed=1))
        door = device.doors[which % len(device.doors)]
        said = bytearray()
        conversation = door.converse(said.extend)
        for piece in pieces:
            conversation.receive(piece)
            await asyncio.sleep(0.05)
        conversation.close()
        again = door.converse(said.extend)  # a client that comes later is served
        again.receive(b"\n")
        again.close()

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(scenario())
