"""Differentiable models of the bench and their refitting from what it measured."""

from hil.twin.machine import Twin, samples_before
from hil.twin.parameters import TwinParameters, parameters_from_record

__all__ = ["Twin", "TwinParameters", "parameters_from_record", "samples_before"]
