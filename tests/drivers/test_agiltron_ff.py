"""The driver of Agiltron's FF switches against scripted ones: bytes, copies, limits."""

from __future__ import annotations

import asyncio
import contextlib
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.agiltron_ff import POSITION, AgiltronFf
from drivers.instrument import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.roles import OpticalSwitch
from drivers.transport.link import LinkError, LinkTimeout
from drivers.transport.memory import MemoryNetwork

DEVICE = "/dev/switch"
LINK = LinkModel(latency=0.001, bytes_per_second=960.0)


def asked(way: int):
    """The question, and that it stands there."""
    return (bytes.fromhex("01110000"), bytes([0x01, 0x11, 0x00, way]))


def selected(way: int):
    """A selection, and its echo."""
    frame = bytes([0x01, 0x12, 0x00, way])
    return (frame, frame)


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against these entries."""

    def _play(entries, scenario, **options):
        server = script(entries)
        network = MemoryNetwork()
        network.listen_serial(DEVICE, server.serve)

        async def opened():
            switch = AgiltronFf("switch", f"ASRL{DEVICE}::INSTR", network, link=LINK, **options)
            await switch.open()
            result = await scenario(switch)
            await switch.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_bytes_of_the_clients(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        assert isinstance(switch, OpticalSwitch)
        assert switch.positions == 8
        await switch.select(8)
        await switch.select(1)
        assert await switch.position() == 1

    entries = [asked(3)] * 2 + [selected(8)] + [asked(8)] * 2 + [selected(1)] + [asked(1)] * 4
    play(entries, scenario, positions=8)


def test_a_switch_that_moves_after_its_echo_is_asked_until_it_stands_there(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        await switch.select(2)

    entries = [asked(1)] * 2 + [selected(2)] + [asked(1)] * 4 + [asked(2)] * 2
    play(entries, scenario)


def test_a_switch_that_does_not_switch(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        with pytest.raises(InstrumentError, match=r"01 12 00 02.*way 1.*not switched"):
            await switch.select(2)

    play([asked(1)] * 2 + [selected(2)] + [asked(1)] * 2, scenario, settle_time=0.0)


@pytest.mark.parametrize("late", [0.001, 0.02, 0.3, 1.9])
def test_a_copy_of_an_old_answer_is_told_however_late_the_true_one_comes(virtual, late) -> None:
    """Asked where it stands, it is at 2; a copy from when it was at 1 comes at once."""
    copy: list[bytes] = []

    async def board(reader: asyncio.StreamReader, writer) -> None:
        while await reader.read(4):
            while copy:
                writer.write(copy.pop())
            await asyncio.sleep(late)
            writer.write(asked(2)[1])

    network = MemoryNetwork()
    network.listen_serial(DEVICE, board)

    async def scenario() -> None:
        async with AgiltronFf("switch", f"ASRL{DEVICE}::INSTR", network, link=LINK) as switch:
            for _ in range(3):
                copy.append(asked(1)[1])
                assert await switch.position() == 2
        await network.close()

    virtual(scenario())


def test_an_answer_too_many_makes_it_ask_again(play) -> None:
    twice = (asked(2)[0], asked(2)[1] * 2)

    async def scenario(switch: AgiltronFf) -> None:
        assert await switch.position() == 2

    play([asked(2)] * 2 + [asked(2), twice] + [asked(2)] * 2, scenario)


def test_copies_of_other_answers_are_passed_over(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        await switch.select(3)
        assert await switch.position() == 3

    late = (selected(3)[0], asked(1)[1] + selected(2)[1] + selected(3)[1] * 2)
    behind = (asked(3)[0], selected(3)[1] + asked(3)[1])
    play([asked(1)] * 2 + [late, asked(3), asked(3), behind, asked(3)], scenario)


def test_answers_that_never_agree(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        with pytest.raises(InstrumentError, match="agree"):
            await switch.position()

    play([asked(1)] * 2 + [asked(1 + step % 2) for step in range(7)], scenario)


@pytest.mark.parametrize(
    "answer", ["01110100", "01110000", "01110005", "0111FFFF", "01120001", "01130001", "02110001"]
)
def test_an_answer_of_another_form_is_shown(play, answer: str) -> None:
    """Among them the SW-DR-5's, which tells the way in the third byte."""

    async def scenario(switch: AgiltronFf) -> None:
        with pytest.raises(InstrumentError, match=bytes.fromhex(answer).hex(" ")):
            await switch.position()

    play([asked(1)] * 2 + [(asked(1)[0], bytes.fromhex(answer))], scenario)


