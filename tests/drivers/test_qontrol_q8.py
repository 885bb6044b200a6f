"""The Qontrol driver against scripted chains: exact bytes, limits, late faults, safety."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import qontrol_quantities as q
from drivers.instrument import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.pulse_streamer import MASK
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.link import LinkTimeout
from drivers.transport.memory import MemoryNetwork

DEVICE = "/dev/qontrol-0"
SERIAL = LinkModel(latency=0.016, bytes_per_second=11520.0)
SYNC = (b"\nfirmware?\n", b"E10:00\nv2.4.1\n")
CLOSING = (b"ID?\n", b"Q8iv-0001\n")
"""Asked behind every exchange that went well, and not waited for."""


def greeting(modules: int = 2, serial: str = "0001") -> list:
    chain = [f"Q8iv-{serial if n == 0 else '****'}: {n}\n" for n in range(modules)]
    return [
        SYNC,
        (b"firmware?\n", b"v2.4.1\n"),
        (b"NUPALL?\n", "".join(chain).encode()),
        (b"VFULLALL?\n", b"+12.0000 V\n" * modules),
        (b"IFULLALL?\n", b"+24.0000 mA\n" * modules),
    ]


def volts_frame(first: int, words: list[int]) -> bytes:
    if len(words) == 1:
        return bytes.fromhex("8100") + first.to_bytes(3, "big") + words[0].to_bytes(2, "big")
    data = np.array(words, dtype=">u2").tobytes()
    return bytes.fromhex("8200") + first.to_bytes(3, "big") + len(words).to_bytes(2, "big") + data


def driver(network: MemoryNetwork, **options) -> QontrolQ8:
    options.setdefault("modules", 2)
    return QontrolQ8("heaters-0", f"ASRL{DEVICE}::INSTR", network, link=SERIAL, **options)


def closes(entry) -> bool:
    """Whether an exchange goes well, and is all of it: a list of unknown length always does."""
    sent, reply = entry
    refused = reply is None or (isinstance(reply, bytes) and reply[:2] == b"E1")
    return sent[:3] == b"LOG" or not (refused or sent == b"NUP=0\n")


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries.

    The closing question stands behind each of them that is answered well, unless `closed` is False.
    """

    def _play(entries, scenario, *, closed=True, **options):
        known = [SYNC, CLOSING, *greeting()]
        said = [
            part
            for entry in entries
            for part in (
                [entry, CLOSING] if closed and entry not in known and closes(entry) else [entry]
            )
        ]
        server = script([*greeting(), *said])
        network = MemoryNetwork()
        network.listen_serial(DEVICE, server.serve)

        async def opened():
            heaters = driver(network, **options)
            await heaters.open()
            result = await scenario(heaters)
            await heaters.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_opening_identifies_and_touches_nothing(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert heaters.identity is not None
        assert (heaters.identity.model, heaters.identity.serial) == ("Q8iv", "0001")
        assert heaters.identity.firmware == "v2.4.1"
        assert (heaters.modules, heaters.channels, heaters.v_full) == (2, 16, 12.0)
        assert heaters.i_full.tolist() == pytest.approx([0.024] * 16)

    play([], scenario, expect={"model": "q8iv", "serial": "0001"})


def test_a_chain_that_lost_its_numbers_is_numbered_anew(virtual, script) -> None:
    entries = greeting()
    entries[2:3] = [
        (b"NUPALL?\n", b"Q8iv-0001: 0\nQ8iv-****: 0\n"),
        (b"NUP=0\n", b"\x06OK\n\x06OK\n"),
        entries[2],
    ]
    server = script(entries)
    network = MemoryNetwork()
    network.listen_serial(DEVICE, server.serve)
    virtual(driver(network).open())
    server.finish()


@pytest.mark.parametrize(
    ("options", "modules", "said"),
    [
        ({"expect": {"serial": "0002"}}, 2, "serial '0002' was expected, but '0001' answers"),
        ({"expect": {"model": "Q8b"}}, 2, "model 'Q8b' was expected"),
        ({"modules": 8}, 2, "modules '8' was expected, but '2"),
        ({"modules": 1}, 2, "modules '1' was expected, but '2"),
    ],
)
def test_a_wrong_instrument_is_refused_and_closed(virtual, script, options, modules, said) -> None:
    server = script(greeting(modules))
    network = MemoryNetwork()
    network.listen_serial(DEVICE, server.serve)
    heaters = driver(network, **options)

    async def scenario() -> None:
        with pytest.raises(IdentityError, match=said) as refused:
            await heaters.open()
        assert "bench file" in str(refused.value)
        assert not heaters.is_open

    virtual(scenario())


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
            CLOSING,
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


def test_limits_are_written_again_after_lost_power(play) -> None:
    v_max = bytes.fromhex("82 02 000000 0010") + bytes.fromhex("8000") * 16
    i_max = bytes.fromhex("82 03 000000 0010") + bytes.fromhex("ffff") * 16

    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.5))
        await heaters.apply_limits()
        with pytest.raises(InstrumentError, match="E03:00"):
            await heaters.write_volts(np.array([0]), np.array([1.0]))
        await heaters.write_volts(np.array([0]), np.array([0.0]))

    word = 5461
    play(
        [
            (v_max, b"OK\nOK\n"),
            (i_max, b"OK\nOK\n"),
            (volts_frame(0, [word]), b"E03:00\nOK\n"),
            (v_max, b"OK\nOK\n"),
            (i_max, b"OK\nOK\n"),
            (volts_frame(0, [0]), b"OK\n"),
        ],
        scenario,
    )


