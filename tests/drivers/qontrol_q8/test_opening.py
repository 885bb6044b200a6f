"""Qontrol chains: opened by counting modules, and refused when they are others."""

from __future__ import annotations

import pytest

from drivers.instrument import IdentityError, InstrumentError
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.memory import MemoryNetwork
from tests.drivers.qontrol_q8.conftest import (
    DEVICE,
    SERIAL,
    SYNC,
    driver,
    greeting,
)


def test_opening_identifies_and_touches_nothing(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert heaters.identity is not None
        assert (heaters.identity.model, heaters.identity.serial) == ("Q8iv", "0001")
        assert heaters.identity.firmware == "v2.4.1"
        assert (heaters.modules, heaters.channels, heaters.v_full) == (2, 16, 12.0)
        assert heaters.i_full.tolist() == pytest.approx([0.024] * 16)

    play([], scenario, expect={"model": "q8iv", "serial": "0001"})


def test_a_chain_that_lost_its_numbers_is_numbered_anew(virtual, script) -> None:
    entries = greeting()
    entries[2:3] = [
        (b"NUPALL?\n", b"Q8iv-0001: 0\nQ8iv-****: 0\n"),
        (b"NUP=0\n", b"\x06OK\n\x06OK\n"),
        entries[2],
    ]
    server = script(entries)
    network = MemoryNetwork()
    network.listen_serial(DEVICE, server.serve)
    virtual(driver(network).open())
    server.finish()


@pytest.mark.parametrize(
    ("options", "modules", "said"),
    [
        ({"expect": {"serial": "0002"}}, 2, "serial '0002' was expected, but '0001' answers"),
        ({"expect": {"model": "Q8b"}}, 2, "model 'Q8b' was expected"),
        ({"modules": 8}, 2, "modules '8' was expected, but '2"),
        ({"modules": 1}, 2, "modules '1' was expected, but '2"),
    ],
)
def test_a_wrong_instrument_is_refused_and_closed(virtual, script, options, modules, said) -> None:
    server = script(greeting(modules))
    network = MemoryNetwork()
    network.listen_serial(DEVICE, server.serve)
    heaters = driver(network, **options)

    async def scenario() -> None:
        with pytest.raises(IdentityError, match=said) as refused:
            await heaters.open()
        assert "bench file" in str(refused.value)
        assert not heaters.is_open

    virtual(scenario())


def test_firmware_that_repeats_commands_is_refused(virtual, script) -> None:
    server = script([SYNC, (b"firmware?\n", b"firmware?\nv1.9\n")])
    network = MemoryNetwork()
    network.listen_serial(DEVICE, server.serve)

    async def scenario() -> None:
        with pytest.raises(InstrumentError, match="firmware before 2"):
            await driver(network).open()

    virtual(scenario())


def test_options_are_checked_before_anything_else() -> None:
    network = MemoryNetwork()
    for options in ({"modules": 9}, {"modules": 0}, {"encoding": "morse"}, {"vector_words": 0},
                    {"expect": {"colour": "red"}}, {"timeout": 0.0}):  # fmt: skip
        with pytest.raises(ValueError, match="heaters-0"):
            driver(network, **options)
    with pytest.raises(ValueError, match="no serial port"):
        QontrolQ8("heaters-0", "TCPIP::a::1::SOCKET", network, link=SERIAL)
