"""Recommenders of domain dataset groups: made, changed, stopped and started, and asked.

A recommender trains when it is made, when the columns it trains on are changed, and by itself every
seven days; nothing else makes it train, and it has no versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.config.sections import Recommender
from chalicelib.personalize.calls import Calls
from chalicelib.personalize.campaigns import exploration, other_exploration
from chalicelib.personalize.ensure import (
    State,
    change_once,
    check_change,
    describe_if_there,
    ensure,
)
from chalicelib.vocabulary.use_cases import ANYBODY

STOPPED = "INACTIVE"


class Recommenders(Calls):
    """Verbs that bring a recommender to what the config says, and wait for it."""

    def ensure_recommender(self, group: str, wanted: Recommender, *, metadata: bool) -> None:
        """It is as wanted: with this configuration, and started or stopped.

        Raises:
            ResourcePending: something is on its way.
            ResourceFailed: with the service's reason.
        """
        name = names.recommender(group, wanted.name)
        arn, what = self.arns.recommender(name), f"recommender {name!r}"
        config: Any = recommender_config(wanted, metadata=metadata)

        def describe() -> State:
            return self.client.describe_recommender(recommenderArn=arn)["recommender"]

        state = describe_if_there(describe)
        if state is None or state["status"] != STOPPED:
            state = ensure(
                what,
                describe,
                lambda: self.client.create_recommender(
                    name=name,
                    datasetGroupArn=self.arns.dataset_group(group),
                    recipeArn=self.arns.recipe(wanted.use_case),
                    recommenderConfig=config,
                ),
                delete=lambda _: self.client.delete_recommender(recommenderArn=arn),
                memory=self.memory,
            )
        self._configure(what, arn, state, config)
        self._start_or_stop(what, arn, state, stop=wanted.stopped)

    def _configure(self, what: str, arn: str, state: State, config: Any) -> None:
        moving = f"{what}, its update"
        check_change(moving, state.get("latestRecommenderUpdate"), self.memory)
        made = state["recommenderConfig"]
        if any(made.get(key) != value for key, value in config.items()):
            change_once(
                moving,
                lambda: self.client.update_recommender(
                    recommenderArn=arn, recommenderConfig=config
                ),
                self.memory,
            )

    def _start_or_stop(self, what: str, arn: str, state: State, *, stop: bool) -> None:
        is_stopped = state["status"] == STOPPED
        if stop and not is_stopped:
            stop_it = self.client.stop_recommender
            change_once(f"{what}, its stop", lambda: stop_it(recommenderArn=arn), self.memory)
        if is_stopped and not stop:
            start_it = self.client.start_recommender
            change_once(f"{what}, its start", lambda: start_it(recommenderArn=arn), self.memory)

    def own_recommender_metrics(self, arn: str) -> dict[str, float]:
        """Personalize's own offline metrics of the model that serves."""
        found = call(self.client.describe_recommender, recommenderArn=arn)["recommender"]
        return dict(found.get("modelMetrics", {}))

    def ask_recommender(
        self, arn: str, query: Mapping[str, Any], columns: Sequence[str], count: int
    ) -> list[str]:
        """The item ids that it answers to a batch query, best first."""
        who = {"recommenderArn": arn, "userId": ANYBODY}
        arguments: dict[str, Any] = {**who, "numResults": count, **query}
        if columns:
            arguments["metadataColumns"] = {"ITEMS": list(columns)}
        answer = call(self.runtime.get_recommendations, **arguments)
        return [item["itemId"] for item in answer["itemList"]]


def recommender_config(wanted: Recommender, *, metadata: bool) -> dict[str, Any]:
    """CreateRecommender's `recommenderConfig`. Columns are always said: an update that leaves them out
    would keep the old ones.
    """
    config: dict[str, Any] = {
        "minRecommendationRequestsPerSecond": wanted.min_requests_per_second,
        "enableMetadataWithRecommendations": metadata,
        **exploration(wanted),
    }
    if wanted.exclude_columns:
        excluded = {kind.upper(): list(names) for kind, names in wanted.exclude_columns.items()}
        config["trainingDataConfig"] = {"excludedDatasetColumns": excluded}
    return config


def other_settings(made: Mapping[str, Any], wanted: Recommender) -> dict[str, tuple[Any, Any]]:
    """What the config says of a recommender and what it has, where they differ: by the config's keys."""
    there = made["recommenderConfig"]
    least = there.get("minRecommendationRequestsPerSecond", 1), wanted.min_requests_per_second
    stopped = made["status"] == STOPPED, wanted.stopped
    pairs = {"stopped": stopped, "min_requests_per_second": least}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    return differing | other_exploration(there, wanted)
