"""The Pulse Streamer: its JSON-RPC, its binary port, and what its lines do."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest

from sim_backends.host.http import HttpConversation
from sim_backends.pulse_streamer import Playback, Program, PulseStreamer
from sim_backends.pulse_streamer.alone import square
from sim_backends.pulse_streamer.discovery import DiscoveryConversation
from sim_backends.pulse_streamer.rpc import RpcServer
from sim_backends.pulse_streamer.sequencer import TriggerStart
from sim_backends.pulse_streamer.upload import MAGIC, UploadConversation


class Lab:
    """A Pulse Streamer with a clock set by hand, and edges at its trigger input where given."""

    def __init__(self, period: float | None = None) -> None:
        self.time = 10.0
        self.played: list[Playback] = []
        edges = None if period is None else square(period)
        self.device = PulseStreamer(self, lambda: self.time, edges=edges)
        self.rpc = RpcServer(self.device)
        self.sent: list[bytes] = []
        self.upload = UploadConversation(self.device, self.sent.append)

    def before_change(self) -> None:
        pass

    def play(self, playback: Playback) -> None:
        self.played.append(playback)

    def call(self, method: str, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 5, "method": method, "params": parameters})
        reply = json.loads(self.rpc.answer(body.encode()))
        assert reply["id"] == 5
        return reply["result"]


def steps(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<IBhh", duration, mask, 0, 0) for duration, mask in pairs)


def stream_message(data: bytes, runs: int = 1, final: int = 0, identity: int = 77) -> bytes:
    pulses = len(data) // 9
    pad = 32 - len(data) % 32
    head = struct.pack("<4I2Q", MAGIC, identity, 0, 0, len(data) + 32 + pad, 0)
    return head + struct.pack("<qQ2h4BQ", runs, pulses, 0, 0, final, 0, 0, 0, 0) + data + bytes(pad)


def test_identity_and_settings() -> None:
    lab = Lab()
    assert lab.call("getSerial") == "00:26:32:f0:00:01"
    assert lab.call("getFirmwareVersion") == "2.1.0"
    assert isinstance(lab.call("getTemperature"), str)
    assert lab.call("setTrigger", 1, 1) == 0
    assert (lab.call("getTriggerStart"), lab.call("getTriggerRearm")) == (1, 1)
    lab.call("selectClock", 2)
    assert lab.call("getClock") == 2
    assert lab.call("getUnderflow") == 0
    lab.call("setHostname", "pattern")
    assert lab.call("getHostname") == "pattern"
    lab.call("setAnalogCalibration", 0.1, 0.2, 1.0, 0.9)
    assert lab.call("getAnalogCalibration")["slope_a1"] == 0.9


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[]", None),
        (b"{}", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"nope"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"setTrigger","params":[9,0]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"setTrigger","params":{"start":1}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"constant","params":[[0,300,0,0]]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"stream","params":["@",1,[0,0,0,0]]}', -32602),
    ],
)
def test_rpc_errors(body, code) -> None:
    reply = Lab().rpc.answer(body)
    if code is None:
        assert reply == b""
    else:
        assert json.loads(reply)["error"]["code"] == code


def test_constant_sets_the_lines() -> None:
    lab = Lab()
    lab.call("constant", [0, 0b110, 0, 0])
    assert lab.device.mask() == 0b110
    assert lab.call("hasSequence") == 0


def test_stream_over_the_binary_port_waits_for_its_start() -> None:
    lab = Lab()
    lab.call("setTrigger", int(TriggerStart.SOFTWARE), 0)
    lab.upload.receive(stream_message(steps((1000, 3), (500, 0)), final=4))
    assert lab.sent == [struct.pack("<4I2Q", MAGIC, 77, 0, 0, 0, 0)]
    assert lab.call("hasSequence") == 1
    assert lab.call("isStreaming") == 0
    assert lab.call("hasFinished") == 0
    assert lab.call("getStreamingState")["StateCondition"] == 1
    lab.call("startNow")
    assert lab.call("isStreaming") == 1
    assert lab.device.mask() == 3
    lab.time += 1.2e-6
    assert lab.device.mask() == 0
    lab.time += 1.0e-6
    assert lab.device.mask() == 4
    assert lab.call("hasFinished") == 1
    # It arms itself again: the same program needs no second upload.
    lab.call("startNow")
    assert lab.device.mask() == 3
    assert lab.call("hasFinished") == 0


def test_manual_rearm_needs_a_rearm() -> None:
    lab = Lab()
    lab.call("setTrigger", 1, 1)
    lab.upload.receive(stream_message(steps((100, 1))))
    lab.call("startNow")
    lab.time += 1.0
    started = len(lab.played)
    lab.call("startNow")
    assert len(lab.played) == started
    assert lab.call("rearm") == 1
    lab.call("startNow")
    assert len(lab.played) == started + 1


def test_immediate_stream_in_pieces_and_forced_final() -> None:
    lab = Lab()
    message = stream_message(steps((1000, 1), (1000, 0)), runs=-1, final=8)
    for begin in range(0, len(message), 7):
        lab.upload.receive(message[begin : begin + 7])
    assert lab.call("isStreaming") == 1
    lab.time += 100.0
    assert lab.call("hasFinished") == 0
    lab.call("forceFinal")
    assert lab.device.mask() == 8
    assert lab.call("isStreaming") == 0


def test_json_stream_is_the_same_program() -> None:
    lab = Lab()
    data = steps((100, 1), (200, 2))
    lab.call("stream", base64.b64encode(data).decode(), 3, [0, 4, 0, 0])
    assert lab.played[-1].length == pytest.approx(900e-9)
    assert lab.played[-1].final == 4


def test_upload_command_fills_slots() -> None:
    lab = Lab()
    data = steps((100, 1), (200, 2))
    body = struct.pack("<qQ2h8BI", 1, 2, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0) + data + bytes(14)
    lab.upload.receive(struct.pack("<4I2Q", MAGIC, 9, 0x100, 0, len(body), 0) + body)
    reply = lab.sent[0]
    assert struct.unpack("<4I2Q", reply[:32]) == (MAGIC, 9, 0, 0, 32, 0)
    assert struct.unpack("<8i", reply[32:])[0] == 0
    assert lab.call("getStreamingState")["StateCondition"] == 4
    assert lab.call("getSequenceControlData", 1)["pulses"] == 2
    assert lab.call("start", 0, -1) == 1
    assert lab.call("start", 1, -1) == 0
    assert lab.device.mask() == 1
    assert lab.call("isReadyForData", 1) == 0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (struct.pack("<4I2Q", 1, 7, 0, 0, 64, 0), 1),
        (struct.pack("<4I2Q", MAGIC, 7, 0x99, 0, 0, 0), 2),
        (struct.pack("<4I2Q", MAGIC, 7, 0, 0, 0, 0), 3),
        (struct.pack("<4I2Q", MAGIC, 7, 0, 0, 2**40, 0), 3),
    ],
)
def test_bad_uploads_report_an_error_code(message, code) -> None:
    lab = Lab()
    lab.upload.receive(message)
    assert struct.unpack("<4I2Q", lab.sent[0])[:3] == (MAGIC, 7, code)


def playback(runs: int = 1, before: int = 0, final: int = 0) -> Playback:
    program = Program(np.array([100, 300, 50]), np.array([1, 2, 3], np.uint8))
    return Playback(5.0, program, runs, before, final)


def test_masks_and_transitions() -> None:
    played = playback(runs=2, before=8, final=4)
    assert [played.mask_at(5.0 + t * 1e-9) for t in (-1, 0, 99, 100, 399, 400, 450, 899, 900)] == [
        8, 1, 1, 2, 2, 3, 1, 3, 4,
    ]  # fmt: skip
    times, masks = played.transitions(-1e-6, 2e-6)
    assert np.round(times * 1e9).tolist() == [0, 100, 400, 450, 550, 850, 900]
    assert masks.tolist() == [8, 1, 2, 3, 1, 2, 3, 4]
    times, masks = played.transitions(200e-9, 500e-9)
    assert np.round(times * 1e9).tolist() == [400, 450]
    assert masks.tolist() == [2, 3, 1]


def test_transitions_of_an_endless_playback_are_local() -> None:
    times, masks = playback(runs=-1).transitions(1.0, 1.0 + 450e-9)
    assert 3 <= times.size <= 4
    assert set(masks.tolist()) == {1, 2, 3}


def test_edges_of_a_line() -> None:
    played = playback(runs=2, before=1, final=1)
    rising, after = [], 0.0
    while (edge := played.next_edge(0, after, True)) is not None:
        rising.append(round((edge - 5.0) * 1e9))
        after = edge
    # Line 0 is up from before the start; it falls at 100 and 550 and is up again at 400 and 850.
    assert rising == [400, 850]
    falling = played.next_edge(0, 5.0, False)
    assert falling == pytest.approx(5.0 + 100e-9)
    assert Playback.constant(1, 0, 3.0).next_edge(0, 2.0, True) == 3.0
    assert Playback.constant(1, 0, 3.0).next_edge(0, 3.0, True) is None
    assert playback(runs=-1).next_edge(1, 1e3, True) == pytest.approx(1e3, abs=1e-6)


def test_http_keep_alive_pipelining_and_refusals() -> None:
    sent: list[bytes] = []
    http = HttpConversation("/json-rpc", lambda body: body.upper(), sent.append)
    one = b"POST /json-rpc HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
    http.receive(one + one[:20])
    http.receive(one[20:])
    assert len(sent) == 2
    assert sent[0].startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    assert sent[0].endswith(b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\nAB")
    http.receive(b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    http.receive(b"GET /json-rpc HTTP/1.1\r\nConnection: close\r\n\r\n")
    http.receive(b"POST /json-rpc HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert [reply.split(b" ")[1] for reply in sent[2:]] == [b"404", b"405", b"400"]


STOP, SWITCH, EXPECT, REPEAT = 0, 1, 2, 3


def upload(lab: Lab, slot: int, data: bytes, *follows: int, runs: int = 1, idle: int = 0) -> int:
    """Fill a slot over the binary port; returns the upload's code."""
    pulses, pad = len(data) // 9, 32 - len(data) % 32
    next_action, when, on_no_data = (*follows, 0, 0, 0)[:3]
    head = struct.pack("<4I2Q", MAGIC, 9, 0x100, 0, len(data) + 32 + pad, 0)
    sub = struct.pack(
        "<qQ2h8BI", runs, pulses, 0, 0, idle, 0, 0, 0, slot, next_action, when, on_no_data, 0
    )
    lab.sent.clear()
    lab.upload.receive(head + sub + data + bytes(pad))
    error, extra = struct.unpack("<4I2Q", lab.sent[0][:32])[2::2]
    assert (error, extra) == (0, 32)
    return struct.unpack("<8i", lab.sent[0][32:])[0]


