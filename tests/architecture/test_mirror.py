"""Tests mirror what they test: chalicelib/a/b.py has tests/chalicelib/a/test_b.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import graph

MODULES = sorted(
    path.relative_to(graph.PROJECT)
    for path in (graph.PROJECT / "chalicelib").rglob("*.py")
    if path.name != "__init__.py"
)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_of_chalicelib_has_its_mirror(module: Path) -> None:
    mirror = graph.PROJECT / "tests" / module.with_name(f"test_{module.name}")
    assert mirror.is_file()
    assert "def test_" in mirror.read_text()
