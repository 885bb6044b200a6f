"""What holds for every registered driver, and what the small value types hold to."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest

from drivers import roles
from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.quantity import Quantity
from drivers.registry import BUILT_IN, load
from drivers.roles import LineProgram
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.resource import ResourceError

DRIVERS = {name: load(name) for name in sorted(BUILT_IN)}
QUANTITIES = [
    pytest.param(quantity, f"{name}.{quantity.name}", id=f"{name}.{quantity.name}")
    for name, driver in DRIVERS.items()
    for quantity in driver.quantities
]
RESOURCES = {
    "tcp": "TCPIP::thing::5025::SOCKET",
    "serial": "ASRL/dev/ttyUSB0::INSTR",
    "usb": "USB::0x1313::0x8078::P0001::0::INSTR",
    "gpib": "GPIB0::12::INSTR",
    "vxi11": "TCPIP::thing::inst0::INSTR",
    "hislip": "TCPIP::thing::hislip0::INSTR",
}
LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)
DOCS = Path(__file__).parents[2] / "docs" / "instruments"

NO_QUESTION = {
    "agiltron_ff": "its question has no end of line: it would stay in another kind's input",
    "agiltron_selfalign": "it acknowledges, and answers nothing else",
}
"""Drivers whose instruments cannot be asked who they are, and why."""
NO_OUTPUT = {
    "keysight_33600a.amplitude": "volts of a waveform's full scale: OUTPUT says whether they leave",
    "keysight_n7744a.range_dbm": "the range of a meter",
    "keysight_816x.power_dbm": "EMISSION says whether it leaves",
    "santec_tsl570.power_dbm": "DIODE and SHUTTER_OPEN say whether it leaves",
    "srs_dg645.amplitude": "volts of a pulse: without triggers outputs rest at their offset",
    "red_pitaya.amplitude": "volts of a waveform's 1: OUTPUT says whether they leave",
    "red_pitaya.input_offset": "of an input",
    "keysight_infiniivision.offset": "of an input",
    "rigol_ds1000z.offset": "of an input",
    "thorlabs_pm100.power_reference": "what a meter shows differences from",
}
"""Quantities in V, A or W that can be set and have no safe value, and why they need none."""
_LIMITS = re.compile(
    r"_(max|min|limit|error|range|compliance|protection|threshold)\b|_level$|^trigger"
)
_RANGE = re.compile(r"\((?P<low>[-+\d.e]+) to (?P<high>[-+\d.e]+)\)\.$")


class Untouchable:
    """A connector with which nothing may be opened."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(f"a constructor asked for {name}")


def made(name: str, kind: str) -> Instrument:
    """An instrument of this driver on a link of this kind; no loop is running."""
    return DRIVERS[name]("thing", RESOURCES[kind], Untouchable(), link=LINK)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DRIVERS)
def test_constructors_do_no_io_and_look_alike(name: str) -> None:
    driver = DRIVERS[name]
    assert driver.links
    for kind in RESOURCES:
        if kind in driver.links:
            thing = made(name, kind)
            assert (thing.name, thing.exchanges, thing.busy) == ("thing", 0, {})
            assert not thing.is_open
            assert thing.identity is None
        else:
            host_alone = not issubclass(driver, ScpiInstrument) and kind in ("vxi11", "hislip")
            if not host_alone:  # drivers that open several ports take any resource with a host
                with pytest.raises(ResourceError):
                    made(name, kind)
    parameters = inspect.signature(driver).parameters
    assert list(parameters)[:5] == ["name", "resource", "connector", "link", "expect"]
    assert "timeout" in parameters
    assert all(
        parameter.kind is inspect.Parameter.KEYWORD_ONLY
        for parameter in list(parameters.values())[3:]
    )


@pytest.mark.parametrize("name", DRIVERS)
def test_everything_public_is_documented(name: str) -> None:
    driver = DRIVERS[name]
    assert inspect.getdoc(inspect.getmodule(driver))
    assert driver.__doc__
    for member_name, member in inspect.getmembers(driver):
        if not member_name.startswith("_") and (
            inspect.isfunction(member) or isinstance(member, property)
        ):
            assert inspect.getdoc(member), f"{driver.__name__}.{member_name} has no docstring"
    assert inspect.iscoroutinefunction(driver.off)