def test_slots_follow_each_other_and_new_data_are_waited_for() -> None:
    lab = Lab()
    assert upload(lab, 0, steps((1000, 1)), EXPECT, 0, 1, idle=0x10) == 0
    assert upload(lab, 1, steps((1000, 2)), EXPECT, 0, 1, idle=0x20) == 0
    assert lab.call("getStreamingState")["StateCondition"] == 4
    lab.call("start", 0, -1)
    assert lab.device.mask() == 1
    assert upload(lab, 0, steps((1, 1))) == 1  # it plays
    assert lab.call("isReadyForData", 1) == 0  # it is to play
    lab.time += 1.5e-6
    assert lab.device.mask() == 2
    assert lab.call("isReadyForData", 0) == 1
    lab.time += 1.0e-6
    told = lab.call("getStreamingState")
    assert (told["State"], told["StateCondition"], told["SlotChanges"]) == (2, 3, 1)
    assert lab.device.mask() == 0x20
    lab.time += 1.0
    assert upload(lab, 0, steps((1000, 4)), STOP, idle=8) == 0
    assert lab.device.mask() == 4
    lab.time += 1.0
    assert (lab.device.mask(), lab.call("hasFinished")) == (8, 1)


@pytest.mark.parametrize(("on_no_data", "mask", "state"), [(0, 0x10, 4), (1, 0x10, 2), (2, 1, 2)])
def test_without_data_it_stops_idles_or_repeats(on_no_data, mask, state) -> None:
    lab = Lab()
    upload(lab, 0, steps((1000, 1)), EXPECT, 0, on_no_data, idle=0x10)
    lab.call("start", 0, -1)
    lab.time += 5.5e-6
    assert lab.device.mask() == mask
    assert lab.call("getStreamingState")["State"] == state


