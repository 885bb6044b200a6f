"""Boxes that both play and read, and Qontrol heater chassis: the smallest set of instruments."""

from __future__ import annotations

from hil.bench.catalogue import (
    BOX,
    BOX_OUTPUTS,
    CHANNELS_PER_CHASSIS,
    CHASSIS,
    MODULES_PER_CHASSIS,
)
from hil.bench.kits.kit import Chassis, Kit


def _chassis(number: int) -> str:
    return f"""\
name = "heaters-{number}"
driver = "{CHASSIS}"
resource = "ASRL/dev/qontrol-{number}::INSTR"
identity = {{ model = "Q8iv", serial = "{number + 1:04d}" }}
link = {{ latency = 0.016, bytes_per_second = 11520.0 }}
options = {{ modules = {MODULES_PER_CHASSIS} }}
"""


QONTROL = Chassis(
    channels=CHANNELS_PER_CHASSIS,
    i_max="0.012",
    heading="# Heater chassis: 8 modules of 8 channels behind one serial port each.",
    text=_chassis,
)


def _boxes(ports: int) -> str:
    one = """\
[[instrument]]
name = "box-{number}"
driver = "{driver}"
resource = "TCPIP::rp-{number}::5000::SOCKET"
identity = {{ model = "REDPITAYA" }}
link = {{ latency = 0.0007, bytes_per_second = 5.0e5, read_bytes_per_second = 1.0e7 }}
"""
    heading = """\
# Boxes: two outputs drive modulators, two inputs read detectors; DIO0_P takes the trigger line.
"""
    boxes = -(-ports // BOX_OUTPUTS)  # of an odd number, the last one's second channel is free
    return heading + "\n".join(one.format(number=n, driver=BOX) for n in range(boxes))


def _port(port: int, ports: int) -> str:
    del ports
    box, channel = divmod(port, BOX_OUTPUTS)
    return f'box = "box-{box}", output = {channel + 1}, input = {channel + 1}'


BOXES = Kit(
    described="",
    timing="""\
dwell = 512e-9              # s a sample is held: a whole number of points
guard = 128e-9              # s dropped at the start of each sample
decimation = 4              # of the boxes' 125 MS/s: 32 ns a point, 16 points a sample
average = true              # a point is the mean over its 32 ns, not the value at its start
""",
    chassis=QONTROL,
    instruments=_boxes,
    receiver="detector",
    port_keys="#   output, input    of the box, 1 or 2\n",
    port=_port,
    unit="1 V of the input",
    detector_range="3.2",
    trigger="to DIO0_P of every box",
    lo_gate=True,
    laser_power_dbm="13.0",
    input_name="box",
    bandwidth="50.0e6",
    simulated="",
)
