"""Every number of the plant, by name, for the two severities, and what each switch neutralises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Number = float | int | None


@dataclass(frozen=True)
class PlantNumbers:
    """The numbers of a plant. The defaults are those of severity `std`.

    `spread` is a relative standard deviation, `rms` an absolute one, over the devices of a bench;
    what they draw is fixed by the seed.
    """

    p_pi_spread: float = 0.04
    """relative, of the heater power for a phase of pi"""
    r0_spread: float = 0.05
    """relative, of the cold heater resistance against r_nom"""
    resistance_rise: float = 0.05
    """relative rise of a heater's resistance at the power of a phase of pi"""
    curvature: float = 0.03
    """relative excess of phase at the power of a phase of pi (thermo-optic nonlinearity)"""
    crosstalk_c1: float = 0.01
    """phase of a heater one pitch away, per phase of the aggressor"""
    crosstalk_d0: float = 1.0
    """decay length of the crosstalk, heater pitches"""
    crosstalk_cg: float = 2e-4
    """phase of every other heater of the chip, per phase of the aggressor"""
    splitter_rms: float = 0.03
    """rad, of each splitter's angle about pi/4"""
    loss_db: float = 0.15
    """dB, mean insertion loss of a cell"""
    loss_spread_db: float = 0.03
    """dB, standard deviation of a cell's insertion loss"""
    extinction_db: float | None = 25.0
    """dB, extinction of the bank switch: the other banks leak at -extinction_db; None: no leak"""
    memory: float = 0.01
    """field of the preceding sample that is still there"""
    switch_rise: float = 2e-9
    """s, 10 to 90 % rise of a gate, first order"""
    path_delay: float = 25e-9
    """s, mean delay from an instrument's output, or from a pattern line, to the detectors: about
    5 m of fibre and cable. Boxes start within less than that of each other, so a change that
    another box makes is seen in the guard of the next sample, not at the end of the last one."""
    skew: float = 3e-9
    """s, half range of the fixed differences of these delays"""
    jitter: float = 20e-12
    """s rms, of each edge of a line and of each drive's start in a frame"""
    modulator_gain_spread: float = 0.03
    """relative, of the modulators' 1 / V_pi"""
    modulator_bias_rms: float = 0.02
    """rad, of the modulators' bias about the null"""
    detector_gain_spread: float = 0.03
    """relative"""
    detector_offset_rms: float = 0.01
    """signal units"""
    saturation: float | None = 3.0
    """signal units, y_sat of y_sat tanh(y / y_sat); None: linear"""
    bandwidth: float | None = 50e6
    """Hz, single pole of detector and input; None: unlimited"""
    read_noise: float = 0.01
    """signal units rms, of a mean over 384 ns; white"""
    ring_offset: float = -4.5
    """half-widths, mean detuning of a cold ring's resonance from its laser (microring banks)"""
    ring_offset_spread: float = 0.3
    """half-widths, standard deviation of that detuning"""
    ring_shift: float = 6.0
    """half-widths of detuning at the power that the bench file calls p_pi"""
    ring_amplitude: float = 0.95
    """mean share of its light that a ring drops at resonance"""
    ring_amplitude_spread: float = 0.02
    """standard deviation of that share"""
    ring_spacing: float | None = 12.0
    """half-widths from one laser to the next; None: rings see their own laser only"""
    heater_tau: float = 10e-6
    """s, dominant time constant of a heater; 0: immediate"""
    tail_share: float = 0.01
    """share of a heater step that follows with the slow time constant"""
    tail_tau: float = 0.3
    """s, slow time constant of a heater"""
    drift_rms: float = 0.03
    """rad a heater; half-widths a ring"""
    drift_tau: float = 25.0
    """s of bench time"""
    drift_common: float = 0.3
    """share of the drift, in amplitude, that all heaters of a chip have in common"""
    drift_step: float = 0.0
    """rad rms a heater; half-widths a ring: a sudden, lasting step, shared as the drift is"""
    drift_step_time: float = 0.0
    """s of bench time at which it happens"""
    stage_shift: float = 0.3
    """rad a heater per K (half-widths a ring) of the thermal stage, mean; nothing without a stage
    on the bench"""
    stage_shift_spread: float = 0.1
    """rad (half-widths) per K, standard deviation over the heaters"""
    group_index: float = 4.2
    """of the waveguides: sets how far a phase turns with the laser's wavelength"""
    path_difference: float = 10e-6
    """m rms, by which the two ways that an element's phase is between differ in length; nothing at
    the wavelength of the bench file's [light], where the chip was surveyed"""
    ring_half_width: float = 77.5e-12
    """m of wavelength, half the full width of a resonance: Q = 1e4 at 1550 nm"""
    port_loss_db: float = 20.0
    """dB from the laser's output to one signal unit at a port, for taps of ports"""
    lo_drift_rms: float = 0.0
    """rad, of the phase of the local oscillator"""
    lo_drift_tau: float = 60.0
    """s of bench time"""
    quadrature_error_rms: float = 0.02
    """rad, error of the step of a quarter wave that the local oscillator's phase line makes"""
    adc_bits: int | None = 14
    """of the boxes' inputs; None: not quantised"""
    dac_bits: int | None = 14
    """of the boxes' outputs; None: not quantised"""
    heater_dac_bits: int | None = 16
    """of the heater drivers; None: not quantised"""
    readback_offset: float = 4e-4
    """relative to full scale, rms over the channels of a heater driver's read-back (instrument)"""
    readback_noise: float = 1e-5
    """relative to full scale, rms of one reading of a heater driver (instrument)"""
    clock_error: float = 20e-6
    """relative, rms of the boxes' clock rates (instrument)"""
    trigger_latency: float = 100e-9
    """s, mean from a box's trigger edge to its first sample (instrument)"""
    trigger_latency_spread: float = 4e-9
    """s, half range over the boxes (instrument)"""
    clock_grid: float = 8e-9
    """s, the boxes' own sampling grid on which a start lands; 0: none (instrument)"""


