"""A SCPI device of the engine's parts: declared settings, overlapped operations, END and clear."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import channel_list, integer, number, separate
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.status import EventRegister
from sim_backends.engine.writing import nr1_signed, nr2, nr3

CHANNELS = ((1, 2),)


class Supply(ScpiDevice):
    """A supply of two channels whose range limits its voltage; INIT takes 3 s."""

    dialect = Dialect(
        reply_end=b"\n",
        common_resets_path=False,
        queue_depth=4,
        no_error='+0,"No error"',
        error_entry='{code:+d},"{text}"',
        powers_on=True,
    )

    def __init__(self) -> None:
        super().__init__(lambda: 0.0, "MAKER,SUPPLY,1,1.0")
        self.applied: list[tuple[int, ...]] = []
        self.shots = 0
        self.settings.number("range", "SOURce#:VOLTage:RANGe", 1, 20, 20, unit="V", ranges=CHANNELS)
        self.settings.number(
            "voltage", "SOURce#:VOLTage[:LEVel]", 0, lambda at: self.settings.value("range", *at),
            0, unit="V", ranges=CHANNELS, changed=self.applied.append,
        )  # fmt: skip
        self.settings.boolean("output", "OUTPut#[:STATe]", False, ranges=CHANNELS)
        self.settings.choice("mode", "TRIGger:MODE", ("IMMediate", "BUS"), "IMMediate")
        self.settings.number("count", "TRIGger:COUNt", 1, 100, 1, whole=True, form=nr1_signed)
        self.settings.text("name", "DISPlay:TEXT")
        self.commands.add("INITiate", lambda s, n, text: self._start())
        self.commands.add("ABORt", lambda s, n, text: self.operations.abort())
        self.commands.add("READ?", lambda s, n, text: self._read())
        self.commands.add("FAIL?", lambda s, n, text: self._fail())

    def _start(self) -> None:
        self.operations.begin_for(3.0, self._shoot)

    def _shoot(self) -> None:
        self.shots += 1

    def _read(self) -> Deferred:
        held = Deferred()
        self._start()
        self.operations.when_idle(lambda: held.resolve(str(self.shots)))
        return held

    def _fail(self) -> Deferred:
        held = Deferred()
        asyncio.get_running_loop().call_later(1.0, lambda: held.fail(ScpiError(-230)))
        return held

    def trigger(self) -> None:
        if self.settings.word("mode") != "BUS":
            raise ScpiError(-211)
        self.shots += 10


class Client:
    """A session with what it was sent."""

    def __init__(self, device: ScpiDevice) -> None:
        self.device = device
        self.sent: list[str] = []
        self.session: ScpiSession = device.converse(lambda data: self.sent.append(data.decode()))

    def ask(self, text: str) -> str:
        self.sent.clear()
        self.session.receive(text.encode() + b"\n")
        return "".join(self.sent).removesuffix("\n")


@pytest.fixture
def client() -> Client:
    return Client(Supply())


def beside(first: Client) -> Client:
    """Another client of the same device."""
    return Client(first.device)


def errors(client: Client) -> list[int]:
    found = []
    while (entry := client.ask("SYST:ERR?")) != '+0,"No error"':
        found.append(int(entry.split(",")[0]))
    return found


def test_numbers_in_every_spelling(client: Client) -> None:
    for text, value in [
        ("SOUR:VOLT 1.5", "+1.500000E+00"), (":SOURCE1:VOLTAGE:LEVEL 250 mV", "+2.500000E-01"),
        ("sour1:volt 2e0V", "+2.000000E+00"), ("SOUR1:VOLT maximum", "+2.000000E+01"),
        ("SOUR1:VOLT DEF", "+0.000000E+00"), ("SOUR1:VOLT #HF", "+1.500000E+01"),
        ("SOUR1:VOLT   .5\r", "+5.000000E-01"),
    ]:  # fmt: skip
        assert client.ask(text) == ""
        assert client.ask("SOUR1:VOLT?") == value, text
    assert client.ask("SOUR2:VOLT?;VOLT:LEV? MAX;:SOUR2:VOLT:RANG 5;LEV? MAX") == (
        "+0.000000E+00;+2.000000E+01;+5.000000E+00"
    )
    assert errors(client) == []


def test_what_is_refused_leaves_the_value(client: Client) -> None:
    client.ask("SOUR1:VOLT 1")
    for text, code in [
        ("SOUR1:VOLT 21", -222), ("SOUR1:VOLT -0.1", -222), ("SOUR1:VOLT 1A", -131),
        ("SOUR1:VOLT HIGH", -104), ("SOUR1:VOLT", -109), ("SOUR1:VOLT 1,2", -108),
        ("SOUR3:VOLT 1", -114), ("SOUR0:VOLT 1", -114), ("SOUR1:VOLT2 1", -113),
        ("SOUR1:VOLT? 3", -224), ("SOUR1:VOLT 1e999", -123), ("SOUR1:VOLT inf", -222),
        ("OUTP1 MAYBE", -224), ("TRIG:MODE NEVER", -224), ("DISP:TEXT hi", -151),
        ("OUTP1? 1", -108), ("TRIG:MODE", -109), ("SOUR1:VOLT1", -113),
    ]:  # fmt: skip
        assert client.ask(text) == "", text
        assert errors(client) == [code], text
    assert client.ask("SOUR1:VOLT?") == "+1.000000E+00"


def test_other_kinds(client: Client) -> None:
    assert client.ask("OUTP2 ON;:OUTP2?;:OUTP1?") == "1;0"
    assert client.ask("TRIG:MODE bus;MODE?;COUN 2.6;COUN?") == "BUS;+3"
    assert client.ask("""DISP:TEXT 'it''s; "so"';TEXT?""") == '"it\'s; ""so"""'
    assert client.ask("*RST;OUTP2?;:TRIG:MODE?;:DISP:TEXT?") == '0;IMM;""'


