"""The base of SCPI drivers against scripted instruments: bytes, errors, and being in step again."""

from __future__ import annotations

import asyncio
import math
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.quantity import Quantity
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import LinkClosed, LinkError, LinkTimeout
from drivers.transport.memory import MemoryLink, MemoryNetwork
from drivers.transport.resource import ResourceError
from tests.drivers.conftest import Script, run

LINK = LinkModel(latency=0.001, bytes_per_second=1e6)
IDN = b"ACME,PS 2450,1234,1.7.3"
NONE = b'0,"No error"\n'
ASK = b"SYST:ERR?\n"
HELLO = [(b"*IDN?\n", IDN + b"\n"), (ASK, NONE)]
VOLTS = Quantity(
    "volts", "SOUR{channel}:VOLT", "Control the output in V (0 to 5).", unit="V", low=0, high=5,
    safe=0.0,
)  # fmt: skip
AMPS = Quantity("amps", "MEAS:CURR", "Measure the current in A (0 to 1).", unit="A", low=0, high=1)
ENABLE = Quantity("enable", "OUTP", "Control whether the output is on.", kind=bool, safe=False)
KEY = Quantity("key", "SYST:KEY", "Set a key (0 to 9).", kind=int, low=0, high=9)


class Supply(ScpiInstrument):
    """A made-up supply of two channels."""

    quantities = (VOLTS, AMPS, ENABLE, KEY)
    models = (r"PS 24\d\d",)
    links: ClassVar[tuple[str, ...]] = ("serial", "tcp", "usb", "gpib", "vxi11", "hislip")
    channels = (1, 2)
    default_port = 5025
    baud = 9600


class Joined(Supply):
    """The same on a parser that goes on after a unit that failed."""

    error_in_message = True


SOCKET = "TCPIP::ps::5025::SOCKET"
PORT = "ASRL/dev/ttyUSB0::INSTR"
GPIB = "GPIB0::5::INSTR"


def play(entries, scenario, *, resource=SOCKET, model=Supply, stream=True, hello=HELLO, **options):
    """Run a scenario with an opened supply against a greeting and these entries."""
    server = Script([*hello, *entries])
    network = MemoryNetwork()
    network.listen(resource, server.serve, stream=stream)

    async def opened():
        supply = model("ps", resource, network, link=LINK, timeout=1.0, **options)
        await supply.open()
        try:
            return await scenario(supply)
        finally:
            await supply.close()

    result = run(opened())
    server.finish()
    return result


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

    hello = [(b"*IDN?\n", b"ACME, PS 2450 ,1234,1.7.3\r\n"), (ASK, b'-113,"old"\n'), (ASK, NONE)]
    play([], scenario, resource=resource, hello=hello, expect={"serial": "1234"})


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
    """An answer that looks like an entry is checked by the identity, which comes too late."""

    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkError):
            await supply.get(AMPS)
        assert await supply.get(AMPS) == 0.25

    entries = [
        (b"MEAS:CURR?\n" + ASK, b'0,"copy"\nbroken\n'), (b"*IDN?\n", b""),
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


CASES = [
    (Supply, SOCKET, True), (Supply, PORT, True), (Supply, GPIB, False), (Joined, SOCKET, True),
    (Joined, GPIB, False),
]  # fmt: skip


def said(model: type, stream: bool, *units: bytes, answer: bytes = b"", error: bytes = NONE):
    """Entries for one exchange, by how this model and link speak."""
    message = b";".join(units)
    if model.error_in_message:
        reply = answer + b";" + error if answer else error
        return [(message + b";:SYST:ERR?\n", reply)]
    lines = answer + b"\n" if answer else b""
    if stream:
        return [(message + b"\n" + ASK, lines + error)]
    return [(message + b"\n", lines), (ASK, error)]


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_setting_and_getting(model: type[Supply], resource: str, stream: bool) -> None:
    async def scenario(supply: Supply) -> None:
        await supply.set(VOLTS, 2.5, 1)
        assert await supply.get(VOLTS, 2) == 2.5
        await supply.tell("OUTP ON", "*WAI", kind="start")
        assert await supply.ask("A?", "B?") == [b"1", b"two;words".replace(b";", b"_")]
        assert await supply.ask_text("*OPC?", wait=10.0) == "1"
        assert supply.exchanges == 5
        assert set(supply.busy) == {"set", "read", "start"}

    def talk(*units, **replies):
        return said(model, stream, *units, **replies)

    play(
        [
            *talk(b"SOUR1:VOLT 2.5"),
            *talk(b"SOUR2:VOLT?", answer=b"+2.50000E+00"),
            *talk(b"OUTP ON", b"*WAI"),
            *talk(b"A?", b":B?", answer=b"1;two_words"),
            *talk(b"*OPC?", answer=b"1"),
        ],
        scenario,
        model=model,
        resource=resource,
        stream=stream,
    )


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_refused_commands_name_all_that_was_queued(model, resource, stream) -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError) as refused:
            await supply.set(VOLTS, 5.0, 1)
        assert str(refused.value) == (
            "ps: 'SOUR1:VOLT 5' was answered by "
            """'-222,"Data out of range; voltage";-221,"Settings, conflict"'"""
        ).replace(";-221", "; -221")
        await supply.set(VOLTS, 1.0, 1)  # the link is in step

    play(
        [
            *said(model, stream, b"SOUR1:VOLT 5", error=b'-222,"Data out of range; voltage"\n'),
            (ASK, b'-221,"Settings, conflict"\n'),
            (ASK, NONE),
            *said(model, stream, b"SOUR1:VOLT 1"),
        ],
        scenario,
        model=model,
        resource=resource,
        stream=stream,
    )


