"""A Keysight InfiniiVision oscilloscope that is not there.

Commands and meanings after Keysight's programmer's guides of the 1000, 2000, 3000 and 4000 X-Series
and Keysight's own example programs; replies after the pymeasure and keyoscacquire drivers. Our own
reading: sample rates go in steps of 1, 2 and 5, and any number of points of the list can be had of
a record that is long enough. A scale or offset that is changed after an acquisition is taken as if
it had been set before.
"""

from .scope import KeysightInfiniivision

__all__ = ["KeysightInfiniivision"]
