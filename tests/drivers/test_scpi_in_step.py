"""Whatever a SCPI instrument does, no answer is taken for that of another question."""

from __future__ import annotations

import asyncio
import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import InstrumentError
from drivers.transport.link import AnswerRefused, LinkClosed, LinkError, LinkTimeout
from drivers.transport.memory import MemoryLink, MemoryNetwork
from tests.drivers.conftest import run
from tests.drivers.supply import (
    AMPS,
    ASK,
    GPIB,
    HELLO,
    IDN,
    LINK,
    NONE,
    PORT,
    SOCKET,
    VOLTS,
    Joined,
    Supply,
    late,
    play,
    said,
)

WHO = IDN + b"\n"


def test_a_query_that_fails_answers_nothing_on_a_stream() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match=r"'A\?' was answered by '-113"):
            await supply.ask("A?")
        with pytest.raises(InstrumentError, match=r"'B\?;C\?' was answered by '-113"):
            await supply.ask("B?", "C?")
        assert await supply.ask("D?") == [b"4"]  # at once: nothing was waited for
        assert asyncio.get_running_loop().time() < 0.1

    refused = b'-113,"Undefined header"\n'
    play(
        [
            (b"A?\n" + ASK, refused), (ASK, NONE),
            (b"B?;:C?\n" + ASK, b"2\n" + refused), (ASK, NONE),  # what came before it was executed
            (b"D?\n" + ASK, b"4\n" + NONE),
        ],
        scenario,
    )  # fmt: skip


def test_an_answer_that_looks_like_an_error_is_an_answer() -> None:
    async def scenario(supply: Supply) -> None:
        assert await supply.ask("LIST?") == [b"-113,ABC"]
        assert await supply.ask("LAST:ERR?") == [b'0,"No error"']
        with pytest.raises(InstrumentError, match="-350"):
            await supply.ask("LIST?")
        with pytest.raises(InstrumentError, match="0 answers of 1"):
            await supply.ask("MUTE?")

    play(
        [
            (b"LIST?\n" + ASK, b"-113,ABC\n" + NONE),
            (b"LAST:ERR?\n" + ASK, NONE + NONE),
            (b"LIST?\n" + ASK, b'1,ABC\n-350,"Queue overflow"\n'), (ASK, NONE),
            (b"MUTE?\n" + ASK, NONE),
        ],
        scenario,
    )  # fmt: skip


def test_a_silent_query_on_a_message_link_is_cleared_and_explained(monkeypatch) -> None:
    cleared = []

    class ClearableLink(MemoryLink):
        """A link with a device clear."""

        async def clear(self) -> None:
            cleared.append(self.name)

    monkeypatch.setattr("drivers.transport.memory.MemoryLink", ClearableLink)

    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match=r"'A\?' was answered by '-113"):
            await supply.ask("A?")
        assert cleared == [GPIB]
        with pytest.raises(LinkTimeout):
            await supply.ask("B?")
        assert len(cleared) == 2
        await supply.tell("OUTP OFF")
        assert len(cleared) == 3  # it gave no reason, so the link is brought into step first

    play(
        [
            (b"A?\n", None), (ASK, b'-113,"Undefined header"\n'), (ASK, NONE),
            (b"B?\n", None), (ASK, NONE),
            *HELLO, (b"OUTP OFF\n", None), (ASK, NONE),
        ],
        scenario,
        resource=GPIB,
        stream=False,
    )  # fmt: skip


def test_the_status_byte_ends_the_silence_of_a_refused_query(monkeypatch) -> None:
    """It is looked at for answers alone: the error queue's own entries come while it is set."""
    looked: list[int] = []
    distrusted: list[str] = []

    class WatchfulLink(MemoryLink):
        """A link whose status byte tells of an error as soon as it is looked at."""

        error_bit = 0

        async def read_until(self, end: bytes, timeout: float) -> bytes:
            looked.append(self.error_bit)
            if self.error_bit:
                raise AnswerRefused(f"{self.name}: no answer, and the status byte tells")
            return await super().read_until(end, timeout)

        def distrust_status(self) -> None:
            distrusted.append(self.name)

        async def clear(self) -> None:
            """A device clear."""

    class Telling(Supply):
        """It has EAV in its status byte."""

        error_bit = 4

    monkeypatch.setattr("drivers.transport.memory.MemoryLink", WatchfulLink)

    async def scenario(supply: Supply) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(InstrumentError, match=r"'A\?' was answered by '-113[^;]*'$"):
            await supply.ask("A?")
        assert not distrusted
        with pytest.raises(AnswerRefused):
            await supply.ask("B?")
        assert distrusted == [GPIB]
        assert asyncio.get_running_loop().time() - began < 0.1
        assert looked == [0, 0, 4, 0, 0, 0, 4, 0]

    refused, vain = b'-113,"Undefined header"\n', b'-420,"Query UNTERMINATED"\n'
    play(
        [
            (b"A?\n", None), (ASK, refused), (ASK, vain), (ASK, NONE),
            (b"B?\n", None), (ASK, NONE),
        ],
        scenario,
        model=Telling,
        resource=GPIB,
        stream=False,
    )  # fmt: skip


