"""The plant: the hidden truth behind the simulated instruments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sim_backends.plant.devices import Devices, draw_devices
from sim_backends.plant.drifts import Drifts
from sim_backends.plant.electronics import Detectors, Modulators
from sim_backends.plant.faults import HeaterWires
from sim_backends.plant.heaters import HeaterBank, HeaterState
from sim_backends.plant.layout import crosstalk_matrix
from sim_backends.plant.mesh import mesh_matrix
from sim_backends.plant.render import FrameOptics, render_frame, tapped_light
from sim_backends.plant.scratch import Scratch
from sim_backends.plant.signals import Complexes, Floats, FrameSignals, Integers, SampleGrid
from sim_backends.plant.spec import MICRORING, PlantSpec
from sim_backends.plant.surroundings import InTime, Surrounding, Surroundings

#: How a detector sees the field.
Detection = Literal["homodyne", "quadrature", "intensity"]
_FRAME_NOISE = 103
"""Random stream of what is read; those of drift and devices are in their own modules."""
#: Signal units of local oscillator on each half of a balanced pair of linear detectors.
PAIR_POWER = 3.0


@dataclass(frozen=True)
class _Held:
    """A bank's matrix and when it held."""

    state: HeaterState
    time: float
    around: Surrounding
    matrix: Complexes


