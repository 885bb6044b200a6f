"""What a bench needs of its instruments, whatever their model. All that a sequencer knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

DetectionMode = Literal["homodyne", "intensity", "balanced"]


@dataclass(frozen=True, eq=False)
class LineProgram:
    """A run of a pattern generator's digital lines: steps of a duration (ns) and a mask.

    Bit n of a mask is line n. After the last step the lines stay at `final`.
    """

    durations_ns: NDArray[np.int64]
    masks: NDArray[np.uint8]
    final: int = 0

    def __post_init__(self) -> None:
        durations = np.ascontiguousarray(self.durations_ns, dtype=np.int64)
        masks = np.ascontiguousarray(self.masks, dtype=np.uint8)
        if durations.ndim != 1 or durations.shape != masks.shape or durations.size == 0:
            raise ValueError(
                f"a line program needs as many masks as durations, and at least one; "
                f"got {self.durations_ns.shape} durations and {self.masks.shape} masks"
            )
        if not np.array_equal(durations, self.durations_ns):
            raise ValueError("durations of a line program are whole nanoseconds")
        if not np.array_equal(masks, self.masks):
            raise ValueError("masks of a line program are 8-bit: lines 0 to 7")
        if int(durations.min()) <= 0:
            raise ValueError("every step of a line program lasts at least 1 ns")
        if not 0 <= self.final <= 255:
            raise ValueError(f"final mask {self.final} is not between 0 and 255")
        object.__setattr__(self, "durations_ns", durations)
        object.__setattr__(self, "masks", masks)

    @property
    def duration(self) -> float:
        """Length of the run in s."""
        return int(self.durations_ns.sum()) * 1e-9

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, LineProgram)
            and self.final == other.final
            and np.array_equal(self.durations_ns, other.durations_ns)
            and np.array_equal(self.masks, other.masks)
        )

    def __hash__(self) -> int:
        return hash((self.durations_ns.tobytes(), self.masks.tobytes(), self.final))


@runtime_checkable
class WeightBank(Protocol):
    """One bank of slow weight elements, set by level: nominal heater power in W."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        ...

    @property
    def settle_time(self) -> float:
        """Seconds from the end of `program` until the elements have followed."""
        ...

    def check(self, levels: NDArray[np.float64]) -> None:
        """Refuse levels (elements,) in W as `program` would, without sending anything."""
        ...

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many elements, by the instruments' link models."""
        ...

    async def program(self, levels: NDArray[np.float64]) -> int:
        """Set levels (elements,) in W; returns how many were really written.

        Raises `LimitError` before a byte leaves when a level is out of range, NaN or inf.
        """
        ...

    async def read_back(self) -> NDArray[np.float64]:
        """Levels (elements,) in W as the instruments measure them."""
        ...

    async def off(self) -> None:
        """All elements to 0, whatever is believed to be set."""
        ...


