"""The steps of a calibration, in the order in which each stands on those before it."""

from __future__ import annotations

from calibration.crosstalk import Crosstalk
from calibration.globalfit import GlobalFit
from calibration.offsets import Offsets
from calibration.phases import Phases
from calibration.step import Step
from calibration.verify import Verify


def mesh_steps() -> tuple[Step, ...]:
    """All steps of a bench whose core is an MZI mesh."""
    return (Phases(), GlobalFit(), Crosstalk(), Offsets(), Verify())