def test_endless_slots_are_not_played_one_by_one() -> None:
    lab = Lab()
    upload(lab, 0, steps((1000, 1)), SWITCH)
    upload(lab, 1, steps((3000, 2)), SWITCH)
    lab.call("start", 0, -1)
    lab.time += 1e6 * 4e-6 + 0.5e-6
    assert lab.device.mask() == 1
    lab.time += 1e-6
    assert lab.device.mask() == 2
    assert lab.call("getStreamingState")["SlotChanges"] == pytest.approx(2e6, abs=2)
    assert len(lab.played) < 20


def test_so_many_slots_and_a_trigger_between_them() -> None:
    lab = Lab()
    upload(lab, 0, steps((1000, 1)), REPEAT, 1, idle=0x10)
    lab.call("start", 0, 2)
    lab.time += 1.0
    assert lab.call("getStreamingState")["StateCondition"] == 1
    assert lab.device.mask() == 0x10
    assert lab.call("startNow") == 0
    assert lab.device.mask() == 1
    lab.time += 1.0
    assert lab.call("hasFinished") == 1
    assert lab.call("start", 1, -1) == 1  # nothing there


@pytest.mark.parametrize(("start", "first"), [(2, 11.0), (3, 10.5), (4, 10.5)])
def test_hardware_triggers_start_at_their_edge(start, first) -> None:
    lab = Lab(period=1.0)
    lab.time = 10.2
    lab.call("setTrigger", start, 1)
    lab.upload.receive(stream_message(steps((1_000_000, 1))))
    assert lab.call("isStreaming") == 0
    lab.time = 11.2
    assert lab.call("hasFinished") == 1
    assert lab.played[-1].start == pytest.approx(first)
    # It is not armed again by itself: edges pass by.
    lab.time = 15.2
    assert lab.call("hasFinished") == 1
    assert lab.played[-1].start == pytest.approx(first)
    assert lab.call("rearm") == 1
    lab.time = 16.2
    assert lab.call("hasFinished") == 1
    assert lab.played[-1].start == pytest.approx(15.5 if start != 2 else 16.0)


