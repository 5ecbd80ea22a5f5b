"""The dataset group and what hangs on it: schemas, datasets, the event tracker, filters."""

from __future__ import annotations

from typing import Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.errors import ResourcePending
from chalicelib.personalize.calls import Calls
from chalicelib.personalize.ensure import create_once, ensure, ready
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
        )

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
        )
        if update := state.get("latestDatasetUpdate"):
            ready(f"{what}, its new schema", update)
        if state["schemaArn"] != schema_arn:
            create_once(
                f"{what}, its new schema",
                lambda: self.client.update_dataset(datasetArn=arn, schemaArn=schema_arn),
            )
            raise ResourcePending(f"{what}: moving to {schema_arn}")

    def ensure_event_tracker(self, group: str) -> str:
        """The tracking id. A group has at most one tracker, whoever made it."""
        what, group_arn = f"event tracker of {group!r}", self.arns.dataset_group(group)
        found = self._trackers(group_arn)
        if not found:
            create_once(
                what,
                lambda: self.client.create_event_tracker(
                    name=names.event_tracker(group), datasetGroupArn=group_arn
                ),
            )
            found = self._trackers(group_arn)
        state = call(
            self.client.describe_event_tracker, eventTrackerArn=found[0]["eventTrackerArn"]
        )["eventTracker"]
        return str(ready(what, state)["trackingId"])

    def _trackers(self, group_arn: str) -> Any:
        return call(self.client.list_event_trackers, datasetGroupArn=group_arn)["eventTrackers"]

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
        )
        return arn
