"""The Qontrol chain against recorded exchanges and its error replies."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sim_backends.qontrol_q8 import PortConversation, QontrolChain, ReadbackNumbers


class Resistors:
    """800 ohm on every channel but those left open."""

    def __init__(self, *open_channels: int) -> None:
        self.open = set(open_channels)
        self.driven: list[tuple[list[int], list[float]]] = []

    def drive(self, channels, volts) -> None:
        self.driven.append((channels.tolist(), volts.tolist()))

    def amps(self, channels, volts):
        conducting = np.array([channel not in self.open for channel in channels.tolist()])
        return np.where(conducting, volts / 800.0, 0.0)


class Port:
    """A chain with its port; replies of one request at a time."""

    def __init__(self, modules: int = 2, **options) -> None:
        self.loads = Resistors(15)
        self.chain = QontrolChain(self.loads, modules, serial="0001", **options)
        self.sent: list[bytes] = []
        self.port = PortConversation(self.chain, self.sent.append)

    def ask(self, request: bytes) -> bytes:
        self.sent.clear()
        self.port.receive(request)
        return b"".join(self.sent)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"id?\n", b"Q8iv-0001\n"),
        (b"ID0?\n", b"Q8iv-0001\n"),
        (b"IDALL?\n", b"Q8iv-0001\nQ8iv-0002\n"),
        (b"nup=0\n", b"\x06OK\n\x06OK\n"),
        (b"nup?\n", b"Q8iv-0001: 0\n"),
        (b"nupall?\n", b"Q8iv-0001: 0\nQ8iv-0002: 1\n"),
        (b"nchan?\n", b"8\n"),
        (b"NCHANALL?\n", b"8\n8\n"),
        (b"firmware?\n", b"v2.4.1\n"),
        (b"lifetime?\n", b"275376 s\n"),
        (b"VFULLALL?\n", b"+12.0000 V\n+12.0000 V\n"),
        (b"vfull?\n", b"+12.0000 V\n"),
        (b"ifull?\n", b"+24.0000 mA\n"),
        (b"VMAX0?\n", b"+12.0000 V\n"),
        (b"IMAX0?\n", b"+24.0000 mA\n"),
        (b"VCAL0?\n", b"+1,+0,+0,+0\n"),
        (b"V0=0.83\n", b"OK\n"),
        (b"V0=10.913989596801237\n", b"OK\n"),
        (b"vall=0\n", b"OK\nOK\n"),
        (b"VVEC0=0,1,2,3,0,1,2,3\n", b"OK\n"),
        (b"VVEC6=1,1,1,1\n", b"OK\nOK\n"),
        (b"LED0?\n", b"1\n"),
        (b"SAFE0?\n", b"1\n"),
        (b"ADCT0?\n", b"5\n"),
        (b"ADCN0?\n", b"2\n"),
        (b"VERR0?\n", b"E00:01\n"),
        (b"CCFN0?\n", b"E10:00\n"),
        (b"val?\n", b"E10:02\n"),
        (b"?\n", b"E10:01\n"),
        (b"vall=\n", b"E11:03\n"),
        (b"vall=hello\n", b"E11:03\n"),
        (b"vall2=hello\n", b"E11:03\n"),
        (b"v=0.1\n", b"E12:00\n"),
        (b"v?hello\n", b"E12:00\n"),
        (b"nup=\n", b"E11:03\n"),
        (b"v0=0.1?\n", b"OK\n"),
        (b"i15=0?\n", b"OK\n"),
        (b"V16?\n", b"E12:16\n"),
        (b"V16=1\n", b"E12:16\n"),
        (b"V0=12.5\n", b"E11:03\n"),
        (b"V0=-1\n", b"E11:03\n"),
        (b"IDALL=1\n", b"E13:00\n"),
    ],
)
def test_ascii_exchanges(request_, reply) -> None:
    assert Port().ask(request_) == reply


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("88 00 000000 0000", b"+0.0000 V\n"),
        ("88 01 000003 0000", b"+0.0000 mA\n"),
        ("a9 00 000000 0000", b"+0.0000 V\n" * 16),
        ("81 00 000000 5970", b"OK\n"),
        ("82 00 000000 0010" + " 1000" * 16, b"OK\nOK\n"),
        ("82 00 000008 0008" + " 1000" * 8, b"OK\n"),
        ("a0 00 000000 0100", b"OK\nOK\n"),
        ("90 00 0002 03 0100", b"OK\n"),
        ("90 00 0009 03 0100", b"E12:03\n"),
        ("80 00 000000 0000", b"E15:01\n"),
        ("88 20 000000 0000", b"E13:00\n"),
        ("a9 20 000000 0000", b"+12.0000 V\n+12.0000 V\n"),
        ("88 7f 000000 0000", b"E10:00\n"),
        ("81 00 000010 0000", b"E12:16\n"),
    ],
)
def test_binary_exchanges(request_, reply) -> None:
    request = bytes.fromhex(request_)
    # The last bit of the header gives it even parity.
    if reply != b"E15:01\n" and request[0].bit_count() % 2:
        request = bytes([request[0] ^ 1]) + request[1:]
    assert Port().ask(request) == reply


def test_the_recorded_binary_word_makes_its_voltage() -> None:
    port = Port()
    port.ask(bytes.fromhex("81 00 000000 5970"))
    assert port.chain.volts[0] == pytest.approx(0x5970 / 65535 * 12)
    assert port.ask(b"V0?\n") == b"+4.1924 V\n"
    assert port.loads.driven[-1] == ([0], [pytest.approx(4.1924, abs=1e-4)])


def test_requests_in_pieces_and_in_one_go() -> None:
    port = Port()
    assert port.ask(b"V0=") == b""
    assert port.ask(b"1\nV0?\n" + bytes.fromhex("88 00 0000")) == b"OK\n+1.0000 V\n"
    assert port.ask(bytes.fromhex("00 0000")) == b"+1.0000 V\n"


def test_a_line_too_long_overflows_the_buffer() -> None:
    values = ",".join(f"{k / 7:.3f}" for k in range(16))
    assert Port().ask(f"V0={values}\n".encode()) == b"E14:00\nE15:00\n"
    assert Port().ask(b"V0=" + b"1" * 200) == b"E14:00\nE15:00\n"


def test_power_lines_show_resistance_once_current_flows() -> None:
    port = Port()
    port.ask(b"V3=4\n")
    lines = port.ask(b"VIPALL?\n").decode().splitlines()
    assert lines[2] == "0,2: +0.0000 V, +0.0000 mA"
    assert lines[3] == "0,3: +4.0000 V, +5.0000 mA,  20.0000 mW,    800 Ohm"
    assert lines[9].startswith("1,1: ")
    assert len(lines) == 16


def test_over_current_reports_after_the_ok_and_zeroes_the_channel(run) -> None:
    import asyncio

    async def main() -> tuple[list[bytes], float]:
        port = Port()
        assert port.ask(b"IMAX9=5\n") == b"OK\n"
        assert port.ask(b"V9=5\n") == b"OK\n"
        port.sent.clear()
        await asyncio.sleep(0.016)
        return port.sent, float(port.chain.volts[9])

    assert run(main()) == ([b"E02:01\n"], 0.0)


def test_current_into_an_open_channel_is_an_over_voltage(run) -> None:
    import asyncio

    async def main() -> list[bytes]:
        port = Port()
        assert port.ask(b"I15=13.15\n") == b"OK\n"
        assert port.ask(b"I2=5\n") == b"OK\n"
        port.sent.clear()
        await asyncio.sleep(0.016)
        assert port.chain.volts[2] == pytest.approx(4.0)
        return port.sent

    assert run(main()) == [b"E01:07\n"]


def test_many_faults_are_suppressed(run) -> None:
    import asyncio

    async def main() -> bytes:
        port = Port()
        port.chain.v_max[:] = 1.0
        port.ask(b"vall=2\n")
        port.sent.clear()
        await asyncio.sleep(0.016)
        return b"".join(port.sent)

    reply = run(main())
    assert reply.startswith(b"E01:00\nE01:01\n")
    assert reply.endswith(b"E30:00\n")


def test_read_back_is_measured_not_set() -> None:
    port = Port(readback=ReadbackNumbers(offset=1e-4, noise=1e-5, seed=3))
    port.ask(b"vall=0.2\n")
    first, second = port.ask(b"VALL?\n"), port.ask(b"VALL?\n")
    assert first != second
    volts = np.array([float(v) for v in re.findall(r"([+-][\d.]+) V", first.decode())])
    assert volts.shape == (16,)
    assert 1e-4 < volts.std() < 5e-3
    again = Port(readback=ReadbackNumbers(offset=1e-4, noise=1e-5, seed=3))
    again.ask(b"vall=0.2\n")
    assert again.ask(b"VALL?\n") == first


def test_an_output_that_is_hit_changes_at_once() -> None:
    """It is not set anew: what is ordered by time acts at that time."""
    port = Port()
    port.ask(b"V1=5\n")
    port.ask(b"V2=5\n")
    port.chain.own_faults["dead"]("1")()
    port.chain.own_faults["stuck"]("2/3.5")()
    told = [float(port.ask(question).split()[0]) for question in (b"V1?\n", b"V2?\n")]
    assert told == pytest.approx([0.0, 3.5], abs=0.05)


def test_stuck_and_dead_channels() -> None:
    port = Port()
    port.chain.stuck[1] = 3.0
    port.chain.dead.add(2)
    port.ask(b"vall=1\n")
    assert port.ask(b"V1?\n") == b"+3.0000 V\n"
    assert port.ask(b"V2?\n") == b"+0.0000 V\n"


def test_the_error_log_names_faults_of_each_module() -> None:
    port = Port()
    port.chain.v_max[[4, 13]] = 1.0
    port.chain.set_volts(np.array([4, 13]), np.array([2.0, 2.0]))
    port.ask(b"val?\n")
    first = b"#  0, E10:02, 0 s ago\n#  1, E01:04, 0 s ago\n#  2, E90:03, 2 m ago\n"
    second = b"#  0, E01:05, 0 s ago\n#  1, E90:03, 2 m ago\n"
    assert port.ask(b"LOG0?\n") == port.ask(b"log\n") == first
    assert port.ask(b"LOG8?\n") == second
    assert port.ask(b"LOGALL?\n") == first + second
    for _ in range(100):
        port.ask(b"?\n")
    lines = port.ask(b"LOG0?\n").splitlines()
    assert len(lines) == 64
    assert lines[-1] == b"# 63, E10:01, 0 s ago"


def test_log_and_lifetime_keep_time(run) -> None:
    import asyncio

    async def main() -> tuple[bytes, bytes]:
        port = Port()
        port.ask(b"?\n")
        await asyncio.sleep(7300.0)
        return port.ask(b"LOG0?\n"), port.ask(b"LIFETIMEALL?\n")

    log, lifetime = run(main())
    assert log == b"#  0, E10:01, 2 h ago\n#  1, E90:03, 2 h ago\n"
    assert lifetime == b"282676 s\n282693 s\n"


def test_repeated_overflows_are_suppressed() -> None:
    port = Port()
    long = b"V0=" + b"1" * 200 + b"\n"
    assert [port.ask(long) for _ in range(4)] == [b"E14:00\nE15:00\n"] * 2 + [
        b"E14:00\nE30:00\n"
    ] * 2
    assert port.ask(b"V0?\n") == b"+0.0000 V\n"
    assert port.ask(long) == b"E14:00\nE15:00\n"


def test_help_lists_the_error_codes_and_nvm_its_words() -> None:
    told = Port().ask(b"help\n").decode()
    assert told.startswith("\nCORE COMMAND SET.\n See manual for full listing.\n")
    assert "ERROR CODES.\n 00 " in told
    assert len(Port().ask(b"NVMALL?\n").splitlines()) == 256


def test_numbering_outlives_the_opening_of_the_port() -> None:
    port = Port()
    assert port.ask(b"nup=3\n") == b"\x06OK\n" * 2
    again = PortConversation(port.chain, port.sent.append)
    port.port.close()
    port.sent.clear()
    again.receive(b"nupall?\n")
    assert port.sent == [b"Q8iv-0001: 3\nQ8iv-0002: 4\n"]


def test_lost_power_and_errors_on_order_are_told_unasked() -> None:
    port = Port()
    port.ask(b"V3=4\n")
    port.ask(b"VMAX3=5\n")
    port.ask(b"LED3=0\n")
    port.sent.clear()
    port.chain.own_faults["power"]("")()
    assert port.sent == [b"E03:00\n"]
    assert port.loads.driven[-1][1] == [0.0] * 16
    assert port.ask(b"VMAX3?\nV3?\nLED3?\n") == b"+12.0000 V\n+0.0000 V\n1\n"
    assert port.ask(b"LOG8?\n").startswith(b"#  0, E90:03, 0 s ago\n")
    port.sent.clear()
    port.chain.own_faults["error"]("17/02")()
    assert port.sent == [b"E17:02\n"]
    with pytest.raises(ValueError, match="two digits"):
        port.chain.own_faults["error"]("170")


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="Q16"):
        QontrolChain(Resistors(), 2, "Q16")
