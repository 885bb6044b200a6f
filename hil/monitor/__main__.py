"""Watch a run: `python -m hil.monitor`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from hil.console import EXIT_MENDABLE
from hil.monitor.display import OFFSCREEN, NoWindow, check_display, check_qt
from hil.monitor.feed import Feed
from hil.monitor.finding import source_of
from hil.monitor.options import parser
from hil.monitor.state.run_state import RunState
from hil.telemetry.source import SourceError


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    if asked.text and asked.screenshot:
        raise SourceError("--text has no picture; leave it or --screenshot out")
    if not asked.text:
        check_qt()
        if asked.screenshot:
            os.environ.setdefault("QT_QPA_PLATFORM", OFFSCREEN)
        else:
            check_display()
    source = source_of(asked.run, asked.replay, wait=asked.wait, insecure=asked.insecure)
    feed = Feed(source, RunState()).open()
    try:
        if asked.text:
            from hil.monitor.text import show

            return show(feed)
        # Qt is loaded here, and nowhere else.
        from hil.monitor.window.application import run_window, take_picture

        if asked.screenshot:
            return take_picture(feed, asked.screenshot, asked.size, asked.theme, asked.show)
        return run_window(feed, asked.theme, asked.show)
    finally:
        feed.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        return command(asked)
    except (SourceError, NoWindow) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_MENDABLE
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
