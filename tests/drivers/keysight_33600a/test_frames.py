"""Keysight 33600A: frames are uploaded, armed and played, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.errors import IdentityError, InstrumentError
from drivers.keysight_33600a import QUANTITIES, Segment
from drivers.roles import InputSource
from tests.drivers.keysight_33600a.conftest import (
    LARGE,
    SINGLE,
    asked,
    chosen,
    prepared,
    told,
    uploaded,
)


def test_opening_identifies_and_sets_nothing(play) -> None:
    async def scenario(awg) -> None:
        assert awg.identity.model == "33522B"
        assert awg.identity.serial == "MY50005619"
        assert isinstance(awg, InputSource)
        assert (awg.outputs, awg.max_points, awg.min_dwell) == (2, 1_000_000, 16e-9)
        assert awg.full_scale.tolist() == [1.0, 1.0]

    play([], scenario)


def test_one_channel_and_other_models(play) -> None:
    async def scenario(awg) -> int:
        return awg.outputs

    assert play([], scenario, SINGLE) == 1
    assert play([], scenario, LARGE) == 2
    with pytest.raises(IdentityError, match="33250A"):
        play([], scenario, b"Agilent Technologies,33250A,0,2.01\n")
    with pytest.raises(IdentityError, match="33622A"):
        play([], scenario, expect={"model": "33622A"})


def test_a_frame_is_uploaded_armed_and_not_sent_again(play) -> None:
    volts = np.stack([np.linspace(-1, 1, 16), np.full(16, 0.5)], axis=1)
    words = np.rint(volts * 32767).astype(int)
    entries = [
        *prepared(), uploaded(1, words[:, 0]), uploaded(2, words[:, 1]), chosen(1, 2),
        *told(b"TRIG1:SOUR EXT;:TRIG2:SOUR EXT"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        await awg.arm()
        await awg.load(volts, 1e-6)
        await awg.arm()
        assert awg.quantise(volts) == pytest.approx(volts, abs=2.0 / 65534)

    play(entries, scenario)


def test_bytes_that_look_like_line_ends_and_fourteen_bits(play) -> None:
    """On a 33600A words are multiples of four: what is sent is what is played."""
    volts = np.zeros((32, 2))
    volts[:3, 0] = 0.0784, 1.0, -1.0  # 0x0A08: a line feed inside the block
    words = np.zeros(32, dtype=int)
    words[:3] = 0x0A08, 32764, -32764
    entries = [*prepared(), uploaded(1, words), uploaded(2, np.zeros(32)), chosen(1, 2)]

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        assert awg.max_points == 4_000_000
        assert awg.quantise(volts)[:3, 0] * 32767 == pytest.approx([0x0A08, 32764, -32764])

    play(entries, scenario, LARGE)


def test_few_samples_are_stored_several_times(play) -> None:
    volts = np.array([[0.5], [-0.5], [0.0]])
    words = np.repeat(np.array([16384, -16384, 0]), 3)
    fast = b"3000000"
    entries = [
        *prepared(1), uploaded(1, words), chosen(1, rate=fast, shown=b"+3.000000000000000E+06"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)

    play(entries, scenario, SINGLE)


def test_a_sequence_rests_at_zero_until_the_edge(play) -> None:
    volts = np.full((16, 1), 0.5)
    text = b'"TRIGGERED","REST",0,onceWaitTrig,lowAtStart,4,"FRAME",0,once,highAtStart,4'
    head = b"TRIG1:SOUR BUS;:SOUR1:FUNC DC;:SOUR1:DATA:VOL:CLE;:"
    entries = [
        *prepared(1), uploaded(1, np.zeros(8), b"REST", head),
        uploaded(1, np.full(16, 16384), head=b""),
        *told(b"SOUR1:DATA:SEQ #2%d%b" % (len(text), text)),
        chosen(1, name=b"TRIGGERED", burst=b"OFF"),
        *told(b"TRIG1:SOUR EXT"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.load(volts, 1e-6)
        await awg.arm()
        assert awg.max_points == 1_000_000 - 8

    play(entries, scenario, SINGLE, start="sequence")


def test_off(play) -> None:
    entries = told(
        b"OUTP1 OFF;:OUTP2 OFF", b"SOUR1:BURS:STAT OFF;:SOUR2:BURS:STAT OFF",
        b"SOUR1:AM:STAT OFF;:SOUR2:AM:STAT OFF", b"SOUR1:FM:STAT OFF;:SOUR2:FM:STAT OFF",
        b"SOUR1:PM:STAT OFF;:SOUR2:PM:STAT OFF", b"SOUR1:FSK:STAT OFF;:SOUR2:FSK:STAT OFF",
        b"SOUR1:SWE:STAT OFF;:SOUR2:SWE:STAT OFF",
        b"SOUR1:FUNC DC;:SOUR2:FUNC DC", b"SOUR1:VOLT:OFFS 0;:SOUR2:VOLT:OFFS 0",
    )  # fmt: skip

    async def scenario(awg) -> None:
        await awg.off()
        with pytest.raises(InstrumentError, match=r"load\(\) first"):
            await awg.arm()

    play(entries, scenario)


def test_sync_and_sequences_of_ones_own(play) -> None:
    low, high = np.full(8, -1.0), np.linspace(0.0, 1.0, 16)
    segments = [
        Segment("idle", low, "onceWaitTrig", marker="lowAtStart"),
        Segment("up", high, "repeat", 3, "highAtStartGoLow", 5),
        Segment("idle", low, "repeatTilTrig"),
    ]
    text = (
        b'"mine","idle",0,onceWaitTrig,lowAtStart,4,"up",3,repeat,highAtStartGoLow,5,'
        b'"idle",0,repeatTilTrig,maintain,4'
    )
    entries = [
        *told(b"OUTP:SYNC:SOUR CH2", b"OUTP:SYNC ON"), *prepared(),
        *told(b"OUTP2 OFF", b"SOUR2:BURS:STAT OFF"),
        uploaded(2, np.full(8, -32767), b"idle"),
        uploaded(2, np.rint(high * 32767), b"up", b""),
        *told(b"SOUR2:DATA:SEQ #3%d%b" % (len(text), text)),
        chosen(2, name=b"mine", burst=b"OFF"), *told(b"TRIG2:SOUR EXT"),
    ]  # fmt: skip

    async def scenario(awg) -> None:
        await awg.sync(2)
        await awg.load_sequence(2, "mine", segments, 1e-6)

    play(entries, scenario)


def test_settings_are_declared_and_read(play) -> None:
    replies = {
        "INT:FUNC": b"TRI",
        "BURS:MODE": b"TRIG", "FUNC": b"SIN", "UNIT": b"VPP", "POL": b"NORM", "MODE": b"NORM",
        "FILT": b"NORM", "ADV": b"SRAT", "TRIG1:SOUR": b"IMM", "SLOP": b"POS", "BORD": b"NORM",
        "SYNC:SOUR": b"CH1", "STAT": b"0", "OUTP1": b"0", "SYNC": b"1",
        "M:SOUR": b"INT", "SPAC": b"LOG",
    }  # fmt: skip
    entries = []
    for quantity in QUANTITIES:
        header = quantity.header(1)
        reply = next(
            (text for end, text in replies.items() if header.endswith(end)),
            b"+1.000000000000000E+00",
        )
        entries.append(asked(header.encode() + b"?", reply))

    async def scenario(awg) -> dict:
        return await awg.read_settings()

    found = play(entries, scenario, SINGLE)
    assert found["function"] == {"1": "SIN"}
    assert found["offset"] == {"1": 1.0}
    assert found["sync_source"] == "CH1"
    assert list(found) == [quantity.name for quantity in QUANTITIES]


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("am", True, b"SOUR1:AM:STAT ON"), ("am_depth", 50.0, b"SOUR1:AM:DEPT 50"),
        ("am_frequency", 100.0, b"SOUR1:AM:INT:FREQ 100"),
        ("am_shape", "TRI", b"SOUR1:AM:INT:FUNC TRI"), ("am_source", "EXT", b"SOUR1:AM:SOUR EXT"),
        ("fm_deviation", 5e3, b"SOUR1:FM:DEV 5000"), ("pm_deviation", 90.0, b"SOUR1:PM:DEV 90"),
        ("fsk_frequency", 2e4, b"SOUR1:FSK:FREQ 20000"),
        ("fsk_rate", 10.0, b"SOUR1:FSK:INT:RATE 10"),
        ("sweep_start", 100.0, b"SOUR1:FREQ:STAR 100"),
        ("sweep_stop", 1e3, b"SOUR1:FREQ:STOP 1000"),
        ("sweep_time", 0.5, b"SOUR1:SWE:TIME 0.5"), ("sweep_spacing", "LOG", b"SOUR1:SWE:SPAC LOG"),
        ("sweep", True, b"SOUR1:SWE:STAT ON"), ("voltage_max", 1.2, b"SOUR1:VOLT:LIM:HIGH 1.2"),
        ("voltage_min", -1.2, b"SOUR1:VOLT:LIM:LOW -1.2"),
        ("voltage_limited", True, b"SOUR1:VOLT:LIM:STAT ON"),
    ],
)  # fmt: skip
def test_modulation_sweeps_and_limits_in_exact_bytes(play, name, value, sent) -> None:
    async def scenario(awg) -> None:
        (quantity,) = (one for one in QUANTITIES if one.name == name)
        await awg.set(quantity, value, 1)

    play(told(sent), scenario)