def test_an_echo_of_another_way_is_an_error(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        with pytest.raises(InstrumentError, match=r"01 12 00 03 was due"):
            await switch.select(3)

    play([asked(1)] * 2 + [(selected(3)[0], selected(2)[0])], scenario)


def test_a_late_answer_answers_nothing_else(play) -> None:
    async def late(writer) -> None:
        await asyncio.sleep(3.0)
        writer.write(selected(2)[1])

    async def scenario(switch: AgiltronFf) -> None:
        with pytest.raises(LinkTimeout):
            await switch.select(2)
        await switch.select(3)

    entries = [asked(1)] * 2 + [(selected(2)[0], late), selected(3)] + [asked(3)] * 2
    play(entries, scenario)


def test_a_port_where_nothing_listens_does_not_open(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        raise AssertionError("it opened")

    with pytest.raises(LinkTimeout):
        play([(asked(1)[0], None)], scenario)


def test_it_parks_when_it_is_told_where(play) -> None:
    async def scenario(switch: AgiltronFf) -> None:
        await switch.off()

    play([asked(1)] * 2, scenario)
    play([asked(1)] * 2 + [selected(4)] + [asked(4)] * 2, scenario, park=4)


@pytest.mark.parametrize("bad", [0, 5, -1, math.nan, math.inf])
def test_no_byte_leaves_for_a_position_that_there_is_not(play, bad) -> None:
    async def scenario(switch) -> None:
        with pytest.raises(LimitError, match="position"):
            await switch.select(bad)
        with pytest.raises(ValueError, match="whole number"):
            await switch.select(1.5)
        with pytest.raises(ValueError, match="only quantity"):
            await switch.set(POSITION, 1, "A")

    play([asked(1)] * 2, scenario)


def test_options_are_checked_before_anything_else() -> None:
    for options in (
        {"positions": 0}, {"positions": 17}, {"settle_time": -1.0}, {"positions": 4, "park": 5},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="switch"):
            AgiltronFf("switch", f"ASRL{DEVICE}::INSTR", MemoryNetwork(), link=LINK, **options)


def test_a_serial_number_cannot_be_expected(play) -> None:
    async def scenario(switch) -> None:
        del switch

    play([asked(1)] * 2, scenario, expect={"maker": "Agiltron", "model": "FF1x4"})
    with pytest.raises(IdentityError, match="serial"):
        play([asked(1)] * 2, scenario, expect={"serial": "1"})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=20))
def test_any_bytes_end_in_a_position_or_a_typed_error(virtual, answer: bytes) -> None:
    async def board(reader: asyncio.StreamReader, writer) -> None:
        frames = 0
        while await reader.read(4):
            frames += 1
            writer.write(asked(1)[1] if frames <= 2 else answer)

    network = MemoryNetwork()
    network.listen_serial(DEVICE, board)

    async def scenario() -> None:
        switch = AgiltronFf("switch", f"ASRL{DEVICE}::INSTR", network, link=LINK)
        await switch.open()
        began = asyncio.get_running_loop().time()
        with contextlib.suppress(InstrumentError, LinkError):
            assert await switch.position() == answer[3]
            assert answer == bytes([0x01, 0x11, 0x00, answer[3]])
        assert asyncio.get_running_loop().time() - began < 30.0
        await switch.close()
        await network.close()

    virtual(scenario())
