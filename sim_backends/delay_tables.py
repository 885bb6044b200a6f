"""`[[delay]]` of the bench document: what the outputs of a delay generator lead to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Output(_Table):
    """One output: the instruments at it, and the ohms that they are together."""

    output: str
    feeds: list[str] = []
    load: float = Field(50.0, gt=0.0, allow_inf_nan=False)


class Delay(_Table):
    """One generator, whose trigger input is at the trigger line."""

    generator: str
    outputs: list[Output] = []


def delay_faults(delays: Sequence[Delay], names: Collection[str]) -> Iterator[str]:
    """What is wrong with the delay generators of a bench of instruments `names`."""
    fed: set[str] = set()
    for index, delay in enumerate(delays):
        if delay.generator not in names:
            yield f"delay.{index}.generator: no instrument is named {delay.generator!r}"
        for place, output in enumerate(delay.outputs):
            for name in output.feeds:
                path = f"delay.{index}.outputs.{place}.feeds"
                if name not in names:
                    yield f"{path}: no instrument is named {name!r}"
                if name in fed or name == delay.generator:
                    yield f"{path}: {name!r} cannot hang on it, too"
                fed.add(name)
