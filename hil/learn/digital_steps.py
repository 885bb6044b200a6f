"""Steps on the twin alone, between one measured step and the next.

One step from the 64 items of a batch is coarse, and on a bench that drifts, where steps must stay
as large as the drift, late too. The twin, refitted on every batch, is true just here and now: a few
more steps through it, from other training items, cost the bench nothing. The loss and accuracy
that are reported, and all that the twin is fitted to, stay measured.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from hil.control.schedule import Schedule
from hil.learn.network import Network
from hil.learn.pat import twin_pass
from hil.twin.protocol import SlotTwin


def digital_loss(
    twin: SlotTwin, network: Network, schedule: Schedule, inputs: Tensor, labels: Tensor
) -> Tensor:
    """Mean cross entropy (nat) of a pass through the twin, differentiable in the trainables.

    inputs : (items, n_steps, N) V_pi, one frame, which begins in the dark; labels : (items,).
    """
    after_dark = torch.zeros(len(labels), dtype=torch.bool)
    after_dark[:1] = True
    n = network
    state = twin_pass(twin, n.powers, n.gain, n.bias, n.skip, inputs, schedule.banks, after_dark)
    return functional.cross_entropy(state @ n.readout.T, labels)
