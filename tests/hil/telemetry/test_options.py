"""What a user types of telemetry, and what a run then tells."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hil.train
from hil.telemetry.events import RunEnded, RunStarted, StateChanged, Step
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.source import MqttSource
from hil.telemetry.options import attach_telemetry
from hil.telemetry.source import SourceError
from hil.train import main

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "telemetry.md"
#: s that a run may take on a machine that has much else to do.
PATIENCE = 120.0
JOB = ["--bench", "relax-mzi-8", "--task", "spirals", "--path", "slot", "--epochs", "1"]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--mqtt", "mqtt://broker.lab/b"], "--insecure"),
        (["--mqtt", "broker.lab"], "no broker's address"),
        (["--mqtt", "embedded:no"], "no port"),
        (["--mqtt", "mqtts://u:p@broker.lab"], "HIL_MQTT_USERNAME"),
        (["--remote-control", "--mqtt", "embedded"], "--allow ISSUER"),
        (["--allow", "ann"], "name one by --mqtt"),
        (["--mqtt-ca", "ca.pem"], "name one by --mqtt"),
        (["--mqtt", "embedded", "--allow", "a/b"], "an issuer is"),
        (["--mqtt-arrays", "-1"], "from 0 to 1000"),
        (["--prometheus", "99999"], "name another port"),
        (["--prometheus", "http"], "invalid int"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    options: list[str],
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main([*JOB, *options])
    except SystemExit as left:
        code = left.code
    told = capsys.readouterr().err
    assert code == 2
    assert why in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_is_not_there_is_told_before_anything_is_opened(
    free_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*JOB, "--mqtt", f"mqtt://127.0.0.1:{free_port}/b"]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "cannot be reached" in told.err
    assert "heaters" not in told.out


def test_a_run_tells_its_readers_all_of_itself(
    free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    """As a user has it: a run with a broker of its own, and a reader that follows it.

    The reader is there before the bench is opened, as a busy machine would else have it come late.
    """
    monkeypatch.chdir(tmp_path)
    found: list[Any] = []
    connected, over = threading.Event(), threading.Event()

    def attached_and_read(*arguments: Any) -> None:
        attach_telemetry(*arguments)
        assert connected.wait(PATIENCE)

    monkeypatch.setattr(hil.train, "attach_telemetry", attached_and_read)

    def follow() -> None:
        address = Address("127.0.0.1", free_port, False, "relax-mzi-8")
        source = eventually(lambda: _try(address), PATIENCE)
        connected.set()

        def heard_all() -> bool:
            try:
                found.extend(one.event for one in source.poll())
            except SourceError:  # nothing can come now: later, unless the run is over
                return over.is_set()
            return any(isinstance(one, RunEnded) for one in found)

        eventually(heard_all, PATIENCE)
        source.close()

    reader = threading.Thread(target=follow)
    reader.start()
    code = main([*JOB, "--mqtt", f"embedded:{free_port}", "--out", "run"])
    over.set()
    reader.join(PATIENCE)
    assert code == 0
    assert not reader.is_alive()
    kinds = {type(one) for one in found}
    assert {RunStarted, StateChanged, Step, RunEnded} <= kinds
    steps = [one.step for one in found if isinstance(one, Step)]
    assert steps == sorted(steps)
    with socket.socket() as after:  # the broker has gone with its run
        assert after.connect_ex(("127.0.0.1", free_port)) != 0


def test_the_python_of_the_document_runs(
    free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    block = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)[0]
    assert '"embedded"' in block
    code = block.replace('"embedded"', f'"embedded:{free_port}"')
    exec(compile(code, DOCUMENT.name, "exec"), {"__name__": "document"})


def _try(address: Address) -> MqttSource | None:
    try:
        return MqttSource(address, Access(), issuer="reader")
    except SourceError:
        return None
