"""The dataset group and what hangs on it: schemas, datasets, the event tracker, filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.errors import Missing
from chalicelib.personalize.calls import Calls
from chalicelib.personalize.ensure import (
    State,
    change_once,
    check_change,
    describe_if_there,
    ensure,
)
from chalicelib.vocabulary.datasets import DATASETS


class Groups(Calls):
    """Verbs that make a resource once and wait for it.

    Raises:
        ResourcePending: of every verb, until its resource is ready.
        ResourceFailed: of every verb, with the service's reason.
    """

    def ensure_group(self, name: str, domain: str | None) -> None:
        arn = self.arns.dataset_group(name)
        extra: Any = {"domain": domain} if domain else {}
        ensure(
            f"dataset group {name!r}",
            lambda: self.client.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"],
            lambda: self.client.create_dataset_group(name=name, **extra),
            delete=lambda _: self.client.delete_dataset_group(datasetGroupArn=arn),
            memory=self.memory,
        )

    def has_group(self, name: str) -> bool:
        arn = self.arns.dataset_group(name)
        describe = self.client.describe_dataset_group
        return describe_if_there(lambda: describe(datasetGroupArn=arn)["datasetGroup"]) is not None

    def ensure_schema(self, group: str, dataset: str, text: str, domain: str | None) -> str:
        """The ARN of the schema with the Avro JSON `text`, of which there is one per content."""
        name = names.schema(group, dataset, text)
        arn = self.arns.schema(name)
        extra: Any = {"domain": domain} if domain else {}
        ensure(
            f"schema {name!r}",
            lambda: self.client.describe_schema(schemaArn=arn)["schema"],
            lambda: self.client.create_schema(name=name, schema=text, **extra),
        )
        return arn

    def ensure_dataset(self, group: str, dataset: str, schema_arn: str) -> None:
        """The dataset has this schema; one with another moves to it when the columns changed."""
        arn, what = self.arns.dataset(group, dataset), f"dataset {dataset!r} of {group!r}"
        state = ensure(
            what,
            lambda: self.client.describe_dataset(datasetArn=arn)["dataset"],
            lambda: self.client.create_dataset(
                name=names.dataset(group, dataset),
                schemaArn=schema_arn,
                datasetGroupArn=self.arns.dataset_group(group),
                datasetType=DATASETS[dataset].wire,
            ),
            delete=lambda _: self.client.delete_dataset(datasetArn=arn),
            memory=self.memory,
        )
        moving = f"{what}: moving to {schema_arn}"
        check_change(moving, state.get("latestDatasetUpdate"), self.memory)
        if state["schemaArn"] != schema_arn:
            change_once(
                moving,
                lambda: self.client.update_dataset(datasetArn=arn, schemaArn=schema_arn),
                self.memory,
            )

    def ensure_event_tracker(self, group: str) -> str:
        """The tracking id. A group has at most one tracker, whoever made it."""
        group_arn = self.arns.dataset_group(group)
        state = ensure(
            f"event tracker of {group!r}",
            lambda: self._tracker(group_arn),
            lambda: self.client.create_event_tracker(
                name=names.event_tracker(group), datasetGroupArn=group_arn
            ),
            delete=lambda state: self.client.delete_event_tracker(
                eventTrackerArn=state["eventTrackerArn"]
            ),
            memory=self.memory,
        )
        return str(state["trackingId"])

    def put_events(self, tracking_id: str, user: str, events: Sequence[Any]) -> None:
        """At most ten events of one user, as PutEvents has them, in a session of their own."""
        call(
            self.events.put_events,
            trackingId=tracking_id,
            userId=user,
            sessionId=user,
            eventList=events,
        )

    def _tracker(self, group_arn: str) -> State:
        """Its ARN ends in an id of the service's own, so it is looked for.

        Raises:
            Missing: the group has none.
        """
        found = call(self.client.list_event_trackers, datasetGroupArn=group_arn)["eventTrackers"]
        if not found:
            raise Missing("ResourceNotFoundException", f"{group_arn} has no event tracker.")
        arn = found[0]["eventTrackerArn"]
        return call(self.client.describe_event_tracker, eventTrackerArn=arn)["eventTracker"]

    def action_tracker(self, group: str) -> str:
        """The tracking id of the dataset of action interactions, which is the dataset's own."""
        arn = self.arns.dataset(group, "action_interactions")
        return str(call(self.client.describe_dataset, datasetArn=arn)["dataset"]["trackingId"])

    def ensure_filter(self, group: str, name: str, expression: str) -> str:
        """The ARN of the filter, which is another one for another expression."""
        full = names.filter_(group, name, expression)
        arn = self.arns.filter(full)
        ensure(
            f"filter {name!r}",
            lambda: self.client.describe_filter(filterArn=arn)["filter"],
            lambda: self.client.create_filter(
                name=full,
                datasetGroupArn=self.arns.dataset_group(group),
                filterExpression=expression,
            ),
            delete=lambda _: self.client.delete_filter(filterArn=arn),
            memory=self.memory,
        )
        return arn
