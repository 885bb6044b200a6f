"""The binary requests: a header byte with its top bit set, a command code, an address, words.

Layout from the vendor's API (takeqontrol/api 1.1.20, issue_binary_command) and recorded exchanges.
Replies are the ASCII lines of the same command.
"""

from __future__ import annotations

import numpy as np

from .chain import FULL_WORD, PER_MODULE, QontrolChain
from .commands import CODES, PER_CHANNEL, READ_ALL_ONLY, Answer, Commands, Refusal

BROADCAST, ALL_CHANNELS, BY_IDENTITY, READ, ACT, EXTENDED, PARITY = (
    0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01,
)  # fmt: skip
_FIXED = 5
"""header, code and address"""


def even_parity(header: int) -> bool:
    """Whether a header byte has the even parity its last bit provides for."""
    return header.bit_count() % 2 == 0


def request_length(data: bytes | bytearray) -> int | None:
    """Length of the request that begins `data`, or None while that cannot be told."""
    if not data[0] & EXTENDED:
        return _FIXED + 2
    if len(data) < _FIXED + 2:
        return None
    return _FIXED + 2 + 2 * int.from_bytes(data[_FIXED : _FIXED + 2], "big")


def respond(commands: Commands, chain: QontrolChain, request: bytes) -> Answer:
    """Answer one whole request. Raises `Refusal` for what is answered by an error."""
    header, code = request[0], request[1]
    if not even_parity(header):
        raise Refusal(15, 1)
    name = CODES.get(code)
    if name is None or not commands.knows(name):
        raise Refusal(10, 0)
    everything = bool(header & (ALL_CHANNELS | BROADCAST))
    _check_mode(name, header, everything)
    address = _address(commands, chain, header, request)
    if header & READ:
        return commands.get(name, None if everything else address, everything)
    words = np.frombuffer(request, ">u2", offset=_FIXED).astype(np.float64)
    if header & EXTENDED:
        words = words[1:]
        if not words.size:
            raise Refusal(11, 3)
    if name == "NUP":
        return commands.enumerate_chain(int(words[0]))
    full = chain.v_full if name in ("V", "VMAX") else chain.i_full
    values = words / FULL_WORD * full
    if everything:
        return commands.set_all(name, float(values[0]))
    return commands.set_values(name, address, values)


def _check_mode(name: str, header: int, everything: bool) -> None:
    """Only the header modes of the vendor's command table are served; others are forbidden, E13."""
    read, extended = bool(header & READ), bool(header & EXTENDED)
    if name in READ_ALL_ONLY:
        legal = read and everything
    elif name in PER_CHANNEL:
        legal = not (extended and (read or everything))
    elif name == "NUP":
        legal = not extended
    else:
        legal = read and not extended
    if not legal:
        raise Refusal(13, 0)


def _address(commands: Commands, chain: QontrolChain, header: int, request: bytes) -> int:
    if header & BY_IDENTITY:
        module = chain.module_of_identity(int.from_bytes(request[2:4], "big"))
        if module is None or request[4] >= PER_MODULE:
            raise Refusal(12, request[4] % 100)
        return module * PER_MODULE + request[4]
    return int.from_bytes(request[2:5], "big")
