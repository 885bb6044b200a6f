"""Each instrument of a bench file by a link that its driver has, whichever driver that is."""

from __future__ import annotations

import pytest

from hil.bench.errors import BenchFileError
from hil.bench.file import parse
from hil.bench.writing import Start, starting_text


def file_with(driver: str, resource: str) -> str:
    table = (
        f'[[instrument]]\nname = "spare"\ndriver = "{driver}"\nresource = "{resource}"\n'
        "link = { latency = 0.001, bytes_per_second = 1e6 }\n"
    )
    return f"{starting_text(Start(2, 1, 'b'))}\n{table}"


@pytest.mark.parametrize(
    ("driver", "resource", "form"),
    [
        ("meerstetter_tec1091", "USB0::1::2::3::INSTR", "a serial port such as 'ASRL/dev/ttyUSB0"),
        ("rigol_ds1000z", "TCPIP::s::hislip0::INSTR", "TCPIP::host::5555::SOCKET' or USB such as"),
        ("polatis", "ASRL/dev/ttyUSB7::INSTR", "a host and port such as 'TCPIP::host::5025::SOCK"),
    ],
)
def test_a_link_that_the_driver_has_not(driver: str, resource: str, form: str) -> None:
    with pytest.raises(BenchFileError) as refused:
        parse(file_with(driver, resource), source="b")
    assert f"instrument.3.resource: a {driver!r} is reached by " in str(refused.value)
    assert form in str(refused.value)
    assert f"not {resource!r}" in str(refused.value)


@pytest.mark.parametrize(
    ("driver", "resource"),
    [
        ("meerstetter_tec1091", "TCPIP::stage::50000::SOCKET"),
        ("rigol_ds1000z", "TCPIP::scope::INSTR"),
        ("polatis", "TCPIP::matrix::INSTR"),
        ("keithley_2400", "GPIB0::24::INSTR"),
    ],
)
def test_a_link_that_the_driver_has(driver: str, resource: str) -> None:
    assert parse(file_with(driver, resource), source="b").instruments[3].resource == resource
