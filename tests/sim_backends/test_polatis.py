"""The simulated matrix switch: its forms, its mirrors' time, ports that are off or broken."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.polatis import Polatis
from sim_backends.virtual_time import VirtualTimeLoop


class Recorder:
    """Remembers which ways light went, and when."""

    def __init__(self, now) -> None:
        self.now = now
        self.told: list[tuple[float, dict[int, int]]] = []

    def routed(self, ways) -> None:
        self.told.append((self.now(), dict(ways)))


class Client:
    """One client, on virtual time."""

    def __init__(self, **options) -> None:
        now = BenchClock().now
        self.fibres = Recorder(now)
        self.device = Polatis(now, fibres=self.fibres, **options)
        self.sent: list[bytes] = []
        self.session = self.device.converse(self.sent.append)

    def ask(self, text: str, end: str = "\n") -> str:
        self.sent.clear()
        self.session.receive(f"{text}{end}".encode())
        return b"".join(self.sent).decode().removesuffix("\r\n")

    def errors(self) -> list[int]:
        count = int(self.ask("SYST:ERR:COUN?"))
        return [int(self.ask("SYST:ERR?").split(",")[0]) for _ in range(count)]


def virtual(scenario, **options):
    async def go():
        return await scenario(Client(**options))

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        return runner.run(go())


def test_forms_of_the_sheet() -> None:
    async def scenario(client: Client) -> None:
        ask = client.ask
        assert ask("*idn?") == "Polatis,I-OST-16x16-LU1-DMHNS,002414,6.5.2.18"
        assert ask(":oxc:swit:size?", "\r\n") == "16,16"
        assert ask(":oxc:swit:conn:stat?") == "(@),(@)"
        assert ask(":oxc:swit:conn:add (@1,2,3),(@17,18,19)") == ""
        assert ask("oxc:swit:conn:add (@5), (@21);") == ""
        assert ask(":OXC:SWITch:CONNect:STATe?") == "(@1,2,3,5),(@17,18,19,21)"
        assert ask(":oxc:swit:conn:port? 2") == '"18"'
        assert ask(":oxc:swit:conn:port? 21") == '"5"'
        assert ask(":oxc:swit:conn:port? 16") == '""'
        assert ask(":oxc:swit:conn:sub (@1),(@17)") == ""
        assert ask(":oxc:swit:conn:sub (@2,3),(@)") == ""
        assert ask(":oxc:swit:conn:stat?") == "(@5),(@21)"
        assert ask(":oxc:swit:conn:only (@1,2),(@20,19); stat?", "\r\n") == "(@1,2),(@20,19)"
        assert ask(":oxc:swit:conn:only (@1:3),(@17:19);stat?") == "(@1,2,3),(@17,18,19)"
        assert ask(":oxc:swit:port:dis (@4,6)") == ""
        client.device.own_faults["broken"]("6")()
        assert ask(":oxc:swit:port:stat? (@2,4,6)") == "(E,D,F)"
        assert ask(":oxc:swit:port:stat?").count(",") == 31
        assert ask(":oxc:swit:port:enab (@4)") == ""
        assert ask(":oxc:swit:port:stat? (@4)") == "(E)"
        assert ask("*CLS;:OXC:SWITch:CONNect:PORT? 2;*OPC?") == ""  # the mirrors still move
        await asyncio.sleep(1.0)
        assert b"".join(client.sent) == b'"18";1\r\n'
        assert ask(":oxc:boot:mode?") == "DARK"
        assert ask("oxc:boot:mode aut;mode?") == "AUT"
        assert ask(":syst:comm:netw:addr?").startswith('IP="192.168.1.1" Gateway=')
        assert ask(":oxc:swit:disc:all;:oxc:swit:conn:stat?") == "(@),(@)"
        assert ask(":syst:err:all?") == '0,"No error"'
        ask("oxc:swit:conn:add (@1),(@17);*RST")
        assert ask("oxc:swit:conn:stat?") == "(@),(@)"

    virtual(scenario)


def test_what_is_refused_changes_nothing() -> None:
    async def scenario(client: Client) -> None:
        client.ask("oxc:swit:conn:only (@1,2),(@17,18);:oxc:swit:port:dis (@5)")
        client.device.own_faults["broken"]("22")()
        for text, code in [
            ("add (@3),(@19,20)", -226), ("add (@0),(@17)", -222), ("add (@17),(@1)", -222),
            ("add (@3),(@33)", -222), ("add (@3,3),(@19,20)", -221), ("add (@3),(@22)", -240),
            ("add (@5),(@20)", -221), ("add (@3)", -109), ("add 3,19", -171),
            ("only (@3,4),(@19)", -226), ("port? 40", -222), ("stat? 1", -108), ("swap (@1)", -113),
        ]:  # fmt: skip
            assert client.ask(f"oxc:swit:conn:{text}") == "", text
            assert client.errors() == [code], text
        assert client.ask("oxc:swit:conn:stat?") == "(@1,2),(@17,18)"
        assert client.ask("oxc:swit:conn:sub (@1),(@18);stat?") == "(@1,2),(@17,18)"
        assert client.ask("oxc:swit:port:dis (@18);:oxc:swit:conn:stat?") == "(@1),(@17)"
        assert client.errors() == []

    virtual(scenario)


@pytest.mark.parametrize("in_use", ["moves", "refused"])
def test_a_port_that_is_joined_already(in_use: str) -> None:
    async def scenario(client: Client) -> None:
        client.ask("oxc:swit:conn:only (@1,2),(@17,18)")
        told = client.ask("oxc:swit:conn:add (@1),(@18);stat?")
        moves = in_use == "moves"
        assert told == ("(@1),(@18)" if moves else "(@1,2),(@17,18)")
        assert client.errors() == ([] if moves else [-221])
        client.ask("oxc:swit:conn:only (@1),(@18)")
        assert client.ask("oxc:swit:conn:add (@1),(@18);stat?") == "(@1),(@18)"
        assert client.errors() == []

    virtual(scenario, in_use=in_use)


def test_light_waits_for_the_mirrors() -> None:
    async def scenario(client: Client) -> None:
        told = client.fibres.told
        client.ask("oxc:swit:conn:only (@1,2),(@17,18)")
        assert told == []
        assert int(client.ask("*OPC;*ESR?")) & 1 == 0
        await asyncio.sleep(0.02)
        assert told == []
        await asyncio.sleep(0.02)
        assert told == [(pytest.approx(0.025), {1: 17, 2: 18})]
        assert int(client.ask("*ESR?")) & 1
        client.ask("oxc:swit:conn:only (@1,2),(@17,20)")  # 1 to 17 stays lit
        assert told[-1] == (pytest.approx(0.04), {1: 17})
        client.ask("oxc:swit:conn:add (@3),(@18)")  # while the mirrors still move
        await asyncio.sleep(0.1)
        assert told[-1][1] == {1: 17, 2: 20, 3: 18}
        client.device.own_faults["broken"]("17")()
        assert told[-1][1] == {2: 20, 3: 18}
        client.ask("oxc:swit:disc:all")
        assert told[-1][1] == {}
        assert not client.device.operations.pending

    virtual(scenario)


def test_options() -> None:
    for wrong in ({"inputs": 0}, {"switching_time": -1}, {"in_use": "maybe"}, {"colour": 1}):
        with pytest.raises(OptionError):
            build("polatis", Placement(BenchClock(), options=wrong))
    made = build("polatis", Placement(BenchClock(), options={"inputs": "24", "outputs": "8"}))
    assert isinstance(made, Polatis)
    assert (made.inputs, made.outputs) == (24, 8)
