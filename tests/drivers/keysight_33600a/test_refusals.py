"""Keysight 33600A: what is refused, lost or read back otherwise is never believed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import InstrumentError
from drivers.keysight_33600a import Keysight33600A
from drivers.keysight_33600a.settings import AMPLITUDE
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import Script, run
from tests.drivers.keysight_33600a.conftest import (
    ASK,
    LAN,
    OK,
    RESOURCE,
    SINGLE,
    asked,
    chosen,
    prepared,
    told,
    uploaded,
)


def test_off_goes_on_after_a_refusal(play) -> None:
    conflict = b'-221,"Settings conflict; unable"\n'
    entries = [
        (b"OUTP1 OFF\n" + ASK, conflict), (ASK, OK),
        *told(b"SOUR1:BURS:STAT OFF", b"SOUR1:AM:STAT OFF", b"SOUR1:FM:STAT OFF",
              b"SOUR1:PM:STAT OFF", b"SOUR1:FSK:STAT OFF", b"SOUR1:SWE:STAT OFF",
              b"SOUR1:FUNC DC", b"SOUR1:VOLT:OFFS 0"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match=r"OUTP1 OFF.*-221"):
            await awg.off()

    play(entries, scenario, SINGLE)


def test_an_upload_that_is_refused_is_named_and_not_believed(play) -> None:
    taken = b'+786,"Specified arb waveform already exists"\n'
    (first, _) = uploaded(1, np.zeros(8))
    entries = [*prepared(1), (first, b"1\n" + taken), (ASK, OK), (first, b"1\n" + taken), (ASK, OK)]

    async def scenario(awg) -> None:
        for _ in range(2):
            with pytest.raises(InstrumentError, match=r"\+?786"):
                await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE)


@pytest.mark.parametrize(
    ("at", "reply", "words"),
    [
        (b"SOUR1:VOLT?", b"+1.000000000000000E+00", "2 was set"),
        (b"SOUR1:VOLT:OFFS?", b"-1.000000000000000E-01", "0 was set"),
        (b"OUTP1:LOAD?", b"+9.900000000000000E+37", "50 was set"),
        (b"SOUR1:VOLT?", b"loud", "loud"),
    ],
)
def test_what_is_read_back_must_be_what_was_set(play, at, reply, words) -> None:
    entries = []
    for message, answer in prepared(1):
        if message.startswith(at + b"\n"):
            entries.append(asked(at, reply))
            break
        entries.append((message, answer))

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match=words):
            await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE)


def test_a_rate_that_was_not_taken(play) -> None:
    entries = [
        *prepared(1), uploaded(1, np.zeros(8)), chosen(1, shown=b"+9.000000000000000E+05"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        with pytest.raises(InstrumentError, match="adjusted"):
            await awg.load(np.zeros((8, 1)), 1e-6)

    play(entries, scenario, SINGLE)


def test_after_a_lost_connection_everything_is_set_again(play) -> None:
    volts = np.zeros((8, 1))
    hello = [(b"*IDN?\n", SINGLE), (ASK, OK)]
    frame = [uploaded(1, np.zeros(8)), chosen(1)]
    armed = told(b"TRIG1:SOUR EXT")
    entries = [
        *prepared(1), *frame, *armed, (b"SOUR1:VOLT?\n" + ASK, lambda writer: writer.close()),
        *hello, *prepared(1), *frame, *armed,
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        await awg.arm()
        with pytest.raises(LinkError):
            await awg.get(AMPLITUDE, 1)
        await awg.arm()

    play(entries, scenario, SINGLE)


ANSWERS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"1", b"+1", b"0", b"1;1", b"nan", b"inf", b"+9.9E+37", b"1,2", b"#12ab"]),
    st.floats(allow_nan=True).map(lambda number: repr(number).encode()),
)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([b"SOUR1:VOLT?", b"SOUR1:VOLT:OFFS?", b"OUTP1:LOAD?", b"*OPC?", b"SRAT?"]),
    ANSWERS,
)  # fmt: skip
def test_any_answer_is_the_right_one_or_a_typed_error(at, data) -> None:
    """Every answer that a load reads, spoilt: it ends in time, and is not believed."""
    reply = data.replace(b"\n", b"")
    entries, right = [], b""
    for message, answer in [*prepared(1), uploaded(1, np.zeros(8)), chosen(1)]:
        if message.endswith(at + b"\n" + ASK):
            right = answer.partition(b"\n")[0]
            entries.append((message, reply + b"\n" + OK))
        else:
            entries.append((message, answer))
    server = Script([(b"*IDN?\n", SINGLE), (ASK, OK), *entries], closing=SINGLE)
    network = MemoryNetwork()
    network.listen_tcp("awg", 5025, lambda reader, writer: serve_once(server, reader, writer))

    async def scenario() -> bool:
        awg = Keysight33600A("awg", RESOURCE, network, link=LAN, timeout=0.1)
        await awg.open()
        try:
            await awg.load(np.zeros((8, 1)), 1e-6)
        except (InstrumentError, LinkError):
            return False
        finally:
            await awg.close()
        return True

    if run(scenario()):
        assert float(reply) == pytest.approx(float(right), rel=1e-4, abs=2e-4)


async def serve_once(server: Script, reader, writer) -> None:
    """What comes beside the script, after a spoilt answer, is not answered."""
    try:
        await server.serve(reader, writer)
    except AssertionError:
        writer.close()
