"""Do the delay generators give what they feed an edge that it takes, in time, and no more volts?"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.roles import ReadFacts
from hil.bench.catalogue import DELAY_ROLE, reads
from hil.bench.checks.beside import filled
from hil.bench.checks.delay_timing import check_delay_timing
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.delay_tables import Delay, DelayedOutput
from hil.bench.delay_times import Timed

#: V of the trigger line, low and high, that are certain (LVTTL of 3.3 V).
LINE_LEVELS = (0.4, 2.4)
#: V below and above which a logic input takes a level for low and for high (TTL).
LOGIC_LEVELS = (0.8, 2.0)


def check_delays(parts: Parts) -> Iterator[Finding]:
    """Find what a generator cannot do, what it would harm, and what would not hear it."""
    first: dict[str, str] = {}
    fed: dict[str, str] = {}
    known = parts.timed_delays
    for index, table in parts.delays.items():
        path = f"delay.{index}"
        yield from filled(parts, path, "generator", DELAY_ROLE, table.generator, False)
        if first.setdefault(table.generator, path) != path:
            yield Finding(
                f"{path}.generator",
                f"{table.generator!r} is named in {first[table.generator]} already; list its "
                "outputs there",
            )
        yield from _source(path, table)
        yield from _fed(parts, path, table, fed)
        if (one := known.get(index)) is not None:
            yield from _able(path, one)
    yield from check_delay_timing(parts)


def _source(path: str, table: Delay) -> Iterator[Finding]:
    if table.trigger_source not in ("external rising", "external falling"):
        why = {
            "internal": "its own rate would trigger between the frames that the pattern fires",
            "line": "the mains would trigger between the frames that the pattern fires",
            "single shot": "nothing would trigger it in a frame",
        }.get(table.trigger_source, "it would take the first frame's trigger alone")
        yield Finding(
            f"{path}.trigger_source",
            f"{table.trigger_source!r}: {why}; write 'external rising'",
        )
    low, high = LINE_LEVELS
    if not low <= table.threshold <= high:
        yield Finding(
            f"{path}.threshold",
            f"the trigger line goes from 0 to 3.3 V: {table.threshold:g} V is not passed for "
            f"certain; make it {low:g} to {high:g} V",
        )


def _fed(parts: Parts, path: str, table: Delay, fed: dict[str, str]) -> Iterator[Finding]:
    """Find names of what takes no trigger, and of what hangs on two outputs."""
    taking = {one.plays for one in parts.boxes.values()}
    taking |= {name for one in parts.boxes.values() for name, _ in one.inputs}
    for place, output in enumerate(table.outputs):
        where = f"{path}.outputs.{place}"
        for name in output.feeds:
            if name not in parts.names.values():
                yield Finding(
                    f"{where}.feeds",
                    f"no instrument named {name!r}; what is no instrument of the file stands "
                    "under `what`",
                )
            elif name not in taking:
                yield Finding(
                    f"{where}.feeds",
                    f"{name!r} is triggered by no frame: no port is played or read by it; name "
                    "under `what` what else hangs there",
                )
            elif fed.setdefault(name, where) != where:
                yield Finding(f"{where}.feeds", f"{name!r} hangs on {fed[name]} already")
            else:
                yield from _heard(parts, where, output, name)


def _heard(parts: Parts, where: str, output: DelayedOutput, name: str) -> Iterator[Finding]:
    """Find pulses whose edge an instrument does not take where the pulse begins."""
    one = parts.by_name().get(name)
    if one is None:
        return
    facts = reads(one.driver, one.options) or ReadFacts.nothing()
    wanted = "positive" if facts.trigger_edge == "rising" else "negative"
    if output.polarity != wanted:
        yield Finding(
            f"{where}.polarity",
            f"{name!r} takes {facts.trigger_edge} edges, which come at the end of a "
            f"{output.polarity} pulse; write {wanted!r}",
        )
    low, high = output.levels
    if facts.trigger_level is None:
        least, most = LOGIC_LEVELS
        asked, heard = f"{least:g} and {most:g} V", low <= least and high >= most
    else:
        asked, heard = f"{facts.trigger_level:g} V", low < facts.trigger_level < high
    if not heard:
        yield Finding(
            f"{where}.amplitude",
            f"{name!r} is triggered by edges through {asked}, and {output.output} goes from "
            f"{low:.3g} to {high:.3g} V into {output.load:g} ohm",
        )


def _able(path: str, one: Timed) -> Iterator[Finding]:
    """Find outputs that there are not, or twice, and what they cannot give or feed."""
    facts, used = one.facts, dict[str, int]()
    for place, output in enumerate(one.table.outputs):
        where = f"{path}.outputs.{place}"
        if output.output not in facts.outputs:
            known = ", ".join(facts.outputs)
            yield Finding(f"{where}.output", f"there is no {output.output!r}; there are {known}")
            continue
        if used.setdefault(output.output, place) != place:
            yield Finding(
                f"{where}.output",
                f"{output.output!r} is at {path}.outputs.{used[output.output]} already",
            )
        yield from _time(where, one, output)
        yield from _levels(where, one, output)


def _time(where: str, one: Timed, output: DelayedOutput) -> Iterator[Finding]:
    facts = one.facts
    if output.output in facts.whole:
        for key, value in (("delay", output.delay), ("width", output.width)):
            if value:
                yield Finding(
                    f"{where}.{key}",
                    f"{output.output} is active as long as a cycle lasts, from its beginning; "
                    "take it out",
                )
        return
    if output.width is None:
        yield Finding(f"{where}.width", "is missing; add it")
    elif output.width < facts.step:
        yield Finding(
            f"{where}.width",
            f"{output.width:g} s is less than its step of {1e12 * facts.step:g} ps",
        )
    elif output.delay + output.width > facts.longest:
        yield Finding(
            f"{where}.delay",
            f"{output.delay:g} s and a width of {output.width:g} s are more than its "
            f"{facts.longest:g} s",
        )


def _levels(where: str, one: Timed, output: DelayedOutput) -> Iterator[Finding]:
    facts = one.facts
    for key, value, (least, most) in (
        ("amplitude", output.amplitude, facts.amplitude),
        ("offset", output.offset, facts.offset),
        ("amplitude", output.offset + output.amplitude, facts.levels),
    ):
        if not least <= value <= most + 1e-9:
            what = key if value in (output.amplitude, output.offset) else "offset and amplitude"
            yield Finding(
                f"{where}.{key}",
                f"{what}: {value:g} V is not from {least:g} to {most:g} V into 50 ohm",
            )
            return
    low, high = output.levels
    if high > output.v_max + 1e-9:
        most = output.v_max / output.gain - output.offset
        mend = f"make it at most {most:.3g} V" if most >= facts.amplitude[0] else "lower the offset"
        yield Finding(
            f"{where}.amplitude",
            f"{output.output} would give {high:.3g} V into {output.load:g} ohm, and what it feeds "
            f"bears v_max = {output.v_max:g} V; {mend}",
        )
    if low < output.v_min - 1e-9:
        yield Finding(
            f"{where}.offset",
            f"{output.output} would give {low:.3g} V into {output.load:g} ohm, and what it feeds "
            f"bears v_min = {output.v_min:g} V; make it at least {output.v_min / output.gain:.3g} "
            "V",
        )
