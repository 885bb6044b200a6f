"""A bench file with the addresses of served instruments in place of its own, comments kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

from .bench_file import BenchDocumentError
from .host.serving import Address

_RESOURCE = re.compile(
    r'^(?P<before>\s*resource\s*=\s*)(?P<old>"[^"\n]*"|\'[^\'\n]*\')', re.MULTILINE
)


def readdressed(text: str, addresses: Sequence[Address]) -> str:
    """The bench file `text` with each instrument's `resource` where it is served now.

    Raises `BenchDocumentError` where the file is laid out in a way that this cannot follow.
    """
    names = [table["name"] for table in tomllib.loads(text)["instrument"]]
    places = list(_RESOURCE.finditer(text))
    if len(places) != len(names):
        raise BenchDocumentError(
            "each [[instrument]] needs its resource on a line of its own to be given a new one"
        )
    pieces: list[str] = []
    at = 0
    for name, place in zip(names, places, strict=True):
        pieces += [text[at : place.start()], place["before"], _resource(name, addresses)]
        at = place.end()
    made = "".join([*pieces, text[at:]])
    before, after = tomllib.loads(text), tomllib.loads(made)
    for old, new in zip(before["instrument"], after["instrument"], strict=True):
        if old | {"resource": ""} != new | {"resource": ""}:
            raise BenchDocumentError(f"instrument {old['name']}: its table cannot be rewritten")
    return made


def _resource(name: str, addresses: Sequence[Address]) -> str:
    mine = [address for address in addresses if address.name == name]
    if not mine:
        raise BenchDocumentError(f"instrument {name} is not served")
    first = mine[0]
    if first.door.kind != "http":
        return f'"{first.resource}"'
    moved = [address for address in mine if address.port != address.door.port]
    if moved:
        ports = ", ".join(f"{address.door.port} (now {address.port})" for address in moved)
        raise BenchDocumentError(
            f"instrument {name}: its resource is a host alone, so it must be served on its own "
            f"ports: {ports}; end what listens there, or serve at another --host (127.0.0.2)"
        )
    host = first.resource.removeprefix("http://").partition(":")[0]
    return f'"TCPIP::{host}::INSTR"'