def test_a_late_reply_on_tcp_dies_with_its_connection() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkTimeout):
            await supply.ask("A?")
        assert await supply.ask("B?") == [b"2"]

    play(
        [(b"A?\n" + ASK, late((1.5, b"1\n" + NONE + WHO))), *HELLO, (b"B?\n" + ASK, b"2\n" + NONE)],
        scenario,
    )


def test_late_replies_on_a_port_are_passed_over() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkTimeout):
            await supply.ask("A?")
        assert await supply.ask("B?") == [b"2"]

    play(
        [
            (b"A?\n" + ASK, late((1.2, b"1\n"), (1.4, NONE + WHO))),
            (b"*IDN?\n", late((0.5, IDN + b"\n"))), (ASK, NONE),
            (b"B?\n" + ASK, b"2\n" + NONE),
        ],
        scenario,
        resource=PORT,
    )  # fmt: skip


def test_identities_that_come_late_too_are_counted() -> None:
    """The first recovery times out; its identity answers during the second, and must not count."""

    async def scenario(supply: Supply) -> None:
        for _ in range(2):
            with pytest.raises(LinkTimeout):
                await supply.ask("A?")
        assert await supply.ask("B?") == [b"2"]
        assert supply.identity is not None

    play(
        [
            (b"A?\n" + ASK, None),
            (b"*IDN?\n", late((1.3, IDN + b"\n"))),  # gives up after 1 s
            (b"*IDN?\n", late((0.5, IDN + b"\n"))), (ASK, NONE),
            (b"B?\n" + ASK, b"2\n" + NONE),
        ],
        scenario,
        resource=PORT,
    )  # fmt: skip


@pytest.mark.parametrize("model", [Supply, Joined])
@pytest.mark.parametrize("resource", [SOCKET, PORT])
def test_a_reply_that_comes_twice_at_once_is_one_too_many(
    model: type[Supply], resource: str
) -> None:
    """Which of the two is of now is not known: the first may be older than what was said."""

    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkError, match="too many"):
            await supply.tell("OUTP ON")
        assert await supply.ask("A?") == [b"1"]

    [(command, reply)] = said(model, True, b"OUTP ON")
    twice = [(command, reply * 2), *HELLO, *said(model, True, b"A?", answer=b"1")]
    play(twice, scenario, resource=resource, model=model)


@pytest.mark.parametrize("model", [Supply, Joined])
@pytest.mark.parametrize("resource", [SOCKET, PORT])
def test_a_copy_between_exchanges_is_passed_over(model: type[Supply], resource: str) -> None:
    async def scenario(supply: Supply) -> None:
        assert await supply.ask("A?") == [b"1"]
        await asyncio.sleep(0.1)
        assert await supply.ask("B?") == [b"2"]

    [(command, reply)] = said(model, True, b"A?", answer=b"1")
    again = late((0.0, reply + WHO), (0.05, reply))
    entries = [(command, again), *HELLO, *said(model, True, b"B?", answer=b"2")]
    play(entries, scenario, resource=resource, model=model)


