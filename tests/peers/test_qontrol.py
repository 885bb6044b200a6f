"""The vendor's Qontrol client against the simulated chain, over a pseudo-terminal."""

from __future__ import annotations

import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    qontrol = pytest.importorskip("qontrol", reason="the package qontrol is not installed")


def connected(path: str):
    """A client. While it opens it waits for all of its time, for more modules; later on, for as
    long as an answer takes: on a busy machine that is more than its own 0.1 s.
    """
    client = qontrol.QXOutput(serial_port_name=path, response_timeout=0.2)
    client.response_timeout = 2.0
    return client


def test_the_vendors_client_enumerates_sets_and_reads(bench_in_thread) -> None:
    path = bench_in_thread.address("heaters-0").removeprefix("ASRL").removesuffix("::INSTR")
    client = connected(path)
    try:
        assert client.device_id == "Q8iv-0001"
        assert [entry["index"] for entry in client.chain] == [0, 1]
        assert client.n_chs == 16
        assert (client.v_full, client.i_full) == (12.0, 24.0)
        client.v[3] = 2.5
        assert client.v[3] == pytest.approx(2.5, abs=0.06)
        # 2.5 V over about 800 ohm.
        assert client.i[3] == pytest.approx(3.1, abs=0.5)
        client.v[3] = 0
        assert client.v[3] == pytest.approx(0.0, abs=0.06)
    finally:
        client.close()


def test_the_vendors_binary_vector(bench_in_thread) -> None:
    path = bench_in_thread.address("heaters-0").removeprefix("ASRL").removesuffix("::INSTR")
    client = connected(path)
    try:
        words = [round(level / 12 * 65535) for level in (1.0, 2.0, 3.0)]
        client.issue_binary_command("V", ch=4, DEXT=1, value_int=words)
        read = [client.v[channel] for channel in (4, 5, 6)]
        assert read == pytest.approx([1.0, 2.0, 3.0], abs=0.06)
        client.issue_binary_command("V", ch=4, DEXT=1, value_int=[0, 0, 0])
    finally:
        client.close()


def test_the_vendors_client_hears_of_trips_and_reads_the_log(bench_in_thread) -> None:
    path = bench_in_thread.address("heaters-0").removeprefix("ASRL").removesuffix("::INSTR")
    client = connected(path)
    try:
        client.imax[5] = 1.0
        assert client.imax[5] == pytest.approx(1.0, abs=1e-3)
        client.v[5] = 4.0  # 5 mA into 800 ohm: it trips, and is told of after the OK
        assert client.v[5] == pytest.approx(0.0, abs=0.06)
        client.imax[5] = 24.0
        found = client.issue_command("log", ch=0, operator="?", n_lines_requested=64)
        assert any("E02:05" in str(line) for line in found[0])
        assert client.issue_command("nup", operator="?", n_lines_requested=1)[0]
        client.i[5] = 2.0
        assert client.v[5] == pytest.approx(1.6, abs=0.3)
        client.v[5] = 0
    finally:
        client.close()
