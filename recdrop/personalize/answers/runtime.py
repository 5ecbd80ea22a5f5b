"""GetRecommendations, GetPersonalizedRanking and GetActionRecommendations."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recdrop.personalize.answers.scores import shown_score
from recdrop.personalize.answers.serving import Chosen, Serving
from recdrop.personalize.control.catalog import Catalog, Recipe
from recdrop.personalize.errors import InvalidInputError, NotFoundError
from recdrop.personalize.events.shown import Shown
from recdrop.recommender import Model, Query, Scored
from recdrop.service.resources.quotas import Quotas
from recdrop.service.resources.store import Resource, Store

DEFAULT_RESULTS, DEFAULT_ACTIONS = 25, 5
PROMOTED = "Promoted item"
Request = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """What answers: a campaign or a recommender, resolved to the model in service."""

    arn: str
    group: str
    recipe: Recipe
    model: Model
    events_upto: int
    config: Mapping[str, Any]

    @property
    def exploration(self) -> dict[str, float]:
        """Arguments of Model.recommend from itemExplorationConfig."""
        config = self.config.get("itemExplorationConfig", {})
        return {
            "exploration_weight": float(config.get("explorationWeight", 0.3)),
            "exploration_item_age_cut_off": float(config.get("explorationItemAgeCutOff", 30)),
        }


@dataclass(frozen=True)
class Question:
    """A GetRecommendations: what is asked of `source`, and the id that its answer will have."""

    source: Source
    request: Request
    user: str | None
    item: str | None
    count: int
    recommendation_id: str

    @property
    def seed(self) -> int:
        """Of what is left to chance in the answer."""
        return int(self.recommendation_id[4:12], 16)


class Runtime:
    """Each public method answers one operation, without a transaction: nothing is written."""

    def __init__(
        self,
        store: Store,
        serving: Serving,
        catalog: Catalog,
        quotas: Quotas,
        shown: Shown,
    ) -> None:
        self._store = store
        self._serving = serving
        self._catalog = catalog
        self._quotas = quotas
        self._shown = shown
        # Ids differ between servers, as they are given back with events that outlive a server.
        self._numbers = itertools.count()
        self._origin = os.urandom(8).hex()

    def recommend(self, request: Request) -> dict[str, Any]:
        """GetRecommendations."""
        if ("campaignArn" in request) == ("recommenderArn" in request):
            raise InvalidInputError("Expected either campaignArn or recommenderArn, and not both.")
        source = self._source(request)
        columns = self._metadata_columns(source, request)
        count = self._count(
            request, "recommendations", DEFAULT_RESULTS, with_metadata=bool(columns)
        )
        user, item = _who(source.recipe, request)
        question = Question(source, request, user, item, count, self._new_id())
        allowed = self._hidden(source, self._allowed(source, request, user, item), user)
        found = self._scored(question, count, allowed)
        listed = [_entry(source, scored) for scored in found[:count]]
        for promotion in request.get("promotions", ()):
            listed = _mixed(question, listed, self._promoted(question, promotion))
        for entry in listed:
            self._decorate(source, entry, columns)
        self._shown.remember(question.recommendation_id, [entry["itemId"] for entry in listed])
        return {"itemList": listed, "recommendationId": question.recommendation_id}

    def rank(self, request: Request) -> dict[str, Any]:
        """GetPersonalizedRanking: items that the filter hides are left out of the list."""
        source = self._source(request)
        if source.recipe.type != "PERSONALIZED_RANKING":
            raise InvalidInputError(
                f"{source.arn} is of recipe {source.recipe.name}, which does not rank lists."
            )
        columns = self._metadata_columns(source, request)
        most = self._quotas["ranked_items_with_metadata" if columns else "ranked_items"]
        items = list(dict.fromkeys(request["inputList"]))
        if not 1 <= len(request["inputList"]) <= most:
            raise InvalidInputError(
                f"inputList has {len(request['inputList'])} items. Expected 1 to {most}."
            )
        user = request["userId"]
        allowed = self._allowed(source, request, user, None)
        if allowed is not None:
            items = [item for item in items if _lets(allowed, source.model.item_index(item))]
        query = self._query(source, request, user)
        ranked = [
            {"itemId": scored.item_id, "score": shown_score(scored)}
            for scored in source.model.rank(query, items)
        ]
        for entry in ranked:
            self._decorate(source, entry, columns)
        recommendation_id = self._new_id()
        self._shown.remember(recommendation_id, items)
        return {"personalizedRanking": ranked, "recommendationId": recommendation_id}

    def recommend_actions(self, request: Request) -> dict[str, Any]:
        """GetActionRecommendations."""
        if "campaignArn" not in request:
            raise InvalidInputError("campaignArn is missing.")
        source = self._source(request)
        if source.recipe.type != "PERSONALIZED_ACTIONS":
            raise InvalidInputError(
                f"{source.arn} is of recipe {source.recipe.name}, which recommends no actions."
            )
        if "userId" not in request:
            raise InvalidInputError("userId is missing.")
        count = self._count(request, "action_recommendations", DEFAULT_ACTIONS)
        user = request["userId"]
        allowed = self._allowed(source, request, user, None)
        found = source.model.recommend(self._query(source, request, user), count, allowed=allowed)
        recommendation_id = self._new_id()
        self._shown.remember(recommendation_id, [scored.item_id for scored in found[:count]])
        actions = [
            {"actionId": scored.item_id, "score": shown_score(scored)} for scored in found[:count]
        ]
        return {"actionList": actions, "recommendationId": recommendation_id}

    def _source(self, request: Request) -> Source:
        arn = request.get("campaignArn") or request.get("recommenderArn", "")
        resource = self._store.get(arn)
        expected = "Campaign" if "campaignArn" in request else "Recommender"
        if resource is None or resource.kind != expected:
            raise NotFoundError.of(arn)
        # A recommender has its model itself; a campaign's is that of the version in service.
        holder = resource
        if resource.kind == "Campaign":
            holder = self._store.get(resource.notes["version"]) or resource
        # One that is being deleted serves until its model goes.
        if resource.status not in ("ACTIVE", "DELETE PENDING") or "model" not in holder.notes:
            raise InvalidInputError(f"{arn} is in status {resource.status}. Expected ACTIVE.")
        return self._source_of(resource, holder)

    def _source_of(self, resource: Resource, holder: Resource) -> Source:
        recipe = self._catalog.recipe(holder.doc["recipeArn"])
        assert recipe is not None  # noqa: S101 - checked when the solution was made
        config = resource.doc.get("campaignConfig") or resource.doc.get("recommenderConfig") or {}
        model = self._serving.model(holder.notes["model"])
        return Source(
            resource.arn,
            resource.doc["datasetGroupArn"],
            recipe,
            model,
            holder.notes["events_upto"],
            config,
        )

    def _count(
        self, request: Request, quota: str, default: int, *, with_metadata: bool = False
    ) -> int:
        most = self._quotas[f"{quota}_with_metadata" if with_metadata else quota]
        count = int(request.get("numResults") or default)
        if count > most:
            with_it = " with metadata" if with_metadata else ""
            raise InvalidInputError(f"numResults is {count}. Expected at most {most}{with_it}.")
        return count

    def _query(self, source: Source, request: Request, user: str | None) -> Query:
        context = {name.upper(): value for name, value in request.get("context", {}).items()}
        return self._serving.query(source.group, source.events_upto, user, context)

    def _allowed(self, source: Source, request: Request, user: str | None, item: str | None) -> Any:
        if "filterArn" not in request:
            if request.get("filterValues"):
                raise InvalidInputError("filterValues go with filterArn.")
            return None
        chosen = self._serving.choose(
            request["filterArn"], request.get("filterValues", {}), source.group
        )
        _check_target(chosen, source.recipe)
        return self._serving.mask(chosen, source.model, source.group, user, item)

    def _hidden(self, source: Source, allowed: Any, user: str | None) -> Any:
        """`allowed` without what the use case hides from a user who has it already."""
        if source.recipe.hides is None or user is None:
            return allowed
        places = self._serving.interacted(source.group, user, source.recipe.hides, source.model)
        shown = np.ones(len(source.model.item_ids), dtype=np.bool_) if allowed is None else allowed
        shown[places] = False
        return shown

    def _scored(self, question: Question, count: int, allowed: Any) -> Sequence[Scored]:
        source = question.source
        if source.recipe.type == "RELATED_ITEMS":
            return source.model.similar(question.item or "", count, allowed=allowed)
        return source.model.recommend(
            self._query(source, question.request, question.user),
            count,
            allowed=allowed,
            **source.exploration,
            seed=question.seed,
        )

    def _promoted(self, question: Question, promotion: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The best of the items that the promotion's filter lets through, its share of the answer."""
        _check_promotion(promotion)
        source = question.source
        wanted = round(question.count * promotion["percentPromotedItems"] / 100)
        chosen = self._serving.choose(
            promotion["filterArn"], promotion.get("filterValues", {}), source.group
        )
        _check_target(chosen, source.recipe)
        # Also when nothing is wanted: a value that does not fit the filter is refused.
        allowed = self._serving.mask(
            chosen, source.model, source.group, question.user, question.item
        )
        found = self._scored(question, wanted, allowed)[:wanted] if wanted else []
        promoted = [
            {**_entry(source, scored), "promotionName": promotion["name"]} for scored in found
        ]
        if source.recipe.gives_reasons:
            for entry in promoted:
                entry["reason"] = [PROMOTED]
        return promoted

    def _metadata_columns(self, source: Source, request: Request) -> list[str]:
        asked: Mapping[str, list[str]] = request.get("metadataColumns", {})
        if not asked:
            return []
        if not source.config.get("enableMetadataWithRecommendations"):
            raise InvalidInputError(
                f"{source.arn} gives no metadata. "
                "Expected enableMetadataWithRecommendations=true in its configuration."
            )
        if list(asked) != ["ITEMS"]:
            raise InvalidInputError(f"metadataColumns names {sorted(asked)}. Expected ITEMS.")
        columns, most = asked["ITEMS"], self._quotas["metadata_columns"]
        if len(columns) > most:
            raise InvalidInputError(
                f"metadataColumns has {len(columns)} columns. Expected at most {most}."
            )
        known = self._serving.rows(source.group, "ITEMS").names
        unknown = sorted(set(columns) - set(known))
        if unknown:
            raise InvalidInputError(
                f"Items have no column {unknown[0]!r}. Expected one of: {', '.join(sorted(known))}."
            )
        return columns

    def _decorate(self, source: Source, entry: dict[str, Any], columns: list[str]) -> None:
        if columns:
            entry["metadata"] = self._serving.rows(source.group, "ITEMS").texts(
                entry["itemId"], columns
            )

    def _new_id(self) -> str:
        digits = hashlib.sha256(f"{self._origin}:{next(self._numbers)}".encode()).hexdigest()
        return f"RID-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _entry(source: Source, scored: Scored) -> dict[str, Any]:
    """An item as the answer shows it; only some recipes have scores and reasons."""
    entry: dict[str, Any] = {"itemId": scored.item_id}
    if source.recipe.has_scores and scored.score is not None:
        entry["score"] = shown_score(scored)
    if source.recipe.gives_reasons and scored.reason:
        entry["reason"] = [scored.reason]
    return entry


