"""Which heater hangs on which channel: currents, then small steps; and corrected bench files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.identify import Finding, Identified
from calibration.identify_mesh import identify_mesh
from calibration.identify_rings import identify_rings
from calibration.step import Watch
from calibration.tomography import NotPossibleError
from hil.bench.calibration_setup import BenchSetup, bias_levels
from hil.bench.cores import MICRORING
from hil.bench.document import locate
from hil.bench.file import BenchFile
from hil.bench.loop_thread import LoopThread
from hil.bench.opening import OpenBench
from hil.bench.packaged import SUFFIX
from hil.bench.rewiring import Place, exchanged
from hil.calibrating.errors import CalibrationError
from hil.checking.channels import heater_at
from hil.checking.preflight import heaters_alone
from hil.checking.report import Item, Report, Verdict

Tell = Callable[[str], None]


def look_at_currents(core: OpenBench, tell: Tell) -> list[Item]:
    """The I-V test of `hil.check` on a bench that is not open; gives what failed.

    It leaves the bench off and closed.
    """
    report = Report(lambda line: tell(line) if not line.startswith(Verdict.PASS) else None)
    thread = LoopThread(core.new_loop(), core.file.name)
    try:
        thread.call(heaters_alone(core, report))
    finally:
        thread.stop()
    return [item for item in report.items if item.verdict is Verdict.FAIL]


class BiasedBench(OpenBench):
    """A bench that is warmed to the idle bias only: nobody knows yet what is wired where."""

    def idle_levels(self) -> NDArray[np.float64]:
        """Levels (n_banks, elements) in W of the idle bias."""
        return bias_levels(self.file)


async def look_at_light(core: OpenBench, watch: Watch) -> Identified:
    """Small steps on an open bench.

    Raises
    ------
    CalibrationError
        Where the bench has not what they need.
    """
    setup = BenchSetup(core)
    look = identify_rings if core.file.core == MICRORING else identify_mesh
    try:
        return await look(setup, watch)
    except NotPossibleError as error:
        raise CalibrationError(str(error)) from error


def lines(file: BenchFile, found: Identified) -> list[str]:
    """Findings for a person, each with place, channel and mend."""
    told = [line for one in found.findings for line in _finding_lines(file, one)]
    told += [f"note      {note}" for note in found.notes]
    told.append(
        f"{found.answering} of {found.elements} elements answer at their places; "
        f"{len(found.findings)} findings"
    )
    return told


def _finding_lines(file: BenchFile, one: Finding) -> list[str]:
    where = f"port {one.port}" if one.port is not None else ""
    if one.bank is not None and one.element is not None:
        where = f"element {heater_at(file, one.bank, one.element).label}"
    told = [f"{one.kind.upper():9s} {where + ': ' if where else ''}{one.text}; mend: {one.mend}"]
    if one.exchange is not None:
        told += [
            f"          proposed: {_site(file, place)} to {_channel(file, other)}"
            for place, other in (one.exchange, one.exchange[::-1])
        ]
    return told


def _site(file: BenchFile, place: Place) -> str:
    wire = heater_at(file, *place).wiring
    return f"bank {wire.bank}, column {wire.column}, row {wire.row}, {wire.kind}"


def _channel(file: BenchFile, place: Place) -> str:
    wire = heater_at(file, *place).wiring
    return f"{wire.chassis}, module {wire.module}, channel {wire.channel}"


def exchanges(found: Identified) -> list[tuple[Place, Place]]:
    """The pairs of places whose channels are to be exchanged."""
    return [one.exchange for one in found.findings if one.exchange is not None]


def apply(file: BenchFile, asked: str, pairs: Sequence[tuple[Place, Place]]) -> Path:
    """Write the bench file with channels exchanged; gives where.

    What was there before is kept beside it as `.before`. A packaged bench is written here, under
    its own name.

    Raises
    ------
    CalibrationError, BenchFileError
        When something is in the way, or the file is not written in a way that can be changed.
    """
    _, text = locate(asked)
    new = exchanged(file, text, pairs)
    packaged = not asked.endswith(SUFFIX)
    to = Path(f"{file.name}{SUFFIX}" if packaged else asked)
    kept = to.with_name(to.name + ".before")
    in_the_way = to if packaged else kept
    if in_the_way.exists():
        raise CalibrationError(f"{in_the_way} exists; move it away, then try again")
    if not packaged:
        kept.write_text(text, encoding="utf-8")
    aside = to.with_name(to.name + ".part")
    aside.write_text(new, encoding="utf-8")
    aside.replace(to)
    return to
