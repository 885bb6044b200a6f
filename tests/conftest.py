"""What holds for the whole suite: how it is shared out, what is drawn, and that peers are tried."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests import peers_tried

# Processes side by side share the cores: each computes in one thread, and so does what it starts.
# Nothing that counts its threads when it is loaded has been loaded yet.
if "PYTEST_XDIST_WORKER" in os.environ:
    for count in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(count, "1")

# The same examples every time: a change must not fail for what it did not touch. Others are drawn
# with `--hypothesis-profile drawn`, now and then, and what they find becomes a test of its own.
# How long one takes says how busy the machine is: no example has a deadline.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("drawn", derandomize=False, print_blob=True, deadline=None)
settings.load_profile("fixed")

#: Processes at most. Each imports torch and Qt and collects every test before it runs one; from
#: here on that costs more than one process more saves.
MOST_PROCESSES = 6


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes of a run that names none (`-n auto`, the default): a core each.

    None beside this one (0) for single files, which end sooner than a process begins, and for
    output that is to be seen as it comes (`-s`).
    """
    if config.option.capture == "no" or not any(Path(one).is_dir() for one in config.args):
        return 0
    cores = len(os.sched_getaffinity(0))
    return 0 if cores == 1 else min(cores, MOST_PROCESSES)


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the peers; hear Ctrl-C, which tests send, also where a shell started this in the
    background and so had it ignored.
    """
    peers_tried.watch(config)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
