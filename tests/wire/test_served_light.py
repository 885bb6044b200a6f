"""A bench of laser, tap and fibre switch on real links: what one client does, another one sees."""

from __future__ import annotations

import asyncio
import tomllib
from typing import Any

from drivers.keysight_816x import Keysight816x
from drivers.link_model import LinkModel
from drivers.thorlabs_osw12 import ThorlabsOsw12
from drivers.thorlabs_pm100 import ThorlabsPm100
from drivers.transport.real import RealConnector
from hil.bench.writing import Start, starting_text
from sim_backends.bench import SimulatedBench
from sim_backends.host.serving import InstrumentHost
from tests.hil.bench.lit_benches import LIGHT, MAINFRAME, METER, ROUTE, ROUTER, TAP, tables

LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)
PARTS = (LIGHT, TAP, ROUTE, MAINFRAME, METER, ROUTER)


def bench() -> SimulatedBench:
    """A small bench, to be served; its laser is quick."""
    text = starting_text(Start(2, 1, "served"))
    for old, new in tables(*PARTS).items():
        text = text.replace(old, new)
    made = SimulatedBench(tomllib.loads(text), only=["laser", "tap", "router"])
    source: Any = made.instruments["laser"].source  # type: ignore[attr-defined]
    source.start_time, source.levelling, source.tuning_rate = 0.01, 1e-3, 1.0
    return made


def test_the_switch_darkens_the_tap() -> None:
    async def scenario() -> None:
        host = InstrumentHost(bench().served(), free_ports=True)
        await host.start()
        real = RealConnector()
        where = {
            name: next(one.resource for one in host.addresses if one.name == name)
            for name in ("laser", "tap", "router")
        }
        try:
            async with (
                Keysight816x("laser", where["laser"], real, link=LINK) as laser,
                ThorlabsPm100("tap", where["tap"], real, link=LINK) as tap,
                ThorlabsOsw12("router", where["router"], real, link=LINK) as router,
            ):
                await laser.set_wavelength(1.55e-6)
                await laser.set_power_dbm(10.0)
                await laser.on()
                found = []
                for position in (1, 2, 1):
                    await router.select(position)
                    found.append(await tap.read_input(1))
                await router.select(2)
                await laser.set_power_dbm(7.0)
                await asyncio.sleep(0.05)
                found.append(await tap.read_input(1))
                await laser.off()
                found.append(await tap.read_input(1))
        finally:
            await host.close()
        dark = [watts for watts in (found[0], found[2], found[4]) if abs(watts) < 1e-8]
        assert len(dark) == 3, found
        assert abs(found[1] / 1e-4 - 1.0) < 0.02
        assert abs(found[1] / found[3] - 10.0**0.3) < 0.05

    asyncio.run(asyncio.wait_for(scenario(), 30.0))
