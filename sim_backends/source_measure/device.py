"""What simulated source-measure units do alike, whatever their commands: output and own faults."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from sim_backends.engine.device import ScpiDevice
from sim_backends.instrument import OwnFault, without_value

from .load import Load
from .ranges import Range
from .unit import Drive, SourceMeasureUnit


class SourceMeasureDevice(ScpiDevice):
    """A unit whose terminals are joined to `load`. All clients share its state."""

    def __init__(
        self,
        now: Callable[[], float],
        identity: str,
        load: Load,
        ranges: tuple[tuple[Range, ...], tuple[Range, ...]],
        seed: int,
        lead_ohms: float,
    ) -> None:
        """`ranges` of volts and of amperes."""
        super().__init__(now, identity)
        self.unit = SourceMeasureUnit(load, *ranges, seed, lead_ohms)
        self.output = False
        self.hot = False
        self._swept: Drive | None = None

    @abstractmethod
    def _drive(self, level: float | None = None, source_range: int | None = None) -> Drive:
        """What the source does now, or at another level."""

    @abstractmethod
    def _open_interlock(self) -> None:
        """The interlock opens."""

    @abstractmethod
    def _overheat(self) -> None:
        """It switches itself off until it has cooled."""

    @abstractmethod
    def _mend(self) -> None:
        """All is well again."""

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`load=open`, `load=short` or `load=OHMS`; `interlock`, `over-temperature`, `mended`."""
        return {
            "load": self.unit.load_fault,
            "interlock": without_value(self._open_interlock),
            "over-temperature": without_value(self._overheat),
            "mended": without_value(self._mend),
        }

    def output_off(self) -> None:
        """The output goes off, whatever for."""
        self.output = False
        self.unit.idle()

    def _off_before(self, name: str) -> Callable[[str | bool], None]:
        """What turns the output off before a setting becomes another."""

        def given(value: str | bool) -> None:
            if value != self.settings[name]:
                self.output_off()

        return given

    def _drive_again(self) -> None:
        if self.output and self._swept is None:
            self.unit.apply(self._drive())
