"""What the gate asks: the run's withheld users, and what is popular."""

from __future__ import annotations

from chalicelib import layout
from chalicelib.documents import PopularList
from chalicelib.gate import questions
from chalicelib.gate.questions import Questions, Withheld
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import RecipeType


def ask_withheld(run: Run, recipe_type: RecipeType) -> Questions:
    """What the gate asks of a recipe of this type about the run's withheld users."""
    body = run.work.read_if_there(layout.withheld(run.name))
    withheld = Withheld.parse(body.decode() if body else "", run.data.last_items)
    return questions.ask(recipe_type, withheld, popular_items(run))


def popular_items(run: Run) -> list[str]:
    """Item ids, most popular first."""
    listed = run.work.read_document(run.data.popular, PopularList)
    return [item.item_id for item in listed.items]
