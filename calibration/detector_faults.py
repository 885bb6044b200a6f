"""Detectors that are dark, weak, strong, clipped or saturated: found, named, with their mend."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from calibration.knowledge import Knowledge
from calibration.lighting import Lighting
from calibration.port_faults import port_fault
from calibration.setup import Setup
from calibration.superposition import Bend

#: Faults that are found here.
FAULTS = ("dark", "weak", "strong", "saturated", "clipped")
#: A port that gets less than this share of the others' light is dark.
DARK = 0.1
#: A port that sees more or less than the others by this factor is a fault, though it is fitted;
#: the rows of a microring bank are as strong as their weights happen to be.
_APART = {"mzi-mesh": 2.0, "microring": 4.0}
#: Samples at the converter's end, of those sent, that are a fault.
_CLIPPED = 0.01


def dark_ports(lighting: Lighting) -> set[int]:
    """Detectors that get next to no light from any port through any bank."""
    power = lighting.row_power
    usual = float(np.median(power))
    if usual == 0.0:
        return set(np.flatnonzero(power == 0.0).tolist())
    return set(np.flatnonzero(power <= DARK**2 * usual).tolist())


def detector_faults(
    setup: Setup,
    knowledge: Knowledge,
    lighting: Lighting,
    bends: Mapping[int, Bend],
    early: Collection[int],
    dark: Collection[int],
) -> Iterator[str]:
    """Enter and word what is wrong with each port; early, dark : ports known to be so."""
    usual = float(np.sqrt(np.median(lighting.row_power)))
    apart = _APART.get(setup.core, 4.0)
    for port in range(setup.ports):
        strength = float(np.sqrt(lighting.row_power[port])) / usual if usual > 0.0 else 0.0

        def found(kind: str, detail: str, port: int = port) -> str:
            return port_fault(knowledge, kind, port, detail)

        if port in dark:
            yield found(
                "dark",
                f"gets {strength:.1%} of what others get, from no input and no bank more; look at "
                "its fibre and its detector",
            )
        elif port in early:
            others = [bend.limit for other, bend in bends.items() if other not in early]
            yield found(
                "saturated",
                f"ends at {bends[port].limit:.2g} signal units, others at "
                f"{float(np.median(others)) if others else float('nan'):.2g}; lower its light, or "
                "the gain of its amplifier",
            )
        elif lighting.clipped[port] > _CLIPPED:
            yield found(
                "clipped",
                f"{lighting.clipped[port]:.0%} of its samples are at the converter's end, "
                f"{setup.full_scale[port]:.3g} signal units; lower its gain and raise "
                "detector_range in the bench file",
            )
        elif port in bends and not 1.0 / apart < strength < apart:
            yield found(
                "weak" if strength < 1.0 else "strong",
                f"sees {strength:.2f} times what others see; look at its fibre, its detector and "
                "detector_range in the bench file",
            )
