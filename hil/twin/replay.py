"""What is remembered of measured batches, so that a twin can be fitted to it again.

Training's own data excite only the present setting: what a twin learnt at earlier settings is kept
by showing them to it again. Of each batch a few samples are kept, gathered by bank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin


@dataclass(frozen=True)
class Remembered:
    """Chosen samples of one batch at one setting, gathered by bank.

    powers : (n_banks, elements); sent, sent_before, measured, weight : (n_banks, rows, N), a row
    for each chosen sample of each slot of the bank; precedes : (n_banks, rows, 1), 0 where the
    sample before was dark. Banks with fewer slots than others have rows of no weight.
    place : (n_banks, elements) where the elements were believed to stand then (offsets), or None
    where that is fitted too.
    """

    powers: Tensor
    sent: Tensor
    sent_before: Tensor
    precedes: Tensor
    measured: Tensor
    weight: Tensor
    place: Tensor | None = None


def remember(
    powers: Tensor,
    trace: Trace,
    n_banks: int,
    samples: int,
    rng: np.random.Generator,
    place: Tensor | None = None,
) -> Remembered:
    """Choose `samples` of a trace that was measured at powers (n_banks, elements).

    Points that were clipped or are not finite have no weight.
    """
    # Entries are fitted together, so each holds as many samples: a small batch repeats its own.
    chosen = rng.choice(trace.batch, min(samples, trace.batch), replace=False)
    chosen = np.sort(np.resize(chosen, samples))
    sent, before = trace.sent[chosen], trace.sent[np.maximum(chosen - 1, 0)]
    measured = trace.measured[chosen]
    # Not only clipped points: one NaN would otherwise stay in the replay and in the twin.
    sound = np.asarray(np.isfinite(sent + before).all(axis=2))
    usable = ~trace.clipped[chosen] & np.isfinite(measured) & sound[:, :, None]
    slots = _slots_by_bank(trace.banks, n_banks)
    precedes = np.broadcast_to(~trace.after_dark[chosen, None, None], (*sent.shape[:2], 1))

    def by_bank(array: np.ndarray) -> Tensor:
        """(samples, slots, …) to (n_banks, slots of a bank * samples, …), 0 where unused."""
        gathered = np.where(np.isfinite(array), array, 0.0).swapaxes(0, 1)[slots]
        gathered[slots < 0] = 0.0
        return torch.from_numpy(gathered.reshape(len(slots), -1, array.shape[2]))

    return Remembered(
        powers.detach().clone(),
        by_bank(sent),
        by_bank(before),
        by_bank(precedes),
        by_bank(measured),
        by_bank(usable),
        place,
    )


def slot_error(twin: SlotTwin, entries: Sequence[Remembered], parameters: TwinParameters) -> Tensor:
    """Mean square one-slot error over entries, unusable points left out.

    Where an entry knows where the elements stood, that is believed instead of the offsets.
    """

    def stacked(name: str) -> Tensor:
        return torch.stack([getattr(entry, name) for entry in entries])

    if entries[0].place is not None:
        parameters = {**parameters, "offset": stacked("place")}
    matrices = twin.matrices(stacked("powers"), parameters)
    both = torch.cat([stacked("sent"), stacked("sent_before")])
    drive, before = twin.modulate(both, parameters).chunk(2)
    believed = twin.detect(drive, stacked("precedes") * before, matrices, parameters)
    weight = stacked("weight")
    error = weight * (believed - stacked("measured")) ** 2
    return error.sum() / weight.sum().clamp_min(1.0)


def _slots_by_bank(banks: tuple[int, ...], n_banks: int) -> np.ndarray:
    """Slots (n_banks, most slots of a bank) that used each bank; -1 where there are no more."""
    slots = [[t for t, used in enumerate(banks) if used == bank] for bank in range(n_banks)]
    most = max(len(mine) for mine in slots)
    return np.array([mine + [-1] * (most - len(mine)) for mine in slots])
