"""Heaters on DACs, generators, oscilloscopes and a laser of a lightwave mainframe."""

from __future__ import annotations

from hil.bench.kits.generators import LIGHT, generators, source
from hil.bench.kits.kit import Chassis, Kit

DAC_OUTPUTS = 24
SCOPE_INPUTS = 4


def _dac(number: int) -> str:
    return f"""\
name = "heaters-{number}"
driver = "qdevil_qdac2"
resource = "TCPIP::dac-{number}::5025::SOCKET"
identity = {{ model = "QDAC-II", serial = "{241 + number}" }}
link = {{ latency = 0.001, bytes_per_second = 1.0e6 }}
"""


QDAC2 = Chassis(
    channels=DAC_OUTPUTS,
    i_max="0.010",
    heading=f"""\
# Heaters: DACs of {DAC_OUTPUTS} outputs. They cut no output off at a current: what holds i_max is
# the voltage that is asked for.""",
    text=_dac,
)


def _scopes(ports: int) -> str:
    text = generators(ports)
    text += """\
# Oscilloscopes: read the balanced receivers. `scale` is V a division; 4 of them lie on either side,
# so that +-0.8 V are read in steps of 6 mV. The trigger line leads to Ext Trig of each.
"""
    for first in range(0, ports, SCOPE_INPUTS):
        number, inputs = first // SCOPE_INPUTS, min(SCOPE_INPUTS, ports - first)
        text += f"""\
[[instrument]]
name = "scope-{number}"
driver = "keysight_infiniivision"
resource = "TCPIP::scope-{number}::5025::SOCKET"
identity = {{ model = "DSO-X 2024A", serial = "MY5200{number + 1:04d}" }}
link = {{ latency = 0.002, bytes_per_second = 5.0e6 }}
options = {{ inputs = {list(range(1, inputs + 1))}, scale = 0.2, \
sample_rate = 25.0e6, trigger_source = "EXT" }}

"""
    return f"""{text}\
# The laser feeds signal and local oscillator. With `pin` the bench may take its lock off.
[[instrument]]
name = "laser"
driver = "keysight_816x"
resource = "TCPIP::laser::5025::SOCKET"
identity = {{ model = "N7776C", serial = "DE45601234" }}
link = {{ latency = 0.002, bytes_per_second = 1.0e6 }}
options = {{ pin = "1234" }}
{LIGHT}"""


def _scope_port(port: int, ports: int) -> str:
    del ports
    scope, place = divmod(port, SCOPE_INPUTS)
    return f'{source(port)}, readout = "scope-{scope}", input = {place + 1}'


SCOPES = Kit(
    described=": heaters on DACs, generators, oscilloscopes, tunable laser",
    timing="""\
dwell = 4.0e-6              # s a sample is held: a whole number of points
guard = 1.2e-6              # s dropped at the start of each sample
point = 0.4e-6              # s a point lasts: 10 points a sample
average = true              # a point is the mean of the oscilloscope's samples in it, here 10
""",
    chassis=QDAC2,
    instruments=_scopes,
    receiver="balanced receiver",
    port_keys="""\
#   source, output   what drives the modulator
#   readout, input   what reads the receiver
""",
    port=_scope_port,
    unit="1 V of the input",
    detector_range="3.2",
    trigger="to Ext Trig of every generator and of every oscilloscope",
    lo_gate=True,
    laser_power_dbm="10.0",
    input_name="input",
    bandwidth="50.0e6",
    simulated="memory = 0.0                # no light is left of a sample that ended 4 us ago\n",
)
