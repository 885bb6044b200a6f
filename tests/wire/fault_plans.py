"""What each model does in a storm of faults, and what must be true of its simulated instrument."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np

from drivers.quantity import Quantity, Value
from drivers.roles import LineProgram
from drivers.srs_dg645 import settings as dg645
from tests.sim_backends.source_meter_client import WatchedResistor
from tests.wire.fault_storm import TYPED, Plan, Storm, same

# -- switches --------------------------------------------------------------------------------------


async def select(storm: Storm) -> None:
    """Switch, and see where it stands."""
    before = storm.device.position
    way = storm.dice.randint(1, storm.driver.positions)
    try:
        await storm.driver.select(way)
    except TYPED:
        assert storm.device.position in (before, way)
        raise
    assert storm.device.position == way
    assert await storm.driver.position() == way


def parked(storm: Storm) -> None:
    """Where the bench's off state has it."""
    assert storm.device.position == 1


SWITCH = Plan(operations=(select,), options={"park": 1}, safe=parked, tells_copies=True)

# -- source meters ---------------------------------------------------------------------------------


async def meter_begins(storm: Storm) -> None:
    """A source of volts on a resistor."""
    unit = storm.device.unit
    unit.load = unit.own_load = load = WatchedResistor()
    load.driven(0.0)
    await storm.driver.source_volts(30e-3)


async def meter_level(storm: Storm) -> None:
    """Ramp the source to a level."""
    level = round(storm.dice.uniform(-5.0, 5.0), 3)
    await storm.driver.on()
    await storm.driver.set_level(level)
    assert storm.device.output
    assert math.isclose(storm.device.unit.load.seen[-1], level, abs_tol=0.02)


async def meter_measures(storm: Storm) -> None:
    """Measure what is over the resistor."""
    await storm.driver.on()
    found = await storm.driver.measure()
    volts = storm.device.unit.load.seen[-1]
    assert math.isclose(found.volts, volts, abs_tol=0.02)
    assert math.isclose(found.amperes, volts / 1000.0, abs_tol=5e-5)


def meter_outputs(storm: Storm) -> None:
    """What the bench allows: 6 V."""
    load = storm.device.unit.load
    assert max(map(abs, load.seen)) <= 6.01
    del load.seen[:-1]


def meter_off(storm: Storm) -> None:
    """Nothing over the resistor."""
    assert not storm.device.output
    assert storm.device.unit.load.seen[-1] == 0.0


METER = Plan(
    operations=(meter_level, meter_level, meter_measures),
    options={"max_volts": 6.0, "max_amperes": 0.05, "nplc": 0.1, "ramp_volts": 400.0},
    skip=frozenset({
        "function", "output", "level_volts", "level_amperes", "volts_limit", "amperes_limit",
        "volts_protection",  # it holds volts at a step of its own, below the level that was set
        "auto_clear", "source_volts_range_auto", "source_delay", "delay_volts", "nplc",
        "nplc_volts",
        "nplc_amperes", "terminals", "amperes_range_auto", "volts_range_auto", "filter_on",
        "filter_count", "count", "remote_sense",
    }),
    begin=meter_begins,
    outputs=meter_outputs,
    safe=meter_off,
)  # fmt: skip

# -- lasers ----------------------------------------------------------------------------------------


async def laser_on(storm: Storm) -> None:
    """Light."""
    await storm.driver.on()
    assert storm.device.source.power > 0.0
    assert await storm.driver.lit()


async def laser_power(storm: Storm) -> None:
    """Another power."""
    dbm = round(storm.dice.uniform(-10.0, 6.0), 2)
    await storm.driver.set_power_dbm(dbm)
    assert math.isclose(storm.device.source._level, 1e-3 * 10 ** (0.1 * dbm), rel_tol=2e-3)
    assert math.isclose(await storm.driver.read_power_dbm(), dbm, abs_tol=6e-3)


async def laser_wavelength(storm: Storm) -> None:
    """Another wavelength."""
    low, high = await storm.driver.wavelength_range()
    wavelength = round(storm.dice.uniform(low, high), 13)
    try:
        await storm.driver.set_wavelength(wavelength)
    except TYPED:
        assert low - 1e-12 <= storm.device.source._set <= high + 1e-12
        raise
    assert math.isclose(storm.device.source._set, wavelength, abs_tol=2e-13)
    assert math.isclose(await storm.driver.read_wavelength(), wavelength, abs_tol=2e-13)


