"""Questions: who can answer them, and when two are one."""

from __future__ import annotations

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.options import Options
from chalicelib.serving.question import Question, for_everyone, for_item, for_ranking, for_user
from chalicelib.vocabulary.recipes import TYPES

ANY = Options()


@pytest.mark.parametrize(
    ("question", "types"),
    [
        (for_user("u1", ANY), ("USER_PERSONALIZATION", "POPULAR_ITEMS")),
        (for_item("tea", ANY), ("RELATED_ITEMS",)),
        (for_ranking("u1", ["tea"], ANY), ("PERSONALIZED_RANKING",)),
        (for_everyone(ANY), ("POPULAR_ITEMS",)),
    ],
)
def test_each_kind_is_answered_by_types_that_a_campaign_serves(
    question: Question, types: tuple[str, ...]
) -> None:
    assert question.recipe_types == types
    assert all(TYPES[name].has_campaign for name in types)


def test_equal_questions_are_one_key() -> None:
    assert len({for_user("u1", Options()), for_user("u1", ANY)}) == 1
    assert len({for_user("u1", ANY), for_user("u2", ANY), for_everyone(ANY)}) == 3


def test_an_item_that_is_given_twice_is_ranked_once_where_it_first_stands() -> None:
    question = for_ranking("u1", ["b", "a", "b"], ANY)
    assert question.ranked == ("b", "a")
    assert question.size == 2


def test_a_ranking_takes_one_to_five_hundred_items() -> None:
    assert len(for_ranking("u1", [str(n) for n in range(500)], ANY).ranked) == 500
    for count in (0, 501):
        with pytest.raises(BadRequest, match=f"items has {count} entries. Expected 1 to 500"):
            for_ranking("u1", ["tea"] * count, ANY)


def test_an_answer_has_as_many_items_as_were_asked_for() -> None:
    assert for_user("u1", Options(num_results=7)).size == 7


def test_only_what_is_popular_can_be_asked_without_a_wish() -> None:
    assert not for_everyone(ANY).has_wishes
    assert for_everyone(Options(filter="cheap")).has_wishes
    assert for_everyone(Options(context=(("A", "b"),))).has_wishes
    assert for_user("u1", ANY).has_wishes
