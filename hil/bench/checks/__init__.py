"""Checks across the tables of a bench file: is it one bench that can work?"""

from __future__ import annotations

from collections.abc import Iterator

from hil.bench.checks.core import check_core
from hil.bench.checks.delays import check_delays
from hil.bench.checks.elements import check_elements
from hil.bench.checks.finding import Finding
from hil.bench.checks.instruments import check_instruments
from hil.bench.checks.limits import check_limits
from hil.bench.checks.lines import check_lines
from hil.bench.checks.parts import Parts
from hil.bench.checks.ports import check_ports
from hil.bench.checks.timing import check_timing

__all__ = ["Finding", "Parts", "check"]


def check(parts: Parts) -> Iterator[Finding]:
    """Find every fault across tables, and what is odd but harmless, in the file's order."""
    yield from check_core(parts)
    yield from check_timing(parts)
    yield from check_instruments(parts)
    yield from check_elements(parts)
    yield from check_limits(parts)
    yield from check_ports(parts)
    yield from check_lines(parts)
    yield from check_delays(parts)
