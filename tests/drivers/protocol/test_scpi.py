"""SCPI messages and replies: blocks by count, joined units, error queue entries."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import scpi
from drivers.protocol.scpi import ScpiError, ScpiSyntaxError
from drivers.transport.memory import MemoryNetwork

END = b"\r\n"


def test_messages_start_each_unit_at_the_root() -> None:
    assert scpi.message("*IDN?", end=b"\n") == b"*IDN?\n"
    assert scpi.message("ACQ:DEC 4", "*WAI", "SYST:ERR?", end=END) == (
        b"ACQ:DEC 4;*WAI;:SYST:ERR?\r\n"
    )
    with pytest.raises(ValueError, match="line ends"):
        scpi.message("ACQ:DEC 4\r\nOUTPUT1:STATE ON", end=END)


def test_definite_blocks() -> None:
    assert scpi.definite_block(b"") == b"#10"
    assert scpi.definite_block(b"0123456789") == b"#2100123456789"


def test_joined_replies() -> None:
    scan = scpi.scan_reply
    for data, units in (
        (b'TD;1;8192;0,"No error"', [b"TD", b"1", b"8192", b'0,"No error"']),
        (b"10; 20", [b"10", b"20"]),
        (b"", [b""]),
        (b'-113,"Undefined header;FOO"', [b'-113,"Undefined header;FOO"']),
        (b"#14a\r\n;;#0b;c", [b"a\r\n;", b"b;c"]),
        (b"#12ab\r; #11c ", [b"ab", b"c"]),
    ):
        found, _, missing = scan(data + END, END)
        assert (found, missing) == (units, -1)
    assert scan(b"#15a\r\n", END) == ([], 3, 2)
    assert scan(b"#13a\r\n", END) == ([], 3, 0)
    assert scan(b"1;#0ab\r\n", END, size=6) == ([b"1"], 4, 2)
    assert scan(b"#0ab;2\r\n", END, size=2)[0] == [b"ab", b"2"]
    assert scan(b";2\r\n", END, joined=True)[0] == [b"2"]


@pytest.mark.parametrize(
    "data", [b"#x\r\n", b"#2x1\r\n", b"#12ab c\r\n", b"#9123\r\n", b'"a\r\n', b"#12a\r\n"]
)
def test_broken_replies_are_refused(data: bytes) -> None:
    with pytest.raises(ScpiSyntaxError):
        scpi.scan_reply(data, END)


_text = st.binary(max_size=12).filter(lambda t: not set(t) & set(b"#;\"'\r\n") and t == t.strip())


@given(
    units=st.lists(st.one_of(_text, st.tuples(st.binary(max_size=40))), min_size=1, max_size=5),
    end=st.sampled_from([b"\n", b"\r\n"]),
    cuts=st.sets(st.integers(0, 300), max_size=6),
)
def test_whatever_blocks_hold_units_come_out(
    units: list[bytes | tuple[bytes]], end: bytes, cuts: set[int]
) -> None:
    sent = b";".join(
        scpi.definite_block(unit[0]) if isinstance(unit, tuple) else unit for unit in units
    )
    stream = sent + end + b"next" + end
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})

    async def scenario() -> tuple[list[bytes], list[bytes]]:
        network = MemoryNetwork()

        async def serve(reader, writer) -> None:
            for start, stop in itertools.pairwise(edges):
                writer.write(stream[start:stop])
                await asyncio.sleep(0)

        network.listen_tcp("box", 1, serve)
        link = await network.tcp("box", 1)
        return (await scpi.read_reply(link, end, 5.0), await scpi.read_reply(link, end, 5.0))

    got, after = asyncio.run(scenario())
    assert got == [unit[0] if isinstance(unit, tuple) else unit for unit in units]
    assert after == [b"next"]


@given(st.binary(max_size=60))
def test_any_reply_is_read_or_refused(data: bytes) -> None:
    try:
        units, _, missing = scpi.scan_reply(data + END, END)
    except ScpiSyntaxError:
        return
    assert missing >= 0 or len(units) >= 1


def test_error_entries() -> None:
    assert scpi.parse_error(b'0,"No error"') == ScpiError(0, "No error")
    assert scpi.parse_error(b'+0,"No error"').code == 0
    assert scpi.parse_error(b'-224,"Illegal parameter value;""x"""').code == -224
    assert str(scpi.parse_error(b'9003,"Failed"')) == '9003,"Failed"'
    for told, code, text in (
        (b"0,No error", 0, "No error"),  # Santec TSL-570
        (b"-222,Data out of range", -222, "Data out of range"),
        (b'-113,"Undefined header;1;2026/11/27 01:02:03.456"', -113, None),  # Keithley 2450
        (b"+100, 'Bad, very bad'", 100, "Bad, very bad"),
    ):
        error = scpi.parse_error(told)
        assert error.code == code
        assert text is None or error.text == text
    for bad in (b"", b"No error", b"0", b"1,2", b"1.5,A", b'0,"No error', b"#10", b"1e3,A"):
        with pytest.raises(ScpiSyntaxError):
            scpi.parse_error(bad)


@given(st.binary(max_size=40))
def test_any_error_entry_is_read_or_refused(data: bytes) -> None:
    try:
        error = scpi.parse_error(data)
    except ScpiSyntaxError:
        return
    assert str(error.code).lstrip("-") in data.decode("latin-1").replace("+", "")


def test_block_units() -> None:
    assert scpi.block_unit("DATA:ARB ramp,", b"\r\n") == b"DATA:ARB ramp,#12\r\n"
    sent = scpi.message("OUTP OFF", scpi.block_unit("DATA", b"a;"), "*WAI", end=b"\n")
    assert sent == b"OUTP OFF;:DATA #12a;;*WAI\n"
    with pytest.raises(ValueError, match="line ends"):
        scpi.block_unit("DATA\n", b"")


def test_error_queue_is_read_to_its_end(virtual, script) -> None:
    ask = b"SYST:ERR?\r\n"
    server = script(
        [(ask, b'-113,"Undefined header"\r\n'), (ask, b'9001,"x"\r\n'), (ask, b'0,"No error"\r\n')]
    )

    async def scenario(entries=None) -> list[ScpiError]:
        network = MemoryNetwork()
        network.listen_tcp("box", 1, server.serve)
        return await scpi.drain_errors(await network.tcp("box", 1), END, 1.0)

    assert [error.code for error in virtual(scenario())] == [-113, 9001]
    server.finish()
    server.extend(*[(ask, b'-350,"Queue overflow"\r\n')] * scpi.MAX_ERRORS)
    with pytest.raises(ScpiSyntaxError, match="does not become empty"):
        virtual(scenario())
