"""What holds for every driver, and what the small value types hold to."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.pulse_streamer import PulseStreamer
from drivers.qontrol_q8 import QontrolQ8
from drivers.red_pitaya import RedPitaya
from drivers.roles import LineProgram
from drivers.transport.memory import MemoryNetwork

DRIVERS = {
    QontrolQ8: "ASRL/dev/ttyUSB0::INSTR",
    PulseStreamer: "TCPIP::pulsestreamer::INSTR",
    RedPitaya: "TCPIP::rp-0::5000::SOCKET",
}


@pytest.mark.parametrize("model", DRIVERS, ids=lambda model: model.__name__)
def test_constructors_do_no_io_and_look_alike(model: type[Instrument]) -> None:
    link = LinkModel(latency=1e-3, bytes_per_second=1e6)
    made = model("thing", DRIVERS[model], MemoryNetwork(), link=link)  # no loop is running
    assert (made.name, made.exchanges, made.busy, made.is_open) == ("thing", 0, {}, False)
    parameters = inspect.signature(model).parameters
    assert list(parameters)[:5] == ["name", "resource", "connector", "link", "expect"]
    assert all(
        parameter.kind is inspect.Parameter.KEYWORD_ONLY
        for parameter in list(parameters.values())[3:]
    )


@pytest.mark.parametrize("model", DRIVERS, ids=lambda model: model.__name__)
def test_everything_public_is_documented(model: type[Instrument]) -> None:
    for name, member in inspect.getmembers(model):
        if not name.startswith("_") and (
            inspect.isfunction(member) or isinstance(member, property)
        ):
            assert inspect.getdoc(member), f"{model.__name__}.{name} has no docstring"
    assert inspect.iscoroutinefunction(model.off)


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
