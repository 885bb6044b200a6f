"""How each phase and each splitter of a bank moves its slot matrix, in closed form.

A phase shifter acts on one mode at one place of the mesh, so the derivative of the transfer matrix
with respect to its phase has rank one: what reaches the outputs from there (a column) times what
reaches there from the inputs (a row). A splitter acts on two modes, and its derivative has rank
two. Products of the columns from the left and from the right give all of them for little more than
the price of the matrix itself.
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
class Sensitivity:
    """How the slot matrices of all banks move with what is in them.

    phases : (n_banks, elements, N, N) per rad, in the order of the elements.
    splitters : (n_banks, 2 * cells, N, N) per rad, the first of every cell, then the second.
    """

    phases: Tensor
    splitters: Tensor


@dataclass(frozen=True)
class _Inside:
    """A mesh seen from within: fields before its columns, and how outputs see them from there.

    fields, seen : (n_banks, N + 1, N, N); fields[l] = C_{l-1} ... C_0, the rows of which are modes;
    seen[l] = out C_{N-1} ... C_l, transposed: its rows are modes, too.
    phases : (n_banks, elements).
    """

    fields: Tensor
    seen: Tensor
    phases: Tensor

    def modes(self, of: Tensor, after: int) -> tuple[Tensor, Tensor]:
        """Upper and lower mode of every cell, before it or after it, (n_banks, cells, N) each."""
        cells = _cells(of.shape[-1])
        column = cells.column + after
        return of[:, column, cells.mode], of[:, column, cells.mode + 1]


@torch.no_grad()
def bank_sensitivity(twin: Twin, powers: Tensor) -> Sensitivity:
    """How each bank's slot matrix moves with its phases and splitters.

    powers : (n_banks, elements) in units of p_pi. What they do to the other banks through the leak
    of the switch (a few per cent) is left out.
    """
    inside = _inside(twin, powers)
    return Sensitivity(_by_phases(twin, inside), _by_splitters(twin, inside))


@torch.no_grad()
def phase_sensitivity(twin: Twin, powers: Tensor) -> Tensor:
    """The `phases` of `bank_sensitivity` alone."""
    return _by_phases(twin, _inside(twin, powers))


def _inside(twin: Twin, powers: Tensor) -> _Inside:
    q = twin.parameters
    phases = twin.phases(powers)
    mesh = mesh_columns(phases, q["alpha"], q["beta"], q["loss_db"])
    fields, after = _running_products(mesh.columns, mesh.out)
    return _Inside(fields, after.transpose(-1, -2), phases)


def _by_phases(twin: Twin, inside: _Inside) -> Tensor:
    q, ports = twin.parameters, twin.ports
    rotation = torch.polar(torch.ones_like(inside.phases), inside.phases)
    inner = ports * (ports - 1)
    theta, phi, out = rotation[:, 0:inner:2], rotation[:, 1:inner:2], rotation[:, inner:]
    a, b = torch.pi / 4 + q["alpha"], torch.pi / 4 + q["beta"]
    loss = torch.pow(10.0, -q["loss_db"] / 20.0)
    upper, lower = inside.modes(inside.fields, 0)
    seen_before, _ = inside.modes(inside.seen, 0)
    seen_upper, seen_lower = inside.modes(inside.seen, 1)
    into_theta = _each(torch.cos(a) * phi) * upper + _each(1j * torch.sin(a)) * lower
    out_of_theta = _each(loss * theta * torch.cos(b)) * seen_upper
    out_of_theta += _each(1j * loss * theta * torch.sin(b)) * seen_lower
    unit = torch.eye(ports, dtype=rotation.dtype).expand(twin.n_banks, ports, ports)
    whole = _each(out) * inside.fields[:, ports]
    left = torch.cat([torch.stack([out_of_theta, seen_before], dim=2).flatten(1, 2), unit], dim=1)
    right = torch.cat([torch.stack([into_theta, upper], dim=2).flatten(1, 2), whole], dim=1)
    return _outer(twin, left, right)


def _by_splitters(twin: Twin, inside: _Inside) -> Tensor:
    """A splitter BS(x) moves by i X BS(x): what is in either mode is turned into the other."""
    inner = twin.ports * (twin.ports - 1)
    phi = inside.phases[:, 1:inner:2]
    turn = _each(torch.polar(torch.ones_like(phi), phi))
    upper, lower = inside.modes(inside.fields, 0)
    seen_upper, seen_lower = inside.modes(inside.seen, 0)
    first = _outer(twin, turn.conj() * seen_upper, lower) + _outer(twin, seen_lower, turn * upper)
    upper, lower = inside.modes(inside.fields, 1)
    seen_upper, seen_lower = inside.modes(inside.seen, 1)
    second = _outer(twin, seen_upper, lower) + _outer(twin, seen_lower, upper)
    return torch.cat([first, second], dim=1)


def _outer(twin: Twin, left: Tensor, right: Tensor) -> Tensor:
    """Re(e^{-i psi} i l r^T) of vectors (n_banks, number, N): (n_banks, number, N, N)."""
    lo_phase = twin.parameters["lo_phase"]
    left = 1j * torch.polar(torch.ones_like(lo_phase), -lo_phase) * left
    found = left.real.unsqueeze(-1) * right.real.unsqueeze(-2)
    found -= left.imag.unsqueeze(-1) * right.imag.unsqueeze(-2)
    return found


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
