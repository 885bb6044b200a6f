"""Has every line of the pattern generator one use, and are there enough to select the banks?"""

from __future__ import annotations

from collections.abc import Iterator

from hil.bench.catalogue import MAX_BINARY, MAX_ONE_HOT, PATTERN_LINES, SELECT_LINES
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.cores import MICRORING

_SINGLE = ("trigger", "signal_gate", "lo_gate", "lo_quadrature")
_MOST = f"at most {MAX_ONE_HOT} banks one-hot and {MAX_BINARY} in binary coding"


def check_lines(parts: Parts) -> Iterator[Finding]:
    """Find lines used twice, and banks that the select lines cannot tell apart."""
    if parts.n_banks is not None and parts.n_banks > MAX_BINARY:
        yield Finding(
            "n_banks",
            f"{parts.n_banks} banks are too many: the pattern generator has {len(SELECT_LINES)} "
            f"lines left to select them, which fit {_MOST}",
        )
    yield from _twice(parts)
    yield from _capacity(parts)
    yield from _quadrature(parts)


def _select(parts: Parts) -> list[object]:
    lines = parts.lines.get("bank_select")
    return lines if isinstance(lines, list) else []


def _twice(parts: Parts) -> Iterator[Finding]:
    used: dict[int, str] = {}
    for use, line in _uses(parts):
        first = used.setdefault(line, use)
        if first != use:
            yield Finding(f"wiring.lines.{use}", f"line {line} is wiring.lines.{first} already")


def _uses(parts: Parts) -> Iterator[tuple[str, int]]:
    """Give each use of a line; what is no line number has been told already and is left out."""
    uses = [(use, parts.lines.get(use)) for use in _SINGLE]
    uses += [(f"bank_select.{place}", line) for place, line in enumerate(_select(parts))]
    for use, line in uses:
        if type(line) is int and 0 <= line < PATTERN_LINES:
            yield use, line


def _quadrature(parts: Parts) -> Iterator[Finding]:
    if not parts.lines or parts.core == MICRORING or "lo_quadrature" in parts.lines:
        return  # balanced detection has no oscillator to step
    used = {line for _, line in _uses(parts)}
    free = [line for line in range(PATTERN_LINES) if line not in used]
    if free:
        mend = f"line {free[0]} is free for it"
    elif len(_select(parts)) > (binary := ((parts.n_banks or 1) - 1).bit_length()):
        mend = f"no line is free; bank_select in binary coding would need {binary} lines only"
    else:
        mend = "no line is free; fewer banks would leave one"
    yield Finding(
        "wiring.lines.lo_quadrature",
        f"none, so the phases of a bank cannot be told fully: {mend}",
        harmless=True,
    )


def _capacity(parts: Parts) -> Iterator[Finding]:
    n_banks, coding = parts.n_banks, parts.lines.get("coding")
    known = coding in ("one-hot", "binary") and isinstance(parts.lines.get("bank_select"), list)
    if n_banks is None or n_banks > MAX_BINARY or not known:
        return
    count = len(_select(parts))
    capacity = count if coding == "one-hot" else 2**count
    if capacity < n_banks:
        yield Finding(
            "wiring.lines.bank_select",
            f"{_counted(count, 'line')} in {coding} coding fit {_counted(capacity, 'bank')}, "
            f"the file has n_banks = {n_banks}; "
            f"the {len(SELECT_LINES)} lines free for it fit {_MOST}",
        )
    needed = n_banks if coding == "one-hot" else (n_banks - 1).bit_length()
    if count > needed:
        yield Finding(
            "wiring.lines.bank_select",
            f"{_counted(needed, 'line')} would do for {_counted(n_banks, 'bank')}",
            harmless=True,
        )


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
