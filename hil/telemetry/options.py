"""Options of a command whose bench tells what it does: where to, and who may command it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from hil.bench.opening import OpenBench
from hil.telemetry.errors import TelemetryError
from hil.telemetry.mqtt.access import read_access
from hil.telemetry.mqtt.arrays import ARRAYS_PER_SECOND
from hil.telemetry.mqtt.attaching import attach_mqtt
from hil.telemetry.mqtt.remote import Rights
from hil.telemetry.mqtt.topics import is_name


def add_telemetry_options(parser: argparse.ArgumentParser) -> None:
    """Add them, as a group."""
    group = parser.add_argument_group("telemetry (docs/telemetry.md)")
    group.add_argument(
        "--mqtt",
        metavar="URL|embedded[:PORT]",
        help="tell what the run does to a broker, mqtts://HOST[:PORT]/BENCH (mqtt:// on this "
        "machine); embedded: start a broker on loopback",
    )
    group.add_argument(
        "--mqtt-ca", type=Path, metavar="FILE", help="authorities that may vouch for the broker"
    )
    group.add_argument(
        "--mqtt-cert", type=Path, metavar="FILE", help="certificate to show the broker (PEM)"
    )
    group.add_argument("--mqtt-key", type=Path, metavar="FILE", help="its key, mode 600")
    group.add_argument(
        "--mqtt-arrays",
        type=_rate,
        default=ARRAYS_PER_SECOND,
        metavar="N",
        help="steps a second whose levels and slots are told "
        f"(default {ARRAYS_PER_SECOND:g}; 0: none)",
    )
    group.add_argument(
        "--insecure", action="store_true", help="allow a plain connection to another machine"
    )
    group.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="ISSUER",
        help="who may say off over MQTT, and with --remote-control command; may be repeated",
    )
    group.add_argument(
        "--remote-control",
        action="store_true",
        help="let allowed issuers pause, resume and stop the run, too, and write notes",
    )
    group.add_argument(
        "--prometheus",
        type=int,
        metavar="PORT",
        help="serve metrics at http://127.0.0.1:PORT/metrics",
    )


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1000.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1000")
    return value


def attach_telemetry(
    asked: argparse.Namespace, bench: OpenBench, tell: Callable[[str], None]
) -> None:
    """Add the outlets that were asked for to the bus of a bench, before it is opened.

    They are closed with the bench.

    Raises
    ------
    TelemetryError
        Before anything is switched on, where an option is wrong, a broker is not there, or lets
        nothing be told.
    """
    rights = _rights(asked)
    try:
        if asked.prometheus is not None:
            _attach_prometheus(asked, bench, tell)
        if asked.mqtt is not None:
            _attach_mqtt(asked, bench, rights, tell)
    except BaseException:
        bench.bus.close()
        raise


def _rights(asked: argparse.Namespace) -> Rights:
    needed = {
        "--mqtt-ca": asked.mqtt_ca,
        "--mqtt-cert": asked.mqtt_cert,
        "--mqtt-key": asked.mqtt_key,
        "--insecure": asked.insecure,
        "--allow": asked.allow,
        "--remote-control": asked.remote_control,
    }
    if asked.mqtt is None:
        for option, value in needed.items():
            if value:
                raise TelemetryError(f"{option} says how to use a broker: name one by --mqtt")
    if asked.remote_control and not asked.allow:
        raise TelemetryError("--remote-control for whom? Name who may command: --allow ISSUER")
    for issuer in asked.allow:
        if not is_name(issuer):
            raise TelemetryError(
                f"--allow {issuer!r}: an issuer is letters, digits, `.`, `_`, `-`, at most 64"
            )
    return Rights(frozenset(asked.allow), asked.remote_control)


def _attach_prometheus(
    asked: argparse.Namespace, bench: OpenBench, tell: Callable[[str], None]
) -> None:
    from hil.telemetry.prometheus import PrometheusOutlet

    outlet = PrometheusOutlet(bench.bus, bench.file.name, asked.prometheus)
    bench.bus.add(outlet)
    tell(f"metrics at http://127.0.0.1:{outlet.port}/metrics")


def _attach_mqtt(
    asked: argparse.Namespace, bench: OpenBench, rights: Rights, tell: Callable[[str], None]
) -> None:
    outlet = attach_mqtt(
        bench,
        asked.mqtt,
        insecure=asked.insecure,
        access=read_access(ca=asked.mqtt_ca, certificate=asked.mqtt_cert, key=asked.mqtt_key),
        rights=rights,
        arrays_per_second=asked.mqtt_arrays,
    )
    address = outlet.address
    tell(f"telling {address.broker} below {outlet.topics.root}{_who(rights)}")
    if not (address.tls or address.is_loopback):
        tell("WARNING: the connection is not encrypted; anybody between can read and command")


def _who(rights: Rights) -> str:
    if not rights.allowed:
        return ""
    return f"; {', '.join(sorted(rights.allowed))} may say {', '.join(rights.verbs())}"
