"""Have a bench tell a broker what it does: for the command line, scripts and notebooks."""

from __future__ import annotations

from collections.abc import Callable

from hil.bench.opening import OpenBench
from hil.telemetry.mqtt.access import Access, read_access
from hil.telemetry.mqtt.address import embedded_port, parse
from hil.telemetry.mqtt.arrays import ARRAYS_PER_SECOND
from hil.telemetry.mqtt.broker import EmbeddedBroker
from hil.telemetry.mqtt.outlet import MqttOutlet
from hil.telemetry.mqtt.remote import Rights
from hil.telemetry.mqtt.topics import as_name


def attach_mqtt(
    bench: OpenBench,
    where: str,
    *,
    insecure: bool = False,
    access: Access | None = None,
    rights: Rights | None = None,
    arrays_per_second: float = ARRAYS_PER_SECOND,
) -> MqttOutlet:
    """Connect, verify that what is told arrives, and add the outlet to the bench's bus.

    It is closed with the bench.

    Parameters
    ----------
    bench : the core of a bench, open or not (`hil.open(...).core`).
    where : `mqtts://host[:port][/bench]`, or `embedded[:port]`: a broker of its own on loopback.
    insecure : let a connection to another machine be plain.
    access : by default what environment and files give.
    rights : who may command; by default nobody.
    arrays_per_second : steps a second whose levels and slots are told, at most; 0: none.

    Raises
    ------
    TelemetryError
        Where the address is wrong, the broker is not there, or it lets nothing be told.
    """
    port = embedded_port(where)
    end: Callable[[], object] = lambda: None  # noqa: E731
    if port is None:
        address = parse(where, insecure=insecure)
        access = read_access() if access is None else access
    else:
        broker = EmbeddedBroker(port, as_name(bench.file.name))
        address, access, end = broker.address, Access(), broker.stop
    outlet = MqttOutlet(
        address,
        access,
        bench.bus,
        bench.desk,
        bench.file.name,
        rights=rights,
        arrays_per_second=arrays_per_second,
        on_close=end,
    )
    outlet.connect()
    bench.bus.add(outlet)
    return outlet
