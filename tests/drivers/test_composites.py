"""Several instruments as one role: limits of element and chip, routing, concurrency, off."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from drivers.composites import (
    ChassisBank,
    HeaterElement,
    PortInput,
    ReadoutArray,
    ReadoutPort,
    SourceArray,
    SourcePort,
)
from drivers.instrument import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.qontrol_q8 import QontrolQ8
from drivers.red_pitaya import RedPitaya
from drivers.roles import InputSource, Readout, VoltageOutputs, WeightBank
from drivers.transport.memory import MemoryNetwork

SERIAL = LinkModel(latency=0.016, bytes_per_second=11520.0)
LAN = LinkModel(latency=0.0007, bytes_per_second=5e5)


class Chain:
    """A few lines of a Qontrol chain of one module: keeps words, answers after a while."""

    def __init__(self, network: MemoryNetwork, number: int) -> None:
        self.words = [0x1234] * 8
        self.frames = 0
        self.refuse = b""
        device = f"/dev/qontrol-{number}"
        network.listen_serial(device, self._serve)
        self.driver = QontrolQ8(
            f"heaters-{number}", f"ASRL{device}::INSTR", network, link=SERIAL, modules=1
        )

    async def _serve(self, reader: asyncio.StreamReader, writer) -> None:
        while byte := await reader.read(1):
            if byte[0] < 0x80:
                line = byte + (b"" if byte == b"\n" else await reader.readline())
                if line == b"VALL?\n":
                    for word in self.words:
                        writer.write(f"+{word / 65535 * 12:.4f} V\n".encode())
                answers = {
                    b"firmware?\n": b"v2.4.1\n", b"NUPALL?\n": b"Q8iv-0001: 0\n",
                    b"VFULLALL?\n": b"+12.0000 V\n", b"IFULLALL?\n": b"+24.0000 mA\n",
                    b"ID?\n": b"Q8iv-0001\n",
                }  # fmt: skip
                writer.write(answers.get(line, b""))
                continue
            self.frames += 1
            _, _, _, first = await reader.readexactly(4)
            count = int.from_bytes(await reader.readexactly(2), "big") if byte[0] & 2 else 1
            words = np.frombuffer(await reader.readexactly(2 * count), dtype=">u2").tolist()
            await asyncio.sleep(0.016)
            if self.refuse:
                writer.write(self.refuse)
                continue
            self.words[first : first + count] = words
            writer.write(b"OK\n")


def bank(chains: list[Chain], **changes) -> ChassisBank:
    """Three elements over two chassis, in an order that is neither's."""
    limits = {"r_nom": 800.0, "v_max": 6.5, "i_max": 0.012, "p_max": 0.053} | changes
    power_max = limits.pop("power_max", 0.1)
    places = ((1, 4), (0, 2), (1, 0))
    elements = [
        HeaterElement(chains[chain].driver, channel=channel, **limits) for chain, channel in places
    ]
    return ChassisBank("bank-0", elements, power_max=power_max, settle_time=1e-4)


def test_a_bank_over_two_chassis(virtual) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        chains = [Chain(network, 0), Chain(network, 1)]
        assert isinstance(chains[0].driver, VoltageOutputs)
        heaters = bank(chains)
        assert isinstance(heaters, WeightBank)
        assert heaters.elements == 3
        for driver in heaters.drivers:
            await driver.open()
        await heaters.off()
        assert chains[0].words == chains[1].words == [0] * 8

        levels = np.array([0.02, 0.0, 0.05])
        start = asyncio.get_running_loop().time()
        assert await heaters.program(levels) == 2
        taken = asyncio.get_running_loop().time() - start
        assert taken == pytest.approx(0.016, rel=0.05)  # concurrently, and one exchange each
        assert chains[1].words[4] == round(4.0 / 12 * 65535)
        assert await heaters.read_back() == pytest.approx(levels, abs=3e-5)
        assert await heaters.program(levels) == 0
        volts = heaters.drivers[0].quantise(np.sqrt(levels * 800))
        assert np.square(volts) / 800 == pytest.approx(await heaters.read_back(), abs=3e-6)

    virtual(scenario())


@pytest.mark.parametrize(
    ("levels", "changes", "said"),
    [
        ([0.01, math.nan, 0.01], {}, r"element 1 \(heaters-0 channel 2\).*p_max"),
        ([0.01, 0.01, math.inf], {}, r"element 2 \(heaters-1 channel 0\).*p_max"),
        ([-1e-6, 0.01, 0.01], {}, r"element 0.*0 to 0.053 W"),
        ([0.0531, 0.0, 0.0], {}, r"element 0.*0.053 W \(p_max\)"),
        ([0.0, 0.05, 0.0], {"v_max": 6.0}, r"element 1.*0 to 6 V \(v_max\)"),
        ([0.0, 0.05, 0.0], {"i_max": 0.007}, r"element 1.*0 to 0.007 A \(i_max\)"),
        ([0.05, 0.05, 0.001], {}, r"bank-0 total power: 0.101 W.*power_max of the chip"),
    ],
)
def test_no_byte_leaves_beyond_a_limit(virtual, levels, changes, said) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        chains = [Chain(network, 0), Chain(network, 1)]
        heaters = bank(chains, **changes)
        for driver in heaters.drivers:
            await driver.open()
        with pytest.raises(LimitError, match=said):
            await heaters.program(np.array(levels))
        with pytest.raises(ValueError, match="shape"):
            await heaters.program(np.zeros(4))
        assert [chain.frames for chain in chains] == [0, 0]

    virtual(scenario())


