"""Entering what is broken: once into the knowledge, once in words for the operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge

#: Kinds of faults of a detector with which its signals tell nothing of the light, or falsely.
UNREADABLE = ("clipped dark", "stuck", "noisy", "dark", "saturated", "clipped")


def port_fault(knowledge: Knowledge, kind: str, port: int, detail: str) -> str:
    """Enter a fault of a port, in place of an earlier one of its kind, and word it.

    detail : what was seen, and the mend.
    """
    entry = {"kind": kind, "bank": None, "element": None, "port": port, "detail": detail}
    enter(knowledge, entry)
    return f"port {port}: {kind}; {detail}"


def bank_fault(knowledge: Knowledge, kind: str, bank: int, detail: str) -> str:
    """The same for a bank as a whole."""
    entry = {"kind": kind, "bank": bank, "element": None, "port": None, "detail": detail}
    enter(knowledge, entry)
    return f"bank {bank}: {kind}; {detail}"


def ports_with(knowledge: Knowledge, *kinds: str) -> set[int]:
    """Ports that bear a fault of one of these kinds."""
    return {
        int(one["port"])
        for one in knowledge.faults
        if one["kind"] in kinds and one["port"] is not None
    }


def readable(knowledge: Knowledge) -> NDArray[np.bool_]:
    """Which detectors (ports,) tell something of the light, as far as is known."""
    bad = ports_with(knowledge, *UNREADABLE)
    return np.array([port not in bad for port in range(knowledge.ports)])


def forget(knowledge: Knowledge, *kinds: str) -> None:
    """Take out the faults of these kinds: a step that is run again finds its own anew."""
    knowledge.faults[:] = [one for one in knowledge.faults if one["kind"] not in kinds]


def enter(knowledge: Knowledge, entry: Mapping[str, Any]) -> None:
    """Enter a fault (kind, bank, element, port, detail) in place of an earlier one of its kind."""
    same = ("kind", "bank", "element", "port")
    knowledge.faults[:] = [
        one for one in knowledge.faults if any(one.get(key) != entry[key] for key in same)
    ]
    knowledge.faults.append(dict(entry))
