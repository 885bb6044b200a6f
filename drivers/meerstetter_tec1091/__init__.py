"""Meerstetter TEC-1091, a controller of one thermoelectric stage: a `ThermalStage`."""

from drivers.meerstetter_tec1091.controller import MeerstetterTec1091
from drivers.meerstetter_tec1091.parameters import QUANTITIES, Status

__all__ = ["QUANTITIES", "MeerstetterTec1091", "Status"]
