"""How each phase of a bank moves its slot matrix, in closed form.

A phase shifter acts on one mode at one place of the mesh, so the derivative of the transfer matrix
with respect to its phase has rank one: what reaches the outputs from there (a column) times what
reaches there from the inputs (a row). Products of the columns from the left and from the right
give all of them for little more than the price of the matrix itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from hil.bench.layout import places, upper_mode
from hil.twin.machine import Twin
from hil.twin.mesh import mesh_columns


@dataclass(frozen=True)
class _Places:
    """Column of the mesh and upper mode of each cell, (cells,)."""

    column: Tensor
    mode: Tensor


@lru_cache(maxsize=16)
def _cells(ports: int) -> _Places:
    found = [
        (column, upper_mode(column, row)) for column, row, kind in places(ports) if kind == "theta"
    ]
    return _Places(torch.tensor([c for c, _ in found]), torch.tensor([m for _, m in found]))


@dataclass(frozen=True)
class PhaseFactors:
    """Slot matrices of all banks and the factors of their derivatives.

    matrices : (n_banks, N, N). left, right : (n_banks, elements, N) complex; the matrix of a bank
    moves by Re(left_i right_i^T) per rad of its element i.
    """

    matrices: Tensor
    left: Tensor
    right: Tensor

    def moved(self) -> Tensor:
        """The derivatives, (n_banks, elements, N, N) per rad."""
        left, right = self.left, self.right
        moved = left.real.unsqueeze(-1) * right.real.unsqueeze(-2)
        moved -= left.imag.unsqueeze(-1) * right.imag.unsqueeze(-2)
        return moved

    def along(self, change: Tensor) -> Tensor:
        """Inner products (n_banks, elements) of the derivatives with changes (n_banks, N, N)."""
        reached = self.left @ change.to(self.left.dtype)
        return (reached * self.right).sum(dim=-1).real

    def gram(self, weight: Tensor) -> Tensor:
        """tr(D_i A D_j^T) of all pairs of derivatives: (n_banks, elements, elements).

        weight : A (n_banks, N, N), symmetric. Of rank one, the derivatives need not be multiplied
        out for it.
        """
        a, b = self.left.real, self.left.imag
        c, d = self.right.real, self.right.imag
        cw, dw = c @ weight, d @ weight
        gram = (a @ a.mT) * (cw @ c.mT)
        gram += (b @ b.mT) * (dw @ d.mT)
        across = (a @ b.mT) * (cw @ d.mT)
        gram -= across
        gram -= across.mT
        return gram


@torch.no_grad()
def phase_factors(twin: Twin, powers: Tensor) -> PhaseFactors:
    """Slot matrices, and how each moves with the phases of its own bank.

    powers : (n_banks, elements) in units of p_pi. What a phase does to the other banks through the
    leak of the switch (a few per cent) is left out.
    """
    q = twin.parameters
    phases = twin.phases(powers)
    mesh = mesh_columns(phases, q["alpha"], q["beta"], q["loss_db"])
    columns, ports = mesh.columns, twin.ports
    before, after = _running_products(columns, mesh.out)
    cells = _cells(ports)
    column, mode = cells.column, cells.mode
    rotation = torch.polar(torch.ones_like(phases), phases)
    inner = ports * (ports - 1)
    theta, phi = rotation[:, 0:inner:2], rotation[:, 1:inner:2]
    a, b = torch.pi / 4 + q["alpha"], torch.pi / 4 + q["beta"]
    loss = torch.pow(10.0, -q["loss_db"] / 20.0)
    leaving = after.transpose(-1, -2)

    # What reaches the cells' modes from the inputs, and the outputs from there, (…, cells, N).
    upper, lower = before[:, column, mode], before[:, column, mode + 1]
    into_theta = _each(torch.cos(a) * phi) * upper + _each(1j * torch.sin(a)) * lower
    out_of_theta = _each(loss * theta * torch.cos(b)) * leaving[:, column + 1, mode]
    out_of_theta += _each(1j * loss * theta * torch.sin(b)) * leaving[:, column + 1, mode + 1]
    left = torch.stack([out_of_theta, leaving[:, column, mode]], dim=2)
    right = torch.stack([into_theta, upper], dim=2)
    whole = mesh.out.unsqueeze(-1) * before[:, ports]
    unit = torch.eye(ports, dtype=left.dtype).expand(twin.n_banks, ports, ports)
    left = torch.cat([left.flatten(1, 2), unit], dim=1)
    right = torch.cat([right.flatten(1, 2), whole], dim=1)
    turn = torch.polar(torch.ones_like(q["lo_phase"]), -q["lo_phase"])
    coupling = torch.view_as_complex(q["leak"]) + torch.eye(twin.n_banks, dtype=whole.dtype)
    matrices = torch.einsum("kj,jno->kno", turn * coupling, whole).real
    return PhaseFactors(matrices, 1j * turn * left, right)


def phase_sensitivity(twin: Twin, powers: Tensor) -> tuple[Tensor, Tensor]:
    """Slot matrices (n_banks, N, N), and their derivatives (n_banks, elements, N, N) per rad.

    Arguments as `phase_factors`.
    """
    factors = phase_factors(twin, powers)
    return factors.matrices, factors.moved()


def _each(factor: Tensor) -> Tensor:
    """A factor (n_banks, cells) of vectors (n_banks, cells, N)."""
    return factor.unsqueeze(-1)


def _running_products(columns: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
    """Products of the columns before and after each place, (n_banks, N + 1, N, N) each.

    before[l] = C_{l-1} ... C_0;  after[l] = out C_{N-1} ... C_l.
    """
    ports = columns.shape[-1]
    one = torch.eye(ports, dtype=columns.dtype).expand(len(columns), ports, ports)
    before = [one]
    after = [torch.diag_embed(out)]
    for column in range(ports):
        before.append(columns[:, column] @ before[-1])
        after.append(after[-1] @ columns[:, ports - 1 - column])
    return torch.stack(before, dim=1), torch.stack(after[::-1], dim=1)
