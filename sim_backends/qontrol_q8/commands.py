"""What each command of the chain does, alike for ASCII and binary requests, and how values are
printed.

Formats from recorded exchanges with Q8iv modules of firmware v2.4.1 (takeqontrol/api, branch
virtual-module).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .chain import PER_MODULE, Channels, Fault, Floats, QontrolChain

OK = "OK"

CODES = {
    0x00: "V", 0x01: "I", 0x02: "VMAX", 0x03: "IMAX", 0x04: "VCAL", 0x05: "ICAL", 0x06: "VERR",
    0x07: "IERR", 0x0A: "VIP", 0x0B: "SR", 0x0C: "PDI", 0x0D: "PDP", 0x0E: "PDR", 0x0F: "GAIN",
    0x20: "VFULL", 0x21: "IFULL", 0x22: "NCHAN", 0x23: "FIRMWARE", 0x24: "ID", 0x25: "LIFETIME",
    0x26: "NVM", 0x27: "LOG", 0x28: "QUIET", 0x31: "LED", 0x32: "NUP", 0x33: "ADCT", 0x34: "ADCN",
    0x35: "CCFN", 0x36: "INTEST", 0x37: "OK", 0x38: "DIGSUP", 0x41: "HELP", 0x42: "SAFE",
    0x43: "ROCOM", 0x44: "Q", 0x45: "EQ", 0x48: "M", 0x49: "QN", 0x4A: "QL", 0x4B: "PW",
    0x4C: "TIMER",
}  # fmt: skip
"""command codes of the binary mode"""

PER_CHANNEL = frozenset({"V", "I", "VMAX", "IMAX"})
READ_ALL_ONLY = frozenset({"VIP", "VFULL", "IFULL", "NCHAN"})
_APPRECIABLE = 5e-5
"""A, from which VIP adds power and resistance"""
_MEANINGS = {
    0: "Unknown error.", 1: "Over-voltage on channel.", 2: "Over-current on channel.",
    3: "Power error.", 4: "Calibration error.", 5: "Output error.", 10: "Unrecognised command.",
    11: "Unrecognised input parameter.", 12: "Unrecognised channel.", 13: "Operation forbidden.",
    14: "Serial buffer overflow.", 15: "Serial communication error.", 16: "Command timed out.",
    17: "SPI error.", 18: "ADC error.", 19: "I2C error.", 30: "Too many errors, some suppressed.",
    31: "Firmware trap.", 90: "Powered up.",
}  # fmt: skip
_HELP = "\n".join(
    (
        "\nCORE COMMAND SET.",
        " See manual for full listing.",
        " V<ch>=<val>, I<ch>=<val>, VMAX<ch>=<val>, IMAX<ch>=<val>; <command><ch>?, <command>ALL?",
        " NUP=<val>, ID?, FIRMWARE?, LIFETIME?, LOG?, NVM?, VFULL?, IFULL?, NCHAN?",
        "ERROR CODES.",
        *(f" {code:02d} {meaning}" for code, meaning in _MEANINGS.items()),
    )
)


class Refusal(Exception):
    """A request that is answered by an error line `E<code>:<detail>`."""

    def __init__(self, code: int, detail: int = 0) -> None:
        self.code = code
        self.detail = detail
        super().__init__(error_line(code, detail))


def error_line(code: int, detail: int) -> str:
    """As on the wire, without the line end."""
    return f"E{code:02d}:{detail:02d}"


@dataclass(frozen=True)
class Answer:
    """Lines that answer a request at once, and output faults that follow on their own."""

    lines: Sequence[str]
    faults: Sequence[Fault] = ()


class Commands:
    """The commands of one chain."""

    def __init__(self, chain: QontrolChain) -> None:
        self._chain = chain
        self._readers: dict[str, Callable[[Channels], list[str]]] = {
            "V": lambda channels: _volts(chain.read_volts(channels)),
            "I": lambda channels: _milliamps(chain.read_amps(channels)),
            "VMAX": lambda channels: _volts(chain.v_max[channels]),
            "IMAX": lambda channels: _milliamps(chain.i_max[channels]),
            "VCAL": lambda channels: ["+1,+0,+0,+0"] * channels.size,
            "ICAL": lambda channels: ["+1,+0,+0,+0"] * channels.size,
            "VIP": self._power_lines,
        }
        self._module_readers: dict[str, Callable[[int], str]] = {
            "ID": chain.identity,
            "NUP": lambda module: f"{chain.identity(module)}: {chain.enumerated[module]}",
            "NCHAN": lambda module: str(PER_MODULE),
            "FIRMWARE": lambda module: chain.firmware,
            "LIFETIME": lambda module: f"{chain.lifetime(module)} s",
            "VFULL": lambda module: _volts(np.array([chain.v_full]))[0],
            "IFULL": lambda module: _milliamps(np.array([chain.i_full]))[0],
            "HELP": lambda module: _HELP,
            "LOG": self._log_lines,
            "NVM": lambda module: "\n".join(
                f"{row * 2:02X} : 0x0001,  {row * 2 + 1:02X} : 0xFF78" for row in range(128)
            ),
        }

    def knows(self, name: str) -> bool:
        """Whether firmware 2.4.1 recognises the command."""
        return (
            name in self._readers
            or name in self._module_readers
            or name in self._chain.flags
            or name in ("VERR", "IERR", "ROCOM")
        )

    def channel(self, number: int) -> int:
        """A channel of the chain. Raises `Refusal` E12."""
        if not 0 <= number < self._chain.channels:
            raise Refusal(12, number % 100)
        return number

    def get(self, name: str, channel: int | None, everything: bool) -> Answer:
        """Answer a query of one channel, of the first module, or of all."""
        chain = self._chain
        if name in ("VERR", "IERR", "ROCOM"):
            raise Refusal(0, 1)
        if name in self._readers:
            if everything:
                return Answer(self._readers[name](np.arange(chain.channels)))
            if channel is None:
                raise Refusal(12, 0)
            return Answer(self._readers[name](np.array([self.channel(channel)])))
        first = 0 if channel is None else self.channel(channel) // PER_MODULE
        modules = range(chain.modules) if everything else (first,)
        if name in chain.flags:
            return Answer([str(int(chain.flags[name][module])) for module in modules])
        return Answer([self._module_readers[name](module) for module in modules])

    def set_values(self, name: str, first: int, values: Floats) -> Answer:
        """Set consecutive channels from `first` on to SI values; each module touched answers OK."""
        chain = self._chain
        self.channel(first)
        self.channel(first + values.size - 1)
        channels = np.arange(first, first + values.size)
        full = chain.v_full if name in ("V", "VMAX") else chain.i_full
        # Beyond full scale no word exists: the parameter itself is refused.
        if not ((values >= 0.0) & (values <= full * (1 + 1e-9))).all():
            raise Refusal(11, 3)
        faults: list[Fault] = []
        if name == "V":
            faults = chain.set_volts(channels, values)
        elif name == "I":
            faults = chain.set_amps(channels, values)
        elif name == "VMAX":
            chain.v_max[channels] = values
        else:
            chain.i_max[channels] = values
        touched = channels[-1] // PER_MODULE - first // PER_MODULE + 1
        return Answer([OK] * int(touched), faults)

    def set_all(self, name: str, value: float) -> Answer:
        """Set every channel of the chain."""
        return self.set_values(name, 0, np.full(self._chain.channels, value))

    def enumerate_chain(self, start: int) -> Answer:
        """NUP: count the modules anew; every one acknowledges with an ACK byte before its OK."""
        self._chain.enumerated = [start + module for module in range(self._chain.modules)]
        return Answer(["\x06" + OK] * self._chain.modules)

    def set_flag(self, name: str, channel: int | None, value: int, everything: bool) -> Answer:
        """Set a module's switch such as LED or SAFE."""
        chain = self._chain
        if everything:
            chain.flags[name][:] = value
            return Answer([OK] * chain.modules)
        module = 0 if channel is None else self.channel(channel) // PER_MODULE
        chain.flags[name][module] = value
        return Answer([OK])

    def _power_lines(self, channels: Channels) -> list[str]:
        volts, amps = self._chain.read_volts(channels), self._chain.read_amps(channels)
        lines = []
        for channel, v, i in zip(channels.tolist(), volts.tolist(), amps.tolist(), strict=True):
            place = f"{channel // PER_MODULE},{channel % PER_MODULE}"
            line = f"{place}: {v:+.4f} V, {i * 1e3:+.4f} mA"
            if abs(i) > _APPRECIABLE:
                line += f", {v * i * 1e3:8.4f} mW, {v / i:6.0f} Ohm"
            lines.append(line)
        return lines

    def _log_lines(self, module: int) -> str:
        now = self._chain.now()
        return "\n".join(
            f"#{index:3d}, {error_line(entry.code, entry.detail)}, {_age(now - entry.at)} ago"
            for index, entry in enumerate(self._chain.logs[module])
        )


def _age(seconds: float) -> str:
    for unit, length in (("h", 3600.0), ("m", 60.0)):
        if seconds >= length:
            return f"{int(seconds / length)} {unit}"
    return f"{int(seconds)} s"


def _volts(values: Floats) -> list[str]:
    return [f"{value:+.4f} V" for value in values.tolist()]


def _milliamps(values: Floats) -> list[str]:
    return [f"{value * 1e3:+.4f} mA" for value in values.tolist()]
