"""Commands of the digitiser, ACQ (Red Pitaya scpi-server source, acquire.cpp and
scpi-commands.cpp).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, choice, integer, number
from sim_backends.engine.session import Command, Reply, ScpiSession

from .acquisition import DECIMATIONS, RING
from .session import BoxSession, channel, lacking, out_of_range

if TYPE_CHECKING:
    from .box import RedPitaya

SOURCES = (
    "DISABLED", "NOW", "CH1_PE", "CH1_NE", "CH2_PE", "CH2_NE", "EXT_PE", "EXT_NE", "AWG_PE",
    "AWG_NE", "CH1_AE", "CH2_AE", "EXT_AE", "AWG_AE",
)  # fmt: skip
_POWERS = frozenset({1, 2, 4, 8, *(1 << k for k in range(4, 17))})
_MOST_DEAD_US = 8 * 2**20 / 125.0
_AROUND = ("PRE_TRIG", "POST_TRIG", "PRE_POST_TRIG")


def _one(text: str) -> str:
    return arguments(text, 1, 1)[0]


def _whole(text: str) -> int:
    return integer(text, -(2**31), 2**32 - 1)


def prefix_word(text: str, words: tuple[str, ...]) -> str | None:
    """The first of `words` that `text` is the beginning of, as C's strncasecmp with its length."""
    upper = text.upper()
    return next((word for word in words if upper and word.startswith(upper)), None)


def add_acquire(commands: CommandTable[Command], box: RedPitaya) -> None:
    """Enter the commands."""
    settings = _Settings(box)
    state = box.acquisition
    add = commands.add
    add("ACQ:START", plain(lambda session: state.start(box.now())))
    add("ACQ:STOP", plain(lambda session: state.stop(box.now())))
    add("ACQ:RST", settings.reset)
    add("ACQ:DEC", settings.decimation)
    add("ACQ:DEC?", plain(lambda session: str(state.decimation)))
    add("ACQ:DEC:Factor", settings.factor)
    add("ACQ:DEC:Factor?", plain(lambda session: str(state.decimation)))
    add("ACQ:SRATe?", plain(lambda session: f"{125e6 / state.decimation:9.0f} Hz"))
    add("ACQ:AVG", settings.average)
    add("ACQ:AVG?", plain(lambda session: "ON" if state.average else "OFF"))
    add("ACQ:TRig", settings.trigger)
    add("ACQ:TRig:STAT?", plain(lambda session: "TD" if state.triggered(box.now()) else "WAIT"))
    add("ACQ:TRig:FILL?", plain(lambda session: "1" if state.filled(box.now()) else "0"))
    add("ACQ:TRig:DLY", settings.delay)
    add("ACQ:TRig:DLY?", plain(lambda session: str(state.delay)))
    add("ACQ:TRig:DLY:NS", settings.delay_ns)
    add("ACQ:TRig:DLY:NS?", plain(lambda session: str(state.delay * state.decimation * 8)))
    add("ACQ:TRig:HYST", settings.hysteresis)
    add("ACQ:TRig:HYST?", plain(lambda session: f"{state.hysteresis:g}"))
    add("ACQ:TRig:LEV", settings.level)
    add("ACQ:TRig:LEV?", plain(lambda session: f"{state.level[0]:g}"))
    add("ACQ:TRig:EXT:DEBouncer[:US]", settings.dead_time)
    add(
        "ACQ:TRig:EXT:DEBouncer[:US]?",
        plain(lambda session: f"{box.acquisition_debouncer.dead_time * 1e6:.15g}"),
    )
    add("ACQ:WPOS?", plain(lambda session: str(state.write_position(box.now()))))
    add("ACQ:TPOS?", plain(lambda session: str(state.trigger_position())))
    add("ACQ:DATA:Units", settings.units)
    add("ACQ:DATA:Units?", plain(lambda session: "VOLTS" if state.volts else "RAW"))
    add("ACQ:DATA:FORMAT", settings.format)
    add("ACQ:DATA:FORMAT?", settings.format_query)
    add("ACQ:DATA:BYTE:ORDER", settings.order)
    add("ACQ:DATA:BYTE:ORDER?", settings.order_query)
    add("ACQ:SOUR#:GAIN", settings.gain)
    add("ACQ:SOUR#:GAIN?", lambda s, n, text: "HV" if state.high_voltage[channel(n)] else "LV")
    for header in ("ACQ:SOUR#:COUP", "ACQ:SOUR#:COUP?"):  # of the 250-12 alone
        add(header, lacking("set AC/DC mode"))
    for header in ("TRig:EXT:LEV", "TRig:EXT:LEV?"):
        add(header, lacking("set external trigger level"))
    add("ACQ:SOUR#:OFFS", settings.offset)
    add("ACQ:SOUR#:OFFS?", lambda s, n, text: f"{state.offset[channel(n)]:g}")
    add("ACQ:BUF:SIZE?", plain(lambda session: str(RING)))
    data = _Data(box)
    for start in ("Start", "STArt"):
        add(f"ACQ:SOUR#:DATA:{start}:N?", data.from_position)
        add(f"ACQ:SOUR#:DATA:{start}:End?", data.between)
    add("ACQ:SOUR#:DATA:Old:N?", data.oldest)
    add("ACQ:SOUR#:DATA:LATest:N?", data.latest)
    add("ACQ:SOUR#:DATA:TRig?", data.around_trigger)
    add("ACQ:SOUR#:DATA?", data.everything)