def test_a_query_that_fails_answers_nothing_on_a_stream() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match=r"'A\?' was answered by '-113"):
            await supply.ask("A?")
        with pytest.raises(InstrumentError, match=r"'B\?;C\?' was answered by '-113"):
            await supply.ask("B?", "C?")
        assert await supply.ask("D?") == [b"4"]  # at once: nothing was waited for
        assert asyncio.get_running_loop().time() < 0.1

    refused = b'-113,"Undefined header"\n'
    play(
        [
            (b"A?\n" + ASK, refused), (b"*IDN?\n", IDN + b"\n"), (ASK, NONE),
            (b"B?;:C?\n" + ASK, b"2\n" + refused), (ASK, NONE),  # what came before it was executed
            (b"D?\n" + ASK, b"4\n" + NONE),
        ],
        scenario,
    )  # fmt: skip


def test_an_answer_that_looks_like_an_error_is_an_answer() -> None:
    async def scenario(supply: Supply) -> None:
        assert await supply.ask("LIST?") == [b"-113,ABC"]
        assert await supply.ask("LAST:ERR?") == [b'0,"No error"']
        with pytest.raises(InstrumentError, match="-350"):
            await supply.ask("LIST?")
        with pytest.raises(InstrumentError, match="0 answers of 1"):
            await supply.ask("MUTE?")

    who = (b"*IDN?\n", IDN + b"\n")
    play(
        [
            (b"LIST?\n" + ASK, b"-113,ABC\n" + NONE), who,
            (b"LAST:ERR?\n" + ASK, NONE + NONE), who,
            (b"LIST?\n" + ASK, b'1,ABC\n-350,"Queue overflow"\n'), who, (ASK, NONE),
            (b"MUTE?\n" + ASK, NONE), who,
        ],
        scenario,
    )  # fmt: skip


def test_a_silent_query_on_a_message_link_is_cleared_and_explained(monkeypatch) -> None:
    cleared = []

    class ClearableLink(MemoryLink):
        """A link with a device clear."""

        async def clear(self) -> None:
            cleared.append(self.name)

    monkeypatch.setattr("drivers.transport.memory.MemoryLink", ClearableLink)

    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match=r"'A\?' was answered by '-113"):
            await supply.ask("A?")
        assert cleared == [GPIB]
        with pytest.raises(LinkTimeout):
            await supply.ask("B?")
        assert len(cleared) == 2
        await supply.tell("OUTP OFF")
        assert len(cleared) == 3  # it gave no reason, so the link is brought into step first

    play(
        [
            (b"A?\n", None), (ASK, b'-113,"Undefined header"\n'), (ASK, NONE),
            (b"B?\n", None), (ASK, NONE),
            *HELLO, (b"OUTP OFF\n", None), (ASK, NONE),
        ],
        scenario,
        resource=GPIB,
        stream=False,
    )  # fmt: skip


def late(*parts: tuple[float, bytes]):
    """Answers after so many seconds each, without holding up what is asked meanwhile."""

    def answer(writer) -> None:
        loop = asyncio.get_running_loop()
        for delay, data in parts:
            loop.call_later(delay, writer.write, data)

    return answer


