"""The tasks that come with the package."""

from __future__ import annotations

from collections.abc import Callable

from hil.tasks.digits import digits, digits_pca
from hil.tasks.spirals import spirals
from hil.tasks.task import Task, TaskError

TASKS: dict[str, Callable[[int], Task]] = {
    "digits": digits,
    "digits-pca": digits_pca,
    "spirals": spirals,
}


def load_task(name: str, seed: int) -> Task:
    """Load a packaged task, split by `seed`.

    Raises
    ------
    TaskError
        When there is no such task.
    """
    if name not in TASKS:
        raise TaskError(f"no task {name!r}; there are {', '.join(sorted(TASKS))}")
    return TASKS[name](seed)
