"""Declared properties: nothing out of range gets worded, and wording reads back."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import LimitError
from drivers.quantity import Quantity

LEVEL = Quantity(
    "level", "SOUR{channel}:VOLT", "Set the level in V (-1 to 1).", unit="V", low=-1, high=1
)


@given(st.floats())
def test_only_what_is_in_range_is_worded(value: float) -> None:
    if math.isfinite(value) and -1 <= value <= 1:
        header, text = LEVEL.setting(value, instrument="box", channel=2).split(" ")
        assert header == "SOUR2:VOLT"
        assert float(text) == value
        assert LEVEL.parse(text) == value
    else:
        with pytest.raises(LimitError) as refused:
            LEVEL.setting(value, instrument="box", channel=2)
        assert refused.value.instrument == "box"
        assert refused.value.channel == 2
        assert refused.value.value == value or math.isnan(value)
        assert "-1 to 1 V" in str(refused.value)
        assert str(refused.value).startswith("box channel 2: ")


def test_types() -> None:
    switch = Quantity("state", "OUTPUT{channel}:STATE", "Set it.", kind=bool)
    assert switch.setting(True, instrument="box", channel=1) == "OUTPUT1:STATE ON"
    assert switch.query(1) == "OUTPUT1:STATE?"
    assert switch.parse("OFF\n") is False
    assert switch.parse("1") is True
    word = Quantity("mode", "MODE", "Set it.", kind=str, choices=("FAST", "SLOW"))
    assert word.setting("FAST", instrument="box") == "MODE FAST"
    assert word.parse("slow") == "SLOW"
    wave = Quantity(
        "shape", "FUNC", "Control it.", kind=str, choices=("sine", "SQUare", "volts"),
        words={"sine": "SIN", "volts": '"VOLT:DC"'},
    )  # fmt: skip
    assert wave.setting("sine", instrument="box") == "FUNC SIN"
    assert [wave.parse(text) for text in ("SIN", "squ", "SQUARE", '"VOLT:DC"')] == [
        "sine", "SQUare", "SQUare", "volts",
    ]  # fmt: skip
    text = Quantity("label", "LAB", "Get it.", kind=str)
    assert text.parse('"bank 1"\n') == "bank 1"
    range_of = Quantity(
        "range", "RANG {value},(@{channel})", "Control it.", low=0, high=1,
        question="RANG? (@{channel})", channels=("101", "102"),
    )  # fmt: skip
    assert range_of.setting(0.5, instrument="box", channel="101") == "RANG 0.5,(@101)"
    assert range_of.query("102") == "RANG? (@102)"
    number = Quantity("count", "COUN", "Set it.", kind=int, low=1, high=8)
    assert number.setting(4, instrument="box") == "COUN 4"
    assert [number.parse(text) for text in ("5", "+5", "+5.000E+00")] == [5, 5, 5]
    micro = Quantity("time", "T", "Set it.", unit="s", low=0, high=1, scale=1e6)
    assert micro.setting(1e-6, instrument="box") == "T 1"
    assert micro.parse("500") == pytest.approx(5e-4)
    for quantity, value in ((switch, 1), (number, True), (number, "4")):
        with pytest.raises(TypeError):
            quantity.check(value, instrument="box")
    for quantity, value in ((word, "fast"), (number, 1.5)):
        with pytest.raises(ValueError, match="box"):
            quantity.check(value, instrument="box")
    for quantity, text in (
        (switch, "2"), (word, "x"), (number, "x"), (number, "2.5"), (LEVEL, "x"),
        (LEVEL, "1_2"), (LEVEL, "1.2 V"), (LEVEL, ""),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"x|2|level"):
            quantity.parse(text)


def test_arrays_name_the_first_culprit() -> None:
    channels = np.array([3, 9, 4])
    LEVEL.check_array(np.array([0.0, 1.0, -1.0]), channels, instrument="box")
    for bad in (1.1, math.nan, math.inf, -math.inf):
        with pytest.raises(LimitError) as refused:
            LEVEL.check_array(np.array([0.0, bad, 5.0]), channels, instrument="box")
        assert refused.value.channel == 9
    with pytest.raises(LimitError, match=r"box channel 3: 0.6 V .* -1 to 0.5 V"):
        LEVEL.check_array(
            np.array([0.6, 0, 0]), channels, instrument="box", high=np.array([0.5, 9, 9])
        )


def test_declarations_must_make_sense() -> None:
    with pytest.raises(ValueError, match="choices"):
        Quantity("x", "X", "Set it.", kind=str)
    with pytest.raises(ValueError, match="empty"):
        Quantity("x", "X", "Set it.", low=1, high=0)


ANY = Quantity("any", "ANY", "Control anything in V.", unit="V")
"""A declaration without limits, as another package may have one."""


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, np.float32("inf")])
def test_a_range_without_ends_lets_nothing_through_that_is_not_finite(value: float) -> None:
    for quantity in (ANY, Quantity("n", "N", "Control it.", kind=int)):
        with pytest.raises(LimitError, match="only finite values are sent"):
            quantity.setting(value, instrument="box")


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_whole_numbers_beyond_any_float_are_out_of_range(value: int) -> None:
    with pytest.raises(LimitError, match=r"1000.* V is refused, the limit is -1 to 1 V"):
        LEVEL.check(value, instrument="box")


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0]), np.array(1.0), np.array([]), [1.0], None, "1", b"1", 1j, np.True_,
        Decimal(1), object(),
    ],
)  # fmt: skip
def test_what_is_no_number_is_of_a_wrong_type(value: Any) -> None:
    for quantity in (LEVEL, Quantity("n", "N", "Control it.", kind=int, low=0, high=3)):
        with pytest.raises(TypeError, match=r"box .* is no number"):
            quantity.check(value, instrument="box")


def test_numbers_of_numpy_are_numbers() -> None:
    assert LEVEL.setting(np.float32(0.5), instrument="box", channel=1) == "SOUR1:VOLT 0.5"
    assert LEVEL.setting(np.int64(1), instrument="box", channel=1) == "SOUR1:VOLT 1"
    count = Quantity("count", "COUN", "Set it.", kind=int, low=1, high=8)
    assert count.setting(np.uint8(4), instrument="box") == "COUN 4"


def test_words_are_text() -> None:
    word = Quantity("mode", "MODE", "Set it.", kind=str, choices=("FAST", "SLOW"))
    for value in (np.array(["FAST"]), ["FAST"], 1, None):
        with pytest.raises(ValueError, match="none of FAST, SLOW"):
            word.setting(value, instrument="box")  # type: ignore[arg-type]
