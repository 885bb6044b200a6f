"""Driving a bench off without its controller, in virtual time, seen by what is simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.instrument import Identity
from hil.bench.assembly import Assembled, assemble
from hil.bench.entry import make_core
from hil.bench.loop_thread import LoopThread
from hil.bench.opening import OpenBench
from hil.guarding import making_safe
from hil.guarding.making_safe import make_safe, outputs_of

WriteBench = Callable[..., Path]


class Orphan:
    """A bench as a killed controller leaves it, and links of a guardian's own to it."""

    def __init__(self, path: Path, inside: Any) -> None:
        self.core: OpenBench = make_core(path)
        self.inside = inside(self.core)
        self.chip = self.core.file.chip
        self.told: list[str] = []
        self.reachable: set[str] = {one.name for one in self.core.parts.instruments}

    def parts(self) -> Assembled:
        """Drivers that know nothing of what was driven, on links of their own."""
        assert self.core.simulation is not None
        network = self.core.simulation.network()
        return assemble(self.core.file, {o.name: network for o in self.core.file.instruments})

    def left_on(self, then: Callable[[Orphan], Any]) -> Any:
        """Warm the bench, run a frame, drop the links, and let `then` go on from there."""

        async def work() -> Any:
            await self.core.open()
            machine = self.core.machine
            await machine.frame(0, np.full((3, self.core.file.ports), 0.5))
            for one in self.core.parts.instruments:
                await one.close()
            assert not self.inside.is_safe()
            return await then(self)

        thread = LoopThread(self.core.new_loop(), "orphan")
        try:
            return thread.call(work())
        finally:
            thread.stop()

    async def drive_off(self, parts: Assembled | None = None) -> list[str]:
        """As the guardian does."""
        return await make_safe(
            parts or self.parts(),
            self.chip,
            self.told.append,
            lambda one: one.name in self.reachable,
        )


@pytest.fixture
def orphan(write_bench: WriteBench, behind: Any) -> Orphan:
    return Orphan(write_bench(), behind)


def test_all_goes_off_and_the_heaters_come_down_the_ramp(orphan: Orphan) -> None:
    seen: list[tuple[float, float]] = []
    chain = orphan.inside.simulated.instruments["heaters-0"]
    drive = chain.loads.drive

    async def watched(self: Orphan) -> list[str]:
        def noted(channels: np.ndarray, volts: np.ndarray) -> None:
            # The light is off before a heater moves.
            assert not self.inside.lines
            assert not self.inside.outputs_on
            seen.append((asyncio.get_running_loop().time(), float(np.square(chain.volts).sum())))
            drive(channels, volts)

        chain.loads.drive = noted
        return await self.drive_off()

    assert orphan.left_on(watched) == []
    assert orphan.inside.is_safe()
    powers = np.array([power for _, power in seen]) / 800.0
    # From where it stood: 20 mW each.
    steps = -np.diff([0.08, *powers])
    assert len(seen) == orphan.chip.ramp_steps
    np.testing.assert_allclose(steps, 0.08 / orphan.chip.ramp_steps, atol=2e-4)
    taken = seen[-1][0] - seen[0][0]
    assert taken >= 0.9 * orphan.chip.ramp_time  # nine pauses, and the links' own time
    (told,) = (line for line in orphan.told if line.startswith("heaters-0: "))  # both at once
    assert told.startswith("heaters-0: 4 channels from 4.0")


def test_a_bench_that_is_off_stays_so_at_once(orphan: Orphan) -> None:
    async def twice(self: Orphan) -> list[str]:
        assert await self.drive_off() == []
        del self.told[:]
        return await self.drive_off()

    assert orphan.left_on(twice) == []
    assert orphan.told == []  # nothing was hot
    assert orphan.inside.is_safe()


