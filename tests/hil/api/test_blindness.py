"""hil does not look behind the door of the simulation, and nobody else opens it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import hil

ROOT = Path(hil.__file__).parent
DOOR = ROOT / "bench" / "simulated.py"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    files = sorted(ROOT.rglob("*.py"))
    assert len(files) > 50
    for path in files:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """Every module that is imported anywhere in a source, functions included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_one_module_alone_imports_the_simulation() -> None:
    users = {
        path
        for path, tree in sources()
        if any(n.startswith("sim_backends") for n in imported(tree))
    }
    assert users == {DOOR}
    (tree,) = (tree for path, tree in sources() if path == DOOR)
    deep = {name for name in imported(tree) if name.startswith("sim_backends")}
    assert deep == {"sim_backends.bench", "sim_backends.virtual_time"}


def test_nothing_is_imported_by_name_at_run_time() -> None:
    for path, tree in sources():
        assert not any(name.startswith("importlib") for name in imported(tree)) or (
            imported(tree)
            & {"importlib.metadata", "importlib.resources", "importlib.resources.abc"}
        ), path
        called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not called & {"__import__", "eval", "exec"}, path


def test_no_source_names_the_plant_of_an_open_bench() -> None:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                where = f"{path}:{node.lineno}"
                assert node.attr not in ("plant", "_plant", "instruments_simulated"), where
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value != "_plant", f"{path}:{node.lineno}"


def test_only_the_door_holds_the_simulated_bench() -> None:
    for path, tree in sources():
        if path == DOOR:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                private = node.attr.startswith("_") and node.value.attr == "simulation"
                assert not private, f"{path}:{node.lineno}"


def test_the_door_passes_on_five_things_only() -> None:
    from hil.bench.simulated import Simulation

    public = {name for name in vars(Simulation) if not name.startswith("_")}
    assert public == {"network", "join_by_hand", "write_as_built", "slots"}
