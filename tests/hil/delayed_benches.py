"""Tables of a delay generator for benches as texts: the instrument, and what its outputs feed."""

from __future__ import annotations

GENERATOR = """
[[instrument]]
name = "delays"
driver = "srs_dg645"
resource = "TCPIP::delays::5025::SOCKET"
identity = { model = "DG645", serial = "008012" }
link = { latency = 0.001, bytes_per_second = 1.0e6 }
"""
WIDTH = "width = 1e-6, amplitude = 2.5, v_max = 5.0"
#: Of the bench of scopes: their trigger comes as late as the generators' first sample, 160 ns.
SCOPES = f'output = "AB", feeds = ["scope-0", "scope-1"], delay = 75e-9, {WIDTH}'
PLACE = "# ---- Wiring "


def players(delay: float, output: str = "CD") -> str:
    """An output for both generators of the bench of scopes."""
    feeds = 'feeds = ["generator-0", "generator-1"]'
    return f'output = "{output}", {feeds}, delay = {delay!r}, {WIDTH}'


def table(*outputs: str, more: str = "threshold = 1.5") -> str:
    """`[[delay]]` with these outputs."""
    lines = "".join(f"  {{ {output} }},\n" for output in outputs)
    return f'\n[[delay]]\ngenerator = "delays"\n{more}\noutputs = [\n{lines}]\n'


def delayed(text: str, *outputs: str, more: str = "threshold = 1.5") -> str:
    """A bench's text with a delay generator that has these outputs."""
    assert PLACE in text
    return text.replace(PLACE, f"{GENERATOR}{table(*outputs, more=more)}\n{PLACE}", 1)