def laser_outputs(storm: Storm) -> None:
    """Never more than the driver lets through, 13 dBm and the setting's error."""
    assert storm.device.source.power <= 20e-3 * 1.05


def dark(storm: Storm) -> None:
    """No light."""
    assert storm.device.source.power == 0.0
    assert not storm.device.source.diode


LASER: dict[str, Any] = {
    "operations": (laser_on, laser_power, laser_wavelength),
    "skip": frozenset(
        {
            "power_dbm",
            "wavelength",
            "diode",
            "shutter_open",
            "lit",
            "output",
            "attenuation",
            "power_control",
        }
    ),
    "outputs": laser_outputs,
    "safe": dark,
    "patience": 60.0,
}

# -- waveforms -------------------------------------------------------------------------------------


async def play(storm: Storm) -> None:
    """Load a frame and see it played after an edge."""
    driver, device = storm.driver, storm.device
    seed = storm.dice.randrange(2**32)
    volts = np.random.default_rng(seed).uniform(-0.9, 0.9, (40, driver.outputs))
    await driver.load(volts, 1e-6)
    await driver.arm()
    edge = math.floor(device.now() / 0.01 + 2) * 0.01
    await asyncio.sleep(edge + 1e-3 - device.now())
    device.advance()
    times = edge + device.latency + (np.arange(40) + 0.5) * 1e-6
    for channel, output in enumerate(device.outputs):
        expected = driver.quantise(volts)[:, channel]
        assert np.allclose(output.at(times), expected, atol=1e-4)


def generator_outputs(storm: Storm) -> None:
    """2 Vpp, as the driver was told."""
    device = storm.device
    device.advance()
    times = device.now() + np.arange(-20, 20) * 1e-6
    assert max(np.abs(output.at(times)).max() for output in device.outputs) <= 1.0 + 1e-3


def generator_off(storm: Storm) -> None:
    """Off."""
    assert not any(output.enabled for output in storm.device.outputs)


async def frame(storm: Storm) -> None:
    """Prepare, load, arm, fetch: what comes back is what was loaded."""
    driver = storm.driver
    seed = storm.dice.randrange(2**32)
    volts = np.random.default_rng(seed).uniform(-0.9, 0.9, (32, 2))
    await driver.prepare(1024e-9, 128, True)
    await driver.load(volts)
    await driver.arm(32)
    found = await driver.fetch(0, 32)
    assert np.allclose(found, driver.quantise(volts), atol=5e-3)


async def log(storm: Storm) -> None:
    """Log some points of all ports: what comes back is what the ports hold."""
    driver, points = storm.driver, storm.dice.randint(1, 400)
    await driver.arm(points)
    found = await driver.fetch(0, points)
    ports = [storm.device.ports[number - 1] for number in driver.ports]
    held = np.stack([port.result() for port in ports], axis=1)
    assert np.array_equal(found, held.astype(np.float32))


def no_log(storm: Storm) -> None:
    """No port logs."""
    assert not any(port.running for port in storm.device.ports)


def box_off(storm: Storm) -> None:
    """Both outputs off."""
    assert not any(output.enabled for output in storm.device.outputs)


# -- lines -----------------------------------------------------------------------------------------


async def run_lines(storm: Storm) -> None:
    """Load a program, run it to its end."""
    dice = storm.dice
    durations = np.array([dice.randint(10, 10_000) for _ in range(5)])
    masks = np.array([dice.randrange(256) for _ in range(5)], dtype=np.uint8)
    program = LineProgram(durations, masks, dice.randrange(256))
    await storm.driver.load(program)
    slot = storm.device.sequencer.slots[0]
    assert slot.program.masks.tolist() == masks.tolist()
    assert slot.program.durations.tolist() == durations.tolist()
    await storm.driver.start()
    playback = storm.device.sequencer.playback
    assert playback.program.masks.tolist() == masks.tolist()
    await asyncio.sleep(1e-3)
    assert await storm.driver.finished()
    assert storm.device.mask() == program.final


async def hold_lines(storm: Storm) -> None:
    """Hold the lines."""
    mask = storm.dice.randrange(256)
    await storm.driver.hold(mask)
    assert storm.device.mask() == mask


async def tell_lines(storm: Storm) -> None:
    """Whether it has finished."""
    assert await storm.driver.finished() == storm.device.sequencer.has_finished()


def lines_low(storm: Storm) -> None:
    """All low."""
    assert storm.device.mask() == 0


# -- voltages --------------------------------------------------------------------------------------


