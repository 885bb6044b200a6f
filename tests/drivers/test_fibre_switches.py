"""The drivers of the OSW12 and the SelfAlign against scripted switches: bytes, quirks, limits."""

from __future__ import annotations

import asyncio
import contextlib
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.agiltron_selfalign import AgiltronSelfAlign
from drivers.instrument import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.roles import OpticalSwitch
from drivers.thorlabs_osw12 import POSITION, ThorlabsOsw12
from drivers.transport.link import LinkError, LinkTimeout
from drivers.transport.memory import MemoryNetwork

DEVICE = "/dev/switch"
LINK = LinkModel(latency=0.001, bytes_per_second=11520.0)
OLD, NEW = [(b"S?\n", b"1\r\n")], [(b"S?\n", b"2\r\n")]
OSW_GREETING = [(b"\n", None), *OLD * 3]


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver of a model against these entries."""

    def _play(model, entries, scenario, **options):
        server = script(entries)
        network = MemoryNetwork()
        network.listen_serial(DEVICE, server.serve)

        async def opened():
            switch = model("switch", f"ASRL{DEVICE}::INSTR", network, link=LINK, **options)
            await switch.open()
            result = await scenario(switch)
            await switch.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_osw_the_first_answer_after_a_change_is_left_out(play) -> None:
    async def scenario(switch: ThorlabsOsw12) -> None:
        assert isinstance(switch, OpticalSwitch)
        await switch.select(2)
        assert await switch.position() == 2

    play(ThorlabsOsw12, [*OSW_GREETING, (b"S 2\n", None), *OLD, *NEW * 2, *NEW * 3], scenario)


def test_osw_a_switch_that_does_not_switch(play) -> None:
    async def scenario(switch: ThorlabsOsw12) -> None:
        with pytest.raises(InstrumentError, match="not switched"):
            await switch.select(2)

    play(ThorlabsOsw12, [*OSW_GREETING, (b"S 2\n", None), *OLD * 3], scenario)


def test_osw_answers_that_never_agree(play) -> None:
    async def scenario(switch: ThorlabsOsw12) -> None:
        with pytest.raises(InstrumentError, match="agree"):
            await switch.position()

    play(ThorlabsOsw12, [*OSW_GREETING, *(OLD + NEW) * 4], scenario)


def test_osw_a_question_without_an_answer_is_asked_again(play) -> None:
    async def scenario(switch: ThorlabsOsw12) -> None:
        assert await switch.position() == 1
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(LinkTimeout):
            await switch.position()
        assert loop.time() - began < 2.5

    silent = [(b"S?\n", None)]
    play(ThorlabsOsw12, [*OSW_GREETING, *silent * 2, *OLD * 3, *silent * 3], scenario)


def test_osw_other_words_are_an_error(play) -> None:
    async def scenario(switch: ThorlabsOsw12) -> None:
        with pytest.raises(InstrumentError, match="1 or 2 was due"):
            await switch.position()
        assert await switch.board_name() == "OSW12-1310E V1.00"
        assert await switch.type_code() == "7"

    play(
        ThorlabsOsw12,
        [
            *OSW_GREETING, (b"S?\n", b"3\r\n"), (b"I?\n", b"OSW12-1310E V1.00\r\n"),
            (b"T?\n", b"7\r\n"),
        ],
        scenario,
    )  # fmt: skip


def test_osw_parks_when_it_is_told_where(play) -> None:
    async def scenario(switch: ThorlabsOsw12) -> None:
        await switch.off()

    play(ThorlabsOsw12, OSW_GREETING, scenario)
    play(ThorlabsOsw12, [*OSW_GREETING, (b"S 1\n", None), *OLD * 3], scenario, park=1)


def test_agiltron_bytes_of_the_sheet(play) -> None:
    async def scenario(switch: AgiltronSelfAlign) -> None:
        assert isinstance(switch, OpticalSwitch)
        assert switch.positions == 8
        with pytest.raises(InstrumentError, match=r"select\(\)"):
            await switch.position()
        await switch.select(1)
        await switch.select(8)
        assert await switch.position() == 8
        await switch.home()
        with pytest.raises(InstrumentError, match=r"select\(\)"):
            await switch.position()

    play(
        AgiltronSelfAlign,
        [
            (bytes.fromhex("01350000"), bytes.fromhex("0135FFFF")),
            (bytes.fromhex("01350007"), bytes.fromhex("0135FFFF")),
            (bytes.fromhex("01300000"), b"\x01\x30\xff\xff"),  # whatever it is, it is passed over
        ],
        scenario,
        positions=8,
    )


def test_agiltron_a_wrong_answer_leaves_the_position_unknown(play) -> None:
    async def scenario(switch: AgiltronSelfAlign) -> None:
        await switch.select(2)
        with pytest.raises(InstrumentError, match="01 35 ff ff or 01 35 00 02 was due"):
            await switch.select(3)
        with pytest.raises(InstrumentError, match="cannot be asked"):
            await switch.position()
        await switch.select(2)
        assert await switch.position() == 2

    good = bytes.fromhex("0135FFFF")
    play(
        AgiltronSelfAlign,
        [
            (bytes.fromhex("01350001"), good),
            (bytes.fromhex("01350002"), bytes.fromhex("0135FF00")),
            (bytes.fromhex("01350001"), good),
        ],
        scenario,
    )


def test_agiltron_an_echo_acknowledges_its_own_way_alone(play) -> None:
    async def scenario(switch: AgiltronSelfAlign) -> None:
        await switch.select(3)
        assert await switch.position() == 3
        with pytest.raises(InstrumentError, match="01 35 00 02"):
            await switch.select(2)
        with pytest.raises(InstrumentError, match="cannot be asked"):
            await switch.position()

    echo = bytes.fromhex("01350002")
    play(AgiltronSelfAlign, [(echo, echo), (bytes.fromhex("01350001"), echo)], scenario)


def test_agiltron_a_late_answer_acknowledges_nothing_else(play) -> None:
    async def late(writer) -> None:
        await asyncio.sleep(3.0)
        writer.write(bytes.fromhex("0135FFFF"))

    async def scenario(switch: AgiltronSelfAlign) -> None:
        with pytest.raises(LinkTimeout):
            await switch.select(2)
        with pytest.raises(LinkTimeout):
            await switch.select(3)
        with pytest.raises(InstrumentError, match="cannot be asked"):
            await switch.position()

    play(
        AgiltronSelfAlign,
        [(bytes.fromhex("01350001"), late), (bytes.fromhex("01350002"), None)],
        scenario,
    )


def test_agiltron_parks_when_it_is_told_where(play) -> None:
    async def scenario(switch: AgiltronSelfAlign) -> None:
        await switch.off()

    play(AgiltronSelfAlign, [], scenario)
    park = (bytes.fromhex("01350004"), bytes.fromhex("0135FFFF"))
    play(AgiltronSelfAlign, [park], scenario, park=5)


@pytest.mark.parametrize("bad", [0, 3, -1, math.nan, math.inf])
def test_no_byte_leaves_for_a_position_that_there_is_not(play, bad) -> None:
    async def scenario(switch) -> None:
        with pytest.raises(LimitError, match="position"):
            await switch.select(bad)
        with pytest.raises(ValueError, match="whole number"):
            await switch.select(1.5)
        with pytest.raises(ValueError, match="only quantity"):
            await switch.set(POSITION, 1, "A")

    play(ThorlabsOsw12, OSW_GREETING, scenario)
    play(AgiltronSelfAlign, [], scenario, positions=2)


def test_options_are_checked_before_anything_else() -> None:
    network = MemoryNetwork()
    for model, options in (
        (ThorlabsOsw12, {"park": 3}), (AgiltronSelfAlign, {"positions": 0}),
        (AgiltronSelfAlign, {"positions": 257}), (AgiltronSelfAlign, {"settle_time": -1.0}),
        (AgiltronSelfAlign, {"positions": 4, "park": 5}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="switch"):
            model("switch", f"ASRL{DEVICE}::INSTR", network, link=LINK, **options)


def test_a_serial_number_cannot_be_expected(play) -> None:
    async def scenario(switch) -> None:
        del switch

    for model, entries in ((ThorlabsOsw12, OSW_GREETING), (AgiltronSelfAlign, [])):
        with pytest.raises(IdentityError, match="serial"):
            play(model, entries, scenario, expect={"serial": "1"})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=20))
def test_any_bytes_end_in_a_position_or_a_typed_error(virtual, answer: bytes) -> None:
    async def osw(reader: asyncio.StreamReader, writer) -> None:
        asked = 0
        while line := await reader.readline():
            asked += line == b"S?\n"
            if line == b"S?\n":
                writer.write(b"1\r\n" if asked <= 3 else answer)

    async def agiltron(reader: asyncio.StreamReader, writer) -> None:
        while await reader.read(4):
            writer.write(answer)

    network = MemoryNetwork()
    network.listen_serial("/dev/osw", osw)
    network.listen_serial("/dev/agiltron", agiltron)

    async def scenario() -> None:
        first = ThorlabsOsw12("osw", "ASRL/dev/osw::INSTR", network, link=LINK)
        second = AgiltronSelfAlign("agiltron", "ASRL/dev/agiltron::INSTR", network, link=LINK)
        for switch in (first, second):
            await switch.open()
            began = asyncio.get_running_loop().time()
            with contextlib.suppress(InstrumentError, LinkError):
                await switch.select(2)
                assert await switch.position() == 2
                assert b"2\r\n" in answer or answer[:4] == bytes.fromhex("0135FFFF")
            assert asyncio.get_running_loop().time() - began < 30.0
            await switch.close()
        await network.close()

    virtual(scenario())
