"""What `new` writes is a whole bench, for every size there may be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.bench.cores import MESH, MICRORING
from hil.bench.file import load, parse
from hil.bench.kits import KITS
from hil.bench.optics import Optics
from hil.bench.packaged import packaged_names, packaged_text
from hil.bench.sections import StepAges
from hil.bench.writing import Start, starting_text

_NAMES = st.text("abcXYZ019._-", min_size=1, max_size=12).map(lambda rest: "b" + rest)


@settings(max_examples=25, deadline=None)
@given(
    ports=st.integers(2, 12),
    banks=st.integers(1, 32),
    name=_NAMES,
    description=st.text(max_size=30),
    instruments=st.sampled_from(sorted(KITS)),
)
def test_any_start_loads_clean(
    ports: int, banks: int, name: str, description: str, instruments: str
) -> None:
    start = Start(ports, banks, name, description, instruments=instruments)
    bench = parse(starting_text(start), source="new")
    # for the quadrature step of the local oscillator, which power meters have instead of its gate
    no_line_left = instruments != "precise" and (banks == 5 or banks > 16)
    assert (bench.wiring.lines.lo_quadrature is None) == no_line_left
    assert [note.partition(":")[0] for note in bench.notes] == (
        ["wiring.lines.lo_quadrature"] if no_line_left else []
    )
    assert (bench.ports, bench.n_banks, bench.name) == (ports, banks, name)
    assert bench.description == (description or bench.description)
    used = Counter(
        (chassis, int(channel))
        for bank in range(banks)
        for held in [bench.bank_elements(bank)]
        for chassis, channel in zip(held.chassis, held.channel, strict=True)
    )
    assert len(used) == banks * ports**2
    masks = {bench.select_mask(bank) for bank in range(banks)}
    assert len(masks) == banks
    assert all(mask & 0b111 == 0 and mask < 256 for mask in masks)
    assert bench.wiring.lines.coding == ("one-hot" if banks <= 5 else "binary")


@pytest.mark.parametrize(
    ("ports", "chassis", "boxes"), [(2, 1, 1), (9, 2, 5), (16, 4, 8), (33, 18, 17), (64, 64, 32)]
)
def test_instruments_that_a_size_needs(ports: int, chassis: int, boxes: int) -> None:
    bench = parse(starting_text(Start(ports, 1, "sized")), source="new")
    assert len(bench.instruments_of("qontrol_q8")) == chassis
    assert len(bench.instruments_of("red_pitaya")) == boxes
    assert len(bench.instruments_of("pulse_streamer")) == 1
    assert bench.notes == ()


@pytest.mark.parametrize(("ports", "meters"), [(2, 2), (8, 2), (9, 4), (17, 6)])
def test_precise_instruments_that_a_size_needs(ports: int, meters: int) -> None:
    bench = parse(starting_text(Start(ports, 1, "sized", instruments="precise")), source="new")
    assert len(bench.instruments_of("keysight_n7744a")) == meters
    assert len(bench.instruments_of("keysight_33600a")) == -(-ports // 2)
    for port in bench.ports_in_order:
        assert port.readout != port.minus
        assert port.input == port.minus_input
    read = {(port.readout, port.input) for port in bench.ports_in_order}
    assert len(read) == ports
    serials = [one.identity.serial for one in bench.instruments_of("keysight_n7744a")]
    assert len(set(serials)) == meters


@pytest.mark.parametrize(("ports", "dacs", "scopes"), [(2, 1, 1), (4, 1, 1), (5, 2, 2), (9, 4, 3)])
def test_scopes_and_dacs_that_a_size_needs(ports: int, dacs: int, scopes: int) -> None:
    bench = parse(starting_text(Start(ports, 1, "sized", instruments="scopes")), source="new")
    assert len(bench.instruments_of("qdevil_qdac2")) == dacs
    assert len(bench.instruments_of("keysight_infiniivision")) == scopes
    assert bench.notes == ()


def test_sets_of_instruments_that_there_are_not_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no set 'lamps'; there are boxes, precise, scopes"):
        Start(4, 2, "x", instruments="lamps")
    with pytest.raises(ValueError, match=r"'precise' is written for mzi-mesh alone"):
        Start(4, 2, "x", core=MICRORING, instruments="precise")


def test_an_odd_bench_leaves_the_last_channel_of_its_last_box_free() -> None:
    bench = parse(starting_text(Start(5, 1, "odd")), source="new")
    assert [(one.box, one.output) for one in bench.ports_in_order][-1] == ("box-2", 1)


@pytest.mark.parametrize(
    ("banks", "mend"),
    [
        (5, "bank_select in binary coding would need 3 lines only"),
        (17, "fewer banks would leave one"),
    ],
)
def test_with_no_line_left_for_the_quadrature_step_a_note_says_so(banks: int, mend: str) -> None:
    bench = parse(starting_text(Start(2, banks, "many")), source="new")
    assert bench.notes == (
        "wiring.lines.lo_quadrature: none, so the phases of a bank cannot be told fully: "
        f"no line is free; {mend}",
    )


@pytest.mark.parametrize(("ports", "banks"), [(1, 1), (65, 1), (4, 0), (4, 33)])
def test_what_cannot_be_wired_is_refused(ports: int, banks: int) -> None:
    with pytest.raises(ValueError, match=r"is not in 2\.\.64|32 in binary coding"):
        Start(ports, banks, "x")


def test_optics_are_written_with_every_key_at_its_default() -> None:
    text = starting_text(Start(8, 2, "lit"))
    assert parse(text, source="new").optics == Optics()
    table = text[text.index("[optics]") : text.index("# ---- The simulated bench")]
    keys = [line.lstrip("# ").partition(" = ")[0] for line in table.splitlines() if " = " in line]
    assert keys == list(Optics.model_fields)
    # What is left out can be put in by taking the "#" away.
    for key in ("cells_per_path", "lo_power_dbm", "transimpedance"):
        text = text.replace(f"# {key} =", f"{key} =")
    optics = parse(text, source="new").optics
    assert (optics.cells_per_path, optics.lo_power_dbm, optics.transimpedance) == (7, -9.0, 3600.0)


def test_the_steps_of_a_calibration_are_named() -> None:
    told: set[str] = set()
    for core in (MESH, MICRORING):
        text = starting_text(Start(2, 1, "calibrated", core=core))
        line = next(line for line in text.splitlines() if line.startswith("# ages: "))
        told |= set(line.removeprefix("# ages: h by step, of ").split(", "))
    assert told == {step.rstrip("_") for step in StepAges.model_fields}


@pytest.mark.parametrize("ports", [8, 16])
def test_packaged_benches_are_what_new_writes(ports: int) -> None:
    name = f"relax-mzi-{ports}"
    assert packaged_text(name) == starting_text(Start(ports, 2, name))


def test_the_packaged_precise_bench_is_what_new_writes() -> None:
    name = "relax-mzi-8-precise"
    assert packaged_text(name) == starting_text(Start(8, 2, name, instruments="precise"))


def test_packaged_benches_load() -> None:
    assert {"relax-mzi-8", "relax-mzi-16"} <= set(packaged_names())
    for name in packaged_names():
        bench = load(name)
        assert bench.name == name
        assert bench.source == name
