"""What runs made in Personalize, in the order in which it can be deleted, and its deletion.

Campaigns and recommenders before solutions, everything before the datasets that it was made from,
schemas when no dataset has them any more, the group last. Jobs cannot be deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from botocore.exceptions import ClientError

# Kind, in words and in Personalize's: the list, its items, the ARN's parameter, in the order of
# their deletion. Each list is asked for a group, but campaigns, which belong to a solution.
OF_GROUP = (
    ("recommender", "recommenders", "recommenderArn"),
    ("solution", "solutions", "solutionArn"),
    ("event tracker", "eventTrackers", "eventTrackerArn"),
    ("filter", "Filters", "filterArn"),
    ("dataset", "datasets", "datasetArn"),
)
POLL_SECONDS = 15.0
DELETE_SECONDS = 7200
PENDING = ("ResourceInUseException",)  # something it depends on is not gone yet, or it is pending


@dataclass(frozen=True)
class Resource:
    """One resource, and the argument that names it to Personalize."""

    kind: str
    name: str
    argument: str
    arn: str

    def describe(self, personalize: Any) -> dict[str, Any]:
        """The service's own document."""
        verb = self.kind.replace(" ", "_")
        answer = getattr(personalize, f"describe_{verb}")(**{self.argument: self.arn})
        return dict(next(v for k, v in answer.items() if k != "ResponseMetadata"))

    def delete(self, personalize: Any) -> bool:
        """Ask for the deletion; whether the resource is still there."""
        verb = self.kind.replace(" ", "_")
        try:
            body = self.describe(personalize)
            if not body.get("status", "ACTIVE").startswith("DELETE "):
                getattr(personalize, f"delete_{verb}")(**{self.argument: self.arn})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException":
                return False
            if code not in PENDING:
                raise
            # A schema that another group's dataset has stays, and costs nothing.
            return self.kind != "schema"
        return True


def find_resources(personalize: Any, groups: Iterable[str]) -> Iterator[Resource]:
    """All resources of the groups, in the order of their deletion."""
    arns = {
        found["name"]: found["datasetGroupArn"]
        for found in pages(personalize, "list_dataset_groups", "datasetGroups")
    }
    for group in groups:
        if group in arns:
            yield from of_group(personalize, group, arns[group])


def of_group(personalize: Any, group: str, arn: str) -> Iterator[Resource]:
    """The resources of one group."""
    found = {
        kind: [
            Resource(
                kind,
                item.get("name") or item[argument].rsplit("/", 1)[-1],
                argument,
                item[argument],
            )
            for item in pages(personalize, verb(kind), items, datasetGroupArn=arn)
        ]
        for kind, items, argument in OF_GROUP
    }
    for solution in found["solution"]:
        for item in pages(personalize, "list_campaigns", "campaigns", solutionArn=solution.arn):
            yield Resource("campaign", item["name"], "campaignArn", item["campaignArn"])
    for kind, _, _ in OF_GROUP:
        yield from found[kind]
    yield from schemas(personalize, group)
    yield Resource("dataset group", group, "datasetGroupArn", arn)


def verb(kind: str) -> str:
    """The list operation of a kind."""
    return f"list_{kind.replace(' ', '_')}s"


def schemas(personalize: Any, group: str) -> Iterator[Resource]:
    """The schemas that `chalicelib.names` named after the group, old ones too."""
    from chalicelib.vocabulary.datasets import DATASETS

    kinds = "|".join(DATASETS)
    for item in pages(personalize, "list_schemas", "schemas"):
        if re.fullmatch(rf"{re.escape(group)}-({kinds})-[0-9a-f]{{8}}", item["name"]):
            yield Resource("schema", item["name"], "schemaArn", item["schemaArn"])


def pages(personalize: Any, operation: str, items: str, **of: str) -> Iterator[dict[str, Any]]:
    """Every item of a list."""
    for page in personalize.get_paginator(operation).paginate(**of):
        yield from page[items]


def delete_resources(
    personalize: Any,
    resources: tuple[Resource, ...],
    say: Callable[[str], None],
    sleep: Callable[[float], None],
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Delete resources of Personalize, kind after kind, waiting for each to be gone.

    Raises:
        click.ClickException: one is not gone within two hours.
    """
    for resource in resources:
        say(f"deleting {resource.kind} {resource.name}")
        waited = 0.0
        while resource.delete(personalize):
            if waited > DELETE_SECONDS:
                raise click.ClickException(
                    f"{resource.kind} {resource.name!r} is still there after {waited:.0f} s. "
                    "Run the same command again."
                )
            sleep(poll_seconds)
            waited += poll_seconds
