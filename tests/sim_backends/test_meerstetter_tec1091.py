"""The simulated TEC-1091: frames of the sheet, refusals, states, regulation."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.instrument import OptionError, Placement
from sim_backends.meerstetter_tec1091 import Tec1091
from sim_backends.meerstetter_tec1091.frame import checksum, read_request
from sim_backends.meerstetter_tec1091.parameters import TABLE


class Bench:
    """A device, a clock that is set by hand, and a port."""

    def __init__(self, **options) -> None:
        self.time = 0.0
        self.device = Tec1091(lambda: self.time, **options)
        self.said = b""
        self.port = self.device.converse(self._hear)
        self.sequence = 0

    def _hear(self, data: bytes) -> None:
        self.said += data

    def raw(self, data: bytes) -> bytes:
        self.said = b""
        self.port.receive(data)
        return self.said

    def ask(self, payload: str, address: int = 0) -> bytes:
        """The payload of the answer; None stands for silence, b"" for an acknowledgement."""
        self.sequence += 1
        head = f"#{address:02X}{self.sequence:04X}{payload}"
        crc = f"{checksum(head.encode()):04X}"
        reply = self.raw(f"{head}{crc}\r".encode())
        if not reply:
            return b"silence"
        assert reply.startswith(f"!{address:02X}{self.sequence:04X}".encode())
        assert reply.endswith(b"\r")
        if len(reply) == 12:
            assert reply[-5:-1] == crc.encode()
            return b""
        assert int(reply[-5:-1], 16) == checksum(reply[:-5])
        return reply[7:-5]

    def number(self, parameter: int, instance: int = 1) -> float:
        reply = self.ask(f"?VR{parameter:04X}{instance:02X}")
        raw = bytes.fromhex(reply.decode())
        floats = 1000 <= parameter < 1080 or parameter in (2030, 3000, 3003, 4011)
        return struct.unpack(">f" if floats else ">i", raw)[0]

    def put(self, parameter: int, value: float) -> None:
        digits = struct.pack(">f" if isinstance(value, float) else ">i", value).hex().upper()
        assert self.ask(f"VS{parameter:04X}01{digits}") == b""


@pytest.fixture
def tec() -> Bench:
    return Bench()


def test_published_frames_are_understood(tec: Bench) -> None:
    assert tec.raw(b"#0015AA?IF62AE\r")[:7] == b"!0015AA"
    assert len(tec.said) == 32
    assert tec.raw(b"#0015AB?VR0064018000\r")[:15] == b"!0015AB00000443"
    assert len(tec.raw(b"#0015AB?VR03E801C21A\r")) == 20
    assert tec.raw(b"#0015AEVS07DA01000000028F97\r") == b"!0015AE8F97\r"
    assert tec.raw(b"#0015B0VS0BB80141AE0000C482\r") == b"!0015B0C482\r"
    assert tec.number(3000) == 21.75
    assert tec.raw(b"#000002RS33EC\r") == b"!00000233EC\r"


def test_saving_is_a_command_of_newer_firmware() -> None:
    assert Bench(firmware=512).raw(b"#000001SP69EE\r")[7:10] == b"+01"
    new = Bench(firmware=600)
    assert new.raw(b"#000001SP69EE\r") == b"!00000169EE\r"
    assert new.ask("?VR006C01") == b"+05"


def test_parameter_1234_does_not_exist(tec: Bench) -> None:
    assert tec.raw(b"#0015AC?VR04D2017BFE\r")[:10] == b"!0015AC+05"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("?XY", b"+01"), ("", b"+01"), ("VR03E801", b"+01"), ("?VR03E8", b"+04"),
        ("?VR03E8011", b"+04"), ("?VR03G801", b"+04"), ("?VR000101", b"+05"),
        ("VS03E80141CC0000", b"+06"), ("VS07EE0140A00000", b"+07"), ("VS07EE017FC00000", b"+07"),
        ("VS07DA0100000004", b"+07"), ("VS07DA01FFFFFFFF", b"+07"), ("?VR03E803", b"+08"),
        ("?VR03E800", b"+08"), ("?VR006402", b"+08"), ("VS07EE01400000", b"+04"),
        ("?VX0203E801", b"+04"), ("?VX0203E801000101", b"+05"), ("CS00", b"+04"),
        ("?VB0BB80100000000FFFF", b"+05"), ("?VB0BB801", b"+04"),
    ],
)  # fmt: skip
def test_refusals(tec: Bench, payload: str, code: bytes) -> None:
    assert tec.ask(payload) == code


def test_refusals_of_a_device_in_trouble(tec: Bench) -> None:
    tec.device.own_faults["refuse"]("2")()
    assert tec.ask("?IF") == b"+02"
    tec.device.own_faults["refuse"]("0")()
    tec.device.faults.failing = frozenset({1000})
    assert tec.ask("?VR03E801") == b"+09"


def test_limits_metadata_and_bulk(tec: Bench) -> None:
    assert tec.ask("?VL07EE01") == b"0000000040800000"
    assert tec.ask("?VL03E801") == b"FF8000007F800000"
    assert tec.ask("?VM07DA01") == b"010302" + b"00000001" + b"00000000" + b"00000003" + b"00000000"
    assert tec.ask("?VM03E801")[:14] == b"00010200000001"
    assert tec.ask("?VX0300640107DA0107EE01") == b"00000443" + b"00000000" + b"40000000"


@pytest.mark.parametrize(
    ("number", "metadata"),
    [  # rows of a real device's metadata: type, flags, instances, lowest and highest
        (3013, b"000302" + b"00000001" + b"00000000" + b"3F800000"),
        (3030, b"000302" + b"00000001" + b"3DCCCCCD" + b"447A0000"),
        (3033, b"000302" + b"00000001" + b"3F800000" + b"43480000"),
        (3034, b"010302" + b"00000001" + b"00000000" + b"00000001"),
        (6023, b"010304" + b"00000001" + b"00000000" + b"00000003"),
        (6053, b"000302" + b"00000001" + b"FF800000" + b"7F800000"),
        (6103, b"010308" + b"00000001" + b"00000001" + b"00000002"),
        (6320, b"010302" + b"00000001" + b"FFFFFFFF" + b"01312D00"),
        (52003, b"010302" + b"00000001" + b"80000000" + b"7FFFFFFF"),
        (1012, b"000102" + b"00000001" + b"FF800000" + b"7F800000"),
        (1081, b"010101" + b"00000001" + b"00000000" + b"00000002"),
        (4034, b"010102" + b"00000001" + b"00000000" + b"7FFFFFFF"),
    ],
)
def test_parameters_that_nothing_acts_on(tec: Bench, number: int, metadata: bytes) -> None:
    assert tec.ask(f"?VM{number:04X}01")[:-8] == metadata


def test_every_parameter_is_told_and_takes_its_own_value(tec: Bench) -> None:
    tec.put(2010, 1)
    told = 0
    for number, parameter in TABLE.items():
        for instance in range(1, parameter.instances + 1):
            place = f"{number:04X}{instance:02X}"
            value = tec.ask(f"?VR{place}").decode()
            assert len(value) == 8, place
            expected = b"" if parameter.writable else b"+06"
            assert tec.ask(f"VS{place}{value}") == expected, place
            if parameter.writable:
                assert tec.ask(f"?VR{place}").decode() == value
            told += 1
    assert told > 300
    assert tec.number(1080) == tec.number(104) == 2
    assert tec.ask("VS0BDA0100000001") == b""
    assert (tec.ask("?VR0BDA01"), tec.ask("?VR0BDA02")) == (b"00000001", b"00000000")


def test_who_is_addressed(tec: Bench) -> None:
    assert tec.ask("?VR006401", 0) == b"00000443"
    assert tec.ask("?VR006401", 2) == b"00000443"
    assert tec.ask("?VR006401", 3) == b"silence"
    assert tec.ask("VS07DA0100000001", 255) == b"silence"
    assert tec.number(2010) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"#0015AB?VR0064018001\r", b"0015AB?VR0064018000\r", b"\r", b"#\r", b"#0015AB\r",
        b"#00G5AB?VR0064018000\r", b"#0015AB?VR006401800\r",
    ],
)  # fmt: skip
def test_broken_frames_are_not_answered(tec: Bench, line: bytes) -> None:
    assert tec.raw(line) == b""
    assert tec.ask("?VR006401") == b"00000443"


def test_a_start_character_begins_anew(tec: Bench) -> None:
    assert tec.raw(b"#0015AB?V#0015AB?VR0064018000\r") != b""


def test_a_frame_may_come_in_pieces_and_several_at_once(tec: Bench) -> None:
    assert tec.raw(b"#0015AB?VR006") == b""
    assert tec.raw(b"4018000\r#000001SP").count(b"\r") == 1
    assert tec.raw(b"69EE\r#0015AB?VR0064018000\r").count(b"\r") == 2


def regulating(bench: Bench, celsius: float) -> Bench:
    bench.put(3000, celsius)
    bench.put(2000, 2)
    bench.put(2010, 1)
    return bench


def test_it_ramps_regulates_and_becomes_stable(tec: Bench) -> None:
    assert (tec.number(104), tec.number(1200)) == (1, 0)
    regulating(tec, 35.0)
    assert (tec.number(104), tec.number(1200)) == (2, 1)
    tec.time = 10.0
    assert tec.number(1011) == pytest.approx(23.0 + 10 * 0.5, abs=0.1)  # the ramp, 0.5 K/s
    assert abs(tec.number(1000) - tec.number(1011)) < 1.0
    assert tec.number(1020) < -0.1  # heats
    stable_at = None
    for second in range(11, 300):
        tec.time = float(second)
        if tec.number(1200) == 2:
            stable_at = second
            break
    assert stable_at is not None
    assert stable_at > 24 + 10  # the ramp, and the time within the window
    assert tec.number(1000) == pytest.approx(35.0, abs=0.06)
    tec.put(3000, 20.0)
    assert tec.number(1200) == 1
    tec.time += 300.0
    assert tec.number(1200) == 2
    assert tec.number(1020) > 0.05  # cools
    tec.put(2010, 0)
    tec.time += 3600.0
    assert (tec.number(104), tec.number(1200)) == (1, 0)
    assert tec.number(1020) == pytest.approx(0.0, abs=0.01)
    assert tec.number(1000) > 23.0  # warmed by the chip's own heat


def test_the_current_stays_within_its_limit(tec: Bench) -> None:
    tec.put(2030, 0.25)
    tec.put(3003, 50.0)
    regulating(tec, 60.0)
    for second in range(1, 30):
        tec.time = float(second)
        assert abs(tec.number(1020)) < 0.26
    assert abs(tec.number(1020)) > 0.24


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [(4011, 22.0, 138), (4010, 60.0, 137), (2032, 0.01, 101), (2033, 0.02, 105)],
)
def test_over_a_threshold_it_stops_until_it_is_reset(
    tec: Bench, parameter: int, value: float, error: int
) -> None:
    regulating(tec, 40.0)
    tec.time = 5.0
    assert tec.number(104) == 2
    tec.put(parameter, value)
    tec.time += 1.0
    assert (tec.number(104), tec.number(105), tec.number(106)) == (3, error, 1)
    assert tec.number(1020) == pytest.approx(0.0, abs=0.01)
    tec.put(2010, 1)
    tec.time += 1.0
    assert tec.number(104) == 3


def test_a_reset_is_acknowledged_then_it_is_away_for_seconds(tec: Bench) -> None:
    tec.device.own_faults["error"]("60")()
    assert tec.number(104) == 3
    assert tec.ask("RS") == b""
    assert tec.number(104) == 5
    tec.time = 0.5
    assert tec.ask("?VR006801") == b"silence"
    tec.time = 3.1
    assert tec.number(104) == 0
    tec.time = 5.0
    assert (tec.number(104), tec.number(105)) == (1, 0)


def test_what_was_not_saved_is_lost_by_a_reset() -> None:
    old, new = Bench(firmware=512), Bench(firmware=600)
    for bench in (old, new):
        bench.put(3003, 2.0)
        bench.time = 1.0
        assert bench.ask("RS") == b""
        bench.time = 6.0
    assert (old.number(3003), new.number(3003)) == (2.0, 0.5)
    old.put(108, 1)
    assert old.number(109) == 2
    new.put(3003, 3.0)
    assert new.ask("SP") == b""
    assert new.ask("RS") == b""
    new.time = 12.0
    assert new.number(3003) == 3.0


def test_an_emergency_stop(tec: Bench) -> None:
    regulating(tec, 30.0)
    tec.time = 2.0
    assert tec.ask("ES") == b""
    assert (tec.number(104), tec.number(105)) == (3, 11)
    assert tec.number(1020) == pytest.approx(0.0, abs=0.01)


def test_it_restarts_by_itself_after_the_delay(tec: Bench) -> None:
    assert tec.ask("VS18A60141200000") == b""  # 6310 = 10 s
    regulating(tec, 30.0)
    tec.time = 1.0
    tec.device.stop_on_error(139)
    tec.time = 10.5
    assert tec.number(104) == 3
    tec.time = 13.0
    assert tec.number(104) == 2


def test_faults_of_sensor_supply_and_heat() -> None:
    for name, value, error in (
        ("sensor", "open", 137), ("supply", "9", 30), ("supply", "30", 31), ("hot", "95", 60),
    ):  # fmt: skip
        bench = Bench()
        bench.device.own_faults[name](value)()
        bench.number(104)
        bench.time = 1.0
        assert (bench.number(104), bench.number(105)) == (3, error)


def test_a_line_may_enable_the_output() -> None:
    bench = Bench(hw_enable=False)
    bench.put(2010, 3)
    assert bench.number(104) == 1
    bench.device.hw_enable = True
    assert bench.number(104) == 2
    bench.put(2010, 2)
    assert bench.number(104) == 1
    bench.put(50000, 1)
    assert bench.number(104) == 2


def test_weeks_pass_at_once(tec: Bench) -> None:
    regulating(tec, 40.0)
    tec.time = 14 * 86400.0
    assert tec.number(1000) == pytest.approx(40.0, abs=0.01)
    assert tec.number(1200) == 2


def test_a_seed_makes_the_noise() -> None:
    first, again, other = (Bench(seed=seed) for seed in (1, 1, 2))
    readings = [[bench.number(1000) for _ in range(5)] for bench in (first, again, other)]
    assert readings[0] == readings[1] != readings[2]
    assert len(set(readings[0])) > 1


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0


def test_catalogue() -> None:
    made = build("meerstetter_tec1091", Placement(Still(), options={"address": "7"}))
    assert [door.kind for door in made.doors] == ["serial", "tcp"]
    assert made.doors[1].port == 50000
    for options in ({"address": 0}, {"colour": "red"}):
        with pytest.raises(OptionError):
            build("meerstetter_tec1091", Placement(Still(), options=options))


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data: bytes) -> None:
    bench = Bench()
    bench.raw(data)
    bench.raw(b"#" + data + b"\r")
    body = b"#000001" + data.replace(b"\r", b"").replace(b"#", b"")
    bench.raw(body + f"{checksum(body):04X}\r".encode())
    assert bench.ask("?VR006401") == b"00000443" or bench.device.offline
    assert read_request(b"#0015AA?IF62AE") is not None