def test_a_clipping_maker_takes_the_limit_and_warns() -> None:
    class Clipping(Supply):
        dialect = Dialect(reply_end=b"\n", clips=True)

    client = Client(Clipping())
    client.ask("SOUR1:VOLT 30")
    assert client.ask("SOUR1:VOLT?") == "+2.000000E+01"
    assert client.ask("SYST:ERR?") == '-222,"Data out of range; value clipped to upper limit"'


def test_the_queue_is_shared_and_bounded(client: Client) -> None:
    other = Client(Supply())
    assert client.ask("*ESR?") == "128"
    for _ in range(6):
        client.ask("NONSENSE")
    assert client.ask("SYST:ERR:COUN?") == "4"
    assert errors(client) == [-113, -113, -113, -350]
    assert errors(other) == []
    assert client.ask("*ESR?") == "32"


def test_operations_delay_only_what_waits_for_them(client: Client, run) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        assert client.ask("*ESR?;INIT;*OPC;*ESR?;*STB?") == "128;0;0"
        assert client.ask("*OPC?;:OUTP1?") == ""
        client.session.receive(b"*IDN?\n")
        assert client.sent == []  # behind the message that waits
        began = loop.time()
        await asyncio.sleep(3.1)
        assert client.sent == ["1;0\n", "MAKER,SUPPLY,1,1.0\n"]
        assert client.ask("*ESR?") == "1"
        assert loop.time() - began == pytest.approx(3.1)
        assert client.ask("READ?") == ""
        await asyncio.sleep(3.1)
        assert client.sent == ["2\n"]
        assert client.ask("INIT;*WAI;:OUTP1 ON;:OUTP1?") == ""
        await asyncio.sleep(3.1)
        assert client.sent == ["1\n"]

    run(scenario())


def test_abort_answers_those_that_wait_and_cls_forgets_opc(client: Client, run) -> None:
    async def scenario() -> None:
        client.ask("*CLS;INIT;*OPC;*CLS")
        assert beside(client).ask("ABOR;*OPC?") == "1"
        assert client.ask("*ESR?") == "0"
        device_shots = client.ask("INIT;*OPC?")
        assert device_shots == ""
        beside(client).ask("ABOR")
        assert client.sent == ["1\n"]
        await asyncio.sleep(5.0)
        assert client.ask("READ?") == ""
        await asyncio.sleep(3.1)
        assert client.sent == ["1\n"]  # the two that were aborted never shot

    run(scenario())


