"""A whole simulated bench: wiring, frames, determinism, mixed benches, bad documents."""

from __future__ import annotations

import asyncio
import copy
import json
import struct

import numpy as np
import pytest

from sim_backends.bench import BenchDocumentError, SimulatedBench
from sim_backends.bench_file import Element, element_index, read_bench

DWELL = 512e-9
SET_UP = (
    "GEN:RST;:ACQ:RST;:ACQ:DEC 4;:ACQ:AVG ON;:ACQ:DATA:FORMAT BIN;:ACQ:DATA:BYTE:ORDER LEND;"
    ":ACQ:TRig:DLY -7680;:ACQ:TRig:EXT:DEB 1;:SOUR:TRig:EXT:DEB 1"
)
OUTPUT = (
    ";:SOUR{0}:FUNC ARBITRARY;:SOUR{0}:FREQ:FIX {1:.9f};:SOUR{0}:VOLT 1;:SOUR{0}:BURS:STAT BURST"
    ";:SOUR{0}:BURS:NCYC 1;:SOUR{0}:TRig:SOUR EXT_PE;:OUTPUT{0}:STATE ON"
)


class Lab:
    """Hand-written clients of the instruments of one bench."""

    def __init__(self, network, boxes: int) -> None:
        self.boxes = [network.open((f"rp-{k}", 5000)) for k in range(boxes)]
        self.rpc = network.open(("pulsestreamer", 8050))
        self.upload = network.open(("pulsestreamer", 21328))

    async def call(self, method: str, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        head = f"POST /json-rpc HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self.rpc.write((head + body).encode())
        answer = await self.rpc.line(b"\r\n\r\n")
        length = int(answer.split(b"Content-Length: ")[1].split(b"\r")[0])
        return json.loads(await self.rpc.exactly(length))["result"]

    async def stream(self, *steps: tuple[int, int]) -> None:
        data = b"".join(struct.pack("<IBhh", d, mask, 0, 0) for d, mask in steps)
        body = struct.pack("<qQ2h4BQ", 1, len(steps), 0, 0, 0, 0, 0, 0, 0) + data
        body += bytes(-len(body) % 32)
        self.upload.write(struct.pack("<4I2Q", 0x53504953, 3, 0, 0, len(body), 0) + body)
        assert (await self.upload.exactly(32))[8:12] == bytes(4)

    async def command(self, box: int, text: str) -> None:
        reply = await self.boxes[box].ask(text.encode() + b";:SYST:ERR?\r\n")
        assert reply == b'0,"No error"\r\n'

    async def set_up(self) -> None:
        await self.call("setTrigger", 1, 0)
        frequency = 1 / (16384 * DWELL)
        for box in range(len(self.boxes)):
            text = SET_UP + OUTPUT.format(1, frequency) + OUTPUT.format(2, frequency)
            await self.command(box, text)

    async def frame(self, volts) -> np.ndarray:
        """(512, ports) V from the trigger on, for (samples, ports) V."""
        for box in range(len(self.boxes)):
            texts = [
                f"SOUR{k + 1}:TRAC:DATA:DATA " + ",".join(f"{v:.6f}" for v in volts[:, 2 * box + k])
                for k in range(2)
            ]
            await self.command(box, ";:".join(texts))
            await self.command(box, "ACQ:START;:ACQ:TRig EXT_PE")
        await self.call("startNow")
        return np.concatenate(
            await asyncio.gather(*[self.fetch(box) for box in range(len(self.boxes))]), axis=1
        )

    async def fetch(self, box: int) -> np.ndarray:
        client = self.boxes[box]
        reply = await client.ask(b"ACQ:TRig:STAT?;FILL?;:ACQ:TPOS?\r\n")
        state, full, at = reply.strip().split(b";")
        assert (state, full) == (b"TD", b"1")
        ask = f"ACQ:SOUR1:DATA:STArt:N? {int(at)},512;:ACQ:SOUR2:DATA:STArt:N? {int(at)},512\r\n"
        client.write(ask.encode())
        data = await client.exactly(2 * (6 + 2048) + 3)
        first, second = data[6 : 6 + 2048], data[6 + 2048 + 7 : -2]
        return np.stack([np.frombuffer(part, "<f4") for part in (first, second)], axis=1)


def samples() -> np.ndarray:
    volts = np.random.default_rng(2).uniform(-0.45, 0.45, (20, 4))
    volts[0] = 0.0
    return volts


def test_a_frame_goes_from_outputs_to_inputs(run, bench, document) -> None:
    async def main() -> None:
        _, network, plant = bench(document(switch_off=["box_clock"]))
        lab = Lab(network, 2)
        await lab.set_up()
        await lab.stream((20_000, 0b01111), (1, 0))
        sent = samples()
        seen = await lab.frame(sent)
        # Both start 100 ns after their trigger, together, so sample j is read from point 16 j on.
        steps = np.rint(np.concatenate([sent, np.zeros((12, 4))]) * 8192) / 8192
        assert np.abs(seen[8:512:16] - steps).max() < 1e-6
        # Rendered once, for both boxes.
        assert len(plant.frames) == 1
        assert len(plant.grids[0]) == 2
        frame = plant.frames[0]
        assert frame.drives[3].start == pytest.approx(100e-9, rel=1e-5)
        # Of the lines, only the edges up to the last point are told.
        assert frame.lines.times.tolist() == [0.0]
        assert frame.lines.masks.tolist() == [0, 0b01111]

    run(main())


def test_gates_and_banks_act_in_time(run, bench, document) -> None:
    async def main() -> None:
        _, network, _ = bench(document(switch_off=["box_clock"]))
        lab = Lab(network, 2)
        await lab.set_up()
        # Dark for 4 samples, bank 0 for 8, bank 1 for the rest.
        dark, low = 100 + 4 * 512, 8 * 512
        await lab.stream((dark, 0b00101), (low, 0b01111), (20_000, 0b10111), (1, 0))
        seen = await lab.frame(np.full((20, 4), 0.25))
        at = seen[8:512:16, 2]
        assert at[:4].tolist() == [0.0] * 4
        assert at[4:12].tolist() == [0.25] * 8
        assert at[12:20].tolist() == [0.5] * 8

    run(main())


def test_each_box_has_its_own_grid(run, bench, document) -> None:
    async def main() -> list[float]:
        _, network, plant = bench(document())
        lab = Lab(network, 2)
        await lab.set_up()
        await lab.stream((20_000, 0b01111), (1, 0))
        await lab.frame(samples())
        drives = plant.frames[0].drives
        assert drives[0].start == drives[1].start
        return [drives[0].start, drives[2].start, plant.grids[0][0].start]

    first, second, grid = run(main())
    assert first != second
    assert first == grid
    for start in (first, second):
        assert 95e-9 < start < 114e-9


def test_a_frame_read_late_is_the_frame_as_it_was(run, bench, document) -> None:
    async def main() -> None:
        _, network, plant = bench(document(switch_off=["box_clock"]))
        lab = Lab(network, 2)
        serial = network.open("/dev/qontrol-0")
        await lab.set_up()
        await lab.stream((20_000, 0b01111), (1, 0))
        for box in range(2):
            await lab.command(box, "SOUR1:TRAC:DATA:DATA 0.25,0.25")
            await lab.command(box, "ACQ:START;:ACQ:TRig EXT_PE")
        await lab.call("startNow")
        # Heaters move before anybody reads: the render must have come first.
        assert plant.frames == []
        assert await serial.ask(b"V0=2\n") == b"OK\n"
        assert len(plant.frames) == 1
        await lab.call("constant", [0, 0, 0, 0])
        seen = await lab.fetch(0)
        assert seen[8, 0] == 0.25
        assert len(plant.frames) == 1

    run(main())


def test_a_window_beyond_the_pattern_is_rendered_when_asked_for(run, bench, document) -> None:
    async def main() -> None:
        _, network, plant = bench(document(switch_off=["box_clock"]))
        lab = Lab(network, 2)
        await lab.set_up()
        await lab.stream((2_000, 0b01111), (1, 0))
        await lab.frame(samples())
        assert plant.grids[0][0].count == 512
        reply = await lab.boxes[0].ask(
            b"ACQ:DATA:FORMAT ASCII;:ACQ:SOUR1:DATA:TRig? 40,PRE_TRIG\r\n"
        )
        assert reply.count(b",") == 40
        assert plant.grids[-1][0].count == 40

    run(main())


def test_untriggered_boxes_wait_and_nothing_is_rendered(run, bench) -> None:
    async def main() -> None:
        _, network, plant = bench()
        lab = Lab(network, 2)
        await lab.set_up()
        await lab.command(0, "ACQ:START;:ACQ:TRig EXT_PE")
        await lab.stream((20_000, 0b01110), (1, 0))
        await lab.call("startNow")
        assert await lab.boxes[0].ask(b"ACQ:TRig:STAT?\r\n") == b"WAIT\r\n"
        assert plant.frames == []

    run(main())


def test_free_running_acquisition_sees_the_held_outputs(run, bench) -> None:
    async def main() -> None:
        _, network, _ = bench()
        lab = Lab(network, 2)
        await lab.call("constant", [0, 0b00010, 0, 0])
        await lab.command(0, "SOUR1:FUNC DC;:SOUR1:VOLT 0.5;:OUTPUT1:STATE ON")
        await lab.command(0, "ACQ:DEC 64;:ACQ:TRig:DLY -8092;:ACQ:START;:ACQ:TRig NOW")
        await asyncio.sleep(0.1)
        reply = await lab.boxes[0].ask(
            b"ACQ:SOUR1:DATA:LATest:N? 3;:ACQ:SOUR2:DATA:LATest:N? 1\r\n"
        )
        assert reply == b"{0.500000,0.500000,0.500000};{0.000000}\r\n"

    run(main())


def test_a_level_trigger_finds_its_crossing(run, bench, document) -> None:
    async def main() -> None:
        _, network, _ = bench(document(switch_off=["box_clock"]))
        lab = Lab(network, 2)
        await lab.set_up()
        await lab.stream((20_000, 0b01111), (1, 0))
        wave = ",".join(["0"] * 5 + ["0.4"] * 10 + ["0"])
        await lab.command(0, f"SOUR1:TRAC:DATA:DATA {wave};:ACQ:TRig:LEV 0.2")
        await lab.command(0, "ACQ:START;:ACQ:TRig CH1_PE")
        await lab.call("startNow")
        seen = await lab.fetch(0)
        assert seen[0, 0] == pytest.approx(0.4, abs=1e-3)
        assert seen[10 * 16 + 2, 0] == 0.0

    run(main())


def test_heater_channels_lead_to_their_elements(run, bench) -> None:
    async def main() -> None:
        _, network, plant = bench()
        serial = network.open("/dev/qontrol-1")
        words = struct.pack(">4H", *[0x2000] * 4)
        request = bytes([0x82, 0]) + bytes(2) + bytes([6]) + struct.pack(">H", 4) + words
        serial.write(request)
        assert await serial.line() == b"OK\n"
        assert await serial.line() == b"OK\n"
        bank, elements, volts, at = plant.steps[0]
        assert (bank, elements) == (1, [6, 7, 8, 9])
        assert volts == pytest.approx([0x2000 / 65535 * 12] * 4)
        # Half the latency and the request's bytes had passed when the heaters moved.
        assert at == pytest.approx(0.008 + len(request) / 11520)
        assert (await serial.ask(b"I6?\n")).endswith(b" mA\n")

    run(main())


def run_once(run, make_document, network) -> tuple[bytes, float]:
    async def main() -> tuple[bytes, float]:
        made = SimulatedBench(make_document(adc_bits=12))
        made.attach(network)
        lab = Lab(network, 2)
        serial = network.open("/dev/qontrol-0")
        await lab.set_up()
        await lab.stream((20_000, 0b01111), (1, 0))
        parts = [await serial.ask(b"V3=4\n")]
        parts += [(await lab.frame(samples())).tobytes() for _ in range(3)]
        parts.append(await serial.ask(b"V3?\n"))
        return b"".join(parts), asyncio.get_running_loop().time()

    return run(main(), 7.0)


def test_same_seed_same_run_to_the_last_digit(run, document, network) -> None:
    first, second = run_once(run, document, network), run_once(run, document, network)
    assert first == second
    other = run_once(run, lambda **plant: document(**plant, seed=2), network)
    assert other[0] != first[0]


def test_a_mixed_bench_leaves_other_wires_idle(run, bench) -> None:
    async def main() -> None:
        made, network, plant = bench(only={"pattern", "box-0"})
        assert set(made.instruments) == {"pattern", "box-0"}
        assert ("rp-1", 5000) not in network.endpoints
        lab = Lab(network, 1)
        await lab.set_up()
        await lab.stream((20_000, 0b01111), (1, 0))
        await lab.command(0, "SOUR1:TRAC:DATA:DATA 0.25;:ACQ:START;:ACQ:TRig EXT_PE")
        await lab.call("startNow")
        await lab.fetch(0)
        assert plant.frames[0].drives[3].values.tolist() == [0.0]

    run(main())


def test_as_built_file_and_slot_machine(document, tmp_path) -> None:
    made = SimulatedBench(document(), start_time=3.0)
    made.write_as_built(tmp_path / "record.json", "rough")
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["kind"] == "as-built"
    machine = made.slot_machine()
    assert (machine.ports, machine.n_banks, machine.time) == (4, 2, 3.0)


def change(document, path: str, value):
    broken = copy.deepcopy(document)
    place = broken
    *names, last = path.split(".")
    for name in names:
        place = place[int(name)] if name.isdigit() else place[name]
    place[int(last) if last.isdigit() else last] = value
    return broken


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("instrument.0.driver", "hp3458a", "instrument.0.driver"),
        ("instrument.0.identity.model", "Q16", "instrument.0.identity.model"),
        ("instrument.1.name", "heaters-0", "instrument.1.name"),
        ("wiring.elements.0.chassis", "heaters-9", "wiring.elements.0.chassis"),
        ("wiring.elements.0.column", 7, "wiring.elements.0"),
        ("wiring.elements.0.bank", 5, "wiring.elements.0.bank"),
        ("wiring.elements.0.module", 5, "modules"),
        ("wiring.ports.0.box", "box-9", "wiring.ports.0.box"),
        ("wiring.ports.0.port", 1, "wiring.ports"),
        ("wiring.lines.trigger", 12, "wiring.lines.trigger"),
        ("plant.severity", "mild", "severity"),
    ],
)
def test_bad_documents_name_the_path(document, path, value, named) -> None:
    with pytest.raises(BenchDocumentError, match=named):
        SimulatedBench(change(document(), path, value))


def test_an_address_of_another_kind_is_refused(document, network) -> None:
    made = SimulatedBench(change(document(), "instrument.3.resource", "GPIB0::7::INSTR"))
    with pytest.raises(BenchDocumentError, match=r"instrument\.3\.resource"):
        made.attach(network)
    with pytest.raises(BenchDocumentError, match="box-7"):
        SimulatedBench(document(), only={"box-7"})


@pytest.mark.parametrize("ports", [2, 3, 4, 5])
def test_element_order(document, ports) -> None:
    elements = read_bench(document(ports, modules=4)).wiring.elements
    found = [element_index(element, ports) for element in elements if element.bank == 0]
    assert found == list(range(ports**2))
    odd = Element(bank=0, column=1, row=ports, kind="phi", chassis="c", module=0, channel=0)
    assert element_index(odd, ports) is None
