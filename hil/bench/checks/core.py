"""Do the core, the way it is read, and the local oscillator go together?"""

from __future__ import annotations

from collections.abc import Iterator

from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.cores import DETECTION


def check_core(parts: Parts) -> Iterator[Finding]:
    """Find a detection that the core cannot have, and a local oscillator missing or idle."""
    if parts.core is None:
        return
    needed = DETECTION[parts.core]
    if parts.detection in DETECTION.values() and parts.detection != needed:
        yield Finding(
            "detection", f"a {parts.core!r} is read by {needed!r}, not {parts.detection!r}"
        )
    if not parts.lines:
        return
    paired = bool(parts.boxes) and all(one.minus is not None for one in parts.boxes.values())
    # Of a balanced pair the oscillator's own light falls out; a single input needs a look without.
    if needed == "homodyne" and "lo_gate" not in parts.lines and not paired:
        yield Finding("wiring.lines.lo_gate", "is missing; add it")
    if needed != "homodyne" and "lo_gate" in parts.lines:
        yield Finding(
            "wiring.lines.lo_gate", f"a {parts.core!r} has no local oscillator; take it out"
        )
