"""A simulated 2400 on a resistor that remembers, and a client of it."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.keithley_2400.instrument import Keithley2400
from tests.sim_backends.source_meter_client import Client, WatchedResistor


@pytest.fixture
def play(run):
    """Runs `scenario(client, load)` on virtual time."""

    def _play(scenario, **options):
        async def all_of_it():
            load = options.pop("load", None) or WatchedResistor()
            loop = asyncio.get_running_loop()
            device = Keithley2400(loop.time, load, seed=1, lead_ohms=0.0, **options)
            await scenario(Client(device, 1), load)

        run(all_of_it())

    return _play


READY = ":SOUR:VOLT 2;:SENS:CURR:PROT 0.1;:SENS:FUNC 'VOLT';:OUTP ON"
"""Volts over the load, measured, the output on."""
