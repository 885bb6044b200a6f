"""Qontrol chains: what is sent for what is wanted, byte for byte, and how answers are read."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers import qontrol_quantities as q
from drivers.instrument import InstrumentError, LimitError
from drivers.pulse_streamer import MASK
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork
from tests.drivers.qontrol_q8.conftest import (
    CLOSING,
    driver,
    volts_frame,
)


def test_writes_are_vectors_of_what_changed(play) -> None:
    word = 0x5970  # 4.192 V, as in the vendor's transcript
    volts = word / 65535 * 12

    async def scenario(heaters: QontrolQ8) -> None:
        every = np.arange(16)
        assert await heaters.write_volts(every, np.zeros(16)) == 16
        assert await heaters.write_volts(every, np.zeros(16)) == 0
        assert await heaters.write_volts(np.array([5]), np.array([volts])) == 1
        assert await heaters.write_volts(np.array([10, 7]), np.array([12.0, volts])) == 2
        assert await heaters.write_volts(np.array([5]), np.array([volts + 5e-5])) == 0
        assert heaters.exchanges == 3
        assert set(heaters.busy) == {"write"}

    play(
        [
            (volts_frame(0, [0] * 16), b"OK\nOK\n"),
            (bytes.fromhex("81 00 000005 5970"), b"OK\n"),
            (volts_frame(7, [word, 0, 0, 65535]), b"OK\nOK\n"),
        ],
        scenario,
    )


def test_short_buffers_and_ascii(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert await heaters.write_volts(np.arange(2, 12), np.full(10, 1.5)) == 10

    play(
        [
            (volts_frame(2, [8192] * 8), b"OK\nOK\n"),
            (volts_frame(10, [8192] * 2), b"OK\n"),
        ],
        scenario,
        vector_words=8,
    )
    values = ",".join(["1.50002"] * 6).encode()
    play(
        [(b"VVEC2=" + values + b"\n", b"OK\n"), (b"VVEC8=1.50002,1.50002\n", b"OK\n"),
         (b"VVEC10=1.50002,1.50002\n", b"OK\n")],
        scenario,
        encoding="ascii",
    )  # fmt: skip


def test_read_back(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        volts = await heaters.read_volts()
        assert volts.shape == (16,)
        assert volts[3] == pytest.approx(0.3)
        amps = await heaters.read_amps()
        assert amps[15] == pytest.approx(-1.5e-6)

    play(
        [
            (b"VALL?\n", "".join(f"+{n / 10:.4f} V\n" for n in range(16)).encode()),
            (b"IALL?\n", "".join(f"-{n / 1e4:.4f} mA\n" for n in range(16)).encode()),
        ],
        scenario,
    )


def test_what_the_sheet_records_is_asked_and_read(play) -> None:
    """Exact bytes: recorded exchanges of two Q8iv, firmware 2.4.1."""

    async def scenario(heaters: QontrolQ8) -> None:
        assert [(one.model, one.serial) for one in heaters.chain] == [
            ("Q8iv", "0001"), ("Q8iv", "****"),
        ]  # fmt: skip
        assert await heaters.get(q.VOLTS, 0) == pytest.approx(8.2702)
        assert await heaters.get(q.AMPS, "9") == pytest.approx(-3.4e-6)
        assert await heaters.get(q.AMPS_MAX, 3) == pytest.approx(0.024)
        assert await heaters.get(q.LED) == [True, False]
        assert await heaters.get(q.ADC_TIME, 1) == 5
        assert await heaters.get(q.LIFETIME, 0) == 275376
        assert await heaters.read_calibration(0) == ((1152, -4448, -75, -6), (1, 0, 0, 0))
        volts, amps = (await heaters.read_outputs())[13]
        assert (volts, amps) == (pytest.approx(0.2048), pytest.approx(0.02203))
        assert [str(entry) for entry in await heaters.read_log(1)] == [
            "E00:01 (unknown error), 120 s ago",
            "E90:03 (powered up), 7200 s ago",
        ]
        assert (await heaters.read_memory(0)).tolist() == [1, 0xFF78]
        assert "ERROR CODES" in await heaters.read_help()
        await heaters.renumber()

    plain = [f"{n // 8},{n % 8}: +0.2082 V, -0.0037 mA\n" for n in range(16)]
    plain[13] = "1,5: +0.2048 V, +22.0300 mA,   4.5130 mW,      9 Ohm\n"
    chain = b"Q8iv-0001: 0\nQ8iv-****: 1\n"
    play(
        [
            (b"V0?\n", b"+8.2702 V\n"),
            (b"I9?\n", b"-0.0034 mA\n"),
            (b"IMAX3?\n", b"+24.0000 mA\n"),
            (b"LED0?\n", b"1\n"),
            (b"LED8?\n", b"0\n"),
            (b"ADCT8?\n", b"5\n"),
            (b"LIFETIME0?\n", b"275376 s\n"),
            (b"VCAL0?\n", b"+1152,-4448,-75,-6\n"),
            (b"ICAL0?\n", b"+1,+0,+0,+0\n"),
            (b"VIPALL?\n", "".join(plain).encode()),
            (b"LOG8?\n", b"#  0, E00:01, 2 m ago\n#  1, E90:03, 2 h ago\n"),
            (b"NVM0?\n", b"00 : 0x0001,  01 : 0xFF78\n"),
            (b"HELP0?\n", b"\nCORE COMMAND SET.\n See manual\nERROR CODES.\n"),
            (b"NUP=0\n", b"\x06OK\n\x06OK\n"),
            (b"NUPALL?\n", chain),
        ],
        scenario,
    )


def test_setting_by_name(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.set(q.VOLTS, 6.0, 2)
        await heaters.set(q.AMPS, 0.012, "3")
        await heaters.set(q.VOLTS_MAX, 3.0, 2)
        with pytest.raises(LimitError, match="0 to 3 V"):
            await heaters.set(q.VOLTS, 3.1, 2)
        await heaters.set(q.AMPS_MAX, 0.024, 2)
        with pytest.raises(LimitError, match=r"0 to 0\.024 A"):
            await heaters.set(q.AMPS_MAX, 0.025, 2)
        with pytest.raises(LimitError, match=r"0\.024"):
            await heaters.write_amps(np.array([1]), np.array([0.03]))
        for quantity, value, channel in ((q.VOLTS, 1.0, ""), (q.VOLTS, 1.0, 16), (q.LED, True, 0),
                                         (MASK, 1, 0), (q.VOLTS, 1.0, "-1")):  # fmt: skip
            with pytest.raises(ValueError, match="heaters-0"):
                await heaters.set(quantity, value, channel)
        # What the output of a driven current is, is not known: it is written in any case.
        assert await heaters.write_volts(np.array([3]), np.array([0.0])) == 1

    play(
        [
            (volts_frame(2, [32768]), b"OK\n"),
            (bytes.fromhex("81 01 000003 8000"), b"OK\n"),
            (bytes.fromhex("81 02 000002 4000"), b"OK\n"),
            (bytes.fromhex("81 03 000002 ffff"), b"OK\n"),
            (volts_frame(3, [0]), b"OK\n"),
        ],
        scenario,
    )


def test_currents_go_as_vectors_of_neighbours(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_amps(np.array([0, 1, 5]), np.array([0.0, 0.024, 0.012]))

    play(
        [
            (bytes.fromhex("82 01 000000 0002 0000 ffff"), b"OK\n"),
            (bytes.fromhex("81 01 000005 8000"), b"OK\n"),
        ],
        scenario,
    )


@pytest.mark.parametrize(
    ("ask", "command", "reply"),
    [
        (lambda heaters: heaters.get(q.VOLTS, 0), b"V0?\n", b"+1.0000 mA\n"),
        (lambda heaters: heaters.get(q.LED, 0), b"LED0?\n", b"2\n"),
        (lambda heaters: heaters.get(q.LIFETIME, 0), b"LIFETIME0?\n", b"soon\n"),
        (lambda heaters: heaters.read_calibration(0), b"VCAL0?\n", b"+1,+0,+0\n"),
        (lambda heaters: heaters.read_log(), b"LOG0?\n", b"#  1, E00:01, 2 m ago\n"),
        (lambda heaters: heaters.read_memory(), b"NVM0?\n", b"01 : 0x0001\n"),
        (lambda heaters: heaters.read_outputs(), b"VIPALL?\n", b"0,1: +0 V, +0 mA\n" * 16),
        (lambda heaters: heaters.read_log(), b"LOG0?\n", b"E10:00\n"),
        (lambda heaters: heaters.get(q.VOLTS, 0), b"V0?\n", b"E12:00\n"),
    ],
)
def test_what_cannot_be_read_is_a_typed_error(play, ask, command, reply) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(InstrumentError):
            await ask(heaters)

    play([(command, reply)], scenario)


def test_off_waits_for_nothing_before_its_zeros_leave(play) -> None:
    zeros = volts_frame(0, [0] * 16)
    left: list[float] = []

    def leave(writer) -> None:
        left.append(asyncio.get_running_loop().time())
        writer.write(b"K\nOK\nOK\n")  # the end of a copy, then its own

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([6.0]))
        began = asyncio.get_running_loop().time()
        await heaters.off()
        assert left == [began]

    copies = CLOSING[1] + b"\xa5\x5a\nOK\nO"
    play(
        [
            (volts_frame(0, [32768]), b"OK\n"),
            (b"ID?\n", copies),
            (zeros, leave),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_off_does_not_trust_what_is_believed(play, caplog) -> None:
    zeros = volts_frame(0, [0] * 16)

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.off()
        await heaters.off()
        assert await heaters.write_volts(np.arange(16), np.zeros(16)) == 0

    play([(zeros, b"OK\nE02:01\nOK\n"), (zeros, b"OK\nOK\n")], scenario)
    assert "E02:01" in caplog.text


def test_off_sends_zeros_even_to_a_chain_that_does_not_answer(play) -> None:
    zeros = volts_frame(0, [0] * 16)

    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(LinkTimeout):
            await heaters.off()
        await asyncio.sleep(0)

    play([(zeros, None), (CLOSING[0], None), (zeros, None)], scenario, closed=False)


def test_quantise_is_what_the_words_make() -> None:
    heaters = driver(MemoryNetwork())
    volts = heaters.quantise(np.array([0.0, 12.0, 4.192]))
    assert volts[:2].tolist() == [0.0, 12.0]
    assert abs(volts[2] - 4.192) <= 12 / 65535 / 2
