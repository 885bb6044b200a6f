"""What is known of a bench so far: the numbers of a calibration record, in arrays, with their
uncertainties. Steps of a calibration write here; the record is written from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calibration.record import CalibrationRecord

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Quantities of a bank, by the number of their entries.
ELEMENT_QUANTITIES = ("phase_offset", "slope", "curvature")
CELL_QUANTITIES = ("splitter_a", "splitter_b", "cell_loss_db")
PORT_QUANTITIES = ("modulator_gain", "modulator_bias", "detector_gain", "detector_offset")


@dataclass
class Knowledge:
    """Values and standard uncertainties by the names of docs/calibration-record.md.

    Attributes
    ----------
    value, sigma : by quantity: of elements (n_banks, N^2), of cells (n_banks, cells), of ports
        (N,); `sigma` is in the unit that the record states (of `slope`: relative).
    crosstalk : (n_banks, 3): c1, d0 (pitches), cg. crosstalk_known : whether it was measured.
    saturation : signal units, or None. memory : share of the preceding sample's field.
    leak : (n_banks, n_banks) complex, field of bank j (column) while k (row) is selected.
    lo_phase, quadrature_error : rad; of the common LO, and of its quarter-wave step.
    tail : share and time constant (s) of the heaters' slow thermal tail.
    noise : (N,) rms of one sample's read noise, signal units.
    bank_delay : (n_banks,) s by which a bank's select line acts later than the samples change.
    rise_time : s, 10 to 90 %, of the bank switch; NaN where not measured.
    dead, suspect : what was found broken, as (kind, bank, element or port): not fitted over.
    """

    ports: int
    n_banks: int
    p_pi: float
    value: dict[str, Floats]
    sigma: dict[str, Floats]
    crosstalk: Floats
    crosstalk_known: bool = False
    saturation: float | None = None
    memory: float = 0.0
    leak: Complexes = field(default_factory=lambda: np.zeros((0, 0), complex))
    lo_phase: float = 0.0
    quadrature_error: float = 0.0
    tail: tuple[float, float] = (0.0, 0.3)
    noise: Floats = field(default_factory=lambda: np.zeros(0))
    bank_delay: Floats = field(default_factory=lambda: np.zeros(0))
    rise_time: float = float("nan")
    faults: list[dict[str, Any]] = field(default_factory=list)

    @property
    def elements(self) -> int:
        """N^2, elements of a bank."""
        return self.ports**2

    @property
    def cells(self) -> int:
        """Cells of a bank."""
        return self.ports * (self.ports - 1) // 2

    @classmethod
    def nothing(cls, ports: int, n_banks: int, p_pi: float) -> Self:
        """The design alone: what is known of a mesh before anything was measured.

        Phases are anybody's guess (sigma pi), slopes pi a p_pi to 10 %, splitters 50:50 to
        0.05 rad, cells lose 0.2 dB to 0.15 dB.
        """
        elements, cells = (n_banks, ports**2), (n_banks, ports * (ports - 1) // 2)

        def of(shape: tuple[int, ...], number: float) -> Floats:
            return np.full(shape, number)

        ports_ = (ports,)
        return cls(
            ports=ports,
            n_banks=n_banks,
            p_pi=p_pi,
            value={
                "phase_offset": of(elements, 0.0),
                "slope": of(elements, np.pi / p_pi),
                "curvature": of(elements, 0.0),
                "splitter_a": of(cells, 0.0),
                "splitter_b": of(cells, 0.0),
                "cell_loss_db": of(cells, 0.2),
                "modulator_gain": of(ports_, 1.0),
                "modulator_bias": of(ports_, 0.0),
                "detector_gain": of(ports_, 1.0),
                "detector_offset": of(ports_, 0.0),
            },
            sigma={
                "phase_offset": of(elements, np.pi),
                "slope": of(elements, 0.1),
                "curvature": of(elements, 0.1 / p_pi),
                "splitter_a": of(cells, 0.05),
                "splitter_b": of(cells, 0.05),
                "cell_loss_db": of(cells, 0.15),
                "modulator_gain": of(ports_, 0.1),
                "modulator_bias": of(ports_, 0.1),
                "detector_gain": of(ports_, 0.1),
                "detector_offset": of(ports_, 0.1),
            },
            crosstalk=np.tile([0.0, 1.0, 0.0], (n_banks, 1)),
            leak=np.zeros((n_banks, n_banks), complex),
            noise=of(ports_, float("nan")),
            bank_delay=np.full(n_banks, float("nan")),
        )

    @classmethod
    def from_record(cls, record: CalibrationRecord, p_pi: float) -> Self:
        """What a record says, to go on from."""
        known = cls.nothing(record.ports, len(record.banks), p_pi)
        for name in (*ELEMENT_QUANTITIES, *CELL_QUANTITIES):
            known.value[name] = np.stack([bank.estimates[name].value for bank in record.banks])
            known.sigma[name] = np.stack([bank.estimates[name].sigma for bank in record.banks])
        for name in PORT_QUANTITIES:
            known.value[name] = record.port_estimates[name].value.copy()
            known.sigma[name] = record.port_estimates[name].sigma.copy()
        known.crosstalk = np.array(
            [[b.crosstalk_c1, b.crosstalk_d0, b.crosstalk_cg] for b in record.banks]
        )
        known.saturation, known.memory = record.saturation, record.memory
        pairs = np.asarray(record.leak).reshape(known.n_banks, known.n_banks, 2)
        known.leak = pairs[..., 0] + 1j * pairs[..., 1]
        known.lo_phase = record.lo_phase
        return known
