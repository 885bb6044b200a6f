"""Making a bench's meshes target unitaries: what is asked for, and what was reached."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.configure import Configured
from calibration.configure import configure as self_configure
from calibration.decompose import NotUnitaryError, check_unitary, haar
from calibration.knowledge import Knowledge
from calibration.record import CalibrationRecord
from calibration.step import Watch
from calibration.tomography import NotPossibleError
from hil.bench.calibration_setup import BenchSetup
from hil.bench.cores import MESH
from hil.bench.file import BenchFile
from hil.bench.opening import OpenBench
from hil.calibrating.errors import CalibrationError

Complexes = NDArray[np.complex128]

#: Matrix fidelity that every bank must reach.
GATE = 0.97
_IDENTITY, _HAAR = "identity", "haar:"


@dataclass(frozen=True)
class Reached:
    """What was reached. configured : levels and fidelities by iteration; see there."""

    configured: Configured

    @property
    def best(self) -> NDArray[np.float64]:
        """(n_banks,) best measured matrix fidelity of each bank."""
        return self.configured.fidelity.max(axis=0)

    @property
    def good(self) -> bool:
        """Whether every bank reached the gate."""
        return bool((self.best >= GATE).all())


def targets_of(asked: Sequence[str], file: BenchFile) -> list[Complexes]:
    """A unitary (N, N) for each bank.

    asked : one for all banks, or one for each: `identity`, `haar:SEED`, or a .npy file.

    Raises
    ------
    CalibrationError
        Naming the target and the mend.
    """
    if file.core != MESH:
        raise CalibrationError(
            f"bench {file.name} is a {file.core}: only a mesh can be a unitary; rings hold weights"
        )
    if len(asked) not in (1, file.n_banks):
        raise CalibrationError(
            f"{len(asked)} targets for {file.n_banks} banks; give one for all, or one for each"
        )
    each = [_target(one, file.ports) for one in asked]
    return each * file.n_banks if len(each) == 1 else each


def _target(asked: str, ports: int) -> Complexes:
    if asked == _IDENTITY:
        return np.eye(ports, dtype=np.complex128)
    if asked.startswith(_HAAR):
        seed = asked.removeprefix(_HAAR)
        if not seed.isdecimal():
            raise CalibrationError(f"target {asked}: a whole number must follow {_HAAR}")
        return haar(ports, int(seed))
    try:
        read = np.load(asked, allow_pickle=False)
        matrix = np.asarray(read, dtype=np.complex128)
    except FileNotFoundError:
        raise CalibrationError(
            f"target {asked}: no such file; give a .npy file, {_IDENTITY}, or {_HAAR}SEED"
        ) from None
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise CalibrationError(f"target {asked}: no array of numbers ({error})") from error
    try:
        check_unitary(matrix)
    except NotUnitaryError as error:
        raise CalibrationError(f"target {asked}: {error}") from error
    if len(matrix) != ports:
        raise CalibrationError(
            f"target {asked} is {len(matrix)} x {len(matrix)}; the bench has {ports} ports"
        )
    return matrix


def new_file(path: Path) -> Path:
    """A file that does not exist yet, where one can be written.

    Raises
    ------
    CalibrationError
    """
    if path.exists():
        raise CalibrationError(f"{path} exists; name another with --out, or move it away")
    if not path.parent.is_dir():
        raise CalibrationError(f"{path}: there is no folder {path.parent}")
    return path


async def reach(
    core: OpenBench,
    record: CalibrationRecord,
    targets: Sequence[Complexes],
    watch: Watch,
    iterations: int,
) -> Reached:
    """Configure an open bench.

    Raises
    ------
    CalibrationError
        Where the bench cannot see both quadratures, or iterations are negative.
    """
    if iterations < 0:
        raise CalibrationError(f"{iterations} iterations; 0 or more are needed")
    known = Knowledge.from_record(record, core.file.chip.p_pi)
    try:
        done = await self_configure(BenchSetup(core), known, targets, watch, iterations=iterations)
    except NotPossibleError as error:
        raise CalibrationError(str(error)) from error
    return Reached(done)


def reached_lines(reached: Reached) -> list[str]:
    """What was reached, for a person."""
    first = reached.configured.fidelity[0]
    return [
        f"bank {bank}: matrix fidelity {first[bank]:.4f} by the record, {best:.4f} reached "
        f"(>= {GATE}){'' if best >= GATE else '   FAILED'}"
        for bank, best in enumerate(reached.best)
    ]


def write_levels(
    path: Path, file: BenchFile, asked: Sequence[str], record: str, reached: Reached
) -> None:
    """Write the levels, as measured to be the best, and how they came about."""
    document = {
        "schema": "hil-levels",
        "version": 1,
        "bench": file.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "record": record,
        "targets": list(asked),
        "unit": "W",
        "levels": np.round(reached.configured.levels, 9).tolist(),
        "matrix_fidelity": np.round(reached.configured.fidelity, 6).tolist(),
    }
    aside = path.with_name(path.name + ".part")
    aside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)
