"""What can be done to a bench by hand. Every method is checked before a byte leaves."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.errors import LimitError
from hil.bench.cores import MICRORING
from hil.bench.opening import OpenBench
from hil.bench.states import BenchState
from hil.checking.channels import heater_at
from hil.control.machine import DRIVE_LIMIT, Reading
from hil.control.sequencer import Sequencer
from hil.operating.request import ElementName, RequestError

Floats = NDArray[np.float64]
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Electrical:
    """What the chassis measure: V, A, and nominal W that the volts make, each (n_banks, N^2)."""

    volts: Floats
    amps: Floats
    levels: Floats


class Hand:
    """A connected bench, worked by hand. `tell` is given a line for each thing that moves."""

    def __init__(self, core: OpenBench, tell: Tell) -> None:
        self.core = core
        self.file = core.file
        self._tell = tell
        #: What the pattern lines do between frames, in words.
        self.lines = "all low: dark"

    @property
    def machine(self) -> Sequencer:
        """What programs and fires."""
        machine = self.core.machine
        assert isinstance(machine, Sequencer)  # operating is for the wire only
        return machine

    @property
    def _lights(self) -> str:
        return "signal light" + ("" if self.file.core == MICRORING else " and local oscillator")

    @property
    def levels(self) -> Floats:
        """Levels (n_banks, N^2) in W that were last asked for."""
        return self.machine.levels

    @property
    def ramp_step(self) -> float:
        """W, the most by which an element is moved at once."""
        return self.file.chip.p_pi / self.file.chip.ramp_steps

    def need_armed(self) -> None:
        """Refuse what an operator has not armed the bench for.

        Raises
        ------
        RequestError
        """
        if self.core.state is not BenchState.ARMED:
            raise RequestError(f"the bench is {self.core.state}; `arm` it first")

    async def arm(self) -> None:
        """Warm the bench if it is off, and enter `armed`."""
        await self.core.arm(self._tell)
        self.lines = f"{self._lights} on, no bank selected"

    async def idle(self) -> None:
        """All heaters to the idle levels by the ramp, light on; from `off` too."""
        if self.core.state is BenchState.TRIPPED:
            raise RequestError("the bench has tripped: see what failed, then `off`")
        await self.core.warm(self._tell)
        self.lines = f"{self._lights} on, no bank selected"

    async def off(self) -> list[str]:
        """Drive to `off`; give what failed."""
        self.lines = "all low: dark"
        return await self.core.off(self._tell)

    async def set_level(self, name: ElementName, level: float) -> None:
        """Bring one element to a level in W, in steps no larger than those of the bench's ramp.

        Raises
        ------
        LimitError
            When element or chip would be given too much: nothing is sent.
        """
        self.need_armed()
        target = self.levels.copy()
        before = float(target[name.bank, name.element])
        target[name.bank, name.element] = level
        self.core.parts.banks[name.bank].check(target[name.bank])
        chip = self.file.chip
        steps = max(1, math.ceil(abs(level - before) / self.ramp_step - 1e-9))
        pause = chip.ramp_time / chip.ramp_steps
        self._tell(
            f"element {name}: {1e3 * before:.4g} -> {1e3 * level:.4g} mW in {steps} steps of at "
            f"most {1e3 * self.ramp_step:.3g} mW over {steps * pause:.3g} s"
        )
        for step in range(1, steps + 1):
            at = target.copy()
            at[name.bank, name.element] = before + (level - before) * step / steps
            await self.machine.program(at)
            await self.machine.rest(pause)

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Run one frame of samples (samples, ports) in V_pi through a bank.

        Raises
        ------
        LimitError
            For a drive beyond +-1.5 V_pi, naming box, output and port.
        """
        self.need_armed()
        self._check_drive(values)
        self.core.begin_running()
        try:
            return await self.machine.frame(bank, values)
        finally:
            self.core.end_running()
            oscillator = "" if self.file.core == MICRORING else "local oscillator on, "
            self.lines = f"bank {bank} selected, {oscillator}signal light off"

    def _check_drive(self, values: Floats) -> None:
        good = np.abs(values) <= DRIVE_LIMIT
        if not good.all():
            sample, port = np.argwhere(~good)[0].tolist()
            wire = self.file.ports_in_order[port]
            limit = f"-{DRIVE_LIMIT:g} to {DRIVE_LIMIT:g} V_pi"
            where = f"output {wire.output} (port {port})"
            raise LimitError(wire.plays, where, float(values[sample, port]), limit, "V_pi")
        most = self.core.parts.form.most_samples
        if len(values) > most:
            raise RequestError(f"{len(values)} samples are more than one frame's {most}")

    async def hold(self, bank: int) -> None:
        """Select a bank and keep it, both lights on, until something else is asked."""
        self.need_armed()
        form = self.core.parts.form
        await self.core.parts.switch.hold(form.held_mask(bank) | form.signal_mask)
        self.lines = f"bank {bank} held, {self._lights} on"

    async def read(self) -> Electrical:
        """Measure every heater channel."""
        chassis = self.core.parts.chassis
        both = await asyncio.gather(
            *(one.read_volts() for one in chassis), *(one.read_amps() for one in chassis)
        )
        names = [one.name for one in chassis]
        volts = dict(zip(names, both[: len(names)], strict=True))
        amps = dict(zip(names, both[len(names) :], strict=True))
        shape = self.levels.shape
        read = Electrical(np.empty(shape), np.empty(shape), np.empty(shape))
        for bank in range(shape[0]):
            held = self.file.bank_elements(bank)
            for at, (name, channel) in enumerate(zip(held.chassis, held.channel, strict=True)):
                read.volts[bank, at] = volts[name][channel]
                read.amps[bank, at] = amps[name][channel]
            read.levels[bank] = held.level(read.volts[bank])
        return read

    def label(self, name: ElementName) -> str:
        """Every name of an element."""
        return heater_at(self.file, name.bank, name.element).label
