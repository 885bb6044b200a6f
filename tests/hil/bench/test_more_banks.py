"""A packaged bench with more banks keeps its instruments, or is refused."""

from __future__ import annotations

import pytest

from hil.bench.banks import file_with_banks
from hil.bench.errors import BenchFileError
from hil.bench.file import load


@pytest.mark.parametrize("name", ["relax-mzi-8", "relax-mrr-16", "relax-mzi-8-precise"])
def test_it_keeps_the_instruments_at_its_ports(name: str) -> None:
    file = load(name)
    more = file_with_banks(name, file, 4, {})
    assert (more.n_banks, more.ports, more.core) == (4, file.ports, file.core)
    for here, there in zip(file.ports_in_order, more.ports_in_order, strict=True):
        assert here == there
    assert more.light == file.light
    assert more.timing == file.timing


def test_one_that_is_wired_in_a_way_of_its_own_is_refused() -> None:
    name = "relax-mzi-4-scopes"
    with pytest.raises(
        BenchFileError, match=r"n_banks: the file has 2, 3 are asked for; write one"
    ):
        file_with_banks(name, load(name), 3, {})
