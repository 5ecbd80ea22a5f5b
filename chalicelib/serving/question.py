"""One question to one solution: who asks, about what, with which wishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.options import Options
from chalicelib.vocabulary.recipes import Intent

MAX_RANKED_ITEMS = 500
Kind = Literal["recommend", "similar", "rank", "popular", "trending"]
# What is wanted by which kind, the best first: for a user a personal answer, else a popular one.
_WANTED: dict[Kind, tuple[Intent, ...]] = {
    "recommend": ("personal", "popular", "trending"),
    "similar": ("related",),
    "rank": ("ranked",),
    "popular": ("popular", "trending"),
    "trending": ("trending", "popular"),
}


@dataclass(frozen=True)
class Question:
    """What is asked of one solution. Hashable: the key of caches and of de-duplication.

    `ranked` are the items to put in order; it is empty for all other kinds.
    """

    kind: Kind
    options: Options
    user_id: str | None = None
    item_id: str | None = None
    ranked: tuple[str, ...] = ()

    @property
    def intents(self) -> tuple[Intent, ...]:
        """What solutions that can answer are for, the best first."""
        return _WANTED[self.kind]

    @property
    def has_wishes(self) -> bool:
        """Whether the caller said anything that a campaign could rightly refuse."""
        options = self.options
        is_for_everyone = self.kind in ("popular", "trending")
        return not is_for_everyone or options.filter is not None or bool(options.context)

    @property
    def size(self) -> int:
        """How many items the answer has at most."""
        return len(self.ranked) or self.options.num_results


def for_user(user_id: str, options: Options) -> Question:
    return Question("recommend", options, user_id=user_id)


def for_item(item_id: str, options: Options, user_id: str | None = None) -> Question:
    """Items that go with `item_id`. A `user_id` is for filters on what that user did."""
    return Question("similar", options, item_id=item_id, user_id=user_id)


def for_ranking(user_id: str, items: Sequence[str], options: Options) -> Question:
    """Which of `items` the user likes best. An item that is given twice is ranked once.

    Raises:
        BadRequest: there are no items, or more than the service takes.
    """
    if not 1 <= len(items) <= MAX_RANKED_ITEMS:
        raise BadRequest(f"items has {len(items):,} entries. Expected 1 to {MAX_RANKED_ITEMS}.")
    # dict.fromkeys: the first place of each item counts, so the same list is the same question.
    return Question("rank", options, user_id=user_id, ranked=tuple(dict.fromkeys(items)))


def for_everyone(options: Options, kind: Literal["popular", "trending"] = "popular") -> Question:
    """What all like, or what is on the rise."""
    return Question(kind, options)
