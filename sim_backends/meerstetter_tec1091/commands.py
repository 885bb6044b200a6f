"""What the payload of a request asks for.

Sources: Meerstetter's MeComAPI (`MeCom.c`, and the .NET core's `MeComG2Cmd.cs` for `?VM`, `?VX` and
`?VB`), JulienKluge/pyMeComTEC.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .parameters import TABLE, Parameter

if TYPE_CHECKING:
    from .controller import Tec1091

NO_COMMAND = 1
FORMAT = 4
NO_PARAMETER, READ_ONLY, OUT_OF_RANGE, NO_INSTANCE, FAILURE = 5, 6, 7, 8, 9
EMERGENCY_STOP = 11
"""The device error that `ES` leaves."""


class Refusal(Exception):
    """A request that is answered by an error code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def respond(device: Tec1091, payload: str) -> str | None:
    """The payload of the answer; None for an acknowledgement. Raises Refusal."""
    if device.faults.refuse:
        raise Refusal(device.faults.refuse)
    if re.fullmatch(r"\?IF([0-9A-Fa-f]{2})?", payload):
        return device.identification  # a client in use sends an instance with it
    for word, answer in (
        ("?VR", _value), ("?VL", _limits), ("?VM", _metadata), ("?VX", _bulk), ("?VB", _big),
        ("VS", _set), ("VB", _big), ("CS", _speed),
    ):  # fmt: skip
        if payload.startswith(word):
            return answer(device, payload[len(word) :])
    if payload == "RS":
        device.reset()
    elif payload == "ES":
        device.stop_on_error(EMERGENCY_STOP)
    elif payload == "SP" and device.saves_on_command:
        device.save()
    else:
        raise Refusal(NO_COMMAND)
    return None


def _value(device: Tec1091, digits: str) -> str:
    parameter, instance = _place(device, digits, 6)
    return parameter.encode(device.read(parameter.number, instance))


def _limits(device: Tec1091, digits: str) -> str:
    parameter, _ = _place(device, digits, 6)
    return parameter.encode(parameter.low) + parameter.encode(parameter.high)


def _metadata(device: Tec1091, digits: str) -> str:
    parameter, instance = _place(device, digits, 6)
    head = f"{parameter.kind:02X}{parameter.flags:02X}{parameter.instances:02X}{1:08X}"
    value = parameter.encode(device.read(parameter.number, instance))
    return head + parameter.encode(parameter.low) + parameter.encode(parameter.high) + value


def _bulk(device: Tec1091, digits: str) -> str:
    if len(digits) < 2 or len(digits) != 2 + 6 * _number(digits[:2]):
        raise Refusal(FORMAT)
    return "".join(_value(device, digits[at : at + 6]) for at in range(2, len(digits), 6))


def _big(device: Tec1091, digits: str) -> str:
    """No parameter of this device holds a list or a text."""
    if len(digits) < 18:
        raise Refusal(FORMAT)
    _number(digits)
    raise Refusal(NO_PARAMETER)


def _set(device: Tec1091, digits: str) -> None:
    parameter, instance = _place(device, digits, 14)
    if not parameter.writable:
        raise Refusal(READ_ONLY)
    value = parameter.decode(digits[6:])
    if not parameter.allows(value):
        raise Refusal(OUT_OF_RANGE)
    device.write(parameter.number, instance, value)


def _speed(device: Tec1091, digits: str) -> None:
    """What the four digits mean is not in the sources: the link here has no speed to change."""
    del device
    if len(digits) != 4:
        raise Refusal(FORMAT)
    _number(digits)


def _place(device: Tec1091, digits: str, length: int) -> tuple[Parameter, int]:
    if len(digits) != length:
        raise Refusal(FORMAT)
    _number(digits)
    number, instance = int(digits[:4], 16), int(digits[4:6], 16)
    if not device.knows(number):
        raise Refusal(NO_PARAMETER)
    parameter = TABLE[number]
    if not 1 <= instance <= parameter.instances:
        raise Refusal(NO_INSTANCE)
    if number in device.faults.failing:
        raise Refusal(FAILURE)
    return parameter, instance


def _number(digits: str) -> int:
    if not all(character in "0123456789ABCDEFabcdef" for character in digits):
        raise Refusal(FORMAT)
    return int(digits, 16)
