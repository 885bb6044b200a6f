"""Small benches of four ports whose instruments are of several kinds, as texts."""

from __future__ import annotations

import re

from hil.bench.writing import Start, starting_text

GENERATOR = """
[[instrument]]
name = "generator-{number}"
driver = "keysight_33600a"
resource = "TCPIP::generator-{number}::5025::SOCKET"
identity = {{ model = "33622A" }}
link = {{ latency = 0.003, bytes_per_second = 1.0e7 }}
options = {{ amplitude = 2.0, load = 50.0 }}
"""
RIGOL = """
[[instrument]]
name = "scope-0"
driver = "rigol_ds1000z"
resource = "TCPIP::scope-0::5555::SOCKET"
identity = { model = "DS1104Z" }
link = { latency = 0.002, bytes_per_second = 5.0e6 }
options = { inputs = [1, 2], scale = 0.2, sample_rate = 25.0e6, trigger_source = "CHAN4" }
"""
INFINIIVISION = """
[[instrument]]
name = "scope-1"
driver = "keysight_infiniivision"
resource = "TCPIP::scope-1::5025::SOCKET"
identity = {{ model = "DSO-X 2024A" }}
link = {{ latency = 0.002, bytes_per_second = 5.0e6 }}
options = {{ inputs = [{inputs}], scale = 0.2, sample_rate = {rate}, trigger_source = "EXT" }}
"""
BOX = """
[[instrument]]
name = "box-0"
driver = "red_pitaya"
resource = "TCPIP::rp-0::5000::SOCKET"
identity = { model = "REDPITAYA" }
link = { latency = 0.0007, bytes_per_second = 5.0e5, read_bytes_per_second = 1.0e7 }
"""
METER = """
[[instrument]]
name = "meter-0"
driver = "keysight_n7744a"
resource = "TCPIP::meter-0::5025::SOCKET"
identity = { model = "N7745A" }
link = { latency = 0.004, bytes_per_second = 5.0e6 }
options = { range_dbm = 0.0 }
"""
SCOPE_TIMING = """[timing]
dwell = 4.0e-6
guard = 1.2e-6
point = 0.4e-6
average = true
settle = 100e-6
"""
MIXED_TIMING = """[timing]
dwell = 8.192e-6
guard = 2.048e-6
decimation = 128
average = true
settle = 100e-6
"""


def scopes() -> str:
    """Two generators play, two oscilloscopes of two makes read."""
    ports = [
        'source = "generator-0", output = 1, readout = "scope-0", input = 1',
        'source = "generator-0", output = 2, readout = "scope-0", input = 2',
        'source = "generator-1", output = 2, readout = "scope-1", input = 4',
        'source = "generator-1", output = 1, readout = "scope-1", input = 2',
    ]
    instruments = [GENERATOR.format(number=number) for number in range(2)]
    instruments += [RIGOL, INFINIIVISION.format(inputs="2, 4", rate="25.0e6")]
    return _bench("scopes", SCOPE_TIMING, instruments, [(port, 3.2) for port in ports])


def mixed() -> str:
    """A box, a generator, an oscilloscope and a power meter, each at some ports."""
    ports = [
        ('box = "box-0", output = 1, input = 1', 3.2),
        ('source = "generator-0", output = 1, readout = "box-0", input = 2', 3.2),
        ('source = "generator-0", output = 2, readout = "scope-1", input = 1', 3.2),
        (
            'source = "box-0", output = 2, readout = "meter-0", input = 3, minus = "meter-0", '
            "minus_input = 8",
            3000.0,
        ),
    ]
    instruments = [
        BOX, GENERATOR.format(number=0), INFINIIVISION.format(inputs="1", rate="15.625e6"), METER
    ]  # fmt: skip
    return _bench("mixed", MIXED_TIMING, instruments, ports)


def _bench(name: str, timing: str, instruments: list[str], ports: list[tuple[str, float]]) -> str:
    text = starting_text(Start(4, 2, name))
    text = re.sub(r"\[timing\]\n.*?\n(?=\n\[chip\])", timing, text, flags=re.DOTALL)
    begin, end = text.index("# Boxes: two outputs"), text.index("# ---- Wiring ")
    text = text[:begin] + "\n".join(instruments).lstrip() + "\n" + text[end:]
    lines = [
        f"  {{ port = {number}, {wires}, polarity = 1, v_pi = 3.0, drive_gain = 4.5, "
        f"detector_range = {units} }},"
        for number, (wires, units) in enumerate(ports)
    ]
    begin = text.index("ports = [", text.index("# One line a port"))
    end = text.index("]\n", begin)
    text = text[:begin] + "ports = [\n" + "\n".join(lines) + "\n" + text[end:]
    # Light of a sample is long gone when the next but one is read: samples last microseconds.
    return text.rstrip() + "\nmemory = 0.0\n"
