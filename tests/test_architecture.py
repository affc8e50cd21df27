"""The floors of ARCHITECTURE.md, held against the imports that the code really makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "perfdb"

FLOORS = {
    "cli": 5,
    "__main__": 5,
    "api": 4,
    "demo": 4,
    "readers": 3,
    "report": 3,
    "collect": 3,
    "etl": 2,
    "symbols": 2,
    "store": 2,
    "compare": 2,
    "revisions": 2,
    "profile": 1,
    "stats": 1,
    "errors": 0,
    "units": 0,
    "config": 0,
    "settings_section": 0,
    "suite_settings": 0,
    "example_name": 0,
}

HOMES = {
    "duckdb": {"store"},
    "typer": {"cli"},
    "rich": {"cli"},
    "tabulate": {"report"},
    "jinja2": {"report"},
    "wcwidth": {"report"},
    "pyfwnt": {"etl"},
    "polars": {"store", "api"},
    "purepdb": {"symbols"},
    "symbolic": {"symbols"},
    "subprocess": {"revisions", "demo", "collect"},
}

ALLOWED_SIDEWAYS = {
    ("demo", "api"),
    ("config", "errors"),
    ("config", "settings_section"),
    ("config", "suite_settings"),
    ("settings_section", "errors"),
    ("settings_section", "example_name"),
    ("suite_settings", "errors"),
    ("suite_settings", "settings_section"),
    ("suite_settings", "example_name"),
    ("__main__", "cli"),
}
"""The demo drives the verbs as a user would; settings speak in perfdb's errors."""


@cache
def imports() -> tuple[tuple[str, str, str], ...]:
    """(file, package that imports, what it imports: a package of perfdb, or the top name of another library)."""
    return tuple(_imports())


def _imports() -> Iterator[tuple[str, str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        owner = relative.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                from_perfdb = node.module == "perfdb"
                names = [f"perfdb.{alias.name}" for alias in node.names] if from_perfdb else [node.module]
            for name in names:
                parts = name.split(".")
                yield str(relative), owner, parts[1] if parts[0] == "perfdb" and len(parts) > 1 else parts[0]


def test_every_package_has_a_floor() -> None:
    packages = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    packages -= {"__init__", "__pycache__", "py.typed"}

    assert packages - FLOORS.keys() == set()


def test_imports_point_down_only() -> None:
    wrong = [
        f"{file}: {owner} imports {name}"
        for file, owner, name in imports()
        if owner in FLOORS and name in FLOORS and owner != name
        if FLOORS[name] >= FLOORS[owner] and (owner, name) not in ALLOWED_SIDEWAYS
    ]

    assert wrong == []


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_has_one_home(library: str) -> None:
    users = {owner for _, owner, name in imports() if name == library}

    assert users - HOMES[library] == set()
    assert users, f"{library} is not used at all: strike it here and in pyproject.toml"


def test_nothing_below_the_command_line_prints() -> None:
    printing = [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert printing == []
