"""Serial numbers of instruments to which a bench file gives none: no two of one kind are alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sim_backends.bench_file import BenchFile

USUAL: Mapping[str, str] = {
    "keithley_2400": "1234567",
    "keithley_2450": "04488850",
    "keysight_33600a": "MY53800001",
    "keysight_816x": "DE45601234",
    "keysight_infiniivision": "MY00000001",
    "keysight_n7744a": "MY49700101",
    "meerstetter_tec1091": "5021",
    "polatis": "002414",
    "qdevil_qdac2": "242",
    "rigol_ds1000z": "DS1ZA000000001",
    "santec_tsl570": "21020001",
    "srs_dg645": "008011",
    "thorlabs_pm100": "P0012345",
}
"""That of the first of a kind, by driver; the others of it follow. Drivers that are not here tell
none, or what a device without one tells.
"""


def serials(file: BenchFile) -> dict[str, str]:
    """Serial numbers of the instruments whose `identity` has none, by name."""
    taken = {(one.driver, one.identity.get("serial")) for one in file.instruments}
    given: dict[str, str] = {}
    for one in file.instruments:
        if "serial" in one.identity or one.driver not in USUAL:
            continue
        serial = USUAL[one.driver]
        while (one.driver, serial) in taken:
            serial = _next(serial)
        taken.add((one.driver, serial))
        given[one.name] = serial
    return given


def _next(serial: str) -> str:
    """The serial number that follows: the digits at its end count."""
    return re.sub(r"\d+$", lambda digits: f"{int(digits[0]) + 1:0{len(digits[0])}d}", serial)