#: What severity `harsh` changes.
HARSH: Mapping[str, Number] = {
    "splitter_rms": 0.08,
    "crosstalk_c1": 0.03,
    "extinction_db": 15.0,
    "memory": 0.05,
    "adc_bits": 6,
    "modulator_gain_spread": 0.06,
    "modulator_bias_rms": 0.05,
    "detector_gain_spread": 0.06,
    "detector_offset_rms": 0.03,
    "loss_db": 0.3,
    "loss_spread_db": 0.1,
    "lo_drift_rms": 0.05,
}

SEVERITIES: Mapping[str, Mapping[str, Number]] = {"std": {}, "harsh": HARSH}

#: Each imperfection and the numbers that take it away.
IMPERFECTIONS: Mapping[str, Mapping[str, Number]] = {
    "heater_spread": {"p_pi_spread": 0.0, "r0_spread": 0.0},
    "resistance_temperature": {"resistance_rise": 0.0},
    "curvature": {"curvature": 0.0},
    "crosstalk": {"crosstalk_c1": 0.0, "crosstalk_cg": 0.0},
    "splitters": {"splitter_rms": 0.0},
    "loss": {"loss_db": 0.0, "loss_spread_db": 0.0},
    "leak": {"extinction_db": None},
    "ring_offset": {"ring_offset_spread": 0.0},
    "ring_amplitude": {"ring_amplitude": 1.0, "ring_amplitude_spread": 0.0},
    "channel_crosstalk": {"ring_spacing": None},
    "memory": {"memory": 0.0},
    "switch_rise": {"switch_rise": 0.0},
    "skew": {"skew": 0.0},
    "jitter": {"jitter": 0.0},
    "modulator_gain": {"modulator_gain_spread": 0.0},
    "modulator_bias": {"modulator_bias_rms": 0.0},
    "detector_gain": {"detector_gain_spread": 0.0},
    "detector_offset": {"detector_offset_rms": 0.0},
    "saturation": {"saturation": None},
    "bandwidth": {"bandwidth": None},
    "noise": {"read_noise": 0.0},
    "heater_dynamics": {"heater_tau": 0.0},
    "thermal_tail": {"tail_share": 0.0},
    "drift": {"drift_rms": 0.0},
    "drift_step": {"drift_step": 0.0},
    "stage": {"stage_shift": 0.0, "stage_shift_spread": 0.0},
    "path_difference": {"path_difference": 0.0},
    "lo_drift": {"lo_drift_rms": 0.0},
    "quadrature": {"quadrature_error_rms": 0.0},
    "quantisation": {"adc_bits": None, "dac_bits": None, "heater_dac_bits": None},
    "readback": {"readback_offset": 0.0, "readback_noise": 0.0},
    "box_clock": {"clock_error": 0.0, "trigger_latency_spread": 0.0, "clock_grid": 0.0},
}

#: Numbers that must be above zero, and those that may be anything finite; the rest are >= 0.
POSITIVE = frozenset(
    {"crosstalk_d0", "extinction_db", "saturation", "bandwidth", "tail_tau", "drift_tau"}
    | {"lo_drift_tau", "adc_bits", "dac_bits", "heater_dac_bits", "ring_shift", "ring_spacing"}
    | {"group_index", "ring_half_width"}
)
SIGNED = frozenset({"curvature", "ring_offset"})
#: Shares, which end at one.
SHARES = frozenset({"memory", "tail_share", "drift_common", "ring_amplitude"})


def number_faults(name: str, value: Any) -> str | None:
    """What is wrong with the value given for a number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"a number is needed, not {value!r}"
    if not abs(value) < float("inf"):
        return f"{value} is not finite"
    if name.endswith("_bits") and (not isinstance(value, int) or not 1 <= value <= 24):
        return f"a whole number of bits from 1 to 24 is needed, not {value!r}"
    if name in POSITIVE and value <= 0:
        return f"must be above zero, not {value}"
    if name not in SIGNED and value < 0:
        return f"must not be negative, not {value}"
    if name in SHARES and value > 1:
        return f"is a share from 0 to 1, not {value}"
    return None