def test_a_late_reply_on_tcp_dies_with_its_connection() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkTimeout):
            await supply.ask("A?")
        assert await supply.ask("B?") == [b"2"]

    play(
        [(b"A?\n" + ASK, late((1.5, b"1\n" + NONE))), *HELLO, (b"B?\n" + ASK, b"2\n" + NONE)],
        scenario,
    )


def test_late_replies_on_a_port_are_passed_over() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkTimeout):
            await supply.ask("A?")
        assert await supply.ask("B?") == [b"2"]

    play(
        [
            (b"A?\n" + ASK, late((1.2, b"1\n"), (1.4, NONE))),
            (b"*IDN?\n", late((0.5, IDN + b"\n"))), (ASK, NONE),
            (b"B?\n" + ASK, b"2\n" + NONE),
        ],
        scenario,
        resource=PORT,
    )  # fmt: skip


def test_identities_that_come_late_too_are_counted() -> None:
    """The first recovery times out; its identity answers during the second, and must not count."""

    async def scenario(supply: Supply) -> None:
        for _ in range(2):
            with pytest.raises(LinkTimeout):
                await supply.ask("A?")
        assert await supply.ask("B?") == [b"2"]
        assert supply.identity is not None

    play(
        [
            (b"A?\n" + ASK, None),
            (b"*IDN?\n", late((1.3, IDN + b"\n"))),  # gives up after 1 s
            (b"*IDN?\n", late((0.5, IDN + b"\n"))), (ASK, NONE),
            (b"B?\n" + ASK, b"2\n" + NONE),
        ],
        scenario,
        resource=PORT,
    )  # fmt: skip


@pytest.mark.parametrize("model", [Supply, Joined])
@pytest.mark.parametrize("resource", [SOCKET, PORT])
def test_a_reply_that_comes_twice_is_taken_once(model: type[Supply], resource: str) -> None:
    async def scenario(supply: Supply) -> None:
        await supply.tell("OUTP ON")
        assert await supply.ask("A?") == [b"1"]

    [(command, reply)] = said(model, True, b"OUTP ON")
    twice = [(command, reply * 2), *HELLO, *said(model, True, b"A?", answer=b"1")]
    play(twice, scenario, resource=resource, model=model)


@pytest.mark.parametrize("resource", [SOCKET, PORT])
def test_a_refusal_that_comes_unasked_is_raised_before_anything_else_is_sent(resource: str) -> None:
    async def scenario(supply: Supply) -> None:
        await supply.tell("OUTP ON")
        await asyncio.sleep(0.1)
        with pytest.raises(InstrumentError, match=r"\(before\) SOUR1:VOLT 1' was .*-221"):
            await supply.set(VOLTS, 1.0, 1)
        await supply.tell("OUTP OFF")

    [(command, reply)] = said(Supply, True, b"OUTP ON")
    stray = late((0.05, b'-221,"Settings conflict"\n'))

    def answer(writer) -> None:
        writer.write(reply)
        stray(writer)

    # Once to be in step, and once more because raising leaves the link in doubt.
    entries = [(command, answer), *HELLO, *HELLO, *said(Supply, True, b"OUTP OFF")]
    play(entries, scenario, resource=resource)


def test_a_closed_peer_is_an_error_at_once() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(LinkClosed):
            await supply.ask("A?")
        assert asyncio.get_running_loop().time() < 0.1
        assert await supply.ask("B?") == [b"2"]

    play([(b"A?\n" + ASK, lambda w: w.close()), *HELLO, (b"B?\n" + ASK, b"2\n" + NONE)], scenario)


@pytest.mark.parametrize(("model", "resource", "stream"), CASES)
def test_blocks_both_ways(model, resource, stream) -> None:
    data = bytes(range(256)) * 40

    async def scenario(supply: Supply) -> None:
        await supply.tell("OUTP OFF", scpi.block_unit("DATA:ARB a,", b"\n;#"), "*WAI")
        assert await supply.ask("DATA?", received=len(data)) == [data]
        assert await supply.ask("TRAC?", size=4) == [b"\n\n\r\n"]
        assert await supply.ask("A?", "DATA?", "B?") == [b"1", b"\n", b"2"]

    def talk(*units, **replies):
        return said(model, stream, *units, **replies)

    play(
        [
            *talk(b"OUTP OFF", b":DATA:ARB a,#13\n;#", b"*WAI"),
            *talk(b"DATA?", answer=scpi.definite_block(data)),
            *talk(b"TRAC?", answer=b"#0\n\n\r\n"),
            *talk(b"A?", b":DATA?", b":B?", answer=b"1;#11\n;2"),
        ],
        scenario,
        model=model,
        resource=resource,
        stream=stream,
    )


