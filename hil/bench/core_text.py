"""What a starting bench file says of each core: the parts of its text that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hil.bench.cores import MESH, Core
from hil.bench.layout import Place, upper_mode


@dataclass(frozen=True)
class CoreText:
    """Pieces of text, each a line or several of the file.

    Attributes
    ----------
    called : what a bank is, in the description.
    core, p_pi, lo_gate, drift : whole lines; `lo_gate` may be empty.
    steps : those of a calibration.
    places : comment on the keys that say where an element sits.
    bounds : v_max, i_max and p_max of an element. signal : what one signal unit is.
    """

    called: str
    core: str
    steps: str
    detection: str
    p_pi: str
    places: str
    bounds: str
    signal: str
    lo_gate: str
    drift: str


_MESH = CoreText(
    called="MZI mesh",
    core='core = "mzi-mesh"           # each bank is one rectangular (Clements) mesh, each on its '
    "own chip",
    steps="dark, detector, modulator, switch, phases, global, crosstalk, offsets, verify",
    detection='detection = "homodyne"',
    p_pi="p_pi = 0.020                # W for a phase of pi, nominal: training start and unit of "
    "reports",
    places="""\
#   column, row, kind   where it sits: `row` counts the cells of a column from the top; a cell has a
#                       "theta" (between its couplers) and a "phi" (before them); column = ports
#                       holds the output phases, kind "out", row = port""",
    bounds="v_max = 6.5, i_max = 0.012, p_max = 0.053",
    signal="one full input, transmitted",
    lo_gate="lo_gate = 2                 # gates the local oscillator\n",
    drift="drift_rms = 0.03            # rad a heater",
)

# 5.3 V is 1.75 p_pi: beyond, a ring would come near the next laser and drop its light too.
_MICRORING = CoreText(
    called="microring weight bank",
    core='core = "microring"          # each bank is N x N rings, one a wavelength for each '
    "output, own chip",
    steps="dark, detector, modulator, switch, resonances, weights, lock, verify",
    detection='detection = "balanced"      # drop less through, a pair of photodiodes an output',
    p_pi="p_pi = 0.020                # W, unit of power: takes a ring 6 half-widths, across its "
    "resonance",
    places="""\
#   column, row, kind   where it sits: column = wavelength, that is input; row = output; kind
#                       "ring\"""",
    bounds="v_max = 5.3, i_max = 0.012, p_max = 0.0352",
    signal="sqrt N channels at quadrature, dropped",
    lo_gate="",
    drift="drift_rms = 0.03            # half-widths a ring",
)


def text_of(core: Core) -> CoreText:
    """Give a core's pieces."""
    return _MESH if core == MESH else _MICRORING


def bank_headings(core: Core, ports: int, bank: int, place: Place) -> Iterator[str]:
    """Give the comment that stands before the first element of a group, or nothing."""
    if core == MESH:
        first = place.row == 0 and place.kind in ("theta", "out")
        top = upper_mode(place.column, 0)
        what = (
            "output phases"
            if place.column == ports
            else f"column {place.column}: cells on ports {top}-{top + 1} and every second one down"
        )
    else:
        first = place.column == 0
        what = f"row {place.row}: the rings of output {place.row}"
    if first:
        yield f"  # bank {bank}, {what}"
