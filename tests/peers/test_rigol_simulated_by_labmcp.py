"""Our DS1000Z driver against other people's simulation: that of the package labmcp-rigol-scope.

It answers the commands that Rigol's families share; what the driver sets beyond them (inversion,
time base, acquisition type, memory depth, trigger coupling) is taken in by a subclass, and does
nothing there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.errors import IdentityError, InstrumentError
from drivers.link_model import LinkModel
from drivers.rigol_ds1000z import RigolDs1000z, settings
from drivers.transport.real import RealConnector

simulator = pytest.importorskip(
    "labmcp_rigol_scope.simulator", reason="the package labmcp-rigol-scope is not installed"
)
LINK = LinkModel(latency=1e-3, bytes_per_second=1e7)


class WithMoreSettings(simulator.RigolScopeSimulator):
    """The other simulation, with the settings that it lacks; all else is its own."""

    LACKING = ("TIMebase:MODE", "ACQuire:TYPE", "TRIGger:COUPling", "ACQuire:MDEPth")

    def command(self, key: str, arg: str) -> str | None:
        """Take in what it does not know."""
        inverted = key.startswith("CHAN") and key.endswith(":INV")
        if inverted or any(self.matches(key, lacking) for lacking in self.LACKING):
            return None
        return super().command(key, arg)


def run(
    scenario: Callable[[RigolDs1000z, Any], Any], model: str = "DS1104Z", **options: Any
) -> Any:
    """Run a scenario with the driver opened on the other simulation, over TCP."""

    async def main() -> Any:
        device = WithMoreSettings(model)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1 << 16):
                writer.write(device.handle_bytes(data))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        scope = RigolDs1000z(
            "scope", f"TCPIP::127.0.0.1::{port}::SOCKET", RealConnector(), link=LINK,
            **{
                "scale": (1.0, 0.5), "offset": (-1.5, 0.0), "probe": 10.0, "sample_rate": 2.5e6,
                "trigger_source": "CHAN1", "trigger_level": 1.5, **options,
            },
        )  # fmt: skip
        try:
            async with scope:
                return await scenario(scope, device)
        finally:
            server.close()

    return asyncio.run(asyncio.wait_for(main(), 30.0))


def test_volts_are_those_of_its_signals() -> None:
    """A square of 0 to 3 V and 1 kHz that triggers, a sine of 1 V and 2 kHz beside it."""

    async def scenario(scope: RigolDs1000z, device: Any) -> None:
        assert scope.identity is not None
        assert scope.identity.model == "DS1104Z"
        for first, count in ((0, 5000), (1234, 77)):
            await scope.arm(5000)
            volts = await scope.fetch(first, count)
            assert volts.shape == (count, 2)
            times = (first + np.arange(count)) / 2.5e6
            square = np.where(np.mod(times, 1e-3) < 0.5e-3, 3.0, 0.0)
            settled = np.mod(times, 0.5e-3) > 10e-6
            assert np.abs(volts[:, 0] - square)[settled].max() < 0.06
            sine = np.sin(2 * np.pi * 2000.0 * times + 0.3)
            assert np.abs(volts[:, 1] - sine).max() < 0.06
        assert device.error_queue == []
        await scope.off()
        assert not device.running

    run(scenario)


def test_settings_are_set_and_told() -> None:
    async def scenario(scope: RigolDs1000z, device: Any) -> None:
        for quantity, value, channel in (
            (settings.DISPLAY, True, 3), (settings.COUPLING, "AC", 3), (settings.PROBE, 1.0, 3),
            (settings.SCALE, 0.2, 3), (settings.OFFSET, -0.3, 3), (settings.BANDWIDTH, "20M", 3),
            (settings.TIME_SCALE, 5e-5, ""), (settings.TIME_OFFSET, 1e-4, ""),
            (settings.TRIGGER_MODE, "EDGE", ""), (settings.TRIGGER_SOURCE, "CHAN2", ""),
            (settings.TRIGGER_SLOPE, "NEG", ""), (settings.TRIGGER_LEVEL, 0.25, ""),
            (settings.SWEEP, "NORM", ""),
        ):  # fmt: skip
            await scope.set(quantity, value, channel)
            assert await scope.get(quantity, channel) == value, quantity.name
        assert await scope.get(settings.SAMPLE_RATE) > 0.0
        assert await scope.get(settings.STATUS) in ("TD", "WAIT")

    run(scenario)


def test_its_refusals_are_raised_with_the_command() -> None:
    async def scenario(scope: RigolDs1000z, device: Any) -> None:
        with pytest.raises(InstrumentError, match=r"CHAN1:OFFS 500.*-224"):
            await scope.arm(100)

    run(scenario, offset=(500.0, 0.0))

    async def without(scope: RigolDs1000z, device: Any) -> None:
        with pytest.raises(InstrumentError, match=r"-224|-113"):
            await scope.arm(100)

    run(without, model="DS1202Z-E", trigger_source="EXT")


def test_its_other_families_are_refused() -> None:
    async def scenario(scope: RigolDs1000z, device: Any) -> None:
        raise AssertionError("it must not open")

    for model in ("DHO804", "MSO5074"):
        with pytest.raises(IdentityError, match=model):
            run(scenario, model=model)