@runtime_checkable
class VoltageOutputs(Protocol):
    """One instrument of many outputs that are set in V: heaters or bias voltages hang on them.

    Channels are counted from 0, whatever the instrument's panel says. Limits are the narrower of
    the hardware's and of what `set_limits` was given.
    """

    @property
    def name(self) -> str:
        """Its name on the bench."""
        ...

    @property
    def channels(self) -> int:
        """Number of outputs."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it can be spoken to."""
        ...

    @property
    def v_full(self) -> float:
        """Full scale of the outputs, V."""
        ...

    @property
    def i_full(self) -> NDArray[np.float64]:
        """Full scale of the current readings (channels,), A."""
        ...

    @property
    def v_max(self) -> NDArray[np.float64]:
        """Highest voltage of each channel (channels,), V."""
        ...

    @property
    def i_max(self) -> NDArray[np.float64]:
        """Highest current of each channel (channels,), A."""
        ...

    def set_limits(self, v_max: NDArray[np.float64], i_max: NDArray[np.float64]) -> None:
        """Narrow the limits to v_max (channels,) V and i_max (channels,) A; sends nothing.

        Raises `ValueError` for a wrong shape, `LimitError` for NaN or a negative limit.
        """
        ...

    async def apply_limits(self) -> None:
        """Have the hardware keep the limits too, as far as it can; again after a reconnection."""
        ...

    async def write_volts(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> int:
        """Set channels (n,) to volts (n,); returns how many had to be written.

        Raises `LimitError` before a byte leaves, `InstrumentError`, `LinkError`.
        """
        ...

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many channels, by the link model."""
        ...

    async def read_volts(self) -> NDArray[np.float64]:
        """The voltage of every output (channels,), V, as the instrument knows it."""
        ...

    async def read_amps(self) -> NDArray[np.float64]:
        """Measure the current of every output (channels,), A."""
        ...

    async def off(self) -> None:
        """All outputs to 0 V, whatever is believed to be set."""
        ...


@runtime_checkable
class SwitchSequencer(Protocol):
    """Fast digital lines: triggers, gates and bank select. The only role that fires."""

    def planned_load(self, steps: int) -> float:
        """Seconds to load a program of so many steps, by the link model."""
        ...

    def planned_start(self) -> float:
        """Seconds to start it, by the link model."""
        ...

    async def load(self, program: LineProgram) -> None:
        """Make `program` the one that the next `start` runs."""
        ...

    async def arm(self) -> None:
        """Be ready for `start`."""
        ...

    async def start(self) -> None:
        """Run the loaded program once."""
        ...

    async def hold(self, mask: int) -> None:
        """Stop, and hold the lines at `mask`."""
        ...

    async def finished(self) -> bool:
        """True once the started run has ended."""
        ...

    async def off(self) -> None:
        """Stop, all lines low."""
        ...


@runtime_checkable
class InputSource(Protocol):
    """The waveforms that drive the modulators, in instrument volts."""

    @property
    def max_points(self) -> int:
        """Most samples of one load."""
        ...

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in V that the outputs can play."""
        ...

    @property
    def min_dwell(self) -> float:
        """Shortest time a sample can be held, in s."""
        ...

    @property
    def trigger_latency(self) -> float:
        """Nominal time from the trigger to the first sample, in s."""
        ...

    def planned_load(self, samples: int) -> float:
        """Seconds to load so many samples, by the link models."""
        ...

    async def load(self, volts: NDArray[np.float64], dwell: float) -> None:
        """Load volts (samples, ports), each held for `dwell` s. Raises `LimitError`."""
        ...

    async def arm(self, points: int = 0) -> None:
        """Be ready for the trigger. A device that reads as well arms its readout for `points`."""
        ...

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The volts (samples, ports) that would really be played."""
        ...

    async def off(self) -> None:
        """Outputs off."""
        ...


@runtime_checkable
class Readout(Protocol):
    """The detectors, as the instruments read them: V at their inputs, W for power meters."""

    @property
    def mode(self) -> DetectionMode:
        """How the detectors see the field."""
        ...

    @property
    def max_points(self) -> int:
        """Most points of one acquisition."""
        ...

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in V (W) that the inputs can represent."""
        ...

    @property
    def resolution(self) -> float:
        """Smallest step in V (W) of what is read; 0 where it is far below the noise."""
        ...

    def planned_arm(self, points: int) -> float:
        """Seconds to arm for so many points, by the link models."""
        ...

    def planned_fetch(self, points: int) -> float:
        """Seconds to fetch so many points, by the link models."""
        ...

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger."""
        ...

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """V or W (count, ports) from point `first` after the trigger on."""
        ...


@runtime_checkable
class LightSource(Protocol):
    """The signal light; a gate line will do."""

    async def on(self) -> None:
        """Light on."""
        ...

    async def off(self) -> None:
        """Light off."""
        ...


@runtime_checkable
class TunableSource(LightSource, Protocol):
    """A laser whose power and wavelength are set. It is lit when `on` returns, at its power."""

    async def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength that can be set, m."""
        ...

    async def set_wavelength(self, wavelength: float) -> None:
        """Tune to a wavelength in m. Raises `LimitError` before that leaves."""
        ...

    async def read_wavelength(self) -> float:
        """The wavelength that is set, m."""
        ...

    async def set_power_dbm(self, power_dbm: float) -> None:
        """Set the power at its output in dBm. Raises `LimitError` before that leaves."""
        ...

    async def set_power(self, power: float) -> None:
        """Set the power at its output in W. Raises `LimitError` before that leaves."""
        ...

    async def read_power_dbm(self) -> float:
        """The power that is set, dBm."""
        ...

    async def read_power(self) -> float:
        """The power that leaves, W, as the laser tells it; 0 where it is switched off or shut."""
        ...

    async def lit(self) -> bool:
        """Whether light leaves, as the laser tells it."""
        ...


@runtime_checkable
class PhaseReference(Protocol):
    """The local oscillator of a homodyne detection: its gate."""

    async def on(self) -> None:
        """Local oscillator on."""
        ...

    async def off(self) -> None:
        """Local oscillator off."""
        ...


@runtime_checkable
class ThermalStage(Protocol):
    """What holds a chip at its temperature. Set points are in degC, as all that sell stages say."""

    async def set_setpoint_celsius(self, celsius: float) -> None:
        """Set the target temperature in degC. Raises `LimitError` before a byte leaves."""
        ...

    async def read_setpoint_celsius(self) -> float:
        """The target temperature in degC."""
        ...

    async def read_temperature_celsius(self) -> float:
        """Measure the temperature in degC."""
        ...

    async def read_output(self) -> tuple[float, float]:
        """Measure what it drives the stage with: current in A, voltage in V."""
        ...

    async def stable(self) -> bool:
        """True when the temperature is regulated and has been at its target for long enough."""
        ...

    async def on(self) -> None:
        """Regulate the temperature."""
        ...

    async def off(self, *, stop: bool = False) -> None:
        """The bench's off state: the stage goes on as it is, unless it is asked to `stop`."""
        ...


@runtime_checkable
class OpticalSwitch(Protocol):
    """A slow switch of fibres: one way of several, counted from 1."""

    @property
    def positions(self) -> int:
        """Number of ways."""
        ...

    @property
    def settle_time(self) -> float:
        """Seconds from the end of `select` until the light goes the new way."""
        ...

    async def select(self, position: int) -> None:
        """Send the light the way `position`, 1 to `positions`. Raises `LimitError`."""
        ...

    async def position(self) -> int:
        """Which way the light goes. Raises `InstrumentError` where that is not known."""
        ...


@runtime_checkable
class OpticalMatrix(Protocol):
    """A slow switch that joins any of its inputs to any of its outputs.

    Ports are counted as the instrument counts them: inputs from 1 on, outputs after the inputs.
    """

    @property
    def settle_time(self) -> float:
        """Seconds from the end of a change until the light goes the new way."""
        ...

    async def connections(self) -> dict[int, int]:
        """What is joined: input to output."""
        ...

    async def connect(self, pairs: Mapping[int, int]) -> None:
        """Join inputs to outputs; what is joined already stays. Raises `LimitError`."""
        ...

    async def only(self, pairs: Mapping[int, int]) -> None:
        """Join these inputs to these outputs, and nothing else. Raises `LimitError`."""
        ...

    async def disconnect(self, inputs: Iterable[int]) -> None:
        """Part these inputs from their outputs. Raises `LimitError`."""
        ...

    async def off(self) -> None:
        """Nothing joined: dark."""
        ...
