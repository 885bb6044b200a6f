"""Element order, against the definition written out by hand and by counting."""

from __future__ import annotations

import pytest

from hil.bench.layout import cells_in_column, element_count, index_of, places, upper_mode


def test_order_of_three_ports_by_hand() -> None:
    assert [tuple(place) for place in places(3)] == [
        (0, 0, "theta"),
        (0, 0, "phi"),
        (1, 0, "theta"),
        (1, 0, "phi"),
        (2, 0, "theta"),
        (2, 0, "phi"),
        (3, 0, "out"),
        (3, 1, "out"),
        (3, 2, "out"),
    ]


@pytest.mark.parametrize("ports", [2, 3, 5, 8, 16, 63, 64])
def test_every_bank_has_n_squared_elements(ports: int) -> None:
    assert len(places(ports)) == element_count(ports) == ports**2
    assert sum(cells_in_column(ports, column) for column in range(ports)) == ports * (ports - 1) / 2
    assert [index_of(ports)[place] for place in places(ports)] == list(range(ports**2))


@pytest.mark.parametrize("ports", [2, 3, 8, 9])
def test_cells_couple_neighbours_that_exist(ports: int) -> None:
    for place in places(ports):
        if place.kind != "out":
            upper = upper_mode(place.column, place.row)
            assert upper % 2 == place.column % 2
            assert 0 <= upper < ports - 1
