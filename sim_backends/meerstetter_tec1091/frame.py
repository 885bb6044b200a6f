"""MeCom frames from the device's side: requests are read, replies built.

Source: Meerstetter's MeComAPI, `MeFrame.c`.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 1100
"""Characters of a request that the buffer holds; the vendor's client sends 1024 at most."""


def checksum(data: bytes) -> int:
    """CRC with polynomial 0x1021, begun at 0, most significant bit first."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
            value &= 0xFFFF
    return value


@dataclass(frozen=True)
class Frame:
    """A request whose CRC was right."""

    address: int
    sequence: str
    payload: str
    crc: str

    def reply(self, payload: str) -> bytes:
        """The frame that answers with `payload`."""
        head = f"!{self.address:02X}{self.sequence}{payload}".encode("ascii")
        return head + f"{checksum(head):04X}\r".encode("ascii")

    def acknowledge(self) -> bytes:
        """The frame that acknowledges: no payload, and the CRC of the request."""
        return f"!{self.address:02X}{self.sequence}{self.crc}\r".encode("ascii")

    def refuse(self, code: int) -> bytes:
        """The frame that refuses with an error code."""
        return self.reply(f"+{code:02X}")


def read_request(line: bytes) -> Frame | None:
    """The request in a line without its carriage return, or None for what a device does not answer:
    no start, too short, digits that are none, or a wrong CRC.
    """
    start = line.rfind(b"#")
    if start < 0:
        return None
    text = line[start:].decode("latin-1")
    if len(text) < 11:
        return None
    address, sequence, payload, crc = text[1:3], text[3:7], text[7:-4], text[-4:]
    digits = "0123456789ABCDEFabcdef"
    if not all(character in digits for character in address + sequence + crc):
        return None
    if checksum(text[:-4].encode("latin-1")) != int(crc, 16):
        return None
    return Frame(int(address, 16), sequence.upper(), payload, crc.upper())
