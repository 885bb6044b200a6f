"""A simulated Meerstetter TEC-1091: MeCom frames, its parameters, its regulator, and a stage."""

from .controller import Tec1091
from .faults import Faults
from .frame import Frame
from .stage import PeltierStage, Stage

__all__ = ["Faults", "Frame", "PeltierStage", "Stage", "Tec1091"]
