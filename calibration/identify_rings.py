"""Identifying the rings of weight banks.

A ring shows only where it meets its laser, and nobody knows yet where that is. So all levels stand
somewhere between idle and limit, each at a height of its own that is changed from round to round,
and in every round each channel is stepped up and down by a code of its own. A weight that moves by
a channel's code hangs on that channel.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calibration.computing import compute
from calibration.identify import STEP, Finding, Identified, Place
from calibration.knowledge import Knowledge
from calibration.ring_faults import dark_faults, lit_rings, ring_name
from calibration.ring_view import Film, RingViewer
from calibration.setup import Setup
from calibration.step import Watch
from calibration.sweeping import sweeping

Floats = NDArray[np.float64]

#: Heights between idle and limit, and looks in each.
ROUNDS, LOOKS = 10, 24
#: Share of a weight's moving that a channel's code must explain, and how far before the next.
_EXPLAINED, _AHEAD = 0.15, 2.0
#: Share of the median weight's moving below which one moves by its neighbours' heat alone.
_OWN = 0.2
#: A chip's share of its power that levels may ask for.
_POWER = 0.9
#: Moving of a weight over its noise below which it does not move.
_MOVES = 2.0
_WARM = 0.5


def coded(setup: Setup, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Levels (ROUNDS * LOOKS, n_banks, N^2) W, and the codes behind them, +-1 and balanced."""
    low, high = setup.level_idle, setup.level_max
    half = 0.5 * STEP * setup.p_pi
    middle_low, middle_high = low + half, high - half
    share = np.minimum(1.0, _POWER * setup.power_max / (0.5 * (low + high)).sum(axis=1))
    middle_high = middle_low + (middle_high - middle_low) * share[:, None]
    begin = rng.integers(0, ROUNDS, low.shape)
    signs = np.repeat([1.0, -1.0], LOOKS // 2)
    levels, codes = [], []
    for turn in range(ROUNDS):
        height = ((begin + turn) % ROUNDS) / (ROUNDS - 1)
        middle = middle_low + (middle_high - middle_low) * height
        code = rng.permuted(np.broadcast_to(signs, (*low.shape, LOOKS)), axis=-1)
        code = np.moveaxis(code, -1, 0)
        levels.append(middle + half * code)
        codes.append(code)
    return np.concatenate(levels), np.concatenate(codes)


async def identify_rings(setup: Setup, watch: Watch) -> Identified:
    """Step every channel by its code, and find it in the weights."""
    known = Knowledge.nothing(setup.ports, setup.n_banks, setup.p_pi, setup.core)
    viewer = RingViewer(setup, known, repeats=2)
    rng = np.random.default_rng([setup.ports, setup.n_banks, 0x1DE])
    levels, codes = coded(setup, rng)
    views = []
    async with sweeping(setup, levels[0], _WARM):
        for number, wanted in enumerate(levels):
            watch.progress(number, len(levels), "codes")
            views.append(await viewer.at(wanted))
    film = Film.of(levels, views)
    clipped = np.mean([view.clipped for view in views], axis=(0, 1))
    return await compute(lambda: _judge(known, film, codes, clipped))


def explained(seen: Floats, codes: Floats) -> tuple[Floats, Floats]:
    """How the weights of one bank follow the codes of channels.

    Parameters
    ----------
    seen : (S, E) weights. codes : (S, C), balanced in each round of `LOOKS`.

    Returns
    -------
    (E, C) share of a weight's moving within rounds that a code explains, with a slope of its own
    in each round, less what any code explains by chance; (E,) rms of that moving.
    """
    rounds = seen.reshape(-1, LOOKS, seen.shape[1])
    moving = rounds - rounds.mean(axis=1, keepdims=True)
    along = np.einsum("rle,rlc->rec", moving, codes.reshape(len(rounds), LOOKS, -1))
    total = (moving**2).sum(axis=(0, 1))
    chance = 1.0 / (LOOKS - 1)
    share = (along**2).sum(axis=0) / LOOKS / np.maximum(total, 1e-30)[:, None]
    return (share - chance) / (1.0 - chance), np.sqrt(total / len(seen))


def _judge(known: Knowledge, film: Film, codes: Floats, clipped: Floats) -> Identified:
    dark_faults(known, film, clipped)
    findings = [
        Finding(one["kind"], str(one["detail"]).split("; ")[0],
                str(one["detail"]).partition("; ")[2], port=one["port"])
        for one in known.faults
    ]  # fmt: skip
    lit = lit_rings(known)
    banks, elements = lit.shape
    share, moving = explained(film.seen.reshape(len(film), -1), codes.reshape(len(codes), -1))
    noise = np.repeat(film.sigma.mean(axis=0).ravel(), known.ports)
    usual = float(np.median(moving[lit.ravel()])) if lit.any() else 0.0
    own = np.arange(banks * elements)
    answers: dict[int, int] = {}
    for one in own[lit.ravel()]:
        first, second = np.argsort(share[one])[-1:-3:-1]
        strong = moving[one] > max(_MOVES * noise[one], _OWN * usual)
        # Its neighbours' heat alone moves a dead ring, too, but by their codes.
        if (strong or first == one) and share[one, first] > max(
            _EXPLAINED, _AHEAD * share[one, second]
        ):
            answers[int(one)] = int(first)
    findings += list(_wrong(known, answers, share, lit.ravel(), elements))
    well = sum(one == channel for one, channel in answers.items())
    notes = []
    if len(answers) < int(lit.sum()):
        notes.append(
            f"{int(lit.sum()) - len(answers)} rings answer to no channel clearly: dead, or far "
            "from their lasers all along"
        )
    return Identified(tuple(findings), well, banks * elements, tuple(notes))


def _wrong(
    known: Knowledge, answers: dict[int, int], share: Floats, lit: NDArray, elements: int
) -> Iterator[Finding]:
    """Rings that follow another's channel, or none."""

    def place(flat: int) -> Place:
        return divmod(flat, elements)

    def name(flat: int) -> str:
        bank, element = place(flat)
        return f"bank {bank}, element {element} ({ring_name(known.ports, element)})"

    done: set[int] = set()
    for one in map(int, np.flatnonzero(lit)):
        channel = answers.get(one)
        if channel == one or one in done:
            continue
        if channel is None:
            yield Finding(
                "dead",
                f"no channel's code explains more than {100 * max(share[one].max(), 0.0):.0f} % of "
                "its weight's moving",
                "see its channel, wire and bond: python -m hil.check",
                *place(one),
            )
            continue
        told = f"its weight moves with the channel of {name(channel)}"
        told += f" ({100 * share[one, channel]:.0f} % of it explained)"
        if answers.get(channel) == one:
            done.add(channel)
            yield Finding(
                "swapped",
                f"{told}, and that one with its own",
                "exchange their channels in wiring.elements",
                *place(one),
                exchange=(place(one), place(channel)),
            )
        else:
            yield Finding("joined", told, "follow its wire: shorted together, or misnamed",
                          *place(one))  # fmt: skip
