"""The TEC-1091 driver against scripted devices: exact bytes, limits, refusals, late replies."""

from __future__ import annotations

import asyncio
import binascii
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.instrument import IdentityError, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.meerstetter_tec1091 import QUANTITIES, MeerstetterTec1091, Status
from drivers.meerstetter_tec1091 import parameters as par
from drivers.roles import ThermalStage
from drivers.transport.link import LinkError, LinkTimeout
from drivers.transport.memory import MemoryNetwork

DEVICE = "/dev/tec"
SERIAL = LinkModel(latency=0.002, bytes_per_second=5760.0)


def ask(sequence: int, payload: str, address: int = 0) -> bytes:
    """A request as the sheet builds it, not as our own code does."""
    head = f"#{address:02X}{sequence:04X}{payload}".encode()
    return head + b"%04X\r" % binascii.crc_hqx(head, 0)


def answer(sequence: int, payload: str, address: int = 0) -> bytes:
    head = f"!{address:02X}{sequence:04X}{payload}".encode()
    return head + b"%04X\r" % binascii.crc_hqx(head, 0)


def acknowledge(sequence: int, payload: str, address: int = 0) -> bytes:
    return f"!{address:02X}{sequence:04X}".encode() + ask(sequence, payload, address)[-5:]


def greeting(status: int = 1, model: int = 0x443, address: int = 0) -> list:
    """Synchronise by the device type; then type, serial, firmware, status. Sequences 1 to 5."""
    return [
        (b"\r" + ask(1, "?VR006401", address), answer(1, f"{model:08X}", address)),
        (ask(2, "?VR006401", address), answer(2, f"{model:08X}", address)),
        (ask(3, "?VR006601", address), answer(3, "0000139D", address)),
        (ask(4, "?VR006701", address), answer(4, "00000200", address)),
        (ask(5, "?VR006801", address), answer(5, f"{status:08X}", address)),
    ]


def driver(network: MemoryNetwork, **options) -> MeerstetterTec1091:
    return MeerstetterTec1091("stage", f"ASRL{DEVICE}::INSTR", network, link=SERIAL, **options)


@pytest.fixture
def play(virtual, script):
    """Runs a scenario with an opened driver against a greeting and these entries."""

    def _play(entries, scenario, **options):
        server = script([*greeting(address=options.get("address", 0)), *entries])
        network = MemoryNetwork()
        network.listen_serial(DEVICE, server.serve)

        async def opened():
            stage = driver(network, **options)
            await stage.open()
            result = await scenario(stage)
            await stage.close()
            return result

        result = virtual(opened())
        server.finish()
        return result

    return _play


