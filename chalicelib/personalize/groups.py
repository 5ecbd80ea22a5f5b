"""The dataset group and what hangs on it: schemas, datasets, the event tracker, filters."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ResourcePending
from chalicelib.personalize.arns import Arns
from chalicelib.personalize.ensure import create_once, ensure, ready

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient


def ensure_group(client: PersonalizeClient, arns: Arns, name: str, domain: str | None) -> str:
    arn = arns.dataset_group(name)
    extra: Any = {"domain": domain} if domain else {}
    ensure(
        f"dataset group {name!r}",
        lambda: client.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"],
        lambda: client.create_dataset_group(name=name, **extra),
    )
    return arn


def ensure_schema(
    client: PersonalizeClient, arns: Arns, group: str, dataset: str, schema: str, domain: str | None
) -> str:
    """A schema per distinct content: its name ends in a hash, so drift makes a new one and nothing
    is overwritten.
    """
    name = (
        f"{group[:40]}-{dataset[:12]}-{hashlib.sha256(canonical(schema).encode()).hexdigest()[:8]}"
    )
    arn = arns.schema(name)
    extra: Any = {"domain": domain} if domain else {}
    ensure(
        f"schema {name!r}",
        lambda: client.describe_schema(schemaArn=arn)["schema"],
        lambda: client.create_schema(name=name, schema=schema, **extra),
    )
    return arn


def canonical(schema: str) -> str:
    return json.dumps(json.loads(schema), sort_keys=True, separators=(",", ":"))


def ensure_dataset(
    client: PersonalizeClient, arns: Arns, group: str, dataset: str, schema_arn: str
) -> str:
    """The dataset with this schema; an existing one moves to it (UpdateDataset) when the export's
    columns changed.
    """
    arn, what = arns.dataset(group, dataset), f"dataset {dataset!r} of {group!r}"
    state = ensure(
        what,
        lambda: client.describe_dataset(datasetArn=arn)["dataset"],
        lambda: client.create_dataset(
            name=f"{group[:40]}-{dataset}",
            schemaArn=schema_arn,
            datasetGroupArn=arns.dataset_group(group),
            datasetType=dataset.replace("_", " ").title().replace(" ", "_"),
        ),
    )
    if update := state.get("latestDatasetUpdate"):
        ready(f"{what}, its new schema", update)
    if state["schemaArn"] != schema_arn:
        create_once(
            f"{what}, its new schema",
            lambda: client.update_dataset(datasetArn=arn, schemaArn=schema_arn),
        )
        raise ResourcePending(f"{what}: moving to {schema_arn}")
    return arn


def ensure_event_tracker(client: PersonalizeClient, arns: Arns, group: str) -> str:
    """The tracking id. A group has at most one tracker, whoever made it."""
    group_arn = arns.dataset_group(group)
    found = client.list_event_trackers(datasetGroupArn=group_arn)["eventTrackers"]
    if not found:
        create_once(
            f"event tracker of {group!r}",
            lambda: client.create_event_tracker(
                name=f"{group[:50]}-events", datasetGroupArn=group_arn
            ),
        )
        found = client.list_event_trackers(datasetGroupArn=group_arn)["eventTrackers"]
    state = client.describe_event_tracker(eventTrackerArn=found[0]["eventTrackerArn"])[
        "eventTracker"
    ]
    return str(ready(f"event tracker of {group!r}", state)["trackingId"])


def ensure_filter(
    client: PersonalizeClient, arns: Arns, group: str, name: str, expression: str
) -> str:
    """A filter's expression cannot be changed, so the name carries a hash of it."""
    full = f"{group}-{name}"[:54] + "-" + hashlib.sha256(expression.encode()).hexdigest()[:8]
    arn = arns.filter(full)
    ensure(
        f"filter {name!r}",
        lambda: client.describe_filter(filterArn=arn)["filter"],
        lambda: client.create_filter(
            name=full, datasetGroupArn=arns.dataset_group(group), filterExpression=expression
        ),
    )
    return arn
