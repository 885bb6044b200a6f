"""What an operator types, and what is said to what cannot be meant."""

from __future__ import annotations

import pytest

from hil.bench.file import BenchFile, load
from hil.operating.request import (
    ElementName,
    RequestError,
    bank_of,
    count_of,
    element_of,
    split_line,
    value_with_unit,
)


@pytest.fixture(scope="module")
def file() -> BenchFile:
    return load("relax-mzi-8")


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("", []),
        ("   # nothing", []),
        ("arm", [["arm"]]),
        ("arm; set 0:12 5 mW;frame 0;", [["arm"], ["set", "0:12", "5", "mW"], ["frame", "0"]]),
        ("frame 0 -0.5 1e-1  # low", [["frame", "0", "-0.5", "1e-1"]]),
        ("help 'no such'", [["help", "no such"]]),
    ],
)
def test_lines_are_taken_apart(line: str, commands: list[list[str]]) -> None:
    assert split_line(line) == commands


def test_a_quotation_without_end_is_told() -> None:
    with pytest.raises(RequestError, match="No closing quotation"):
        split_line("help 'x")


def test_elements_are_named_by_bank_and_number(file: BenchFile) -> None:
    assert element_of("1:63", file) == ElementName(1, 63)
    assert str(ElementName(1, 63)) == "1:63"
    assert bank_of("1", file) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12", "'12' is no element; write BANK:ELEMENT, as 0:12"),
        ("2:0", "no bank '2'; there are 0 to 1"),
        ("-1:0", "no bank '-1'"),
        ("0:64", "no element '64' in bank 0; there are 0 to 63"),
        ("0:1.5", "no element '1.5'"),
        ("0:", "no element ''"),
        ("0:²", "no element '²'"),
    ],
)
def test_what_is_no_element_is_refused(text: str, said: str, file: BenchFile) -> None:
    with pytest.raises(RequestError, match=said):
        element_of(text, file)


@pytest.mark.parametrize(
    ("words", "default", "expected"),
    [
        (["5", "mW"], None, (5.0, "mW")),
        (["5mW"], None, (5.0, "mW")),
        (["-0.5", "RAD"], None, (-0.5, "rad")),
        (["2.5e0", "v"], None, (2.5, "V")),
        (["5"], "mW", (5.0, "mW")),
    ],
)
def test_values_have_units(
    words: list[str], default: str | None, expected: tuple[float, str]
) -> None:
    assert value_with_unit(words, default) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["5"], "'5' has no unit; write one of mW, rad, V"),
        (["5", "W"], "has no unit"),
        (["five", "mW"], "'five' is no number"),
        (["nan", "mW"], "nan is refused, only finite values are sent"),
        (["inf", "V"], "inf is refused"),
        (["mW"], "'' is no number"),
    ],
)
def test_what_is_no_value_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        value_with_unit(words)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1001"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="no whole number from 1 to 1000"):
        count_of(text, "periods", 1000)
