"""The page of the sources has a section for each, with a config that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.config import loading
from chalicelib.sources import ADAPTERS

PAGE = (Path(__file__).parents[1] / "docs" / "sources.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_each_source_has_a_section() -> None:
    assert SECTIONS.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_section_says_all_there_is_to_say(name: str) -> None:
    section = SECTIONS[name]
    for heading in ("Recognised by", "Layout", "efaults", "In the report"):
        assert heading in section
    example = re.search(r"```toml\n(.*?)```", section, re.DOTALL)
    assert example
    assert loading.load(example[1], "shop").source.kind == name
    # What is commented out is right as well.
    whole = re.sub(r"^# (\w+ = )", r"\1", example[1], flags=re.MULTILINE)
    source, _, datasets = whole.partition("[[dataset]]")
    loading.load(source, "shop")
    assert datasets or source
