"""What a batch says about the slot matrices, condensed to second moments.

With the detector's gain, offset and saturation undone, a measured signal is linear in the modulated
amplitudes: z = M_k a + noise. All that a batch can tell about M_k is then in sums over its samples,
of the size of the matrix, however many samples there were. What of z is NOT linear in a, whatever
the matrix, is noise (and what the twin has no name for): the noise floor, known afresh after each
batch, without a repeated measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.machine import Twin

#: Share of the saturation level beyond which a signal is not taken back through the saturation.
_LINEAR = 0.9


@dataclass(frozen=True)
class Moments:
    """Sums over the usable samples of one batch, by bank.

    count : (n_banks,) samples; aa : (n_banks, N, N) of a a^T; za : (n_banks, N, N) of z a^T;
    zz : (n_banks,) of |z|^2. Signals in signal units.
    """

    count: Tensor
    aa: Tensor
    za: Tensor
    zz: Tensor

    def squares(self, matrices: Tensor) -> Tensor:
        """Sum of |z - M a|^2 for matrices (n_banks, N, N): (n_banks,)."""
        cross = (matrices * self.za).sum(dim=(-1, -2))
        return self.zz - 2.0 * cross + (matrices * (matrices @ self.aa)).sum(dim=(-1, -2))

    def explained(self, matrices: Tensor) -> Tensor:
        """How much of `squares` the best matrices would take away: (n_banks,)."""
        return self.whitened(matrices, self.root()).square().sum(dim=(-1, -2))

    def root(self) -> Tensor:
        """R of `aa` = R R^T, (n_banks, N, N): M R is known equally well in all its entries.

        With a ridge, without which inputs that were never driven have no answer.
        """
        size = self.aa.diagonal(dim1=-2, dim2=-1).mean(dim=-1).clamp_min(1e-12)
        eye = torch.eye(self.aa.shape[-1], dtype=self.aa.dtype)
        return torch.linalg.cholesky(self.aa + 1e-6 * size[:, None, None] * eye)

    def whitened(self, matrices: Tensor, root: Tensor) -> Tensor:
        """(best - M) R for matrices M and `root` R: (n_banks, N, N), noise alike in all entries."""
        return torch.linalg.solve_triangular(root.mT, self.misfit(matrices), upper=True, left=False)

    def misfit(self, matrices: Tensor) -> Tensor:
        """Sum of (z - M a) a^T: (n_banks, N, N)."""
        return self.za - matrices @ self.aa


@torch.no_grad()
def slot_moments(twin: Twin, trace: Trace) -> Moments:
    """Moments of a trace; samples with a clipped, saturated or non-finite point are left out."""
    q = twin.parameters
    before = np.roll(trace.sent, 1, axis=0)
    before[trace.after_dark] = 0.0
    finite = [np.isfinite(part).all(axis=2) for part in (trace.sent, before, trace.measured)]
    usable = np.logical_and.reduce([*finite, ~trace.clipped.any(axis=2)])
    sent = torch.from_numpy(np.where(usable[:, :, None], trace.sent, 0.0))
    measured = torch.from_numpy(np.where(usable[:, :, None], trace.measured, 0.0))
    weight = torch.from_numpy(usable)
    drive = twin.modulate(sent)
    earlier = twin.modulate(torch.from_numpy(np.where(usable[:, :, None], before, 0.0)))
    earlier = earlier * torch.from_numpy(~trace.after_dark)[:, None, None]
    amplitude = drive + q["memory"] * earlier
    r = torch.sqrt(q["softness"].clamp_min(1e-12))
    saturated = r * (measured - q["zero"] - twin.beyond(drive)) / q["gain"]
    weight = weight & (saturated.abs() < _LINEAR).all(dim=2)
    signal = torch.atanh(saturated.clamp(-_LINEAR, _LINEAR)) / r
    held = weight.unsqueeze(-1).to(signal.dtype)
    amplitude, signal = held * amplitude, held * signal
    count, aa, za, zz = [], [], [], []
    for bank in range(twin.n_banks):
        slots = [t for t, used in enumerate(trace.banks) if used == bank]
        a = amplitude[:, slots].flatten(0, 1)
        z = signal[:, slots].flatten(0, 1)
        count.append(weight[:, slots].sum())
        aa.append(a.T @ a)
        za.append(z.T @ a)
        zz.append((z * z).sum())
    return Moments(torch.stack(count), torch.stack(aa), torch.stack(za), torch.stack(zz))
