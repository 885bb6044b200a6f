"""The runs that are looked through are those that are reported."""

from tests.hil.browsing.conftest import made, runs, tell

__all__ = ["made", "runs", "tell"]
