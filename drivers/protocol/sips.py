"""Binary upload of the Pulse Streamer 8/2, TCP port 21328: frames and steps, little endian.

Source: Pulse Streamer client 2.1.2, `pulse_streamer_base.py` (`__send_cmd_binary`, `enc_binary`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from drivers.roles import LineProgram

MAGIC = 0x53504953
STREAM = 0x0
REPLY_BYTES = 32
LONGEST_STEP = 0xFFFFFFFF
"""Longest duration of one step in ns; longer ones are split."""

STEP = np.dtype([("ns", "<u4"), ("mask", "u1"), ("a0", "<i2"), ("a1", "<i2")])
"""A step of 9 bytes: duration (ns), digital mask, two analogue outputs (always 0 V here)."""

_HEADER = struct.Struct("<4I2Q")
_STREAM_HEADER = struct.Struct("<qQ2h4BQ")


@dataclass(frozen=True)
class UploadReply:
    """The device's answer to an upload: echoed id, error code (0 is good), bytes that follow."""

    command_id: int
    error: int
    extra: int


def encode_steps(program: LineProgram) -> bytes:
    """The program's steps, 9 bytes each; steps over 2**32 - 1 ns are split as the vendor does."""
    durations, masks = program.durations_ns, program.masks
    longest = int(durations.max())
    if longest > LONGEST_STEP:
        pieces = (durations + (LONGEST_STEP - 1)) // LONGEST_STEP
        masks = np.repeat(masks, pieces)
        last = np.cumsum(pieces) - 1
        rest = durations - (pieces - 1) * LONGEST_STEP
        durations = np.full(masks.size, LONGEST_STEP, dtype=np.int64)
        durations[last] = rest
    steps = np.zeros(durations.size, dtype=STEP)
    steps["ns"] = durations
    steps["mask"] = masks
    return steps.tobytes()


def encode_stream(command_id: int, steps: bytes, final: int, runs: int = 1) -> bytes:
    """A `stream` frame: header, sub-header, steps, zero padding (32 bytes when already aligned)."""
    count = len(steps) // STEP.itemsize
    pad = 32 - len(steps) % 32
    header = _HEADER.pack(MAGIC, command_id, STREAM, 0, len(steps) + 32 + pad, 0)
    sub_header = _STREAM_HEADER.pack(runs, count, 0, 0, final, 0, 0, 0, 0)
    return header + sub_header + steps + bytes(pad)


def parse_reply(data: bytes) -> UploadReply:
    """The 32 bytes that answer an upload. Raises `ValueError`."""
    if len(data) != REPLY_BYTES:
        raise ValueError(f"an upload is answered by {REPLY_BYTES} bytes, not {len(data)}")
    magic, command_id, error, _, extra, _ = _HEADER.unpack(data)
    if magic != MAGIC:
        raise ValueError(f"an upload's answer begins with {data[:4]!r}, not {b'SIPS'!r}")
    return UploadReply(command_id, error, extra)
