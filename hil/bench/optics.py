"""The table `[optics]` of a bench file: what the light meets from the laser to the detector.

The power budget alone reads it (`hil.bench.power_budget`): control, training and the simulation do
not. Every number has a default, typical of fibre-coupled silicon at 1550 nm, that stands for what a
lab has not measured yet. Losses are in dB and powers in dBm here, at the edge; properties are SI.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from hil.bench.sections import NotNegative, Positive, Section

PowerDbm = Annotated[float, Field(ge=-100, le=50)]
Loss = Annotated[float, Field(ge=0, le=100)]


class Optics(Section):
    """The light's way to a detector, and the detector. Numbers of a port are those of each port."""

    laser_power_dbm: PowerDbm = 13.0
    """dBm at the laser's output, behind its amplifier where it has one."""
    wavelength: Annotated[float, Field(ge=1e-7, le=2e-5)] = 1.55e-6
    """Metres, in vacuum."""
    signal_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Of the laser's power that goes to the signal; the local oscillator has the rest."""
    fanout_loss_db: Loss = 1.0
    """dB beyond 10 log10 N of each splitter from one fibre to N ports."""
    modulator_loss_db: Loss = 4.0
    """dB, insertion loss of a modulator at its brightest."""
    modulator_extinction_db: Annotated[float, Field(gt=0, le=100)] = 25.0
    """dB between a modulator's brightest and darkest."""
    facet_loss_db: Loss = 2.0
    """dB each time that light enters or leaves the chip."""
    cell_loss_db: Annotated[float, Field(ge=0, le=10)] = 0.15
    """dB a cell of the mesh."""
    cells_per_path: Annotated[int, Field(ge=0, le=200)] | None = None
    """Cells that light crosses; None: N - 1, the mean over a rectangular mesh's paths."""
    switch_loss_db: Loss = 3.0
    """dB of the bank switch: all that is on the way, before the banks and behind them."""
    other_loss_db: Loss = 1.0
    """dB of connectors, fibres and the coupler's excess, from laser to detector."""
    lo_loss_db: Loss = 6.0
    """dB of the local oscillator's branch beyond its fan-out: gate, phase shifter, attenuator."""
    lo_power_dbm: PowerDbm | None = None
    """dBm of local oscillator at each detector, where measured; None: from laser and losses."""
    responsivity: Annotated[float, Field(gt=0, le=100)] = 0.9
    """A/W of a photodiode."""
    common_mode_rejection_db: Loss = 25.0
    """dB of photocurrent by which a balanced pair cancels what both diodes see; 0: one diode, where
    `other_loss_db` and `lo_loss_db` hold what the coupler takes."""
    full_scale_current: Positive = 2.0e-3
    """Amperes up to which detector and amplifier are linear."""
    transimpedance: Positive | None = None
    """Volts at the box's input per ampere, where known: only shown beside `detector_range`."""
    bandwidth: Annotated[float, Field(gt=0, le=1e12)] = 50e6
    """Hz, noise bandwidth of detector and amplifier: 1.57 times the 3 dB one of a single pole."""
    dark_current: NotNegative = 10e-9
    """Amperes without light."""
    noise_current_density: NotNegative = 10e-12
    """A/sqrt(Hz), the amplifier's noise referred to its input; holds the thermal noise."""
    rin_db_per_hz: Annotated[float, Field(ge=-250, lt=0)] = -150.0
    """dB/Hz, relative intensity noise of the laser, flat over the bandwidth."""

    @property
    def at_defaults(self) -> tuple[str, ...]:
        """The keys whose numbers are the defaults: nobody has told this bench's own."""
        fields = type(self).model_fields.items()
        return tuple(
            name
            for name, field in fields
            if field.default is not None and getattr(self, name) == field.default
        )

    @property
    def laser_power(self) -> float:
        """Watts."""
        return watts(self.laser_power_dbm)

    @property
    def rin(self) -> float:
        """1/Hz."""
        return 10 ** (self.rin_db_per_hz / 10)

    @property
    def rejection(self) -> float:
        """Share of a common photocurrent that is left behind a balanced pair."""
        return 10 ** (-self.common_mode_rejection_db / 20)


def watts(power_dbm: float) -> float:
    """Give a power in W for one in dBm."""
    return 1e-3 * 10 ** (power_dbm / 10)


def dbm(power: float) -> float:
    """Give a power in dBm for one in W."""
    return decibels(power / 1e-3)


def decibels(ratio: float) -> float:
    """Give a ratio of powers in dB; -inf for none."""
    return 10 * math.log10(ratio) if ratio > 0 else -math.inf
