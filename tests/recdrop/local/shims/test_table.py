"""The one list of shims: each has its test, and the page shows them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from recdrop.local.shims.table import SHIMS, Shim, as_markdown

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("shim", SHIMS, ids=lambda shim: shim.name)
def test_every_shim_has_the_test_it_names(shim: Shim) -> None:
    tests = Path(__file__).with_name(f"test_{shim.family}.py").read_text()
    assert f"def {shim.test}(" in tests


def test_no_shim_is_listed_twice_and_none_is_left_out() -> None:
    names = [shim.name for shim in SHIMS]
    assert sorted(set(names)) == sorted(names)
    families = {shim.family for shim in SHIMS}
    there = {path.stem for path in (ROOT / "recdrop/local/shims").glob("*.py")}
    assert there - families == {"__init__", "clock", "site", "table", "times"}


def test_the_page_lists_the_shims_of_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "local.md").read_text()
