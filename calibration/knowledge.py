"""What is known of a bench so far: the numbers of a calibration record, in arrays, with their
uncertainties. Steps of a calibration write here; the record is written from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calibration.record import MESH, MICRORING, CalibrationRecord

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Quantities of a bank, by the number of their entries.
ELEMENT_QUANTITIES = ("phase_offset", "slope", "curvature")
CELL_QUANTITIES = ("splitter_a", "splitter_b", "cell_loss_db")
RING_QUANTITIES = ("resonance_offset", "shift", "curvature", "amplitude")
BANK_QUANTITIES = {
    MESH: (*ELEMENT_QUANTITIES, *CELL_QUANTITIES),
    MICRORING: RING_QUANTITIES,
}
PORT_QUANTITIES = ("modulator_gain", "modulator_bias", "detector_gain", "detector_offset")


@dataclass
class Knowledge:
    """Values and standard uncertainties by the names of docs/calibration-record.md.

    Attributes
    ----------
    value, sigma : by quantity: of elements (n_banks, N^2), of cells (n_banks, cells), of ports
        (N,); `sigma` is in the unit that the record states (of `slope` and `shift`: relative).
    crosstalk : (n_banks, 3): c1, d0 (pitches), cg. crosstalk_known : whether it was measured.
    saturation : signal units, or None. memory : share of the preceding sample's field.
    leak : (n_banks, n_banks) complex, field of bank j (column) while k (row) is selected.
    lo_phase, quadrature_error : rad; of the common LO, and of its quarter-wave step.
    tail : share and time constant (s) of the heaters' slow thermal tail.
    noise : (N,) rms of one sample's read noise, signal units.
    bank_delay : (n_banks,) s by which a bank's select line acts later than the samples change.
    rise_time : s, 10 to 90 %, of the bank switch; NaN where not measured.
    faults : what was found broken, with kind, bank, element, port and detail: not fitted over.
    core : `mzi-mesh` or `microring`: which quantities there are.
    spacing : (n_banks,) half-widths from one laser to the next; of microring banks only.
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
    core: str = MESH
    spacing: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def elements(self) -> int:
        """N^2, elements of a bank."""
        return self.ports**2

    @property
    def cells(self) -> int:
        """Cells of a bank."""
        return self.ports * (self.ports - 1) // 2

    @classmethod
    def nothing(cls, ports: int, n_banks: int, p_pi: float, core: str = MESH) -> Self:
        """The design alone: what is known of a bench before anything was measured.

        Of a mesh: phases are anybody's guess (sigma pi), slopes pi a p_pi to 10 %, splitters 50:50
        to 0.05 rad, cells lose 0.2 dB to 0.15 dB. Of a microring bank: p_pi takes a ring from
        below its laser to above it, whose neighbours are about twice as far as that.
        """
        elements, cells, ports_ = (n_banks, ports**2), (n_banks, ports * (ports - 1) // 2), (ports,)
        # (shape, value, sigma)
        of_core = {
            MESH: {
                "phase_offset": (elements, 0.0, np.pi),
                "slope": (elements, np.pi / p_pi, 0.1),
                "curvature": (elements, 0.0, 0.1 / p_pi),
                "splitter_a": (cells, 0.0, 0.05),
                "splitter_b": (cells, 0.0, 0.05),
                "cell_loss_db": (cells, 0.2, 0.15),
            },
            MICRORING: {
                "resonance_offset": (elements, -4.0, 3.0),
                "shift": (elements, 6.0 / p_pi, 0.5),
                "curvature": (elements, 0.0, 0.1 / p_pi),
                "amplitude": (elements, 0.9, 0.1),
            },
        }
        of_ports = {
            "modulator_gain": (ports_, 1.0, 0.1),
            "modulator_bias": (ports_, 0.0, 0.1),
            "detector_gain": (ports_, 1.0, 0.1),
            "detector_offset": (ports_, 0.0, 0.1),
        }
        design = {**of_core[core], **of_ports}
        return cls(
            ports=ports,
            n_banks=n_banks,
            p_pi=p_pi,
            value={name: np.full(shape, number) for name, (shape, number, _) in design.items()},
            sigma={name: np.full(shape, number) for name, (shape, _, number) in design.items()},
            crosstalk=np.tile([0.0, 1.0, 0.0], (n_banks, 1)),
            leak=np.zeros((n_banks, n_banks), complex),
            noise=np.full(ports_, float("nan")),
            bank_delay=np.full(n_banks, float("nan")),
            core=core,
            spacing=np.full(n_banks, 12.0) if core == MICRORING else np.zeros(0),
        )

    @classmethod
    def from_record(cls, record: CalibrationRecord, p_pi: float) -> Self:
        """What a record says, to go on from."""
        known = cls.nothing(record.ports, len(record.banks), p_pi, record.core)
        for name in BANK_QUANTITIES[record.core]:
            known.value[name] = np.stack([bank.estimates[name].value for bank in record.banks])
            known.sigma[name] = np.stack([bank.estimates[name].sigma for bank in record.banks])
        if record.core == MICRORING:
            known.spacing = np.array([bank.spacing for bank in record.banks], dtype=np.float64)
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
        known.crosstalk_known = bool(known.crosstalk[:, ::2].any())
        beyond = record.beyond
        known.quadrature_error, known.tail = beyond.quadrature_error, beyond.tail
        if beyond.rise_time is not None:
            known.rise_time = beyond.rise_time
        if beyond.noise is not None:
            known.noise = beyond.noise.copy()
        if beyond.bank_delay is not None:
            known.bank_delay = beyond.bank_delay.copy()
        known.faults = [dict(fault) for fault in beyond.faults]
        return known
