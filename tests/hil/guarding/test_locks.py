"""No two programs drive one instrument, nor one beside a guardian."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from hil.bench.states import BenchError
from hil.guarding import locks
from hil.guarding.locks import Holder, take, wait_for_guardian

A = {"TCPIP::box::5000::SOCKET": "box-0"}
B = {"TCPIP::BOX::5000::SOCKET": "box-7", "TCPIP::other::5000::SOCKET": "box-1"}
FIRST = Holder("mine", "hil.train", 4711)
SECOND = Holder("yours", "hil.check", 4712)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setattr(locks, "MOMENT", 0.0)
    monkeypatch.setattr(locks, "PAUSE", 0.001)


def silent(line: str) -> None:
    del line


async def test_a_second_program_is_refused_by_name() -> None:
    held = await take(A, FIRST, silent)
    with pytest.raises(BenchError, match=r"box-7 is in use by hil\.train \(process 4711, bench mi"):
        await take(B, SECOND, silent)
    held.release()
    again = await take(B, SECOND, silent)
    again.release()


async def test_what_is_held_in_part_is_let_go_when_the_rest_is_refused() -> None:
    held = await take(A, FIRST, silent)
    for resources in ({**B, "TCPIP::free::1::SOCKET": "box-2"}, B):
        with pytest.raises(BenchError):
            await take(resources, SECOND, silent)
    free = await take({"TCPIP::free::1::SOCKET": "box-2"}, SECOND, silent)
    free.release()
    held.release()


async def test_a_guardian_at_work_is_waited_for() -> None:
    held = await take(A, FIRST, silent)
    held.sign(Holder("mine", "its guardian", 4713, at_work=True))
    told: list[str] = []
    waiting = asyncio.create_task(take(B, SECOND, told.append))
    looking = asyncio.create_task(wait_for_guardian(A, told.append))
    for _ in range(10):
        await asyncio.sleep(0)
    assert told == ["waiting for the guardian of bench mine, which drives it off"] * 2
    assert not waiting.done()
    assert not looking.done()
    held.release()
    (await waiting).release()
    await looking


async def test_who_only_looks_does_not_wait_for_a_controller() -> None:
    held = await take(A, FIRST, silent)
    await wait_for_guardian(A, silent)
    held.release()


async def test_a_guardian_that_never_ends_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.0)
    held = await take(A, FIRST, silent)
    held.sign(Holder("mine", "its guardian", 4713, at_work=True))
    with pytest.raises(BenchError, match="process 4713"):
        await take(A, SECOND, silent)
    with pytest.raises(BenchError, match="does not end"):
        await wait_for_guardian(A, silent)
    held.release()


async def test_a_lock_is_held_as_long_as_anybody_has_it() -> None:
    held = await take(A, FIRST, silent)
    inherited = os.dup(held.fds[0])
    held.release()
    with pytest.raises(BenchError):
        await take(A, SECOND, silent)
    os.close(inherited)
    (await take(A, SECOND, silent)).release()


async def test_one_port_by_two_names(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    (tmp_path / "by-id").symlink_to(port)
    held = await take({f"ASRL{port}::INSTR": "heaters-0"}, FIRST, silent)
    with pytest.raises(BenchError, match="heaters-9 is in use"):
        await take({f"asrl{tmp_path / 'by-id'}::instr": "heaters-9"}, SECOND, silent)
    held.release()


async def test_two_instruments_of_one_resource_do_not_lock_each_other_out() -> None:
    (await take({**A, "TCPIP::BOX::5000::SOCKET": "box-7"}, FIRST, silent)).release()


async def test_no_place_for_locks_is_an_error_with_its_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HIL_LOCKS", str(tmp_path / "file" / "locks"))
    with pytest.raises(BenchError, match=r"nothing was driven: let this user write there.*HIL_LO"):
        await take(A, FIRST, silent)


def test_a_temporary_folder_of_ones_own_hides_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As batch systems and some logins set one: the other program would see none of its locks."""
    monkeypatch.delenv("HIL_LOCKS")
    before = locks.folder()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is found anew
    assert locks.folder() == before


async def test_what_stands_in_a_lock_may_be_anything(monkeypatch: Any) -> None:
    held = await take(A, FIRST, silent)
    os.pwrite(held.fds[0], b"\xff[]", 0)
    monkeypatch.setattr(locks, "MOMENT", -time.monotonic())
    with pytest.raises(BenchError, match="in use by another program"):
        await take(A, SECOND, silent)
    held.release()
