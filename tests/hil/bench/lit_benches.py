"""Small benches whose light comes from a laser, by fibre switches, and is tapped on its way."""

from __future__ import annotations

LINK = "link = { latency = 0.002, bytes_per_second = 5.0e5 }\n"


def instrument(name: str, driver: str, resource: str, more: str = "") -> str:
    """A table of one instrument."""
    return (
        f'\n[[instrument]]\nname = "{name}"\ndriver = "{driver}"\nresource = "{resource}"\n'
        f"{LINK}{more}\n"
    )


LIGHT = '\n[light]\nlaser = "laser"\npower_dbm = 10.0\nwavelength = 1.55e-6\n'
MAINFRAME = instrument("laser", "keysight_816x", "TCPIP::laser::5025::SOCKET")
METER = instrument("tap", "thorlabs_pm100", "TCPIP::tap::hislip0::INSTR")
ROUTER = instrument("router", "thorlabs_osw12", "ASRL/dev/router::INSTR")
MATRIX = instrument("matrix", "polatis", "TCPIP::matrix::5025::SOCKET")
TAP = '\n[[tap]]\nmeter = "tap"\ninput = 1\nshare = 0.01\n'
PORT_TAP = '\n[[tap]]\nmeter = "tap"\ninput = 1\nof = "port"\nport = 1\nshare = 0.01\n'
ROUTE = '\n[[route]]\nswitch = "router"\nposition = 2\n'
JOINED = '\n[[route]]\nswitch = "matrix"\nconnect = [[1, 17]]\n'


def tables(*parts: str) -> dict[str, str]:
    """What to replace in a starting file, so that it has these tables too."""
    return {"\n[wiring]\n": "".join(parts) + "\n[wiring]\n"}
