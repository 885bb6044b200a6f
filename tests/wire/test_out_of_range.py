"""Nothing that is out of range leaves, of any driver: no byte for a value, a type, or a channel
that cannot be, whether a declared quantity is set or a method is called.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.qdevil_qdac2 import Waveform
from drivers.quantity import Quantity
from drivers.registry import BUILT_IN, load
from drivers.roles.lines import LineProgram
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.memory import MemoryLink, MemoryNetwork
from drivers.wavelength_sweep import WavelengthSweep
from sim_backends.virtual_time import VirtualTimeLoop
from tests.wire.test_every_model import OPTIONS, served

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
NO_VALUE = (
    math.nan, math.inf, -math.inf, np.float32("nan"), np.float32("inf"), 1e300, -1e300, 10**400,
    -(10**400), None, "1", "MAX", "1;*RST", b"1", [1.0], np.array([1.0]), np.array(1.0),
    np.array([]), np.array([1.0, 2.0]), 1 + 0j, Decimal("NaN"), object(),
)  # fmt: skip
"""What no quantity of any kind can be set to."""
NO_CHANNEL = (-1, 999, "nowhere", "1;*RST", "1\n*RST", None, True, 1.5, math.nan, [1], (1,))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that leaves in memory from now on."""
    found: list[bytes] = []
    write = MemoryLink.write

    async def kept(self: MemoryLink, data: bytes) -> None:
        found.append(bytes(data))
        await write(self, data)

    monkeypatch.setattr(MemoryLink, "write", kept)
    return found


def run(model: str, scenario: Any) -> None:
    """Run a scenario with the model's driver opened on its simulated instrument."""

    async def whole() -> None:
        network = MemoryNetwork()
        _, resource = served(model, network)
        options = OPTIONS.get(model, {})
        async with load(model)("thing", resource, network, link=LINK, **options) as instrument:
            await scenario(instrument)
        await network.close()

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(asyncio.wait_for(whole(), 1e5))


def wrong(quantity: Quantity) -> Iterator[Any]:
    """What the quantity cannot be set to."""
    yield from NO_VALUE
    if quantity.kind is bool:
        yield from (0, 1, 1.0, np.int64(1), "ON")
    elif quantity.kind is str:
        yield from ("", "nonsense", f"{quantity.choices[0]} ", 0, True)
    else:
        yield from (True, np.True_, math.nextafter(quantity.low, -math.inf))
        yield math.nextafter(quantity.high, math.inf)
    if quantity.kind is int:
        yield from (quantity.low + 0.5, np.float64(quantity.low - 1))


def right(quantity: Quantity) -> Any:
    """What it can be set to."""
    if quantity.safe is not None:
        return quantity.safe
    if quantity.kind is bool:
        return True
    return quantity.choices[0] if quantity.choices else quantity.low


def channels_of(instrument: Instrument, quantity: Quantity) -> Sequence[int | str]:
    if isinstance(instrument, ScpiInstrument):
        return instrument.channels_of(quantity) or ("",)
    return quantity.channels or ((0,) if quantity.has_channels else ("",))


async def refused(call: Any, told: str, sent: list[bytes]) -> list[str]:
    """What is wrong with how a call was refused."""
    before = len(sent)
    try:
        await call
    except (ValueError, TypeError):
        how = ""
    except Exception as error:
        how = f"{type(error).__name__}: {error}"
    else:
        how = "it was taken"
    left = sent[before:]
    if left:
        how += f" and {left[0][:60]!r} has left"
    return [f"{told}: {how}"] if how else []


@pytest.mark.parametrize("model", sorted(BUILT_IN))
def test_no_byte_leaves_for_a_value_that_a_quantity_cannot_have(
    model: str, sent: list[bytes]
) -> None:
    async def scenario(instrument: Any) -> None:
        found: list[str] = []
        for quantity in instrument.quantities:
            if quantity.writable and hasattr(instrument, "set"):
                channel = channels_of(instrument, quantity)[0]
                for value in wrong(quantity):
                    told = f"{quantity.name} {channel!r} = {value!r:.40}"
                    found += await refused(instrument.set(quantity, value, channel), told, sent)
        assert not found, "\n".join(found)

    run(model, scenario)


