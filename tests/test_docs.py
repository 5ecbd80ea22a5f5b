"""What the documents say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recdrop.cli.main import COMMANDS

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [
        t
        for t in targets
        if not t.startswith(("http://", "https://")) and not (page.parent / t).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page.read_text())
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (PROJECT / path).is_file() or f"def {name}(" not in (PROJECT / path).read_text()
    ]
    assert missing == []


def test_the_readme_links_every_page() -> None:
    linked = re.findall(r"\]\(([^)#\s]+)\)", (PROJECT / "README.md").read_text())
    assert {f"docs/{page.name}" for page in (PROJECT / "docs").glob("*.md")} <= set(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    text = page.read_text()
    makefile = (PROJECT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:^|`|    )make ([a-z-]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"(?:\$ |`)recdrop ([a-z]+)\b", text, re.MULTILINE)) <= COMMANDS.keys()


def test_every_route_is_documented() -> None:
    routes = re.findall(r'@app\.route\("([^"]+)"', (PROJECT / "app.py").read_text())
    page = (PROJECT / "docs" / "api.md").read_text()
    assert [route for route in routes if f" {route}`" not in page] == []


def test_every_key_of_the_config_is_documented() -> None:
    import json

    schema = json.loads((PROJECT / "docs" / "recdrop.schema.json").read_text())
    page = (PROJECT / "docs" / "config.md").read_text()
    keys = {
        key for definition in schema["$defs"].values() for key in definition.get("properties", {})
    }
    assert [key for key in sorted(keys) if not re.search(rf"`(\[\[?)?{key}\b", page)] == []
