"""Properties of the SCPI parser for arbitrary input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim_backends.engine.common import add_common
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.framing import Framer
from sim_backends.engine.header import CommandTable, compile_pattern
from sim_backends.engine.parameters import block, separate
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.writing import write_block

words = st.from_regex(r"[A-Z]{1,4}[a-z]{0,5}", fullmatch=True)
payloads = st.binary(max_size=60)


def session() -> ScpiSession:
    commands: CommandTable[Command] = CommandTable()
    add_common(commands, lambda: "M,I,0,V", lambda s: None)
    commands.add("DATA", lambda s, n, text: None)
    return ScpiSession(commands, Dialect(), lambda data: None)


@given(st.lists(words, min_size=1, max_size=4), st.data())
def test_every_mixture_of_long_and_short_forms_is_found(nodes, data) -> None:
    pattern = compile_pattern(":".join(nodes))
    spelt = []
    for node in nodes:
        short = "".join(c for c in node if c.isupper())
        form = data.draw(st.sampled_from([node, short]))
        spelt.append(data.draw(st.sampled_from([form.upper(), form.lower()])))
    assert pattern.fullmatch(":".join(spelt))


@given(words, st.integers(1, 8))
def test_other_abbreviations_are_not_found(node, cut) -> None:
    short = "".join(c for c in node if c.isupper())
    form = node[:cut]
    if form.upper() not in (node.upper(), short):
        assert compile_pattern(node).fullmatch(form) is None


@given(payloads)
def test_blocks_survive_writing_and_reading(payload) -> None:
    text = write_block(payload).decode("latin-1")
    assert block(text) == payload
    assert separate(f"A {text};B", ";") == [f"A {text}", "B"]


@given(st.lists(payloads, max_size=4), st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_framing_does_not_depend_on_segments(items, cuts) -> None:
    messages = [b"DATA " + write_block(item) for item in items]
    stream = b"".join(message + b"\n" for message in messages)
    framer = Framer(b"\n", blocks=True, limit=10_000)
    found, position, turn = [], 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        found += framer.feed(stream[position : position + size])
        position += size
        turn += 1
    assert [text.encode("latin-1") for text in found] == messages


@given(st.text(alphabet=st.characters(min_codepoint=9, max_codepoint=255), max_size=60))
def test_no_message_breaks_the_session(message) -> None:
    client = session()
    client.execute(message)
    client.execute("*CLS")
    assert client.execute("SYST:ERR?") == b'0,"No error"\r\n'


@given(st.binary(max_size=200))
def test_no_bytes_break_the_session(data) -> None:
    client = session()
    client.receive(data)
    client.receive(b"\n*CLS\n")
