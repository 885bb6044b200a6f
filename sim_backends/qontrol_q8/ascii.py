"""The ASCII requests: `<command>[<channel>|ALL]<operator>[<value>[,<value>...]]` and a line feed.

Error replies and tolerated slips as recorded from firmware v2.4.1 (takeqontrol/api, branch
virtual-module).
"""

from __future__ import annotations

import re

import numpy as np

from .commands import PER_CHANNEL, Answer, Commands, Refusal

LONGEST = 80
"""Characters of a line the instruction buffer holds. The true number is unknown; lines of 90
overflowed.
"""

_REQUEST = re.compile(r"([A-Za-z]*?)(VEC)?(ALL)?(\d*)([=?])(.*)", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


def respond(commands: Commands, line: str) -> Answer:
    """Answer one line. Raises `Refusal` for what is answered by an error."""
    line = line.strip("\r\0 ")
    if line.lower() in ("help", "log"):
        line += "?"
    match = _REQUEST.fullmatch(line)
    if match is None:
        raise Refusal(10, 0)
    name, vector, everything, digits, operator, value = match.groups()
    name = name.upper()
    if not name:
        raise Refusal(10, 1)
    if not commands.knows(name):
        raise Refusal(10, 2 if operator == "?" and name == "VAL" else 0)
    channel = int(digits) if digits else None
    if operator == "?":
        if name in PER_CHANNEL and channel is None and not everything:
            raise Refusal(12, 0)
        return commands.get(name, channel, bool(everything))
    return _set(commands, name, bool(vector), bool(everything), channel, value)


def _set(
    commands: Commands, name: str, vector: bool, everything: bool, channel: int | None, text: str
) -> Answer:
    if everything and channel is not None:
        # `vall2=...` was refused for its parameter.
        raise Refusal(11, 3)
    if name in PER_CHANNEL and not everything and channel is None:
        raise Refusal(12, 0)
    values = _values(text)
    if name in PER_CHANNEL:
        scaled = values * (1e-3 if name[0] == "I" else 1.0)
        if everything:
            return commands.set_all(name, float(scaled[0]))
        if not vector:
            scaled = scaled[:1]
        return commands.set_values(name, channel or 0, scaled)
    if name == "NUP":
        return commands.enumerate_chain(int(values[0]))
    if name in ("LED", "OK", "SAFE", "ADCT", "ADCN"):
        return commands.set_flag(name, channel, int(values[0]), everything)
    raise Refusal(13, 0)


def _values(text: str) -> np.ndarray:
    """Numbers of a set request; what follows one up to the comma is tolerated (`v0=0.1?`)."""
    found = []
    for part in text.split(","):
        match = _NUMBER.match(part)
        if match is None:
            raise Refusal(11, 3)
        found.append(float(match.group(1)))
    return np.array(found)