def test_a_late_failure_is_queued_and_the_rest_goes_on(client: Client, run) -> None:
    async def scenario() -> None:
        assert client.ask("FAIL?;*IDN?") == ""
        await asyncio.sleep(1.1)
        assert client.sent == ["MAKER,SUPPLY,1,1.0\n"]
        assert errors(client) == [-230]

    run(scenario())


def test_end_and_device_clear(client: Client, run) -> None:
    async def scenario() -> None:
        client.session.receive(b"*IDN?")
        assert client.sent == []
        client.session.end()
        assert client.sent == ["MAKER,SUPPLY,1,1.0\n"]
        client.sent.clear()
        client.session.end()  # nothing has come since
        client.session.receive(b"READ?\n*IDN?\nhalf a mess")
        assert client.session.pending == 2
        client.session.clear()
        assert client.session.pending == 0
        assert client.ask("OUTP1?") == "0"
        await asyncio.sleep(10.0)
        assert client.sent == ["0\n"]
        assert errors(client) == []

    run(scenario())


def test_triggers(client: Client) -> None:
    client.session.trigger()
    client.ask("*TRG")
    assert errors(client) == [-211, -211]
    client.ask("TRIG:MODE BUS;*TRG")
    client.session.trigger()
    assert errors(client) == []


def test_condition_registers(client: Client) -> None:
    register = EventRegister()
    register.set(16, True)
    register.set(16, False)
    assert (register.condition, register.read(), register.read()) == (0, 16, 0)
    register.rising, register.falling = 0, 16
    register.set(16, True)
    assert register.read() == 0
    register.set(16, False)
    assert register.read() == 16
    assert client.ask("STAT:OPER:ENAB 65535;ENAB?;PTR?;NTR 5;NTR?;COND?") == "32767;32767;5;0"
    client.session.status.operation.set(8, True)
    assert client.ask("*STB?;*SRE 128;*STB?;:STAT:OPER?;*STB?;:STAT:OPER:COND?") == "128;192;8;0;8"
    assert client.session.status_byte(message_available=True) == 16


@pytest.mark.parametrize(
    ("text", "found"),
    [("(@1,2)", [1, 2]), ("(@ 1 , 3:5 )", [1, 3, 4, 5]), ("(@4:2)", [4, 3, 2]), ("(@)", [])],
)
def test_channel_lists(text: str, found: list[int]) -> None:
    assert channel_list(text, 1, 8) == found
    assert separate(f"CONN {text},(@7)", ",") == [f"CONN {text}", "(@7)"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@1", -171), ("(@1;2)", -171), ("(@9)", -222), ("(@0)", -222), ("(@1:)", -171),
        ("(1)", -171),
    ],
)  # fmt: skip
def test_wrong_channel_lists(text: str, code: int) -> None:
    with pytest.raises(ScpiError) as caught:
        channel_list(text, 1, 8)
    assert caught.value.code == code


def test_forms() -> None:
    assert nr3(8, exponent=3)(1.55e-6) == "+1.55000000E-006"
    assert nr3(6, signed=False)(1.2345678e-3) == "1.234568E-03"
    assert nr3(2)(float("inf")) == "+9.90E+37"
    assert nr3(2)(float("nan")) == "+9.91E+37"
    assert nr2(2)(-1.005) == "-1.00"
    with pytest.raises(ScpiError):
        integer("1e400", 0, 10)
    assert number("-INF") == float("-inf")


@given(st.binary(max_size=80))
def test_any_bytes_leave_the_session_alive(data: bytes) -> None:
    client = Client(Supply())
    client.session.receive(data)
    client.session.clear()
    client.ask("*CLS")
    assert client.ask("*IDN?") == "MAKER,SUPPLY,1,1.0"
