"""Heaters on a DAC of 24 outputs instead of a Qontrol chassis: the same bench otherwise."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from drivers.errors import LimitError
from tests.hil.conftest import WriteBench

QUIET = {"switch_off": ["drift", "noise"]}


def on_dacs(path: Path) -> Path:
    """The bench file with a QDAC-II in place of each chassis."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(
        r'driver = "qontrol_q8"\nresource = "ASRL/dev/qontrol-(\d)::INSTR"\nidentity = .*\n'
        r"link = .*\noptions = .*\n",
        r'driver = "qdevil_qdac2"\nresource = "TCPIP::dac-\1::5025::SOCKET"\n'
        r"link = { latency = 0.001, bytes_per_second = 1.0e6 }\n",
        text,
    )
    assert text.count("qdevil_qdac2") == 2
    text = text.replace("i_max = 0.012", "i_max = 0.010")  # all that such an output gives
    made = path.with_name("dacs.toml")
    made.write_text(text, encoding="utf-8")
    return made


def test_levels_reach_the_same_chip(write_bench: WriteBench) -> None:
    qontrol = write_bench()
    dacs = on_dacs(qontrol)
    read = []
    for path in (qontrol, dacs):
        with hil.open(path, plant=QUIET) as bench:
            levels = np.array([[0.2, 0.5, 0.3, 0.8], [0.6, 0.1, 0.4, 0.2]]) * bench.level_max
            x = np.array([[0.5, -0.3], [-0.2, 0.6]])
            bench.run(levels, x)
            bench.do(bench.core.machine.rest(5.0))
            read.append(bench.run(levels, x).measured)
    np.testing.assert_allclose(read[1], read[0], atol=2e-3)


def test_limits_hold_and_off_is_zero(write_bench: WriteBench, behind: Any) -> None:
    with hil.open(on_dacs(write_bench()), plant=QUIET) as bench:
        inside = behind(bench).simulated.instruments
        with pytest.raises(LimitError, match="element 0"):
            bench.run(1.5 * bench.level_max, np.zeros((1, 2)))
        bench.run(0.5 * bench.level_max, np.zeros((1, 2)))
        dac = inside["heaters-0"]
        assert max(abs(volts) for volts in given(dac)) > 1.0
    for name in ("heaters-0", "heaters-1"):
        assert max(abs(volts) for volts in given(inside[name])) < 1e-3


def test_a_waveform_at_a_heater_moves_its_phase(write_bench: WriteBench, behind: Any) -> None:
    """A slow triangle between 0 and 2 V: the mesh is another in the middle, and back at its end."""
    with hil.open(on_dacs(write_bench()), plant=QUIET) as bench:
        inside = behind(bench).simulated
        dac, plant, now = inside.instruments["heaters-0"], inside.wiring.plant, inside.clock.now
        client = dac.converse(lambda data: None)

        async def seen() -> list[float]:
            quiet = plant.matrix(0, now())
            for word in ("SPAN 2", "OFFS 1", "FREQ 0.5", "COUN 1", "INIT"):
                client.receive(f"SOUR1:TRI:{word}\n".encode())
            moved = []
            for _ in range(5):  # at 0.5, 1 (the top), 1.5, 2 (its end) and 2.5 s
                await asyncio.sleep(0.5)
                moved.append(float(np.abs(plant.matrix(0, now()) - quiet).max()))
            return moved

        # In one go: while a waveform is played, bench time goes on by itself.
        moved = bench.do(seen())
        assert moved[1] > 0.2
        assert moved[1] > moved[0] > 0.05
        assert moved[1] > moved[2] > moved[0]  # the chip is warmer on the way back
        assert moved[4] < 0.1 * moved[1]  # its heat is still about


def given(dac: Any) -> list[float]:
    """Volts at the outputs (24,)."""
    return [float(volts) for volts in dac.volts()]
