"""The steps of a calibration, in the order in which each stands on those before it."""

from __future__ import annotations

from calibration.crosstalk import Crosstalk
from calibration.dark import Dark
from calibration.detector import Detector
from calibration.globalfit import GlobalFit
from calibration.modulator import Modulator
from calibration.offsets import Offsets
from calibration.phases import Phases
from calibration.record import MESH
from calibration.resonances import Resonances
from calibration.ring_locking import Lock
from calibration.ring_verify import VerifyRings
from calibration.ring_weights import Weights
from calibration.step import Step
from calibration.switch import Switch
from calibration.verify import Verify


def fast_steps() -> tuple[Step, ...]:
    """Detectors, modulators and switch: of any bench, before anything of its banks is known."""
    return (Dark(), Detector(), Modulator(), Switch())


def mesh_steps() -> tuple[Step, ...]:
    """All steps of a bench whose core is an MZI mesh."""
    return (*fast_steps(), Phases(), GlobalFit(), Crosstalk(), Offsets(), Verify())


def ring_steps() -> tuple[Step, ...]:
    """All steps of a bench whose core is microring weight banks."""
    return (*fast_steps(), Resonances(), Weights(), Lock(), VerifyRings())


def steps_of(core: str) -> tuple[Step, ...]:
    """All steps of a bench of a core."""
    return mesh_steps() if core == MESH else ring_steps()
