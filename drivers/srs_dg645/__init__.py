"""Stanford Research DG645, a digital delay generator: five outputs timed from one trigger."""

from drivers.srs_dg645.delays import CHANNELS
from drivers.srs_dg645.pulses import SrsDg645
from drivers.srs_dg645.settings import OUTPUTS, QUANTITIES

__all__ = ["CHANNELS", "OUTPUTS", "QUANTITIES", "SrsDg645"]
