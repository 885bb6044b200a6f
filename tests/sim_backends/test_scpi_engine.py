"""The SCPI engine against the published vectors of scpi-parser and the texts of the standard."""

from __future__ import annotations

import pytest

from sim_backends.engine.common import add_common
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ErrorQueue, ScpiError
from sim_backends.engine.framing import Framer
from sim_backends.engine.header import CommandTable, compile_pattern
from sim_backends.engine.parameters import arguments, block, boolean, choice, number, string
from sim_backends.engine.session import Command, ScpiSession


def make(dialect: Dialect | None = None) -> tuple[ScpiSession, list[bytes]]:
    commands: CommandTable[Command] = CommandTable()
    add_common(commands, lambda: "MA,IN,0,VER", lambda session: None)
    commands.add("TEST:TREEA?", lambda s, n, text: "10")
    commands.add("TEST:TREEB?", lambda s, n, text: "20")
    commands.add("TEXT?", lambda s, n, text: ",".join(arguments(text, 1, 2)))
    commands.add("CHANnel#:VALue?", lambda s, n, text: str(n[0]))
    sent: list[bytes] = []
    return ScpiSession(commands, dialect or Dialect(), sent.append), sent


def ask(session: ScpiSession, message: str) -> str:
    return session.execute(message).decode().removesuffix("\r\n")


@pytest.mark.parametrize(
    ("pattern", "header", "suffixes"),
    [
        ("SYSTem:ERRor[:NEXT]?", "syst:err?", ()),
        ("SYSTem:ERRor[:NEXT]?", "SYSTEM:ERROR:NEXT?", ()),
        ("ACQ:SOUR#:DATA:STArt:N?", "ACQ:SOUR2:DATA:STA:N?", ("2",)),
        ("ACQ:SOUR#:DATA:STArt:N?", "acq:sour:data:start:n?", ("",)),
        ("OUTPUT#:STATE", "OUTPUT1:STATE", ("1",)),
        ("ACQ:TRig", "ACQ:TR", ()),
    ],
)
def test_headers_match_in_long_and_short_form(pattern, header, suffixes) -> None:
    match = compile_pattern(pattern).fullmatch(header)
    assert match is not None
    assert match.groups() == suffixes


@pytest.mark.parametrize(
    "header", ["SYSTe:ERR?", "SYST:ERR", "SYS:ERR?", "SYST:ERRO?", "SYST :ERR?"]
)
def test_nothing_between_long_and_short_form_matches(header) -> None:
    assert compile_pattern("SYSTem:ERRor[:NEXT]?").fullmatch(header) is None


def test_tree_walking() -> None:
    session, _ = make()
    assert ask(session, "TEST:TREEA?;TREEB?") == "10;20"
    assert ask(session, 'TEST:TREEA?;:TEXT? "a", "b"') == '10;"a","b"'
    assert ask(session, ";*IDN?;") == "MA,IN,0,VER"
    assert ask(session, "*IDN?;STUB") == "MA,IN,0,VER"
    assert ask(session, "SYST:ERR?") == '-113,"Undefined header"'
    assert ask(session, "TEST:TREEA?;TEST:TREEB?") == "10"
    assert ask(session, "SYST:ERR?") == '-113,"Undefined header"'


def test_common_commands_and_the_path_differ_by_maker() -> None:
    parser_like, _ = make()
    assert ask(parser_like, "TEST:TREEA?;*OPC?;TREEB?") == "10;1"
    standard, _ = make(Dialect(common_resets_path=False))
    assert ask(standard, "TEST:TREEA?;*OPC?;TREEB?") == "10;1;20"


def test_a_keithley_discards_the_rest_after_an_error() -> None:
    session, _ = make(Dialect(stop_on_error=True))
    assert ask(session, "*OPC?;STUB;*IDN?") == "1"


def test_status_byte_vector_of_the_reference_library() -> None:
    session, _ = make()
    assert ask(session, "*ESE #H20") == ""
    assert ask(session, "*SRE #HFF") == ""
    assert ask(session, "ABCD") == ""
    assert ask(session, "*STB?") == "100"
    assert ask(session, "*ESR?") == "32"
    assert ask(session, "*ESR?") == "0"
    assert ask(session, "*STB?") == "68"
    assert ask(session, "SYST:ERR:COUNT?") == "1"
    assert ask(session, "SYST:ERR?") == '-113,"Undefined header"'
    assert ask(session, "SYST:ERR?") == '0,"No error"'
    assert ask(session, "*STB?") == "0"


def test_the_service_enable_has_no_bit_6() -> None:
    """488.2, 11.3.2.3: it is 0 whatever is sent. The reference library keeps it."""
    for dialect, kept in ((Dialect(), "191"), (Dialect(service_bit=True), "255")):
        session, _ = make(dialect)
        assert ask(session, "*SRE 255;*SRE?") == kept
        assert ask(session, "*SRE #H40;*SRE?") == ("0" if kept == "191" else "64")


def test_a_query_behind_the_identity() -> None:
    """An answer that only the message's end ends (488.2, 6.5.7.5): nothing can follow it."""
    session, _ = make(Dialect(identity_ends=True))
    assert ask(session, "*ESE?;*IDN?;*ESE?;:TEST:TREEA?") == "0;MA,IN,0,VER"
    assert session.errors.pop() == (-440, "Query UNTERMINATED after indefinite response")
    assert session.errors.pop()[0] == -440
    assert session.status.read_esr() == 4
    assert ask(session, "*IDN?;*ESE 4") == "MA,IN,0,VER"  # a command may
    assert ask(session, "*ESE?") == "4"
    assert ask(make()[0], "*IDN?;*ESE?") == "MA,IN,0,VER;0"


