"""What a detector reads of light, and the noise in it.

- Photocurrent R P. Homodyne beat 2 R sqrt(P_sig P_LO), and shot noise 2 q (I + I_d) B, on a
  balanced pair of the sum R (P_sig + P_LO): Kumar and Deen, Fiber Optic Communications (Wiley,
  2014), equations 5.72, 7.37 and 7.42; powers are those before the pair's coupler.
- Amplifier and thermal noise i_n^2 B, laser noise RIN I^2 B: Agrawal, Fiber-Optic Communication
  Systems, on receiver noise and on intensity noise. Both beams are of one laser, so that their
  beat bears its noise too; in the steady currents a pair cancels it but for its rejection (Zhang,
  Malouin and Schmidt, Design of coherent receiver optical front end for unamplified applications,
  Opt. Express 20 (2012)).
- Bits: (SNR - 1.76 dB) / 6.02 dB (IEEE Std 1241).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.constants import e

from hil.bench.optics import Optics, decibels


@dataclass(frozen=True)
class Noise:
    """Rms noise currents of a reading at full scale, A, over the detector's bandwidth."""

    shot: float
    thermal: float
    rin: float

    @property
    def total(self) -> float:
        """Of all three, which are independent, A."""
        return math.hypot(self.shot, self.thermal, self.rin)

    @property
    def largest(self) -> str:
        """The name of the largest."""
        return max(("shot", "thermal", "rin"), key=lambda name: getattr(self, name))


@dataclass(frozen=True)
class Reading:
    """One way to read a detector.

    Attributes
    ----------
    full_scale
        A, of one signal unit.
    peak
        A, of what amplifier and converter see then, the steady current included.
    noise
        At full scale.
    bandwidth, sample_bandwidth
        Hz, noise bandwidth of the detector, and of the mean over a sample's settled points.
    """

    full_scale: float
    peak: float
    noise: Noise
    bandwidth: float
    sample_bandwidth: float

    @property
    def snr_db(self) -> float:
        """Full scale over noise in the detector's bandwidth, dB."""
        return 2 * decibels(self.full_scale / self.noise.total)

    @property
    def bits(self) -> float:
        """Effective bits of that."""
        return (self.snr_db - 1.76) / 6.02

    @property
    def sample_snr_db(self) -> float:
        """The same of a sample's mean, dB, as far as the noise is white."""
        return self.snr_db + decibels(self.bandwidth / self.sample_bandwidth)


def detector_noise(optics: Optics, detected: float, seen: float) -> Noise:
    """Give the noise of a detector.

    Shot noise is that of the photocurrent `detected`, A, on a pair of both diodes; laser noise that
    of the current `seen` behind them, A.
    """
    band = optics.bandwidth
    return Noise(
        shot=math.sqrt(2 * e * (detected + optics.dark_current) * band),
        thermal=optics.noise_current_density * math.sqrt(band),
        rin=seen * math.sqrt(optics.rin * band),
    )
