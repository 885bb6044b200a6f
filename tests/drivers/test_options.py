"""Options are of the type that a driver declares, or refused before it is made."""

from __future__ import annotations

import math
from typing import Any

import pytest

from drivers.options import check_options
from drivers.registry import load

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("qdevil_qdac2", {"bipolar": "no"}, "bipolar = 'no' is not true or false"),
    ("qdevil_qdac2", {"bipolar": 0}, "bipolar = 0 is not true or false"),
    ("qdevil_qdac2", {"slew": math.nan}, "slew = nan is not a finite number"),
    ("keithley_2450", {"four_wire": "false"}, "four_wire = 'false' is not true or false"),
    ("keithley_2400", {"baud": "fast"}, "baud = 'fast' is not a whole number or none"),
    ("keithley_2400", {"max_volts": True}, "max_volts = True is not a finite number"),
    ("qontrol_q8", {"modules": 8.0}, "modules = 8.0 is not a whole number"),
    ("qontrol_q8", {"encoding": "hex"}, "encoding = 'hex' is not one of 'binary', 'ascii'"),
    ("keysight_816x", {"pin": 1234}, "pin = 1234 is not text or none"),
    ("keysight_33600a", {"trigger_latency": math.inf}, "trigger_latency = inf is not a finite"),
    ("keysight_33600a", {"amplitude": [1.0, math.nan]}, "amplitude = .* is not a finite number or"),
    ("keysight_33600a", {"load": "high"}, "load = 'high' is not a finite number or a list"),
    ("keysight_n7744a", {"ports": [1, 2.5]}, "ports = .* is not a list, each a whole number or"),
    ("red_pitaya", {"debounce": math.nan}, "debounce = nan is not a finite number or none"),
    ("rigol_ds1000z", {"inputs": "12"}, "inputs = '12' is not a list, each a whole number"),
    ("meerstetter_tec1091", {"baud": [9600]}, r"baud = \[9600\] is not a whole number"),
]


@pytest.mark.parametrize(("model", "options", "said"), WRONG)
def test_an_option_of_another_type_is_refused(
    model: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=f"option {said}"):
        check_options(load(model), options)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("qdevil_qdac2", {"bipolar": True, "slew": 100}),
        ("keithley_2400", {"baud": None, "nplc": 1, "max_volts": 5.5}),
        ("keysight_33600a", {"load": math.inf, "amplitude": [1, 2.0], "memory": None}),
        ("keysight_33600a", {"load": [50.0, math.inf], "start": "sequence"}),
        ("keysight_816x", {"pin": "1234", "slot": 1}),
        ("keysight_n7744a", {"ports": (1, 2), "range_dbm": -10}),
        ("red_pitaya", {"debounce": None, "gain": "HV"}),
        ("qontrol_q8", {"nothing_of_it": 1}),
    ],
)
def test_those_of_its_type_are_taken(model: str, options: dict[str, Any]) -> None:
    check_options(load(model), options)