def test_opening_identifies_and_sets_nothing(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        identity = stage.identity
        assert identity is not None
        assert (identity.model, identity.serial, identity.firmware) == ("TEC-1091", "5021", "512")
        assert isinstance(stage, ThermalStage)

    play([], scenario, expect={"model": "tec-1091", "serial": "5021"})


def test_first_bytes_are_those_of_the_sheet() -> None:
    """The helpers above build the published frames."""
    assert ask(0x15AB, "?VR006401") == b"#0015AB?VR0064018000\r"
    assert ask(0x15B0, "VS0BB80141AE0000") == b"#0015B0VS0BB80141AE0000C482\r"
    assert acknowledge(0x15AE, "VS07DA0100000002") == b"!0015AE8F97\r"
    assert answer(0x15AB, "41CC0000") == b"!0015AB41CC0000D2BC\r"
    assert answer(0x15AB, "+05") == b"!0015AB+05446E\r"


def test_another_device_is_refused(virtual, script) -> None:
    for model, said in ((0x0459, "TEC-1113"), (0x0834, "device type 2100")):
        server = script(greeting(model=model)[: 5 if model < 2000 else None])
        network = MemoryNetwork()
        network.listen_serial(DEVICE, server.serve)
        stage = driver(network, expect={"model": "TEC-1091"})

        async def scenario(stage=stage, said=said) -> None:
            with pytest.raises(IdentityError, match=said):
                await stage.open()
            assert not stage.is_open

        virtual(scenario())


def test_role(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        await stage.set_setpoint_celsius(21.75)
        assert await stage.read_setpoint_celsius() == 21.75
        assert await stage.read_temperature_celsius() == 25.5
        assert await stage.read_output() == (-0.5, 1.25)
        assert await stage.stable()
        assert not await stage.stable()
        assert await stage.status() is Status.RUN

    play(
        [
            (ask(6, "VS0BB80141AE0000"), acknowledge(6, "VS0BB80141AE0000")),
            (ask(7, "?VR0BB801"), answer(7, "41AE0000")),
            (ask(8, "?VR03E801"), answer(8, "41CC0000")),
            (ask(9, "?VX0203FC0103FD01"), answer(9, "BF0000003FA00000")),
            (ask(10, "?VR04B001"), answer(10, "00000002")),
            (ask(11, "?VR04B001"), answer(11, "00000001")),
            (ask(12, STATE), answer(12, "00000002" + "00000000" * 3)),
            (ask(13, "?VR006801"), answer(13, "00000002")),
        ],
        scenario,
    )


def test_a_stage_that_an_error_has_stopped_is_not_waited_for(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(InstrumentError, match=r"error 60 of channel 1.*too hot.*reset\(\) it"):
            await stage.stable()

    stopped = "00000003" + "0000003C" + "00000001" + "00000427"
    play(
        [(ask(6, "?VR04B001"), answer(6, "00000000")), (ask(7, STATE), answer(7, stopped))],
        scenario,
    )


STATE = "?VX04006801006901006A01006B01"


def test_on_selects_the_temperature_controller_first(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        await stage.on()

    play(
        [
            (ask(6, STATE), answer(6, "00000001" + "00000000" * 3)),
            (ask(7, "VS07D00100000002"), acknowledge(7, "VS07D00100000002")),
            (ask(8, "VS07DA0100000001"), acknowledge(8, "VS07DA0100000001")),
        ],
        scenario,
    )


def test_on_tells_which_error_stopped_it(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(InstrumentError, match=r"error 138 of channel 1.*above.*reset"):
            await stage.on()

    play([(ask(6, STATE), answer(6, "000000030000008A00000001000003E8"))], scenario)


def test_off_leaves_the_temperature_regulated_unless_it_is_told_to_stop(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        exchanges = stage.exchanges
        await stage.off()
        assert stage.exchanges == exchanges
        await stage.off(stop=True)

    play([(ask(6, "VS07DA0100000000"), acknowledge(6, "VS07DA0100000000"))], scenario)


def test_a_stop_is_sent_even_to_a_device_that_does_not_answer(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(LinkTimeout):
            await stage.off(stop=True)
        await asyncio.sleep(0)

    play([(ask(6, "VS07DA0100000000"), None), (b"\r" + ask(7, "VS07DA0100000000"), None)], scenario)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 9.99, 60.01, -300.0, 2000.0])
def test_no_byte_leaves_for_a_bad_set_point(play, bad: float) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(LimitError, match="stage setpoint_celsius"):
            await stage.set_setpoint_celsius(bad)

    play([], scenario)


def test_no_byte_leaves_for_bad_settings(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        for quantity, bad in ((par.CURRENT_LIMIT, 4.1), (par.OUTPUT_ENABLE, 4)):
            with pytest.raises(LimitError, match=quantity.name):
                await stage.set(quantity, bad)
        with pytest.raises(ValueError, match="only be read"):
            await stage.set(par.TEMPERATURE, 25.0)
        with pytest.raises(ValueError, match="whole number"):
            await stage.set(par.OUTPUT_ENABLE, 0.5)
        with pytest.raises(TypeError):
            await stage.set(par.CURRENT_LIMIT, True)
        with pytest.raises(ValueError, match="channel 1, not 2"):
            await stage.set(par.CURRENT_LIMIT, 1.0, 2)

    play([], scenario)


def test_a_refusal_names_command_and_meaning_and_leaves_the_link_in_step(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(InstrumentError, match=r"VS07EE01400.*\+07.*out of range"):
            await stage.set(par.CURRENT_LIMIT, 2.0)
        assert not stage._link.doubtful

    play([(ask(6, "VS07EE0140000000"), answer(6, "+07"))], scenario)


def test_a_late_reply_is_skipped(play) -> None:
    async def late(writer) -> None:
        await asyncio.sleep(3.0)
        writer.write(answer(6, "42C80000"))

    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(LinkTimeout):
            await stage.read_temperature_celsius()
        assert await stage.read_temperature_celsius() == 25.5

    play(
        [
            (ask(6, "?VR03E801"), late),
            (b"\r" + ask(7, "?VR006401"), answer(7, "00000443")),
            (ask(8, "?VR03E801"), answer(6, "42C80000") + answer(8, "41CC0000")),
        ],
        scenario,
    )


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(6, "41CC0000")[:-2] + b"0\r", "wrong CRC"),
        (b"!0006\r", "no reply frame"),
        (answer(6, "41CC00"), "8 digits"),
        (answer(6, "41CC0000" * 2), "8 digits"),
        (answer(6, "7FC00000"), "sensor"),  # NaN
        (answer(6, "7F800000"), "sensor"),  # inf
        (acknowledge(6, "?VR03E801"), "8 digits"),
        (acknowledge(6, "?VR03E802"), "acknowledgement"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_never_a_value(play, reply: bytes, said: str) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        with pytest.raises(InstrumentError, match=said):
            await stage.read_temperature_celsius()

    play([(ask(6, "?VR03E801"), reply)], scenario)


def test_firmware_without_bulk_reads_is_asked_one_by_one(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        assert await stage.read_output() == (-0.5, 1.25)

    play(
        [
            (ask(6, "?VX0203FC0103FD01"), answer(6, "+01")),
            (ask(7, "?VR03FC01"), answer(7, "BF000000")),
            (ask(8, "?VR03FD01"), answer(8, "3FA00000")),
        ],
        scenario,
    )


def test_a_quantity_that_firmware_does_not_have_is_given_as_its_refusal(virtual) -> None:
    """A device that knows no parameter 2030, and refuses any bulk read that holds it."""

    async def device(reader: asyncio.StreamReader, writer) -> None:
        while True:
            request = (await reader.readuntil(b"\r")).strip(b"\r").decode()
            if not request:
                continue
            sequence, payload = int(request[3:7], 16), request[7:-4]
            whole = "".join(payload[i : i + 4] for i in range(5, len(payload), 6))
            if payload.startswith("?VR"):
                whole = payload[3:7]
            if "07EE" in whole:
                writer.write(answer(sequence, "+05"))
            elif payload == "?VR006401":
                writer.write(answer(sequence, "00000443"))
            else:
                count = 1 if payload.startswith("?VR") else int(payload[3:5], 16)
                writer.write(answer(sequence, "00000001" * count))

    network = MemoryNetwork()
    network.listen_serial(DEVICE, device)

    async def scenario() -> None:
        stage = driver(network)
        await stage.open()
        found = await stage.read_settings()
        assert set(found) == {quantity.name for quantity in QUANTITIES if not quantity.measured}
        assert "not available" in found["current_limit"]["refused"]
        assert found["stability_window"] == pytest.approx(0.0, abs=1e-40)
        await stage.close()
        await network.close()

    virtual(scenario())


def test_an_address_on_a_bus(play) -> None:
    async def scenario(stage: MeerstetterTec1091) -> None:
        await stage.set(par.RAMP_RATE, 1e-6)

    payload = "VS0BBB01358637BD"
    play([(ask(6, payload, 3), acknowledge(6, payload, 3))], scenario, address=3)


def test_options_are_checked_before_anything_else() -> None:
    network = MemoryNetwork()
    for options in (
        {"address": 255}, {"address": -1}, {"channel": 3}, {"lowest_celsius": 70.0},
        {"highest_celsius": 1001.0}, {"lowest_celsius": math.nan},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="stage"):
            driver(network, **options)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=60), payload=st.text("0123456789ABCDEF+", max_size=20))
def test_any_answer_ends_in_a_value_or_a_typed_error(virtual, noise: bytes, payload: str) -> None:
    async def device(reader: asyncio.StreamReader, writer) -> None:
        answers = dict(greeting())
        while request := await reader.readuntil(b"\r"):
            if request == b"\r":
                continue
            greeted = answers.get(request) or answers.get(b"\r" + request)
            sequence = int(request[3:7], 16)
            writer.write(greeted or noise + answer(sequence, payload))

    network = MemoryNetwork()
    network.listen_serial(DEVICE, device)

    async def scenario() -> None:
        stage = driver(network)
        await stage.open()
        began = asyncio.get_running_loop().time()
        try:
            value = await stage.read_temperature_celsius()
        except (InstrumentError, LinkError):
            pass
        else:
            assert len(payload) == 8
            assert math.isfinite(value)
        assert asyncio.get_running_loop().time() - began < 2.5
        await stage.close()
        await network.close()

    virtual(scenario())
