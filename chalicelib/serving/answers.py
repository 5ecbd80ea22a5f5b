"""The answer of every recommending route, as JSON: camelCase, absent values left out."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Source = Literal["campaign", "cache", "fallback"]
# The service's own words for an item that is there because everybody likes it; our list uses them too.
POPULAR_REASON = "Popular item"


class AnswerItem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One item. `reason` is the service's own word: "Exploration", "Popular item", ..."""

    item_id: str
    score: float | None = None
    reason: str | None = None
    metadata: dict[str, Any] | None = None


class Answer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What was answered, and who did: `source`, `solution_version`, `recommendation_id`.

    `reason` says why it is a fallback, or why it is not personal; `notes` say what was asked for
    and not done.
    """

    items: tuple[AnswerItem, ...]
    source: Source
    reason: str | None = None
    notes: tuple[str, ...] = ()
    user: Literal["unknown"] | None = None
    item: Literal["unknown"] | None = None
    group: str
    solution: str | None = None
    recipe: str | None = None
    solution_version: str | None = None
    recommendation_id: str | None = None
    run: str | None = None
