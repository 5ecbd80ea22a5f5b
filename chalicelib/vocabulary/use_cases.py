"""Use cases of domain dataset groups: all that is known of each, one row a use case.

What a recipe is to a solution, a use case is to a recommender. Source: Personalize's guide, "Choosing a
domain use case", as of 2025-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.vocabulary.recipes import (
    POPULAR_ITEMS,
    RECIPES,
    RELATED_ITEMS,
    TYPES,
    USER_PERSONALIZATION,
    Intent,
    RecipeType,
)

Domain = Literal["ECOMMERCE", "VIDEO_ON_DEMAND"]
MIN_EVENTS = 1_000  # of the use case's own type
# Use cases want a user, also where the question is about an item: this one did nothing and owns nothing.
ANYBODY = "recdrop-anybody"


@dataclass(frozen=True)
class UseCase:
    """`name` is what Personalize calls its recipe; `event` is the event type that it learns from.

    `own_intent` is as of a recipe.
    """

    name: str
    domain: Domain
    type: RecipeType
    event: str
    own_intent: Intent | None = None

    @property
    def intent(self) -> Intent:
        return self.own_intent or self.type.intent


_SHOP, _VIDEO = "aws-ecomm-", "aws-vod-"
_ROWS = (
    UseCase(f"{_SHOP}recommended-for-you", "ECOMMERCE", USER_PERSONALIZATION, "View"),
    UseCase(f"{_SHOP}popular-items-by-views", "ECOMMERCE", POPULAR_ITEMS, "View"),
    UseCase(f"{_SHOP}popular-items-by-purchases", "ECOMMERCE", POPULAR_ITEMS, "Purchase"),
    UseCase(f"{_SHOP}frequently-bought-together", "ECOMMERCE", RELATED_ITEMS, "Purchase"),
    UseCase(f"{_SHOP}customers-who-viewed-x-also-viewed", "ECOMMERCE", RELATED_ITEMS, "View"),
    UseCase(f"{_VIDEO}top-picks", "VIDEO_ON_DEMAND", USER_PERSONALIZATION, "Watch"),
    UseCase(f"{_VIDEO}because-you-watched-x", "VIDEO_ON_DEMAND", RELATED_ITEMS, "Watch"),
    UseCase(f"{_VIDEO}more-like-x", "VIDEO_ON_DEMAND", RELATED_ITEMS, "Watch"),
    UseCase(f"{_VIDEO}most-popular", "VIDEO_ON_DEMAND", POPULAR_ITEMS, "Watch"),
    UseCase(f"{_VIDEO}trending-now", "VIDEO_ON_DEMAND", POPULAR_ITEMS, "Watch", "trending"),
)
USE_CASES: Mapping[str, UseCase] = {row.name: row for row in _ROWS}


def intent_of(name: str, recipe_type: str) -> str:
    """What a solution or recommender is for, by its recipe or use case.

    By its type where that has left the table.
    """
    row = USE_CASES.get(name) or RECIPES.get(name) or TYPES.get(recipe_type)
    return row.intent if row else recipe_type
