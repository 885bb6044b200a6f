"""A broker for people who have none: amqtt, in a process of its own, on loopback only.

It knows no users: whoever can open a connection on this machine may read, and may say to be any
issuer. It keeps nothing beyond its end.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from hil.telemetry.errors import TelemetryError
from hil.telemetry.mqtt.address import LOOPBACK, Address

_PROGRAM = Path(__file__).with_name("serve_broker.py")
#: s for its end in order.
PATIENCE = 5.0


class EmbeddedBroker:
    """Runs from its making to `stop`, or to the end of this process.

    port : on loopback; 0: one that is free. late : s by which a client's sign of life may be late,
    before it is taken to be lost.
    """

    def __init__(self, port: int, bench: str = "", *, late: int = 3) -> None:
        """Start, and wait until it serves.

        Raises
        ------
        TelemetryError
            Where the port is taken, or amqtt is not installed.
        """
        with socket.socket() as probe:
            # As the broker will: a port that a closed connection still holds is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                raise TelemetryError(
                    f"port {port} of this machine is in use, by a broker perhaps: use that one "
                    f"(--mqtt mqtt://{LOOPBACK}:{port}/BENCH), or say --mqtt embedded:PORT"
                ) from None
            port = probe.getsockname()[1]
        self.address = Address(LOOPBACK, port, tls=False, bench=bench)
        # In a session of its own: Ctrl-C at the terminal must not end it before the run is off.
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(port), str(late)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        if said != "ready":
            self.stop()
            if said.startswith("missing"):
                raise TelemetryError(
                    "the embedded broker needs the package amqtt: pip install "
                    "'hil-photonics[broker]', or install mosquitto (docs/telemetry.md)"
                )
            raise TelemetryError(f"the embedded broker did not start: {said or 'it said nothing'}")

    def stop(self) -> None:
        """End it in order; may be called again."""
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write("end\n")
            process.stdin.flush()
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
