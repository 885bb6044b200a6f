"""Bench documents of any size, naturally wired, for tests of the plant."""

from __future__ import annotations

from typing import Any

CHASSIS_CHANNELS = 64


def mesh_places(ports: int) -> list[tuple[int, int, str]]:
    """(column, row, kind) of every element of a bank, in element order."""
    places: list[tuple[int, int, str]] = []
    for column in range(ports):
        for row in range((ports - column % 2) // 2):
            places += [(column, row, "theta"), (column, row, "phi")]
    return places + [(ports, port, "out") for port in range(ports)]


def bench_document(ports: int = 8, n_banks: int = 2, **plant: Any) -> dict[str, Any]:
    """A bench file as tomllib would decode it; `plant` fills the [plant] table."""
    wires = [(bank, place) for bank in range(n_banks) for place in mesh_places(ports)]
    elements = [
        {
            "bank": bank,
            "column": column,
            "row": row,
            "kind": kind,
            "chassis": f"heaters-{i // CHASSIS_CHANNELS}",
            "module": i % CHASSIS_CHANNELS // 8,
            "channel": i % 8,
            "r_nom": 800.0,
            "v_max": 6.5,
            "i_max": 0.012,
            "p_max": 0.053,
        }
        for i, (bank, (column, row, kind)) in enumerate(wires)
    ]
    boxes = (ports + 1) // 2
    chassis = -(-len(wires) // CHASSIS_CHANNELS)
    return {
        "schema": 1,
        "name": f"test-mzi-{ports}",
        "description": "",
        "core": "mzi-mesh",
        "ports": ports,
        "n_banks": n_banks,
        "feedback": "controller",
        "detection": "homodyne",
        "timing": {
            "dwell": 512e-9,
            "guard": 128e-9,
            "decimation": 4,
            "average": True,
            "settle": 100e-6,
        },
        "chip": {"power_max": 12.0, "p_pi": 0.020, "idle_voltage": 1.0},
        "instrument": [
            *(_chassis(i) for i in range(chassis)),
            _pattern(),
            *(_box(i) for i in range(boxes)),
        ],
        "wiring": {
            "elements": elements,
            "ports": [
                {
                    "port": port,
                    "box": f"box-{port // 2}",
                    "output": port % 2 + 1,
                    "input": port % 2 + 1,
                    "polarity": 1,
                    "v_pi": 3.0,
                    "drive_gain": 4.5,
                    "detector_range": 3.2,
                }
                for port in range(ports)
            ],
            "lines": {
                "trigger": 0,
                "signal_gate": 1,
                "lo_gate": 2,
                "bank_select": [3, 4, 5, 6, 7] if n_banks > 5 else list(range(3, 3 + n_banks)),
                "coding": "binary" if n_banks > 5 else "one-hot",
            },
        },
        "plant": {"seed": 1, "severity": "std", "switch_off": [], **plant},
    }


def _chassis(index: int) -> dict[str, Any]:
    return {
        "name": f"heaters-{index}",
        "driver": "qontrol_q8",
        "resource": f"ASRL/dev/qontrol-{index}::INSTR",
        "identity": {"model": "Q8iv", "serial": f"{index + 1:04d}"},
        "link": {"latency": 0.016, "bytes_per_second": 11520.0},
        "options": {"modules": 8},
    }


def _pattern() -> dict[str, Any]:
    return {
        "name": "pattern",
        "driver": "pulse_streamer",
        "resource": "TCPIP::pulsestreamer::INSTR",
        "identity": {"model": "Pulse Streamer 8/2", "serial": "00:26:32:f0:00:01"},
        "link": {"latency": 0.0008, "bytes_per_second": 1.0e7},
    }


def _box(index: int) -> dict[str, Any]:
    return {
        "name": f"box-{index}",
        "driver": "red_pitaya",
        "resource": f"TCPIP::rp-{index}::5000::SOCKET",
        "identity": {"model": "REDPITAYA"},
        "link": {"latency": 0.0007, "bytes_per_second": 5.0e5},
    }
