"""A small bench, 2 ports and 1 bank, some of whose heaters hang on source-measure units."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hil.bench.writing import Start, starting_text

_UNIT = """
[[instrument]]
name = "{name}"
driver = "{driver}"
resource = "{resource}"
identity = {{ model = "{model}", serial = "{serial}" }}
link = {{ latency = 0.001, bytes_per_second = 1.0e6 }}
options = {{ max_volts = 10.0, max_amperes = 0.02, four_wire = true }}
"""


def unit(number: int, *, old: bool = False) -> str:
    """An `[[instrument]]` table: a 2450 on the network, or a 2400 on a serial port."""
    return _UNIT.format(
        name=f"smu-{number}",
        driver="keithley_2400" if old else "keithley_2450",
        resource=f"ASRL/dev/smu-{number}::INSTR" if old else f"TCPIP::smu-{number}::5025::SOCKET",
        model="2400" if old else "2450",
        serial=f"0448885{number}",
    )


def bench_text(name: str, units: int = 4, spare: Sequence[str] = (), seed: int = 1) -> str:
    """A bench file: the first `units` of its four heaters on units of their own, every second one a
    2400; the others on a Qontrol chassis. `spare`: more instruments, at the end.
    """
    text = starting_text(Start(2, 1, name, seed=seed))
    for number in range(units):
        wire = f'chassis = "heaters-0", module = 0, channel = {number}'
        assert wire in text
        text = text.replace(wire, f'chassis = "smu-{number}", module = 0, channel = 0')
    more = [unit(number, old=number % 2 == 1) for number in range(units)]
    if units == 4:
        text = re.sub(
            r"\[\[instrument\]\] *# bank 0.*?(?=\n# |\n\[\[)", "", text, count=1, flags=re.S
        )
    return text.replace("\n[wiring]\n", "\n".join([*more, *spare]) + "\n[wiring]\n", 1)