class _Settings:
    """Commands that set the digitiser up."""

    def __init__(self, box: RedPitaya) -> None:
        self._box = box
        self._state = box.acquisition

    def reset(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        if text.strip():
            raise ScpiError(-108)
        self._state.reset()
        self._box.deep.reset()
        # The reply format is reset for this client only.
        assert isinstance(session, BoxSession)
        session.binary = False

    def decimation(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        value = _whole(_one(text))
        if value not in _POWERS:
            raise ScpiError(-109, "Parameter decimation is invalid.")
        self._state.decimation = value

    def factor(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        value = _whole(_one(text))
        if value not in DECIMATIONS:
            raise out_of_range("decimation factor")
        self._state.decimation = value

    def average(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._state.average = boolean(_one(text))

    def trigger(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._state.arm(choice(_one(text), SOURCES), self._box.now())

    def delay(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._state.delay = _whole(_one(text))

    def delay_ns(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._state.delay = round(_whole(_one(text)) / (8 * self._state.decimation))

    def hysteresis(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._state.hysteresis = number(_one(text), "V")

    def level(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        value = number(_one(text), "V")
        if abs(value) > (20.0 if any(self._state.high_voltage) else 1.0):
            raise out_of_range("CH1 trigger level")
        self._state.level = [value, value]

    def dead_time(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        value = number(_one(text))
        if not 0.0 <= value <= _MOST_DEAD_US:
            raise out_of_range("debouncer")
        self._box.acquisition_debouncer.dead_time = value * 1e-6

    def units(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._state.volts = choice(_one(text), ("VOLTS", "RAW")) == "VOLTS"

    def format(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        word = prefix_word(_one(text), ("BIN", "ASCII"))
        if word is None:
            raise ScpiError(-200)
        assert isinstance(session, BoxSession)
        session.binary = word == "BIN"

    def format_query(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        assert isinstance(session, BoxSession)
        return "BIN" if session.binary else "ASCII"

    def order(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        assert isinstance(session, BoxSession)
        session.little_endian = choice(_one(text), ("LEND", "BEND")) == "LEND"

    def order_query(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        assert isinstance(session, BoxSession)
        return "LEND" if session.little_endian else "BEND"

    def gain(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        index = channel(suffixes)
        self._state.set_gain(index, choice(_one(text), ("LV", "HV")) == "HV")

    def offset(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        """Added to points that are told in volts; ADC words stay."""
        self._state.offset[channel(suffixes)] = number(_one(text), "V")


Reader = Callable[[ScpiSession, tuple[int, ...], str], Reply]


class _Data:
    """Queries that read the ring."""

    def __init__(self, box: RedPitaya) -> None:
        self._box = box
        self._state = box.acquisition

    def _read(
        self, session: ScpiSession, suffixes: tuple[int, ...], position: int, count: int
    ) -> Reply:
        assert isinstance(session, BoxSession)
        index = channel(suffixes)
        if not 0 < count <= RING:
            raise out_of_range("number of points")
        volts = self._state.read(index, position % RING, count, self._box.now())
        if self._state.volts:
            return session.floats(volts + self._state.offset[index])
        return session.integers(self._state.words(index, volts))

    def from_position(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        words = arguments(text, 2, 2)
        return self._read(session, suffixes, _whole(words[0]), _whole(words[1]))

    def between(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        words = arguments(text, 2, 2)
        start, end = _whole(words[0]), _whole(words[1])
        return self._read(session, suffixes, start, (end - start) % RING + 1)

    def oldest(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        position = self._state.write_position(self._box.now())
        return self._read(session, suffixes, position, _whole(_one(text)))

    def latest(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        count = _whole(_one(text))
        position = self._state.write_position(self._box.now()) - count
        return self._read(session, suffixes, position, count)

    def around_trigger(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        words = arguments(text, 2, 2)
        count = _whole(words[0])
        mode = choice(words[1], _AROUND)
        position = self._state.trigger_position()
        if mode == "POST_TRIG":
            return self._read(session, suffixes, position, count + 1)
        size = count + 1 if mode == "PRE_TRIG" else 2 * count + 1
        return self._read(session, suffixes, position - count, size)

    def everything(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        if text.strip():
            raise ScpiError(-108)
        position = self._state.write_position(self._box.now())
        return self._read(session, suffixes, position, RING)
