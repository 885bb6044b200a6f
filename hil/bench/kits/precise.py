"""Generators, balanced pairs of power meters, a tunable laser and a thermal stage."""

from __future__ import annotations

from hil.bench.kits.boxes import QONTROL
from hil.bench.kits.generators import LIGHT, generators, source
from hil.bench.kits.kit import Kit

METER_INPUTS = 8


def _meters(port: int, ports: int) -> tuple[str, str]:
    """Names of the meters that read the halves of a port's pair."""
    number = "" if ports <= METER_INPUTS else f"-{port // METER_INPUTS}"
    return f"meter-plus{number}", f"meter-minus{number}"


def _precise(ports: int) -> str:
    text = generators(ports)
    text += """\
# Power meters of eight ports each: the two halves of every port's balanced pair, one half a meter.
# The trigger line starts all. `range_dbm`: fixed; it must bear the local oscillator and the signal.
"""
    for first in range(0, ports, METER_INPUTS):
        for half, name in enumerate(_meters(first, ports)):
            number = 2 * (first // METER_INPUTS) + half + 1
            text += f"""\
[[instrument]]
name = "{name}"
driver = "keysight_n7744a"
resource = "TCPIP::{name}::5025::SOCKET"
identity = {{ model = "N7745A", serial = "MY497001{number:02d}" }}
link = {{ latency = 0.004, bytes_per_second = 5.0e6 }}
options = {{ range_dbm = 0.0 }}

"""
    return f"""{text}\
# The laser feeds signal and local oscillator; the stage keeps the chips at their temperature.
[[instrument]]
name = "laser"
driver = "santec_tsl570"
resource = "TCPIP::laser::5000::SOCKET"
identity = {{ model = "TSL-570", serial = "21020001" }}
link = {{ latency = 0.003, bytes_per_second = 1.0e6 }}

[[instrument]]
name = "stage"
driver = "meerstetter_tec1091"
resource = "ASRL/dev/stage::INSTR"
identity = {{ model = "TEC-1091" }}
link = {{ latency = 0.016, bytes_per_second = 5760.0 }}
{LIGHT}
[stage]
controller = "stage"
setpoint_celsius = 25.0     # the temperature that the chips were surveyed at
patience = 120.0            # s until the controller must say that it is stable
"""


def _precise_port(port: int, ports: int) -> str:
    plus, minus = _meters(port, ports)
    place = port % METER_INPUTS + 1
    read = f'readout = "{plus}", input = {place}, minus = "{minus}", minus_input = {place}'
    return f"{source(port)}, {read}"


PRECISE = Kit(
    described=", bench-top instruments: balanced power meters, tunable laser, thermal stage",
    timing="""\
dwell = 100e-6              # s a sample is held: a whole number of points
guard = 30e-6               # s dropped at the start of each sample
point = 10e-6               # s that the power meters average for a point: 10 points a sample
average = true              # a power meter knows nothing else
""",
    chassis=QONTROL,
    instruments=_precise,
    receiver="balanced pair of detectors",
    port_keys="""\
#   source, output             what drives the modulator
#   readout, input             what reads the first half of the pair
#   minus, minus_input         what reads the other half; the difference counts
""",
    port=_precise_port,
    unit="a difference of 1 W",
    detector_range="3000.0",
    trigger="to Ext Trig of every generator, and to Trig In of every meter",
    lo_gate=False,
    laser_power_dbm="10.0",
    input_name="meter",
    bandwidth="50.0e3",
    simulated="memory = 0.0                # no light is left of a sample that ended 100 us ago\n",
)