def test_firmware_that_repeats_commands_is_refused(virtual, script) -> None:
    server = script([SYNC, (b"firmware?\n", b"firmware?\nv1.9\n")])
    network = MemoryNetwork()
    network.listen_serial(DEVICE, server.serve)

    async def scenario() -> None:
        with pytest.raises(InstrumentError, match="firmware before 2"):
            await driver(network).open()

    virtual(scenario())


def test_limits_are_written_as_vectors(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.5))
        await heaters.apply_limits()
        assert heaters.v_max.tolist() == [6.0] * 16

    def limits(code: str, word: int) -> bytes:
        return bytes.fromhex(f"82 {code} 000000 0010") + word.to_bytes(2, "big") * 16

    play(
        [(limits("02", 32768), b"OK\nOK\n"), (limits("03", 65535), b"OK\nOK\n")],
        scenario,
    )


def test_limits_are_written_again_before_volts_after_a_lost_connection(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.5))
        await heaters.apply_limits()
        await asyncio.sleep(0.1)  # the cable is out meanwhile
        assert await heaters.write_volts(np.array([0]), np.array([0.0])) == 1

    def unplug(writer) -> None:
        writer.write(b"OK\nOK\n")
        asyncio.get_running_loop().call_later(0.05, writer.close)

    v_max = bytes.fromhex("82 02 000000 0010") + bytes.fromhex("8000") * 16
    i_max = bytes.fromhex("82 03 000000 0010") + bytes.fromhex("ffff") * 16
    play(
        [
            (v_max, b"OK\nOK\n"),
            (i_max, unplug),
            *greeting(),
            (v_max, b"OK\nOK\n"),
            (i_max, b"OK\nOK\n"),
            (volts_frame(0, [0]), b"OK\n"),
        ],
        scenario,
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1e-9, 6.0001, 12.5])
def test_no_byte_leaves_for_a_bad_value(play, bad: float) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        heaters.set_limits(np.full(16, 6.0), np.full(16, 0.01))
        with pytest.raises(LimitError) as refused:
            await heaters.write_volts(np.array([2, 9]), np.array([1.0, bad]))
        assert refused.value.instrument == "heaters-0"
        assert refused.value.channel == 9
        assert "0 to 6 V" in str(refused.value)

    play([], scenario)


