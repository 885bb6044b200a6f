"""The receiving half of a link: whatever the pieces, messages come out whole and in time."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.transport.link import NOISE, LinkClosed, LinkTimeout
from drivers.transport.receive import DIRECT, MAX_UNREAD, ReceiveBuffer


@given(
    messages=st.lists(
        st.binary(max_size=20).filter(lambda m: b"\r\n" not in m + b"\r"), max_size=8
    ),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_pieces_do_not_matter(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(message + b"\r\n" for message in messages)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})

    async def scenario() -> list[bytes]:
        buffer = ReceiveBuffer("test")

        async def feed() -> None:
            for start, stop in itertools.pairwise(edges):
                buffer.feed(stream[start:stop])
                await asyncio.sleep(0)

        feeding = asyncio.create_task(feed())
        got = [await buffer.read_until(b"\r\n", 5.0) for _ in messages]
        await feeding
        assert buffer.take_all() == b""
        return got

    assert asyncio.run(scenario()) == [message + b"\r\n" for message in messages]


def test_timeout_keeps_what_came(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        buffer.feed(b"half")
        loop = asyncio.get_running_loop()
        with pytest.raises(LinkTimeout, match=r"port.*within 0\.5 s \(4 bytes came\)"):
            await buffer.read_until(b"\n", 0.5)
        assert loop.time() == pytest.approx(0.5, abs=0.01)
        assert await buffer.read_exactly(4, 0.1) == b"half"

    virtual(scenario())


def test_what_came_in_place_of_a_message_is_shown_with_the_mend(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        with pytest.raises(LinkTimeout, match=r"\(0 bytes came\); see that it is on"):
            await buffer.read_until(b"\n", 0.5)
        buffer.feed(b"\xff\x00\xa5?")
        with pytest.raises(LinkTimeout) as caught:
            await buffer.read_until(b"\n", 0.5)
        assert str(caught.value).endswith(f"(4 bytes came): {bytes([255, 0, 165, 63])!r}; {NOISE}")
        buffer.feed(b"x" * 100)
        with pytest.raises(LinkTimeout) as caught:
            await buffer.read_exactly(10**6, 0.5)
        shown = repr(b"\xff\x00\xa5?" + b"x" * 36)
        assert f"(104 bytes came): {shown}...; {NOISE}" in str(caught.value)

    virtual(scenario())


def test_end_of_file_is_an_error_at_once(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        loop = asyncio.get_running_loop()
        loop.call_later(0.25, buffer.fail, LinkClosed("gone"))
        with pytest.raises(LinkClosed, match="gone"):
            await buffer.read_until(b"\n", 100.0)
        assert loop.time() < 1.0
        with pytest.raises(LinkClosed):
            await buffer.read_exactly(1, 100.0)
        assert loop.time() < 1.0

    virtual(scenario())


def test_bytes_before_the_end_of_file_can_be_read(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        buffer.feed(b"last words\n")
        buffer.fail(LinkClosed("gone"))
        buffer.feed(b"ghost")
        assert await buffer.read_until(b"\n", 1.0) == b"last words\n"
        assert buffer.take_all() == b""

    virtual(scenario())


def test_babble_closes_the_link() -> None:
    buffer = ReceiveBuffer("port")
    buffer.feed(bytes(MAX_UNREAD))
    assert not buffer.failed
    buffer.feed(b"!")
    assert buffer.failed


def test_two_readers_are_a_mistake(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        first = asyncio.create_task(buffer.read_exactly(1, 1.0))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="hold its lock"):
            await buffer.read_exactly(1, 1.0)
        buffer.feed(b"x")
        assert await first == b"x"

    virtual(scenario())


@given(
    first=st.integers(0, 2000),
    cuts=st.lists(st.integers(1, 3 * DIRECT), max_size=8),
    direct=st.booleans(),
)
def test_long_reads_are_whole_however_they_come(first: int, cuts: list[int], direct: bool) -> None:
    """Some bytes lie there before, some come with the rest; into the room given, or fed."""
    count = 2 * DIRECT + 17
    stream = bytes(range(251)) * (count // 251 + 1)
    stream = stream[:count] + b"next\n"
    edges = sorted({first, len(stream), *(cut for cut in cuts if first < cut < len(stream))})

    async def scenario() -> None:
        buffer = ReceiveBuffer("test")
        buffer.feed(stream[:first])

        async def feed() -> None:
            await asyncio.sleep(0)
            for start, stop in itertools.pairwise(edges):
                while start < stop:
                    room = buffer.room() if direct else None
                    piece = stream[start : stop if room is None else start + len(room)][:stop]
                    piece = piece[: stop - start]
                    if room is None:
                        buffer.feed(piece)
                    else:
                        room[: len(piece)] = piece
                        buffer.filled(room, len(piece))
                    start += len(piece)
                await asyncio.sleep(0)

        feeding = asyncio.create_task(feed())
        assert await buffer.read_exactly(count, 5.0) == stream[:count]
        assert await buffer.read_until(b"\n", 5.0) == b"next\n"
        await feeding

    asyncio.run(scenario())


def test_a_long_read_that_times_out_keeps_what_came(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        buffer.feed(b"head")
        reading = asyncio.create_task(buffer.read_exactly(4 * DIRECT, 0.5))
        await asyncio.sleep(0.1)
        room = buffer.room()
        assert room is not None
        room[:4] = b"tail"
        buffer.filled(room, 4)
        with pytest.raises(LinkTimeout, match=r"\(8 bytes came\)"):
            await reading
        late = room[4:]
        late[:5] = b"late\n"
        buffer.filled(late, 5)  # received into what was given up meanwhile
        assert await buffer.read_until(b"\n", 0.1) == b"headtaillate\n"

    virtual(scenario())


def test_a_long_read_ends_at_once_with_the_link(virtual) -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        asyncio.get_running_loop().call_later(0.1, buffer.fail, LinkClosed("gone"))
        with pytest.raises(LinkClosed, match="gone"):
            await buffer.read_exactly(4 * DIRECT, 100.0)
        assert asyncio.get_running_loop().time() < 1.0

    virtual(scenario())


def test_a_block_may_be_longer_than_what_may_lie_unread() -> None:
    async def scenario() -> None:
        buffer = ReceiveBuffer("port")
        reading = asyncio.create_task(buffer.read_exactly(MAX_UNREAD + 2 * DIRECT, 5.0))
        await asyncio.sleep(0)
        for _ in range(MAX_UNREAD // 2**20):
            buffer.feed(bytes(2**20))
        buffer.feed(bytes(2 * DIRECT))
        assert len(await reading) == MAX_UNREAD + 2 * DIRECT
        assert not buffer.failed

    asyncio.run(scenario())
