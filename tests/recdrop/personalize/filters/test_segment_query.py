from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recdrop.personalize.filters.segment_query import Attribute, SegmentQueryError, parse

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("cases").joinpath("segment_query.json").read_text()
)


@pytest.mark.parametrize("case", CASES["parse"], ids=lambda case: case["it"])
def test_a_query_is_read(case: dict[str, Any]) -> None:
    assert [[attribute.field, attribute.value] for attribute in parse(case["query"])] == case[
        "means"
    ]


@pytest.mark.parametrize("case", CASES["refuse"], ids=lambda case: case["it"])
def test_a_query_is_refused_with_a_caret_under_its_column(case: dict[str, Any]) -> None:
    with pytest.raises(SegmentQueryError) as caught:
        parse(case["query"])
    assert case["message"] in str(caught.value)
    assert caught.value.column == case["column"]
    assert str(caught.value).splitlines()[-1] == " " * (case["column"] - 1) + "^"


FIELDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), max_size=10)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.builds(Attribute, FIELDS, VALUES), min_size=1, max_size=5))
def test_what_is_written_is_read_back(attributes: list[Attribute]) -> None:
    assert parse(" AND ".join(map(str, attributes))) == tuple(attributes)
