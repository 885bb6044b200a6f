"""A bank's elements where they lie on the chip, each shaded by its number."""

from __future__ import annotations

import numpy as np

from hil.bench.cores import MESH, Core, places
from hil.bench.layout import upper_mode
from hil.plots.svg import Floats, axis_names, head, sequential, text

_LEFT, _TOP, _WIDE, _SCALE = 46, 34, 330, 84


def element_map(
    title: str, core: Core, ports: int, values: Floats, unit: str, *, most: float, form: str = ".3g"
) -> str:
    """Map values (elements,) of one bank, from 0 to `most`.

    Of a mesh: columns across, modes down; a cell spans the two modes that it couples, theta on its
    left half and phi on its right; output phases stand last. Of a microring bank: wavelengths
    across, outputs down.
    """
    mesh = core == MESH
    columns = ports + 1 if mesh else ports
    wide, tall = _WIDE / columns, min(_WIDE / columns, 22.0)
    bottom = _TOP + tall * ports
    height = int(max(bottom, _TOP + 120) + 38)
    parts = head(title, _LEFT + _WIDE + _SCALE, height, _LEFT)
    x_name = "column (last: output phases)" if mesh else "wavelength"
    y_name = "mode" if mesh else "output"
    parts += axis_names(x_name, y_name, _LEFT + _WIDE / 2, bottom + 30, _TOP + tall * ports / 2)
    for place, value in zip(places(core, ports), values, strict=True):
        x, w, h = _LEFT + wide * place.column, wide - 1.0, tall - 1.0
        y = _TOP + tall * place.row
        if place.kind in ("theta", "phi"):
            y = _TOP + tall * upper_mode(place.column, place.row)
            w, h = wide / 2 - 1.0, 2 * tall - 2.0
            x += wide / 2 if place.kind == "phi" else 0.0
        share = float(value) / most if np.isfinite(value) and most > 0.0 else 0.0
        name = f"{place.kind} column {place.column} row {place.row}: {value:{form}} {unit}"
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
            f'fill="{sequential(share)}" stroke="#888" stroke-width="0.5"><title>{name}</title>'
            "</rect>"
        )
    every = 1 if columns < 12 else 2
    for column in range(0, columns, every):
        parts.append(text(_LEFT + wide * (column + 0.5), bottom + 13, str(column), "middle"))
    for row in range(0, ports, every):
        parts.append(text(_LEFT - 4, _TOP + tall * (row + 0.5) + 4, str(row), "end"))
    for step, share in enumerate((1.0, 0.75, 0.5, 0.25, 0.0)):
        x, y = _LEFT + _WIDE + 10, _TOP + 20 * step
        parts.append(
            f'<rect x="{x}" y="{y}" width="14" height="16" fill="{sequential(share)}" '
            'stroke="#888" stroke-width="0.5"/>'
        )
        parts.append(text(x + 18, y + 12, f"{share * most:.3g} {unit}", "start"))
    return "".join([*parts, "</svg>"])
