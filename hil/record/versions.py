"""Which program and packages made a run: what a reader needs years later."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "safetensors", "pydantic")


def versions() -> dict[str, str]:
    """Versions of this program, of Python and of the packages that shape numbers."""
    found = {"python": sys.version.split()[0], "platform": platform.system()}
    for name in ("hil-photonics", *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    if (commit := _commit()) is not None:
        found["commit"] = commit
    return found


def _commit() -> str | None:
    """The commit that this program is of, `+` where files differ; None outside a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None

    def git(*words: str) -> str:
        said = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=5.0,
        )
        return said.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None