@pytest.mark.parametrize("deaf", ["heaters-0", "pattern", "box-0"])
def test_what_cannot_be_reached_does_not_stop_the_rest(deaf: str, orphan: Orphan) -> None:
    async def shut(self: Orphan) -> tuple[list[str], float]:
        parts = self.parts()
        one = next(o for o in parts.instruments if o.name == deaf)

        async def refuse() -> None:
            raise OSError("the port has gone")

        one.open = refuse  # type: ignore[method-assign]
        began = asyncio.get_running_loop().time()
        failed = await self.drive_off(parts)
        return failed, asyncio.get_running_loop().time() - began

    failed, seconds = orphan.left_on(shut)
    assert failed == [f"{deaf}: the port has gone"]
    assert seconds < making_safe.LAST + 10.0
    inside = orphan.inside
    hot = inside.volts[:64].any(), inside.volts[64:].any()
    assert hot == (deaf == "heaters-0", False)
    assert bool(inside.lines) == (deaf == "pattern")
    assert inside.outputs_on == (deaf == "box-0")


def test_what_comes_late_goes_off_late(orphan: Orphan) -> None:
    async def late(self: Orphan) -> list[str]:
        parts = self.parts()
        heaters = next(o for o in parts.instruments if o.name == "heaters-1")
        opened, tries = heaters.open, 0

        async def busy() -> None:
            nonlocal tries
            tries += 1
            if tries < 8:
                raise OSError("in use by another program")
            await opened()

        heaters.open = busy  # type: ignore[method-assign]
        began = asyncio.get_running_loop().time()
        failed = await self.drive_off(parts)
        assert asyncio.get_running_loop().time() - began < 15.0
        return failed

    assert orphan.left_on(late) == []
    assert orphan.inside.is_safe()
    assert "not yet: heaters-1: in use by another program" in orphan.told


def test_replies_that_fail_on_the_way_are_asked_for_again(orphan: Orphan) -> None:
    async def noisy(self: Orphan) -> list[str]:
        for name in ("heaters-0", "pattern", "box-0"):
            self.inside.simulated.faults[name].silence(2)
            self.inside.simulated.faults[name].garbage()
        return await self.drive_off()

    assert orphan.left_on(noisy) == []
    assert orphan.inside.is_safe()


def test_a_stranger_at_the_port_is_not_touched(orphan: Orphan) -> None:
    async def exchanged(self: Orphan) -> list[str]:
        parts = self.parts()
        (heaters,) = (o for o in parts.instruments if o.name == "heaters-0")
        heaters.identity = Identity("Qontrol", "Q8iv", "9999", "")
        return await self.drive_off(parts)

    (failed,) = orphan.left_on(exchanged)
    assert "9999" in failed
    assert orphan.inside.volts[:64].any()
    assert not orphan.inside.volts[64:].any()


def test_instruments_in_the_controllers_memory_are_left_out(orphan: Orphan) -> None:
    orphan.reachable = {"heaters-0"}
    assert orphan.left_on(Orphan.drive_off) == []
    assert not orphan.inside.volts[:64].any()
    assert orphan.inside.volts[64:].any()


def test_a_reading_that_is_no_number_is_not_ramped_but_zeroed(orphan: Orphan) -> None:
    async def blind(self: Orphan) -> list[str]:
        parts = self.parts()
        for one in parts.chassis:
            read = one.read_volts

            async def garbled(one: Any = one, read: Any = read) -> np.ndarray:
                one.read_volts = read  # once: what is still read at the end is believed
                volts = np.array(await read())
                volts[0] = np.nan
                volts[1] = 11.9  # above what it may be given
                return volts

            one.read_volts = garbled  # type: ignore[method-assign]
        return await self.drive_off(parts)

    assert orphan.left_on(blind) == []
    assert orphan.inside.is_safe()


def test_what_is_driven_is_what_is_locked(write_bench: WriteBench) -> None:
    parts = make_core(write_bench()).parts
    assert {one.name for one in outputs_of(parts)} == {"heaters-0", "heaters-1", "pattern", "box-0"}
