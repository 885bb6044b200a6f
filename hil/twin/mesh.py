"""A differentiable Clements mesh: heater phases in, transfer matrix out.

Cells lie in N columns; column l couples modes 2k + (l mod 2) and the next (Clements et al.,
Optica 3, 1460 (2016)). One cell is

    T = g BS(pi/4 + beta) diag(e^{i theta}, 1) BS(pi/4 + alpha) diag(e^{i phi}, 1)

with BS(x) = [[cos x, i sin x], [i sin x, cos x]] and g its field transmission. The N columns are
multiplied as a tree of depth log2 N, which on a CPU is several times faster than one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from hil.bench.layout import places, upper_mode

_HALF_SPLIT = torch.pi / 4


@dataclass(frozen=True)
class _Scatter:
    """Where the four entries of every cell lie in the flattened stack of column matrices."""

    index: Tensor
    blank: Tensor


@lru_cache(maxsize=16)
def _scatter(ports: int, dtype: torch.dtype) -> _Scatter:
    columns = np.zeros((ports, ports, ports), dtype=np.complex128)
    columns[:] = np.eye(ports)
    entries: list[list[int]] = [[], [], [], []]
    cells = [place for place in places(ports) if place.kind == "theta"]
    for column, cell_row, _ in cells:
        mode = upper_mode(column, cell_row)
        for k, (row, col) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            at = np.ravel_multi_index((column, mode + row, mode + col), columns.shape)
            entries[k].append(int(at))
            columns[column, mode + row, mode + col] = 0.0
    index = torch.tensor([i for group in entries for i in group])
    return _Scatter(index, torch.from_numpy(columns.reshape(-1)).to(dtype))


@dataclass(frozen=True)
class MeshColumns:
    """A mesh taken apart, for those who need more than its product.

    Attributes
    ----------
    columns : (..., N, N, N) complex, transfer matrix of each column, the first one first.
    out : (..., N) complex, e^{i out} of the output phases.
    """

    columns: Tensor
    out: Tensor


def mesh_columns(phases: Tensor, alpha: Tensor, beta: Tensor, loss_db: Tensor) -> MeshColumns:
    """The columns of meshes; arguments as `mesh_matrix`."""
    elements = phases.shape[-1]
    ports = round(elements**0.5)
    cells = ports * (ports - 1) // 2
    rotation = torch.polar(torch.ones_like(phases), phases)
    theta = rotation[..., 0 : 2 * cells : 2]
    phi = rotation[..., 1 : 2 * cells : 2]
    out = rotation[..., 2 * cells :]
    loss = torch.pow(10.0, -loss_db / 20.0)
    a, b = _HALF_SPLIT + alpha, _HALF_SPLIT + beta
    cos_a, sin_a = torch.cos(a), torch.sin(a)
    cos_b, sin_b = loss * torch.cos(b), loss * torch.sin(b)
    t11 = phi * (cos_b * cos_a * theta - sin_b * sin_a)
    t12 = 1j * (cos_b * sin_a * theta + sin_b * cos_a)
    t21 = 1j * phi * (sin_b * cos_a * theta + cos_b * sin_a)
    t22 = cos_b * cos_a - sin_b * sin_a * theta
    scatter = _scatter(ports, rotation.dtype)
    values = torch.cat([t11, t12, t21, t22], dim=-1)
    blank = scatter.blank.expand(*values.shape[:-1], -1)
    columns = blank.index_copy(-1, scatter.index, values)
    return MeshColumns(columns.view(*values.shape[:-1], ports, ports, ports), out)


def mesh_matrix(phases: Tensor, alpha: Tensor, beta: Tensor, loss_db: Tensor) -> Tensor:
    """Transfer matrices of meshes.

    Parameters
    ----------
    phases : (..., N*N) rad, element order: cells by column, then top to bottom, theta then phi;
        then the N output phases.
    alpha, beta : (..., cells) rad, errors of the first and second splitter of each cell.
    loss_db : (..., cells) dB, insertion loss of each cell.

    Returns
    -------
    (..., N, N) complex: output field = matrix @ input field.
    """
    mesh = mesh_columns(phases, alpha, beta, loss_db)
    product = mesh.columns
    while product.shape[-3] > 1:
        paired = product.shape[-3] // 2 * 2
        later, earlier = product[..., 1:paired:2, :, :], product[..., 0:paired:2, :, :]
        merged = later @ earlier
        odd = product[..., paired:, :, :]
        product = torch.cat([merged, odd], dim=-3) if odd.shape[-3] else merged
    return mesh.out.unsqueeze(-1) * product.squeeze(-3)
