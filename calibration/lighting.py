"""Detectors lit from one port, from many, and from halves of these, each sample sent twice.

Every port is dark, or driven fully, or fully in reverse; the light is then linear in indicators of
these states (see `superposition`). A block is a bank in a mode of detection: other light at the
same detectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.setup import Detection, Setup, Shot
from calibration.tally import Tally

Floats = NDArray[np.float64]
Block = tuple[int, Detection]

#: Drive of a lit port, V_pi: full modulation, where V_pi and bias matter least.
FULL = 1.0
#: Samples of a shot, so that it stays whole in one frame.
_MOST = 256


@dataclass
class _Read:
    """Of one block: states (n, N), first and second readings (n, N), and which have a neighbour."""

    states: list[Floats] = field(default_factory=list)
    firsts: list[Floats] = field(default_factory=list)
    seconds: list[Floats] = field(default_factory=list)
    clipped: list[NDArray[np.bool_]] = field(default_factory=list)
    followers: list[NDArray[np.bool_]] = field(default_factory=list)

    def whole(self, name: str) -> NDArray:
        """All shots of one of these, joined."""
        return np.concatenate(getattr(self, name))


class Lighting:
    """Sends states and keeps what came of them.

    Attributes
    ----------
    row_power : (ports,) light that each detector gets from all ports, driven one after the other:
        sum of squares of half the swing, signal units squared, mean over banks; after `alone`.
    clipped : (ports,) share of samples at the converter's end, in the worst block.
    """

    def __init__(self, setup: Setup, knowledge: Knowledge) -> None:
        self.tally = Tally(setup)
        self._setup = setup
        self._offset = knowledge.value["detector_offset"]
        self._noise = np.nan_to_num(knowledge.noise)
        modes = [Detection.HOMODYNE]
        if Detection.QUADRATURE in setup.detections:
            modes.append(Detection.QUADRATURE)
        self._blocks: dict[Block, _Read] = {
            (bank, mode): _Read() for bank in range(setup.n_banks) for mode in modes
        }
        self._swing: dict[Block, Floats] = {}
        self.row_power = np.zeros(setup.ports)
        self.clipped = np.zeros(setup.ports)

    async def alone(self) -> None:
        """Each port alone, both ways, in every block; before it, all dark."""
        ports = self._setup.ports
        states = np.zeros((2 * ports + 1, ports))
        states[1::2][np.eye(ports, dtype=bool)] = 1.0
        states[2::2][np.eye(ports, dtype=bool)] = -1.0
        await self._send(dict.fromkeys(self._blocks, states))
        banks = self._setup.n_banks
        for block, read in self._blocks.items():
            seen = read.whole("seconds")
            swing = 0.5 * (seen[1::2] - seen[2::2])  # (inputs, detectors)
            self._swing[block] = swing
            # Noise alone makes a power, too: half its variance from each difference of two.
            bias = 0.5 * ports * self._noise**2
            self.row_power += ((swing**2).sum(axis=0) - bias) / banks
        self.row_power = np.maximum(self.row_power, 0.0)

    def brightest(self, port: int) -> Block:
        """The block in which all ports together can light a detector most."""
        return max(self._swing, key=lambda block: float(np.abs(self._swing[block][:, port]).sum()))

    async def together(self, best: dict[int, Block], halves: int, rng: np.random.Generator) -> None:
        """For each detector, in its brightest block: whole patterns, and halves of them.

        `halves` random halves and their complements, half of them in reverse, and each time the
        whole.
        """
        asked: dict[Block, list[Floats]] = {}
        for port, block in best.items():
            signs = np.sign(self._swing[block][:, port])
            for number in range(halves):
                whole = signs if number % 2 == 0 else -signs
                chosen = rng.permutation(len(signs)) < len(signs) // 2
                asked.setdefault(block, []).append(np.where(chosen, whole, 0.0))
                asked[block].append(whole.copy())
                asked[block].append(np.where(chosen, 0.0, whole))
        await self._send({block: np.array(rows) for block, rows in asked.items()})

    async def _send(self, asked: dict[Block, Floats]) -> None:
        """Send states (n, N) by block, twice each, and keep the readings."""
        shots, owners = [], []
        for block, states in asked.items():
            for first in range(0, len(states), _MOST // 2):
                part = states[first : first + _MOST // 2]
                shots.append(Shot(block[0], FULL * np.repeat(part, 2, axis=0), block[1]))
                owners.append((block, part))
        for (block, part), seen in zip(owners, await self.tally.observe(shots), strict=True):
            read, signal = self._blocks[block], seen.measured - self._offset
            read.states.append(part)
            read.firsts.append(signal[0::2])
            read.seconds.append(signal[1::2])
            read.clipped.append(seen.clipped[0::2] | seen.clipped[1::2])
            read.followers.append(np.arange(len(part)) > 0)
            self.clipped = np.maximum(self.clipped, seen.clipped.mean(axis=0))

    def samples(self, block: Block, port: int) -> tuple[Floats, Floats]:
        """Indicators (n, 2 N + 1) and second readings (n,) of a detector, none that clipped."""
        read = self._blocks[block]
        fine = ~read.whole("clipped")[:, port]
        return indicators(read.whole("states"))[fine], read.whole("seconds")[fine, port]

    def firsts(self, block: Block, port: int) -> tuple[Floats, Floats, Floats]:
        """Indicators of the preceding state and of the own (n, 2 N + 1), and first readings (n,).

        Only samples that follow another one of their shot, and did not clip.
        """
        read = self._blocks[block]
        design = indicators(read.whole("states"))
        clipped = read.whole("clipped")[:, port]
        at = np.flatnonzero(read.whole("followers") & ~clipped)
        return design[at - 1], design[at], read.whole("firsts")[at, port]


def indicators(states: Floats) -> Floats:
    """Indicators (n, 2 N + 1) of states (n, N) of -1, 0, 1: always, port up, port down."""
    columns = [np.ones((len(states), 1)), states > 0.5, states < -0.5]
    return np.concatenate(columns, axis=1, dtype=np.float64)