def test_a_maker_may_leave_the_error_bit_unused() -> None:
    """Agilent 816x mainframes: bits 0 to 2 are 0; the event summary tells, where it is enabled."""
    session, _ = make(Dialect(error_summary=False))
    ask(session, "ABCD")
    assert ask(session, "*STB?") == "0"
    ask(session, "*ESE 32")
    assert ask(session, "*STB?") == "32"


def test_parameter_errors_of_common_commands() -> None:
    session, _ = make()
    for message, code in [("*ESE", -109), ("*ESE 256", -222), ("*ESE 1,2", -108), ("*CLS 1", -108)]:
        ask(session, message)
        assert ask(session, "SYST:ERR?").startswith(f"{code},")


def test_a_full_queue_ends_in_overflow_and_keeps_the_oldest() -> None:
    queue = ErrorQueue(3)
    for code in (-101, -102, -103, -104):
        queue.push(code)
    assert [queue.pop()[0] for _ in range(4)] == [-101, -102, -350, 0]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.5", "", 1.5), ("-2e3", "", -2000.0), (".5", "", 0.5), ("#HFF", "", 255.0),
        ("#B101", "", 5.0), ("#Q17", "", 15.0), ("1.5KHZ", "HZ", 1500.0), ("10 MV", "V", 0.01),
        ("2MHZ", "HZ", 2e6), ("INF", "", float("inf")),
    ],
)  # fmt: skip
def test_numbers(text, unit, value) -> None:
    assert number(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "code"),
    [
        ("abc", "", -104),
        ("1.5V", "", -138),
        ("1.5A", "V", -131),
        ("1_0", "", -121),
        ("nan", "", -121),
    ],
)
def test_wrong_numbers(text, unit, code) -> None:
    with pytest.raises(ScpiError) as caught:
        number(text, unit)
    assert caught.value.code == code


def test_booleans_keywords_strings_blocks() -> None:
    assert boolean("on")
    assert not boolean("0")
    assert boolean("2")
    assert choice("volt", ("VOLTage", "CURRent")) == "VOLTAGE"
    assert string('"say ""hi"""') == 'say "hi"'
    assert block("#15a\nb;c") == b"a\nb;c"
    assert block("#15a\nb;c\r") == b"a\nb;c"
    for wrong in ("maybe", "VOLTA"):
        with pytest.raises(ScpiError):
            choice(wrong, ("VOLTage",))
    with pytest.raises(ScpiError):
        block("#19short")


def test_framing_by_terminator_and_by_block_length() -> None:
    plain = Framer(b"\r\n", blocks=False, limit=100)
    assert plain.feed(b"*IDN?\n") == []
    assert plain.feed(b"*OPC?\r\nA\r") == ["*IDN?\n*OPC?"]
    assert plain.feed(b"\nB\r\n") == ["A", "B"]
    counted = Framer(b"\n", blocks=True, limit=100)
    assert counted.feed(b"DATA #15a\nb") == []
    assert counted.feed(b"\nc\nNEXT 'x\ny'\n") == ["DATA #15a\nb\nc", "NEXT 'x\ny'"]


def test_a_long_block_in_pieces() -> None:
    pieces = [bytes([n]) * 65536 for n in range(64)]  # 4 MiB, line ends inside
    framer = Framer(b"\n", blocks=True, limit=1 << 26)
    assert framer.feed(b"DATA #74194304") == []
    assert [framer.feed(piece) for piece in pieces] == [[]] * 64
    (message,) = framer.feed(b"\n")
    assert message.encode("latin-1") == b"DATA #74194304" + b"".join(pieces)
    assert framer.feed(b"DATA #15") == []
    assert framer.feed(b"ab") == []
    framer.clear()
    assert framer.feed(b"DATA #15\nabc\n\n") == ["DATA #15\nabc\n"]
    framer.feed(b"DATA #15ab")
    assert framer.end() == ["DATA #15ab"]
    assert framer.feed(b"#2\xb2\xb2ab\n") == ["#2\xb2\xb2ab"]  # superscripts are no digits


def test_a_line_too_long_is_dropped_with_an_error() -> None:
    session, sent = make(Dialect(request_end=b"\n", input_limit=16))
    session.receive(b"X" * 40)
    session.receive(b"\nSYST:ERR?\n")
    assert sent == [b'-363,"Input buffer overrun"\r\n']


def test_suffixes_reach_the_command() -> None:
    session, _ = make()
    assert ask(session, "CHAN3:VAL?;:CHANNEL:VALUE?") == "3;1"


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("10 US", "S", 1e-5), ("1550NM", "M", 1550e-9), ("0.3 mV", "V", 0.3e-3),
        ("7 UW", "W", 7e-6), ("1.1KHZ", "HZ", 1.1e3), ("-0 MV", "V", 0.0),
        ("1e-400 US", "S", 0.0),
    ],
)  # fmt: skip
def test_a_suffix_costs_no_digit(text: str, unit: str, value: float) -> None:
    """Not one more or less than what was written: clients compare."""
    assert number(text, unit) == value
