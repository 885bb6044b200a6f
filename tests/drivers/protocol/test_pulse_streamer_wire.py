"""The Pulse Streamer's uploads and calls, byte for byte as the vendor's client 2.1.2 makes them."""

from __future__ import annotations

import json
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import json_rpc, sips
from drivers.protocol.json_rpc import RpcMismatch, RpcRefused
from drivers.roles import LineProgram


def test_steps_are_nine_bytes() -> None:
    program = LineProgram(np.array([512, 40]), np.array([3, 0x80], dtype=np.uint8))
    assert sips.encode_steps(program) == bytes.fromhex(
        "00020000 03 0000 0000 28000000 80 0000 0000"
    )


def test_stream_frame() -> None:
    steps = struct.pack("<IBhh", 1000, 1, 0, 0)
    frame = sips.encode_stream(7, steps, final=5)
    assert frame == (
        b"SIPS" + struct.pack("<3I2Q", 7, 0, 0, 9 + 32 + 23, 0)
        + struct.pack("<qQ2h4BQ", 1, 1, 0, 0, 5, 0, 0, 0, 0)
        + steps + bytes(23)
    )  # fmt: skip
    aligned = sips.encode_stream(7, steps * 32, final=0)
    assert len(aligned) == 32 + 32 + 9 * 32 + 32  # a whole block of padding, as the client sends


@given(st.lists(st.tuples(st.integers(1, 2**35), st.integers(0, 255)), min_size=1, max_size=30))
def test_long_steps_are_split(steps: list[tuple[int, int]]) -> None:
    program = LineProgram(
        np.array([ns for ns, _ in steps]), np.array([mask for _, mask in steps], dtype=np.uint8)
    )
    out = np.frombuffer(sips.encode_steps(program), dtype=sips.STEP)
    assert out["ns"].min() > 0
    assert not out["a0"].any()
    assert not out["a1"].any()
    pieces = iter(out.tolist())
    for ns, mask in steps:  # each step, in order, sums to its length under its own mask
        left = ns
        while left > 0:
            length, got, *_ = next(pieces)
            assert got == mask
            left -= length
        assert left == 0
    assert next(pieces, None) is None


def test_upload_replies() -> None:
    good = struct.pack("<4I2Q", sips.MAGIC, 9, 0, 0, 0, 0)
    assert sips.parse_reply(good) == sips.UploadReply(9, 0, 0)
    with pytest.raises(ValueError, match="SIPS"):
        sips.parse_reply(bytes(32))
    with pytest.raises(ValueError, match="32 bytes"):
        sips.parse_reply(b"")


def test_calls() -> None:
    assert json_rpc.encode_call("getSerial", (), 1) == (
        b'{"jsonrpc":"2.0","id":1,"method":"getSerial","params":[]}'
    )
    assert json_rpc.encode_call("constant", ([0, 5, 0, 0],), 2) == (
        b'{"jsonrpc":"2.0","id":2,"method":"constant","params":[[0,5,0,0]]}'
    )
    with pytest.raises(ValueError, match="JSON"):
        json_rpc.encode_call("x", (float("nan"),), 3)


def test_results() -> None:
    assert json_rpc.parse_result(b'{"jsonrpc":"2.0","id":4,"result":0}', 4) == 0
    assert json_rpc.parse_result(b'{"id":4,"result":null,"error":null}', 4) is None
    with pytest.raises(RpcRefused, match="Method not found"):
        json_rpc.parse_result(
            b'{"id":null,"error":{"code":-32601,"message":"Method not found"}}', 4
        )
    for body in (b"", b"[]", b"nope", b'{"id":3,"result":1}', b'{"id":4}', b"\xff"):
        with pytest.raises(RpcMismatch):
            json_rpc.parse_result(body, 4)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_result_comes_through(result: object) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
    assert json_rpc.parse_result(body, 1) == result


class _Socket:
    """Takes what the vendor's client uploads, and answers it."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, size: int) -> bytes:
        command_id = struct.unpack_from("<4I", self.sent)[1]
        return struct.pack("<4I2Q", sips.MAGIC, command_id, 0, 0, 0, 0)[:size]


@pytest.mark.parametrize("count", [1, 7, 32])
def test_uploads_are_those_of_the_vendors_client(count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vendor = pytest.importorskip("pulsestreamer.pulse_streamer_base")
    client = object.__new__(vendor.PulseStreamerBase)
    client._has_binary = False
    client._socket = _Socket()
    client.is_socket_alive = lambda: True
    steps = [(100 + n, [n % 8, 7], 0, 0) for n in range(count)]
    split = [client.convert_sequence_step(step) for step in steps]
    client._PulseStreamerBase__stream_binary(split, 1, ([0, 2], 0, 0))
    theirs = client._socket.sent
    masks = np.array([1 << n % 8 | 1 << 7 for n in range(count)])
    program = LineProgram(100 + np.arange(count), masks, final=5)
    command_id = struct.unpack_from("<4I", theirs)[1]
    assert sips.encode_stream(command_id, sips.encode_steps(program), program.final) == theirs
