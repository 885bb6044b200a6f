"""The ladder's last action in a training job: the calibration's `offsets` step, inside the run.

It goes on from what the twin believes now, takes a few random settings of all heaters, and renews
the places of all elements of all banks at once, both quadratures seen. A whole calibration inside a
run would be unwise: it takes minutes in which nothing is trained, and what drifts or jumps are
phases. What this cannot mend is for `python -m hil.calibrate run`.

Every level asked for is within the limits of the bench file; the sweep begins and ends by ramps, an
interrupt leaves the chips at their idle bias.
"""

from __future__ import annotations

import logging
import math

import torch

from calibration.knowledge import Knowledge
from calibration.offsets import Offsets
from calibration.record import CalibrationRecord
from calibration.step import Silent
from calibration.sweeping import ramp
from calibration.tomography import NotPossibleError
from hil.bench.calibration_setup import BenchSetup
from hil.bench.opening import OpenBench
from hil.learn.actions import Proposal, Recalibrate
from hil.twin.machine import Twin
from hil.twin.parameters import LEAST_SOFTNESS, copy_parameters
from hil.twin.protocol import SlotTwin

logger = logging.getLogger(__name__)

#: How far a phase may have gone when everything milder has failed, rad.
DRIFTED = 0.5
#: S of bench time for which the run's own levels are held before it goes on: some three times the
#: slow time constant of heaters.
REST = 1.0
#: The twin's name of what a record holds of each bank.
OF_BANKS = {
    "phase_offset": "offset",
    "slope": "slope",
    "curvature": "curvature",
    "splitter_a": "alpha",
    "splitter_b": "beta",
    "cell_loss_db": "loss_db",
}
#: The same of ports.
OF_PORTS = {
    "modulator_gain": "kappa",
    "modulator_bias": "bias",
    "detector_gain": "gain",
    "detector_offset": "zero",
}


class _Told(Silent):
    """Progress of the step in the log."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """After each part."""
        logger.info("offsets %d/%d %s", done, total, note)


def knowledge_of(twin: Twin, record: CalibrationRecord) -> Knowledge:
    """What a twin believes now, as a calibration goes on from it; the rest from its record.

    Banks that the twin has not are as the record has them.
    """
    known, q = Knowledge.from_record(record, twin.p_pi), twin.parameters
    banks = twin.n_banks
    unit = {"slope": 1.0 / twin.p_pi, "curvature": 1.0 / twin.p_pi}
    for name, own in OF_BANKS.items():
        known.value[name][:banks] = q[own].numpy() * unit.get(name, 1.0)
    for name, own in OF_PORTS.items():
        known.value[name] = q[own].numpy().copy()
    known.crosstalk[:banks, 0::2] = q["crosstalk"].numpy()
    softness = float(q["softness"])
    known.saturation = None if softness <= LEAST_SOFTNESS else softness**-0.5
    known.memory = float(q["memory"])
    known.leak[:banks, :banks] = torch.complex(q["leak"][..., 0], q["leak"][..., 1]).numpy()
    turn_outputs(known, -float(q["lo_phase"]))
    return known


def turn_outputs(known: Knowledge, by: float) -> None:
    """Put a phase of the local oscillator (rad) into the output phases of all banks."""
    known.value["phase_offset"][:, -known.ports :] += by
    known.lo_phase = 0.0


def recalibration(bench: OpenBench, record: CalibrationRecord) -> Recalibrate:
    """The `offsets` step on an open bench, as the drift watch calls it.

    Passes are entered under `calibration`. Levels are in the end what they were before.
    """

    async def renew(twin: SlotTwin) -> Proposal:
        if not isinstance(twin, Twin):
            return Proposal(None, "only a mesh's offsets are renewed inside a run")
        setup, known = BenchSetup(bench), knowledge_of(twin, record)
        levels = setup.levels
        try:
            outcome = await Offsets(drifted=DRIFTED).run(setup, known, _Told())
        except NotPossibleError as error:
            return Proposal(None, str(error))
        await ramp(setup, levels)
        await setup.rest(REST)
        told = "; ".join(outcome.notes)
        if not outcome.passed:
            failed = [f"{g.name} {g.value:.3g} {g.unit}" for g in outcome.gates if not g.passed]
            return Proposal(None, f"its gates did not pass ({', '.join(failed)}); {told}")
        believed = twin.parameters["offset"]
        found = torch.from_numpy(known.value["phase_offset"][: twin.n_banks])
        moved = torch.remainder(found - believed + math.pi, 2 * math.pi) - math.pi
        lo_phase = torch.zeros_like(twin.parameters["lo_phase"])
        renewed = {**twin.parameters, "offset": believed + moved, "lo_phase": lo_phase}
        return Proposal(copy_parameters(renewed), f"{told}, ")

    return renew
