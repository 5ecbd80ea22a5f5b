"""What a group serves, and which of it answers."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.documents import PopularRecord, ServingRecord
from chalicelib.serving.errors import BadRequest, NotFound
from chalicelib.serving.group import Group


def record(solution: str, recipe_type: str = "USER_PERSONALIZATION", **more: Any) -> ServingRecord:
    return ServingRecord(
        group="shop", solution=solution, recipe="any", recipe_type=recipe_type, **more
    )


def group(*records: ServingRecord) -> Group:
    return Group("shop", {found.solution: found for found in records}, None)


def test_a_group_with_solutions_or_a_popular_list_has_something_to_serve() -> None:
    assert not group()
    assert group(record("a"))
    assert Group("shop", {}, PopularRecord(key="runs/1/popular.json"))


def test_the_first_solution_by_type_and_name_answers() -> None:
    found = group(record("c", "POPULAR_ITEMS"), record("b"), record("a"))
    answering = found.find_solution(None, "USER_PERSONALIZATION", "POPULAR_ITEMS")
    assert answering is not None
    assert answering.solution == "a"


def test_a_popular_solution_answers_where_there_is_no_personal_one() -> None:
    found = group(record("c", "POPULAR_ITEMS"))
    answering = found.find_solution(None, "USER_PERSONALIZATION", "POPULAR_ITEMS")
    assert answering is not None
    assert answering.solution == "c"
    assert found.find_solution(None, "RELATED_ITEMS") is None


def test_a_named_solution_must_exist_and_be_able_to_answer() -> None:
    found = group(record("b"), record("a"))
    assert found.find_solution("b", "USER_PERSONALIZATION") is found.solutions["b"]
    with pytest.raises(NotFound, match="Expected one of: a, b"):
        found.find_solution("x", "USER_PERSONALIZATION")
    with pytest.raises(BadRequest, match="is of type USER_PERSONALIZATION"):
        found.find_solution("a", "RELATED_ITEMS")


def test_the_event_tracker_is_that_of_any_record() -> None:
    assert group(record("a"), record("b", event_tracker_id="t")).event_tracker_id == "t"
    assert group(record("a")).event_tracker_id is None