@pytest.mark.parametrize("name", DRIVERS)
def test_what_a_driver_declares_of_itself(name: str) -> None:
    driver = DRIVERS[name]
    assert driver.models
    for model in driver.models:
        re.compile(model)
    assert set(driver.links) <= set(RESOURCES)
    for role in driver.roles:
        assert hasattr(roles, role), f"{role} is no role"
    assert driver.quantities
    names = [quantity.name for quantity in driver.quantities]
    assert len(set(names)) == len(names)
    if issubclass(driver, ScpiInstrument):
        assert not driver.greeting  # it is *IDN?
        instrument = made(name, driver.links[0])
        assert isinstance(instrument, ScpiInstrument)
        for quantity in driver.quantities:
            assert bool(instrument.channels_of(quantity)) == quantity.has_channels, quantity.name
    elif name not in NO_QUESTION:
        assert driver.greeting, "say what open() asks first, so that identify can try it"


@pytest.mark.parametrize(("quantity", "where"), QUANTITIES)
def test_every_declared_quantity(quantity: Quantity, where: str) -> None:
    """Docstring grammar; limits of all that can be set, as the docstring says; a safe value."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", quantity.name)
    assert re.fullmatch(r"(Control|Get|Measure|Set) [^.]+(\.[^.]+)*\.", quantity.doc), quantity.doc
    if quantity.unit:
        assert re.search(rf" in {re.escape(quantity.unit)}( \(|\.$)", quantity.doc), quantity.doc
    else:
        assert not re.search(r" in (V|A|W|s|Hz|m|K|dBm|degC) \(", quantity.doc), quantity.doc
    if quantity.kind in (float, int) and quantity.writable:
        assert math.isfinite(quantity.low)
        assert math.isfinite(quantity.high)
        said = _RANGE.search(quantity.doc)
        assert said, f"{quantity.doc!r} does not end in (<low> to <high>)."
        assert float(said["low"]) == pytest.approx(quantity.low)
        assert float(said["high"]) == pytest.approx(quantity.high)
    if quantity.safe is not None:
        assert quantity.writable
        quantity.check(quantity.safe, instrument="test")
    drives = quantity.writable and quantity.unit in ("V", "A", "W", "dBm")
    if drives and not _LIMITS.search(quantity.name) and where not in NO_OUTPUT:
        assert quantity.safe is not None, "an output needs a safe value"


@pytest.mark.parametrize("name", DRIVERS)
def test_every_model_has_its_page(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text()
    for part in ("## Wiring", f'driver = "{name}"', "resource = ", f"--instrument {name}"):
        assert part in page, f"docs/instruments/{name}.md has no {part}"
    assert f"[{name}]({name}.md)" in (DOCS / "README.md").read_text()


def test_link_model() -> None:
    link = LinkModel(latency=0.016, bytes_per_second=11520.0)
    assert link.cost(135, 24) == pytest.approx(0.016 + 159 / 11520)
    assert link.cost(0, exchanges=4) == pytest.approx(0.064)
    uneven = LinkModel(latency=0.0, bytes_per_second=1.0, read_bytes_per_second=10.0)
    assert uneven.cost(3, 20) == pytest.approx(5.0)
    for latency, rate in ((-1.0, 1.0), (float("nan"), 1.0), (0.0, 0.0), (0.0, float("nan"))):
        with pytest.raises(ValueError, match="link"):
            LinkModel(latency, rate)


def test_line_programs() -> None:
    program = LineProgram(np.array([512, 488]), np.array([1, 0], dtype=np.uint8), final=2)
    assert program.duration == pytest.approx(1e-6)
    same = LineProgram(np.array([512.0, 488.0]), np.array([1, 0]), final=2)  # type: ignore[arg-type]
    assert program == same
    assert hash(program) == hash(same)
    assert program != LineProgram(program.durations_ns, program.masks, final=3)
    for durations, masks, final in (
        ([], [], 0), ([1], [1, 2], 0), ([0], [1], 0), ([-5], [1], 0), ([1.5], [1], 0),
        ([1], [256], 0), ([1], [-1], 0), ([1], [1], 256), ([[1]], [[1]], 0),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"program|mask|durations|step"):
            LineProgram(np.array(durations), np.array(masks), final)
