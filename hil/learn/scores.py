"""How far each element stands out in a residual, beside all the others.

A residual D of a bank's matrix is what every element has moved by a little (x_f, of one size s) and
what no element explains (of the size of s too): D = sum_f x_f S_f + rest, with S_f the matrix's
derivative. Of such a D the element e alone has moved beyond the others as far as

    z_e = S_e C^-1 D / sqrt(S_e C^-1 S_e) / s,   C = sum_f S_f S_f + k,   s^2 = mean of D C^-1 D

which is of variance 1 where none stands out (a generalised likelihood ratio; Kay, Fundamentals of
Statistical Signal Processing II, ch. 6). The size is that of the same look: what all elements do
together, drift or a twin that is still learning, raises no score.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: k, as a multiple of the mean square of a derivative: what a twin has wrong beside its elements.
REST = 1.0
#: Elements of a bank up to which scores are kept: they take a decomposition of that size a look.
MOST_ELEMENTS = 1024


@torch.no_grad()
def element_scores(moved: Tensor, change: Tensor) -> Tensor:
    """Scores z (n_banks, elements) of a residual.

    Parameters
    ----------
    moved : (n_banks, elements, N, N), derivatives of the slot matrices by their elements.
    change : (n_banks, N, N), what the matrices differ by from those believed.
    """
    pattern, seen = moved.flatten(2), change.flatten(1).unsqueeze(-1)
    whole = pattern.mT @ pattern
    diagonal = whole.diagonal(dim1=-2, dim2=-1)
    diagonal += REST * diagonal.mean(dim=-1, keepdim=True) + 1e-12
    root = torch.linalg.cholesky(whole)
    both = torch.linalg.solve_triangular(root, torch.cat([seen, pattern.mT], dim=-1), upper=False)
    white, along = both[..., :1], both[..., 1:]
    size = white.square().mean(dim=(-2, -1)).sqrt().clamp_min(1e-30)
    reach = along.square().sum(dim=-2).sqrt().clamp_min(1e-30)
    return (along.mT @ white).squeeze(-1) / reach / size.unsqueeze(-1)
