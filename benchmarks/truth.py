"""The truth behind a simulated bench, for benchmarks that score a twin; nothing else may look.

A noise-free pass through the plant as it stands at a bench time, and its gradient by central
differences of the plant, one heater after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hil.control.machine import DRIVE_LIMIT
from hil.control.schedule import Schedule
from hil.control.trace import Trace
from hil.learn.network import Network
from hil.learn.pat import measured_pass
from hil.twin.protocol import SlotTwin
from sim_backends.plant.mesh import mesh_matrix
from sim_backends.plant.plant import Plant

Floats = NDArray[np.float64]
#: p_pi, half the distance of the two sides of a difference.
STEP = 1e-4


class Truth:
    """A mesh bench without noise, converters and thermal tails, held at its levels."""

    def __init__(self, document: Mapping[str, Any], n_banks: int) -> None:
        self.plant = Plant.from_document(document)
        self.banks = range(n_banks)

    def phases(self, powers: Floats, at: float) -> Floats:
        """Phases (n_banks, elements) in rad, for powers in units of p_pi."""
        plant, spec = self.plant, self.plant.spec
        rows = []
        for bank in self.banks:
            volts = np.sqrt(powers[bank] * spec.p_pi * spec.r_nom[bank])
            still = plant._phases(bank, plant.settled_powers(bank, volts))
            rows.append(plant._drifted(bank, still, at))
        return np.stack(rows)

    def own(self, bank: int, phases: Floats) -> NDArray[np.complex128]:
        """Transfer matrix (N, N) of a bank with phases (elements,)."""
        d = self.plant.devices
        return mesh_matrix(phases, d.alpha[bank], d.beta[bank], d.loss_db[bank])

    def run(
        self,
        own: list[NDArray[np.complex128]],
        network: Network,
        inputs: Floats,
        n_steps: int,
        at: float,
    ) -> Trace:
        """The trace of inputs (batch, n_steps, N) with banks of these matrices, time `at`."""
        d, numbers = self.plant.devices, self.plant.spec.numbers
        turn = np.exp(-1j * self.plant.lo_phase(at))
        seen = [
            np.real(turn * (own[k] + sum(d.leak[k, j] * own[j] for j in self.banks))).T
            for k in self.banks
        ]
        gain, bias = network.gain.detach().numpy(), network.bias.detach().numpy()
        sent, measured, v = [], [], inputs[:, 0]
        banks = tuple(t % len(own) for t in range(n_steps))
        for t, bank in enumerate(banks):
            u = np.clip(v, -DRIVE_LIMIT, DRIVE_LIMIT)
            light = np.sin(0.5 * np.pi * d.modulator_gain * u + d.modulator_bias)
            light[1:] += numbers.memory * light[:-1].copy()
            signal, limit = light @ seen[bank], numbers.saturation
            if limit is not None:
                signal = limit * np.tanh(signal / limit)
            y = d.detector_gain * signal + d.detector_offset
            sent.append(u)
            measured.append(y)
            v = network.skip * v + gain[bank] * y + bias[bank]
            if t + 1 < n_steps:
                v = v + inputs[:, t + 1]
        dark = np.zeros(len(inputs), dtype=bool)
        dark[0] = True
        seen_trace = np.stack(measured, axis=1)
        return Trace(
            np.stack(sent, axis=1),
            seen_trace,
            np.zeros(seen_trace.shape, dtype=bool),
            v,
            dark,
            banks,
            np.full(n_steps, at),
        )

    def gradient(
        self, network: Network, inputs: Floats, labels: Floats, steps: int, at: float
    ) -> Floats:
        """Central differences (n_banks, elements) of the mean cross entropy per p_pi."""
        powers = network.powers.detach().numpy()
        readout = network.readout.detach().numpy()
        phases = self.phases(powers, at)
        own = [self.own(k, phases[k]) for k in self.banks]

        def loss(matrices: list[NDArray[np.complex128]]) -> float:
            logits = self.run(matrices, network, inputs, steps, at).state @ readout.T
            logits = logits - logits.max(axis=1, keepdims=True)
            chosen = logits[np.arange(len(labels)), labels]
            return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen))

        found = np.empty_like(powers)
        for bank in self.banks:
            for element in range(powers.shape[1]):
                sides = []
                for sign in (1.0, -1.0):
                    moved = powers.copy()
                    moved[bank, element] += sign * STEP
                    changed = list(own)
                    changed[bank] = self.own(bank, self.phases(moved, at)[bank])
                    sides.append(loss(changed))
                found[bank, element] = (sides[0] - sides[1]) / (2.0 * STEP)
        return found

    def cosine(
        self,
        twin: SlotTwin,
        network: Network,
        schedule: Schedule,
        features: Floats,
        labels: Floats,
        at: float,
    ) -> float:
        """Cosine of the gradient that training would believe in with that of the plant."""
        inputs = schedule.place(features, twin.ports)
        true = self.gradient(network, inputs, labels, schedule.n_steps, at)
        phases = self.phases(network.powers.detach().numpy(), at)
        own = [self.own(k, phases[k]) for k in self.banks]
        trace = self.run(own, network, inputs, schedule.n_steps, at)
        powers = network.powers.detach().clone().requires_grad_()
        state = measured_pass(
            twin,
            powers,
            network.gain.detach(),
            network.bias.detach(),
            network.skip,
            torch.from_numpy(inputs),
            trace,
        )
        logits = state @ network.readout.detach().T
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        believed = torch.autograd.grad(loss, powers)[0].numpy()
        return float((believed * true).sum() / np.linalg.norm(believed) / np.linalg.norm(true))
