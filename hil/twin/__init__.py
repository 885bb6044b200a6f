"""Differentiable models of the bench and their refitting from what it measured."""

from hil.twin.machine import Twin, samples_before, twin_of
from hil.twin.microring import MicroringTwin
from hil.twin.parameters import TwinParameters, parameters_from_record
from hil.twin.protocol import SlotTwin

__all__ = [
    "MicroringTwin",
    "SlotTwin",
    "Twin",
    "TwinParameters",
    "parameters_from_record",
    "samples_before",
    "twin_of",
]
