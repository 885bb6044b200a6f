"""One command in many spellings: white space, numbers, units, blocks, and what is too long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.engine.common import add_common
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.framing import Framer
from sim_backends.engine.header import CommandTable, initials
from sim_backends.engine.parameters import arguments, block, boolean, integer, number, separate
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.status import EventRegister, Status

white = st.text(alphabet=[chr(code) for code in range(33) if code != 10], min_size=1, max_size=3)


def session(limit: int = 1 << 19) -> tuple[ScpiSession, list[bytes]]:
    """A voltage, a block that is kept, and all that every instrument has; ended by LF."""
    commands: CommandTable[Command] = CommandTable()
    add_common(commands, lambda: "MA,IN,0,VER", lambda s: settings.reset())
    settings = Settings(commands)
    settings.number("volts", "[SOURce[1]:]VOLTage[:LEVel]", -10.0, 10.0, 0.0, unit="V")
    settings.number("hertz", "[SOURce[1]:]FREQuency", 1e-6, 1e9, 1e3, unit="HZ")
    settings.boolean("output", "OUTPut[:STATe]", False)
    kept: list[bytes] = []
    commands.add("DATA", lambda s, n, text: kept.append(block(arguments(text, 1, 1)[0])))
    commands.add("DATA?", lambda s, n, text: kept[-1])
    sent: list[bytes] = []
    return ScpiSession(commands, Dialect(reply_end=b"\n", input_limit=limit), sent.append), sent


def said(message: bytes) -> bytes:
    """All that is answered to bytes from a stream."""
    client, sent = session()
    client.receive(message)
    return b"".join(sent)


@pytest.mark.parametrize(
    "text",
    ["2.5", "+2.5", "2.5E0", "25E-1", "2500 MV", "2500mv", "2500\tmV", "2.5 V", ".25 E +1",
     "2.5\te0 v", "2500000UV", "0.0025kV", "2.5E+00000"],
)  # fmt: skip
def test_one_voltage_in_many_spellings(text: str) -> None:
    assert said(f":SOURCE1:voltage:LEV {text}\r\nVOLT?\n".encode()) == b"+2.500000E+00\n"


@pytest.mark.parametrize(
    ("text", "hertz"), [("1 MHZ", 1e6), ("1mhz", 1e6), ("1MAHZ", 1e6), ("1GHZ", 1e9), ("#HFF", 255),
                        ("#q17", 15), ("#B101", 5), ("MAX", 1e9), ("minimum", 1e-6), ("DEF", 1e3)]
)  # fmt: skip
def test_one_frequency_in_many_spellings(text: str, hertz: float) -> None:
    assert float(said(f"FREQ {text};FREQ?\n".encode())) == hertz


@pytest.mark.parametrize(
    ("text", "unit", "code"),
    [("1E400V", "V", -123), ("1 E 400", "V", -123), ("#H1_0", "", -121), ("#H 10", "", -121),
     ("#H-1", "", -121), ("#H0x10", "", -121), ("#B12", "", -121), ("#Q8", "", -121),
     ("#H", "", -121), ("#", "", -104), ("", "", -104), ("1e3e3", "", -104), ("1V", "", -138),
     ("1VV", "V", -131), ("1 V V", "V", -104), ("1 E", "V", -131)],
)  # fmt: skip
def test_numbers_that_are_none(text: str, unit: str, code: int) -> None:
    with pytest.raises(ScpiError) as caught:
        number(text, unit)
    assert caught.value.code == code


def test_a_number_with_spaces_needs_no_unit() -> None:
    assert number("1 E3") == 1e3
    assert number("-1.5\tE\t-3", "V") == -1.5e-3


def test_whole_numbers_and_switches_are_rounded() -> None:
    assert integer("255.4", 0, 255) == 255
    assert integer("-0.5", 0, 255) == 0
    for wrong in ("255.5", "-0.6", "INF", "-INF"):
        with pytest.raises(ScpiError, match="-222"):
            integer(wrong, 0, 255)
    assert [boolean(word) for word in ("0.4", "-0.5", "0.5", "-0.6", "#H2", "INF")] == [
        False, False, True, True, True, True,
    ]  # fmt: skip


@given(white, white, white)
def test_control_characters_are_white_space(before: str, between: str, after: str) -> None:
    client, _ = session()
    client.execute(f"{before}VOLT{between}2{after};{before}OUTP{between}ON{after}")
    assert client.execute(f"{before}VOLT?{after};{after}OUTP?") == b"+2.000000E+00;1\n"
    assert client.errors.pop() == (0, "No error")


def test_a_c_client_that_sends_its_strings_end() -> None:
    assert said(b"*IDN?\n\0VOLT 3\n\0VOLT?\n\0") == b"MA,IN,0,VER\n+3.000000E+00\n"
    assert said(b"VOLT 3\0\nVOLT?\0\n") == b"+3.000000E+00\n"


def test_empty_units_and_colons() -> None:
    assert said(b";;VOLT 3;; ;VOLT?;\r\n;\n\n") == b"+3.000000E+00\n"
    assert said(b" :SOUR:VOLT 3;:SOUR:VOLT?;:VOLT:LEV?\n") == b"+3.000000E+00;+3.000000E+00\n"
    for odd in (b"::VOLT?", b":", b";:", b": VOLT?", b"VOLT ?;", b"VOLT:", b"VOLT::LEV?", b"?"):
        # none is taken for the query, none stops the next message
        assert said(odd + b"\n*CLS;*IDN?\n") == b"MA,IN,0,VER\n", odd


@given(st.binary(max_size=40))
def test_an_indefinite_block_reaches_to_the_end(payload: bytes) -> None:
    payload = payload.replace(b"\n", b"")
    text = payload.decode("latin-1")
    assert separate(f"DATA #0{text}", ";") == [f"DATA #0{text}"]
    assert separate(f"a,#0{text}", ",") == ["a", f"#0{text}"]
    assert Framer(b"\n", blocks=True, limit=100).feed(b"DATA #0" + payload + b"\nB\n") == [
        f"DATA #0{text}", "B",
    ]  # fmt: skip


@given(st.binary(max_size=20), st.sampled_from(["", " ", "\r", "\t "]))
def test_all_bytes_of_a_block_are_its_own(payload: bytes, behind: str) -> None:
    """White space at its ends, too: zeros are white space elsewhere."""
    text = f"#2{len(payload):02d}{payload.decode('latin-1')}"
    assert [block(one) for one in arguments(f" {text} , {text}{behind}", 2, 2)] == [payload] * 2
    assert block(arguments(f"#0{payload.decode('latin-1')}", 1, 1)[0]) == payload


def test_an_indefinite_block_in_pieces() -> None:
    client, sent = session()
    for piece in (b"DATA #", b"0it's", b' "a";', b"#15;", b"\nDATA?\n"):
        client.receive(piece)
    assert sent == [b'it\'s "a";#15;\n']


def test_the_rest_of_a_message_that_was_too_long_is_not_carried_out() -> None:
    for last in (b"\n", b"'\n", b"\r\n"):
        client, sent = session(limit=1000)
        client.receive(b"DATA " + b"x" * 1000)
        client.receive(b"y" * 500 + b";VOLT 5;*IDN?" + last)
        client.receive(b"VOLT?;SYST:ERR?;:SYST:ERR:COUN?\n")
        assert sent == [b'+0.000000E+00;-363,"Input buffer overrun";0\n']


def test_queries_without_end_deadlock_where_answers_wait_to_be_read() -> None:
    for by_messages, filling, code in (
        (True, b"*IDN?;", -430), (True, b"VOLT 5;", -363), (False, b"*IDN?;", -363),
    ):  # fmt: skip
        client, sent = session(limit=1000)
        if by_messages:
            client.by_messages()
        for _ in range(200):
            client.receive(filling)
        client.receive(b"VOLT 5\n")
        client.end()
        assert sent == []
        assert client.errors.pop()[0] == code
        assert client.status.read_esr() == (4 if code == -430 else 8)
        client.receive(b"VOLT?\n")
        assert sent == [b"+0.000000E+00\n"]


def test_a_block_that_cannot_be_taken_is_refused_at_once() -> None:
    client, sent = session(limit=1000)
    client.receive(b"DATA #9999999999xxx\nSYST:ERR?\n*IDN?\n")
    assert client.errors.pop()[0] == -363
    client.receive(b"\n*IDN?\n")
    assert sent[-1] == b"MA,IN,0,VER\n"


def test_what_is_too_long_ends_with_its_two_characters_or_with_the_message() -> None:
    framer = Framer(b"\r\n", blocks=False, limit=10)
    assert framer.feed(b"x" * 20 + b"\r") == []
    assert framer.feed(b"\nA\r\n") == ["A"]
    framer.feed(b"x" * 20)
    framer.feed(b"y\r")
    assert framer.feed(b"\nB\r\n") == ["B"]
    assert framer.overruns == 2
    framer.feed(b"x" * 20)
    assert framer.end() == []
    assert framer.feed(b"C\r\n") == ["C"]


@pytest.mark.parametrize(
    "garbage", [b"A;" * 500_000, b"'" + b"#1" * 500_000, b"B1C:" * 250_000, b"(" * 1_000_000]
)
def test_a_megabyte_of_garbage_takes_no_age(garbage: bytes) -> None:
    client, sent = session()
    began = time.process_time()
    for at in range(0, len(garbage), 1 << 16):
        client.receive(garbage[at : at + (1 << 16)])
    client.receive(b"'\n*CLS;*IDN?\n")
    assert sent[-1:] == [b"MA,IN,0,VER\n"]
    assert time.process_time() - began < 5.0


def test_an_indefinite_block_ends_with_its_message_where_messages_end() -> None:
    """NL with END ends it (488.2, 7.7.6.2): on a link with END, a line feed alone is data."""
    client, sent = session()
    client.by_messages()
    for piece in (b"DATA #0one\ntwo;", b"\n#15\n", b"three\n"):
        client.receive(piece)
    client.end()
    client.receive(b"DATA?\n")
    client.end()
    assert sent == [b"one\ntwo;\n#15\nthree\n"]
    client.receive(b"*CLS\nDATA #0\n\nlast")  # its own LF, and END without one
    client.end()
    client.receive(b"DATA?\n*IDN?")
    client.end()
    assert sent[1:] == [b"\n\nlast\n", b"MA,IN,0,VER\n"]


@given(st.binary(max_size=40), st.integers(0, 45), st.booleans())
def test_an_indefinite_block_of_any_bytes_before_an_end(data: bytes, cut: int, line: bool) -> None:
    client, sent = session()
    client.by_messages()
    message = b"DATA #0" + data + b"\n" * line
    client.receive(message[:cut])
    client.receive(message[cut:])
    client.end()
    assert not client.errors
    client.receive(b"DATA?")
    client.end()
    kept = data if line else data.removesuffix(b"\n")
    assert sent == [kept + b"\n"]


def test_headers_are_looked_up_by_their_initial() -> None:
    assert initials("[SENSe[1]:]POWer") == {"S", "P"}
    assert initials("[SOURce#:]VOLTage[:LEVel]") == {"S", "V"}
    assert initials("*IDN?") == {"*"}


def test_every_register_asks_for_service_and_is_cleared() -> None:
    status, called = Status(), []
    status.watchers.append(lambda: called.append(1))
    own = status.register(1)
    for register, bit in ((own, 1), (status.questionable, 8), (status.operation, 128)):
        register.enable, status.sre = 4, bit
        called.clear()
        register.set(4, True)
        assert called == [1]
        assert status.byte(0) == 64 + bit
        status.clear()
        assert status.byte(0) == 0
        status.preset()
        assert register.enable == 0
    assert isinstance(own, EventRegister)