def test_no_byte_leaves_for_a_bad_channel(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        for channels in ([16], [-1]):
            with pytest.raises(LimitError, match="channels 0 to 15"):
                await heaters.write_volts(np.array(channels), np.array([1.0]))
        with pytest.raises(ValueError, match="twice"):
            await heaters.write_volts(np.array([1, 1]), np.array([1.0, 2.0]))
        with pytest.raises(ValueError, match="do not match"):
            await heaters.write_volts(np.array([1, 2]), np.array([1.0]))
        with pytest.raises(ValueError, match="shape"):
            heaters.set_limits(np.ones(3), np.ones(16))
        with pytest.raises(LimitError, match="v_max"):
            heaters.set_limits(np.full(16, np.nan), np.ones(16))

    play([], scenario)


def test_a_refusal_names_command_and_reply_and_forgets_the_words(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(InstrumentError, match=r"V of channels 0 to 1.*E14:00.*vector_words"):
            await heaters.write_volts(np.array([0, 1]), np.array([0.0, 0.0]))
        assert await heaters.write_volts(np.array([0, 1]), np.array([0.0, 0.0])) == 2

    play(
        [
            (volts_frame(0, [0, 0]), b"E14:00\nE15:00\n"),
            SYNC,
            (volts_frame(0, [0, 0]), b"OK\n"),
        ],
        scenario,
    )


def test_a_garbled_transfer_is_tried_once_more(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert await heaters.write_volts(np.array([0]), np.array([0.0])) == 1

    play([(volts_frame(0, [0]), b"E15:01\n"), SYNC, (volts_frame(0, [0]), b"OK\n")], scenario)


def test_late_faults_are_raised_with_the_command_before(play) -> None:
    async def trip_late(writer) -> None:
        writer.write(b"OK\n")
        await asyncio.sleep(0.01)
        writer.write(b"E02:03\n")

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([3]), np.array([0.0]))
        await asyncio.sleep(0.05)
        with pytest.raises(InstrumentError, match=r"V of channels 3 to 3 before V.*E02:03"):
            await heaters.write_volts(np.array([4]), np.array([0.0]))
        # where a tripped channel is, is not known: both are written again
        assert await heaters.write_volts(np.array([3, 4]), np.zeros(2)) == 2
        with pytest.raises(InstrumentError, match="over-voltage"):
            await heaters.check_faults()

    play(
        [
            (volts_frame(3, [0]), trip_late),
            (volts_frame(4, [0]), b"OK\n"),
            (volts_frame(3, [0, 0]), b"OK\nE01:03\n"),
        ],
        scenario,
    )


def test_interleaved_faults_do_not_count_as_acknowledgements(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(InstrumentError, match="E02:07"):
            await heaters.write_volts(np.array([7, 8]), np.zeros(2))
        assert not heaters._link.doubtful  # all was read: no resynchronisation is due

    play([(volts_frame(7, [0, 0]), b"OK\nE02:07\nOK\n")], scenario)


def test_a_late_reply_never_answers_the_next_question(play) -> None:
    async def late(writer) -> None:
        await asyncio.sleep(2.5)
        writer.write(b"+9.9999 V\n" * 16)

    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(LinkTimeout, match="qontrol-0"):
            await heaters.read_volts()
        assert (await heaters.read_volts() == 1.0).all()

    right = (b"VALL?\n", b"+1.0000 V\n" * 16)
    play([(b"VALL?\n", late), SYNC, right, CLOSING], scenario, closed=False)


def after(seconds: float, reply: bytes):
    """An answer that comes so late, in the script's order."""

    async def answer(writer) -> None:
        await asyncio.sleep(seconds)
        writer.write(reply)

    return answer


@pytest.mark.parametrize("later", [0.0, 1e-3, 0.015])
def test_a_copy_of_an_acknowledgement_acknowledges_nothing(play, later: float) -> None:
    """The next write is refused; whenever the copy comes, that is what is heard of it."""

    async def twice(writer) -> None:
        writer.write(b"OK\n")
        await asyncio.sleep(later)
        writer.write(b"OK\n")

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        with pytest.raises(InstrumentError, match=r"V of channels 1 to 1.*E11:03"):
            await heaters.write_volts(np.array([1]), np.array([0.0]))

    play(
        [(volts_frame(0, [0]), twice), CLOSING, (volts_frame(1, [0]), after(0.01, b"E11:03\n"))],
        scenario,
        closed=False,
    )


def test_a_reading_that_comes_twice_is_not_the_next_one(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert (await heaters.read_volts() == 1.0).all()
        assert (await heaters.read_volts() == 2.0).all()

    first, second = b"+1.0000 V\n" * 16, b"+2.0000 V\n" * 16
    play([(b"VALL?\n", first * 2), (b"VALL?\n", second)], scenario)


def test_the_closing_answer_may_come_twice_and_behind_noise(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        await heaters.write_volts(np.array([1]), np.array([0.0]))
        await asyncio.sleep(1.0)
        await heaters.write_volts(np.array([2]), np.array([0.0]))
        assert not heaters._link.doubtful

    play(
        [
            (volts_frame(0, [0]), b"OK\n"),
            (b"ID?\n", b"\xff\xa5Q8iv-0001\nQ8iv-0001\n"),
            (volts_frame(1, [0]), b"Q8iv-0001\nOK\n"),
            (b"ID?\n", b"Q8iv-0001\nQ8iv-0001\n"),
            (volts_frame(2, [0]), b"OK\n"),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_a_lost_closing_answer_costs_time_and_no_error(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        await heaters.write_volts(np.array([1]), np.array([0.0]))

    write, again = volts_frame(0, [0]), volts_frame(1, [0])
    play(
        [
            (write, b"OK\n"),
            (b"ID?\n", None),
            (again, b"OK\n"),  # a copy of the first, for all that is known
            SYNC,
            (again, b"OK\n"),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_off_waits_for_nothing_before_its_zeros_leave(play) -> None:
    zeros = volts_frame(0, [0] * 16)
    left: list[float] = []

    def leave(writer) -> None:
        left.append(asyncio.get_running_loop().time())
        writer.write(b"OK\nOK\nQ8iv-0001\nOK\nOK\n")  # copies, the answer due, then its own

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([6.0]))
        began = asyncio.get_running_loop().time()
        await heaters.off()
        assert left == [began]

    play(
        [(volts_frame(0, [32768]), b"OK\n"), (b"ID?\n", None), (zeros, leave), CLOSING],
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

    play([(zeros, None), (zeros, None)], scenario)


def test_quantise_is_what_the_words_make() -> None:
    heaters = driver(MemoryNetwork())
    volts = heaters.quantise(np.array([0.0, 12.0, 4.192]))
    assert volts[:2].tolist() == [0.0, 12.0]
    assert abs(volts[2] - 4.192) <= 12 / 65535 / 2


def test_options_are_checked_before_anything_else() -> None:
    network = MemoryNetwork()
    for options in ({"modules": 9}, {"modules": 0}, {"encoding": "morse"}, {"vector_words": 0},
                    {"expect": {"colour": "red"}}, {"timeout": 0.0}):  # fmt: skip
        with pytest.raises(ValueError, match="heaters-0"):
            driver(network, **options)
    with pytest.raises(ValueError, match="no serial port"):
        QontrolQ8("heaters-0", "TCPIP::a::1::SOCKET", network, link=SERIAL)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_sequence_of_calls_leaves_the_limits(virtual, data: st.DataObject) -> None:
    """Whatever is asked for, every word that reaches the wire is within its channel's limit."""
    v_max = np.array(data.draw(st.lists(st.floats(0.0, 12.0), min_size=8, max_size=8)))
    seen: list[tuple[int, int]] = []

    async def chain(reader: asyncio.StreamReader, writer) -> None:
        answers = dict(greeting(1))
        while byte := await reader.read(1):
            if byte[0] < 0x80:
                line = byte + (b"" if byte == b"\n" else await reader.readline())
                writer.write(answers.get(line, b"Q8iv-0001\n" if line == b"ID?\n" else b""))
                continue
            code, _, high, low = await reader.readexactly(4)
            assert code == 0
            count = 1
            if byte[0] & 2:
                count = int.from_bytes(await reader.readexactly(2), "big")
            words = np.frombuffer(await reader.readexactly(2 * count), dtype=">u2")
            first = high << 8 | low
            seen.extend(zip(range(first, first + count), words.tolist(), strict=True))
            writer.write(b"OK\n")

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen_serial(DEVICE, chain)
        heaters = driver(network, modules=1)
        await heaters.open()
        heaters.set_limits(v_max, np.full(8, 0.01))
        held = np.full(8, np.nan)
        for _ in range(data.draw(st.integers(1, 4))):
            channels = np.array(data.draw(st.lists(st.integers(-1, 8), max_size=8, unique=True)))
            volts = np.array(
                data.draw(
                    st.lists(
                        st.floats(-1.0, 13.0) | st.floats(), min_size=channels.size,
                        max_size=channels.size,
                    )
                )
            )  # fmt: skip
            try:
                await heaters.write_volts(channels.astype(int), volts)
            except LimitError:
                continue
            held[channels.astype(int)] = heaters.quantise(volts)
        last = dict(seen)
        for channel in np.flatnonzero(np.isfinite(held)):
            assert last[int(channel)] * 12 / 65535 == pytest.approx(held[channel])

    virtual(scenario())
    for channel, word in seen:
        assert word * 12 / 65535 <= v_max[channel] + 12 / 65535 / 2
