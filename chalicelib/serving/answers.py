"""The answer of every recommending route, as JSON: camelCase, absent values left out."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Source = Literal["campaign", "cache", "fallback"]


class AnswerItem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`reason` is the service's own word: "Exploration", "Popular item", "Promoted item"."""

    item_id: str
    score: float | None = None
    reason: str | None = None
    metadata: dict[str, Any] | None = None


class Answer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Who answered (`source`, `solution_version`, `recommendation_id`) beside what.

    `reason` says why a fallback, or why an answer is not personal; `notes` what was asked for and
    not done.
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
