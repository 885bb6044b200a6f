"""The bench files that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

SUFFIX = ".toml"


def _folder() -> Traversable:
    return files("hil") / "benches"


def packaged_names() -> list[str]:
    """List the names of the packaged benches."""
    found = (entry.name for entry in _folder().iterdir() if entry.name.endswith(SUFFIX))
    return sorted(name.removesuffix(SUFFIX) for name in found)


def packaged_text(name: str) -> str:
    """Read a packaged bench.

    Raises
    ------
    KeyError
        If no packaged bench has that name.
    """
    if name not in packaged_names():
        raise KeyError(name)
    return (_folder() / (name + SUFFIX)).read_text(encoding="utf-8")
