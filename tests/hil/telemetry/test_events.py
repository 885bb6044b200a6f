"""Events say what they are: each field has a meaning, arrays a shape, measured numbers a unit."""

from __future__ import annotations

import dataclasses
import json
from typing import get_origin

import numpy as np
import pytest

from hil.telemetry.event import Event, fields_of, told_of
from hil.telemetry.events import KINDS, Levels, describe


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_each_field_says_what_it_is(kind: type[Event]) -> None:
    assert kind.__doc__
    assert list(told_of(kind)) == [field.name for field in dataclasses.fields(kind)]
    for name, (of, said) in told_of(kind).items():
        assert said.meaning, name
        if get_origin(of) is np.ndarray:
            assert kind.ARRAYS
            assert said.shape.startswith("("), name
        elif of in (float, float | None):
            assert said.unit, name


def test_all_kinds_are_listed_under_their_names() -> None:
    assert {kind.KIND for kind in Event.__subclasses__()} == set(KINDS)
    assert all(name == KINDS[name].KIND for name in KINDS)


def test_the_description_is_plain_data() -> None:
    said = json.loads(json.dumps(describe()))
    assert said["levels"]["fields"]["levels"] == {
        "type": "array",
        "meaning": "nominal heater powers",
        "unit": "W",
        "shape": "(n_banks, elements)",
    }
    assert said["step"]["meaning"]
    assert said["step"]["fields"]["residual"]["type"] == "number or none"
    assert said["spent"]["fields"]["counts"]["type"] == "table"


def test_fields_are_given_as_they_are() -> None:
    levels = np.ones((2, 16))
    found = fields_of(Levels(step=3, levels=levels))
    assert list(found) == ["step", "levels"]
    assert found["levels"] is levels
