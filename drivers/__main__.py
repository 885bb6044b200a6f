"""Look at instruments from the command line: `python -m drivers list`.

Reads only, unless `write` is told `--write`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console

from drivers.commands import COMMANDS, CommandError
from drivers.errors import InstrumentError
from drivers.naming import NamingError
from drivers.registry import RegistryError
from drivers.transport.link import Connector, LinkError
from drivers.transport.real import RealConnector

_EPILOG = """
resources:
  ASRL/dev/ttyUSB0::INSTR              a serial port (COM3: ASRLCOM3::INSTR)
  TCPIP::192.168.1.20::5025::SOCKET    raw TCP: the quickest link
  TCPIP::192.168.1.20::INSTR           a host; the driver knows the port, else VXI-11
  TCPIP::192.168.1.20::hislip0::INSTR  HiSLIP
  USB::0x1313::0x8078::P0001::INSTR    USB
  GPIB0::12::INSTR                     GPIB

examples:
  python -m drivers list                                    which models there are drivers for
  python -m drivers list red_pitaya                         what one of them declares
  python -m drivers scan --host 192.168.1.0/24              what there is to talk to
  python -m drivers identify TCPIP::192.168.1.20::INSTR     who is there
  python -m drivers read TCPIP::192.168.1.20::INSTR         all its settings
  python -m drivers read TCPIP::192.168.1.20::INSTR offset --channel 1
  python -m drivers read ASRL/dev/ttyUSB0::INSTR volts --channel 3 --option modules=2
  python -m drivers write TCPIP::192.168.1.20::INSTR amplitude 0.5 --channel 1 --write

Nothing is ever set without --write. A bench of instruments is run by `python -m hil.train`.
"""


def _seconds(text: str) -> float:
    """A time-out, s. Raises `ArgumentTypeError`."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time-out; write seconds, 0.001 to 3600")
    return seconds


def _port(text: str) -> int:
    """A TCP port. Raises `ArgumentTypeError`."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no TCP port, which are 1 to 65535")
    return int(text)


def _as_value(word: str) -> str:
    """A negative number with a space before it, since argparse takes -1e-10 for an option."""
    try:
        float(word)
    except ValueError:
        return word
    return f" {word}" if word.startswith("-") else word


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = argparse.ArgumentParser(
        prog="python -m drivers",
        description="Find instruments, identify them, and read their settings, one at a time.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", required=True, metavar="COMMAND")
    models = commands.add_parser(
        "list",
        help="the models there are drivers for, their links and roles; or what one model declares",
        description="Lists the drivers. With MODEL, the quantities that it declares: unit, range, "
        "ramp, settle time, safe value.",
    )
    models.add_argument("model", metavar="MODEL", nargs="?", help="of a driver")
    models.add_argument(
        "--markdown", action="store_true", help="all quantities of all drivers, as in the documents"
    )
    identify = commands.add_parser(
        "identify",
        help="ask who is at a resource, and name the driver that serves it",
        description="Asks *IDN?, then what other dialects ask first. Sets nothing, reads no error "
        "queue, and says what was tried.",
    )
    scan = commands.add_parser(
        "scan",
        help="list serial ports and VISA resources, and hosts that answer",
        description="Lists serial ports and VISA resources without opening them, and Pulse "
        "Streamers that answer a broadcast. With --host, asks hosts for *IDN? on TCP port 5025.",
    )
    scan.add_argument(
        "--host", action="append", default=[], metavar="RANGE",
        help="192.168.1.0/24, 192.168.1.10-20, or a name; may be given again",
    )  # fmt: skip
    scan.add_argument("--port", type=_port, default=5025, help="TCP port to try (default: 5025)")
    read = commands.add_parser("read", help="read one declared quantity, or all settings")
    write = commands.add_parser(
        "write",
        help="set one declared quantity; does nothing without --write",
        description="Checks the value against the declared limits and says what would be sent; "
        "with --write, sets it and reads it back.",
    )
    for one in (identify, read, write):
        one.add_argument("resource", metavar="RESOURCE", help="see `python -m drivers --help`")
        one.add_argument(
            "--timeout", type=_seconds, default=1.0, metavar="S", help="for an answer (default: 1)"
        )
    read.add_argument("name", metavar="NAME", nargs="?", help="of a quantity (default: all)")
    write.add_argument("name", metavar="NAME", help="of a quantity")
    write.add_argument("value", metavar="VALUE", help="in its SI unit, ON or OFF, or a word")
    for one in (read, write):
        one.add_argument("--channel", default="", metavar="N", help="of that quantity")
        one.add_argument("--driver", metavar="MODEL", help="default: the one that serves it")
        one.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE",
            help="of that driver, as in a bench file (modules=2); may be given again",
        )  # fmt: skip
    write.add_argument("--write", action="store_true", help="really set it")
    return p


def main(arguments: Sequence[str] | None = None, connector: Connector | None = None) -> int:
    """Run a command; returns its exit status: 0, 1 for an error (told in one line), 130 stopped."""
    words = sys.argv[1:] if arguments is None else arguments
    asked = parser().parse_args([_as_value(word) for word in words])
    out, told = Console(soft_wrap=True, highlight=False), Console(stderr=True, highlight=False)
    try:
        asyncio.run(COMMANDS[asked.command](asked, connector or RealConnector(), out, told))
    except KeyboardInterrupt:
        told.print("stopped", markup=False)
        return 130
    except (
        CommandError, InstrumentError, LinkError, NamingError, OSError, RegistryError, TypeError,
        ValueError,
    ) as error:  # fmt: skip
        told.print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