def _mixed(
    question: Question, listed: list[dict[str, Any]], promoted: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Promoted items, in their own order, at random places among the others."""
    # An item that is promoted is not shown a second time.
    names = {entry["itemId"] for entry in promoted}
    others = [entry for entry in listed if entry["itemId"] not in names]
    others = others[: question.count - len(promoted)]
    total = len(promoted) + len(others)
    places = set(random.Random(question.seed).sample(range(total), len(promoted)))  # noqa: S311 # nosec B311
    left, right = iter(promoted), iter(others)
    return [next(left) if place in places else next(right) for place in range(total)]


def _who(recipe: Recipe, request: Request) -> tuple[str | None, str | None]:
    """User and item of a request, as the recipe asks for them."""
    user, item = request.get("userId"), request.get("itemId")
    if recipe.type == "RELATED_ITEMS" and not item:
        raise InvalidInputError(
            f"itemId is missing. Recipe {recipe.name} recommends related items."
        )
    if recipe.type == "USER_PERSONALIZATION" and not user:
        raise InvalidInputError(f"userId is missing. Recipe {recipe.name} recommends for users.")
    if recipe.type in ("PERSONALIZED_RANKING", "PERSONALIZED_ACTIONS"):
        operation = "GetActionRecommendations"
        if recipe.type == "PERSONALIZED_RANKING":
            operation = "GetPersonalizedRanking"
        raise InvalidInputError(
            f"Recipe {recipe.name} has no GetRecommendations. Expected {operation}."
        )
    if recipe.hides and not user:
        raise InvalidInputError(f"userId is missing. Use case {recipe.name} needs it.")
    return user, item


def _check_target(chosen: Chosen, recipe: Recipe) -> None:
    expected = "ActionID" if recipe.type == "PERSONALIZED_ACTIONS" else "ItemID"
    if chosen.filter.target != expected:
        raise InvalidInputError(
            f"The filter chooses {chosen.filter.target}. Expected one of {expected}."
        )


def _check_promotion(promotion: Mapping[str, Any]) -> None:
    missing = [
        name for name in ("name", "percentPromotedItems", "filterArn") if name not in promotion
    ]
    if missing:
        raise InvalidInputError(
            f"A promotion has no {', '.join(missing)}. Expected name, percentPromotedItems, filterArn."
        )


def _lets(allowed: Any, place: int | None) -> bool:
    return place is not None and bool(allowed[place])
