from __future__ import annotations

import ast
from pathlib import Path

import recdrop.service

KIT = Path(recdrop.service.__file__).parent


def imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_kit_knows_no_service_and_nothing_else_of_ours() -> None:
    ours = ("app", "chalicelib", "infrastructure", "tests", "recdrop.")
    strangers = {
        f"{file.name}: {name}"
        for file in KIT.rglob("*.py")
        for name in imported(file)
        if name.startswith(ours) and not name.startswith("recdrop.service.")
    }
    assert strangers == set()