def test_the_highest_levels_are_allowed(virtual) -> None:
    for changes in ({}, {"v_max": 6.0}, {"i_max": 0.007}):
        heaters = bank(
            [Chain(MemoryNetwork(), 0), Chain(MemoryNetwork(), 1)], power_max=1, **changes
        )
        assert (heaters.volts(heaters.level_max) <= changes.get("v_max", 6.5)).all()


def test_one_chassis_that_fails_does_not_stop_the_others(virtual) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        chains = [Chain(network, 0), Chain(network, 1)]
        heaters = bank(chains)
        for driver in heaters.drivers:
            await driver.open()
        chains[1].refuse = b"E13:00\n"
        with pytest.raises(InstrumentError, match=r"heaters-1.*E13:00"):
            await heaters.off()
        assert chains[0].words == [0] * 8

    virtual(scenario())


def test_wiring_that_cannot_be() -> None:
    chains = [Chain(MemoryNetwork(), 0)]
    element = HeaterElement(chains[0].driver, 0, 800.0, 6.5, 0.012, 0.053)
    with pytest.raises(ValueError, match="another element"):
        ChassisBank("bank-0", [element, element], 1.0, 1e-4)
    with pytest.raises(ValueError, match="channels 0 to 7"):
        ChassisBank("b", [HeaterElement(chains[0].driver, 8, 800.0, 6.5, 0.01, 0.05)], 1.0, 1e-4)
    with pytest.raises(ValueError, match="r_nom"):
        ChassisBank("b", [HeaterElement(chains[0].driver, 0, 0.0, 6.5, 0.01, 0.05)], 1.0, 1e-4)
    with pytest.raises(ValueError, match="power_max"):
        ChassisBank("b", [element], math.nan, 1e-4)


class Box:
    """A few lines of a Red Pitaya whose inputs see its outputs, each on its own connector."""

    def __init__(self, network: MemoryNetwork, number: int) -> None:
        self.played: dict[str, list[float]] = {"1": [], "2": []}
        self.lines: list[bytes] = []
        self.state = b"TD"
        network.listen_tcp(f"rp-{number}", 5000, self._serve)
        self.driver = RedPitaya(
            f"box-{number}", f"TCPIP::rp-{number}::5000::SOCKET", network, link=LAN
        )

    async def _serve(self, reader: asyncio.StreamReader, writer) -> None:
        while line := await reader.readline():
            self.lines.append(line)
            if line != b"*IDN?\r\n":  # it comes with what it closes
                await asyncio.sleep(0.001)
            answers: list[bytes] = []
            for unit in line.decode().strip().split(";"):
                header, _, parameters = unit.lstrip(":").partition(" ")
                if header == "*IDN?":
                    answers.append(b"REDPITAYA,INSTR,x,y")
                elif header.endswith("TRAC:DATA:DATA"):
                    self.played[header[4]] = [float(text) for text in parameters.split(",")]
                elif header == "ACQ:TRig:STAT?":
                    answers.append(self.state)
                elif header == "ACQ:TRig:FILL?":
                    answers.append(b"1")
                elif header == "ACQ:TPOS?":
                    answers.append(b"100")
                elif "DATA:Start:N?" in header:
                    start, count = map(int, parameters.split(","))
                    values = np.array(self.played[header[8]]) * 8192
                    data = values[start - 100 : start - 100 + count].astype(">i2").tobytes()
                    size = str(len(data))
                    answers.append(f"#{len(size)}{size}".encode() + data)
                elif header == "SYST:ERR?":
                    answers.append(b'0,"No error"')
            writer.write(b";".join(answers) + b"\r\n")


class Ports:
    """Three ports over two boxes; one output and one input are left over."""

    def __init__(self, boxes: list[Box]) -> None:
        one, other = boxes[0].driver, boxes[1].driver
        wires = [(other, 2, 1), (one, 1, 1), (other, 1, 2)]
        self.source = SourceArray("source", [SourcePort(box, out) for box, out, _ in wires])
        inputs = [ReadoutPort(PortInput(box, number)) for box, _, number in wires]
        self.readout = ReadoutArray("readout", inputs, point=32e-9)
        self.drivers = (other, one)


