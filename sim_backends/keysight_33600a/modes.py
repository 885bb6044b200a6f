"""Which of modulation, sweep and burst is on in a channel, and what a modulated channel gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .memory import Arb
from .modulation import (
    HEADERS,
    SWEPT,
    Carrier,
    Integral,
    Modulated,
    centres,
    hopping,
    once,
    shape_of,
    swept,
)
from .playing import Floats

if TYPE_CHECKING:
    from .channel import Channel


class Modes:
    """The modes of one channel; settings are the instrument's."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def on(self, mode: str) -> bool:
        """Whether a modulation, SWEEP or BURST is on."""
        channel = self._channel
        return channel.generator.settings.on(mode.lower(), channel.number)

    def switch_off(self, mode: str) -> None:
        """Without a word."""
        channel = self._channel
        channel.generator.settings[mode.lower(), channel.number] = False
        if mode == SWEPT:
            channel.generator.settings["frequency_mode", channel.number] = "CW"

    @property
    def modulation(self) -> str | None:
        """The modulation that is on, if one is."""
        return next((mode for mode in HEADERS if self.on(mode)), None)

    @property
    def sweeping(self) -> bool:
        """Whether the frequency is swept."""
        return self.on(SWEPT)

    def _signal(self, mode: str, times: Floats) -> Floats:
        """The modulating signal (n,), -1 to 1; nothing is joined to Modulation In."""
        channel, low = self._channel, mode.lower()
        source = channel.word(f"{low}_source")
        if source == "EXT":
            return np.zeros(times.shape)
        if source.startswith("CH"):
            other = channel.generator.channels[int(source[2:]) - 1]
            return other.output.player.at(channel.generator.now() + times)[0]
        turns = times * channel.value(f"{low}_frequency")
        return shape_of(channel.word(f"{low}_shape"), turns, self._arb())

    def _arb(self) -> Floats:
        entry = self._channel.entry()
        return entry.values if isinstance(entry, Arb) else np.zeros(1)

    def modulated(self, carrier: Carrier, frequency: float, now: float) -> Modulated | None:
        """What a carrier of `frequency` Hz becomes from now on; None where nothing modulates it."""
        mode, channel = self.modulation, self._channel
        if mode is None:
            return None
        amount = channel.value(f"{mode.lower()}_amount")
        top = max(frequency, channel.value(f"{mode.lower()}_frequency"))

        def plain(times: Floats) -> Floats:
            return carrier(frequency * times)

        if mode == "AM":
            depth, suppressed = 0.01 * amount, channel.generator.settings.on(
                "am_dssc", channel.number
            )  # fmt: skip

            def value(times: Floats) -> Floats:
                signal = self._signal("AM", times)
                return plain(times) * (depth * signal if suppressed else 0.5 + 0.5 * depth * signal)

        elif mode == "SUM":

            def value(times: Floats) -> Floats:
                return plain(times) + 0.01 * amount * self._signal("SUM", times)

        elif mode in ("PM", "BPSK"):
            rate = channel.value(f"{mode.lower()}_frequency")

            def value(times: Floats) -> Floats:
                if mode == "PM":
                    turned = amount / 360.0 * self._signal("PM", times)
                elif channel.word("bpsk_source") == "EXT":
                    turned = np.zeros(times.shape)
                else:
                    turned = np.where(times * rate % 1.0 < 0.5, 0.0, amount / 360.0)
                return carrier(frequency * times + turned)

        elif mode == "PWM":

            def value(times: Floats) -> Floats:
                width = channel.value("pulse_width") + amount * self._signal("PWM", times)
                return np.where(frequency * times % 1.0 < width * frequency, 1.0, -1.0)

        else:
            integral = self._hops(frequency, amount) if mode == "FSK" else self._deviation(amount)
            top = max(top, amount, frequency + (amount if mode == "FM" else 0.0))

            def value(times: Floats) -> Floats:
                base = 0.0 if mode == "FSK" else frequency
                return carrier(base * times + integral.at(times))

        return Modulated(now, top, value)

    def _hops(self, frequency: float, hop: float) -> Integral:
        channel = self._channel
        if channel.word("fsk_source") == "EXT":  # nothing is joined: the carrier stays
            hop = frequency
        return hopping(channel.value("fsk_frequency"), frequency, hop)

    def _deviation(self, amount: float) -> Integral:
        period = 1.0 / self._channel.value("fm_frequency")
        return Integral.of(period, amount * self._signal("FM", centres() * period))

    def sweep(self, carrier: Carrier, start: float, *, single: bool, going: bool) -> Modulated:
        """The carrier swept from bench time `start` on; once where a trigger starts it, and before
        the first (`going` False) at its lower end.
        """
        channel = self._channel
        begin, end = channel.value("sweep_start"), channel.value("sweep_stop")
        period, hertz = swept(
            begin, end, channel.value("sweep_time"), channel.value("sweep_hold"),
            channel.value("sweep_return"), channel.word("sweep_spacing") == "LOG",
        )  # fmt: skip
        integral = Integral.of(period, hertz)
        turns = once(integral, begin) if single else integral.at
        if not going:
            return Modulated(start, begin, lambda times: carrier(begin * times))
        return Modulated(start, max(begin, end), lambda times: carrier(turns(times)))
