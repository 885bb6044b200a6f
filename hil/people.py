"""Who does it, and whose it is, as far as the system knows."""

from __future__ import annotations

import getpass
import os
from pathlib import Path


def login_name() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, in a container
        return f"user {os.getuid()}"


def owner(path: Path) -> str:
    """Who owns a file."""
    try:
        return path.owner()
    except (KeyError, OSError):
        return f"user {path.stat().st_uid}"
