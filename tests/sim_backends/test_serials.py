"""No two simulated instruments of a bench that tell a serial number tell the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sim_backends.bench import SimulatedBench
from sim_backends.bench_file import read_bench
from sim_backends.joining.serials import serials
from tests.sim_backends.conftest import MemoryNetwork, bench_document

USB = "USB::0x1313::0x8078::P{}::0::INSTR"
#: Driver, and where the second of three takes its serial number from the first's.
KINDS = {
    "keysight_33600a": ("MY53800001", "MY53800002"),
    "thorlabs_pm100": ("P0012345", "P0012346"),
    "keithley_2450": ("04488850", "04488851"),
    "qdevil_qdac2": ("242", "243"),
    "srs_dg645": ("s/n008011", "s/n008012"),
    "polatis": ("002414", "002415"),
    "rigol_ds1000z": ("DS1ZA000000001", "DS1ZA000000002"),
}


def with_three(driver: str, *identities: dict[str, str]) -> dict[str, Any]:
    document = bench_document()
    resource = USB if driver == "thorlabs_pm100" else "TCPIP::one-{}::5025::SOCKET"
    document["instrument"] += [
        {
            "name": f"one-{number}", "driver": driver, "identity": identity,
            "resource": resource.format(number),
        }
        for number, identity in enumerate(identities)
    ]  # fmt: skip
    return document


@pytest.mark.parametrize("driver", KINDS)
def test_those_without_one_are_told_apart(run, driver: str) -> None:
    document = with_three(driver, {}, {}, {})
    network = MemoryNetwork()

    async def told() -> list[str]:
        SimulatedBench(document).attach(network)
        answers = []
        for number in range(3):
            at = (f"one-{number}", 5025)
            client = network.open(at if at in network.endpoints else USB.format(number))
            answers.append((await client.ask(b"*IDN?\n")).decode().split(",")[2].strip())
        return answers

    answers = run(told())
    assert len(set(answers)) == 3, answers
    assert KINDS[driver][0] in answers
    assert KINDS[driver][1] in answers


def test_a_serial_number_that_the_file_gives_stays(run) -> None:
    document = with_three("keysight_33600a", {}, {"serial": "MY53800001"}, {})
    given = serials(read_bench(document))
    assert given == {"one-0": "MY53800002", "one-2": "MY53800003"}


@pytest.mark.parametrize("path", sorted(Path("hil/benches").glob("*.toml")), ids=lambda p: p.stem)
def test_no_packaged_bench_has_two_of_one_serial_number(path: Path) -> None:
    import tomllib

    document = tomllib.loads(path.read_text(encoding="utf-8"))
    given = serials(read_bench(document))
    told = Counter(
        (one["driver"], serial)
        for one in document["instrument"]
        if (serial := one.get("identity", {}).get("serial") or given.get(one["name"]))
    )
    assert max(told.values()) == 1
