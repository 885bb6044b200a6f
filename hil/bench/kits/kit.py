"""What a starting bench file says of a set of instruments: the parts of its text that differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hil.bench.catalogue import CHANNELS_PER_MODULE


@dataclass(frozen=True)
class Chassis:
    """What heaters hang on.

    Attributes
    ----------
    channels : outputs of one. i_max : A that an element may be asked for, as the file writes it.
    heading : comment before the first. text : the lines of one, by its number.
    """

    channels: int
    i_max: str
    heading: str
    text: Callable[[int], str]

    def place(self, index: int) -> str:
        """Module and channel of its output `index`, as an element's line has them."""
        module, channel = divmod(index, CHANNELS_PER_MODULE)
        return f"module = {module}, channel = {channel}"


@dataclass(frozen=True)
class Kit:
    """Pieces of text, each a line or several of the file.

    Attributes
    ----------
    described : behind ports and banks, in the description; may be empty.
    timing : all of that table but `settle`. chassis : what heaters hang on.
    ports_each : called with a number of ports, gives the lines of what plays and reads there, and
        of light and stage.
    receiver : what stands behind a port. port_keys : comment on the keys of `port`.
    port : called with a port and the number of ports, gives what plays and reads there.
    unit, detector_range : what one signal unit is measured in, and how many there are in it.
    trigger : where that line leads. lo_gate : whether a line gates the local oscillator.
    laser_power_dbm, input_name, bandwidth : of the power budget.
    simulated : lines of the simulated bench besides the usual ones.
    """

    described: str
    timing: str
    chassis: Chassis
    instruments: Callable[[int], str]
    receiver: str
    port_keys: str
    port: Callable[[int, int], str]
    unit: str
    detector_range: str
    trigger: str
    lo_gate: bool
    laser_power_dbm: str
    input_name: str
    bandwidth: str
    simulated: str
