"""What a bench needs of its instruments, whatever their model. All that a sequencer knows."""

from __future__ import annotations

from drivers.roles.beside import OpticalMatrix, OpticalSwitch, PowerMonitor, ThermalStage
from drivers.roles.light import LightSource, PhaseReference, TunableSource
from drivers.roles.lines import LineProgram, SwitchSequencer
from drivers.roles.ports import PlayFacts, PortReadout, PortSource, ReadFacts
from drivers.roles.signals import DetectionMode, InputSource, Readout
from drivers.roles.timing import DelayFacts, DelayGenerator, Pulse, TriggerEvents
from drivers.roles.weights import MeasuresTo, OutputLayout, VoltageOutputs, WeightBank

__all__ = [
    "DelayFacts",
    "DelayGenerator",
    "DetectionMode",
    "InputSource",
    "LightSource",
    "LineProgram",
    "MeasuresTo",
    "OpticalMatrix",
    "OpticalSwitch",
    "OutputLayout",
    "PhaseReference",
    "PlayFacts",
    "PortReadout",
    "PortSource",
    "PowerMonitor",
    "Pulse",
    "ReadFacts",
    "Readout",
    "SwitchSequencer",
    "ThermalStage",
    "TriggerEvents",
    "TunableSource",
    "VoltageOutputs",
    "WeightBank",
]
