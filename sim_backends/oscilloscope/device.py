"""What simulated oscilloscopes do alike: when they run, how an input is set, what a probe does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from sim_backends.engine.common import plain
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.parameters import arguments
from sim_backends.engine.session import Reply, ScpiSession

from .acquisition import Acquisition, Plan, Record
from .front_end import Channel
from .inputs import EXTERNAL, DecayingSine, Inputs

Suffixes = tuple[int, ...]


class Oscilloscope(ScpiDevice, ABC):
    """An oscilloscope as it is switched on: running, automatic sweep, input 1 shown.

    A model declares its commands; of its settings these are read here, by input: `display`,
    `coupling`, `probe`, `scale`, `invert`, `offset`, and of all of it `source` and `acquire type`.
    """

    def __init__(
        self, now: Callable[[], float], identity: str, inputs: Inputs | None, count: int, seed: int
    ) -> None:
        """`inputs`: what its `count` inputs are joined to; nothing given is a decaying sine,
        triggered again and again. `identity`: the reply to *IDN?.
        """
        super().__init__(now, identity)
        self.seed = seed
        self.inputs = DecayingSine(now) if inputs is None else inputs
        self.numbers = range(1, count + 1)
        """Of the inputs."""
        self.acquisition = Acquisition(now, self.inputs, self.plan)
        self._probes = dict.fromkeys(self.numbers, 1.0)
        self._idle = True

    @abstractmethod
    def plan(self) -> Plan:
        """How an acquisition that starts now is done."""

    @property
    @abstractmethod
    def fastest(self) -> float:
        """Sa/s at which it samples, of which high resolution makes fewer points."""

    def advance(self) -> None:
        """Bring the acquisition up to the present; the first time it begins to run."""
        if self._idle:
            self._idle = False
            self.acquisition.start(single=False)
        self.acquisition.advance()

    def reset(self) -> None:
        """*RST: everything as it was switched on."""
        super().reset()
        self.settings["display", 1] = True
        self._probes = dict.fromkeys(self._probes, 1.0)

    def changed(self) -> None:
        """What concerns the acquisition was changed: what runs begins anew."""
        if not self._idle and self.acquisition.running:
            self.acquisition.start(single=self.acquisition.single)

    # -- how it is set ----------------------------------------------------------------------------

    @property
    def words(self) -> tuple[str, ...]:
        """The inputs as sources of anything."""
        return tuple(f"CHANnel{n}" for n in self.numbers)

    def channel(self, number: int) -> Channel:
        """An input as it is set now."""
        return Channel(
            number,
            self.settings.value("scale", number),
            self.settings.value("probe", number),
            self.settings.word("coupling", number),
            self.settings.on("invert", number),
        )

    @property
    def shown(self) -> set[int]:
        """Inputs that are shown."""
        return {n for n in self.numbers if self.settings.on("display", n)}

    @property
    def source(self) -> int:
        """What triggers: an input, or `EXTERNAL`."""
        return number_of(self.settings.word("source"))

    def at_connector(self, level: float, source: int) -> float:
        """V at an input's connector for V at its probe's tip, as the input is shown."""
        level = -level if self.settings.on("invert", source) else level
        return level / self.settings.value("probe", source)

    def quieter(self, record: Record) -> float:
        """By how much high resolution lessens the noise."""
        if self.settings.word("acquire type") != "HRES":
            return 1.0
        return max(1.0, self.fastest / record.plan.rate) ** 0.5

    def probed(self, number: int) -> float:
        """By how much the factor of an input's probe has changed since this was last asked."""
        new = self.settings.value("probe", number)
        factor, self._probes[number] = new / self._probes[number], new
        return factor

    # -- commands ---------------------------------------------------------------------------------

    def query(self, pattern: str, tell: Callable[[str], Reply]) -> None:
        """Enter a query that takes a parameter at most."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
            return tell(arguments(text, 0, 1)[0] if text.strip() else "")

        self.commands.add(f"{pattern}?", run)

    def action(self, pattern: str, act: Callable[[], None]) -> None:
        """Enter a command without parameter."""
        self.commands.add(pattern, plain(lambda session: act()))


def number_of(word: str) -> int:
    """The number of a source `CHAN1`; `EXTERNAL` for any other."""
    return int(word[-1]) if word.startswith("CHAN") else EXTERNAL