def test_read_settings() -> None:
    async def scenario(supply: Supply) -> None:
        assert await supply.read_settings() == {
            "volts": {"1": 1.5, "2": {"refused": '-241,"Hardware missing"'}},
            "enable": True,
        }

    play(
        [
            (b"SOUR1:VOLT?\n" + ASK, b"1.5\n" + NONE),
            (b"SOUR2:VOLT?\n" + ASK, b'-241,"Hardware missing"\n'),
            (b"*IDN?\n", IDN + b"\n"),
            (ASK, NONE),
            (b"OUTP?\n" + ASK, b"1\n" + NONE),
        ],
        scenario,
    )


def test_off_goes_through_all_outputs_whatever_refuses() -> None:
    async def scenario(supply: Supply) -> None:
        with pytest.raises(InstrumentError, match="-241"):
            await supply.off()

    play(
        [
            (b"SOUR1:VOLT 0\n" + ASK, b'-241,"Hardware missing"\n'), (ASK, NONE),
            (b"SOUR2:VOLT 0\n" + ASK, NONE),
            (b"OUTP OFF\n" + ASK, NONE),
        ],
        scenario,
    )  # fmt: skip


def test_no_byte_leaves_for_what_cannot_be() -> None:
    async def scenario(supply: Supply) -> None:
        for bad in (-0.1, 5.1, math.nan, math.inf, -math.inf):
            with pytest.raises(LimitError, match="ps channel 1"):
                await supply.set(VOLTS, bad, 1)
        with pytest.raises(ValueError, match="amps can only be read"):
            await supply.set(AMPS, 0.5)
        with pytest.raises(ValueError, match="key can only be set"):
            await supply.get(KEY)
        with pytest.raises(ValueError, match="line ends"):
            await supply.tell("OUTP ON\nOUTP OFF")

    play([], scenario)


@pytest.mark.parametrize(
    ("told", "value"),
    [(b"9.9E37", math.inf), (b"-9.900000E+37", -math.inf), (b"+9.91E+37", math.nan)],
)
def test_numbers_that_are_none(told: bytes, value: float) -> None:
    async def scenario(supply: Supply) -> float:
        return float(await supply.get(AMPS))

    got = play([(b"MEAS:CURR?\n" + ASK, told + b"\n" + NONE)], scenario)
    assert got == value or (math.isnan(got) and math.isnan(value))


PIECES = [
    b"1",
    b".5",
    b",A",
    b"\n",
    b"\r",
    b";",
    b"#",
    b"13",
    b'"',
    b'-113,"A"',
    NONE,
    IDN,
    b"\xff",
]


@settings(max_examples=300, deadline=None)
@given(
    noise=st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES)).map(b"".join)),
    case=st.sampled_from([(Supply, PORT, True), (Supply, GPIB, False), (Joined, SOCKET, True)]),
)
def test_any_bytes_end_in_a_value_or_a_typed_error_and_never_shift_replies(noise, case) -> None:
    """Whatever comes in place of the first answer, the second question has its own answer."""
    model, resource, stream = case
    count = 0

    async def serve(reader, writer) -> None:
        nonlocal count
        while line := await reader.readline():
            if line.startswith(b"*IDN?"):
                writer.write(IDN + b"\n")
            elif line == ASK:
                writer.write(NONE)
            elif line.startswith(b"MEAS:CURR?"):
                writer.write(noise)
            elif line.startswith(b"SOUR2:VOLT?"):
                count += 1
                joined = b";" + NONE if model.error_in_message else b"\n"
                writer.write(b"%d" % count + joined)

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen(resource, serve, stream=stream)
        supply = model("ps", resource, network, link=LINK, timeout=1.0)
        await supply.open()
        try:
            value = await supply.get(AMPS)
            assert math.isnan(value) or float(noise.split(b"\n")[0].split(b";")[0]) == value
        except (InstrumentError, LinkError):
            pass
        right = 0
        for _ in range(4):
            try:
                assert await supply.get(VOLTS, 2) == count
                right += 1
            except (InstrumentError, LinkError):
                assert right == 0
        assert right >= 2
        await supply.close()
        await network.close()

    run(scenario())
