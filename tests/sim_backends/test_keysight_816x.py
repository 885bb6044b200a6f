"""The simulated Keysight laser: lock, units, sweeps with their flag, triggers, the lambda log."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.keysight_816x import Keysight816x


class Client:
    """A laser and a session with it."""

    def __init__(self, model: str = "8164B", **options: Any) -> None:
        self.laser = Keysight816x(lambda: asyncio.get_running_loop().time(), model, **options)
        self.sent: list[bytes] = []
        self.session = self.laser.converse(self.sent.append)

    def ask(self, text: str) -> str:
        """What is answered, without its line end."""
        return self.bytes(text).decode("latin-1").removesuffix("\n")

    def bytes(self, text: str) -> bytes:
        """The answer as it comes."""
        self.sent.clear()
        self.session.receive(text.encode() + b"\n")
        return b"".join(self.sent)

    def errors(self) -> list[int]:
        """The queue, emptied."""
        found = []
        while (entry := self.ask("SYST:ERR?")) != '+0,"No error"':
            found.append(int(entry.split(",")[0]))
        return found


@pytest.fixture
def within(run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a scenario with a laser in virtual time."""

    def go(scenario: Callable[[Client], Any], *arguments: Any, **options: Any) -> None:
        async def main() -> None:
            await scenario(Client(*arguments, **options))

        run(main())

    return go