@pytest.mark.parametrize("copy", ["answer", "entry", "identity"])
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("model", [Supply, Joined])
@pytest.mark.parametrize("resource", [SOCKET, PORT])
def test_a_late_copy_answers_and_acknowledges_nothing(
    model: type[Supply], resource: str, at: int, copy: str
) -> None:
    """It comes after the next message has left, before any of its replies or between them."""
    [(asked, answered)] = said(model, True, b"A?", answer=b"1")
    [(told, refused)] = said(model, True, b"OUTP ON", error=b'-221,"Settings conflict"\n')
    [(next_one, second)] = said(model, True, b"B?", answer=b"2")
    old = {"answer": answered.splitlines(True)[0], "entry": NONE, "identity": WHO}[copy]

    def beside(reply: bytes) -> list[bytes]:
        lines = [*reply.splitlines(True), WHO]
        return [*lines[:at], old, *lines[at:]]

    async def scenario(supply: Supply) -> None:
        assert await supply.ask("A?") == [b"1"]
        with contextlib.suppress(InstrumentError, LinkError):
            assert await supply.ask("B?") == [b"2"]
        with pytest.raises((InstrumentError, LinkError)):
            await supply.tell("OUTP ON")  # which is refused, whatever the copy says

    async def play_it() -> None:
        count = 0

        async def serve(reader, writer) -> None:
            nonlocal count
            while line := await reader.readline():
                if line == b"*IDN?\n":
                    writer.write(WHO)
                elif line in (asked, asked.splitlines(True)[0]):
                    await skip(reader, asked)
                    writer.write(answered + WHO)
                elif line in (next_one, next_one.splitlines(True)[0]):
                    await skip(reader, next_one)
                    await slowly(writer, beside(second))
                elif line in (told, told.splitlines(True)[0]):
                    await skip(reader, told)
                    count += 1
                    await slowly(writer, beside(refused))
                else:
                    writer.write(NONE)

        network = MemoryNetwork()
        network.listen(resource, serve)
        supply = model("ps", resource, network, link=LINK, timeout=1.0)
        await supply.open()
        await scenario(supply)
        await supply.close()
        await network.close()
        assert count == 1

    run(play_it())


async def skip(reader: asyncio.StreamReader, message: bytes) -> None:
    """Read what leaves with the first line of a message: the rest of it, and `*IDN?`."""
    for _ in range(len(message.splitlines())):
        await reader.readline()


async def slowly(writer, lines: list[bytes]) -> None:
    """Lines a millisecond apart."""
    for line in lines:
        await asyncio.sleep(1e-3)
        writer.write(line)


@pytest.mark.parametrize("resource", [SOCKET, PORT])
def test_a_refusal_that_comes_unasked_is_raised_before_anything_else_is_sent(resource: str) -> None:
    async def scenario(supply: Supply) -> None:
        await supply.tell("OUTP ON")
        await asyncio.sleep(0.1)
        with pytest.raises(InstrumentError, match=r"\(before\) SOUR1:VOLT 1' was .*-221"):
            await supply.set(VOLTS, 1.0, 1)
        await supply.tell("OUTP OFF")

    [(command, reply)] = said(Supply, True, b"OUTP ON")
    stray = late((0.05, b'-221,"Settings conflict"\n'))

    def answer(writer) -> None:
        writer.write(reply + WHO)
        stray(writer)

    # Once to be in step, and once more because raising leaves the link in doubt.
    entries = [(command, answer), *HELLO, *HELLO, *said(Supply, True, b"OUTP OFF")]
    play(entries, scenario, resource=resource)


def test_a_closed_peer_is_an_error_at_once() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkClosed):
            await supply.ask("A?")
        assert asyncio.get_running_loop().time() < 0.1
        assert await supply.ask("B?") == [b"2"]

    play([(b"A?\n" + ASK, lambda w: w.close()), *HELLO, (b"B?\n" + ASK, b"2\n" + NONE)], scenario)


PIECES = [
    b"1",
    b".5",
    b",A",
    b"\n",
    b"\r",
    b";",
    b"#",
    b"13",
    b'"',
    b'-113,"A"',
    NONE,
    IDN,
    b"\xff",
]


@settings(max_examples=300, deadline=None)
@given(
    noise=st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES)).map(b"".join)),
    case=st.sampled_from([(Supply, PORT, True), (Supply, GPIB, False), (Joined, SOCKET, True)]),
)
def test_any_bytes_end_in_a_value_or_a_typed_error_and_never_shift_replies(noise, case) -> None:
    """Whatever comes in place of the first answer, the second question has its own answer."""
    model, resource, stream = case
    count = 0

    async def serve(reader, writer) -> None:
        nonlocal count
        while line := await reader.readline():
            if line.startswith(b"*IDN?"):
                writer.write(IDN + b"\n")
            elif line == ASK:
                writer.write(NONE)
            elif line.startswith(b"MEAS:CURR?"):
                writer.write(noise)
            elif line.startswith(b"SOUR2:VOLT?"):
                count += 1
                joined = b";" + NONE if model.error_in_message else b"\n"
                writer.write(b"%d" % count + joined)

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen(resource, serve, stream=stream)
        supply = model("ps", resource, network, link=LINK, timeout=1.0)
        await supply.open()
        try:
            value = await supply.get(AMPS)
            assert math.isnan(value) or float(noise.split(b"\n")[0].split(b";")[0]) == value
        except (InstrumentError, LinkError):
            pass
        right = 0
        for _ in range(4):
            try:
                assert await supply.get(VOLTS, 2) == count
                right += 1
            except (InstrumentError, LinkError):
                assert right == 0
        assert right >= 2
        await supply.close()
        await network.close()

    run(scenario())
