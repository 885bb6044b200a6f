"""What of a look is new: what the bench has done since the looks before.

What a twin has wrong everywhere by a little stays much the same from one look to the next, and
drowns the step of one element. So a look's residual is taken less what the last looks' residuals
have in common with it: all of one twin, each at the powers of its own look. What is left is the
bench's change since then, what the twin has wrong of the change of powers, and noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from hil.learn.reference import Look
from hil.twin.protocol import SlotTwin

#: Looks that are remembered: more halve the noise of less, and are of powers farther away.
REMEMBERED = 2


@torch.no_grad()
def what_is_new(
    twin: SlotTwin, look: Look, powers: Tensor, earlier: Sequence[tuple[Look, Tensor]]
) -> Look:
    """The look as it would have read if the twin had been right at the looks before.

    Of the mean residual of the earlier looks the share that lessens the look's own most is taken
    off, at least none and at most all of it: a change may well be of the shape of an old error.

    Parameters
    ----------
    powers : (n_banks, elements), of the look. earlier : looks, each with its powers; without any
        the look is returned as it is.
    """
    if not earlier:
        return look
    residual = look.residual(twin, powers)
    before = torch.stack([one.residual(twin, at) for one, at in earlier]).mean(dim=0)
    before = torch.where(look.usable, before, torch.zeros_like(before))
    share = (residual * before).sum() / before.square().sum().clamp_min(1e-30)
    measured = look.measured - share.clamp(0.0, 1.0) * before
    return replace(look, measured=measured)
