"""The Polatis driver against scripted switches: bytes of the sheet, refusals, what is read back."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.polatis import BOOT_MODE, Polatis, parse_pairs, parse_partner, parse_states
from drivers.roles import OpticalMatrix
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import Script, run

LAN = LinkModel(latency=0.001, bytes_per_second=1e6)
IDN = b"Polatis,I-OST-24x24-LU1-DMHNS,002414,6.5.2.18\r\n"
ASK, NONE = b"SYST:ERR?\n", b'0,"No error"\r\n'
STAT = ":OXC:SWIT:CONN:STAT?"


def told(command: str, error: bytes = NONE) -> list[tuple[bytes, bytes]]:
    said = [(command.encode() + b"\n" + ASK, error)]
    return said + ([(ASK, NONE)] if error != NONE else [])


def asked(query: str, answer: str) -> tuple[bytes, bytes]:
    return query.encode() + b"\n" + ASK, answer.encode() + b"\r\n" + NONE


HELLO = [(b"*IDN?\n", IDN), (ASK, NONE), asked(":OXC:SWIT:SIZE?", "24,24")]


def play(entries, scenario, *, hello=HELLO, **options):
    """Run a scenario with an opened driver against a greeting and these entries."""
    server = Script([*hello, *entries], closing=IDN)
    network = MemoryNetwork()
    network.listen("TCPIP::oxc::5025::SOCKET", server.serve, stream=True)

    async def opened():
        async with Polatis("matrix", "TCPIP::oxc::INSTR", network, link=LAN, **options) as matrix:
            return await scenario(matrix)

    result = run(opened())
    server.finish()
    return result


async def nothing(matrix: Polatis) -> None:
    raise AssertionError


def test_bytes_of_the_sheet() -> None:
    async def scenario(matrix: Polatis) -> None:
        assert isinstance(matrix, OpticalMatrix)
        assert matrix.size == (24, 24)
        assert await matrix.connections() == {1: 27, 2: 26, 3: 30}
        assert await matrix.partner(2) == 26
        assert await matrix.partner(48) is None
        await matrix.only({1: 25, 2: 26})
        await matrix.connect({3: 27})
        await matrix.connect({3: 27, 1: 25})  # is so already
        await matrix.disconnect([1, 5])
        states = await matrix.port_states([2, 4, 6])
        assert states == {2: "disabled", 4: "enabled", 6: "failed"}
        await matrix.disable([2])
        await matrix.enable([2])
        await matrix.off()
        await matrix.only({})
        await matrix.connect({})
        assert await matrix.port_states([]) == {}
        assert await matrix.get(BOOT_MODE) == "AUTOSAVE"
        await matrix.set(BOOT_MODE, "DARK")

    play(
        [
            asked(STAT, "(@1,2,3),(@27,26,30)"),
            asked(":OXC:SWIT:CONN:PORT? 2", '"26"'),
            asked(":OXC:SWIT:CONN:PORT? 48", '""'),
            *told(":OXC:SWIT:CONN:ONLY (@1,2),(@25,26)"),
            asked(STAT, "(@1,2),(@25,26)"),
            asked(STAT, "(@1,2),(@25,26)"),
            *told(":OXC:SWIT:CONN:ADD (@3),(@27)"),
            asked(STAT, "(@1,2,3),(@25,26,27)"),
            asked(STAT, "(@1,2,3),(@25,26,27)"),
            asked(STAT, "(@1,2,3),(@25,26,27)"),
            *told(":OXC:SWIT:CONN:SUB (@1),(@25)"),
            asked(STAT, "(@2,3),(@26,27)"),
            asked(":OXC:SWIT:PORT:STAT? (@2,4,6)", "(D,E,F)"),
            *told(":OXC:SWIT:PORT:DIS (@2)"),
            asked(":OXC:SWIT:PORT:STAT? (@2)", "(D)"),
            *told(":OXC:SWIT:PORT:ENAB (@2)"),
            asked(":OXC:SWIT:PORT:STAT? (@2)", "(E)"),
            *told(":OXC:SWIT:DISC:ALL"),
            asked(STAT, "(@),(@)"),
            *told(":OXC:SWIT:DISC:ALL"),
            asked(STAT, "(@),(@)"),
            asked(":OXC:BOOT:MODE?", "AUT"),
            *told(":OXC:BOOT:MODE DARK"),
        ],
        scenario,
    )


def test_nothing_that_cannot_be_leaves() -> None:
    async def scenario(matrix: Polatis) -> None:
        for pairs in ({0: 25}, {25: 26}, {1: 24}, {1: 49}, {-1: 25}):
            for join in (matrix.connect, matrix.only):
                with pytest.raises(LimitError, match="ports"):
                    await join(pairs)
        with pytest.raises(ValueError, match="given twice"):
            await matrix.connect({1: 25, 2: 25})
        with pytest.raises(TypeError, match="no whole number"):
            await matrix.connect({1.5: 25})  # type: ignore[dict-item]
        for ports in ([0], [49], [1, 1]):
            with pytest.raises(ValueError, match=r"port"):
                await matrix.disable(ports)
        with pytest.raises(LimitError):
            await matrix.disconnect([25])
        with pytest.raises(LimitError):
            await matrix.partner(49)

    play([], scenario)
    for settle in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="settle_time"):
            Polatis("m", "TCPIP::a::INSTR", MemoryNetwork(), link=LAN, settle_time=settle)


def test_a_port_that_is_joined_elsewhere_is_left_alone() -> None:
    async def scenario(matrix: Polatis) -> None:
        with pytest.raises(InstrumentError, match=r"1 to 30 is joined.*disconnect"):
            await matrix.connect({1: 25})
        with pytest.raises(InstrumentError, match="1 to 30 is joined"):
            await matrix.connect({2: 30})

    play([asked(STAT, "(@1),(@30)"), asked(STAT, "(@1),(@30)")], scenario)


def test_what_is_not_as_asked_is_an_error() -> None:
    async def scenario(matrix: Polatis) -> None:
        with pytest.raises(InstrumentError, match=r"1 to 30 is joined.*port_states"):
            await matrix.only({1: 25})
        with pytest.raises(InstrumentError, match="Hardware error"):
            await matrix.only({1: 25})
        with pytest.raises(InstrumentError, match="nothing is joined"):
            await matrix.only({1: 25})
        with pytest.raises(InstrumentError, match=r"\{2: 'failed'\}.*not enabled"):
            await matrix.enable([2])

    only = ":OXC:SWIT:CONN:ONLY (@1),(@25)"
    play(
        [
            *told(only), asked(STAT, "(@1),(@30)"),
            *told(only, b'-240,"Hardware error"\r\n'),
            *told(only), asked(STAT, "(@),(@)"),
            *told(":OXC:SWIT:PORT:ENAB (@2)"), asked(":OXC:SWIT:PORT:STAT? (@2)", "(F)"),
        ],
        scenario,
    )  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    ["(@1,2),(@17)", "(@1),(@17),(@3)", "(@1),(@x)", "1,17", "", "(@1,1),(@17,18)", "(@1,),(@17,)",
     "(@1,2),(@17,17)"],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_is_an_error(answer: str) -> None:
    """And the link is in doubt: the next exchange connects anew."""

    async def scenario(matrix: Polatis) -> None:
        with pytest.raises(InstrumentError):
            await matrix.connections()
        assert await matrix.connections() == {}

    play([asked(STAT, answer), *HELLO, asked(STAT, "(@),(@)")], scenario)


def test_others_are_refused() -> None:
    with pytest.raises(IdentityError, match="model"):
        play([], nothing, hello=[(b"*IDN?\n", b"Other,X-24x24-Y,1,2\r\n")])
    with pytest.raises(InstrumentError, match="two numbers were due"):
        play([], nothing, hello=[*HELLO[:2], asked(":OXC:SWIT:SIZE?", "many")])


def test_off_over_a_broken_link_is_sent_once_more() -> None:
    off = b":OXC:SWIT:DISC:ALL\n"

    async def scenario(matrix: Polatis) -> None:
        with pytest.raises(LinkTimeout):
            await matrix.off()

    play([(off + ASK, None), (off, None)], scenario)


@given(st.one_of(st.text(), st.text('(@),123DEF" ', max_size=20)))
def test_any_answer_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        pairs = parse_pairs(text)
        assert len(set(pairs.values())) == len(pairs)
    with contextlib.suppress(ValueError):
        assert parse_partner(text) is None or parse_partner(text) >= 0
    with contextlib.suppress(ValueError):
        assert len(parse_states(text, 2)) == 2
