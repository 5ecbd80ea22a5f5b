"""Questions: who can answer them, and when two are one."""

from __future__ import annotations

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.options import Options
from chalicelib.serving.question import Question, for_everyone, for_item, for_ranking, for_user
from chalicelib.vocabulary.recipes import RECIPES

ANY = Options()


@pytest.mark.parametrize(
    ("question", "intents"),
    [
        (for_user("u1", ANY), ("personal", "popular", "trending")),
        (for_item("tea", ANY), ("related",)),
        (for_ranking("u1", ["tea"], ANY), ("ranked",)),
        (for_everyone(ANY), ("popular", "trending")),
        (for_everyone(ANY, "trending"), ("trending", "popular")),
    ],
)
def test_each_kind_is_answered_by_what_a_campaign_serves(
    question: Question, intents: tuple[str, ...]
) -> None:
    assert question.intents == intents
    served = {recipe.intent for recipe in RECIPES.values() if recipe.type.has_campaign}
    assert served.issuperset(intents)


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