def test_hardware_triggers_rearm_by_themselves() -> None:
    lab = Lab(period=1.0)
    lab.call("setTrigger", 2, 0)
    lab.upload.receive(stream_message(steps((1000, 1))))
    lab.time = 13.5
    lab.call("isStreaming")
    assert [round(one.start) for one in lab.played[-3:]] == [11, 12, 13]
    untriggered = Lab()
    untriggered.call("setTrigger", 2, 0)
    untriggered.upload.receive(stream_message(steps((1000, 1))))
    untriggered.time += 100.0
    assert untriggered.call("getStreamingState")["StateCondition"] == 1


def test_analogue_outputs_play_and_are_held() -> None:
    lab = Lab()
    lab.call("constant", [0, 1, 0x7FFF, -0x4000])
    assert lab.device.volts() == pytest.approx((1.0, -0.5), abs=1e-4)
    data = struct.pack("<IBhh", 1000, 1, 0x2000, 0) + struct.pack("<IBhh", 1000, 1, 0, -0x7FFF)
    lab.upload.receive(stream_message(data))
    assert lab.device.volts() == pytest.approx((0.25, 0.0), abs=1e-4)
    lab.time += 1.5e-6
    assert lab.device.volts() == pytest.approx((0.0, -1.0), abs=1e-4)
    lab.time += 1.0
    assert lab.device.volts() == (0.0, 0.0)


def test_faults_of_its_own_and_the_old_calibration_commands() -> None:
    lab = Lab()
    lab.device.own_faults["underflow"]("")()
    lab.device.own_faults["temperature"]("71.5")()
    assert (lab.call("getUnderflow"), lab.call("getTemperature")) == (1, "71.5")
    values = struct.pack("<4d", 0.1, 0.2, 1.0, 0.9)
    lab.upload.receive(struct.pack("<4I2Q", MAGIC, 7, 0x101, 0, 32, 0) + values)
    lab.upload.receive(struct.pack("<4I2Q", MAGIC, 8, 0x102, 0, 0, 0))
    assert lab.sent[-1] == struct.pack("<4I2Q", MAGIC, 8, 0, 0, 32, 0) + values


def test_discovery_is_answered_and_others_answers_are_not() -> None:
    lab = Lab()
    found: list[bytes] = []
    conversation = DiscoveryConversation(lab.device, found.append)
    for data in (b"PS-DISCOVERY", b"PS-DISCOVERY-REPLY{}", b"", b"PS"):
        conversation.receive(data)
    assert len(found) == 1
    assert found[0].startswith(b"PS-DISCOVERY-REPLY")
    assert json.loads(found[0].removeprefix(b"PS-DISCOVERY-REPLY"))["serial"] == lab.device.serial