def test_ports_over_two_boxes(virtual) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        boxes = [Box(network, 0), Box(network, 1)]
        ports = Ports(boxes)
        source, readout = ports.source, ports.readout
        assert isinstance(source, InputSource)
        assert isinstance(readout, Readout)
        assert (source.ports, source.max_points, source.min_dwell) == (3, 16384, 8e-9)
        assert (readout.ports, readout.max_points, readout.mode) == (3, 16384, "homodyne")
        assert source.full_scale.tolist() == readout.full_scale.tolist() == [1.0] * 3
        for driver in ports.drivers:
            await driver.open()
        volts = np.array([[0.25, 0.5, 0.75], [-0.25, -0.5, -0.75]])
        await source.load(volts, 512e-9)
        assert b"ACQ:DEC 4;:SYST:ERR?\r\n" in boxes[0].lines
        assert boxes[1].played == {"1": [0.75, -0.75], "2": [0.25, -0.25]}
        assert boxes[0].played == {"1": [0.5, -0.5], "2": [0.0, 0.0]}
        start = asyncio.get_running_loop().time()
        before = [driver.exchanges for driver in ports.drivers]
        await source.load(-volts, 512e-9)
        await asyncio.gather(source.arm(), readout.arm(2))
        got = await readout.fetch(0, 2)
        assert [driver.exchanges for driver in ports.drivers] == [n + 4 for n in before]
        assert asyncio.get_running_loop().time() - start == pytest.approx(0.004, rel=0.05)
        # an input of the same number as the output sees it: port 0 and 2 are crossed in box 1
        assert got.tolist() == [[-0.75, -0.5, -0.25], [0.75, 0.5, 0.25]]
        assert source.quantise(np.full((1, 3), 0.3)).tolist() == [[2458 / 8192] * 3]
        await source.load(volts, 1024e-9)
        assert b"SOUR1:FREQ:FIX 59.604644775390625;:SYST:ERR?\r\n" in boxes[0].lines
        await source.off()
        for box in boxes:
            assert box.lines[-4].startswith(b"OUTPUT1:STATE OFF;:OUTPUT2:STATE OFF")
            assert box.lines[-2].startswith(b"SOUR1:SWeep:STATE OFF;:SOUR2:SWeep:STATE OFF")
            assert box.lines[-3] == box.lines[-1] == b"*IDN?\r\n"

    virtual(scenario())


@pytest.mark.parametrize("bad", [1.5, math.nan, -math.inf])
def test_no_byte_leaves_on_any_box_for_a_bad_value(virtual, bad: float) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        boxes = [Box(network, 0), Box(network, 1)]
        ports = Ports(boxes)
        for driver in ports.drivers:
            await driver.open()
        said = [len(box.lines) for box in boxes]
        with pytest.raises(LimitError, match="box-1 channel 1"):
            await ports.source.load(np.array([[0.0, 0.0, bad]]), 512e-9)
        with pytest.raises(ValueError, match="shape"):
            await ports.source.load(np.zeros((2, 2)), 512e-9)
        with pytest.raises(ValueError, match="multiple of 8 ns"):
            await ports.source.load(np.zeros((2, 3)), 517e-9)
        assert [len(box.lines) for box in boxes] == said

    virtual(scenario())


def test_an_untriggered_box_is_named(virtual) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        boxes = [Box(network, 0), Box(network, 1)]
        ports = Ports(boxes)
        for driver in ports.drivers:
            await driver.open()
        await ports.source.load(np.zeros((2, 3)), 512e-9)
        await ports.readout.arm(2)
        boxes[0].state = b"WAIT"
        with pytest.raises(InstrumentError, match=r"box-0.*DIO0_P"):
            await ports.readout.fetch(0, 2)

    virtual(scenario())


def test_ports_that_cannot_be() -> None:
    driver = Box(MemoryNetwork(), 0).driver
    for outputs, said in (
        ([], "at least one"),
        ([3], "output 3 of box-0 is not from 1 to 2"),
        ([1, 1], "output 1 of box-0 is wired"),
    ):
        with pytest.raises(ValueError, match=said):
            SourceArray("source", [SourcePort(driver, number) for number in outputs])
    for inputs, said in (
        ([], "at least one"),
        ([3], r"input 3 of box-0 is none of \(1, 2\)"),
        ([1, 1], "input 1 of box-0 is read"),
    ):
        ports = [ReadoutPort(PortInput(driver, number)) for number in inputs]
        with pytest.raises(ValueError, match=said):
            ReadoutArray("readout", ports, point=32e-9)
    network = MemoryNetwork()
    jumped = RedPitaya("box-1", "TCPIP::rp-1::5000::SOCKET", network, link=LAN, gain="HV")
    wide = ReadoutArray("readout", [ReadoutPort(PortInput(jumped, 1))], point=32e-9)
    assert (wide.full_scale.tolist(), wide.resolution.tolist()) == ([20.0], [40.0 / 2**14])
    one = [ReadoutPort(PortInput(driver, 1))]
    for point, said in ((30e-9, "no whole number of 8 ns"), (24e-9, "no power of 2")):
        with pytest.raises(ValueError, match=said):
            ReadoutArray("readout", one, point=point)
