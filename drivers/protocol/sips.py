"""Binary upload of the Pulse Streamer 8/2, TCP port 21328: frames and steps, little endian.

Source: Pulse Streamer client 2.1.2, `pulse_streamer_base.py` (`__send_cmd_binary`, `enc_binary`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.roles import LineProgram

MAGIC = 0x53504953
STREAM, UPLOAD = 0x0, 0x100
REPLY_BYTES = 32
LONGEST_STEP = 0xFFFFFFFF
"""Longest duration of one step in ns; longer ones are split."""

STEP = np.dtype([("ns", "<u4"), ("mask", "u1"), ("a0", "<i2"), ("a1", "<i2")])
"""A step of 9 bytes: duration (ns), digital mask, words of two analogue outputs."""
ANALOG_FULL = 0x7FFF
"""The analogue word of 1 V."""

_HEADER = struct.Struct("<4I2Q")
_STREAM_HEADER = struct.Struct("<qQ2h4BQ")
_UPLOAD_HEADER = struct.Struct("<qQ2h8BI")
_UPLOAD_RESULT = struct.Struct("<8i")


@dataclass(frozen=True)
class UploadReply:
    """The device's answer to an upload: echoed id, error code (0 is good), bytes that follow."""

    command_id: int
    error: int
    extra: int


def analog_words(volts: NDArray[np.float64]) -> NDArray[np.int16]:
    """Words of analogue volts within +-1; same shape."""
    return np.rint(np.asarray(volts) * ANALOG_FULL).astype(np.int16)


def encode_steps(program: LineProgram, analog: NDArray[np.int16] | None = None) -> bytes:
    """The program's steps, 9 bytes each; steps over 2**32 - 1 ns are split as the vendor does.

    `analog`: words (steps, 2) of the analogue outputs, which are at 0 V without.
    """
    durations, masks = program.durations_ns, program.masks
    longest = int(durations.max())
    if longest > LONGEST_STEP:
        pieces = (durations + (LONGEST_STEP - 1)) // LONGEST_STEP
        masks = np.repeat(masks, pieces)
        analog = None if analog is None else np.repeat(analog, pieces, axis=0)
        last = np.cumsum(pieces) - 1
        rest = durations - (pieces - 1) * LONGEST_STEP
        durations = np.full(masks.size, LONGEST_STEP, dtype=np.int64)
        durations[last] = rest
    steps = np.zeros(durations.size, dtype=STEP)
    steps["ns"] = durations
    steps["mask"] = masks
    if analog is not None:
        steps["a0"], steps["a1"] = analog[:, 0], analog[:, 1]
    return steps.tobytes()


def encode_stream(
    command_id: int, steps: bytes, final: int, runs: int = 1, analog: tuple[int, int] = (0, 0)
) -> bytes:
    """A `stream` frame: header, sub-header, steps, zero padding (32 bytes when already aligned).

    `final`, `analog`: mask and analogue words that are held after the last of `runs` (-1: for
    ever).
    """
    count = len(steps) // STEP.itemsize
    sub_header = _STREAM_HEADER.pack(runs, count, *analog, final, 0, 0, 0, 0)
    return _frame(command_id, STREAM, sub_header, steps)


@dataclass(frozen=True)
class SlotRules:
    """Numbers of what follows a slot: its number, next action, when, and what without data."""

    slot: int
    next_action: int = 0
    when: int = 0
    on_no_data: int = 0


def encode_upload(
    command_id: int,
    steps: bytes,
    idle: int,
    rules: SlotRules,
    runs: int = 1,
    analog: tuple[int, int] = (0, 0),
) -> bytes:
    """An `upload` frame, which fills a slot; as `encode_stream`."""
    count = len(steps) // STEP.itemsize
    sub_header = _UPLOAD_HEADER.pack(
        runs, count, *analog, idle, 0, 0, 0, rules.slot, rules.next_action, rules.when,
        rules.on_no_data, 0,
    )  # fmt: skip
    return _frame(command_id, UPLOAD, sub_header, steps)


def _frame(command_id: int, command: int, sub_header: bytes, steps: bytes) -> bytes:
    pad = 32 - len(steps) % 32
    header = _HEADER.pack(MAGIC, command_id, command, 0, len(steps) + 32 + pad, 0)
    return header + sub_header + steps + bytes(pad)


def parse_upload_result(data: bytes) -> int:
    """The return code of an `upload`, 0 where it was accepted. Raises `ValueError`."""
    if len(data) != _UPLOAD_RESULT.size:
        raise ValueError(f"an upload's result has {_UPLOAD_RESULT.size} bytes, not {len(data)}")
    return int(_UPLOAD_RESULT.unpack(data)[0])


def parse_reply(data: bytes) -> UploadReply:
    """The 32 bytes that answer an upload. Raises `ValueError`."""
    if len(data) != REPLY_BYTES:
        raise ValueError(f"an upload is answered by {REPLY_BYTES} bytes, not {len(data)}")
    magic, command_id, error, _, extra, _ = _HEADER.unpack(data)
    if magic != MAGIC:
        raise ValueError(f"an upload's answer begins with {data[:4]!r}, not {b'SIPS'!r}")
    return UploadReply(command_id, error, extra)