class Plant:
    """Meshes, heaters, switches, modulators and detectors of one bench, in bench time.

    A function of the bench document, of the heater steps it was given and of time: two plants
    that are told the same answer the same.
    """

    coherent = True
    """Whether light adds up in field; microring banks take powers."""

    def __init__(self, spec: PlantSpec) -> None:
        self.spec = spec
        self.devices = self._make_devices()
        self.modulators = self._make_modulators()
        self.detectors = Detectors(spec, self.devices)
        self.crosstalk = self._make_crosstalk()
        self._wires = HeaterWires(spec.faults, spec.n_banks, spec.elements)
        self._sign = spec.faults.sign(spec.n_banks, spec.elements)
        self._heaters = [
            HeaterBank(spec, self.devices.r0[k], self.devices.p_pi[k], self._wires.at_rest(k))
            for k in range(spec.n_banks)
        ]
        self._drifts = Drifts(spec)
        self._around = Surroundings(spec)
        self._held: list[_Held | None] = [None] * spec.n_banks
        self._seen: tuple[list[Complexes], float] | None = None
        self._detected: list[Complexes] = []
        self._scratch = Scratch()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Plant:
        """Build the plant of a decoded bench file.

        Raises
        ------
        PlantSpecError
            When the document is not complete, or names what does not exist.
        """
        spec = PlantSpec.from_document(document)
        if spec.core == MICRORING:
            from sim_backends.plant.microring import MicroringPlant

            return MicroringPlant(spec)
        return cls(spec)

    # -- what another core makes otherwise ---------------------------------------------------

    def _make_devices(self) -> Devices:
        return draw_devices(self.spec)

    def _make_modulators(self) -> Modulators:
        return Modulators(self.spec, self.devices)

    def _make_crosstalk(self) -> Floats:
        numbers = self.spec.numbers
        return crosstalk_matrix(
            self.spec.ports, numbers.crosstalk_c1, numbers.crosstalk_d0, numbers.crosstalk_cg
        )

    # -- what other instruments do to it -----------------------------------------------------

    def join_light(self, brightness: InTime, detuning: InTime) -> None:
        """Let a laser feed the bench: `brightness` in units of the nominal power, `detuning` in m
        of wavelength above the nominal one, at bench time.

        Signal and local oscillator are of the one laser, so that all beats go with its power. The
        lasers of microring banks are one comb, that moves as a whole.
        """
        self._around.join_light(brightness, detuning)

    def join_stage(self, warmth: InTime) -> None:
        """Let a thermal stage carry the chips: `warmth` in K above where the chips were surveyed,
        at bench time.
        """
        self._around.join_stage(warmth)

    def stand_alone(self) -> None:
        """Nominal light, chips at the temperature of their survey, whatever was joined."""
        self._around.stand_alone()

    def pair_power(self, port: int, at: float) -> float:
        """Mean reading of each half of a port's balanced pair, in units of the readout.

        The local oscillator's light, most of what falls on both: enough that no signal up to the
        detectors' saturation empties one of them.
        """
        most = self.spec.numbers.saturation or PAIR_POWER
        return most / float(self.spec.detector_range[port]) * self._around.brightness(at)

    # -- slow side ---------------------------------------------------------------------------

    def set_volts(self, bank: int, elements: NDArray[np.integer], volts: Floats, at: float) -> None:
        """Step heaters.

        Parameters
        ----------
        bank : which chip.
        elements : (n,) indices in element order.
        volts : (n,) V.
        at : s of bench time; one before an earlier step of this bank counts as that step's.
        """
        self._heaters[bank].step(*self._wires.reaching(bank, elements, volts), at)

    def heater_amps(self, bank: int, elements: NDArray[np.integer], volts: Floats) -> Floats:
        """Currents in A, (n,), that heaters draw at `volts` once warm."""
        return self._heaters[bank].amps(*self._wires.reaching(bank, elements, volts))

    def settled_powers(self, bank: int, volts: Floats) -> Floats:
        """Powers in units of each heater's own P_pi, (elements,), at held `volts` (elements,)."""
        everything: Integers = np.arange(self.spec.elements)
        heaters, reaching = self._wires.reaching(bank, everything, volts)
        powers = np.empty(self.spec.elements)
        powers[heaters] = self._heaters[bank].settled_power(heaters, reaching)
        return powers

    def matrix(self, bank: int, at: float) -> Complexes:
        """Transfer matrix of a bank at a bench time, (N, N), leak excluded."""
        heaters = self._heaters[bank]
        return self._matrix(bank, heaters.state_at(at), at)

    def lo_phase(self, at: float) -> float:
        """Phase of the local oscillator in rad at a bench time."""
        return self._drifts.lo_phase(at)

    def _phases(self, bank: int, x: Floats) -> Floats:
        """Phases without drift for powers x (elements,) in units of P_pi."""
        own = np.pi * x * (1.0 + self.spec.numbers.curvature * x)
        return self.devices.phase[bank] + self._sign[bank] * own + self.crosstalk @ (np.pi * x)

    def _matrix(self, bank: int, state: HeaterState, at: float) -> Complexes:
        phases = self._drifted(bank, self._phases(bank, self._heaters[bank].power(state, at)), at)
        devices = self.devices
        return mesh_matrix(phases, devices.alpha[bank], devices.beta[bank], devices.loss_db[bank])

    def _drifted(self, bank: int, still: Floats, at: float) -> Floats:
        """Phases, or what another core has in their place, with what drift adds to them."""
        still = self._drifts.moved(bank, still, at)
        return self._around.moved(bank, still, self._around.at(at))

    # -- fast side ---------------------------------------------------------------------------

    def detected(self, at: float) -> list[Complexes]:
        """e^{-i psi} times the effective matrix of each selected bank, leak included.

        One (N, N) matrix a bank. They are kept until heaters move, or until drift or thermal
        creep could matter: a thousandth of the drift's correlation time, or 1e-4 rad.
        """
        matrices = [self._fresh_matrix(bank, at) for bank in range(self.spec.n_banks)]
        if self._seen is not None:
            seen, time = self._seen
            same = all(old is new for old, new in zip(seen, matrices, strict=True))
            if same and abs(at - time) <= self._drifts.fresh:
                return self._detected
        turn = np.exp(-1j * self.lo_phase(at))
        leak = self.devices.leak
        self._detected = []
        for bank, own in enumerate(matrices):
            total = own
            for other in np.flatnonzero(leak[bank]):
                total = total + leak[bank, other] * matrices[other]
            self._detected.append(turn * total)
        self._seen = (matrices, at)
        return self._detected

    def _fresh_matrix(self, bank: int, at: float) -> Complexes:
        heaters, held = self._heaters[bank], self._held[bank]
        state = heaters.state_at(at)
        if (
            held is not None
            and held.state is state
            and abs(at - held.time) <= self._drifts.fresh
            and self._around.alike(self._around.at(at), held.around)
            and not self._drifts.stepped(bank, held.time, at)
            and heaters.creep_is_small(state, held.time, at)
        ):
            return held.matrix
        matrix = self._matrix(bank, state, at)
        self._held[bank] = _Held(state, at, self._around.at(at), matrix)
        return matrix

    def slot(
        self,
        bank: int,
        volts: Floats,
        at: float,
        detection: Detection = "homodyne",
        *,
        lit: bool = True,
    ) -> Floats:
        """Settled detector volts of one pass through one bank, noise free.

        Parameters
        ----------
        bank : the selected bank.
        volts : (samples, N) V at the instruments' outputs, held one after the other; before the
            first it is dark.
        at : s of bench time.
        detection : `quadrature`: the local oscillator's phase line is high; `intensity`: its gate
            is closed.
        lit : whether the signal's gate is open.

        Returns
        -------
        (samples, N) V at the inputs of the digitisers.
        """
        light = self.modulators.amplitudes(volts) if lit else np.zeros_like(volts)
        memory = self.spec.numbers.memory
        if memory:
            light[1:] += memory * light[:-1].copy()
        matrix = self.detected(at)[bank]
        power = self._around.brightness(at)
        if detection == "homodyne":
            return self.detectors.volts(power * (light @ matrix.real.T))
        real, other = light @ matrix.real.T, light @ matrix.imag.T
        if detection == "intensity":
            return self.detectors.volts(power * (real**2 + other**2))
        step = self.devices.quadrature_step
        return self.detectors.volts(power * (np.cos(step) * real + np.sin(step) * other))

    def noise_stream(self, at: float, *more: int) -> np.random.Generator:
        """Random numbers of the frame at a bench time, to the nanosecond: same time, same noise."""
        nanoseconds = round(at * 1e9)
        # SeedSequence takes no negative words.
        sign = int(nanoseconds < 0)
        words = [self.spec.seed, _FRAME_NOISE, sign, abs(nanoseconds), *more]
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(words)))

    def render(self, frame: FrameSignals, grids: Sequence[SampleGrid], *more: int) -> list[Floats]:
        """Detector volts of a frame at the asked times, read noise included, not yet quantised.

        Heaters and drift stand still during a frame, at its origin. `more`: what tells readers of
        one frame apart whose noise is not the same.

        Returns
        -------
        For each grid (count, len(ports)) V.

        Raises
        ------
        ValueError
            When the frame has not one drive a port.
        """
        return render_frame(frame, grids, self._optics(frame, *more))

    def tapped(self, frame: FrameSignals, grids: Sequence[SampleGrid]) -> list[Floats]:
        """Light of a frame on its way to the detectors of ports, at the asked times.

        Of microring banks: on its way to the detector of what rings drop.

        Returns
        -------
        For each grid (count, len(ports)) in units of the laser's nominal power.
        """
        unit = 10.0 ** (-self.spec.numbers.port_loss_db / 10.0)
        optics = self._optics(frame)
        return [unit * seen for seen in tapped_light(frame, grids, optics, self.coherent)]

    def _optics(self, frame: FrameSignals, *more: int) -> FrameOptics:
        """The plant as it is during a frame."""
        return FrameOptics(
            detected=self.detected(frame.origin),
            modulators=self.modulators,
            detectors=self.detectors,
            numbers=self.spec.numbers,
            roles=self.spec.lines,
            drive_delays=self.devices.drive_delay,
            line_delays=self.devices.line_delay,
            quadrature_step=self.devices.quadrature_step,
            stream=self.noise_stream(frame.origin, *more),
            scratch=self._scratch,
            brightness=self._around.brightness(frame.origin),
        )
