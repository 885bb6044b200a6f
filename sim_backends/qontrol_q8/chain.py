"""The modules of a chain: outputs, limits, trips and read-back, without the wire protocol.

Models and full scales from the vendor's API (takeqontrol/api 1.1.20, DEVICE_PROPERTIES); what a
tripped output does is not documented, and the careful reading is taken: it goes to zero.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Door, OwnFault, without_value

Floats = NDArray[np.float64]
Channels = NDArray[np.intp]

MODELS = {
    "Q8iv": (12.0, 24.0e-3),
    "Q8b": (12.0, 83.333333e-3),
    "Q8a": (12.0, 0.1),
    "Q8bi": (12.0, 0.1),
}
"""model -> full scale in V and A"""

PER_MODULE = 8
FULL_WORD = 0xFFFF
OVER_VOLTAGE, OVER_CURRENT, POWER = 1, 2, 3
POWERED_UP = (90, 3)
"""What the log says of a power-up; on the port it is told as a power error, E03:00."""
LIFETIME = 275376
"""s that the modules had run when they were switched on here."""
_SINCE_POWER_UP = 120.0
_BISECTIONS = 40
_LOG_DEPTH = 64


class Loads(Protocol):
    """What is joined to the outputs."""

    def drive(self, channels: Channels, volts: Floats) -> None:
        """Channels step to `volts`."""
        ...

    def amps(self, channels: Channels, volts: Floats) -> Floats:
        """Currents in A that channels draw at `volts`."""
        ...


@dataclass(frozen=True)
class ReadbackNumbers:
    """Imperfection of the measured values, relative to full scale.

    `offset` is the rms over channels, `noise` that of one reading; `seed` fixes both.
    """

    offset: float = 0.0
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Fault:
    """An output fault: error code 1 or 2 and the channel of the whole chain."""

    code: int
    channel: int


@dataclass(frozen=True)
class LogEntry:
    """An error in a module's log: when (s), its code and its channel or detail."""

    at: float
    code: int
    detail: int


