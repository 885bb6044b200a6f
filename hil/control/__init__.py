"""Sequencing the time-multiplexed forward pass, and the account of what it cost."""

from hil.control.electronics import Electronics
from hil.control.feedback import run_schedule
from hil.control.ledger import Ledger
from hil.control.machine import Machine, Reading
from hil.control.schedule import Schedule, ScheduleError
from hil.control.trace import Trace

__all__ = [
    "Electronics",
    "Ledger",
    "Machine",
    "Reading",
    "Schedule",
    "ScheduleError",
    "Trace",
    "run_schedule",
]
