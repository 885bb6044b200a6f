"""A packaged bench with more banks than its file has, for trying schedules in simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hil.bench.cores import MESH
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile, parse
from hil.bench.kits import KITS, USUAL
from hil.bench.packaged import packaged_names, packaged_text
from hil.bench.writing import Start, starting_text


def file_with_banks(
    name: str, file: BenchFile, n_banks: int, overlay: Mapping[str, Any]
) -> BenchFile:
    """The packaged bench `name`, written anew with `n_banks` banks and the instruments it has.

    Raises
    ------
    BenchFileError
        For a bench file of one's own and a packaged one that is wired in a way of its own (what
        further banks would hang on cannot be guessed), or more banks than lines.
    """
    start = _start_of(name, file)
    if start is None:
        raise BenchFileError(
            file.source,
            [
                f"n_banks: the file has {file.n_banks}, {n_banks} are asked for; write one with "
                f"`python -m hil.bench new --core {file.core} --ports {file.ports} "
                f"--banks {n_banks} --out FILE`"
            ],
        )
    try:
        text = starting_text(replace(start, n_banks=n_banks))
    except ValueError as error:
        raise BenchFileError(file.source, [str(error)]) from error
    return parse(text, source=f"{name} with {n_banks} banks", overlay=overlay)


def _start_of(name: str, file: BenchFile) -> Start | None:
    """What a packaged bench was written from; None where it was not written so."""
    if name not in packaged_names():
        return None
    text = packaged_text(name)
    kits = KITS if file.core == MESH else (USUAL,)
    starts = (
        Start(file.ports, file.n_banks, file.name, core=file.core, instruments=kit) for kit in kits
    )
    return next((start for start in starts if starting_text(start) == text), None)
