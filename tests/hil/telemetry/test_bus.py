"""The bus: order, loss that is counted, and a publisher that never waits for a slow outlet."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from hil.telemetry.bus import Bus, Outlet, OutletFailed
from hil.telemetry.event import Stamped
from hil.telemetry.events import Noted, StateChanged


def _note(text: str) -> Noted:
    return Noted(text=text, author="test")


class Kept:
    """An outlet's end that may be held up."""

    def __init__(self) -> None:
        self.events: list[Stamped] = []
        self.entered, self.go = threading.Event(), threading.Event()
        self.go.set()

    def __call__(self, events: Sequence[Stamped]) -> None:
        self.entered.set()
        assert self.go.wait(10.0)
        self.events += events

    @property
    def texts(self) -> list[str]:
        return [one.event.text for one in self.events if isinstance(one.event, Noted)]


def test_events_come_out_in_order_with_their_times_and_numbers() -> None:
    clock = iter([1.0, 2.5, 2.5])
    bus, kept = Bus(lambda: next(clock)), Kept()
    bus.add(Outlet("kept", kept))
    assert bus.heard
    for text in "abc":
        bus.publish(_note(text))
    assert bus.close() == []
    assert kept.texts == ["a", "b", "c"]
    assert [one.number for one in kept.events] == [1, 2, 3]
    assert [one.bench_time for one in kept.events] == [1.0, 2.5, 2.5]
    assert all(one.wall_time > 1.7e9 for one in kept.events)
    assert not bus.heard


def test_a_held_up_lossy_outlet_drops_the_oldest_and_counts_them() -> None:
    bus, slow, other = Bus(), Kept(), Kept()
    slow.go.clear()
    held = bus.add(Outlet("slow", slow, size=3))
    bus.add(Outlet("other", other))
    bus.publish(_note("0"))
    assert slow.entered.wait(10.0)  # it holds event 0 now; the next ones wait
    for number in range(1, 8):
        bus.publish(_note(str(number)))
    assert (held.dropped, held.waiting) == (4, 3)
    slow.go.set()
    assert bus.close() == []
    assert slow.texts == ["0", "5", "6", "7"]
    assert other.texts == [str(number) for number in range(8)]


def test_a_lossless_outlet_lets_the_publisher_wait_instead() -> None:
    bus, slow = Bus(), Kept()
    slow.go.clear()
    held = bus.add(Outlet("record", slow, size=2, lossy=False))
    bus.publish(_note("0"))
    assert slow.entered.wait(10.0)
    done = threading.Event()

    def publish() -> None:
        for number in range(1, 6):
            bus.publish(_note(str(number)))
        done.set()

    publisher = threading.Thread(target=publish)
    publisher.start()
    assert not done.wait(0.05)
    slow.go.set()
    assert done.wait(10.0)
    publisher.join()
    assert bus.close() == []
    assert slow.texts == [str(number) for number in range(6)]
    assert held.dropped == 0


def test_a_record_that_cannot_be_written_stops_the_run_and_a_window_does_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = threading.Event()

    def full(events: Sequence[Stamped]) -> None:
        failed.set()
        raise OSError("no space left on device")

    window = Outlet("window", full)
    bus = Bus()
    bus.add(window)
    for _ in range(3):
        bus.publish(_note("x"))
    assert failed.wait(10.0)
    assert bus.close() == []
    assert window.failed >= 1
    assert caplog.text.count("no space left") == 1

    record = Outlet("record", full, lossy=False, size=1)
    bus.add(record)
    for _ in range(100):
        bus.publish(_note("x"))  # neither raises nor waits for room that there will never be
    record.close()
    with pytest.raises(OutletFailed, match="record: no space left"):
        bus.check()
    bus.close()


def test_an_outlet_takes_only_the_kinds_that_it_wants() -> None:
    bus, kept = Bus(), Kept()
    bus.add(Outlet("notes", kept, kinds=(Noted,)))
    bus.publish(StateChanged(state="idle", light=True))
    bus.publish(_note("a"))
    bus.close()
    assert kept.texts == ["a"]
    assert len(kept.events) == 1


def test_what_is_published_after_the_end_is_no_error() -> None:
    bus, kept = Bus(), Kept()
    outlet = bus.add(Outlet("kept", kept))
    assert outlet.close()
    bus.publish(_note("late"))
    assert kept.events == []
    with pytest.raises(ValueError, match="at least one"):
        Outlet("none", kept, size=0)


def test_an_outlet_that_hangs_is_told_of_and_waited_for_no_longer() -> None:
    bus, hung = Bus(), Kept()
    hung.go.clear()
    bus.add(Outlet("hung", hung))
    for number in range(3):
        bus.publish(_note(str(number)))
    assert hung.entered.wait(10.0)
    left = bus.close(patience=0.01)
    assert len(left) == 1
    assert left[0].startswith("hung: ")
    hung.go.set()
