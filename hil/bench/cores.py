"""The kinds of banks a bench may have, and where the elements of each lie.

A mesh counts its elements as `layout` says. A microring weight bank has N x N rings, counted by
output (`row`), then by wavelength (`column`), which is the input of that number.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from hil.bench import layout
from hil.bench.layout import Place

Core = Literal["mzi-mesh", "microring"]
MESH: Core = "mzi-mesh"
MICRORING: Core = "microring"

#: How each core is read.
DETECTION: dict[Core, Literal["homodyne", "balanced"]] = {
    "mzi-mesh": "homodyne",
    "microring": "balanced",
}


@cache
def places(core: Core, ports: int) -> tuple[Place, ...]:
    """List the elements of a bank in element order, (ports^2,)."""
    if core == MESH:
        return layout.places(ports)
    return tuple(Place(column, row, "ring") for row in range(ports) for column in range(ports))


@cache
def index_of(core: Core, ports: int) -> dict[Place, int]:
    """Map each element's place to its index in element order."""
    return {place: index for index, place in enumerate(places(core, ports))}


def why_no_place(core: Core, ports: int, place: Place) -> tuple[str, str]:
    """Say which key of a place that the core has not is wrong, and what may stand there."""
    if core == MESH:
        return _why_not_in_mesh(ports, place)
    if place.kind != "ring":
        return "kind", f'the elements of a microring bank are of kind "ring", not {place.kind!r}'
    for key, value in (("column", place.column), ("row", place.row)):
        if value >= ports:
            what = "wavelengths" if key == "column" else "outputs"
            return (
                key,
                f"there is no {key} {value}; the {what} of {ports} ports are 0 to {ports - 1}",
            )
    raise ValueError(f"{place} is in a microring bank of {ports} ports")


def _why_not_in_mesh(ports: int, place: Place) -> tuple[str, str]:
    if place.column > ports:
        return (
            "column",
            f"there is no column {place.column}; a mesh of {ports} ports has columns 0 to "
            f"{ports - 1}, and {ports} for the output phases",
        )
    if place.kind == "ring":
        return "kind", 'a mesh has elements of kind "theta", "phi" and "out", not "ring"'
    if (place.kind == "out") != (place.column == ports):
        return (
            "kind",
            f'"out" belongs to column {ports} and "theta" and "phi" to columns 0 to {ports - 1}, '
            f"not {place.kind!r} to column {place.column}",
        )
    count = ports if place.kind == "out" else layout.cells_in_column(ports, place.column)
    rows = f"rows 0 to {count - 1}" if count else "no cells"
    return "row", f"there is no row {place.row}; column {place.column} has {rows}"
