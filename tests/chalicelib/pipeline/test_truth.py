from __future__ import annotations

from chalicelib.pipeline import truth
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import USER_PERSONALIZATION


def test_the_withheld_users_are_asked_about(promoted: Run) -> None:
    asked = truth.ask_withheld(promoted, USER_PERSONALIZATION)
    assert {line["userId"] for line in asked.lines} == set(asked.truth)
    assert len(asked.truth) >= 30


def test_the_most_popular_item_comes_first(promoted: Run) -> None:
    popular = truth.popular_items(promoted)
    assert len(popular) == len(set(popular)) == 60
