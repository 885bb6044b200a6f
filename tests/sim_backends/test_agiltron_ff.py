"""The simulated FF switch of Agiltron: bytes of its clients, and what it passes over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.agiltron_ff import FfBoard
from sim_backends.catalogue import build
from sim_backends.instrument import OptionError, Placement


class Port:
    """A switch, a clock that is set by hand, and its port."""

    def __init__(self, **options) -> None:
        self.time = 0.0
        self.switch = FfBoard(lambda: self.time, **options)
        self.said = b""
        self.conversation = self.switch.converse(self._hear)

    def _hear(self, data: bytes) -> None:
        self.said += data

    def __call__(self, frames: str) -> str:
        self.said = b""
        self.conversation.receive(bytes.fromhex(frames))
        return self.said.hex().upper()


def test_frames_of_the_clients() -> None:
    port = Port(ways=8)
    changes: list[int | None] = []
    port.switch.before_change = lambda: changes.append(port.switch.route())
    assert port("01110000") == "01110001"
    assert port("01120008") == "01120008"
    assert port("01110000") == "01110008"
    assert port.switch.route() is None
    port.time = 0.01
    assert port.switch.route() == 8
    assert port("01120008") == "01120008"
    assert port.switch.route() == 8
    assert port("01200000") == ""
    port.time = 0.02
    assert port.switch.route() == 1
    assert changes == [1, 8]


def test_what_one_client_asks_is_answered_with_four_bytes() -> None:
    port = Port()
    for code in ("01", "03", "04", "22"):
        answer = port(f"01{code}0000")
        assert len(answer) == 8
        assert answer.startswith(f"01{code}")


def test_what_it_does_not_know_is_not_answered() -> None:
    port = Port()
    for frame in ("01120000", "01120005", "01120101", "01130000", "01110001", "02110000"):
        assert port(frame) == ""
    assert port("FF0A 01110000") == "01110001"
    assert port("0112") == ""
    assert port("0002 0111") == "01120002"
    assert port("0000 01110000") == "01110002" * 2
    assert port.switch.position == 2


def test_it_may_be_stuck() -> None:
    port = Port()
    port.switch.own_faults["stuck"]("yes")()
    assert port("01120003 01110000") == "0112000301110001"
    port.switch.own_faults["stuck"]("no")()
    assert port("01120003 01110000") == "0112000301110003"
    with pytest.raises(ValueError, match="stuck"):
        port.switch.own_faults["stuck"]("maybe")


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0


def test_catalogue() -> None:
    made = build("agiltron_ff", Placement(Still(), options={"ways": "8"}))
    assert [door.kind for door in made.doors] == ["serial"]
    for options in ({"ways": "0"}, {"ways": "17"}, {"colour": "red"}):
        with pytest.raises(OptionError):
            build("agiltron_ff", Placement(Still(), options=options))


@given(st.binary(max_size=60))
def test_any_bytes_are_survived(data: bytes) -> None:
    port = Port()
    port(data.hex())
    port("00" * 8)
    assert port("01120003") == "01120003"
    assert port("01110000") == "01110003"
