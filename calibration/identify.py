"""What small steps of the heaters say of the wiring: findings, and the corrections they ask for.

`identify_mesh` and `identify_rings` make them. No heater is stepped by more than 0.2 p_pi, nothing
need be known of the chip, and nothing is written into a record.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Most that one element is stepped by, p_pi.
STEP = 0.2

Place = tuple[int, int]


@dataclass(frozen=True)
class Finding:
    """Something that is not as the wiring says.

    kind : a word, such as `swapped`, `dead`, `reversed`, `dark`. bank, element : its place, where
    it has one; port : likewise. text : what was seen, in numbers. mend : what to do. exchange : two
    places whose channels must be exchanged in the bench file, where that is the mend.
    """

    kind: str
    text: str
    mend: str
    bank: int | None = None
    element: int | None = None
    port: int | None = None
    exchange: tuple[Place, Place] | None = None


@dataclass(frozen=True)
class Identified:
    """What small steps found.

    answering : elements that answer in the light at their places; elements : of how many. notes :
    what else an operator should know.
    """

    findings: tuple[Finding, ...]
    answering: int
    elements: int
    notes: tuple[str, ...] = ()
