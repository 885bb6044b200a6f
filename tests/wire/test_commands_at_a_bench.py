"""`python -m drivers` as people stumble over it, against simulated instruments of several kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from drivers.__main__ import main
from drivers.transport.memory import MemoryNetwork
from sim_backends.catalogue import build
from sim_backends.faults import LinkFaults
from sim_backends.host.clock import BenchClock
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.instrument import Placement
from sim_backends.virtual_time import VirtualTimeLoop

Run = Callable[..., tuple[int, str, str]]
AT = {
    "agiltron_selfalign": "ASRL/dev/switch::INSTR",
    "polatis": "TCPIP::matrix::5025::SOCKET",
    "qontrol_q8": "ASRL/dev/heaters::INSTR",
    "red_pitaya": "TCPIP::box::5000::SOCKET",
    "rigol_ds1000z": "TCPIP::scope::5555::SOCKET",
    "santec_tsl570": "TCPIP::laser::5000::SOCKET",
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command on virtual time; each call finds the instruments as the last left them."""
    options: dict[str, dict[str, Any]] = {"qontrol_q8": {"modules": 2}}
    devices = {
        model: build(model, Placement(BenchClock(), options=options.get(model, {}))) for model in AT
    }

    def in_virtual_time(work: Any) -> Any:
        with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
            return runner.run(work)

    def _run(*arguments: str) -> tuple[int, str, str]:
        network = MemoryNetwork()
        for model, resource in AT.items():
            converse = devices[model].doors[0].converse
            serve = client_connected(converse, LinkTiming(1e-4, 1e6), LinkFaults())
            network.listen(resource, serve)
        monkeypatch.setattr(asyncio, "run", in_virtual_time)
        status = main(arguments, network)
        said = capsys.readouterr()
        return status, said.out, said.err

    return _run


@pytest.mark.parametrize("value", ["-1e-10", "-1E-10", "-.1e-9", "-0.0000000001"])
def test_a_negative_value_may_have_an_exponent(run: Run, value: str) -> None:
    laser = AT["santec_tsl570"]
    status, out, err = run("write", laser, "offset", value, "--write")
    assert (status, "set to -1e-10 m, reads -1e-10 m" in out) == (0, True), err


def test_minus_infinity_is_refused_as_a_value(run: Run) -> None:
    status, _, err = run("write", AT["santec_tsl570"], "offset", "-inf", "--write")
    assert (status, "only finite values are sent" in err) == (1, True), err


def test_a_channel_that_is_not_named_is_asked_for_before_anything_else(run: Run) -> None:
    """Not after --write was added, when it is too late to have learnt what would be set."""
    for written in ([], ["--write"]):
        status, _, err = run("write", AT["red_pitaya"], "amplitude", "0.5", *written)
        assert status == 1
        assert "amplitude is of a channel: name one of 1, 2 with --channel" in err


def test_all_that_is_read_together_is_read_by_its_name(run: Run) -> None:
    matrix = AT["polatis"]
    status, out, _ = run("read", matrix)
    assert status == 0
    assert "connections: none" in out
    for name, told in (("size", "size[0]: 16"), ("ports", "ports[32]: enabled")):
        assert told in out
        status, alone, err = run("read", matrix, name)
        assert (status, told in alone) == (0, True), err
    assert run("read", matrix, "connections")[1] == "connections: none\n"
    status, _, err = run("read", matrix, "sice")
    assert status == 1
    assert "no quantity 'sice'" in err
    assert "boot_mode" in err


def test_a_switch_that_cannot_be_asked_is_set_all_the_same(run: Run) -> None:
    asked = (AT["agiltron_selfalign"], "position", "3", "--driver", "agiltron_selfalign", "--write")
    status, out, err = run("write", *asked)
    assert status == 0, err
    assert "position: was not known, set to 3, reads 3" in out
    status, _, err = run("read", *asked[:2], "--driver", "agiltron_selfalign")
    assert status == 1
    assert "it cannot be asked, and has acknowledged no position since it was opened" in err


def test_other_modules_than_expected_name_the_option(run: Run) -> None:
    status, _, err = run("read", AT["qontrol_q8"])
    assert status == 1
    assert "modules '8' was expected, but '2 (Q8iv, Q8iv)' answers" in err
    assert "--option modules=2" in err
    assert "options = { modules = 2 }" in err


def test_a_resource_where_nobody_answers_says_why(run: Run) -> None:
    status, _, err = run("read", "TCPIP::scope::5025::SOCKET")
    assert status == 1
    assert "TCPIP::scope::5025::SOCKET: nobody known answers (*IDN? by raw TCP: " in err
    assert "nothing listens there" in err


def test_a_link_that_a_model_has_not_is_said_once_with_those_it_has(run: Run) -> None:
    where = "TCPIP::scope::hislip0::INSTR"
    status, _, err = run("read", where, "--driver", "rigol_ds1000z")
    assert status == 1
    assert err.count(where) == 1
    assert "is a hislip link, and RigolDs1000z has tcp, usb, vxi11" in err


def test_a_full_disk_is_told_in_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rich.console.Console.print", _once(full))
    status, _, err = run("read", AT["santec_tsl570"], "offset")
    assert (status, err) == (1, "error: [Errno 28] No space left on device\n")


def _once(fail: Callable[..., None]) -> Callable[..., None]:
    """Fail the first time, print the second."""
    from rich.console import Console

    whole, calls = Console.print, iter([fail])

    def _print(*arguments: Any, **options: Any) -> None:
        next(calls, whole)(*arguments, **options)

    return _print