def volts_of(storm: Storm) -> np.ndarray:
    """What the outputs give."""
    if storm.model == "qontrol_q8":
        return storm.device.volts
    now = storm.device.now()
    return np.array([channel.wanted(now) for channel in storm.device.channels])


async def voltages_begin(storm: Storm) -> None:
    """Limits of this bench: 4 V, 20 mA."""
    count = storm.driver.channels if storm.model == "qontrol_q8" else 24
    storm.driver.set_limits(np.full(count, 4.0), np.full(count, 0.02))
    await storm.driver.apply_limits()


async def write_volts(storm: Storm) -> None:
    """Set some outputs."""
    await asyncio.sleep(0.1)  # what is slewing comes to rest
    count = len(volts_of(storm))
    chosen = np.array(sorted(storm.dice.sample(range(count), storm.dice.randint(1, count))))
    volts = np.array([round(storm.dice.uniform(0.0, 4.0), 3) for _ in chosen])
    before = volts_of(storm).copy()
    wanted = before.copy()
    wanted[chosen] = volts
    try:
        await storm.driver.write_volts(chosen, volts)
    except TYPED:
        await asyncio.sleep(0.1)
        now = volts_of(storm)
        new, old = np.isclose(now, wanted, atol=1e-3), np.isclose(now, before, atol=1e-3)
        assert (new | old).all()
        raise
    await asyncio.sleep(0.1)  # slewing
    assert np.allclose(volts_of(storm), wanted, atol=1e-3)


async def read_volts(storm: Storm) -> None:
    """Read all outputs."""
    await asyncio.sleep(0.1)
    assert np.allclose(await storm.driver.read_volts(), volts_of(storm), atol=0.02)


async def read_amps(storm: Storm) -> None:
    """Measure all currents: 800 ohm (1 kOhm) at every output."""
    await asyncio.sleep(0.1)
    amps = await storm.driver.read_amps()
    ohms = 800.0 if storm.model == "qontrol_q8" else storm.device.loads.ohms
    assert np.allclose(amps, volts_of(storm) / ohms, atol=1e-4)


def voltages_limited(storm: Storm) -> None:
    """Within this bench's limits."""
    volts = volts_of(storm)
    assert volts.min() >= -1e-3
    assert volts.max() <= 4.001


def voltages_off(storm: Storm) -> None:
    """0 V."""
    assert np.allclose(volts_of(storm), 0.0, atol=1e-3)


VOLTAGES: dict[str, Any] = {
    "operations": (write_volts, write_volts, write_volts, read_volts, read_amps),
    "begin": voltages_begin,
    "outputs": voltages_limited,
    "safe": voltages_off,
}

# -- a stage and a delay generator -----------------------------------------------------------------


def stage_truth(storm: Storm, quantity: Quantity, channel: int | str) -> Value:
    """What the controller has."""
    value = storm.device.read(int(quantity.command), 1)
    return int(value) if quantity.kind is int else float(value)


async def stage_point(storm: Storm) -> None:
    """Another set point."""
    celsius = storm.dice.randint(160, 480) / 16
    before = storm.device.settings[3000, 1]
    try:
        await storm.driver.set_setpoint_celsius(celsius)
    except TYPED:
        assert storm.device.settings[3000, 1] in (before, celsius)
        raise
    assert storm.device.settings[3000, 1] == celsius
    assert await storm.driver.read_setpoint_celsius() == celsius


async def stage_runs(storm: Storm) -> None:
    """On, measure, and off for good."""
    await storm.driver.on()
    assert storm.device.driving
    found = await storm.driver.read_temperature_celsius()
    assert math.isclose(found, storm.device.stage.object_celsius, abs_tol=0.05)
    await storm.driver.off(stop=True)
    assert not storm.device.driving


def stage_outputs(storm: Storm) -> None:
    """The current limit."""
    assert abs(storm.device.amps) <= max(4.0, storm.device.settings[2030, 1])


def delay_truth(storm: Storm, quantity: Quantity, channel: int | str) -> Value:
    """What the delay generator has."""
    number = storm.driver._number(quantity, channel)
    said = storm.ask(quantity.query(number).encode("ascii") + b"\n")
    return dg645.parse(quantity, said.decode("ascii").strip())


async def delay_set(storm: Storm) -> None:
    """Another delay."""
    seconds = round(storm.dice.uniform(0.0, 1e-3), 9)
    channel = storm.dice.choice("ACEG")
    number = "  ABCDEFGH".index(channel)
    before = storm.device.state.delays[number]
    try:
        await storm.driver.set_delay(channel, "T0", seconds)
    except TYPED:
        has = storm.device.state.delays[number]
        assert same(has, seconds) or same(has, before)
        raise
    assert math.isclose(storm.device.state.delays[number], seconds, abs_tol=5e-12)
    reference, told = await storm.driver.read_delay(channel)
    assert (reference, round(told, 9)) == ("T0", seconds)


