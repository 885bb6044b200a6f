"""A controller that tells a broker the events it is given, and then waits to be killed.

Arguments: PORT BENCH; on its standard input: events as `hil.telemetry.coding` packs them.
"""

from __future__ import annotations

import sys
import threading

from hil.telemetry.bus import Bus
from hil.telemetry.coding import unpack
from hil.telemetry.commands import CommandDesk
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.outlet import MqttOutlet


def main(port: int, bench: str) -> None:
    """Tell all of them."""
    bus = Bus()
    outlet = MqttOutlet(Address("127.0.0.1", port, False), Access(), bus, CommandDesk(bus), bench)
    outlet.connect()
    bus.add(outlet)
    for stamped in unpack(sys.stdin.buffer.read()):
        bus.publish(stamped.event)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