def test_tuned_by_a_frequency_from_the_reference(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        assert client.ask("sour0:wav:ref?") == "+1.56750000E-006"
        client.ask("sour0:wav 1550nm;wav:ref:disp")
        assert client.ask("sour0:wav:ref?;freq?") == "+1.55000000E-006;+0.00000000E+000"
        client.ask("sour0:wav:freq -1THZ")  # c/(c/1550 nm - 1 THz), to 0.1 pm
        assert client.ask("sour0:wav?;:sour0:wav:ref?") == "+1.55805550E-006;+1.55000000E-006"
        await asyncio.sleep(2.0)
        assert client.laser.source.setting_now == pytest.approx(1558.0555e-9, abs=1e-13)
        assert float(client.ask("sour0:wav:freq?")) == pytest.approx(-1e12, rel=1e-4)
        client.ask("sour0:wav:frequency1 5e9")
        assert float(client.ask("sour0:wav?")) == pytest.approx(1549.96e-9, abs=1e-13)
        for wrong, code in (("-20THZ", -222), ("300THZ", -222), ("-300THZ", -222), ("1nm", -131)):
            client.ask(f"sour0:wav:freq {wrong}")
            assert client.errors() == [code], wrong
        assert float(client.ask("sour0:wav?")) == pytest.approx(1549.96e-9, abs=1e-13)
        client.ask("*RST")
        assert client.ask("sour0:wav:ref?;freq?") == "+1.56750000E-006;+0.00000000E+000"
        client.ask("sour1:wav:ref:disp")
        assert client.errors() == [-303]

    within(scenario)


def test_the_mainframes_clock(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.ask("syst:date 2026,3,4;time 20,15,30")
        await asyncio.sleep(1.0)
        assert client.ask("syst:date?;time?") == "+2026,+3,+4;+20,+15,+31"
        client.ask("syst:date 2026,JAN,4")
        assert client.errors() != []

    within(scenario)


def test_a_locked_laser_stays_dark_without_a_word(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        assert client.ask("LOCK?;:sour0:pow:stat 1;stat?") == "+1;+0"
        assert client.errors() == []
        client.ask("lock 0,4321")
        assert client.errors() == [-224]
        client.ask("lock 0,1234;:sour0:pow:stat on")
        assert client.ask("lock?;sour0:pow:stat?;:outp0?") == "+0;+1;+1"
        await asyncio.sleep(3.0)
        assert client.laser.source.power == pytest.approx(1e-3, rel=1e-3)
        client.laser.lock(True)
        assert client.laser.source.power == 0.0
        client.ask("lock 0,1234")
        client.laser.protect(True)
        assert client.ask("sour0:pow:stat 1;stat?;:stat0:ques:cond?") == "+0;+8"

    within(scenario)


def test_units(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        for text in ("sour0:wav 1550nm", "WAV 1.55e-6", "sour0:chan1:wavelength:cw 1.55UM"):
            client.ask("WAV MIN")
            client.ask(text)
            assert client.ask("sour0:wav?") == "+1.55000000E-006", text
        assert client.ask("wav? max") == "+1.63000000E-006"
        client.ask("sour0:pow 6dBm")
        assert client.ask("sour0:pow?;pow:unit?") == "+6.00000000E+000;+0"
        client.ask("sour0:pow:unit W")
        client.ask("sour0:pow 2.5 mW")
        assert client.ask("sour0:pow?;pow:unit?") == "+2.50000000E-003;+1"
        client.ask("sour0:pow 500uW;pow -3 DBM")
        assert float(client.ask("sour0:pow?")) == pytest.approx(10 ** (-0.3) * 1e-3)
        client.ask("wav:swe:spe 40nm/s")
        assert client.ask("wav:swe:spe?;step?;cycl?;mode?;rep?;llog?") == (
            "+4.00000000E-008;+1.00000000E-009;+1;STEP;ONEW;+0"
        )
        assert client.errors() == []
        for text, code in (
            ("sour1:wav 1550nm", -303), ("wav 1400nm", -222), ("wav 1550Hz", -131),
            ("sour0:pow 14dBm", -222), ("wav:swe:spe 1m/s", -222), ("trig0:outp NOW", -224),
            ("sour0:read:data?", -109), ("lock 0", -109), ("wav:swe:soft", -211),
        ):  # fmt: skip
            client.ask(text)
            assert client.errors() == [code], text

    within(scenario)


def set_up(client: Client) -> None:
    client.ask("lock 0,1234;:sour0:pow:stat 1")
    client.ask("sour0:wav:swe:mode cont;star 1540nm;stop 1550nm;step 5pm;spe 10nm/s;llog 1")
    client.ask("trig0:outp stf;inp sws;:trig:conf loop")
    assert client.errors() == []


def test_a_logged_sweep_on_a_software_trigger(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        set_up(client)
        looped: list[np.ndarray] = []
        client.laser.sweep.looped.append(looped.append)
        assert client.ask("sour0:wav:swe:chec?;exp?") == "0,OK;+2001"
        client.ask("sour0:wav:swe 1")
        assert client.ask("sour0:wav:swe?;swe:flag?") == "+1;+0"
        await asyncio.sleep(1.5)
        assert client.ask("sour0:wav:swe:flag?") == "+1"
        began = client.laser.now()
        client.ask("sour0:wav:swe:soft")
        await asyncio.sleep(0.5)
        assert client.laser.source.wavelength == pytest.approx(1545e-9, abs=1e-11)
        assert client.ask("sour0:wav:swe:flag?;stat?;:sour0:read:poin? llog") == "+1;+1;+0"
        await asyncio.sleep(0.6)
        assert client.ask("sour0:wav:swe:flag?;stat?") == "+1;+1"  # the log is not there yet
        await asyncio.sleep(0.3)
        assert client.ask("sour0:wav:swe:flag?;stat?;:sour0:read:points? llog") == "+2;+0;+2001"
        block = client.bytes("sour0:read:data? llog")
        assert block[:7] == b"#516008"
        values = np.array(struct.unpack("<2001d", block[7:-1]))
        assert values == pytest.approx(np.linspace(1540e-9, 1550e-9, 2001), abs=1e-11)
        part = client.bytes("sour0:read:data:block? llog,100,2")
        assert part == b"#216" + block[7 + 800 : 7 + 816] + b"\n"
        assert looped[0] == pytest.approx(began + np.arange(2001) * 5e-4)
        assert client.ask("sour0:wav?") == "+1.55000000E-006"
        client.ask("sour0:wav:swe 0")
        assert client.ask("sour0:wav:swe:flag?") == "+0"

    within(scenario)


def test_the_flag_without_a_trigger_and_over_cycles(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        set_up(client)
        client.ask("trig0:inp ign;:sour0:wav:swe:cycl 3;:sour0:wav:swe 1")
        assert client.ask("*OPC?") == ""
        await asyncio.sleep(20.0)
        assert client.sent == [b"1\n"]
        assert client.ask("sour0:wav:swe:flag?") == "+6"

    within(scenario)


def test_hardware_triggers_and_routing(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        set_up(client)
        out: list[np.ndarray] = []
        client.laser.sweep.trigger_outputs.append(out.append)
        client.ask("trig:conf dis;:sour0:wav:swe 1")
        await asyncio.sleep(1.5)
        client.laser.sweep.trigger_in()
        assert client.ask("sour0:wav:swe:flag?") == "+1"
        client.ask("trig:conf pass;:trig 1")
        await asyncio.sleep(1.5)
        assert client.ask("sour0:wav:swe:flag?") == "+2"
        assert [edges.size for edges in out] == [1, 2001]
        client.ask("trig0:outp swst;:sour0:wav:swe:llog 0;:trig:conf def;:sour0:wav:swe 1")
        await asyncio.sleep(1.5)
        client.ask("trig nodea")
        await asyncio.sleep(1.5)
        assert out[-1].size == 1
        assert client.ask("sour0:wav:swe:exp?") == "+1"

    within(scenario)


def test_routing_by_name_and_number(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        for text, told in {"0": "DIS", "3": "LOOP", "passthrough": "PASS", "1": "DEF"}.items():
            client.ask(f"TRIG:CONF {text}")
            assert client.ask("TRIG:CONF?") == told
        client.ask("TRIG:CONF 4")
        assert client.errors() == [-224]

    within(scenario)


def test_pause_stop_and_manual_steps(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        set_up(client)
        client.ask("trig0:inp ign;:sour0:wav:swe star")
        await asyncio.sleep(0.2 + client.laser.source.tuning_time(1567.5e-9, 1540e-9))
        client.ask("sour0:wav:swe pause")
        assert client.ask("sour0:wav:swe?") == "+2"
        held = client.laser.source.wavelength
        await asyncio.sleep(1.0)
        assert client.laser.source.wavelength == held == pytest.approx(1542e-9, abs=2e-11)
        client.ask("sour0:wav 1560nm")
        assert client.errors() == [-221]
        client.ask("sour0:wav:swe cont")
        await asyncio.sleep(0.1)
        assert client.laser.source.wavelength == pytest.approx(1543e-9, abs=2e-11)
        client.ask("sour0:wav:swe 0")
        assert 590 < int(client.ask("sour0:read:poin? llog")) < 610
        client.ask("sour0:wav:swe:llog 0;mode man;step 1nm;:sour0:wav:swe 1")
        await asyncio.sleep(1.0)
        client.ask("sour0:wav:swe:step:next;next;prev;next")
        await asyncio.sleep(1.0)
        assert client.ask("sour0:wav?;wav:swe?") == "+1.54200000E-006;+1"
        client.ask("sour0:wav:swe stop;swe:step:next")
        assert client.errors() == [-221]

    within(scenario)


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("stop 1540nm", 368), ("spe 200nm/s;step 1pm", 371), ("stop 1600nm", 373),
        ("step 5.05pm", 377), ("mode step", 376),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(change: str, number: int, within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        set_up(client)
        client.ask(f"sour0:wav:swe:{change}")
        assert client.ask("sour0:wav:swe:chec?").split(",")[0] == str(number)
        client.ask("sour0:wav:swe 1")
        assert client.errors() == [-221]

    within(scenario)


def test_log_wants_step_finished_and_no_modulation(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        set_up(client)
        client.ask("sour0:am:stat 1")
        assert client.ask("sour0:wav:swe:chec?").startswith("374,")
        client.ask("sour0:wav:swe:llog 0")
        assert client.ask("sour0:wav:swe:chec?").startswith("379,")
        client.ask("sour0:am:sour coh")
        client.ask("sour0:am:sour cohc;:sour0:wav:swe:llog 1;:trig0:outp swf")
        assert client.ask("sour0:wav:swe:chec?").startswith("375,")
        power = float(client.ask("sour0:wav:swe:pmax? 1505nm,1567.5nm"))
        assert power == pytest.approx(10e-3, rel=1e-2)

    within(scenario)


def test_made_from_the_catalogue(run: Callable[..., Any]) -> None:
    made = build(
        "keysight_816x",
        Placement(BenchClock(), identity={"model": "N7776C"}, options={"locked": "0"}),
    )
    assert isinstance(made, Keysight816x)
    assert made.identity.startswith("Keysight Technologies,N7776C,")
    assert [(door.kind, door.port) for door in made.doors] == [("tcp", 5025), ("message", 4880)]
    assert not made.locked
    second = build("keysight_816x", Placement(BenchClock(), options={"slot": "1"}))
    sent: list[bytes] = []
    session = second.doors[0].converse(sent.append)
    session.receive(b"SOUR:WAV?;:SOUR1:WAV? MIN;:SLOT1:IDN?;:SOUR0:WAV?\n")
    assert sent == [
        b"+1.56750000E-006;+1.50500000E-006;Agilent Technologies,81960A,DE45601234,V5.25(72637)\n"
    ]
    with pytest.raises(OptionError):
        build("keysight_816x", Placement(BenchClock(), identity={"model": "8999"}))
    with pytest.raises(OptionError):
        build("keysight_816x", Placement(BenchClock(), options={"slot": 9}))


@given(st.binary(max_size=60))
def test_any_bytes_leave_it_alive(data: bytes) -> None:
    async def scenario() -> None:
        client = Client()
        client.session.receive(data)
        client.session.clear()
        client.ask("*CLS")
        assert client.ask("*IDN?").startswith("Agilent Technologies,8164B")

    asyncio.run(scenario())
