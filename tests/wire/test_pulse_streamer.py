"""The Pulse Streamer driver against the simulated one on real ports, and found by a datagram."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from drivers.instrument import InstrumentError
from drivers.link_model import LinkModel
from drivers.pulse_streamer import PulseStreamer
from drivers.pulse_streamer_discovery import discover
from drivers.roles import LineProgram
from drivers.transport.real import RealConnector
from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import InstrumentHost, Served
from sim_backends.instrument import Placement

PROGRAM = LineProgram(np.array([1000, 500]), np.array([1, 2], dtype=np.uint8), final=4)
LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)


def served(scenario: Callable[[InstrumentHost, PulseStreamer], Awaitable[None]]) -> None:
    """Run a scenario with a driver opened on an instrument on free ports."""

    async def whole() -> None:
        device = build("pulse_streamer", Placement(BenchClock(), options={"period": 1e-3}))
        host = InstrumentHost([Served("pattern", device.doors)], free_ports=True)
        await host.start()
        ports = {
            option: host.address("pattern", own).port
            for option, own in (("rpc_port", 8050), ("upload_port", 21328))
        }
        driver = PulseStreamer(
            "pattern", "TCPIP::127.0.0.1::INSTR", RealConnector(), link=LINK,
            rpc_port=ports["rpc_port"] or 0, upload_port=ports["upload_port"] or 0,
        )  # fmt: skip
        try:
            async with driver:
                await scenario(host, driver)
        finally:
            await host.close()

    asyncio.run(asyncio.wait_for(whole(), 30.0))


def test_frames_slots_triggers_and_discovery() -> None:
    async def scenario(host: InstrumentHost, pattern: PulseStreamer) -> None:
        await pattern.load(PROGRAM)
        await pattern.start()
        assert await pattern.finished()
        told = await pattern.read_settings()
        assert (told["trigger_start"], told["clock"]) == ("software", "internal")
        assert not [one for one in told.values() if "refused" in str(one)]
        await pattern.set_trigger("immediate")
        await pattern.upload(0, PROGRAM, next_action="switch_slot_expect_new_data",
                             on_no_data="wait_idling")  # fmt: skip
        await pattern.start_slots()
        assert (await pattern.state()).condition == "wait_for_data"
        assert await pattern.ready_for_data(1)
        await pattern.upload(1, PROGRAM)
        assert (await pattern.state()).state == "finished"
        await pattern.hold(0)
        with pytest.raises(InstrumentError, match="code 1"):
            await pattern.start_now()
        await pattern.set_trigger("hardware_rising", "manual")
        await pattern.stream(PROGRAM, analog=np.array([[0.5, 0.0], [0.0, -0.5]]))
        for _ in range(1000):  # an edge comes every ms
            if await pattern.finished():
                break
        assert (await pattern.state()).condition == "wait_for_rearm"
        await pattern.rearm()
        await pattern.reset()
        port = host.address("pattern", 12345).port
        assert port is not None
        found = await discover(0.2, [("127.0.0.1", port)])
        assert [(one.host, one.serial) for one in found] == [("127.0.0.1", "00:26:32:f0:00:01")]
        group = [("239.255.255.82", port)]
        by_multicast = await discover(0.2, group, interface="127.0.0.1")
        assert [one.serial for one in by_multicast] == ["00:26:32:f0:00:01"]
        with pytest.raises(OSError, match=r"\w"):
            await discover(0.2, group, interface="203.0.113.1")

    served(scenario)
