"""What a group serves, and which of it answers."""

from __future__ import annotations

import pytest

from chalicelib.documents import GroupRecord, PopularRecord, ServingRecord
from chalicelib.serving.errors import BadRequest, NotFound
from chalicelib.serving.group import Group


def record(
    solution: str, recipe_type: str = "USER_PERSONALIZATION", recipe: str = "any"
) -> ServingRecord:
    return ServingRecord(group="shop", solution=solution, recipe=recipe, recipe_type=recipe_type)


def group(*records: ServingRecord, defaults: dict[str, str] | None = None) -> Group:
    return Group("shop", {found.solution: found for found in records}, None, defaults or {})


def test_a_group_with_solutions_or_a_popular_list_has_something_to_serve() -> None:
    assert not group()
    assert group(record("a"))
    assert Group("shop", {}, PopularRecord(key="runs/1/popular.json"))


def answering(found: Group, *intents: str) -> str | None:
    answers = found.find_solution(None, *intents)
    return answers.solution if answers else None


def test_the_first_of_the_config_that_is_for_it_answers_never_the_first_of_the_alphabet() -> None:
    found = group(record("c", "POPULAR_ITEMS"), record("b"), record("a"))
    assert answering(found, "personal", "popular") == "b"


def test_the_configs_default_answers_while_it_serves() -> None:
    found = group(record("b"), record("a"), defaults={"personal": "a"})
    assert answering(found, "personal") == "a"
    assert answering(group(record("b"), defaults={"personal": "a"}), "personal") == "b"


def test_what_is_popular_and_what_is_on_the_rise_are_two_things() -> None:
    rising = record("rise", "POPULAR_ITEMS", recipe="aws-trending-now")
    found = group(rising, record("top", "POPULAR_ITEMS", recipe="aws-popularity-count"))
    assert answering(found, "popular", "trending") == "top"
    assert answering(found, "trending", "popular") == "rise"
    assert answering(group(rising), "popular", "trending") == "rise"


def test_what_has_left_the_config_does_not_answer() -> None:
    known = GroupRecord(group="shop", run="r2", solutions=("new",), defaults={})
    served = [record("alphabetically-first"), record("new")]
    found = Group.of(known, served, None)
    assert answering(found, "personal") == "new"
    with pytest.raises(NotFound, match="Expected one of: new"):
        found.find_solution("alphabetically-first", "personal")


def test_a_popular_solution_answers_where_there_is_no_personal_one() -> None:
    found = group(record("c", "POPULAR_ITEMS"))
    assert answering(found, "personal", "popular") == "c"
    assert answering(found, "related") is None


def test_a_named_solution_must_exist_and_be_able_to_answer() -> None:
    found = group(record("b"), record("a"))
    assert found.find_solution("b", "personal") is found.solutions["b"]
    with pytest.raises(NotFound, match="Expected one of: a, b"):
        found.find_solution("x", "personal")
    with pytest.raises(BadRequest, match="is personal"):
        found.find_solution("a", "related")
