"""Checkpoints of a run: all that it needs to go on, written in a thread of their own.

`resume-epoch.safetensors` holds the whole state after an epoch; `resume-step.safetensors` the state
after the last step, without what is large and changes little in an epoch. Each is written aside,
synced and renamed, so that one of them is whole at any time; the next waits until the last is on
disk, so that a crash loses one step at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hil.record.folder import RunFolder, RunFolderError
from hil.record.state import StateError, Tree, from_tensors, to_tensors

EPOCH = "resume-epoch.safetensors"
STEP = "resume-step.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A state, and notes of where it is: plain data, with `number` of the last step at least."""

    state: Tree
    notes: Mapping[str, Any]


class Checkpoints:
    """Writes the checkpoints of a run folder."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._last: Future[None] | None = None

    def put(self, name: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, once the one before it is on disk.

        Raises
        ------
        RunFolderError
            Where the one before could not be written.
        """
        self.wait()
        self._last = self._thread.submit(self._write, name, checkpoint)

    def wait(self) -> None:
        """Wait until all is on disk; raises as `put`."""
        last, self._last = self._last, None
        if last is None:
            return
        last.result()

    def forget(self) -> None:
        """Take all checkpoints away: the run has come to its end."""
        self.wait()
        for name in (EPOCH, STEP):
            (self._folder.path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Write what is under way; raises as `put`."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def _write(self, name: str, checkpoint: Checkpoint) -> None:
        tensors, text = to_tensors(checkpoint.state)
        self._folder.write_tensors(name, tensors, {**checkpoint.notes, "state": text})


def read_checkpoints(folder: RunFolder) -> list[Checkpoint]:
    """What a run left to go on from, by stage: that of its last epoch, that of its last step.

    Raises
    ------
    RunFolderError
        Where there is none, or one is damaged.
    """
    found = []
    for name in (EPOCH, STEP):
        if (folder.path / name).is_file():
            tensors, notes = folder.read_tensors(name)
            try:
                state = from_tensors(tensors, notes.pop("state"))
            except (StateError, KeyError) as error:
                raise RunFolderError(f"{folder.path / name} cannot be read: {error}") from error
            found.append(Checkpoint(state, notes))
    if not found:
        raise RunFolderError(f"{folder.path} holds no checkpoint to resume from")
    return sorted(found, key=lambda one: one.notes["stage"])
