"""Several instruments at once: all run to their ends, and then the first error is raised."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def all_to_the_end(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results of all jobs, which run concurrently.

    No job is cut short because another fails: an exchange that is left half-way costs a
    resynchronisation, and an `off` must reach every instrument. Then the first error is raised,
    with the others as its notes.
    """
    if len(jobs) == 1:
        return [await jobs[0]]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        for other in errors[1:]:
            errors[0].add_note(f"at the same time: {type(other).__name__}: {other}")
        raise errors[0]
    return [result for result in results if not isinstance(result, BaseException)]
