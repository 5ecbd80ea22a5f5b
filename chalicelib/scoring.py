"""What the gate asks, and how it reads the answers: batch inference queries from withheld users,
per recipe type. Pure.

A recipe is judged as what it is. Related items are asked for the item a user took last, and what
sells anyway does not count: the most popular items are neither truth nor answer. A ranking is
judged by the order it gives to what the user took next among popular items, everything else by the
user.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.promotion import Truth

RANKED_AMONG = 100  # how many items a ranking query holds: the truth, filled up with popular items
COMMONPLACE_SHARE = 0.1  # of the list of popular items: what related items are not judged by
SCORED_TYPES = frozenset(
    {"USER_PERSONALIZATION", "POPULAR_ITEMS", "RELATED_ITEMS", "PERSONALIZED_RANKING"}
)


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
    """`lines` are the distinct queries; `of_user` gives the index of each user's one; `truth` and
    `popular` are the users'
    relevant items and the baseline's answers; `commonplace` items are left out of every answer."""

    lines: tuple[dict[str, object], ...]
    of_user: Mapping[str, int]
    truth: Mapping[str, Truth]
    popular: Mapping[str, Sequence[str]]
    commonplace: frozenset[str] = frozenset()

    def encode(self) -> str:
        return "".join(json.dumps(line, sort_keys=True) + "\n" for line in self.lines)


def questions(recipe_type: str, withheld: Withheld, popular: Sequence[str]) -> Questions:
    """The batch input for a recipe type. `popular` is the list of popular items, best first."""
    asked: dict[str, int] = {}
    of_user: dict[str, int] = {}
    commonplace = frozenset(
        popular[: int(len(popular) * COMMONPLACE_SHARE)] if recipe_type == "RELATED_ITEMS" else ()
    )
    truths = {
        user: truth - commonplace for user, truth in withheld.truth.items() if truth - commonplace
    }
    for user, truth in truths.items():
        query = _query(recipe_type, user, truth, withheld.last, popular)
        if query is not None:
            of_user[user] = asked.setdefault(json.dumps(query, sort_keys=True), len(asked))
    lines = tuple(json.loads(line) for line in asked)
    baseline = {
        user: _without(commonplace, _by_popularity(lines[index], popular))
        for user, index in of_user.items()
    }
    return Questions(
        lines, of_user, {user: truths[user] for user in of_user}, baseline, commonplace
    )


def _without(commonplace: frozenset[str], items: Sequence[str]) -> Sequence[str]:
    return [item for item in items if item not in commonplace] if commonplace else items


def _query(
    recipe_type: str, user: str, truth: Truth, last: Mapping[str, str], popular: Sequence[str]
) -> dict[str, object] | None:
    if recipe_type == "RELATED_ITEMS":
        return {"itemId": last[user]} if user in last else None
    if recipe_type == "PERSONALIZED_RANKING":
        items = [*truth, *(item for item in popular if item not in truth)][:RANKED_AMONG]
        return {"userId": user, "itemList": sorted(items)}
    return {"userId": user}


def _by_popularity(query: Mapping[str, object], popular: Sequence[str]) -> Sequence[str]:
    items = query.get("itemList")
    if not isinstance(items, list):
        return popular
    rank = {item: position for position, item in enumerate(popular)}
    return sorted(items, key=lambda item: (rank.get(item, len(rank)), item))


def read_answers(lines: Iterable[str], asked: Questions) -> dict[str, Sequence[str]]:
    """User -> recommended items, from the `.out` file of a batch job.

    A line in error gives its users no answer.
    """
    index = {
        json.dumps(query, sort_keys=True): position for position, query in enumerate(asked.lines)
    }
    answers: dict[int, Sequence[str]] = {}
    for line in lines:
        if line.strip():
            record = json.loads(line)
            position = index.get(json.dumps(record["input"], sort_keys=True))
            if position is not None and record.get("output"):
                answers[position] = record["output"]["recommendedItems"]
    return {
        user: _without(asked.commonplace, answers.get(position, ()))
        for user, position in asked.of_user.items()
    }
