"""Physics-aware training of a slot: measured forward, twin backward.

Wright et al., Nature 601, 549 (2022): the forward pass is the hardware's; the backward pass is the
twin's vector-Jacobian product, taken at the state that was MEASURED. Here that holds slot by slot:
what was sent into a slot is what the measured states before it made of the input.

The rounding of the converters is straight-through: the gradient with respect to `sent` is the
gradient with respect to the drive that was asked for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hil.control.machine import DRIVE_LIMIT
from hil.control.trace import Floats, Trace
from hil.twin.machine import samples_before
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin


class MeasuredSlot(torch.autograd.Function):
    """One slot: returns `measured`; its gradient is the twin's at (sent, matrix)."""

    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        matrix: Tensor,
        sent: Tensor,
        measured: Tensor,
        after_dark: Tensor,
        twin: SlotTwin,
        parameters: TwinParameters,
    ) -> Tensor:
        """(batch, N) measured signal for a drive (batch, N) in V_pi through matrix (N, N)."""
        ctx.save_for_backward(matrix, sent, after_dark)
        ctx.twin, ctx.parameters = twin, parameters
        return measured.clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """The twin's vector-Jacobian product at the measured point."""
        matrix, sent, after_dark = ctx.saved_tensors
        with torch.enable_grad():
            sent, matrix = sent.detach().requires_grad_(), matrix.detach().requires_grad_()
            before = samples_before(ctx.twin.modulate(sent, ctx.parameters), after_dark)
            believed = ctx.twin.slot(sent, before, matrix, ctx.parameters)
        d_sent, d_matrix = torch.autograd.grad(believed, (sent, matrix), grad_outputs[0])
        return d_sent, d_matrix, None, None, None, None, None


def measured_pass(
    twin: SlotTwin,
    powers: Tensor,
    gain: Tensor,
    bias: Tensor,
    skip: float,
    inputs: Tensor,
    trace: Trace,
) -> Tensor:
    """Final state (batch, N) of a measured pass, differentiable in powers, gain, bias and inputs.

    Parameters
    ----------
    powers : (n_banks, elements) in units of the twin's p_pi.
    gain, bias : (n_banks,), (n_banks, N) of the electronics.
    inputs : (batch, n_steps, N) V_pi, those that `trace` was measured with.
    """
    parameters = {name: value.detach() for name, value in twin.parameters.items()}
    matrices = twin.matrices(powers, parameters)
    sent, measured = torch.from_numpy(trace.sent), torch.from_numpy(trace.measured)
    after_dark = torch.from_numpy(trace.after_dark)
    v = inputs[:, 0]
    for t, bank in enumerate(trace.banks):
        drive = v.clamp(-DRIVE_LIMIT, DRIVE_LIMIT)
        y = MeasuredSlot.apply(
            drive, matrices[bank], sent[:, t], measured[:, t], after_dark, twin, parameters
        )
        v = skip * v + gain[bank] * y + bias[bank]
        if t + 1 < len(trace.banks):
            v = v + inputs[:, t + 1]
    return v


def twin_pass(
    twin: SlotTwin,
    powers: Tensor,
    gain: Tensor,
    bias: Tensor,
    skip: float,
    inputs: Tensor,
    banks: tuple[int, ...],
    after_dark: Tensor,
) -> Tensor:
    """Final state of the same pass through the twin alone (arguments as `measured_pass`)."""
    parameters = {name: value.detach() for name, value in twin.parameters.items()}
    matrices = twin.matrices(powers, parameters)
    v = inputs[:, 0]
    for t, bank in enumerate(banks):
        drive = v.clamp(-DRIVE_LIMIT, DRIVE_LIMIT)
        before = samples_before(twin.modulate(drive, parameters), after_dark)
        y = twin.slot(drive, before, matrices[bank], parameters)
        v = skip * v + gain[bank] * y + bias[bank]
        if t + 1 < len(banks):
            v = v + inputs[:, t + 1]
    return v


@torch.no_grad()
def believed_slots(twin: SlotTwin, powers: Tensor, trace: Trace, samples: int) -> Floats:
    """What a twin believes of the first samples of a trace: (samples, slots, N), signal units.

    powers : (n_banks, elements) in units of p_pi, at which the trace was measured.
    """
    # (slots, samples, N): one matrix a slot.
    sent = torch.from_numpy(trace.sent[:samples].swapaxes(0, 1).copy())
    after_dark = torch.from_numpy(trace.after_dark[:samples])
    light = twin.modulate(sent)
    before = torch.stack([samples_before(one, after_dark) for one in light])
    matrices = twin.matrices(powers)[list(trace.banks)]
    return twin.detect(light, before, matrices).numpy().swapaxes(0, 1)
