"""A packaged bench with more banks than its file has, for trying schedules in simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile, parse
from hil.bench.packaged import packaged_names
from hil.bench.writing import Start, starting_text


def file_with_banks(
    name: str, file: BenchFile, n_banks: int, overlay: Mapping[str, Any]
) -> BenchFile:
    """The packaged bench `name`, written anew with `n_banks` banks.

    Raises
    ------
    BenchFileError
        For a bench file of one's own (its wiring cannot be guessed), or more banks than lines.
    """
    if name not in packaged_names():
        raise BenchFileError(
            file.source,
            [
                f"n_banks: the file has {file.n_banks}, {n_banks} are asked for; write one with "
                f"`python -m hil.bench new --core {file.core} --ports {file.ports} "
                f"--banks {n_banks} --out FILE`"
            ],
        )
    try:
        text = starting_text(Start(file.ports, n_banks, file.name, core=file.core))
    except ValueError as error:
        raise BenchFileError(file.source, [str(error)]) from error
    return parse(text, source=f"{name} with {n_banks} banks", overlay=overlay)
