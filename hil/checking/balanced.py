"""Dark level and light of banks that take powers and are read by balanced detectors.

Their modulators are bright when not driven: a cold weight bank drops next to nothing, so each port
reads the light of all its wavelengths on one of its two photodiodes, and what follows the drive
beside it.
"""

from __future__ import annotations

import numpy as np

from calibration.setup import Setup, Shot
from hil.checking.light import Dark, Lit, check_intensity, check_range, judge_dark, patterns
from hil.checking.report import Report

#: N times the mean square of what must follow the drive, in squares of a port's light: a quarter
#: where nothing is wrong, of which saturation takes some.
MODULATED = 0.02


async def check_dark(report: Report, setup: Setup) -> Dark:
    """Items of the dark level and of the signal gate; gives the dark level."""
    drive = patterns(setup.ports)
    quiet, plus, minus = await setup.observe(
        [Shot(0, values, lit=False) for values in (np.zeros_like(drive), drive, -drive)]
    )
    return judge_dark(report, setup, quiet, quiet, (plus, minus))


async def check_light(report: Report, setup: Setup, dark: Dark) -> None:
    """Items of each bank's light, and of what its modulators make of it."""
    drive = patterns(setup.ports)
    for bank in range(setup.n_banks):
        plus, minus = await setup.observe([Shot(bank, drive), Shot(bank, -drive)])
        even, odd = (plus.measured + minus.measured) / 2.0, (plus.measured - minus.measured) / 2.0
        lit = Lit(
            intensity=np.abs(even.mean(axis=0) - dark.offset),
            beats=(odd,),
            clipped=np.concatenate([plus.clipped, minus.clipped]).mean(axis=0),
        )
        seen = check_intensity(report, lit, dark, bank)
        check_range(report, lit, bank)
        name = f"modulation, bank {bank}"
        if not seen.any():
            report.skipped(name, "there is no light to modulate")
            continue
        share = setup.ports * (odd**2).mean(axis=0)[seen] / lit.intensity[seen] ** 2
        told = f"{share.min():.2g} to {share.max():.2g} of the light (limit {MODULATED:g})"
        if (share >= MODULATED).all():
            report.passed(name, told)
        else:
            weak = ", ".join(map(str, np.flatnonzero(seen)[share < MODULATED].tolist()))
            report.failed(
                name,
                f"{told}; too little at port {weak}",
                "see that the modulators are biased at quadrature, and that `output` of each line "
                "in wiring.ports is the one that drives them",
            )