async def delay_fire(storm: Storm) -> None:
    """Arm and fire: one cycle, never two."""
    await storm.driver.arm()
    storm.device.cycles.clear()
    try:
        await storm.driver.fire()
    except TYPED:
        assert len(storm.device.cycles) <= 1
        raise
    assert len(storm.device.cycles) == 1


def delay_outputs(storm: Storm) -> None:
    """-2 to 5 V into 50 ohm."""
    for output in range(5):
        assert all(-2.0 <= storm.device.volts(output, active) <= 5.0 for active in (False, True))


def delay_off(storm: Storm) -> None:
    """0 V, and no triggers."""
    assert [storm.device.volts(output, False) for output in range(5)] == [0.0] * 5


RED_PITAYA_PREPARED = frozenset({
    "function", "frequency", "amplitude", "offset", "burst", "cycles", "repetitions", "initial",
    "last", "output_trigger", "output", "format", "units", "gain", "average", "trigger_delay",
    "input_debounce", "output_debounce",
})  # fmt: skip
"""All that a frame depends on but the decimation, which is read (set, it would be another's)."""

PLANS: dict[str, Plan] = {
    "agiltron_selfalign": SWITCH,
    "keithley_2400": METER,
    "keithley_2450": METER,
    "keysight_33600a": Plan(
        operations=(play,) * 3,
        simulated={"jitter": 0.0},
        outputs=generator_outputs,
        safe=generator_off,
        skip=frozenset(
            {
                "output",
                "burst",
                "function",
                "offset",
                "amplitude",
                "unit",
                "load",
                "polarity",
                "mode",
                "sample_rate",
                "advance",
                "burst_mode",
                "cycles",
                "trigger_source",
                "trigger_slope",
                "trigger_delay",
                "byte_order",
                "filter",
                "phase",
                "frequency",
            }
        ),
        patience=40.0,
    ),
    "keysight_816x": Plan(options={"pin": "1234"}, **LASER),
    "keysight_n7744a": Plan(
        operations=(log,),
        options={"ports": (3, 1, 8)},
        simulated={"power_dbm": -3.0, "period": 0.3},
        safe=no_log,
        skip=frozenset(
            {
                "unit",
                "range_dbm",
                "auto_range",
                "averaging",
                "auto_gain",
                "wavelength",
                "trigger_input",
                "trigger_output",
                "trigger_routing",
            }
        ),
        patience=40.0,
    ),
    "meerstetter_tec1091": Plan(
        tells_copies=True,
        operations=(stage_point, stage_runs),
        truth=stage_truth,
        outputs=stage_outputs,
        skip=frozenset(
            {
                "setpoint_celsius",
                "input_selection",
                "output_enable",
                "low_error_celsius",
                "high_error_celsius",
                "current_error",
                "voltage_error",
                "current_limit",
                "voltage_limit",
            }
        ),
    ),
    "pulse_streamer": Plan(
        operations=(run_lines, run_lines, hold_lines, tell_lines),
        safe=lines_low,
        tells_copies=True,
    ),
    "qdevil_qdac2": Plan(
        skip=frozenset({"volts", "slew", "mode", "range", "filter", "current_range", "aperture"}),
        **VOLTAGES,
    ),
    "qontrol_q8": Plan(
        options={"modules": 2}, simulated={"modules": 2}, tells_copies=True, **VOLTAGES
    ),
    "red_pitaya": Plan(
        operations=(frame,) * 3,
        simulated={"period": 0.4},  # of which the stand-alone box remembers the last four
        safe=box_off,
        skip=RED_PITAYA_PREPARED,
        patience=40.0,
    ),
    "rigol_ds1000z": Plan(skip=frozenset({"trigger_source"})),  # some have no EXT
    "santec_tsl570": Plan(**LASER),
    "srs_dg645": Plan(
        operations=(delay_set, delay_set, delay_fire),
        truth=delay_truth,
        outputs=delay_outputs,
        safe=delay_off,
        skip=frozenset({"holdoff", "burst", "advanced_triggering", "prescale"}),
    ),
    "thorlabs_osw12": SWITCH,
}
"""Of a model that has none, the declared quantities are read and set, and it is switched off."""
