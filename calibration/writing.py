"""From what is known of a bench to its calibration record, in the schema of
docs/calibration-record.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import BANK_QUANTITIES, PORT_QUANTITIES, Knowledge
from calibration.record import MESH, MICRORING, SCHEMA, VERSION

#: What each core's bench cannot tell apart, and how the record fixes it.
GAUGES = {
    MESH: (
        "phases mean the same modulo 2 pi; the static phase of the local oscillator at each port "
        "is part of the output phases; bare edge waveguides have phase 0; losses before and behind "
        "the mesh are part of detector_gain"
    ),
    MICRORING: (
        "the scale of the weights is that of amplitude: what is lost before and behind the rings "
        "is part of detector_gain"
    ),
}


def record_document(
    knowledge: Knowledge,
    *,
    bench: Mapping[str, Any],
    created: str,
    method: str,
    code_version: str,
    serials: Mapping[str, str],
    steps: Sequence[Mapping[str, Any]],
    complete: bool,
    bench_time: float,
) -> dict[str, Any]:
    """The record as plain data.

    Parameters
    ----------
    bench : its name, backend and what else tells one bench from another.
    created : ISO 8601, UTC, when the last step ended. bench_time : s, the same on the bench's clock.
    steps : the table of steps, in the order in which they ran; plain data.
    complete : whether all steps asked for are in it.
    """  # noqa: E501
    value, sigma = knowledge.value, knowledge.sigma
    banks = []
    for k in range(knowledge.n_banks):
        table: dict[str, Any] = {
            name: {"value": value[name][k].tolist(), "sigma": sigma[name][k].tolist()}
            for name in BANK_QUANTITIES[knowledge.core]
        }
        c1, d0, cg = map(float, knowledge.crosstalk[k])
        table["crosstalk"] = {"c1": c1, "d0": d0, "cg": cg, "known": knowledge.crosstalk_known}
        if knowledge.core == MICRORING:
            table["spacing"] = float(knowledge.spacing[k])
        banks.append(table)
    leak = knowledge.leak
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "kind": "calibration",
        "created": created,
        "complete": complete,
        "bench_time": bench_time,
        "bench": {
            **bench,
            "core": knowledge.core,
            "ports": knowledge.ports,
            "n_banks": knowledge.n_banks,
            "p_pi": knowledge.p_pi,
        },
        "method": method,
        "gauge": GAUGES[knowledge.core],
        "code_version": code_version,
        "serials": dict(serials),
        "steps": [dict(step) for step in steps],
        "faults": [dict(fault) for fault in knowledge.faults],
        "banks": banks,
        "ports": {
            name: {"value": value[name].tolist(), "sigma": sigma[name].tolist()}
            for name in PORT_QUANTITIES
        },
        "machine": {
            "saturation": knowledge.saturation,
            "memory": float(knowledge.memory),
            "leak": np.stack([leak.real, leak.imag], axis=-1).reshape(-1, 2).tolist(),
            "lo_phase": float(knowledge.lo_phase),
            "quadrature_error": float(knowledge.quadrature_error),
            "tail_share": float(knowledge.tail[0]),
            "tail_tau": float(knowledge.tail[1]),
            "rise_time": _number(knowledge.rise_time),
            "noise": _numbers(knowledge.noise),
            "bank_delay": _numbers(knowledge.bank_delay),
        },
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(values: NDArray[np.float64]) -> list[float] | None:
    """Numbers, or None where any was not measured."""
    return values.tolist() if values.size and np.isfinite(values).all() else None


def write_record(path: Path, document: Mapping[str, Any]) -> None:
    """Write a record whole or not at all: aside, synced, renamed.

    Raises
    ------
    ValueError
        When a number in it is NaN or infinite; `path` is as it was.
    """
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
