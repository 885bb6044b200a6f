"""The simulated DG645: forms and replies of the sheet, errors, chains, triggers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.instrument import OptionError, Placement
from sim_backends.srs_dg645 import Cycle, Dg645


class Bench:
    """A generator, a clock that is set by hand, and a connection."""

    def __init__(self) -> None:
        self.time = 0.0
        self.followed: list[Cycle] = []
        self.device = Dg645(lambda: self.time, follower=self.followed.append)
        self.said = b""
        self.port = self.device.converse(self._hear)

    def _hear(self, data: bytes) -> None:
        self.said += data

    def __call__(self, line: str) -> str:
        """What a line is answered, without line ends; "" for nothing."""
        self.said = b""
        self.port.receive(line.encode("latin-1") + b"\n")
        assert not self.said or self.said.endswith(b"\r\n")
        return self.said.decode("latin-1").replace("\r\n", "|").removesuffix("|")

    def well(self, *lines: str) -> None:
        """Lines that are obeyed in silence."""
        for line in lines:
            assert self(line) == ""
        assert self("LERR?") == "0"

    def refused(self, line: str) -> int:
        """The one error that a line makes."""
        assert self(line) == ""
        code = int(self("LERR?"))
        assert self("LERR?") == "0"
        return code


@pytest.fixture
def dg() -> Bench:
    return Bench()


def test_identity_and_line_ends(dg: Bench) -> None:
    assert dg("*IDN?") == "Stanford Research Systems,DG645,s/n008011,ver1.19.118"
    assert dg("*idn?\r") == dg("*IDN?")
    dg.port.receive(b"LERR")
    dg.said = b""
    dg.port.receive(b"?\nLERR?\n")
    assert dg.said == b"0\r\n0\r\n"


def test_replies_of_the_sheet(dg: Bench) -> None:
    dg.well("DLAY 3,2,10e-9", "LAMP 1,3.2", "HOLD 1.001e-3", "BURC 10", "BURP 100E-9")
    assert dg("DLAY?3") == "2,+0.000000010000"
    assert dg("LINK?3") == "2"
    assert dg("LAMP?1") == "+3.20"
    assert dg("LAMP? 1") == "+3.20"
    assert dg("LPOL?1") == "1"
    assert dg("TRAT?") == "+1000.000000"
    assert dg("HOLD?") == "+0.001001000000"
    assert dg("BURC?") == "10"
    assert float(dg("BURP?")) == pytest.approx(100e-9)


def test_forms_that_clients_send(dg: Bench) -> None:
    dg.well("TSRC0", "TLVL2.50", "TRAT10000.000000", "BURD1.000000e-03", "IFCF 11,10.0.0.2")
    dg.well("LPOL 1, 0", "lamp 2 , 4", "DISP 12,3", "SSDL 2,1.000000e-09", "SPDL 2,1", "SPDL 2,0")
    assert dg("DISP?") == "12,3"
    assert dg("IFCF?11") == "10.0.0.2"
    assert dg("TSRC?;TLVL?;LPOL?1;LAMP?2") == "0|+2.50|0|+4.00"
    assert dg("DLAY?0") == "0,+0.000000000000"
    assert dg("*OPC?;*TST?;EMAC?").startswith("1|0|00:")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("NONSENSE", 110), ("12", 110), ("?", 110), ("ABCD", 111), ("ABCD?", 111), ("*ABC", 111),
        ("*TRG?", 112), ("SPDL?2", 112), ("LERR", 113), ("*IDN", 113), ("LAMP 1,", 114),
        ("LAMP ,1", 114), ("TSRC 1,2", 115), ("LERR?1", 115), ("LAMP 1", 116), ("DLAY 3,2", 116),
        ("LAMP?", 116), ("TSRC", 116), ("TRAT " + "1" * 21, 117), ("TRAT ten", 118),
        ("LAMP 1,nan", 118), ("TSRC x", 120), ("TSRC 1.5", 120), ("BURC 99999999999", 121),
        ("LAMP 1 2", 126), ("TSRC 7", 10), ("LAMP 5,1", 10), ("LAMP 1,5.5", 10), ("LAMP 1,0.4", 10),
        ("LOFF 1,3", 10), ("BURP 9e-8", 10), ("TRAT 0", 10), ("*TRG", 11), ("DLAY 2,0,2000.1", 12),
        ("DLAY 2,0,-1e-9", 12), ("DLAY 2,2,0", 13), ("DLAY 2,1,0", 13), ("LINK 4,4", 13),
        ("*RCL 3", 14), ("*SAV 10", 10), ("DLAY 0,2,0", 15), ("DLAY 1,2,0", 15),
    ],
)  # fmt: skip
def test_errors(dg: Bench, line: str, code: int) -> None:
    dg.well("TSRC 0")
    assert dg.refused(line) == code
    assert dg("TSRC?") == "0"


def test_chained_references(dg: Bench) -> None:
    dg.well("DLAY 2,0,1e-6", "DLAY 3,2,1e-6", "DLAY 4,3,-5e-7")
    assert dg.device.times()[2:5] == pytest.approx([1e-6, 2e-6, 1.5e-6])
    assert dg.refused("DLAY 2,4,0") == 13
    assert dg.refused("LINK 2,3") == 13
    assert dg.refused("DLAY 2,0,0; DLAY 3,2,0") == 12  # C would come before T0
    assert dg("DLAY?2;DLAY?3") == "0,+0.000000000000|2,+0.000001000000"
    assert dg.refused("LINK 4,2") == 12
    assert dg("DLAY?1;DLAY?4") == "0,+0.000001000000|3,-0.000000500000"


def test_delays_are_multiples_of_5_ps(dg: Bench) -> None:
    dg.well("DLAY 2,0,1.0000000000071")
    assert dg("DLAY?2") == "0,+1.000000000005"


def test_levels_are_limited_together(dg: Bench) -> None:
    dg.well("LOFF 1,1.5", "LAMP 1,3.5")
    assert dg.refused("LAMP 1,3.6") == 10
    assert dg.refused("LOFF 1,1.6") == 10
    assert (dg.device.volts(1, False), dg.device.volts(1, True)) == (1.5, 5.0)
    dg.well("LPOL 1,0")
    assert (dg.device.volts(1, False), dg.device.volts(1, True)) == (5.0, 1.5)
    dg.well("SSLA 1,0.5", "SPLA 1,0", "SSLO 1,0.1", "SPLO 1,1")
    assert dg("LAMP?1;LOFF?1") == "+3.00|+1.60"


def test_the_error_queue_is_first_in_first_out_and_says_when_it_is_full(dg: Bench) -> None:
    dg("ABCD")
    dg("TSRC 9")
    assert dg("LERR?;LERR?;LERR?") == "111|10|0"
    for _ in range(30):
        dg("ABCD")
    codes = [int(dg("LERR?")) for _ in range(21)]
    assert codes == [111] * 19 + [254, 0]
    dg("ABCD")
    dg("*CLS")
    assert dg("LERR?") == "0"


def test_status_registers(dg: Bench) -> None:
    dg("ABCD")
    dg("TSRC 9")
    dg("*OPC")
    assert dg("*ESR? 4") == "1"
    assert dg("*ESR?") == str(32 + 1)
    assert dg("*ESR?") == "0"
    dg.well("*ESE 32", "*CLS")
    assert dg("*ESE?;*STB?") == "32|0"
    dg("ABCD")
    assert dg("*STB?") == "32"


def test_save_recall_and_reset(dg: Bench) -> None:
    dg.well("TRAT 50", "DLAY 2,0,1e-3", "*SAV 4", "*RST")
    assert dg("TRAT?;DLAY?2") == "+1000.000000|0,+0.000000000000"
    dg.well("*RCL 4", "TRAT 60")
    assert dg("DLAY?2") == "0,+0.001000000000"
    dg.well("*RCL 4")
    assert dg("TRAT?") == "+50.000000"


def test_a_single_shot(dg: Bench) -> None:
    dg.well("DLAY 2,0,1e-6", "DLAY 3,2,2e-6", "TSRC 5")
    dg.time = 3.0
    dg.well("*TRG")
    (cycle,) = dg.followed
    assert cycle.start == pytest.approx(3.0 + 85e-9, abs=1e-15)
    assert cycle.pulses[1] == pytest.approx((cycle.start + 1e-6, cycle.start + 3e-6))
    assert cycle.pulses[0] == pytest.approx((cycle.start, cycle.start + 3e-6))
    assert int(dg("INSR?")) == 1
    dg.well("*TRG")  # it is still at it
    assert len(dg.device.cycles) == 1
    assert int(dg("INSR?")) == 1 | 2
    dg.time = 3.1
    assert int(dg("INSR?")) == 4
    dg.well("*TRG")
    assert len(dg.device.cycles) == 2


def test_external_triggers(dg: Bench) -> None:
    dg.well("TSRC 1", "TLVL 1.5")
    dg.device.external_edge(rising=False)
    dg.device.external_edge(rising=True, volts=1.2)
    assert not dg.followed
    dg.device.external_edge(rising=True)
    assert len(dg.followed) == 1
    dg.well("TSRC 4")
    dg.time = 1.0
    dg.device.external_edge(rising=False)
    assert len(dg.followed) == 1
    dg.well("*TRG")
    dg.device.external_edge(rising=False)
    dg.time = 2.0
    dg.device.external_edge(rising=False)
    assert len(dg.followed) == 2
    dg.well("TSRC 0", "TRAT 250")
    assert dg.device.internal_period() == pytest.approx(4e-3)


def test_a_burst(dg: Bench) -> None:
    dg.well("BURM 1", "BURC 3", "BURP 1e-6", "BURD 5e-6", "BURT 1", "DLAY 3,2,1e-7", "TSRC 5")
    dg.well("*TRG")
    starts = [cycle.start - 85e-9 for cycle in dg.followed]
    assert starts == pytest.approx([5e-6, 6e-6, 7e-6])
    widths = [cycle.pulses[0][1] - cycle.pulses[0][0] for cycle in dg.followed]
    assert widths == pytest.approx([1e-7, 0.0, 0.0])
    dg.time = 1.0
    assert int(dg("INSR?")) == 1 | 4 | 8


def test_steps_of_every_setting(dg: Bench) -> None:
    for step, setting, size, told in (
        ("HD", "HOLD", "1e-6", "+0.000001000000"), ("TR", "TRAT", "50", "+1050.000000"),
        ("TL", "TLVL", "0.5", "+1.50"), ("BC", "BURC", "3", "8"),
        ("BD", "BURD", "1e-7", "+0.000000100000"), ("BP", "BURP", "1e-6", "+0.000011000000"),
    ):  # fmt: skip
        before = dg(f"{setting}?")
        dg.well(f"SS{step} {size}", f"SP{step} 1")
        assert dg(f"{setting}?") == told
        dg.well(f"SP{step} 0")
        assert dg(f"{setting}?") == before
    dg.well("SSPS 1,5", "SPPS 1,1", "SSPH 2,4", "SPPH 2,1", "SPPH 2,1")
    assert (dg("PRES?1"), dg("PHAS?2"), dg("SSPS?1")) == ("6", "8", "5")
    for wrong, code in (("SPHD 0", "10"), ("SPHD?", "112"), ("SPHD 2", "10"), ("SSBC 0", "10"),
                        ("SPPH 0,1", "10"), ("SSPS 5,1", "10"), ("TIMB 1", "113")):  # fmt: skip
        dg(wrong)
        assert dg("LERR?") == code, wrong


def test_status_byte_tells_of_events_and_of_a_cycle_under_way(dg: Bench) -> None:
    assert dg("*STB?") == "0"
    dg.well("*ESE 32", "*SRE 33", "INSE 1")
    dg("NONE")
    assert dg("*STB?") == "96"
    assert (dg("*ESR?"), dg("*STB?"), dg("LERR?")) == ("32", "0", "111")
    dg.well("DLAY 2,0,0.5", "TSRC 5")
    dg.well("*TRG")
    assert dg("*STB?") == str(64 + 2 + 1)
    dg.time = 1.0
    assert dg("*STB?") == str(64 + 1)
    assert int(dg("INSR?")) & 1
    assert dg("*STB?") == "0"


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0


def test_catalogue() -> None:
    made = build("srs_dg645", Placement(Still(), identity={"serial": "003458"}))
    assert [door.kind for door in made.doors] == ["tcp", "serial"]
    assert made.doors[0].port == 5025
    with pytest.raises(OptionError):
        build("srs_dg645", Placement(Still(), options={"colour": "red"}))


@given(st.binary(max_size=100))
def test_any_bytes_are_survived(data: bytes) -> None:
    dg = Bench()
    dg.port.receive(data + b"\n")
    while dg("LERR?") != "0":
        pass
    assert dg("*IDN?").startswith("Stanford")


@given(st.lists(st.tuples(st.integers(2, 9), st.integers(0, 9), st.floats(-3e3, 3e3)), max_size=30))
def test_no_order_of_delays_leaves_the_range(changes: list[tuple[int, int, float]]) -> None:
    dg = Bench()
    for channel, reference, seconds in changes:
        dg(f"DLAY {channel},{reference},{seconds:.12g}")
        assert all(-1e-11 <= at <= 2000.0 + 1e-11 for at in dg.device.times())
