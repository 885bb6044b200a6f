"""Every kind of fault in a bench file: how it comes about, and the line that it is refused with."""

from __future__ import annotations

from tests.hil.bench.spoiling import Spoil, drop, put

# Of the small bench: elements 0 to 15 are bank 0 on heaters-0, 16 to 31 bank 1 on heaters-1;
# elements 0 and 1 are theta and phi of column 0, row 0; 12 is the output phase of port 0.
# Instruments: heaters-0, heaters-1, pattern, box-0, box-1.
LIGHT = {"laser": "laser", "power_dbm": 10.0, "wavelength": 1.55e-6}
CASES: dict[str, tuple[Spoil, str]] = {
    # single values
    "unknown key": (
        put("timing.dwel", 1.0),
        "timing.dwel: no such key here; did you mean 'dwell'?",
    ),
    "unknown key, no guess": (
        put("chip.xyz", 1.0),
        "chip.xyz: no such key here; known: power_max, p_pi, idle_voltage",
    ),
    "unknown table": (put("wirring", {}), "wirring: no such key here; did you mean 'wiring'?"),
    "missing value": (drop("chip.p_pi"), "chip.p_pi: is missing; add it"),
    "missing table": (drop("wiring.lines"), "wiring.lines: is missing; add it"),
    "missing in element": (
        drop("wiring.elements.3.r_nom"),
        "wiring.elements.3.r_nom: is missing; add it",
    ),
    "schema": (put("schema", 2), "schema: must be 1, not 2"),
    "core": (put("core", "ring"), "core: must be 'mzi-mesh' or 'microring', not 'ring'"),
    "feedback": (put("feedback", "loop"), "feedback: must be 'controller', not 'loop'"),
    "detection": (put("detection", "x"), "detection: must be 'homodyne' or 'balanced', not 'x'"),
    "ports": (put("ports", 65), "ports: must be less than or equal to 64, not 65"),
    "one port": (put("ports", 1), "ports: must be greater than or equal to 2, not 1"),
    "no banks": (put("n_banks", 0), "n_banks: must be greater than or equal to 1, not 0"),
    "name": (
        put("name", "a b"),
        "name: must be letters, digits, '.', '_' and '-' only, not 'a b'",
    ),
    "string for a number": (
        put("timing.dwell", "512e-9"),
        "timing.dwell: must be a number, not '512e-9'",
    ),
    "fraction for a count": (put("ports", 4.5), "ports: must be a whole number, not 4.5"),
    "bool for a number": (put("chip.p_pi", True), "chip.p_pi: must be a number, not true"),
    "number for a bool": (put("timing.average", 1), "timing.average: must be true or false, not 1"),
    "value for a table": (put("timing", 3), "timing: must be a table, not 3"),
    "value for an array": (
        put("wiring.lines.bank_select", 3),
        "wiring.lines.bank_select: must be an array, not 3",
    ),
    "table for an array": (put("instrument", {}), "instrument: must be an array, not a table"),
    "nan": (
        put("wiring.elements.2.r_nom", float("nan")),
        "wiring.elements.2.r_nom: must be a finite number, not nan",
    ),
    "inf": (
        put("chip.power_max", float("inf")),
        "chip.power_max: must be a finite number, not inf",
    ),
    "zero": (
        put("wiring.elements.2.r_nom", 0.0),
        "wiring.elements.2.r_nom: must be greater than 0, not 0.0",
    ),
    "negative": (
        put("wiring.ports.1.v_pi", -3.0),
        "wiring.ports.1.v_pi: must be greater than 0, not -3.0",
    ),
    "polarity": (
        put("wiring.ports.1.polarity", 0),
        "wiring.ports.1.polarity: must be 1 or -1, not 0",
    ),
    "output": (put("wiring.ports.1.output", 3), "wiring.ports.1.output: must be 1 or 2, not 3"),
    "kind": (
        put("wiring.elements.0.kind", "tau"),
        "wiring.elements.0.kind: must be 'theta', 'phi', 'out' or 'ring', not 'tau'",
    ),
    "line": (
        put("wiring.lines.trigger", 8),
        "wiring.lines.trigger: must be less than 8, not 8",
    ),
    "select line": (
        put("wiring.lines.bank_select", [3, 9]),
        "wiring.lines.bank_select.1: must be less than 8, not 9",
    ),
    "coding": (
        put("wiring.lines.coding", "gray"),
        "wiring.lines.coding: must be 'one-hot' or 'binary', not 'gray'",
    ),
    # timing
    "guard not in dwell": (
        put("timing.guard", 512e-9),
        "timing.guard: 512 ns is not shorter than the dwell of 512 ns",
    ),
    "no settled point": (
        put("timing.guard", 500e-9),
        "timing.guard: 500 ns leaves no settled point of the 16 in a sample; "
        "make it at most 480 ns",
    ),
    "broken points": (
        put("timing.dwell", 500e-9),
        "timing.dwell: 500 ns is 15.625 points of 32 ns; a sample must be a whole number of them: "
        "make it 480 ns or 512 ns",
    ),
    "less than a point": (
        put("timing.dwell", 16e-9),
        "timing.dwell: 16 ns is 0.5 points of 32 ns; a sample must be a whole number of them: "
        "make it 32 ns",
    ),
    "longer than the buffer": (
        put("timing.dwell", 16385 * 32e-9),
        "timing.dwell: 524320 ns is 16385 points of 32 ns, more than a readout's buffer of "
        "16384; shorten it or raise timing.decimation",
    ),
    # instruments
    "unknown driver": (
        put("instrument.0.driver", "qontrol"),
        "instrument.0.driver: no driver 'qontrol'; did you mean 'qontrol_q8'? there are agiltron",
    ),
    "backend": (
        put("instrument.0.backend", "fake"),
        "instrument.0.backend: must be 'sim' or 'real', not 'fake'",
    ),
    "link": (drop("instrument.1.link"), "instrument.1.link: is missing; add it"),
    "link rate": (
        put("instrument.1.link.bytes_per_second", 0.0),
        "instrument.1.link.bytes_per_second: must be greater than 0, not 0.0",
    ),
    "identity": (
        put("instrument.1.identity.modell", "x"),
        "instrument.1.identity.modell: no such key here; did you mean 'model'?",
    ),
    "name twice": (
        put("instrument.4.name", "box-0"),
        "instrument.4.name: 'box-0' is also the name of instrument.3; give each its own",
    ),
    "resource twice": (
        put("instrument.4.resource", "tcpip::RP-0::5000::SOCKET"),
        "instrument.4.resource: 'tcpip::RP-0::5000::SOCKET' is also the resource of instrument.3 "
        "('box-0'); two instruments cannot share it",
    ),
    "resource of no form": (
        put("instrument.0.resource", "/dev/ttyUSB0"),
        "instrument.0.resource: '/dev/ttyUSB0' cannot be read",
    ),
    "resource of another kind": (
        put("instrument.0.resource", "TCPIP::host::5000::SOCKET"),
        "instrument.0.resource: a 'qontrol_q8' is reached by a serial port",
    ),
    "box on a serial port": (
        put("instrument.3.resource", "ASRL/dev/ttyUSB0::INSTR"),
        "instrument.3.resource: a 'red_pitaya' is reached by a host and port",
    ),
    "pattern on GPIB": (
        put("instrument.2.resource", "GPIB0::3::INSTR"),
        "instrument.2.resource: a 'pulse_streamer' is reached by a host",
    ),
    "modules": (
        put("instrument.0.options.modules", 9),
        "instrument.0.options.modules: must be a whole number from 1 to 8, not 9",
    ),
    "no pattern": (
        drop("instrument.2"),
        "instrument: none has driver 'pulse_streamer'; the lines need exactly one to play them",
    ),
    "two patterns": (
        lambda document: document["instrument"].append(
            {**document["instrument"][2], "name": "p2", "resource": "TCPIP::p2::INSTR"}
        ),
        "instrument.5.driver: 'p2' is a second 'pulse_streamer' beside 'pattern'",
    ),
    # elements
    "no such chassis": (
        put("wiring.elements.7.chassis", "heaters-9"),
        "wiring.elements.7.chassis: no instrument named 'heaters-9'; "
        "the file has heaters-0, heaters-1",
    ),
    "no chassis but a box": (
        put("wiring.elements.7.chassis", "box-0"),
        "wiring.elements.7.chassis: 'box-0' has driver 'red_pitaya'; a heater needs a "
        "'keithley_2400' or 'keithley_2450' or 'qdevil_qdac2' or 'qontrol_q8'",
    ),
    "module": (
        put("wiring.elements.7.module", 8),
        "wiring.elements.7.module: 'heaters-0' has modules 0 to 7, not 8",
    ),
    "module not fitted": (
        put("instrument.0.options.modules", 1),
        "wiring.elements.8.module: 'heaters-0' has module 0 alone, not 1",
    ),
    "channel": (
        put("wiring.elements.7.channel", 8),
        "wiring.elements.7.channel: a module has channels 0 to 7, not 8",
    ),
    "channel twice": (
        put("wiring.elements.7.channel", 0),
        "wiring.elements.7.channel: 'heaters-0' module 0 channel 0 drives wiring.elements.0 "
        "already (bank 0, column 0, row 0, theta)",
    ),
    "element twice": (
        put("wiring.elements.1.kind", "theta"),
        "wiring.elements.1: bank 0, column 0, row 0, theta is wired at wiring.elements.0 already",
    ),
    "element not wired": (
        drop("wiring.elements.1"),
        "wiring.elements: 1 of the 16 elements of bank 0 not wired: bank 0, column 0, row 0, phi",
    ),
    "bank not wired": (
        put("n_banks", 3),
        "wiring.elements: 16 of the 16 elements of bank 2 not wired: bank 2, column 0, row 0, "
        "theta; bank 2, column 0, row 0, phi; bank 2, column 0, row 1, theta; bank 2, column 0, "
        "row 1, phi; and 12 more",
    ),
    "no such bank": (
        put("wiring.elements.0.bank", 2),
        "wiring.elements.0.bank: there is no bank 2; n_banks = 2, so 0 to 1",
    ),
    "no such column": (
        put("wiring.elements.0.column", 5),
        "wiring.elements.0.column: there is no column 5; a mesh of 4 ports has columns 0 to 3, "
        "and 4 for the output phases",
    ),
    "no such row": (
        put("wiring.elements.0.row", 2),
        "wiring.elements.0.row: there is no row 2; column 0 has rows 0 to 1",
    ),
    "no such output": (
        put("wiring.elements.12.row", 4),
        "wiring.elements.12.row: there is no row 4; column 4 has rows 0 to 3",
    ),
    "output in the mesh": (
        put("wiring.elements.0.kind", "out"),
        'wiring.elements.0.kind: "out" belongs to column 4',
    ),
    # limits
    "above full scale": (
        put("wiring.elements.5.v_max", 12.5),
        "wiring.elements.5.v_max: 12.5 V is above the 12 V full scale of 'heaters-0'",
    ),
    "above full current": (
        put("wiring.elements.5.i_max", 0.03),
        "wiring.elements.5.i_max: 30 mA is above the 24 mA full scale of a Q8iv ('heaters-0')",
    ),
    "below idle": (
        put("wiring.elements.5.i_max", 0.001),
        "wiring.elements.5: v_max, i_max and p_max with r_nom allow 0.8 V, less than "
        "chip.idle_voltage = 1 V",
    ),
    "idle above chip": (
        put("chip.power_max", 0.019),
        "chip.idle_voltage: 1 V on every heater of bank 0 is 0.02 W, above chip.power_max = "
        "0.019 W",
    ),
    # ports
    "no such box": (
        put("wiring.ports.1.box", "box-9"),
        "wiring.ports.1.box: no instrument named 'box-9'; the file has box-0, box-1",
    ),
    "no box but a chassis": (
        put("wiring.ports.1.box", "heaters-0"),
        "wiring.ports.1.box: 'heaters-0' has driver 'qontrol_q8'; a port needs a 'red_pitaya'",
    ),
    "output twice": (
        put("wiring.ports.1.output", 1),
        "wiring.ports.1.output: output 1 of 'box-0' serves wiring.ports.0 already (port 0)",
    ),
    "input twice": (
        put("wiring.ports.1.input", 1),
        "wiring.ports.1.input: input 1 of 'box-0' serves wiring.ports.0 already (port 0)",
    ),
    "port twice": (
        put("wiring.ports.1.port", 0),
        "wiring.ports.1.port: port 0 is at wiring.ports.0 already",
    ),
    "no such port": (
        put("wiring.ports.1.port", 4),
        "wiring.ports.1.port: there is no port 4; ports = 4, so 0 to 3",
    ),
    "port not wired": (drop("wiring.ports.2"), "wiring.ports: 1 of the 4 ports not wired: 2"),
    "drive gain": (
        put("wiring.ports.2.drive_gain", 4.4),
        "wiring.ports.2.drive_gain: +-1 V of the output reaches +-1.467 V_pi, it must reach +-1.5: "
        "with v_pi = 3 V at least 4.5",
    ),
    # laser and thermal stage
    "no such laser": (
        put("light", LIGHT),
        "light.laser: no instrument named 'laser'; add it, or write kind = 'manual' if a person "
        "works it",
    ),
    "a laser that is none": (
        put("light", {**LIGHT, "laser": "pattern"}),
        "light.laser: 'pattern' has driver 'pulse_streamer', not 'keysight_816x' or "
        "'santec_tsl570'",
    ),
    "a laser by hand that is an instrument": (
        put("light", {**LIGHT, "laser": "box-0", "kind": "manual"}),
        "light.kind: 'box-0' is an instrument; leave out kind, or name it else",
    ),
    "power of the laser": (
        put("light", {**LIGHT, "power_dbm": 60.0}),
        "light.power_dbm: must be less than or equal to 30, not 60.0",
    ),
    "no such stage": (
        put("stage", {"controller": "tec", "setpoint_celsius": 25.0}),
        "stage.controller: no instrument named 'tec'; add it",
    ),
    # ports of an instrument each
    "a box and a source": (
        put("wiring.ports.0.source", "box-0"),
        "wiring.ports.0: name either `box`, or both `source` and `readout`",
    ),
    "half a pair": (
        put("wiring.ports.0.minus", "box-1"),
        "wiring.ports.0: `minus` and `minus_input` go together",
    ),
    "the other half in use": (
        lambda document: document["wiring"]["ports"][0].update(minus="box-0", minus_input=2),
        "wiring.ports.1.input: input 2 of 'box-0' serves wiring.ports.0 already (port 0)",
    ),
    "point and decimation": (
        put("timing.point", 1e-6),
        "timing.point: these readouts go by timing.decimation; take it out",
    ),
    "no decimation": (drop("timing.decimation"), "timing.decimation: is missing; add it"),
    # lines
    "line twice": (
        put("wiring.lines.lo_gate", 0),
        "wiring.lines.lo_gate: line 0 is wiring.lines.trigger already",
    ),
    "quadrature line in use": (
        put("wiring.lines.lo_quadrature", 4),
        "wiring.lines.bank_select.1: line 4 is wiring.lines.lo_quadrature already",
    ),
    "quadrature line on the gate": (
        put("wiring.lines.lo_quadrature", 2),
        "wiring.lines.lo_quadrature: line 2 is wiring.lines.lo_gate already",
    ),
    "no such quadrature line": (
        put("wiring.lines.lo_quadrature", 8),
        "wiring.lines.lo_quadrature: must be less than 8, not 8",
    ),
    "quadrature line of a wrong type": (
        put("wiring.lines.lo_quadrature", "5"),
        "wiring.lines.lo_quadrature: must be a whole number, not '5'",
    ),
    "select line twice": (
        put("wiring.lines.bank_select", [3, 3]),
        "wiring.lines.bank_select.1: line 3 is wiring.lines.bank_select.0 already",
    ),
    "select line in use": (
        put("wiring.lines.bank_select", [1, 3]),
        "wiring.lines.bank_select.0: line 1 is wiring.lines.signal_gate already",
    ),
    "too few lines": (
        put("wiring.lines.bank_select", [3]),
        "wiring.lines.bank_select: 1 line in one-hot coding fit 1 bank, the file has n_banks = 2; "
        "the 5 lines free for it fit at most 5 banks one-hot and 32 in binary coding",
    ),
    "too many banks": (
        put("n_banks", 33),
        "n_banks: 33 banks are too many: the pattern generator has 5 lines left to select them, "
        "which fit at most 5 banks one-hot and 32 in binary coding",
    ),
}
