"""What a person does at the bench, because no instrument can: a laser with a key, a stage with a
knob, a fibre that is plugged, or whatever `[[by_hand]]` names.

The program asks before it goes on, keeps who said so and when, and says at the end what is to be
undone.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile
from hil.bench.states import BenchError
from hil.people import login_name

Tell = Callable[[str], None]


@dataclass(frozen=True)
class HandTask:
    """Something to do by hand: its name, what to do, and what undoes it."""

    name: str
    do: str
    undo: str


@dataclass(frozen=True)
class Done:
    """A task that somebody did: who said so, and when (ISO time)."""

    task: HandTask
    who: str
    when: str

    @property
    def note(self) -> str:
        """One line for the record."""
        return f"by hand, {self.when}: {self.task.name}: {self.task.do}"


class Operator(Protocol):
    """Who does what is to be done by hand."""

    async def do(self, task: HandTask) -> str:
        """Have it done; who says that it is. Raises `BenchError` where nobody does."""
        ...


class Nobody:
    """No operator: what is not assumed to be done stops the bench from opening."""

    async def do(self, task: HandTask) -> str:
        """Refuse, naming the ways to say that it is done."""
        raise BenchError(
            f"{task.name} is worked by hand: {task.do}; then say so with --assume {task.name}=on "
            f"(in Python: assume=['{task.name}']), or run this at a terminal, where it asks"
        )


class Terminal:
    """An operator at this terminal, who is asked once for each task."""

    async def do(self, task: HandTask) -> str:
        """Ask, and wait for an answer without holding up anything else."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def take(line: str) -> None:
            if not answer.done():
                answer.set_result(line)

        def ask() -> None:
            # A thread of its own: nothing can end a read of the terminal, and Ctrl-C must not wait.
            print(f"BY HAND  {task.name}: {task.do}. Done? [y/N] ", end="", flush=True)
            line = sys.stdin.readline()
            with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits any more
                loop.call_soon_threadsafe(take, line)

        threading.Thread(target=ask, name="operator", daemon=True).start()
        if (await answer).strip().lower() not in ("y", "yes"):
            raise BenchError(f"{task.name} was not done by hand ({task.do}): the bench stays off")
        return login_name()


class Assuming:
    """Takes tasks as done that it was told are, and leaves the others to the next operator."""

    def __init__(self, names: Iterable[str], others: Operator) -> None:
        self._names = frozenset(names)
        self._others = others

    async def do(self, task: HandTask) -> str:
        """Assume it, or pass it on."""
        if task.name in self._names:
            return f"{login_name()} (assumed)"
        return await self._others.do(task)


class Simulated:
    """On a simulated bench: done as soon as it is asked for."""

    async def do(self, task: HandTask) -> str:
        """Nothing is there to be done."""
        return "the simulation"


def tasks_of(file: BenchFile) -> dict[str, HandTask]:
    """All that is worked by hand on a bench, by name."""
    found = []
    if file.light is not None and file.light.kind == "manual":
        light = file.light
        nanometres = 1e9 * light.wavelength
        found.append(
            HandTask(
                light.laser,
                light.do or f"switch it on, {light.power_dbm:g} dBm at {nanometres:g} nm",
                light.undo or "switch it off",
            )
        )
    if file.stage is not None and file.stage.kind == "manual":
        stage = file.stage
        found.append(
            HandTask(
                stage.controller,
                stage.do or f"regulate at {stage.setpoint_celsius:g} C, and wait until it is there",
                stage.undo or "leave it on, or switch it off if the chips are to be taken out",
            )
        )
    found += [
        HandTask(
            route.switch,
            route.do or f"let the light go its way: {route.told}",
            route.undo or "leave it as it is",
        )
        for route in file.routes
        if route.kind == "manual"
    ]
    found += [HandTask(one.name, one.do, one.undo) for one in file.by_hand]
    return {task.name: task for task in found}


def operator_for(file: BenchFile, *, assume: Iterable[str], simulated: bool, ask: bool) -> Operator:
    """Who does what is to be done by hand: at a terminal (`ask`) whoever sits there.

    Raises
    ------
    BenchFileError
        When something is assumed that is not worked by hand on this bench.
    """
    tasks = tasks_of(file)
    assumed = tuple(assume)
    if unknown := sorted(set(assumed) - set(tasks)):
        known = ", ".join(tasks) or "nothing"
        raise BenchFileError(
            file.source,
            [f"--assume {unknown[0]}: not worked by hand on this bench; by hand: {known}"],
        )
    if simulated:
        return Simulated()
    return Assuming(assumed, Terminal() if ask else Nobody())


async def done_by_hand(operator: Operator, task: HandTask, tell: Tell) -> Done:
    """Have a task done, and say so."""
    who = await operator.do(task)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    tell(f"by hand: {task.name}: {task.do} ({who})")
    return Done(task, who, when)


def add_assume_option(parser: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """Enter `--assume NAME=on`; its value is read by `assumed_names`."""
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="NAME=on",
        help='take what is worked by hand for done: laser=on (kind = "manual" in the bench file)',
    )


def by_hand(asked: argparse.Namespace) -> dict[str, Any]:
    """What a command says of it to `make_core`: what is assumed, and whether one can be asked."""
    return {"assume": assumed_names(asked.assume), "ask": sys.stdin.isatty()}


def assumed_names(values: Iterable[str]) -> tuple[str, ...]:
    """The names of `NAME=on` options.

    Raises
    ------
    BenchError
        For another form.
    """
    names = []
    for value in values:
        name, equals, state = value.partition("=")
        if not (name and equals and state == "on"):
            raise BenchError(f"--assume {value}: write NAME=on, as --assume laser=on")
        names.append(name)
    return tuple(names)
