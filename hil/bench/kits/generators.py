"""Waveform generators that drive modulators, and the light of a laser that the program sets."""

from __future__ import annotations

GENERATOR_OUTPUTS = 2


def generators(ports: int) -> str:
    """The lines of the generators that so many ports need."""
    text = """\
# Waveform generators: two outputs each drive modulators; Ext Trig takes the trigger line.
# `amplitude` in Vpp into `load` ohm: what the outputs are set to, and the most a sample may ask.
"""
    for number in range(-(-ports // GENERATOR_OUTPUTS)):
        text += f"""\
[[instrument]]
name = "generator-{number}"
driver = "keysight_33600a"
resource = "TCPIP::generator-{number}::5025::SOCKET"
identity = {{ model = "33622A", serial = "MY5380{number + 1:04d}" }}
link = {{ latency = 0.003, bytes_per_second = 1.0e7 }}
options = {{ amplitude = 2.0, load = 50.0 }}

"""
    return text


def source(port: int) -> str:
    """What drives a port, as its line has it."""
    generator, output = divmod(port, GENERATOR_OUTPUTS)
    return f'source = "generator-{generator}", output = {output + 1}'


LIGHT = """
[light]
laser = "laser"
power_dbm = 10.0            # dBm at the laser's output
wavelength = 1.55e-6        # m, in vacuum
"""
