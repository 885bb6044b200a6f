"""A bench file with the addresses of served instruments in place of its own, comments kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

from .bench_file import BenchDocumentError
from .host.serving import Address

_RESOURCE = re.compile(
    r'^(?P<before>\s*resource\s*=\s*)(?P<old>"[^"\n]*"|\'[^\'\n]*\')', re.MULTILINE
)
_OPTIONS = re.compile(r"^(\s*options\s*=\s*\{)", re.MULTILINE)
_TABLE = re.compile(r"^\s*\[", re.MULTILINE)
_PORTS = {"http": "rpc_port", "tcp": "upload_port"}
"""The driver's option for a port, by kind of door, where an instrument has several of one host."""


def readdressed(text: str, addresses: Sequence[Address]) -> str:
    """The bench file `text` with each instrument's `resource` where it is served now.

    An instrument of several ports, which its resource names by the host alone, is told by its
    `options` which of them are not its own. Raises `BenchDocumentError` where the file is laid out
    in a way that this cannot follow.
    """
    names = [table["name"] for table in tomllib.loads(text)["instrument"]]
    places = list(_RESOURCE.finditer(text))
    if len(places) != len(names):
        raise BenchDocumentError(
            "each [[instrument]] needs its resource on a line of its own to be given a new one"
        )
    made = text
    wanted: list[dict[str, int]] = []
    for name, place in reversed(list(zip(names, places, strict=True))):
        resource, ports = _resource(name, addresses)
        wanted.insert(0, ports)
        head = made[: place.start()]
        tail = made[place.end() :]
        headers = [match.end() for match in _TABLE.finditer(head)]
        top = headers[-1] if headers else 0
        header = _TABLE.search(tail)
        bottom = header.start() if header else len(tail)
        before, after = _with_ports(head[top:], tail[:bottom], ports)
        made = head[:top] + before + place["before"] + f'"{resource}"' + after + tail[bottom:]
    _check(text, made, wanted)
    return made


def _with_ports(before: str, after: str, ports: Mapping[str, int]) -> tuple[str, str]:
    """A table, what stands before and after its resource, with these options added to its own."""
    if not ports:
        return before, after
    words = ", ".join(f"{option} = {port}" for option, port in ports.items())
    for index, part in enumerate((before, after)):
        if _OPTIONS.search(part):
            made = _OPTIONS.sub(rf"\g<1> {words},", part, count=1)
            return (made, after) if index == 0 else (before, made)
    return before, f"\noptions = {{ {words} }}{after}"


def _check(text: str, made: str, wanted: Sequence[Mapping[str, int]]) -> None:
    """See that the new document is the old one but for the addresses."""
    before = tomllib.loads(text)["instrument"]
    try:
        after = tomllib.loads(made)["instrument"]
    except tomllib.TOMLDecodeError:
        after = [{} for _ in before]
    for old, new, ports in zip(before, after, wanted, strict=True):
        options = {**old.get("options", {}), **ports}
        due = old | {"resource": new.get("resource")} | ({"options": options} if options else {})
        if new != due:
            raise BenchDocumentError(f"instrument {old['name']}: its table cannot be rewritten")


def _resource(name: str, addresses: Sequence[Address]) -> tuple[str, dict[str, int]]:
    """Where an instrument is served, and the ports that are not its own, by the driver's option."""
    mine = [address for address in addresses if address.name == name]
    if not mine:
        raise BenchDocumentError(f"instrument {name} is not served")
    first = mine[0]
    if first.door.kind != "http":
        return first.resource, {}
    moved = {
        _PORTS[address.door.kind]: address.port
        for address in mine
        if address.door.kind in _PORTS
        and address.port is not None
        and address.port != address.door.port
    }
    host = first.resource.removeprefix("http://").partition(":")[0]
    return f"TCPIP::{host}::INSTR", moved
