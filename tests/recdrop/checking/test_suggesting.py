"""The suggested recdrop.toml is valid, whatever the names in it, and says why."""

from __future__ import annotations

import pytest

from chalicelib.config import loading
from chalicelib.sources import ADAPTERS
from chalicelib.sources.adapter import Recognised
from recdrop.checking.suggesting import Section, Suggestion

PLAIN = Recognised(ADAPTERS["plain"], "nothing")


def test_of_nothing_special_nothing_is_said() -> None:
    suggestion = Suggestion(PLAIN, (Section("items", "items"),))
    assert suggestion.says_nothing
    assert not suggestion.is_needed
    assert loading.load(suggestion.text(), "g") == loading.load('[source]\nkind = "plain"', "g")


@pytest.mark.parametrize(
    "name", ["a b", 'quo"te', "back\\slash", "Größe", "tab\there", "\x7f", "'"]
)
def test_any_name_survives(name: str) -> None:
    section = Section("x", "items", columns={"ITEM_ID": name}, why=(f"{name}\nmore",))
    config = loading.load(Suggestion(PLAIN, (section,)).text(), "g")
    assert config.columns_for("x") == {"ITEM_ID": name}


def test_a_section_says_all_it_has() -> None:
    suggestion = Suggestion(PLAIN, max_bad_rows=0.3, why_bad="many").with_section(
        "clicks",
        "interactions",
        header=("USER_ID", "ITEM_ID", "TIMESTAMP"),
        events=("view",),
        why=("first",),
    )
    suggestion = suggestion.with_section(
        "clicks", "interactions", drop_columns=("X",), why=("second",)
    )
    config = loading.load(suggestion.text(), "g")
    section = config.folder("clicks")
    assert section is not None
    assert (section.header[0], section.events, section.drop_columns) == (
        "USER_ID",
        ("view",),
        ("X",),
    )
    assert config.source.max_bad_rows == 0.3
    assert "# first\n# second\n" in suggestion.text()
    assert suggestion.is_needed


def test_a_rating_is_worth_saying_but_not_needed() -> None:
    section = Section("interactions", "interactions", columns={"EVENT_VALUE": "rating"})
    assert not Suggestion(PLAIN, (section,)).is_needed
    assert not Suggestion(PLAIN, (section,)).says_nothing
