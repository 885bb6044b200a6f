"""Queries sent ahead: one write on raw TCP, one by one elsewhere, and never a wrong answer."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import InstrumentError
from drivers.protocol import scpi
from drivers.scpi_messages import MOST_AHEAD
from drivers.transport.link import LinkError, LinkTimeout
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import run
from tests.drivers.supply import (
    ASK,
    CASES,
    ENABLE,
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

BLOCK = bytes(range(256)) * 20


def ahead(*entries: tuple) -> tuple:
    """What leaves in one write, before any of it is answered."""
    return b"".join(sent for sent, _ in entries), b"".join(reply for _, reply in entries)


def asked(query: bytes, answer: bytes, model: type[Supply] = Supply, error: bytes = NONE) -> tuple:
    [entry] = said(model, True, query, answer=answer, error=error)
    return entry


@pytest.mark.parametrize("model", [Supply, Joined])
def test_all_leave_in_one_write_and_are_answered_in_order(model: type[Supply]) -> None:
    async def scenario(supply: Supply) -> None:
        answers = await supply.ask_all(["A?", "DATA?", "B?"], received=len(BLOCK))
        assert answers == [b"1", BLOCK, b"two"]
        assert supply.exchanges == 1
        assert await supply.get_all([(VOLTS, 1), (VOLTS, 2), (ENABLE, "")]) == [1.5, 2.5, True]
        assert await supply.ask_all([]) == []

    entries = [
        ahead(
            asked(b"A?", b"1", model), asked(b"DATA?", scpi.definite_block(BLOCK), model),
            asked(b"B?", b"two", model),
        ),
        ahead(
            asked(b"SOUR1:VOLT?", b"1.5", model), asked(b"SOUR2:VOLT?", b"2.5", model),
            asked(b"OUTP?", b"1", model),
        ),
    ]  # fmt: skip
    play(entries, scenario, model=model)


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_one_by_one_where_the_link_wants_it(model, resource: str, stream: bool) -> None:
    async def scenario(supply: Supply) -> None:
        assert supply.asks_ahead is (resource == SOCKET)
        assert await supply.ask_all(["A?", "B?"]) == [b"1", b"2"]
        assert supply.exchanges == (1 if supply.asks_ahead else 2)

    entries = said(model, stream, b"A?", answer=b"1") + said(model, stream, b"B?", answer=b"2")
    if resource == SOCKET:
        entries = [ahead(*entries)]
    play(entries, scenario, model=model, resource=resource, stream=stream)


def test_the_plan_has_one_latency_or_one_each() -> None:
    network = MemoryNetwork()
    tcp = Supply("ps", SOCKET, network, link=LINK)
    gpib = Supply("ps", GPIB, network, link=LINK)
    size = (40 + 8 * 11 + 800 + 8 * 16) / 1e6
    assert tcp.planned_ask_all(8, 40, 800) == pytest.approx(0.001 + size)
    assert gpib.planned_ask_all(8, 40, 800) == pytest.approx(0.008 + size)


def test_very_many_go_in_several_writes() -> None:
    names = [b"Q%d?" % number for number in range(MOST_AHEAD + 2)]

    async def scenario(supply: Supply) -> None:
        answers = await supply.ask_all([name.decode() for name in names])
        assert answers == [b"%d" % number for number in range(MOST_AHEAD + 2)]
        assert supply.exchanges == 2

    every = [asked(name, b"%d" % number) for number, name in enumerate(names)]
    play([ahead(*every[:MOST_AHEAD]), ahead(*every[MOST_AHEAD:])], scenario)


@pytest.mark.parametrize("model", [Supply, Joined])
def test_the_one_that_is_refused_is_named_with_all_that_was_queued(model: type[Supply]) -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError) as refused:
            await supply.ask_all(["A?", "B?", "C?"])
        assert refused.value.command == "B?"
        assert refused.value.reply == '-113,"Undefined header"; -224,"Illegal"; -350,"Overflow"'
        assert await supply.ask_all(["D?"]) == [b"4"]  # in step, and nothing is queued

    # What B queued besides is told behind C, and the rest is drained.
    batch = ahead(
        asked(b"A?", b"1", model), asked(b"B?", b"", model, b'-113,"Undefined header"\n'),
        asked(b"C?", b"3", model, b'-224,"Illegal"\n'),
    )  # fmt: skip
    entries = [
        batch, (ASK, b'-350,"Overflow"\n'), (ASK, NONE), asked(b"D?", b"4", model),
    ]  # fmt: skip
    play(entries, scenario, model=model)


def test_answers_that_look_like_entries_are_sorted_out_by_their_number() -> None:
    async def scenario(supply: Supply) -> None:
        assert await supply.ask_all(["A?", "LIST?", "B?"]) == [b"1", b"1,ABC", b"2"]
        with pytest.raises(LinkError, match="which of the queries"):
            await supply.ask_all(["A?", "LIST?", "B?"])
        assert await supply.ask("C?") == [b"3"]

    listed = asked(b"LIST?", b"1,ABC")
    refused = asked(b"B?", b"", error=b'-113,"Undefined header"\n')
    entries = [
        ahead(asked(b"A?", b"1"), listed, asked(b"B?", b"2")),
        ahead(asked(b"A?", b"1"), listed, refused),
        *HELLO, asked(b"C?", b"3"),
    ]  # fmt: skip
    play(entries, scenario)


@pytest.mark.parametrize("model", [Supply, Joined])
def test_a_query_that_was_skipped_without_a_reason(model: type[Supply]) -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match=r"'B\?' was answered by '0 answers of 1'"):
            await supply.ask_all(["A?", "B?"])
        assert await supply.ask("C?") == [b"3"]

    entries = [
        ahead(asked(b"A?", b"1", model), asked(b"B?", b"", model)),
        *HELLO, asked(b"C?", b"3", model),
    ]  # fmt: skip
    play(entries, scenario, model=model)


@pytest.mark.parametrize("cancel", [False, True])
def test_late_answers_of_several_never_answer_the_next(cancel: bool) -> None:
    async def scenario(supply: Supply) -> None:
        asking = supply.ask_all(["A?", "B?", "C?"])
        if cancel:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asking, 0.5)
        else:
            with pytest.raises(LinkTimeout):
                await asking
        assert await supply.ask_all(["D?", "E?"]) == [b"4", b"5"]
        await asyncio.sleep(5.0)
        assert await supply.ask("F?") == [b"6"]

    sent, _ = ahead(asked(b"A?", b""), asked(b"B?", b""), asked(b"C?", b""))
    slow = late((0.1, b"1\n" + NONE), (1.5, b"2\n" + NONE), (1.6, b"3\n" + NONE + IDN + b"\n"))
    entries = [
        (sent, slow), *HELLO, ahead(asked(b"D?", b"4"), asked(b"E?", b"5")), asked(b"F?", b"6"),
    ]  # fmt: skip
    play(entries, scenario)


def test_a_port_is_not_sent_ahead_of() -> None:
    """Its second query leaves when the first is answered: a busy instrument would lose it."""

    async def scenario(supply: Supply) -> None:
        assert await supply.ask_all(["A?", "B?"]) == [b"1", b"2"]
        assert asyncio.get_running_loop().time() >= 0.3

    slow = late((0.3, b"1\n" + NONE + IDN + b"\n"))
    entries = [(b"A?\n" + ASK, slow), asked(b"B?", b"2")]
    play(entries, scenario, resource=PORT)


@pytest.mark.parametrize("model", [Supply, Joined])
def test_a_reply_too_many_leaves_none_for_the_next_exchange(model: type[Supply]) -> None:
    """The forged refusal pushes the last reply out; it comes late, and would pass for an OK."""

    async def scenario(supply: Supply) -> None:
        with pytest.raises((InstrumentError, LinkError)):
            await supply.ask_all(["A?", "B?"])
        with pytest.raises(InstrumentError, match="-221"):
            await supply.set(VOLTS, 1.0, 1)

    sent, _ = ahead(asked(b"A?", b"1", model), asked(b"B?", b"2", model))
    forged = b'-350,"Queue overflow"\n'
    first, second = (asked(b"A?", answer, model)[1] for answer in (b"1", b"2"))
    refused = asked(b"SOUR1:VOLT 1", b"", model, b'-221,"Settings conflict"\n')
    entries = [
        (sent, late((0.1, forged + first), (0.4, second + IDN + b"\n"))),
        *HELLO, refused, (ASK, NONE),
    ]  # fmt: skip
    play(entries, scenario, model=model)


REPLIES = st.sampled_from(
    [b"", b"\n", b"7\n", b"1,ABC\n", b"#12\n\n\n", b'-113,"A"\n', NONE, b"\xff"]
)


@settings(max_examples=300, deadline=None)
@given(
    replies=st.lists(st.tuples(REPLIES, REPLIES), min_size=3, max_size=3),
    model=st.sampled_from([Supply, Joined]),
)
def test_any_replies_end_in_answers_or_a_typed_error(replies, model: type[Supply]) -> None:
    """An answer that is given stands before its own entry of the error queue, which is empty."""

    async def serve(reader, writer) -> None:
        while line := await reader.readline():
            name = line.partition(b"?")[0]
            if name == b"*IDN":
                writer.write(IDN + b"\n")
            elif name in (b"Q0", b"Q1", b"Q2"):
                answer, entry = replies[int(name[1:])]
                if model.error_in_message:
                    writer.write(answer.rstrip(b"\n") + b";" + entry if answer else entry)
                else:
                    await reader.readline()
                    writer.write(answer + entry)
            elif model.error_in_message and name != b"SYST:ERR":
                writer.write(b"42;" + NONE)
            else:
                writer.write(NONE if name == b"SYST:ERR" else b"42\n")

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen(SOCKET, serve)
        supply = model("ps", SOCKET, network, link=LINK, timeout=1.0)
        await supply.open()
        try:
            answers = await supply.ask_all(["Q0?", "Q1?", "Q2?"])
            assert [entry for _, entry in replies] == [NONE] * 3
            for answer, (reply, _) in zip(answers, replies, strict=True):
                assert reply in (answer + b"\n", b"#1%d%b\n" % (len(answer), answer))
        except (InstrumentError, LinkError):
            pass
        right = 0
        for _ in range(4):
            try:
                assert await supply.ask("LATER?") == [b"42"]
                right += 1
            except (InstrumentError, LinkError):
                assert right == 0
        assert right >= 2
        await supply.close()
        await network.close()

    run(scenario())
