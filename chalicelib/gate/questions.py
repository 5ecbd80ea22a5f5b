"""What the gate asks, and how it reads the answers: batch inference queries from withheld users, per
recipe type. Pure.

A recipe is judged as what it is. Related items are asked for the item that a user took last, and what
sells anyway does not count: the most popular items are neither truth nor answer. A ranking is judged
by the order it gives to what the user took next among popular items. All else is asked by the user.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.gate.promotion import Answers
from chalicelib.vocabulary.metrics import Truth
from chalicelib.vocabulary.recipes import Query, RecipeType

RANKED_AMONG = 100  # how many items a ranking query holds: the truth, filled up with popular items
COMMONPLACE_SHARE = 0.1  # of the list of popular items: what related items are not judged by


@dataclass(frozen=True)
class Withheld:
    """`truth`: user -> items withheld from the import.

    `last`: user -> the newest item that was imported.
    """

    truth: Mapping[str, Truth]
    last: Mapping[str, str]

    @classmethod
    def parse(cls, withheld_csv: str, last: Mapping[str, str]) -> Withheld:
        truth: dict[str, set[str]] = {}
        for row in csv.DictReader(io.StringIO(withheld_csv)):
            truth.setdefault(row["USER_ID"], set()).add(row["ITEM_ID"])
        return cls({user: frozenset(items) for user, items in sorted(truth.items())}, last)


@dataclass(frozen=True)
class Questions:
    """`lines` are the distinct queries, `of_user` the index of each user's one.

    `truth` and `popular` are the users' relevant items and the baseline's answers. `commonplace`
    items are left out of every answer.
    """

    lines: tuple[Mapping[str, Any], ...]
    of_user: Mapping[str, int]
    truth: Mapping[str, Truth]
    popular: Answers
    commonplace: frozenset[str] = frozenset()

    def encode(self) -> str:
        """The batch inference input: a JSON line per query."""
        return "".join(_canonical(line) + "\n" for line in self.lines)


def ask(recipe_type: RecipeType, withheld: Withheld, popular: Sequence[str]) -> Questions:
    """What models of a type are asked. `popular` are the popular items, best first."""
    commonplace: frozenset[str] = frozenset()
    if recipe_type.query == "item":
        commonplace = frozenset(popular[: int(len(popular) * COMMONPLACE_SHARE)])
    truths = {
        user: truth - commonplace for user, truth in withheld.truth.items() if truth - commonplace
    }
    asked: dict[str, int] = {}  # a query's text -> its index: users may share one
    of_user: dict[str, int] = {}
    for user, truth in truths.items():
        query = _query(recipe_type.query, user, truth, withheld.last, popular)
        if query is not None:
            of_user[user] = asked.setdefault(_canonical(query), len(asked))
    lines = tuple(json.loads(line) for line in asked)
    baseline = {
        user: _without(commonplace, _by_popularity(lines[index], popular))
        for user, index in of_user.items()
    }
    return Questions(
        lines, of_user, {user: truths[user] for user in of_user}, baseline, commonplace
    )


def _canonical(query: Mapping[str, Any]) -> str:
    return json.dumps(query, sort_keys=True)


def _without(commonplace: frozenset[str], items: Sequence[str]) -> Sequence[str]:
    return [item for item in items if item not in commonplace] if commonplace else items


def _query(
    kind: Query, user: str, truth: Truth, last: Mapping[str, str], popular: Sequence[str]
) -> dict[str, object] | None:
    """None: nothing can be asked for this user."""
    if kind == "item":
        return {"itemId": last[user]} if user in last else None
    if kind == "ranking":
        others = (item for item in popular if item not in truth)
        return {"userId": user, "itemList": sorted([*truth, *others][:RANKED_AMONG])}
    return {"userId": user}


def _by_popularity(query: Mapping[str, Any], popular: Sequence[str]) -> Sequence[str]:
    """What the baseline answers: the popular list, or the given items in its order."""
    if "itemList" not in query:
        return popular
    rank = {item: position for position, item in enumerate(popular)}
    return sorted(query["itemList"], key=lambda item: (rank.get(item, len(rank)), item))


def read_answers(lines: Iterable[str], asked: Questions) -> Answers:
    """User -> recommended items, from the `.out` file of a batch job.

    A line in error gives its users no answer.
    """
    answers = read_lists(lines, asked)
    return {
        user: _without(asked.commonplace, answers.get(position, ()))
        for user, position in asked.of_user.items()
    }


def read_lists(lines: Iterable[str], asked: Questions) -> Mapping[int, Sequence[str]]:
    """Index of the query -> recommended items, as they came."""
    index = {_canonical(query): position for position, query in enumerate(asked.lines)}
    answers: dict[int, Sequence[str]] = {}
    for line in lines:
        if not line.strip():
            continue
        record = json.loads(line)
        position = index.get(_canonical(record["input"]))
        if position is not None and record.get("output"):
            answers[position] = record["output"]["recommendedItems"]
    return answers
