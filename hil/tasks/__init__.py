"""Data sets, split and scaled for a machine whose inputs are in units of V_pi."""

from hil.tasks.catalogue import TASKS, TaskError, load_task
from hil.tasks.task import Split, Task, task_from_arrays

__all__ = ["TASKS", "Split", "Task", "TaskError", "load_task", "task_from_arrays"]