@pytest.mark.parametrize("model", sorted(BUILT_IN))
def test_no_byte_leaves_for_a_channel_that_there_is_not(model: str, sent: list[bytes]) -> None:
    async def scenario(instrument: Any) -> None:
        found: list[str] = []
        for quantity in instrument.quantities:
            for channel in NO_CHANNEL:
                told = f"{quantity.name} of {channel!r}"
                if quantity.writable and hasattr(instrument, "set"):
                    value = right(quantity)
                    call = instrument.set(quantity, value, channel)
                    found += await refused(call, f"set {told} = {value!r}", sent)
                if quantity.readable and hasattr(instrument, "get"):
                    found += await refused(instrument.get(quantity, channel), f"get {told}", sent)
        assert not found, "\n".join(found)

    run(model, scenario)


LINES = LineProgram(np.array([500, 500]), np.array([1, 0], dtype=np.uint8), final=0)
SWEEP = WavelengthSweep(1540e-9, 1560e-9, speed=40e-9, step=10e-12)
SINE = Waveform("sine", frequency=20.0, span=1.0, offset=0.5)
NO_COUNT = (0, -2, 1.5, math.nan, math.inf, True, np.True_, "1", None, np.array([1.0]), 10**30, 1j)
NO_TIME = (-1.0, math.nan, math.inf, True, "1", None, np.array([1.0]), 10**400, 1j)
NO_LEVELS = (
    np.array([math.nan]), np.array([math.inf]), np.array([1e9]), np.array([[1.0]]), np.array(1.0),
    np.array([1.0, 2.0]), np.array([True]), np.array(["1"]), np.array([1j]), None, "1",
)  # fmt: skip
NO_PLACES = (
    np.array([-1]), np.array([10**6]), np.array([0.5]), np.array([math.nan]), np.array([True]),
    np.array(["0"]), np.array([[0]]), np.array([0, 0]), None,
)  # fmt: skip
FRAME = np.zeros((64, 2))
NO_FRAME = (
    np.full((64, 2), math.nan), np.full((64, 2), 1e6), np.zeros((64, 3)), np.zeros(64),
    np.zeros((0, 2)), np.zeros((64, 2), complex), np.full((64, 2), "1"), None,
)  # fmt: skip
VOLTS, AT = np.array([0.5]), np.array([0])
CALLS: dict[str, tuple[tuple[str, Any, Sequence[Any]], ...]] = {
    "agiltron_ff": (("select", lambda i, v: i.select(v), NO_COUNT),),
    "agiltron_selfalign": (("select", lambda i, v: i.select(v), NO_COUNT),),
    "thorlabs_osw12": (("select", lambda i, v: i.select(v), NO_COUNT),),
    "keithley_2400": (
        ("volts", lambda i, v: i.write_volts(AT, v), NO_LEVELS),
        ("channels", lambda i, v: i.write_volts(v, VOLTS), NO_PLACES),
        ("source_volts", lambda i, v: i.source_volts(v), NO_TIME),
        ("source_amperes", lambda i, v: i.source_amperes(v), NO_TIME),
    ),
    "keithley_2450": (
        ("volts", lambda i, v: i.write_volts(AT, v), NO_LEVELS),
        ("channels", lambda i, v: i.write_volts(v, VOLTS), NO_PLACES),
        ("source_volts", lambda i, v: i.source_volts(v), NO_TIME),
    ),
    "keysight_33600a": (
        ("volts", lambda i, v: i.load(v, 1e-5), NO_FRAME),
        ("dwell", lambda i, v: i.load(FRAME, v), (0.0, *NO_TIME)),
        ("sync", lambda i, v: i.sync(v), (0, -1, 3, 99, 1.5, math.nan, "1", None)),
    ),
    "keysight_816x": (
        ("available", lambda i, v: i.power_available(v, 1550e-9), NO_TIME),
        ("available to", lambda i, v: i.power_available(1550e-9, v), NO_TIME),
        ("power", lambda i, v: i.set_power(v), NO_TIME),
        ("pin", lambda i, v: i.unlock(v), ("", "1;*RST", b"1234", None, 1234, True)),
        ("start", lambda i, v: i.sweep.start(v), NO_TIME),
        ("finish", lambda i, v: i.sweep.finish(v), (-1.0, math.nan, math.inf, True, "1", 1j)),
        ("begin", lambda i, v: i.sweep.set_up(SWEEP, v), ("", "soft", None, 1)),
        ("speed", lambda i, v: i.sweep.set_up(replace(SWEEP, speed=v)), (1e-12, 1.0)),
        ("step", lambda i, v: i.sweep.set_up(replace(SWEEP, step=v)), (1e-15,)),
    ),
    "keysight_infiniivision": (
        ("arm", lambda i, v: i.arm(v), NO_COUNT),
        ("segments", lambda i, v: i.arm_segments(100, v), NO_COUNT),
        ("points of segments", lambda i, v: i.arm_segments(v, 2), NO_COUNT),
    ),
    "keysight_n7744a": (
        ("arm", lambda i, v: i.arm(v), NO_COUNT),
        ("input", lambda i, v: i.read_input(v), (*NO_COUNT, 9)),
        ("watch", lambda i, v: i.watch(v, 1550e-9), (*NO_COUNT, 9)),
        ("wavelength", lambda i, v: i.watch(1, v), NO_TIME),
        ("total", lambda i, v: i.stability(v, 0.1, 0.01), NO_TIME),
        ("period", lambda i, v: i.stability(1.0, v, 0.01), NO_TIME),
        ("averaging", lambda i, v: i.stability(1.0, 0.1, v), NO_TIME),
    ),
    "meerstetter_tec1091": (
        ("timeout", lambda i, v: i.wait_until_stable(v), NO_TIME),
        ("interval", lambda i, v: i.wait_until_stable(1.0, v), NO_TIME),
        ("setpoint", lambda i, v: i.set_setpoint_celsius(v), (9.9, 60.1, *NO_TIME)),
    ),
    "polatis": (
        ("input", lambda i, v: i.connect({v: 17}), (0, -1, 17, 1.5, True, "1", None)),
        ("output", lambda i, v: i.connect({1: v}), (0, 16, 33, 17.0, True, "17", None)),
        ("only", lambda i, v: i.only({1: v}), (0, 16, 33, 17.0, True, "17", None)),
        ("states", lambda i, v: i.port_states([v]), (0, 33, 1.5, True, "1", None)),
    ),
    "pulse_streamer": (
        ("mask", lambda i, v: i.hold(v), (-1, 256, 1.5, math.nan, True, "1", None)),
        ("analog", lambda i, v: i.hold(0, v), ((math.nan, 0.0), (0.0, 1.1), (0.0,), (0.0,) * 3)),
        ("runs", lambda i, v: i.stream(LINES, v), NO_COUNT),
        ("final", lambda i, v: i.stream(LINES, final_analog=v), ((0.0, -1.1), (True, 0.0))),
        ("slot", lambda i, v: i.upload(v, LINES), (2, -1, 0.0, math.nan, True, "0", None)),
        ("slots", lambda i, v: i.start_slots(0, v), NO_COUNT),
        ("from slot", lambda i, v: i.start_slots(v), (2, -1, 1.0, math.nan, True, "0", None)),
        ("ready", lambda i, v: i.ready_for_data(v), (2, -1, 1.0, math.nan, True, "0", None)),
    ),
    "qdevil_qdac2": (
        ("volts", lambda i, v: i.write_volts(AT, v), NO_LEVELS),
        ("channels", lambda i, v: i.write_volts(v, VOLTS), NO_PLACES),
        ("periods", lambda i, v: i.play_waveform(1, SINE, v), NO_COUNT),
        ("output", lambda i, v: i.play_waveform(v, SINE), (*NO_COUNT, 25)),
        ("span", lambda i, v: i.play_waveform(1, replace(SINE, span=v)), (10.1, *NO_TIME[:3])),
        ("aperture", lambda i, v: i.set_aperture(v), NO_TIME),
    ),
    "qontrol_q8": (
        ("volts", lambda i, v: i.write_volts(AT, v), NO_LEVELS),
        ("channels", lambda i, v: i.write_volts(v, VOLTS), NO_PLACES),
        ("amps", lambda i, v: i.write_amps(AT, v), NO_LEVELS),
        ("channels of amps", lambda i, v: i.write_amps(v, VOLTS / 1e3), NO_PLACES),
    ),
    "red_pitaya": (
        ("dwell", lambda i, v: i.prepare(v, 128, True), NO_TIME),
        ("decimation", lambda i, v: i.prepare(1e-5, v, True), (*NO_COUNT, 3)),
        ("volts", lambda i, v: i.load(v, 1e-5), NO_FRAME),
    ),
    "rigol_ds1000z": (("arm", lambda i, v: i.arm(v), NO_COUNT),),
    "santec_tsl570": (
        ("power", lambda i, v: i.set_power(v), NO_TIME),
        ("start", lambda i, v: i.sweep.start(v), NO_TIME),
        ("begin", lambda i, v: i.sweep.set_up(SWEEP, v), ("", "soft", None, 1)),
        ("speed", lambda i, v: i.sweep.set_up(replace(SWEEP, speed=v)), (1e-12, 1.0, 41e-9)),
        ("step", lambda i, v: i.sweep.set_up(replace(SWEEP, step=v)), (1e-15,)),
    ),
    "srs_dg645": (
        ("delay", lambda i, v: i.set_delay("A", "T0", v), (2001.0, *NO_TIME[1:])),
        ("channel", lambda i, v: i.set_delay(v, "T0", 1e-6), ("", "T0", "Z", None, 1)),
        ("reference", lambda i, v: i.set_delay("A", v, 1e-6), ("", "T1", "Z", None, 1)),
        ("start", lambda i, v: i.pulse("AB", v, 1e-6), NO_TIME),
        ("width", lambda i, v: i.pulse("AB", 0.0, v), NO_TIME),
        ("count", lambda i, v: i.burst(v, 1e-5), NO_COUNT),
        ("period", lambda i, v: i.burst(2, v), (0.0, *NO_TIME)),
        ("amplitude", lambda i, v: i.set_level("AB", v), (0.1, 5.1, *NO_TIME)),
        ("output", lambda i, v: i.set_level(v, 1.0), ("", "A", "XY", None, 1)),
    ),
    "thorlabs_pm100": (
        ("most", lambda i, v: i.zero(most=v), NO_TIME),
        ("timeout", lambda i, v: i.zero(timeout=v), NO_TIME),
        ("input", lambda i, v: i.read_input(v), (*NO_COUNT, 2)),
        ("averages", lambda i, v: i.set_averages(v), NO_COUNT),
        ("range", lambda i, v: i.set_range(v), (0.0, *(v for v in NO_TIME if v is not None))),
    ),
}
"""Of each model: methods with an argument, and what that cannot be."""


def test_every_model_has_methods_that_are_called() -> None:
    assert set(CALLS) == set(BUILT_IN)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", sorted(CALLS))
def test_no_byte_leaves_for_an_argument_that_cannot_be(model: str, sent: list[bytes]) -> None:
    async def scenario(instrument: Any) -> None:
        found: list[str] = []
        for what, call, values in CALLS[model]:
            for value in values:
                told = f"{what} = {value!r:.40}"
                before = len(sent)
                found += await refused(call(instrument, value), told, sent)
                # A laser is asked once how far it reaches, which sets nothing.
                assert all(b"?" in data for data in sent[before:]), told
        assert not found, "\n".join(found)

    run(model, scenario)
