"""The calibration record: what is known of a bench, with its uncertainty.

One JSON schema, described in docs/calibration-record.md. The as-built file is written in it,
calibration writes it, the twin reads only it (`record_reading`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEMA = "hil-calibration-record"
VERSION = 1
#: Kinds of banks.
MESH, MICRORING = "mzi-mesh", "microring"
#: Largest bench that a record may be of.
MOST_PORTS, MOST_BANKS = 64, 32

Floats = NDArray[np.float64]


class RecordError(ValueError):
    """A calibration record that is missing, unreadable, malformed or of another bench."""


@dataclass(frozen=True)
class Estimate:
    """A value and the standard uncertainty of its entries, in the unit of its name."""

    value: Floats
    sigma: Floats


@dataclass(frozen=True)
class BankRecord:
    """What is known of one bank. Arrays are in element order or cell order.

    spacing : half-widths from one laser to the next; of a microring bank only.
    """

    estimates: Mapping[str, Estimate]
    crosstalk_c1: float
    crosstalk_d0: float
    crosstalk_cg: float
    spacing: float | None = None

    def array(self, name: str) -> Floats:
        """The values of one quantity: phase_offset, slope, curvature, splitter_a, …"""
        return self.estimates[name].value


@dataclass(frozen=True)
class Beyond:
    """What a calibration finds beyond what the twin's law needs.

    quadrature_error : rad. tail : share and time constant (s) of the heaters' slow thermal tail.
    rise_time : s, or None. noise : (N,) rms of a sample, signal units, or None. bank_delay :
    (n_banks,) s, or None. faults : what was found broken.
    """

    quadrature_error: float = 0.0
    tail: tuple[float, float] = (0.0, 0.3)
    rise_time: float | None = None
    noise: Floats | None = None
    bank_delay: Floats | None = None
    faults: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class CalibrationRecord:
    """A whole record. See docs/calibration-record.md for names, units, shapes and gauge.

    steps : plain data of each step, in the order in which they ran; none of an as-built file.
    bench_time : s, at which the last step ended.
    """

    kind: str
    method: str
    created: str
    gauge: str
    bench_name: str
    ports: int
    banks: tuple[BankRecord, ...]
    port_estimates: Mapping[str, Estimate]
    saturation: float | None
    memory: float
    leak: Floats
    lo_phase: float
    raw: Mapping[str, Any]
    core: str = MESH
    beyond: Beyond = Beyond()
    serials: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()
    bench_time: float = 0.0

    def port_array(self, name: str) -> Floats:
        """The values of one quantity of the ports: modulator_gain, detector_offset, …"""
        return self.port_estimates[name].value


def check_fits(
    record: CalibrationRecord,
    *,
    ports: int,
    n_banks: int,
    names: Sequence[str],
    source: str,
    core: str = MESH,
) -> None:
    """Refuse a record of another bench.

    Raises
    ------
    RecordError
        When core or sizes differ, or the record's bench is none of `names`.
    """
    if record.core != core:
        raise RecordError(f"{source}: made for a {record.core!r}; this bench is a {core!r}")
    if record.ports != ports or len(record.banks) != n_banks:
        raise RecordError(
            f"{source}: made for {record.ports} ports and {len(record.banks)} banks; "
            f"this bench has {ports} and {n_banks}"
        )
    if record.bench_name not in names:
        raise RecordError(
            f"{source}: made for the bench {record.bench_name!r}, not for {names[0]!r}"
        )
