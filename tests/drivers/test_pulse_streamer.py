"""The Pulse Streamer driver: both ports, programs once, a device that closes or refuses."""

from __future__ import annotations

import asyncio
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import pulse_streamer_quantities as q
from drivers.instrument import IdentityError, InstrumentError, LimitError
from drivers.pulse_streamer import PulseStreamer
from drivers.pulse_streamer_discovery import parse
from drivers.roles import LineProgram, SwitchSequencer
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork

SERIAL = "00:26:32:f0:00:01"
PROGRAM = LineProgram(np.array([100, 400]), np.array([1, 2], dtype=np.uint8), final=8)


class Device:
    """A few lines of a Pulse Streamer: answers what the vendor's client would be answered."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list]] = []
        self.uploads: list[bytes] = []
        self.results: dict[str, object] = {"getSerial": SERIAL, "getFirmwareVersion": "2.1.0 x"}
        self.error = 0
        self.result = bytes(32)
        self.close_after_call = False
        self.delay = 0.0
        self.connections = 0
        self.network = MemoryNetwork()
        self.network.listen_tcp("pulsestreamer", 8050, self._rpc)
        self.network.listen_tcp("pulsestreamer", 21328, self._upload)

    async def _rpc(self, reader: asyncio.StreamReader, writer) -> None:
        self.connections += 1
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            assert head.startswith(b"POST /json-rpc HTTP/1.1\r\nHost: pulsestreamer:8050\r\n")
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            call = json.loads(await reader.readexactly(length))
            self.calls.append((call["method"], call["params"]))
            await asyncio.sleep(self.delay)
            result = self.results.get(call["method"], 0)
            answer = {"jsonrpc": "2.0", "id": call["id"], "result": result}
            if isinstance(result, Exception):
                del answer["result"]
                answer["error"] = {"code": -32601, "message": str(result)}
            body = json.dumps(answer).encode()
            close = b"Connection: close\r\n" if self.close_after_call else b""
            size = str(len(body)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\n" + close + b"Content-Length: " + size + b"\r\n\r\n")
            writer.write(body)
            if self.close_after_call:
                writer.close()
                return

    async def _upload(self, reader: asyncio.StreamReader, writer) -> None:
        while True:
            try:
                header = await reader.readexactly(32)
            except asyncio.IncompleteReadError:
                return
            magic, command_id, command, _, length, _ = struct.unpack("<4I2Q", header)
            self.uploads.append(header + await reader.readexactly(length))
            more = self.result if command == 0x100 else b""
            writer.write(
                struct.pack("<4I2Q", magic, command_id, self.error, 0, len(more), 0) + more
            )

    def driver(self, link, **options) -> PulseStreamer:
        resource = "TCPIP::pulsestreamer::INSTR"
        return PulseStreamer("pattern", resource, self.network, link=link, **options)


def test_a_frame(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link, expect={"model": "Pulse Streamer 8/2", "serial": SERIAL})
        assert isinstance(pattern, SwitchSequencer)
        await pattern.open()
        assert [method for method, _ in device.calls] == ["getSerial", "getFirmwareVersion"]
        device.calls.clear()
        device.results["hasFinished"] = 1
        for _ in range(3):  # the same program again costs nothing but the start
            same = LineProgram(PROGRAM.durations_ns.copy(), PROGRAM.masks.copy(), PROGRAM.final)
            await pattern.load(same)
            await pattern.arm()
            await pattern.start()
            assert await pattern.finished() is True
        assert device.calls == [
            ("setTrigger", [1, 0]), *[("startNow", []), ("hasFinished", [])] * 3,
        ]  # fmt: skip
        assert len(device.uploads) == 1
        steps = struct.pack("<IBhhIBhh", 100, 1, 0, 0, 400, 2, 0, 0)
        assert device.uploads[0][32:] == (
            struct.pack("<qQ2h4BQ", 1, 2, 0, 0, 8, 0, 0, 0, 0) + steps + bytes(14)
        )
        await pattern.hold(0b101)
        with pytest.raises(InstrumentError, match="call load"):
            await pattern.start()
        await pattern.load(PROGRAM)  # a constant output unloads; the trigger is remembered
        await pattern.off()
        assert [call for call in device.calls if call[0] != "hasFinished"][-2:] == [
            ("constant", [[0, 5, 0, 0]]), ("constant", [[0, 0, 0, 0]]),
        ]  # fmt: skip
        assert len(device.uploads) == 2
        assert set(pattern.busy) == {"configure", "upload", "start", "poll", "hold", "off"}
        await pattern.close()

    virtual(scenario())


def test_refusals_before_a_byte_leaves(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        device.calls.clear()
        for mask in (-1, 256):
            with pytest.raises(LimitError, match="0 to 255"):
                await pattern.hold(mask)
        pattern.max_steps = 1
        with pytest.raises(LimitError, match="1 steps"):
            await pattern.load(PROGRAM)
        with pytest.raises(InstrumentError, match="call load"):
            await pattern.arm()
        assert device.calls == []
        assert device.uploads == []

    virtual(scenario())


def test_device_errors_are_raised(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        device.error = 3
        with pytest.raises(InstrumentError, match=r"pattern: 'stream'.*error code 3"):
            await pattern.load(PROGRAM)
        with pytest.raises(InstrumentError, match="call load"):
            await pattern.start()
        device.error = 0
        await pattern.load(PROGRAM)
        device.results["startNow"] = RuntimeError("no trigger")
        with pytest.raises(InstrumentError, match=r"'startNow'.*no trigger"):
            await pattern.start()
        assert device.connections == 1  # a refusal leaves the connection in step

    virtual(scenario())


def test_a_server_that_closes_after_each_response(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        device.close_after_call = True
        device.calls.clear()
        await pattern.hold(1)
        device.close_after_call = False
        await pattern.hold(2)
        assert [params for method, params in device.calls if method == "constant"] == [
            [[0, 1, 0, 0]], [[0, 2, 0, 0]],
        ]  # fmt: skip
        assert device.connections == 2

    virtual(scenario())


def test_a_late_answer_is_not_taken_for_the_next(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link, timeout=1.0)
        await pattern.open()
        await pattern.load(PROGRAM)
        device.delay = 3.0
        device.results["hasFinished"] = 1
        with pytest.raises(LinkTimeout):
            await pattern.finished()
        device.delay = 0.0
        device.results["hasFinished"] = 0
        assert await pattern.finished() is False
        await pattern.load(PROGRAM)  # who answers may have started anew, so all is sent again
        assert len(device.uploads) == 2
        assert [method for method, _ in device.calls].count("setTrigger") == 2

    virtual(scenario())


@pytest.mark.parametrize(
    ("results", "expect", "said"),
    [
        ({"getFirmwareVersion": "1.0.9"}, {}, "1.1.0"),
        ({}, {"serial": "00:26:32:f0:00:02"}, "serial"),
        ({"getSerial": RuntimeError("Method not found")}, {}, "getSerial"),
    ],
)
def test_wrong_instruments(virtual, link, results, expect, said) -> None:
    device = Device()
    device.results.update(results)

    async def scenario() -> None:
        with pytest.raises((IdentityError, InstrumentError), match=said):
            await device.driver(link, expect=expect).open()

    virtual(scenario())


def test_what_is_not_in_the_way_of_a_frame(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        device.calls.clear()
        await pattern.hold(3, (1.0, -0.5))
        await pattern.set(q.MASK, 5)
        await pattern.set(q.ANALOG_1, 0.0)
        device.results |= {"getTriggerStart": 2, "getTriggerRearm": 1, "rearm": 1}
        await pattern.set(q.TRIGGER_REARM, "auto")
        await pattern.set(q.TRIGGER_START, "hardware_falling")
        await pattern.set(q.CLOCK, "external_10MHz")
        await pattern.set(q.SQUARE_WAVE, 1)
        await pattern.rearm()
        await pattern.force_final()
        await pattern.start_slots(1, 4)
        assert device.calls == [
            ("constant", [[0, 3, 32767, -16384]]),
            ("constant", [[0, 5, 32767, -16384]]),
            ("constant", [[0, 5, 32767, 0]]),
            ("getTriggerStart", []),
            ("setTrigger", [2, 0]),
            ("getTriggerRearm", []),
            ("setTrigger", [3, 1]),
            ("selectClock", [2]),
            ("setSquareWave125MHz", [1]),
            ("rearm", []),
            ("forceFinal", []),
            ("start", [1, 4]),
        ]
        device.results |= {"getTemperature": "42.3", "getFPGAID": "0x1", "getUnderflow": 0}
        told = await pattern.read_settings()
        assert told["temperature_celsius"] == pytest.approx(42.3)
        assert (told["trigger_start"], told["underflow"]) == ("hardware_rising", False)
        device.results["getStreamingState"] = {"State": 2, "StateCondition": 3}
        state = await pattern.state()
        assert (state.state, state.condition) == ("streaming", "wait_for_data")

    virtual(scenario())


def test_slots_and_analogue_steps_as_bytes(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        analog = np.array([[1.0, 0.0], [0.0, -1.0]])
        await pattern.stream(PROGRAM, -1, analog=analog, final_analog=(0.5, 0.0))
        await pattern.upload(
            1, PROGRAM, 3, next_action="switch_slot_expect_new_data", when="trigger",
            on_no_data="wait_repeating", idle_analog=(0.0, 1.0),
        )  # fmt: skip
        plain = struct.pack("<IBhhIBhh", 100, 1, 0, 0, 400, 2, 0, 0)
        steps = struct.pack("<IBhhIBhh", 100, 1, 0x7FFF, 0, 400, 2, 0, -0x7FFF)
        head = struct.pack("<qQ2h4BQ", -1, 2, 16384, 0, 8, 0, 0, 0, 0)
        assert device.uploads[0][32:] == head + steps + bytes(14)
        head = struct.pack("<qQ2h8BI", 3, 2, 0, 32767, 8, 0, 0, 0, 1, 2, 1, 2, 0)
        assert device.uploads[1][32:] == head + plain + bytes(14)
        assert device.uploads[1][8:12] == b"\0\1\0\0"
        device.result = struct.pack("<8i", 1, *[0] * 7)
        with pytest.raises(InstrumentError, match=r"upload to slot 0.*code 1"):
            await pattern.upload(0, PROGRAM)
        device.result = b"12"
        with pytest.raises(InstrumentError, match="32 bytes"):
            await pattern.upload(0, PROGRAM)

    virtual(scenario())


def test_more_refusals_before_a_byte_leaves(virtual, link) -> None:
    device = Device()

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        device.calls.clear()
        nan = float("nan")
        for doing in (
            pattern.hold(0, (1.01, 0.0)), pattern.hold(0, (0.0, nan)), pattern.upload(2, PROGRAM),
            pattern.stream(PROGRAM, 0), pattern.stream(PROGRAM, final_analog=(0.0, -2.0)),
            pattern.stream(PROGRAM, analog=np.array([[0.0, nan], [0.0, 0.0]])),
            pattern.start_slots(2),
        ):  # fmt: skip
            with pytest.raises(LimitError):
                await doing
        for doing in (
            pattern.upload(0, PROGRAM, when="soon"), pattern.set_trigger("never"),
            pattern.stream(PROGRAM, analog=np.zeros((3, 2))), pattern.set(q.TEMPERATURE, 1.0),
            pattern.get(q.MASK), pattern.set(q.MASK, 1, "0"),
        ):  # fmt: skip
            with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
                await doing
        assert device.calls == []
        assert device.uploads == []

    virtual(scenario())


@pytest.mark.parametrize("told", [None, {}, "warm", [1]])
def test_what_cannot_be_read_is_a_typed_error(virtual, link, told) -> None:
    device = Device()
    device.results |= {"getTemperature": told, "getStreamingState": told, "getClock": told}

    async def scenario() -> None:
        pattern = device.driver(link)
        await pattern.open()
        for doing in (pattern.get(q.TEMPERATURE), pattern.get(q.CLOCK), pattern.state()):
            with pytest.raises(InstrumentError):
                await doing

    virtual(scenario())


def test_ports_may_be_others(virtual, link) -> None:
    with pytest.raises(ValueError, match="rpc_port"):
        Device().driver(link, rpc_port=0)
    device = Device()

    async def scenario() -> None:
        device.network.listen_tcp("pulsestreamer", 9999, device._upload)
        pattern = device.driver(link, upload_port=9999)
        await pattern.open()
        await pattern.load(PROGRAM)

    virtual(scenario())
    assert len(device.uploads) == 1


@given(st.binary(max_size=80))
def test_any_datagram_is_an_answer_or_none(data: bytes) -> None:
    for made in (data, b"PS-DISCOVERY-REPLY" + data):
        found = parse(made, "10.0.0.9")
        assert found is None or isinstance(found.serial, str)
    told = parse(b'PS-DISCOVERY-REPLY{"serial": "00:26"}', "10.0.0.9")
    assert told is not None
    assert (told.host, told.serial) == ("10.0.0.9", "00:26")
