from __future__ import annotations

import json

from chalicelib.gate import questions
from chalicelib.gate.questions import Withheld
from chalicelib.vocabulary.recipes import PERSONALIZED_RANKING, RELATED_ITEMS, USER_PERSONALIZATION

CSV = "USER_ID,ITEM_ID,TIMESTAMP\nb,i9,30\na,i1,10\na,i2,20\n"
WITHHELD = Withheld.parse(CSV, {"a": "i0", "b": "i0"})
POPULAR = ["i5", "i1", "i7"]


def test_withheld_rows_become_the_truth_of_each_user() -> None:
    assert WITHHELD.truth == {"a": frozenset({"i1", "i2"}), "b": frozenset({"i9"})}


def test_user_recipes_are_asked_by_user() -> None:
    asked = questions.ask(USER_PERSONALIZATION, WITHHELD, POPULAR)
    assert asked.lines == ({"userId": "a"}, {"userId": "b"})
    assert asked.popular["b"] == POPULAR


def test_related_items_are_asked_once_for_the_item_taken_last() -> None:
    asked = questions.ask(RELATED_ITEMS, WITHHELD, POPULAR)
    assert asked.lines == ({"itemId": "i0"},)
    assert asked.of_user == {"a": 0, "b": 0}


def test_what_sells_anyway_is_neither_truth_nor_answer_of_related_items() -> None:
    popular = ["i1", *(f"p{n}" for n in range(9))]
    asked = questions.ask(RELATED_ITEMS, WITHHELD, popular)
    assert asked.truth == {"a": frozenset({"i2"}), "b": frozenset({"i9"})}
    assert "i1" not in asked.popular["a"]
    line = json.dumps(
        {"input": {"itemId": "i0"}, "output": {"recommendedItems": ["i1", "i2"]}, "error": None}
    )
    assert questions.read_answers([line], asked)["a"] == ["i2"]


def test_a_user_without_a_last_item_is_not_asked_about_related_items() -> None:
    lonely = Withheld(WITHHELD.truth, {"a": "i0"})
    assert list(questions.ask(RELATED_ITEMS, lonely, POPULAR).of_user) == ["a"]


def test_a_ranking_orders_the_truth_among_popular_items_and_popularity_does_so_too() -> None:
    asked = questions.ask(PERSONALIZED_RANKING, WITHHELD, POPULAR)
    assert asked.lines[1] == {"userId": "b", "itemList": ["i1", "i5", "i7", "i9"]}
    assert asked.popular["b"] == ["i5", "i1", "i7", "i9"]


def test_answers_are_read_by_query_and_lines_in_error_answer_nothing() -> None:
    asked = questions.ask(USER_PERSONALIZATION, WITHHELD, POPULAR)
    lines = [
        json.dumps(
            {
                "input": {"userId": "b"},
                "output": {"recommendedItems": ["i9"], "scores": [1.0]},
                "error": None,
            }
        ),
        json.dumps({"input": {"userId": "a"}, "output": None, "error": {"message": "no"}}),
        "",
    ]
    assert questions.read_answers(lines, asked) == {"a": (), "b": ["i9"]}
