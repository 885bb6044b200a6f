"""The vendor's Pulse Streamer client against the simulated one, on real sockets."""

from __future__ import annotations

import importlib
import socket
import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    vendor = pytest.importorskip(
        "pulsestreamer", reason="the package pulsestreamer is not installed"
    )
    from pulsestreamer.jrpc import pulse_streamer_jrpc


@pytest.fixture
def client(bench_in_thread, monkeypatch):
    """The vendor's JSON-RPC client, led to the ports of the simulated instrument."""
    rpc = bench_in_thread.port("pattern", 8050)
    upload = bench_in_thread.port("pattern", 21328)
    # The client's ports are fixed; its RPC address and its binary socket are turned aside.
    transport = pulse_streamer_jrpc.HttpPostClientTransport

    def redirected(url: str, **options):
        return transport(url.replace(":8050", f":{rpc}"), **options)

    monkeypatch.setattr(pulse_streamer_jrpc, "HttpPostClientTransport", redirected)
    monkeypatch.setattr(pulse_streamer_jrpc, "scan_for_serial", lambda name: name)
    monkeypatch.setattr(vendor.pulse_streamer_base.PulseStreamerBase, "_BINARY_PORT", upload)
    made = pulse_streamer_jrpc.PulseStreamer("127.0.0.1")
    yield made
    if isinstance(made._socket, socket.socket):
        made._socket.close()
        made._socket = None
    made._has_binary = False


def test_identity_and_binary_connection(client) -> None:
    assert client._socket is not None
    assert client.getSerial() == "00:26:32:f0:00:01"
    assert client.getFirmwareVersion() == "2.1.0"
    assert client.getClock() is vendor.ClockSource.INTERNAL


def test_stream_start_and_finish(client) -> None:
    client.setTrigger(vendor.TriggerStart.SOFTWARE, vendor.TriggerRearm.AUTO)
    assert client.getTriggerStart() is vendor.TriggerStart.SOFTWARE
    sequence = client.createSequence()
    sequence.setDigital(0, [(1000, 1), (500, 0)])
    sequence.setDigital(3, [(1500, 1)])
    client.stream(sequence, 1, vendor.OutputState([2], 0, 0))
    assert client.hasSequence()
    assert not client.hasFinished()
    client.startNow()
    assert client.hasFinished()
    assert client.getStreamingState()["State"] is vendor.State.FINISHED
    client.constant(vendor.OutputState([1], 0, 0))
    assert not client.hasSequence()


def test_upload_and_start_a_slot(client) -> None:
    client.setTrigger(vendor.TriggerStart.IMMEDIATE)
    sequence = client.createSequence()
    sequence.setDigital(1, [(1000, 1), (500, 0)])
    assert client.upload(0, sequence, 1, vendor.OutputState([], 0, 0)) == 0
    assert client.isReadyForData(1)
    client.start(0)
    assert client.hasFinished()
    client.reset()


def test_slots_triggers_and_rearm(client) -> None:
    client.reset()
    client.setTrigger(vendor.TriggerStart.SOFTWARE, vendor.TriggerRearm.MANUAL)
    sequence = client.createSequence()
    sequence.setDigital(1, [(1000, 1), (500, 0)])
    follows = {
        "next_action": vendor.NextAction.SWITCH_SLOT_EXPECT_NEW_DATA,
        "when": vendor.When.IMMEDIATE, "on_nodata": vendor.OnNoData.WAIT_IDLING,
    }  # fmt: skip
    for _ in range(2):
        assert client.isReadyForData(client.AUTO)
        assert client.upload(client.AUTO, sequence, 1, vendor.OutputState([]), **follows) == 0
    client.start(client.AUTO)
    told = client.getStreamingState()
    assert told["StateCondition"] is vendor.StateCondition.WAIT_FOR_TRIGGER
    client.startNow()
    told = client.getStreamingState()
    assert told["StateCondition"] is vendor.StateCondition.WAIT_FOR_DATA
    assert client.isStreaming()
    last = {**follows, "next_action": vendor.NextAction.STOP}
    assert client.upload(client.AUTO, sequence, 1, vendor.OutputState([]), **last) == 0
    told = client.getStreamingState()
    assert told["State"] is vendor.State.FINISHED
    assert told["StateCondition"] is vendor.StateCondition.WAIT_FOR_REARM
    assert client.rearm()
    client.selectClock(vendor.ClockSource.EXT_10MHZ)
    assert client.getClock() is vendor.ClockSource.EXT_10MHZ
    client.reset()


def test_constant_with_analogue_outputs_and_analogue_sequences(client) -> None:
    client.constant(vendor.OutputState([0, 7], 1.0, -0.5))
    assert not client.isStreaming()
    client.constant(([1], 0.25, 0.0))
    sequence = client.createSequence()
    sequence.setAnalog(0, [(1000, 0.5), (500, -0.5)])
    sequence.setDigital(2, [(1500, 1)])
    client.stream(sequence, 1, vendor.OutputState([], 0.1, 0.2))
    assert client.hasFinished()
    assert float(client.getTemperature()) > 0.0
    assert client.getUnderflow() == 0
    client.reset()


def test_it_is_found(bench_in_thread, monkeypatch) -> None:
    """The vendor's search, its broadcast turned to the loopback."""
    port = bench_in_thread.port("pattern", 12345)
    finding = importlib.import_module("pulsestreamer.findPulseStreamers")
    monkeypatch.setattr(finding, "getIpAddresses", lambda: ["127.0.0.1"])
    for where in ("broadcast_addr", "multicast_addr"):
        monkeypatch.setattr(finding.DiscoverDevices, where, ("127.0.0.1", port))
    (found,) = finding.findPulseStreamers("00:26:32:f0:00:01")
    assert found[0] == "127.0.0.1"
    assert found[1]["serial"] == "00:26:32:f0:00:01"
