"""Recipes: all that is known of each, one row a recipe.

A recipe's type says what is asked of its models and how they can be judged; the row adds what is its
own. Sources: Personalize's guide, "Choosing a recipe" and its price page; `reference/personalize.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Literal, get_args

# What one query to a model of the type holds, in a batch line and in a request alike.
Query = Literal["user", "item", "ranking", "segment", "actions", "rating"]
Bulk = Literal["inference", "segment"]
Backend = Literal["personalize", "sagemaker"]
# What a caller wants of a model; a route asks for one of these, and the config names who answers.
Intent = Literal["personal", "related", "ranked", "popular", "trending", "action", "segment"]
# How training is billed: by the interactions trained on, by the hour, or by the instance.
Price = Literal["interactions", "hours", "instance"]


@dataclass(frozen=True)
class RecipeType:
    """`name` is Personalize's own `recipeType`.

    `is_scored`: whether withheld interactions can judge its models. `floor` is the factor over the
    popularity baseline that a candidate must reach unless the config says otherwise.
    `has_campaign`: whether a campaign can serve it; the others answer by batch only. `bulk` is the kind
    of batch job that answers many questions.
    """

    name: str
    query: Query
    intent: Intent
    is_scored: bool = True
    floor: float = 1.10
    has_campaign: bool = True
    bulk: Bulk | None = "inference"


USER_PERSONALIZATION = RecipeType("USER_PERSONALIZATION", "user", "personal")
# What is popularity itself has not to beat it; nor has what rises now to beat what sold all year.
POPULAR_ITEMS = RecipeType("POPULAR_ITEMS", "user", "popular", floor=0.0)
# What goes with an item is no guess at what sells, so popularity is no bar to clear.
RELATED_ITEMS = RecipeType("RELATED_ITEMS", "item", "related", floor=0.0)
PERSONALIZED_RANKING = RecipeType("PERSONALIZED_RANKING", "ranking", "ranked")
USER_SEGMENTATION = RecipeType(
    "USER_SEGMENTATION", "segment", "segment", is_scored=False, has_campaign=False, bulk="segment"
)
PERSONALIZED_ACTIONS = RecipeType(
    "PERSONALIZED_ACTIONS", "actions", "action", is_scored=False, bulk=None
)
RATING_PREDICTION = RecipeType(
    "RATING_PREDICTION", "rating", "personal", is_scored=False, bulk=None
)


@dataclass(frozen=True)
class Recipe:
    """`name` is what `recdrop.toml` and Personalize call it; `needs` are the dataset kinds it trains on.

    `segments` says how many questions of which kind a segment job takes. `own_intent` is what its
    models are for where that is not what all of the type are for.
    """

    name: str
    type: RecipeType
    backend: Backend = "personalize"
    price: Price = "hours"
    needs: tuple[str, ...] = ("interactions",)
    own_intent: Intent | None = None
    segments: Mapping[str, int] = field(default_factory=dict)

    @property
    def intent(self) -> Intent:
        return self.own_intent or self.type.intent


_WITH_ITEMS = ("interactions", "items")
_ROWS = (
    Recipe("aws-user-personalization-v2", USER_PERSONALIZATION, price="interactions"),
    Recipe("aws-user-personalization", USER_PERSONALIZATION),
    Recipe("aws-hrnn", USER_PERSONALIZATION),
    Recipe("aws-hrnn-metadata", USER_PERSONALIZATION),
    Recipe("aws-hrnn-coldstart", USER_PERSONALIZATION),
    Recipe("aws-popularity-count", POPULAR_ITEMS),
    Recipe("aws-trending-now", POPULAR_ITEMS, own_intent="trending"),
    Recipe("aws-personalized-ranking-v2", PERSONALIZED_RANKING, price="interactions"),
    Recipe("aws-personalized-ranking", PERSONALIZED_RANKING),
    Recipe("aws-similar-items", RELATED_ITEMS),
    Recipe("aws-sims", RELATED_ITEMS),
    Recipe("aws-semantic-similarity", RELATED_ITEMS, needs=_WITH_ITEMS),
    Recipe("aws-item-affinity", USER_SEGMENTATION, segments={"items": 500}),
    Recipe(
        "aws-item-attribute-affinity",
        USER_SEGMENTATION,
        needs=_WITH_ITEMS,
        segments={"attributes": 10},
    ),
    Recipe(
        "aws-next-best-action",
        PERSONALIZED_ACTIONS,
        needs=("interactions", "actions", "action_interactions"),
    ),
    Recipe("svd", RATING_PREDICTION, backend="sagemaker", price="instance"),
)
# A dict, not a frozen mapping: a test of the whole pipeline adds a row of its own.
RECIPES: MutableMapping[str, Recipe] = {recipe.name: recipe for recipe in _ROWS}
TYPES: Mapping[str, RecipeType] = {row.type.name: row.type for row in _ROWS}
INTENTS: tuple[Intent, ...] = get_args(Intent)