class QontrolChain:
    """`modules` modules of one model; channels are counted through the chain.

    `stuck` (channel -> V) and `dead` (channels) are faults of the outputs on order: a stuck one
    stays at its voltage whatever is set, a dead one delivers nothing.
    """

    def __init__(
        self,
        loads: Loads,
        modules: int = 8,
        model: str = "Q8iv",
        serial: str = "****",
        readback: ReadbackNumbers | None = None,
        bits: int | None = 16,
        firmware: str = "v2.4.1",
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"Qontrol model {model!r}: known are {', '.join(MODELS)}")
        self.loads = loads
        self.modules = modules
        self.channels = modules * PER_MODULE
        self.model = model
        self.firmware = firmware
        self.v_full, self.i_full = MODELS[model]
        self._serial = serial
        self._bits = bits
        numbers = ReadbackNumbers() if readback is None else readback
        self._random = np.random.default_rng(np.random.SeedSequence([numbers.seed, 0x51384956]))
        self._noise = numbers.noise
        self._offsets = self._random.standard_normal((2, self.channels)) * numbers.offset
        self.volts: Floats = np.zeros(self.channels)
        """V at the outputs (channels,)"""
        self.v_max: Floats = np.full(self.channels, self.v_full)
        self.i_max: Floats = np.full(self.channels, self.i_full)
        self.stuck: dict[int, float] = {}
        self.dead: set[int] = set()
        self.flags = self._default_flags()
        self.enumerated = list(range(modules))
        """What each module takes for its number."""
        self.listeners: set[Callable[[int, int], None]] = set()
        """Hear of errors that come unasked: (code, detail)."""
        self._clock = BenchClock()
        up = LogEntry(-_SINCE_POWER_UP, *POWERED_UP)
        self.logs: tuple[deque[LogEntry], ...] = tuple(
            deque([up], maxlen=_LOG_DEPTH) for _ in range(modules)
        )
        """Errors of each module, the latest first."""

    def _default_flags(self) -> dict[str, NDArray[np.int64]]:
        return {
            "LED": np.ones(self.modules, np.int64),
            "OK": np.ones(self.modules, np.int64),
            "SAFE": np.ones(self.modules, np.int64),
            "ADCT": np.full(self.modules, 5),
            "ADCN": np.full(self.modules, 2),
        }

    @property
    def doors(self) -> tuple[Door, ...]:
        """The chain's one serial port."""
        from .port import PortConversation  # it speaks to this class, which must be there first

        return (Door("serial", None, lambda send: PortConversation(self, send)),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`dead=CHANNEL` delivers nothing, `stuck=CHANNEL/VOLTS` stays, `mended` ends both;
        `error=CODE/DETAIL` is told unasked, `power` is lost for a moment.
        """
        return {
            "dead": self._dead_fault, "stuck": self._stuck_fault,
            "mended": without_value(self._mend),
            "error": self._error_fault, "power": without_value(self.lose_power),
        }  # fmt: skip

    def _error_fault(self, value: str) -> Callable[[], None]:
        text, _, more = value.partition("/")
        code, detail = int(text), int(more or 0)
        if not (0 <= code <= 99 and 0 <= detail <= 99):
            raise ValueError("a code and a detail have two digits")
        return lambda: self.report(code, detail)

    def _dead_fault(self, value: str) -> Callable[[], None]:
        channel = self._number(value)

        def die() -> None:
            self.dead.add(channel)
            self._hit(channel)

        return die

    def _stuck_fault(self, value: str) -> Callable[[], None]:
        text, _, volts = value.partition("/")
        channel, level = self._number(text), float(volts)

        def stick() -> None:
            self.stuck[channel] = level
            self._hit(channel)

        return stick

    def _hit(self, channel: int) -> None:
        """What befalls an output befalls it now, not when it is next set."""
        self._apply(np.array([channel]), self.volts[[channel]])

    def _mend(self) -> None:
        self.dead.clear()
        self.stuck.clear()

    def _number(self, text: str) -> int:
        channel = int(text)
        if not 0 <= channel < self.channels:
            raise ValueError(f"channel {channel} of {self.channels}")
        return channel

    # -- time and troubles ------------------------------------------------------------------------

    def now(self) -> float:
        """Bench time in s; outside a loop time stands still."""
        try:
            return self._clock.now()
        except RuntimeError:
            return 0.0

    def lifetime(self, module: int) -> int:
        """How long a module has run, s."""
        return LIFETIME + 17 * module + int(self.now())

    def record(self, code: int, detail: int, module: int = 0) -> None:
        """Put an error into a module's log."""
        self.logs[module].appendleft(LogEntry(self.now(), code, detail))

    def report(self, code: int, detail: int) -> None:
        """An error of the first module that nobody asked for: logged, and told on the port."""
        self.record(code, detail)
        for listener in list(self.listeners):
            listener(code, detail)

    def lose_power(self) -> None:
        """The supply fails for a moment: outputs at zero, limits and switches as at power-up.

        The port stays, being powered by the computer.
        """
        every = np.arange(self.channels)
        self._apply(every, np.zeros(self.channels))
        self.v_max[:], self.i_max[:] = self.v_full, self.i_full
        self.flags = self._default_flags()
        for module in range(self.modules):
            self.record(*POWERED_UP, module)
        for listener in list(self.listeners):
            listener(POWER, 0)

    # -- identity ---------------------------------------------------------------------------------

    def identity(self, module: int) -> str:
        """`Q8iv-0001`; the serial number counts on through the chain, `****` where none is
        assigned.
        """
        try:
            number = int(self._serial, 16) + module
        except ValueError:
            return f"{self.model}-{self._serial}"
        return f"{self.model}-{number:0{len(self._serial)}X}"

    def module_of_identity(self, number: int) -> int | None:
        """Module whose serial number is `number`, or None."""
        for module in range(self.modules):
            digits = self.identity(module).rpartition("-")[2]
            if "*" not in digits and int(digits, 16) == number:
                return module
        return None

    # -- setting ----------------------------------------------------------------------------------

    def set_volts(self, channels: Channels, volts: Floats) -> list[Fault]:
        """Set voltages within 0..full scale; faulty channels go to zero and are reported."""
        volts = self._quantise(volts)
        slack = self.v_full / FULL_WORD
        faults = [
            Fault(OVER_VOLTAGE, int(channel))
            for channel in channels[volts > self.v_max[channels] + slack]
        ]
        drawn = self.loads.amps(channels, volts)
        over = drawn > self.i_max[channels] + self.i_full / FULL_WORD
        over &= volts <= self.v_max[channels] + slack
        faults += [Fault(OVER_CURRENT, int(channel)) for channel in channels[over]]
        for fault in faults:
            volts[channels == fault.channel] = 0.0
        self._log(faults)
        self._apply(channels, volts)
        return faults

    def set_amps(self, channels: Channels, amps: Floats) -> list[Fault]:
        """Source currents in 0..full scale: each output rises until its load draws that."""
        faults: list[Fault] = []
        volts = np.zeros(channels.shape)
        limits = self.i_max[channels]
        for index, channel in enumerate(channels):
            wanted = float(amps[index])
            if wanted > limits[index] + self.i_full / FULL_WORD:
                faults.append(Fault(OVER_CURRENT, int(channel)))
                continue
            level = self._volts_for(channels[index : index + 1], wanted)
            if level is None:
                faults.append(Fault(OVER_VOLTAGE, int(channel)))
            else:
                volts[index] = level
        self._log(faults)
        self._apply(channels, volts)
        return faults

    def _log(self, faults: list[Fault]) -> None:
        for fault in faults:
            self.record(fault.code, fault.channel % PER_MODULE, fault.channel // PER_MODULE)

    def _volts_for(self, channel: Channels, amps: float) -> float | None:
        if amps <= 0.0:
            return 0.0
        low, high = 0.0, float(self.v_max[channel[0]])
        if self.loads.amps(channel, np.array([high]))[0] < amps:
            return None
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if self.loads.amps(channel, np.array([middle]))[0] < amps:
                low = middle
            else:
                high = middle
        return high

    def _quantise(self, volts: Floats) -> Floats:
        if self._bits is None:
            return volts.astype(np.float64)
        steps = float((1 << self._bits) - 1)
        return np.rint(volts / self.v_full * steps) * (self.v_full / steps)

    def _apply(self, channels: Channels, volts: Floats) -> None:
        for channel, level in self.stuck.items():
            volts[channels == channel] = level
        for channel in self.dead:
            volts[channels == channel] = 0.0
        self.volts[channels] = volts
        self.loads.drive(channels, volts)

    # -- measuring --------------------------------------------------------------------------------

    def read_volts(self, channels: Channels) -> Floats:
        """Measured V: the output with the channel's offset and noise."""
        return self._measured(self.volts[channels], channels, 0, self.v_full)

    def read_amps(self, channels: Channels) -> Floats:
        """Measured A."""
        drawn = self.loads.amps(channels, self.volts[channels])
        return self._measured(drawn, channels, 1, self.i_full)

    def _measured(self, true: Floats, channels: Channels, kind: int, full: float) -> Floats:
        error = self._offsets[kind, channels]
        if self._noise:
            error = error + self._random.standard_normal(channels.size) * self._noise
        return true + error * full
