"""The simulated OSW12 and SelfAlign: bytes of the sheet, and the quirks that users tell of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.agiltron_selfalign import SelfAlign
from sim_backends.catalogue import build
from sim_backends.instrument import OptionError, Placement
from sim_backends.thorlabs_osw12 import Osw12


class Port:
    """A switch, a clock that is set by hand, and its port."""

    def __init__(self, simulated, **options) -> None:
        self.time = 0.0
        self.switch = simulated(lambda: self.time, **options)
        self.said = b""
        self.conversation = self.switch.converse(self._hear)

    def _hear(self, data: bytes) -> None:
        self.said += data

    def __call__(self, data: bytes) -> bytes:
        self.said = b""
        self.conversation.receive(data)
        return self.said


def test_osw_switches_and_its_first_answer_is_old() -> None:
    port = Port(Osw12)
    assert port(b"S?\n") == b"1\r\n"
    assert port(b"S 2\n") == b""
    assert port.switch.route() is None
    assert port(b"S?\n") == b"1\r\n"
    assert port(b"S?\n") == b"2\r\n"
    port.time = 0.01
    assert port.switch.route() == 2
    port(b"S 2\n")
    assert port.switch.route() == 2
    assert port(b"S 1 \r\n s?\n S?\r\n") == b"2\r\n1\r\n"


def test_osw_says_nothing_to_what_it_does_not_know() -> None:
    port = Port(Osw12, model="OSW22")
    for line in (b"\n", b"S 3\n", b"S\n", b"*IDN?\n", b"\xff\n", b"S1\n"):
        assert port(line) == b""
    assert port(b"I?\n").startswith(b"OSW22")
    assert port(b"T?\n").endswith(b"\r\n")
    assert port.switch.position == 1


def test_osw_may_be_stuck_or_deaf() -> None:
    port = Port(Osw12, seed=1)
    port.switch.own_faults["stuck"]("yes")()
    port(b"S 2\n")
    assert port(b"S?\nS?\n") == b"1\r\n1\r\n"
    port.switch.own_faults["deaf"]("0.5")()
    answers = [port(b"S?\n") for _ in range(100)]
    assert 30 < answers.count(b"") < 70
    for name, value in (("stuck", "maybe"), ("deaf", "2")):
        with pytest.raises(ValueError, match=r"stuck|chance"):
            port.switch.own_faults[name](value)


def test_agiltron_frames_of_the_sheet() -> None:
    port = Port(SelfAlign, ways=8)
    assert port(bytes.fromhex("01350007")) == bytes.fromhex("0135FFFF")
    assert port.switch.route() is None
    port.time = 1.0
    assert port.switch.route() == 8
    assert port(bytes.fromhex("01350008")) == b""
    assert port(bytes.fromhex("01340000")) == b""
    assert port(bytes.fromhex("01300000")) == b""
    port.time = 2.0
    assert port.switch.route() == 1


def test_agiltron_may_echo_a_selection() -> None:
    port = Port(SelfAlign, ways=6, echo=True)
    assert port(bytes.fromhex("01350003 01300000 01350006")) == bytes.fromhex("01350003")


def test_agiltron_finds_the_start_of_a_frame() -> None:
    """One client ends its homing frame by CR LF."""
    port = Port(SelfAlign)
    assert port(bytes.fromhex("01300000") + b"\r\n") == b""
    assert port(b"\xff\x00") == b""
    assert port(bytes.fromhex("0135")) == b""
    assert port(bytes.fromhex("0003 01350001 01")) == bytes.fromhex("0135FFFF") * 2
    assert port.switch.position == 2
    port.switch.own_faults["stuck"]("yes")()
    assert port(bytes.fromhex("350005")) == bytes.fromhex("0135FFFF")
    assert port.switch.position == 2


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0


def test_catalogue() -> None:
    for model, good, bad in (
        ("thorlabs_osw12", {"deafness": "0.1"}, {"deafness": "2"}),
        ("agiltron_selfalign", {"ways": "8", "echo": "yes"}, {"ways": "0"}),
        ("agiltron_selfalign", {"echo": "no"}, {"echo": "maybe"}),
    ):
        made = build(model, Placement(Still(), options=good))
        assert [door.kind for door in made.doors] == ["serial"]
        for options in (bad, {"colour": "red"}):
            with pytest.raises(OptionError):
                build(model, Placement(Still(), options=options))


@given(st.binary(max_size=60))
def test_any_bytes_are_survived(data: bytes) -> None:
    osw, agiltron = Port(Osw12), Port(SelfAlign)
    osw(data)
    osw(b"\nS 2\nS?\n")
    assert osw(b"S?\n") == b"2\r\n"
    agiltron(data)
    agiltron(b"\0" * 8)
    assert agiltron(bytes.fromhex("01350003")) == bytes.fromhex("0135FFFF")
    assert agiltron.switch.position == 4
