"""Events of a run of nothing in particular."""

from __future__ import annotations

from hil.telemetry.events import EpochEnded, RunStarted


def started(run: str = "r") -> RunStarted:
    """A run of one batch on two ports."""
    return RunStarted(
        run=run,
        bench="b",
        backend="sim",
        path="slot",
        task="t",
        method="pat",
        epochs=1,
        batches=1,
        n_banks=1,
        n_steps=1,
        ports=2,
        code_version="0",
    )


def epoch(number: int) -> EpochEnded:
    """An epoch by its number."""
    return EpochEnded(
        epoch=number,
        loss=1.0,
        train_accuracy=0.5,
        held_out_accuracy=0.5,
        measured_on="bench",
        residual=None,
        fallbacks=0,
        clamped=0,
        alarms=0,
    )
