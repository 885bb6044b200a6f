"""A scripted chain of Qontrol modules, opened and closed in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.link_model import LinkModel
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.memory import MemoryNetwork

DEVICE = "/dev/qontrol-0"
SERIAL = LinkModel(latency=0.016, bytes_per_second=11520.0)
SYNC = (b"\nfirmware?\n", b"E10:00\nv2.4.1\n")
CLOSING = (b"ID?\n", b"Q8iv-0001\n")
"""Asked behind every question, in the same write, and waited for."""


def greeting(modules: int = 2, serial: str = "0001") -> list:
    chain = [f"Q8iv-{serial if n == 0 else '****'}: {n}\n" for n in range(modules)]
    return [
        SYNC,
        (b"firmware?\n", b"v2.4.1\n"),
        (b"NUPALL?\n", "".join(chain).encode()),
        (b"VFULLALL?\n", b"+12.0000 V\n" * modules),
        (b"IFULLALL?\n", b"+24.0000 mA\n" * modules),
    ]


def volts_frame(first: int, words: list[int]) -> bytes:
    if len(words) == 1:
        return bytes.fromhex("8100") + first.to_bytes(3, "big") + words[0].to_bytes(2, "big")
    data = np.array(words, dtype=">u2").tobytes()
    return bytes.fromhex("8200") + first.to_bytes(3, "big") + len(words).to_bytes(2, "big") + data


def driver(network: MemoryNetwork, **options) -> QontrolQ8:
    options.setdefault("modules", 2)
    return QontrolQ8("heaters-0", f"ASRL{DEVICE}::INSTR", network, link=SERIAL, **options)


def closed_by(entry) -> list:
    """An exchange of the opened driver, and the question that closes it: unanswered if it is."""
    sent, reply = entry
    if sent == b"NUP=0\n":
        return [entry]
    return [entry, CLOSING if reply is not None else (CLOSING[0], None)]


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries.

    The closing question stands behind each of them, unless `closed` is False.
    """

    def _play(entries, scenario, *, closed=True, **options):
        known = [SYNC, CLOSING, *greeting()]
        said = [
            part
            for entry in entries
            for part in (closed_by(entry) if closed and entry not in known else [entry])
        ]
        server = script([*greeting(), *said])
        network = MemoryNetwork()
        network.listen_serial(DEVICE, server.serve)

        async def opened():
            heaters = driver(network, **options)
            await heaters.open()
            result = await scenario(heaters)
            await heaters.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play
