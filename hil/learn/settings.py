"""What a training run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hil.learn.errors import MethodError
from hil.learn.trust import GateSettings, WatchSettings
from hil.twin.refit import RefitSettings


class Method(StrEnum):
    """Training methods; see docs/methods.md."""

    PAT = "pat"
    PAT_FINAL = "pat-final"
    IN_SILICO = "in-silico"
    IN_SILICO_REFIT = "in-silico-refit"
    FROZEN = "frozen"
    IDEAL = "ideal"


class TwinMode(StrEnum):
    """Whether the twin follows the bench during training."""

    ONLINE = "online"
    FIXED = "fixed"


@dataclass(frozen=True)
class TrainingSettings:
    """One run's method, budget and rates (rates chosen on held-out training data).

    Attributes
    ----------
    power_rate, electronics_rate : Adam's steps for powers (p_pi) and for gain, bias, read-out;
        both fall to zero along a cosine.
    follow : steps of the powers never fall below so many times the drift that the refit sees from
        batch to batch (and rates of the electronics below the same share): who stops learning on a
        bench that drifts is left behind by it.
    digital_steps, digital_batch : steps on the online twin alone that follow each measured step of
        `pat`, and the training items of each (`hil.learn.digital_steps`).
    readout_epochs : epochs of the read-out stage of `in-silico-refit`.
    watch, gate : the drift watch and the trust gate, where passes are measured on a bench.
    """

    method: Method = Method.PAT
    twin: TwinMode = TwinMode.ONLINE
    epochs: int = 40
    batch: int = 64
    seed: int = 0
    power_rate: float = 0.02
    electronics_rate: float = 0.03
    follow: float = 1.0
    digital_steps: int = 2
    digital_batch: int = 192
    readout_epochs: int = 8
    refit: RefitSettings = field(default_factory=RefitSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    gate: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise MethodError(f"epochs is {self.epochs}; at least one is needed")
        if self.batch < 2:
            raise MethodError(f"batch is {self.batch}; at least two samples are needed")
        if self.digital_steps < 0 or self.digital_batch < 2:
            raise MethodError(
                f"digital_steps is {self.digital_steps} of {self.digital_batch} items; it must be "
                "0 or more, of at least two"
            )
        if self.seed < 0:
            raise MethodError(f"seed is {self.seed}; a whole number from 0 on is needed")


def parse_method(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    MethodError
        Naming the methods there are.
    """
    try:
        return Method(name)
    except ValueError:
        raise MethodError(f"no method {name!r}; there are {', '.join(Method)}") from None
