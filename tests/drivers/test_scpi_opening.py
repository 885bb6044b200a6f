"""How a SCPI driver is opened: which link, whose identity, what was left on it."""

from __future__ import annotations

from typing import ClassVar

import pytest

from drivers.errors import IdentityError
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import LinkClosed, LinkError, LinkTimeout
from drivers.transport.memory import MemoryNetwork
from drivers.transport.resource import ResourceError
from tests.drivers.conftest import run
from tests.drivers.supply import (
    AMPS,
    ASK,
    GPIB,
    IDN,
    LINK,
    NONE,
    PORT,
    SOCKET,
    Supply,
    play,
)


def test_the_link_follows_from_the_resource() -> None:
    asked = []

    class Connector:
        """Notes what is opened."""

        async def tcp(self, host, port):
            asked.append((host, port))
            raise LinkClosed("no")

        async def serial(self, device, baud):
            asked.append((device, baud))
            raise LinkClosed("no")

        async def visa(self, resource):
            asked.append(resource)
            raise LinkClosed("no")

    async def scenario() -> None:
        for resource in (SOCKET, "TCPIP::ps::INSTR", PORT, GPIB, "TCPIP::ps::inst0::INSTR"):
            with pytest.raises(LinkClosed):
                await Supply("ps", resource, Connector(), link=LINK).open()
        with pytest.raises(LinkClosed):
            await Supply("ps", PORT, Connector(), link=LINK, baud=57600).open()

    run(scenario())
    assert asked == [
        ("ps", 5025), ("ps", 5025), ("/dev/ttyUSB0", 9600), GPIB, "TCPIP::ps::inst0::INSTR",
        ("/dev/ttyUSB0", 57600),
    ]  # fmt: skip


def test_a_link_that_the_model_lacks() -> None:
    class LanOnly(ScpiInstrument):
        """Made up."""

        links: ClassVar[tuple[str, ...]] = ("tcp",)

    with pytest.raises(ResourceError, match=r"ps: 'GPIB0::5::INSTR' is a gpib link, .* has tcp"):
        LanOnly("ps", GPIB, MemoryNetwork(), link=LINK)
    with pytest.raises(ResourceError, match="vxi11"):
        LanOnly("ps", "TCPIP::ps::INSTR", MemoryNetwork(), link=LINK)


@pytest.mark.parametrize("resource", [SOCKET, PORT, GPIB])
def test_opening_identifies_and_empties_the_queue(resource: str) -> None:
    async def scenario(supply: Supply) -> None:
        identity = supply.identity
        assert identity is not None
        assert (identity.maker, identity.model, identity.serial) == ("ACME", "PS 2450", "1234")
        assert identity.firmware == "1.7.3"

    told = b"ACME, PS 2450 ,1234,1.7.3\r\n"
    hello = [(b"*IDN?\n", told), (ASK, b'-113,"old"\n'), (ASK, NONE)]
    play([], scenario, resource=resource, hello=hello, closing=told, expect={"serial": "1234"})


def test_what_was_left_on_a_port_is_passed_over() -> None:
    async def scenario(supply: Supply) -> None:
        assert supply.identity is not None

    hello = [(b"*IDN?\n", b"1.5\n#12xx\n" + IDN + b"\n"), (ASK, NONE)]
    play([], scenario, resource=PORT, hello=hello)


def test_an_identity_with_noise_in_it_is_none() -> None:
    """It would be waited for ever after, in vain."""

    async def scenario(supply: Supply) -> None:
        assert supply.identity is not None
        assert supply.identity.maker == "ACME"

    hello = [(b"*IDN?\n", b"\xff\x00" + IDN + b"\n" + IDN + b"\n"), (ASK, NONE)]
    play([], scenario, resource=PORT, hello=hello)
    with pytest.raises(LinkError, match="no identity"):
        play([], scenario, hello=[(b"*IDN?\n", b"\xff\x00" + IDN + b"\n")])


def test_an_identity_that_a_failed_exchange_asked_for_is_passed_over() -> None:
    """The identity that closes an exchange comes too late."""

    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkError):
            await supply.get(AMPS)
        assert await supply.get(AMPS) == 0.25

    entries = [
        (b"MEAS:CURR?\n" + ASK, lambda writer: writer.write(b'0,"copy"\nbroken\n')),
        (b"*IDN?\n", IDN + b"\n" + IDN + b"\n"), (ASK, NONE),
        (b"MEAS:CURR?\n" + ASK, b"0.25\n" + NONE),
    ]  # fmt: skip
    play(entries, scenario, resource=PORT)


@pytest.mark.parametrize(
    ("told", "error", "words"),
    [
        (b"ACME,OTHER,1,2\n", IdentityError, "model"),
        (b"ACME,PS 2450,99,2\n", IdentityError, "serial '1234' was expected"),
        (b"hello\n", LinkError, "no identity"),
        (b"", LinkTimeout, "SOCKET"),
    ],
)
def test_the_wrong_instrument(told: bytes, error: type[Exception], words: str) -> None:
    async def scenario(supply: Supply) -> None:
        raise AssertionError("it was opened")

    with pytest.raises(error, match=words):
        play([], scenario, hello=[(b"*IDN?\n", told)], expect={"serial": "1234"})
