"""Commands of triggers and of data acquisition: logging, stability, minimum and maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice, integer, number
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.settings import short
from sim_backends.engine.writing import nr1_signed, nr3, write_block

from .port import LOGGING, MINMAX, Floats, Port
from .power_commands import LONG, SENSE, Suffixes, on_port, signed

if TYPE_CHECKING:
    from .meter import KeysightN7744A

MOST_POINTS = 1_000_000
INPUTS = ("IGNore", "SMEasure", "CMEasure", "MMEasure")
ROUTINGS = ("DISabled", "DEFault", "PASSthrough", "LOOPback")
_TOTAL = nr3(5, exponent=3)


def add_functions(meter: KeysightN7744A) -> None:
    """Enter them."""
    _add_triggers(meter)
    _add_parameters(meter)
    _add_results(meter)
    commands = meter.commands
    commands.add("SYSTem:PRESet", plain(lambda session: meter.reset()))
    commands.add("SYSTem:TEMPerature?", plain(lambda session: LONG(24.5)))
    commands.add("SYSTem:VERSion?", plain(lambda session: "1995.0"))
    slots = ",".join([meter.model] * len(meter.ports))
    commands.add("*OPT?", plain(lambda session: slots))
    commands.add("SLOT#:IDN?", plain(lambda session: meter.identity), meter.one[:1])
    commands.add("SLOT#:OPTions?", plain(lambda session: "NO CONNECTOR OPTION"), meter.one[:1])
    commands.add("SLOT#:EMPTy?", plain(lambda session: signed(False)), meter.one[:1])


def _add_triggers(meter: KeysightN7744A) -> None:
    settings, commands, one = meter.settings, meter.commands, meter.one

    def idle(at: Suffixes, value: object) -> None:
        meter.refuse_while_running(meter.port(at))

    settings.choice(
        "trigger_input", "TRIGger#[:CHANnel#]:INPut", INPUTS, "IGNore", ranges=one, check=idle
    )
    settings.boolean(
        "rearm_input", "TRIGger#[:CHANnel#]:INPut:REARm", True, form=signed, ranges=one
    )
    settings.choice(
        "trigger_output", "TRIGger#[:CHANnel#]:OUTPut", ("DISabled", "AVGover", "MEASure"),
        "DISabled", ranges=one, check=idle,
    )  # fmt: skip
    settings.boolean(
        "rearm_output", "TRIGger#[:CHANnel#]:OUTPut:REARm", True, form=signed, ranges=one
    )
    settings.text("trigger_routing", "TRIGger:CONFiguration", "DEF", read=_routing, form=str)

    def node(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        word = arguments(text, 1, 1)[0].upper()
        if word not in ("1", "2", "NODEA", "NODEB"):
            raise ScpiError(-224)
        meter.trigger()

    commands.add("TRIGger", node)


def _routing(text: str) -> str:
    if text in ("0", "1", "2", "3"):
        return short(ROUTINGS[int(text)])
    return {word.upper(): short(word) for word in ROUTINGS}[choice(text, ROUTINGS)]


def _seconds(text: str) -> float:
    value = number(text, "S")
    if not 1e-6 <= value <= 1e6:
        raise ScpiError(-222)
    return value


def _add_parameters(meter: KeysightN7744A) -> None:
    """All ports log with the same parameters."""
    commands, one = meter.commands, meter.one

    def set_logging(port: Port, text: str) -> None:
        meter.refuse_while_running(port)
        points, averaging = arguments(text, 2, 2)
        count, seconds = integer(points, 1, MOST_POINTS), _seconds(averaging)
        if seconds > 10.0:
            raise ScpiError(-222)
        meter.points, meter.averaging = count, seconds

    def set_stability(port: Port, text: str) -> None:
        meter.refuse_while_running(port)
        total, period, averaging = map(_seconds, arguments(text, 3, 3))
        if not averaging <= period <= total or total / period > MOST_POINTS:
            raise ScpiError(-221)
        meter.total, meter.period, meter.stability_averaging = total, period, averaging

    def set_extremes(port: Port, text: str) -> None:
        meter.refuse_while_running(port)
        mode, points = arguments(text, 2, 2)
        modes = ("CONTinous", "WINDow", "REFResh")
        meter.extremes = (choice(mode, modes)[:4], integer(points, 1, MOST_POINTS))

    def logging(port: Port, text: str) -> str:
        return f"{nr1_signed(meter.points)},{LONG(meter.averaging)}"

    def stability(port: Port, text: str) -> str:
        return f"{_TOTAL(meter.total)},{LONG(meter.period)},{LONG(meter.stability_averaging)}"

    def extremes(port: Port, text: str) -> str:
        return f"{meter.extremes[0]},{nr1_signed(meter.extremes[1])}"

    for name, keep, tell in (
        ("LOGGing", set_logging, logging), ("STABility", set_stability, stability),
        ("MINMax", set_extremes, extremes),
    ):  # fmt: skip
        header = f"{SENSE}:FUNCtion:PARameter:{name}"
        commands.add(header, on_port(meter, keep), one)
        commands.add(f"{header}?", on_port(meter, tell), one)
    meter.settings.number(
        "loop", "SENSe#[:CHANnel#]:FUNCtion:LOOP", 0, 1e6, 1, whole=True, form=nr1_signed,
        ranges=one, check=lambda at, value: meter.refuse_while_running(meter.port(at)),
    )  # fmt: skip


def _add_results(meter: KeysightN7744A) -> None:
    commands, one = meter.commands, meter.one

    def set_state(port: Port, text: str) -> None:
        which, what = arguments(text, 2, 2)
        function = choice(which, ("LOGGing", "STABility", "MINMax"))
        if choice(what, ("STARt", "STOP")) == "STOP":
            port.stop()
            return
        mode, now = meter.input_mode(port.number), meter.now()
        if function == "MINMAX":
            port.begin(MINMAX, 0, port.averaging, port.averaging, mode, now)
        elif function == "LOGGING":
            averaging = meter.averaging
            port.begin(LOGGING, meter.points, averaging, averaging, mode, now)
        else:
            count = max(1, int(meter.total / meter.period + 1e-9))
            averaging = meter.stability_averaging
            port.begin(LOGGING, count, averaging, meter.period, mode, now)

    def state(port: Port, text: str) -> str:
        return f"{port.function},{'COMPLETE' if port.complete else 'PROGRESS'}"

    def block(port: Port, values: Floats) -> bytes:
        return write_block(port.told(values).astype("<f4").tobytes())

    def results(port: Port, text: str) -> Reply:
        """While samples are still to come the answer waits for them."""
        if text.strip():
            raise ScpiError(-108)
        if port.running and port.function == LOGGING:
            return meter.when(lambda: not port.running, lambda: block(port, port.result()))
        return block(port, port.result())

    def part(port: Port, text: str) -> Reply:
        """<offset>,<count> of what has been taken so far."""
        offset, count = (integer(word, 0, MOST_POINTS) for word in arguments(text, 2, 2))
        values = port.result()
        if not count or offset + count > values.size:
            raise ScpiError(-222)
        return block(port, values[offset : offset + count])

    root = f"{SENSE}:FUNCtion"
    commands.add(f"{root}:STATe", on_port(meter, set_state), one)
    commands.add(f"{root}:STATe?", on_port(meter, state), one)
    commands.add(f"{root}:RESult?", on_port(meter, results), one)
    commands.add(f"{root}:RESult:BLOCk?", on_port(meter, part), one)
    most = nr1_signed(MOST_POINTS)
    commands.add(f"{root}:RESult:MAXBlocksize?", on_port(meter, lambda port, text: most), one)
    commands.add(
        f"{root}:RESult:INDex?", on_port(meter, lambda port, text: signed(port.complete)), one
    )
