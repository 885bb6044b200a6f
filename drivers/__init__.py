"""How the instruments of a bench are spoken to: bytes, dialects, models, roles.

From the bottom up:

- `drivers.transport`: byte links. `RealConnector` opens TCP sockets, serial ports and VISA
  sessions; `MemoryNetwork` hosts named endpoints in this process under the same resource strings.
- `drivers.protocol`: dialects that several models share (SCPI), or that one vendor needs.
- `drivers.instrument`: what every driver has: explicit `open` and `close`, an identity that is
  checked, one lock a link, resynchronisation after a time-out, a clock of its exchanges; and
  `drivers.scpi_instrument`: the base of those that speak SCPI.
- one module or package a model, found by name in `drivers.registry`, which other packages can add
  to; `python -m drivers list` shows them all.
- `drivers.roles`: what a bench needs of an instrument, whatever its model, and
  `drivers.composites`: several instruments as one role.

Every driver is made without I/O, and then opened::

    from drivers.link_model import LinkModel
    from drivers.qontrol_q8 import QontrolQ8
    from drivers.transport.real import RealConnector

    heaters = QontrolQ8(
        "heaters-0",
        "ASRL/dev/ttyUSB0::INSTR",
        RealConnector(),
        link=LinkModel(latency=0.016, bytes_per_second=11520.0),
        expect={"model": "Q8iv"},
        modules=8,
    )
    await heaters.open()
    try:
        await heaters.write_volts(np.array([0, 1]), np.array([1.5, 2.0]))
    finally:
        await heaters.off()
        await heaters.close()

Units are SI throughout. A value out of range, NaN or inf raises `LimitError` before a byte leaves.
The package knows neither torch nor the layers above it, nor the simulated instruments.
"""

from __future__ import annotations

import logging

# A program that wants the drivers' log configures it; none of it may clutter a command's output.
logging.getLogger(__name__).addHandler(logging.NullHandler())
